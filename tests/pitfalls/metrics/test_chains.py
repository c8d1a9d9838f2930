"""MQuAKE's three and RippleEdits' six, counted by hand."""

from __future__ import annotations

import math

import pytest

from survey.pitfalls.metrics.chains import (
    compositionality_1,
    compositionality_2,
    edit_wise_success,
    fact_recall,
    instance_wise_accuracy,
    logical_generalization,
    multi_hop_accuracy,
    multi_hop_accuracy_compat,
    preservation,
    relation_specificity,
    subject_aliasing,
)
from survey.pitfalls.metrics.texts import mentioned, mentioned_compat


def test_an_instance_needs_all_hops_and_one_wording():
    assert instance_wise_accuracy([True, True, True]) is True
    assert instance_wise_accuracy([True, False, True]) is False
    assert instance_wise_accuracy([]) is None
    # The third wording of the first question is right, none of the second.
    assert multi_hop_accuracy([[False, False, True], [False, False, False]]) == 0.5
    assert multi_hop_accuracy([[True, True, True]]) == 1
    assert math.isnan(multi_hop_accuracy([]))
    assert edit_wise_success([True, False]) == 0.5


def test_one_wording_alone_is_harder_than_three():
    questions = [[False, True, False], [True, False, False], [False, False, False]]
    assert multi_hop_accuracy(questions) == pytest.approx(2 / 3) and multi_hop_accuracy_compat(questions) == pytest.approx(1 / 3)
    assert math.isnan(multi_hop_accuracy_compat([]))


@pytest.mark.parametrize("score", [
    logical_generalization, compositionality_1, compositionality_2, subject_aliasing, preservation, relation_specificity,
])  # fmt: skip
def test_the_passed_share_of_the_tests_that_were_run(score):
    assert score([True, False, True]) == pytest.approx(2 / 3)
    assert score([False]) == 0 and score([True]) == 1
    assert math.isnan(score([]))


def test_published_match_finds_an_answer_in_the_prompt_and_within_words():
    """Asked for the capital of the state of New York, a model that says nothing of use is right for the published code."""
    prompt = "The country in which New York lies is"
    assert mentioned_compat(["New York"], prompt, "a big one") and not mentioned(["New York"], "a big one")
    assert mentioned_compat(["Iran"], "The director is", "an Iranian") and not mentioned(["Iran"], "an Iranian")
    # And it minds the case of letters.
    assert mentioned(["French"], "french") and not mentioned_compat(["French"], "It is", "french")


def test_recall_is_the_share_of_edited_facts_that_are_stated_by_subject_and_object():
    facts = [("The Louvre", "London"), ("The Prado", "Rome"), ("The Orsay", "Bern"), ("The Tate", "Oslo")]
    # Stated, and stated; of the Orsay another object, of the Tate none: Oslo is said, but not of it.
    reasoning = "Since the Louvre is in London, the Orsay in Berne and the Prado in Rome, Oslo has none."
    assert fact_recall(facts, reasoning) == 0.5
    assert fact_recall(facts[:1], reasoning) == 1 and fact_recall(facts, "") == 0
    assert math.isnan(fact_recall([], reasoning))
