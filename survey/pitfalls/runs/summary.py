"""What a folder of results says: means with intervals, beside the unedited model.

Intervals are 95 % percentile bootstrap intervals. Of edits that were made alone, cases are drawn, each with what it gave
under every seed that has it; where all of them scored 0, or all of them 1, Wilson's interval stands instead. Where edits
follow each other, seeds are drawn first, and then cases within them, since what one model answers is not independent. Items
of a task are the same for every model, and are drawn once for all of them. Of what edits cost, the median is told. CounterFact's
overall score stands under `generalization`, wherever its three parts were measured on the same cases.
"""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from survey.files import load_taxonomy
from survey.pitfalls.metrics.intervals import Interval, bootstrap, clustered, crossed, whole
from survey.pitfalls.metrics.losses import downstream_score, other_task, perplexity
from survey.pitfalls.metrics.names import parts
from survey.pitfalls.metrics.probabilities import overall_score
from survey.pitfalls.metrics.shares import accuracy, mean, solve_rate
from survey.pitfalls.runs.plan import COLLAPSE, COST, DOWNSTREAM, FORGETTING, OTHER_TASK
from survey.pitfalls.runs.results import files, read
from survey.pitfalls.tasks import MAIN

# How the items of a task are put together, where the metric is one of all of them; others are metrics of each item, and averaged.
_OF_ITEMS = {"accuracy": accuracy, "solve-rate": solve_rate}

