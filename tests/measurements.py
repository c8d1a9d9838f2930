"""Summaries of made-up measurements, for tests: in the shape that `survey measure` writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TASKS = {"reasoning": ("solve-rate", 0.5), "open-domain-qa": ("exact-match", 0.4), "sentiment-analysis": ("accuracy", 0.9), "summarisation": ("rouge", 0.45)}
DOWNSTREAM = "general-abilities.downstream"


def cell(method: str, metric: str, value: float | None, **more: Any) -> dict[str, Any]:
    """One cell: each fact alone, over ten cases, unless `more` says otherwise."""
    made = {
        "method": method, "variant": "", "kind": "single", "edits": 1, "pitfall": "generalization", "task": "", "metric": metric,
        "value": value, "low": value, "high": value, "unedited": 0.0, "cases": 10, "seeds": 1, "collapsed": 0 if value is not None else 10, "models": 1,
    }  # fmt: skip
    return made | more


def head(method: str, **more: Any) -> dict[str, Any]:
    """What a run says of itself."""
    return {
        "format": "editing-measurement/1", "method": method, "settings": {}, "seeds": [0, 1, 2], "edits": [0, 10, 20, 30, 40], "cases": 20,
        "benchmark": {"id": "suite", "sha256": "0" * 64, "cases": 871}, "model": "smollm2-135m-instruct", "fingerprint": "f" * 32,
        "versions": {"editing-pitfalls": "0.1.0", "torch": "2.0"}, "machine": "x86_64, 2 processors", "date": "2026-01-01",
        "command": "survey measure --methods all -o results",
    } | more  # fmt: skip


def sequence(method: str, left: Iterable[float], edits: Iterable[int] = (0, 10, 20, 30, 40)) -> list[dict[str, Any]]:
    """Cells of the four tasks of which the share `left` of the score above nothing is left after so many edits."""
    return [
        cell(method, metric, round(unedited * part, 4), kind="sequence", edits=n, pitfall=DOWNSTREAM, task=task, unedited=unedited,
             low=round(unedited * part * 0.9, 4), high=min(1, round(unedited * part * 1.1, 4)), cases=40, seeds=3)
        for task, (metric, unedited) in TASKS.items()
        for n, part in zip(edits, left, strict=True)
    ]  # fmt: skip


def submit(root: Path, name: str, cells: list[dict[str, Any]], said: str = "Toy <b>", method: str = "toy") -> None:
    """docs/results/submitted/<name>: results that somebody else has sent."""
    folder = write(root, f"submitted/{name}", cells).parent
    (folder / "about.yaml").write_text(
        f"name: {said}\nmethod: {method}\nauthors: [Ada Example]\nrepository: https://example.org/toy\n"
        f'commit: "{"0" * 40}"\nversion: "1"\n', "utf-8"
    )  # fmt: skip


def write(root: Path, name: str, cells: list[dict[str, Any]]) -> Path:
    """docs/results/<name>/summary.json and .csv below a root, with one run for each method."""
    folder = root / "docs" / "results" / name
    folder.mkdir(parents=True, exist_ok=True)
    methods = dict.fromkeys(one["method"] for one in cells)
    runs = [
        {"file": f"{m}.jsonl", "head": head(m), "seconds": {"edits": 12.5, "questions": 30.0, "tasks": 0.0}, "edits": 60, "failed": 0}
        for m in methods
    ]  # fmt: skip
    for run in runs:
        (folder / run["file"]).write_text(json.dumps(run["head"]) + "\n", "utf-8")
    path = folder / "summary.json"
    path.write_text(json.dumps({"runs": runs, "cells": cells}), "utf-8")
    with (folder / "summary.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, list(cells[0]) if cells else ["method"])
        rows.writeheader()
        rows.writerows(cells)
    return path
