"""Shares, counted by hand."""

from __future__ import annotations

import math

import pytest

from survey.pitfalls.case import CaseError, Question
from survey.pitfalls.metrics.shares import (
    accuracy,
    chosen,
    distract_neighbour,
    generalization,
    locality,
    mean,
    one_hop,
    other_attribution,
    qa_accuracy,
    recorded_locality,
    reliability,
    reverse_relation,
    solve_rate,
    subject_replace,
    token_accuracy,
    token_accuracy_compat,
)

NAN = math.nan


@pytest.mark.parametrize("share", [
    reliability, generalization, subject_replace, reverse_relation, one_hop, qa_accuracy, accuracy, solve_rate, token_accuracy,
])  # fmt: skip
def test_a_share_is_the_mean_of_what_is_right(share):
    assert share([True, True, False, True]) == 0.75  # 3 of 4
    assert share([False]) == 0 and share([True]) == 1
    assert math.isnan(share([]))


@pytest.mark.parametrize("same", [locality, other_attribution, distract_neighbour])
def test_what_stayed_is_what_equals_the_answer_before(same):
    # Paris = Paris, Rome became London, 7 = 7: 2 of 3.
    assert same(["Paris", "Rome", 7], ["Paris", "London", 7]) == pytest.approx(2 / 3)
    # A collapsed model answers nothing, and nothing is no answer that stayed.
    assert same([None, "Rome"], [None, None]) == 0
    assert math.isnan(same([], []))
    with pytest.raises(ValueError):
        same(["Paris"], [])


def test_recorded_answers_are_another_thing_than_unchanged_ones():
    """The unedited model said Rome where the file says Paris: unchanged, and yet scored 0 by ROME's code."""
    assert locality(["Rome"], ["Rome"]) == 1
    assert recorded_locality([0.0]) == 0
    assert recorded_locality([0.5, 1.0]) == 0.75


def test_published_token_accuracy_skips_answers_without_tokens():
    # Two of two tokens, one of two, and an answer that has none.
    answers = [1.0, 0.5, NAN]
    # (1 + 1/2) / 2 = .75 without the empty one; with it there is no number.
    assert token_accuracy_compat(answers) == 0.75
    assert math.isnan(token_accuracy(answers))
    assert token_accuracy(answers[:2]) == token_accuracy_compat(answers[:2]) == 0.75


def test_token_accuracy_is_never_below_the_share_of_whole_answers():
    answers = [[True, True, True], [True, False, False], [False, True, True]]
    whole, tokens = mean(all(a) for a in answers), token_accuracy([mean(a) for a in answers])
    assert whole == pytest.approx(1 / 3) and tokens == pytest.approx((1 + 1 / 3 + 2 / 3) / 3)
    assert tokens >= whole


def test_what_the_published_token_accuracy_skips_cannot_be_asked_here():
    for empty in ((), ("",), (" \n",)):
        with pytest.raises(CaseError):
            Question("The Louvre is in", empty)


def test_ties_and_nan_choose_nothing():
    assert chosen([-1.0, -0.5, -2.0]) == 1
    assert chosen([-math.inf, -0.5]) == 1
    assert chosen([-0.5, -0.5, -2.0]) is None
    assert chosen([-0.5, NAN]) is None
    assert chosen([]) is None


def test_a_mean_with_nan_is_nan():
    assert math.isnan(mean([1.0, NAN]))
    assert mean([1, 2, 6]) == 3