# What the overall score is made of: pitfall and metric.
_OVERALL = (
    ("generalization", "efficacy-score"), ("generalization.paraphrase", "paraphrase-score"), ("locality.neighbourhood", "neighbourhood-score"),
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One metric of one method after so many edits.

    method, variant: the method, and the settings that were changed ("" for none).
    kind: `single` (each fact alone), `sequence`, `pair` (two edits of one case).
    value, low, high: mean and interval; None where the model has collapsed and there is no number.
    unedited: the same questions asked of the unedited model.
    cases: how many cases, or items of the task. models: how many edited models; seeds: of how many seeds.
    collapsed: how many of the cases' scores, or of the models on a task, were no numbers; the mean is that of the others.
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
    models: int = 1


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
    (folder / "summary.json").write_text(_lines(summary), "utf-8")
    with (folder / "summary.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(list(Cell.__dataclass_fields__))
        rows.writerows([["" if v is None else v for v in asdict(cell).values()] for cell in summary.cells])


def _lines(summary: Summary) -> str:
    """JSON with a line for each run and each cell."""
    told = {part: ",\n".join(json.dumps(one, ensure_ascii=False) for one in ones) for part, ones in summary.record().items()}
    return "{" + ",\n".join(f'"{part}": [\n{lines}\n]' for part, lines in told.items()) + "}\n"


def _cells(head: dict[str, Any], steps: Sequence[list[dict[str, Any]]]) -> list[Cell]:
    """The cells of one file."""
    variant = ",".join(f"{name}={value}" for name, value in sorted(head["settings"].items()))
    who = {"method": head["method"], "variant": variant}
    scores: dict[tuple, dict[int, list]] = defaultdict(lambda: defaultdict(list))
    tasks: dict[tuple, dict[int, list]] = defaultdict(lambda: defaultdict(list))
    cost: dict[tuple, dict[int, list]] = defaultdict(lambda: defaultdict(list))
    learnt: dict[str, set[str] | None] = defaultdict(set)  # None where a part of the chain did not ask.
    for step in sorted(steps, key=lambda step: step[-1]["edits"]):
        last = step[-1]
        so_far = learnt[last["chain"]]
        learnt[last["chain"]] = None if so_far is None or (last["edits"] and "learnt" not in last) else so_far | set(last.get("learnt", ()))
        seed, edits, kind = last["seed"], last["edits"], last["chain"].split("/")[1]
        for row in step:
            if row["kind"] == "case":
                for pitfall, found in row["scores"].items():
                    for metric, pair in found.items():
                        scores[kind, edits, pitfall, metric][seed].append((row["case"], pair))
                    if pitfall == FORGETTING and row["case"] in (learnt[last["chain"]] or ()):
                        now = found["reliability.forced"][0]
                        scores[kind, edits, pitfall, "reliability.retained"][seed].append((row["case"], [now, None]))
            elif row["kind"] == "task":
                for metric, values in _by_metric(row["scores"]).items():
                    tasks[kind, edits, row["task"], metric][seed].append(values)
        if last["made"] and COST in head["pitfalls"]:
            at = kind, edits, COST
            cost[*at, "bytes-per-edit"][seed].append(last["bytes"] / max(1, edits))
            cost[*at, "seconds-per-edit"][seed] += last.get("processor", [])  # Older results have only the time on the clock, and no passes.
            passes = last.get("passes", [])
            cost[*at, "passes-per-edit"][seed] += [forward + backward for forward, backward in passes]
            cost[*at, "passes-per-edit.backward"][seed] += [backward for _, backward in passes]
            if last.get("memory"):
                cost[*at, "peak-memory"][seed].append(last["memory"])
    found = []
    for (kind, edits, pitfall, metric), seeds in scores.items():
        values = [pair[0] for pairs in seeds.values() for _, pair in pairs]
        # Of the cases that gave a number, where there are any.
        before = [pair[1] for pairs in seeds.values() for _, pair in pairs if None not in pair] or [
            pair[1] for pairs in seeds.values() for _, pair in pairs if pair[1] is not None
        ]
        if kind == "sequence":
            interval = clustered({seed: [pair[0] for _, pair in pairs] for seed, pairs in seeds.items()})
        else:
            cases = defaultdict(list)
            for pairs in seeds.values():
                for case, pair in pairs:
                    cases[case].append(pair[0])
            interval = whole(cases, share=_is_share(metric))
        found.append(Cell(
            **who, kind=kind, edits=edits, pitfall=pitfall, task="", metric=metric, **_told(interval),
            unedited=_rounded(mean(before)), cases=len(values), seeds=len(seeds), collapsed=sum(v is None for v in values),
            models=len(seeds) if kind == "sequence" else len(values),
        ))  # fmt: skip
    for kind, edits in dict.fromkeys((kind, edits) for kind, edits, *_ in scores):
        three = [scores.get((kind, edits, *part), {}) for part in _OVERALL]
        found += _overall(kind, edits, three, who)
    for (kind, edits, pitfall, metric), seeds in cost.items():
        if values := [v for some in seeds.values() for v in some]:
            found.append(Cell(
                **who, kind=kind, edits=edits, pitfall=pitfall, task="", metric=metric, **_told(bootstrap(values, median)),
                unedited=None if metric == "peak-memory" else 0.0, cases=len(values), seeds=len(seeds), models=len(values),
            ))  # fmt: skip
    for (kind, edits, task, metric), seeds in tasks.items():
        found += _task(head, kind, edits, task, metric, seeds, tasks.get(("sequence", 0, task, metric), {}), who)
    return sorted(found, key=lambda c: (c.kind, c.pitfall, c.task, c.metric, c.edits))


def _overall(kind: str, edits: int, three: Sequence[dict[int, list]], who: dict) -> list[Cell]:
    """The cell of the overall score, of the cases that have all its three parts; none where no case has."""
    told = [{(seed, case): pair for seed, pairs in seeds.items() for case, pair in pairs} for seeds in three]
    cases = [key for key in told[0] if all(key in part for part in told)]
    if not cases:
        return []
    after, before = ({key: tuple(part[key][which] for part in told) for key in cases} for which in (0, 1))
    groups: dict[Any, list] = defaultdict(list)
    for seed, case in cases:
        groups[seed if kind == "sequence" else case].append(after[seed, case])
    interval = (clustered if kind == "sequence" else whole)(groups, _of_three)
    if interval.low == interval.high:  # Every sample is the same, as if there were no doubt: then there is no interval.
        interval = interval._replace(low=math.nan, high=math.nan)
    # Of the cases that gave a number, where there are any.
    kept = [before[key] for key in cases if None not in (*after[key], *before[key])] or [b for b in before.values() if None not in b]
    seeds = {seed for seed, _ in cases}
    return [Cell(
        **who, kind=kind, edits=edits, pitfall="generalization", task="", metric="overall-score", **_told(interval),
        unedited=_rounded(_of_three(kept)) if kept else None, cases=len(cases), seeds=len(seeds), collapsed=interval.undefined,
        models=len(seeds) if kind == "sequence" else len(cases),
    )]  # fmt: skip


def _of_three(cases: Sequence[tuple[float, float, float]]) -> float:
    """The overall score: of the means over cases, not the mean of what each case gives."""
    return overall_score(*map(mean, zip(*cases, strict=True)))


def _task(head: dict, kind: str, edits: int, task: str, metric: str, seeds: dict[int, list], start: dict[int, list], who: dict) -> list[Cell]:
    """The cells of one metric of a task: itself, and beside the unedited model where it is the one that stands for the task."""
    models = [values for lists in seeds.values() for values in lists]
    before = next((lists[0] for lists in start.values()), None)
    if metric == "perplexity":
        # One loss that is no number, and the model has collapsed: a perplexity of its other texts would be none.
        alive = [values for values in models if not any(nll is None for nll, _ in values)]
        statistic = perplexity_of
    else:
        alive, statistic = models, _OF_ITEMS.get(metric, mean)
    common = {
        **who, "kind": kind, "edits": edits, "task": task, "cases": len(models[0]), "seeds": len(seeds), "models": len(models),
        "collapsed": len(models) - len(alive),
    }  # fmt: skip
    pitfall = COLLAPSE if metric.startswith("perplexity") else DOWNSTREAM if DOWNSTREAM in head["pitfalls"] else OTHER_TASK
    unedited = _rounded(statistic(before)) if before else None
    cells = [Cell(**common, pitfall=pitfall, metric=metric, **_told(crossed(alive, statistic)), unedited=unedited)]
    if not before or metric not in MAIN.values() or metric == "perplexity":
        return cells
    pairs = [list(zip(values, before, strict=True)) for values in models]
    if DOWNSTREAM in head["pitfalls"] and unedited:  # Of nothing there are no per cent.
        cells.append(Cell(**common, pitfall=DOWNSTREAM, metric="downstream-score", **_told(crossed(pairs, _percent)), unedited=100.0))
    if OTHER_TASK in head["pitfalls"] and metric == "accuracy":
        cells.append(Cell(**common, pitfall=OTHER_TASK, metric="other-task", **_told(crossed(pairs, _change)), unedited=0.0))
    return cells


@cache
def _is_share(metric: str) -> bool:
    """Whether a metric's values lie between 0 and 1."""
    term = load_taxonomy().metrics.get(parts(metric).metric)
    return term is not None and term.range == "0 to 1"


def _percent(pairs: Sequence[tuple[float, float]]) -> float:
    return downstream_score(mean(a for a, _ in pairs), mean(b for _, b in pairs))


def _change(pairs: Sequence[tuple[float, float]]) -> float:
    return other_task(mean(a for a, _ in pairs), mean(b for _, b in pairs))


def _told(found: Interval) -> dict[str, float | None]:
    return {"value": _rounded(found.value), "low": _rounded(found.low), "high": _rounded(found.high)}


def _by_metric(scores: dict[str, list]) -> dict[str, list]:
    """Values of each item by metric; the loss and the length of a text, of which perplexity is made, together."""
    scores = dict(scores)
    if "perplexity.nll" in scores:
        scores["perplexity"] = list(zip(scores.pop("perplexity.nll"), scores.pop("perplexity.length"), strict=True))
    return scores


def perplexity_of(values: Sequence[tuple[float, int]]) -> float:
    """exp(loss per token), as far as a number goes."""
    return min(perplexity(values), 1e300)


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.5g}")
