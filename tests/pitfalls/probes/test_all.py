"""What every probe must keep to."""

from __future__ import annotations

import math

import pytest

from survey.files.load import load_taxonomy
from survey.pitfalls.asking import steady
from survey.pitfalls.case import ROLES, Case
from survey.pitfalls.metrics import parts
from survey.pitfalls.probes import BY_TASKS, PROBES
from tests.pitfalls.probes.cases import BACK, MOVE, collapsed, rich, sound

EACH = pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())


def the_case(probe) -> Case:
    return rich(MOVE, BACK) if probe.states == 3 else rich()


@EACH
def test_it_asks_the_same_whatever_it_is_told(probe):
    assert steady(probe.score, the_case(probe), states=probe.states)
    assert steady(probe.score, Case("bare", the_case(probe).edits), states=probe.states)


@EACH
def test_it_returns_the_metrics_that_it_announces(probe):
    taxonomy = load_taxonomy()
    for state in (sound(), collapsed()):
        assert set(probe.score(the_case(probe), (state,) * probe.states)) == set(probe.metrics)
    assert set(probe.score(Case("bare", the_case(probe).edits), (sound(),) * probe.states)) == set(probe.metrics)
    for name in probe.metrics:
        assert parts(name).metric in taxonomy.metrics, name
    assert len(set(probe.metrics)) == len(probe.metrics)


@EACH
def test_an_unedited_model_changes_nothing(probe):
    scores = probe.score(the_case(probe), (sound(),) * probe.states)
    for name, value in scores.items():
        metric, variant = parts(name)
        if variant in ("next-token", "round-trip") or (variant == "generated" and metric in ("locality", "other-attribution", "distract-neighbour")):
            assert value == 1, name
        if metric in ("neighbourhood-kl", "distortion", "ignore-rate", "failure-rate", "conflict-magnitude", "tied-fact-damage"):
            assert value == 0, name
        if variant and variant.endswith("unchanged"):
            assert value == 1, name


@EACH
def test_it_needs_roles_that_there_are(probe):
    assert set(probe.roles) <= set(ROLES)
    assert probe.usable(the_case(probe))
    assert probe.usable(Case("bare", the_case(probe).edits)) == (not probe.roles)


@EACH
def test_a_collapsed_model_succeeds_in_nothing_and_raises_nothing(probe):
    scores = probe.score(the_case(probe), (sound(),) * (probe.states - 1) + (collapsed(),))
    lower = {"ignore-rate", "failure-rate"}
    for name, value in scores.items():
        if value is None or name.endswith(".counted"):
            continue
        wrong = 1 if name in lower else 0
        # Only what the state between two edits still had may be left, and it is half of a success at most.
        assert math.isnan(value) or value == wrong or (name.startswith("success-score") and value <= 0.5), name


def test_every_pitfall_of_the_survey_is_measured():
    taxonomy = load_taxonomy()
    ours = {p.id for p in taxonomy.pitfalls.values() if p.survey}
    assert set(PROBES) | set(BY_TASKS) | {"general-abilities"} == ours
    assert not set(PROBES) & set(BY_TASKS)


def test_pairs_of_edits_have_three_states_and_are_not_made_together():
    both = PROBES["locality.distortion"]
    assert both.usable(rich(MOVE, BACK))
    assert not both.usable(rich(MOVE, BACK, together=True))
    assert not both.usable(rich(MOVE))
