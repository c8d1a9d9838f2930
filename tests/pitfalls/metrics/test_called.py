"""What is tested is what measures: each number that a run reports comes from the function that the tables name.

A function is replaced where it stands, so that whoever has imported it has the other one, too.
"""

from __future__ import annotations

import pytest

from survey.pitfalls.asking import Likelihood, State, Text
from survey.pitfalls.metrics import COMPAT, METRICS, parts, probabilities, shares
from survey.pitfalls.metrics.conflicts import success_score_alone
from survey.pitfalls.probes import PROBES
from survey.pitfalls.probes.pairs import coverage
from survey.pitfalls.runs.summary import summarise
from survey.pitfalls.tasks import score
from tests.pitfalls.probes.cases import BACK, MOVE, Answers, p, rich, sound
from tests.pitfalls.runs.test_results import HEAD, Results
from tests.pitfalls.test_tasks import ITEMS, task

# What stands beside a metric is another share, and comes from another function, whatever the metric.
BESIDE = {
    "tokens": shares.token_accuracy, "compared": probabilities.efficacy_score, "kept": probabilities.kept,
    "distracted-kept": probabilities.kept, "recorded": shares.recorded_locality, "alone": success_score_alone,
    **dict.fromkeys(("unchanged", "explicit-unchanged", "implicit-unchanged", "alone-unchanged", "round-trip"), shares.locality),
}  # fmt: skip
# Plain means of what was told: of questions that count, and of exact answers beside a comparison.
PLAIN = {"counted", "exact", "distracted-exact", "explicit-exact", "implicit-exact", "alone-exact"}


def function(name: str):
    """Where a score comes from; None for a plain mean."""
    metric, variant = parts(name)
    if name in ("success-score.exact", "success-score.unchanged"):
        return METRICS[metric]  # Of two edits.
    if variant == "next-token" and metric in ("preservation", "relation-specificity"):
        return shares.locality
    if variant in PLAIN or name == "other-attribution.forced":
        return None
    if variant and variant.endswith("compat") and COMPAT[metric].__module__ != "survey.pitfalls.metrics.texts":
        return COMPAT[metric]
    return BESIDE.get(variant) or METRICS[metric]


def knowing() -> State:
    """A model for which everything counts: it knows what questions need, and prefers the right answers."""

    class Knows(Answers):
        def __missing__(self, ask):
            if type(ask).__name__ == "Continuation":
                return p(0.5 if ask.text in ("Paris", "Oslo", "Paris in France") else 0.25, True, 0.5)
            return super().__missing__(ask)

    return Knows(**{**sound().other, "Said": Text(" Rome, Paris, Oslo and London"), "Top": 3})


def replaced(monkeypatch, it) -> None:
    monkeypatch.setattr(it, "__code__", (lambda *_, **__: 7).__code__)


EACH = [(probe, name) for probe in PROBES.values() for name in probe.metrics if function(name)]


@pytest.mark.parametrize(("probe", "name"), EACH, ids=[f"{probe.pitfall}-{name}" for probe, name in EACH])
def test_what_a_probe_reports_comes_from_the_function_that_is_named(probe, name, monkeypatch):
    case, states = rich(MOVE, BACK) if probe.states == 3 else rich(), (knowing(),) * probe.states
    before = probe.score(case, states)[name]
    assert before is not None and before != 7
    replaced(monkeypatch, function(name))
    assert probe.score(case, states)[name] == 7


def test_so_does_the_second_edit_alone(monkeypatch):
    replaced(monkeypatch, success_score_alone)
    replaced(monkeypatch, shares.locality)
    found = coverage(rich(MOVE, BACK), (knowing(), knowing()))
    assert (found["success-score.alone"], found["success-score.alone-unchanged"]) == (7, 7)


BY_ITEM = {"exact-match": "short", "f1": "short", "rouge": "summary", "perplexity": "text"}


@pytest.mark.parametrize(("metric", "kind"), BY_ITEM.items())
def test_so_does_what_an_item_of_a_task_scores(metric, kind, monkeypatch):
    state = (Answers(Said=Text(" Lovelace"), Passage=sound().other["Passage"], Continuation=Likelihood(-1.0, True, 1.0, 1)),)
    assert score(task(kind), ITEMS[kind], state)[metric] != 7
    replaced(monkeypatch, METRICS[metric])
    assert score(task(kind), ITEMS[kind], state)[metric] == 7


BY_SUMMARY = {
    "accuracy": "accuracy", "solve-rate": "solve-rate", "perplexity": "perplexity", "downstream-score": "solve-rate", "other-task": "accuracy",
}  # fmt: skip


@pytest.mark.parametrize(("metric", "asked"), BY_SUMMARY.items())
def test_so_does_what_a_summary_tells_of_a_task(metric, asked, tmp_path, monkeypatch):
    pitfall = {"perplexity": "general-abilities.collapse", "accuracy": "locality.other-task"}.get(asked, "general-abilities.downstream")
    results = Results(tmp_path, {**HEAD, "pitfalls": [pitfall]})
    scores = {"perplexity.nll": [9.0], "perplexity.length": [2]} if asked == "perplexity" else {asked: [1, 0]}
    for edits in (0, 2):
        at = {"seed": 0, "chain": "0/sequence/all", "edits": edits}
        results.add([
            {**at, "kind": "task", "task": "a", "scores": scores},
            {**at, "kind": "edits", "made": edits, "failed": [], "seconds": {"edits": 0.0, "questions": 0.0, "tasks": 0.0}, "lines": 2},
        ], b"", last=edits == 2)  # fmt: skip

    def told():
        return {cell.metric: cell.value for cell in summarise(tmp_path).cells if cell.edits == 2}[metric]

    assert told() != 7
    replaced(monkeypatch, METRICS[metric])
    assert told() == 7


def test_so_does_the_overall_score(tmp_path, monkeypatch):
    results, at = Results(tmp_path, HEAD), {"seed": 0, "chain": "0/single/1", "edits": 1}
    pitfalls = {"efficacy": "generalization", "paraphrase": "generalization.paraphrase", "neighbourhood": "locality.neighbourhood"}
    results.add([
        {**at, "kind": "case", "case": "1", "relation": None, "age": 0, "scores": {id: {f"{m}-score": [1, 0]} for m, id in pitfalls.items()}},
        {**at, "kind": "edits", "made": 1, "failed": [], "seconds": {"edits": 0.0, "questions": 0.0, "tasks": 0.0}, "lines": 2},
    ], None, last=True)  # fmt: skip
    replaced(monkeypatch, METRICS["overall-score"])
    assert [cell.value for cell in summarise(tmp_path).cells if cell.metric == "overall-score"] == [7]


def test_no_function_of_the_table_is_called_by_tests_alone():
    by_probes = {parts(name).metric for _, name in EACH}
    assert by_probes | set(BY_ITEM) | set(BY_SUMMARY) | {"overall-score"} == set(METRICS)
    # What EasyEdit leaves out cannot be asked here (its function's docstring tells why); all else that is published wrongly is told.
    compat = {parts(name).metric for probe in PROBES.values() for name in probe.metrics if name.endswith("compat")}
    assert compat == set(COMPAT) - {"token-accuracy"}
