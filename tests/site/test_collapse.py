"""The tables of the study of ROME's collapse."""

from __future__ import annotations

import json

import pytest

from survey.files import CollectionError
from survey.site.collapse import PARTS, parts


def cell(**fields) -> dict:
    values = {
        "method": "rome", "variant": "", "kind": "sequence", "edits": 40, "pitfall": "general-abilities.collapse", "task": "in-statistics",
        "metric": "perplexity", "value": 120.0, "low": 100.0, "high": 140.0, "unedited": 60.0, "cases": 40, "seeds": 3, "collapsed": 0,
    }  # fmt: skip
    return {**values, **fields}


def written(root, model: str, part: str, *cells: dict) -> None:
    folder = root / "docs" / "results" / "rome" / model / part
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps({"runs": [], "cells": cells}))


def test_parts_stand_in_order_the_default_model_first(tmp_path):
    for model in ("another", "smollm2-135m-instruct"):
        for part in reversed(PARTS):
            written(tmp_path, model, part, cell())
    found = [(model, part) for model, part, _ in parts(tmp_path)]
    assert found == [(m, p) for m in ("smollm2-135m-instruct", "another") for p in PARTS]


def test_rows_tell_multiples_and_what_is_left_of_the_edits(tmp_path):
    kept = cell(pitfall="general-abilities.forgetting", task="", metric="reliability.forced", value=0.5, unedited=0.0)
    written(
        tmp_path, "m", "ordinary-text", cell(method="r-rome", seeds=1), cell(), kept, cell(task="language-modelling", value=None),
        cell(kind="single", edits=1, value=3e7, unedited=None),
    )  # fmt: skip
    [(_, _, rows)] = parts(tmp_path)
    alone, rome, other = rows
    assert (alone.edits, alone.times["in-statistics"]) == ("1, each alone", "3.0e+07")
    assert (rome.method, rome.edits, rome.kept, rome.over) == ("rome", "40", "0.50", "3 seeds")
    assert rome.times == {"language-modelling": "collapsed", "in-statistics": "120.0 (×2)", "beside-statistics": ""}
    assert (other.method, other.over) == ("r-rome", "1 seed")


def test_nothing_measured_is_nothing_shown(tmp_path):
    assert parts(tmp_path) == []


def test_a_broken_file_is_told(tmp_path):
    written(tmp_path, "m", "ordinary-text", cell(value="many"))
    with pytest.raises(CollectionError, match=r"rome/m/ordinary-text/summary\.json: cells\.0\.value"):
        parts(tmp_path)
