"""Means and intervals of results."""

from __future__ import annotations

import csv
import json
import math

import pytest

from survey.pitfalls.runs.results import Results
from survey.pitfalls.runs.summary import perplexity_of, summarise, write
from tests.pitfalls.runs.test_results import HEAD

SCORES = [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [None, 1.0]]


@pytest.fixture
def folder(tmp_path):
    head = {**HEAD, "pitfalls": ["general-abilities.collapse", "general-abilities.downstream", "locality.neighbourhood", "cost"]}
    results = Results(tmp_path, head)
    for n, pair in enumerate(SCORES):
        at = {"seed": n % 2, "chain": f"{n % 2}/single/{n}", "edits": 1}
        results.add([
            {**at, "kind": "case", "case": str(n), "relation": None, "age": 0, "scores": {"locality.neighbourhood": {"neighbourhood-score": pair}}},
            {**at, "kind": "edits", "made": 1, "failed": [], "bytes": 100, "seconds": {"edits": 2.0, "questions": 1.0, "tasks": 0.0},
             "processor": [[9.0, 1.0, 2.0, 3.0][n]], "passes": [[9 - n, n]], "memory": 1000 + n, "lines": 2},
        ], None, last=True)  # fmt: skip
    for seed in (0, 1):
        for edits, right in ((0, [1, 1, 0, 1]), (2, [1, 0, 0, seed])):
            at = {"seed": seed, "chain": f"{seed}/sequence/all", "edits": edits}
            loss = [[10.0, 5], [20.0, 10]] if edits == 0 or seed else [[None, 5], [20.0, 10]]
            results.add([
                {**at, "kind": "task", "task": "reasoning", "scores": {"solve-rate": right}},
                {**at, "kind": "task", "task": "language-modelling", "scores": {"perplexity.nll": [a for a, _ in loss], "perplexity.length": [b for _, b in loss]}},
                {**at, "kind": "edits", "made": edits, "failed": [["x", "y"]] if edits else [], "bytes": 0,
                 "seconds": {"edits": 8.0 if edits else 0.0, "questions": 0.0, "tasks": 3.0}, "lines": 3},
            ], b"", last=edits == 2)  # fmt: skip
    return tmp_path


def cell(summary, **wanted):
    found = [c for c in summary.cells if all(getattr(c, name) == value for name, value in wanted.items())]
    assert len(found) == 1, found
    return found[0]


def test_cases_that_were_edited_alone_are_averaged_beside_the_unedited_model(folder):
    found = cell(summarise(folder), metric="neighbourhood-score")
    assert (found.kind, found.edits, found.cases, found.seeds, found.collapsed) == ("single", 1, 4, 2, 1)
    # The unedited model's value is that of the same cases: without the one that gave no number.
    assert found.value == pytest.approx(2 / 3, rel=1e-4) and found.unedited == pytest.approx(1 / 3, rel=1e-4)
    assert found.low < found.value < found.high


def test_a_task_is_averaged_over_seeds_and_compared_with_its_start(folder):
    found = cell(summarise(folder), metric="solve-rate", edits=2)
    assert (found.task, found.pitfall, found.value, found.unedited) == ("reasoning", "general-abilities.downstream", 0.375, 0.75)
    assert found.cases == 4 and found.seeds == 2


def test_a_task_that_has_nothing_to_do_with_the_edits_tells_the_change(tmp_path):
    results = Results(tmp_path, {**HEAD, "pitfalls": ["locality.other-task"]})
    for edits, right in ((0, [1, 1, 0, 1]), (2, [1, 0, 0, 0])):
        at = {"seed": 0, "chain": "0/sequence/all", "edits": edits}
        results.add([
            {**at, "kind": "task", "task": "sentiment-analysis", "scores": {"accuracy": right}},
            {**at, "kind": "edits", "made": edits, "failed": [], "seconds": {"edits": 0.0, "questions": 0.0, "tasks": 0.0}, "lines": 2},
        ], b"", last=edits == 2)  # fmt: skip
    found = cell(summarise(tmp_path), metric="other-task", edits=2)
    assert (found.pitfall, found.value, found.unedited) == ("locality.other-task", -0.5, 0.0)


def test_perplexity_is_of_all_tokens_and_a_collapse_is_no_number(folder):
    summary = summarise(folder)
    start, end = (cell(summary, metric="perplexity", edits=n) for n in (0, 2))
    assert start.value == pytest.approx(math.exp(60 / 30), rel=1e-4)
    # One of two models has collapsed; the perplexity is the other's.
    assert (end.value, end.collapsed, end.models, end.unedited) == (start.value, 1, 2, start.value)


def test_a_task_is_told_in_per_cent_of_the_unedited_model(folder):
    found = cell(summarise(folder), metric="downstream-score", edits=2)
    assert (found.task, found.value, found.unedited) == ("reasoning", 50.0, 100.0)
    assert found.low < 50 < found.high


