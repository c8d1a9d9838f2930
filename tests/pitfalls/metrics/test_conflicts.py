"""ConflictEdit's and RoundEdit's scores, calculated by hand."""

from __future__ import annotations

import math

import pytest

from survey.pitfalls.metrics.conflicts import (
    conflict_magnitude,
    conflict_magnitude_compat,
    conflict_score,
    success_score,
    success_score_alone,
    tied_fact_damage,
)

NAN = math.nan


def test_the_newer_fact_must_be_more_probable():
    assert conflict_score(0.5, 0.25) and not conflict_score(0.25, 0.5) and not conflict_score(0.25, 0.25)
    assert not conflict_score(NAN, 0.1) and not conflict_score(0.1, NAN)


def test_the_magnitude_is_the_share_that_was_lost():
    assert conflict_magnitude(0.8, 0.2) == pytest.approx(0.75)  # (.8 - .2) / .8
    assert conflict_magnitude(0.8, 0.0) == 1
    assert conflict_magnitude(0.5, 0.5) == 0
    assert math.isnan(conflict_magnitude(0.0, 0.5)) and math.isnan(conflict_magnitude(0.5, NAN))


def test_published_code_clamps_what_became_more_probable():
    # (.01 - .5) / .01 = -49, of which the published value keeps -1: a mean with a full success is 0 and not -24.
    assert conflict_magnitude(0.01, 0.5) == pytest.approx(-49)
    assert conflict_magnitude_compat(0.01, 0.5) == -1
    assert conflict_magnitude_compat(0.8, 0.2) == conflict_magnitude(0.8, 0.2)
    assert math.isnan(conflict_magnitude_compat(0.5, NAN))


def test_each_of_two_edits_is_half_of_a_success():
    assert [success_score(*won) for won in ((True, True), (True, False), (False, True), (False, False))] == [1, 0.5, 0.5, 0]


def test_the_second_edit_alone():
    assert success_score_alone(0.5, 0.25) and not success_score_alone(0.25, 0.25) and not success_score_alone(NAN, 0.1)


def test_the_damage_to_a_tied_fact():
    assert tied_fact_damage(0.4, 0.1) == pytest.approx(0.75)  # (.4 - .1) / .4
    assert tied_fact_damage(0.4, 0.4) == 0
    assert tied_fact_damage(0.1, 0.4) == pytest.approx(-3)
    assert math.isnan(tied_fact_damage(0.0, 0.1))
