"""What a folder of results says: means with intervals, beside the unedited model.

Intervals are 95 % percentile bootstrap intervals. Cases that were edited alone are drawn one by one; where edits follow
each other, seeds are drawn first, and then cases (or items of a task) within them, since what one model answers is not
independent.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from survey.pitfalls.metrics.intervals import clustered
from survey.pitfalls.metrics.losses import perplexity
from survey.pitfalls.metrics.shares import mean
from survey.pitfalls.runs.plan import COLLAPSE, DOWNSTREAM, OTHER_TASK
from survey.pitfalls.runs.results import files, read


@dataclass(frozen=True)
class Cell:
    """One metric of one method after so many edits.

    method, variant: the method, and the settings that were changed ("" for none).
    kind: `single` (each fact alone), `sequence`, `pair` (two edits of one case).
    value, low, high: mean and interval; None where the model has collapsed and there is no number.
    unedited: the same questions asked of the unedited model.
    cases, seeds: over how many. collapsed: in how many there was no number.
    """

    method: str
    variant: str
    kind: str
    edits: int
    pitfall: str
    task: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    unedited: float | None
    cases: int
    seeds: int
    collapsed: int = 0


@dataclass(frozen=True)
class Told:
    """What a file says of its run, and what it cost: `seconds` for each part of it."""

    file: str
    head: dict[str, Any]
    seconds: dict[str, float]
    edits: int
    failed: int


@dataclass(frozen=True)
class Summary:
    """Everything of a folder."""

    runs: tuple[Told, ...]
    cells: tuple[Cell, ...]

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return {"runs": [asdict(run) for run in self.runs], "cells": [asdict(cell) for cell in self.cells]}


def summarise(folder: Path) -> Summary:
    """Means and intervals of all results of a folder. Raises `UserError` where there are none, or broken ones."""
    runs, cells = [], []
    for path in files(folder):
        head, steps = read(path, whole=False)
        made = [step[-1] for step in steps]
        seconds = {part: round(sum(row["seconds"][part] for row in made), 1) for part in ("edits", "questions", "tasks")}
        runs.append(Told(path.name, head, seconds, sum(row["made"] for row in made), sum(len(row["failed"]) for row in made)))
        cells += _cells(head, steps)
    return Summary(tuple(runs), tuple(cells))


def write(summary: Summary, folder: Path) -> None:
    """Write DIR/summary.json and DIR/summary.csv."""
    (folder / "summary.json").write_text(json.dumps(summary.record(), ensure_ascii=False, indent=1) + "\n", "utf-8")
    with (folder / "summary.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(list(Cell.__dataclass_fields__))
        rows.writerows([["" if v is None else v for v in asdict(cell).values()] for cell in summary.cells])


def _cells(head: dict[str, Any], steps: Sequence[list[dict[str, Any]]]) -> list[Cell]:
    """The cells of one file."""
    variant = ",".join(f"{name}={value}" for name, value in sorted(head["settings"].items()))
    who = {"method": head["method"], "variant": variant}
    scores: dict[tuple, dict[int, list]] = defaultdict(lambda: defaultdict(list))
    tasks: dict[tuple, dict[int, list]] = defaultdict(lambda: defaultdict(list))
    cost: dict[tuple, dict[int, list]] = defaultdict(lambda: defaultdict(list))
    for step in steps:
        last = step[-1]
        seed, edits, kind = last["seed"], last["edits"], last["chain"].split("/")[1]
        for row in step:
            if row["kind"] == "case":
                for pitfall, found in row["scores"].items():
                    for metric, pair in found.items():
                        scores[kind, edits, pitfall, metric][seed].append(pair)
            elif row["kind"] == "task":
                for metric, values in _by_metric(row["scores"]).items():
                    tasks[kind, edits, row["task"], metric][seed].append(values)
        if last["made"] and "cost" in head["pitfalls"]:
            cost[kind, edits, "cost", "seconds-per-edit"][seed].append([last["seconds"]["edits"] / last["made"], 0.0])
            cost[kind, edits, "cost", "bytes-per-edit"][seed].append([last["bytes"] / max(1, edits), 0.0])
    found = []
    for (kind, edits, pitfall, metric), seeds in [*scores.items(), *cost.items()]:
        groups = [[pair[0] for pair in pairs] for pairs in seeds.values()]
        before = [pair[1] for pairs in seeds.values() for pair in pairs]
        value, low, high = _interval(groups if kind == "sequence" else [[v for group in groups for v in group]])
        found.append(Cell(
            **who, kind=kind, edits=edits, pitfall=pitfall, task="", metric=metric, value=value, low=low, high=high,
            unedited=_rounded(mean(v for v in before if v is not None)), cases=sum(map(len, groups)), seeds=len(groups), collapsed=_lost(groups),
        ))  # fmt: skip
    for (kind, edits, task, metric), seeds in tasks.items():
        statistic = perplexity_of if metric == "perplexity" else mean
        groups = [values for lists in seeds.values() for values in lists]
        value, low, high = _interval(groups, statistic)
        start = next((lists[0] for lists in tasks.get(("sequence", 0, task, metric), {}).values()), None)
        unedited = _rounded(statistic(start)) if start else None
        pitfall = COLLAPSE if metric.startswith("perplexity") else DOWNSTREAM if DOWNSTREAM in head["pitfalls"] else OTHER_TASK
        cell = Cell(
            **who, kind=kind, edits=edits, pitfall=pitfall, task=task, metric=metric, value=value, low=low, high=high, unedited=unedited, cases=len(groups[0]), seeds=len(seeds), collapsed=_lost(groups),
        )  # fmt: skip
        found.append(cell)
    return sorted(found, key=lambda c: (c.kind, c.pitfall, c.task, c.metric, c.edits))


def _by_metric(scores: dict[str, list]) -> dict[str, list]:
    """Values of each item by metric; the loss and the length of a text, of which perplexity is made, together."""
    scores = dict(scores)
    if "perplexity.nll" in scores:
        scores["perplexity"] = list(zip(scores.pop("perplexity.nll"), scores.pop("perplexity.length"), strict=True))
    return scores


def perplexity_of(values: Sequence[tuple[float, int]]) -> float:
    """exp(loss per token), as far as a number goes."""
    return min(perplexity(values), 1e300)


def _interval(
    groups: Sequence[Sequence[Any]], statistic: Callable[[Sequence[Any]], float] = mean
) -> tuple[float | None, float | None, float | None]:
    """A statistic with its interval. A perplexity of some texts only would be none at all: one loss that is no number, and
    the model has collapsed."""
    if statistic is not mean and _lost(groups):
        return None, None, None
    found = clustered(dict(enumerate(groups)), statistic)
    return _rounded(found.value), _rounded(found.low), _rounded(found.high)


def _lost(groups: Sequence[Sequence[Any]]) -> int:
    """How many values are no number."""
    return sum(v is None or (isinstance(v, tuple) and None in v) for group in groups for v in group)


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.5g}")
