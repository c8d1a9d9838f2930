"""CounterFact's scores and magnitudes, calculated by hand."""

from __future__ import annotations

import math

import pytest

from survey.pitfalls.metrics.probabilities import (
    efficacy_magnitude,
    efficacy_score,
    kept,
    neighbourhood_magnitude,
    neighbourhood_score,
    overall_score,
    paraphrase_magnitude,
    paraphrase_score,
)

NAN = math.nan
# (p of the new object, p of the old one)
PAIRS = [(0.5, 0.25), (0.125, 0.5), (0.25, 0.25), (0.75, 0.0)]


@pytest.mark.parametrize("score", [efficacy_score, paraphrase_score])
def test_the_new_object_must_beat_the_old_one(score):
    # won, lost, a tie that loses, won: 2 of 4.
    assert score(PAIRS) == 0.5


@pytest.mark.parametrize("magnitude", [efficacy_magnitude, paraphrase_magnitude])
def test_by_how_much_it_does(magnitude):
    # (.25 - .375 + 0 + .75) / 4 = .625 / 4
    assert magnitude(PAIRS) == pytest.approx(0.15625)


def test_for_neighbours_the_old_object_must_win():
    assert neighbourhood_score(PAIRS) == 0.25  # only the second
    assert neighbourhood_magnitude(PAIRS) == pytest.approx(-0.15625)


def test_ties_count_for_neither_side():
    tie = [(0.25, 0.25)]
    assert efficacy_score(tie) == neighbourhood_score(tie) == 0


def test_a_collapsed_model_wins_nothing_and_has_no_magnitude():
    for pairs in ([(NAN, NAN)], [(NAN, 0.5)], [(0.5, NAN)]):
        assert efficacy_score(pairs) == neighbourhood_score(pairs) == 0
        assert math.isnan(efficacy_magnitude(pairs)) and math.isnan(neighbourhood_magnitude(pairs))


def test_magnitudes_lie_between_minus_one_and_one():
    assert efficacy_magnitude([(1.0, 0.0)]) == 1 and efficacy_magnitude([(0.0, 1.0)]) == -1


def test_the_score_is_the_harmonic_mean():
    # 3 / (1/1 + 1/.5 + 1/.25) = 3 / 7
    assert overall_score(1, 0.5, 0.25) == pytest.approx(3 / 7)
    assert overall_score(0.6, 0.6, 0.6) == pytest.approx(0.6)
    assert overall_score(1, 1, 0) == 0
    assert math.isnan(overall_score(1, NAN, 1))
    assert overall_score(0.9, 0.8, 0.1) < (0.9 + 0.8 + 0.1) / 3
    with pytest.raises(ValueError):
        overall_score(1, -0.5, 1)


def test_kept_looks_only_at_what_held():
    # Held: first, second, fourth; of these the first and the fourth still hold.
    assert kept([True, True, False, True], [True, False, True, True]) == pytest.approx(2 / 3)
    assert math.isnan(kept([False], [True]))
