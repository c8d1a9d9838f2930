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


@pytest.mark.parametrize(
    ("value", "unedited", "shown"),
    [
        (366410.04, 52.344, "366,410 (×7,000)"), (633_000.4, 52.3, "633,000 (×12,100)"), (1234.56, 60.0, "1,235 (×20.6)"),
        (999.96, 1.0, "1,000 (×1,000)"), (999.4, 1.0, "999.4 (×999)"), (61.2, 60.0, "61.2 (×1.02)"), (3e9, 60.0, "3.0e+09 (×5.0e+07)"),
    ],
)  # fmt: skip
def test_thousands_are_written_out_and_large_perplexities_have_no_decimals(value, unedited, shown, tmp_path):
    written(tmp_path, "m", "ordinary-text", cell(value=value, unedited=unedited))
    [(_, _, [row])] = parts(tmp_path)
    assert row.times["in-statistics"] == shown


def test_a_method_that_edited_nothing_has_no_row_and_a_part_of_such_alone_no_table(tmp_path):
    written(tmp_path, "m", "ordinary-text", cell(edits=0), cell(), cell(method="r-rome", edits=0))
    written(tmp_path, "m", "ordinary-identity", cell(edits=0))
    [(_, part, rows)] = parts(tmp_path)
    assert part == "ordinary-text" and [(row.method, row.edits) for row in rows] == [("rome", "0"), ("rome", "40")]


def test_nothing_measured_is_nothing_shown(tmp_path):
    assert parts(tmp_path) == []


def test_a_broken_file_is_told(tmp_path):
    written(tmp_path, "m", "ordinary-text", cell(value="many"))
    with pytest.raises(CollectionError, match=r"rome/m/ordinary-text/summary\.json: cells\.0\.value"):
        parts(tmp_path)
