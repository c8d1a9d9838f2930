"""Summaries of measurements are read as they are written, and a broken one is told with its file."""

from __future__ import annotations

import json

import pytest

from survey.files import CollectionError
from survey.files.measured import FOLDERS, answering, chances, merged, published, summary
from tests.measurements import cell, write


def test_a_summary_is_read_with_its_runs_and_cells(tmp_path):
    write(tmp_path, "pitfalls", [cell("rome", "reliability.forced", 0.5), cell("kn", "reliability.forced", None)])
    found = summary(tmp_path, "pitfalls")
    assert found and found.name == "pitfalls"
    assert [(c.method, c.value, c.collapsed) for c in found.cells] == [("rome", 0.5, 0), ("kn", None, 10)]
    assert [(run.file, run.method, run.seconds["edits"]) for run in found.runs] == [("rome.jsonl", "rome", 12.5), ("kn.jsonl", "kn", 12.5)]


def test_where_nothing_was_measured_a_summary_is_empty(tmp_path):
    assert not summary(tmp_path, "survey") and summary(tmp_path, "survey").cells == ()


def test_of_several_summaries_the_first_that_has_a_number_gives_all_of_it(tmp_path):
    later = dict(kind="sequence", pitfall="general-abilities.forgetting")
    write(tmp_path, "sequences", [cell("rome", "reliability.forced", 0.7, edits=10, **later)])
    write(tmp_path, "survey", [cell(m, "reliability.forced", 0.1, edits=n, **later) for m in ("rome", "kn") for n in (10, 40)])
    found = merged(published(tmp_path).values(), "all")
    assert [(c.method, c.edits, c.value) for c in found.cells] == [("rome", 10, 0.7), ("kn", 10, 0.1), ("kn", 40, 0.1)]
    assert found.name == "all" and len(found.runs) == 3


def test_what_answers_statements_is_put_together_and_may_be_empty(tmp_path):
    write(tmp_path, "pairs", [cell("rome", "distortion", 0.1, kind="pair", edits=2, pitfall="locality.distortion")])
    write(tmp_path, "sequences", [cell("rome", "accuracy", 0.1, kind="sequence", edits=10)])
    found = answering(published(tmp_path))
    assert set(found) == {f.answers for f in FOLDERS} and len(found["pitfalls"].cells) == 2 and not found["survey"]


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ("{", "Invalid JSON"),
        (json.dumps({"cells": [cell("rome", "reliability.forced", 0.5) | {"kind": "sometimes"}]}), "cells.0.kind"),
        (json.dumps({"cells": [cell("rome", "reliability.forced", 0.5), {"method": "rome"}]}), "cells.1."),
    ],
)
def test_a_broken_summary_is_told_with_its_file(tmp_path, broken, where):
    write(tmp_path, "survey", []).write_text(broken, "utf-8")
    with pytest.raises(CollectionError, match=r"docs/results/survey/summary\.json") as told:
        summary(tmp_path, "survey")
    assert where in str(told.value)


def test_chances_are_those_of_the_task_sets():
    from survey.pitfalls.suite import task, task_ids

    known = {id: task(id).chance for id in task_ids()}
    assert chances() == {id: p for id, p in known.items() if p is not None and id != "language-modelling"} | (
        {"language-modelling": known["language-modelling"]} if known["language-modelling"] is not None else {}
    )
    assert chances()["sentiment-analysis"] == 0.5