def test_cost_is_told_for_each_edit(folder):
    summary = summarise(folder)
    # The median: what the first edit prepares for all is no cost of each.
    found = cell(summary, metric="seconds-per-edit", kind="single")
    assert (found.value, found.low, found.high) == (2.5, 1, 9)
    assert [cell(summary, metric=f"passes-per-edit{only}").value for only in ("", ".backward")] == [9, 1.5]
    assert (cell(summary, metric="peak-memory").value, cell(summary, metric="peak-memory").unedited) == (1001.5, None)
    # Older results know the time on the clock only, which is another number.
    assert not [c for c in summary.cells if c.metric == "seconds-per-edit" and c.kind == "sequence"]
    [told] = summary.runs
    assert told.seconds == {"edits": 24.0, "questions": 4.0, "tasks": 12.0}
    assert (told.edits, told.failed) == (8, 2)


def test_a_perplexity_that_is_too_large_stays_a_number():
    assert math.isfinite(perplexity_of([(1e9, 2)]))


def test_what_is_written_is_what_was_summed_up(folder):
    summary = summarise(folder)
    write(summary, folder)
    told = json.loads((folder / "summary.json").read_text())
    assert told == json.loads(json.dumps(summary.record()))
    with (folder / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(summary.cells)
    assert {row["metric"]: row["value"] for row in rows}["neighbourhood-score"] == str(cell(summary, metric="neighbourhood-score").value)


def test_a_case_that_several_seeds_edited_is_drawn_as_one(tmp_path):
    """The same case under ten seeds tells no more of other cases than under one."""
    for name, seeds in (("once", 1), ("often", 10)):
        (tmp_path / name).mkdir()
        results = Results(tmp_path / name, {**HEAD, "seeds": list(range(seeds)), "pitfalls": ["locality.neighbourhood"]})
        for seed in range(seeds):
            for n in range(4):
                at = {"seed": seed, "chain": f"{seed}/single/{n}", "edits": 1}
                results.add([
                    {**at, "kind": "case", "case": str(n), "relation": None, "age": 0, "scores": {"locality.neighbourhood": {"neighbourhood-score": [n % 2, 1]}}},
                    {**at, "kind": "edits", "made": 1, "failed": [], "seconds": {"edits": 0.0, "questions": 0.0, "tasks": 0.0}, "lines": 2},
                ], None, last=True)  # fmt: skip
    once, often = (cell(summarise(tmp_path / name), metric="neighbourhood-score") for name in ("once", "often"))
    assert (once.value, once.low, once.high) == (often.value, often.low, often.high) == (0.5, 0, 1)
    assert (once.cases, often.cases) == (4, 40)


def test_what_was_never_learnt_is_not_forgotten(tmp_path):
    """Of three edits one never held, one held and is lost, one holds still: half of what was learnt is retained."""
    results = Results(tmp_path, {**HEAD, "pitfalls": ["general-abilities.forgetting"]})
    for edits, learnt, now in ((2, ["lost"], {"never": False, "lost": True}), (4, ["kept"], {"never": False, "lost": False, "kept": True})):
        at = {"seed": 0, "chain": "0/sequence/all", "edits": edits}
        rows = [
            {**at, "kind": "case", "case": id, "relation": None, "age": 1, "scores": {"general-abilities.forgetting": {"reliability.forced": [right, False]}}}
            for id, right in now.items()
        ]
        last = {**at, "kind": "edits", "made": 2, "failed": [], "learnt": learnt, "seconds": {"edits": 0.0, "questions": 0.0, "tasks": 0.0}, "lines": len(rows) + 1}
        results.add([*rows, last], b"", last=edits == 4)
    summary = summarise(tmp_path)
    assert cell(summary, metric="reliability.retained", edits=2).value == 1
    found = cell(summary, metric="reliability.retained", edits=4)
    assert (found.value, found.cases, found.unedited) == (0.5, 2, None)
    assert cell(summary, metric="reliability.forced", edits=4).value == pytest.approx(1 / 3, rel=1e-4)


def test_a_chain_that_did_not_ask_at_first_tells_nothing_of_what_is_retained(tmp_path):
    """Its early edits may have held or not: those that came later do not speak for them."""
    results = Results(tmp_path, {**HEAD, "pitfalls": ["general-abilities.forgetting"]})
    for edits, more in ((2, {}), (4, {"learnt": ["b"]})):
        at = {"seed": 0, "chain": "0/sequence/all", "edits": edits}
        row = {**at, "kind": "case", "case": "b", "relation": None, "age": 1, "scores": {"general-abilities.forgetting": {"reliability.forced": [True, False]}}}
        last = {**at, "kind": "edits", "made": 2, "failed": [], **more, "seconds": {"edits": 0.0, "questions": 0.0, "tasks": 0.0}, "lines": 2}
        results.add([row, last], b"", last=edits == 4)
    assert not [c for c in summarise(tmp_path).cells if c.metric == "reliability.retained"]


def overall(folder, *cases: dict[str, list], kind: str = "single") -> list:
    """The overall scores of cases, given (after, before) of each metric; each is a seed of its own."""
    pitfalls = {"efficacy-score": "generalization", "paraphrase-score": "generalization.paraphrase", "neighbourhood-score": "locality.neighbourhood"}
    results = Results(folder, {**HEAD, "pitfalls": list(pitfalls.values()), "seeds": [0, 1, 2, 3]})
    for n, told in enumerate(cases):
        chain, edits = (f"{n}/single/{n}", 1) if kind == "single" else (f"{n}/sequence/all", 10)
        at = {"seed": n, "chain": chain, "edits": edits}
        results.add([
            {**at, "kind": "case", "case": str(n), "relation": None, "age": 0, "scores": {pitfalls[m]: {m: pair} for m, pair in told.items()}},
            {**at, "kind": "edits", "made": 1, "failed": [], "seconds": {"edits": 0.0, "questions": 0.0, "tasks": 0.0}, "lines": 2},
        ], None if kind == "single" else b"", last=True)  # fmt: skip
    return [c for c in summarise(folder).cells if c.metric == "overall-score"]


def three(efficacy: list, paraphrase: list, neighbourhood: list) -> dict[str, list]:
    return {"efficacy-score": efficacy, "paraphrase-score": paraphrase, "neighbourhood-score": neighbourhood}


@pytest.mark.parametrize(("kind", "edits", "models"), [("single", 1, 3), ("sequence", 10, 3)])
def test_the_overall_score_is_the_harmonic_mean_of_the_three_means(kind, edits, models, tmp_path):
    [found] = overall(
        tmp_path,
        three([1, 0], [0.5, 0], [1, 1]), three([1, 0], [1, 0.5], [0.5, 1]), three([1, 1], [0.75, 0.25], [0, 1]),
        {"efficacy-score": [0, 0], "neighbourhood-score": [0, 0]},  # No paraphrase: it does not count.
        kind=kind,
    )  # fmt: skip
    # ES 1, PS .75, NS .5: 3 / (1 + 4/3 + 2) = 9/13. Unedited 1/3, 1/4 and 1: 3 / (3 + 4 + 1) = 3/8.
    assert (found.kind, found.edits, found.pitfall, found.task) == (kind, edits, "generalization", "")
    assert found.value == pytest.approx(9 / 13, rel=1e-4) and found.unedited == pytest.approx(3 / 8, rel=1e-4)
    assert found.low < found.value < found.high and found.low >= 0 and found.high <= 1
    assert (found.cases, found.seeds, found.models, found.collapsed) == (3, 3, models, 0)


def test_an_overall_score_that_every_sample_repeats_has_no_interval(tmp_path):
    [found] = overall(tmp_path, three([0, 0], [1, 0], [1, 1]), three([0, 0], [0, 0], [1, 1]))
    assert (found.value, found.low, found.high, found.unedited) == (0, None, None, 0)


def test_there_is_no_overall_score_without_all_three_of_one_case(tmp_path):
    assert not overall(tmp_path, {"efficacy-score": [1, 0], "paraphrase-score": [1, 0]}, {"neighbourhood-score": [1, 1]})


def test_where_every_model_collapsed_the_unedited_value_still_stands(tmp_path):
    results = Results(tmp_path, {**HEAD, "pitfalls": ["locality.neighbourhood"]})
    for n, pair in enumerate(([None, 1.0], [None, 3.0])):
        at = {"seed": 0, "chain": f"0/single/{n}", "edits": 1}
        results.add([
            {**at, "kind": "case", "case": str(n), "relation": None, "age": 0, "scores": {"locality.neighbourhood": {"neighbourhood-kl": pair}}},
            {**at, "kind": "edits", "made": 1, "failed": [], "seconds": {"edits": 0.0, "questions": 0.0, "tasks": 0.0}, "lines": 2},
        ], None, last=True)  # fmt: skip
    found = cell(summarise(tmp_path), metric="neighbourhood-kl")
    assert (found.value, found.unedited, found.collapsed) == (None, 2, 2)


def test_of_nothing_there_are_no_per_cent(tmp_path):
    results = Results(tmp_path, {**HEAD, "pitfalls": ["general-abilities.downstream"]})
    for edits in (0, 2):
        at = {"seed": 0, "chain": "0/sequence/all", "edits": edits}
        results.add([
            {**at, "kind": "task", "task": "reasoning", "scores": {"solve-rate": [0, 0]}},
            {**at, "kind": "edits", "made": edits, "failed": [], "seconds": {"edits": 0.0, "questions": 0.0, "tasks": 0.0}, "lines": 2},
        ], b"", last=edits == 2)  # fmt: skip
    assert {c.metric for c in summarise(tmp_path).cells} == {"solve-rate"}
