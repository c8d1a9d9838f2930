"""Matches, numbers, overlaps and entropies of texts, counted by hand."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from survey.pitfalls.metrics.texts import (
    consistency,
    exact_match,
    f1,
    fluency,
    free_running_exact_match,
    last_number,
    mentioned,
    ngram_entropy,
    normalise,
    rouge,
    rouge_l,
    rouge_n,
    solved,
    tokens,
)


@pytest.mark.parametrize(("answer", "text", "found"), [
    ("Rome", " Rome, the city", True),
    ("rome", "in ROME.", True),
    ("Rome", "Romeo and Juliet", False),
    ("Rome", "Jerome", False),
    ("New York", "in New\nYork City", True),
    ("U.S.", "in the U.S. today", True),
    ("C++", "written in C++", True),
    ("C", "written in C++", True),
    ("Rome", "", False),
    ("São Paulo", "in São Paulo", True),
    ("7", "17", False),
])  # fmt: skip
def test_an_answer_is_said_as_whole_words(answer, text, found):
    assert mentioned([answer], text) is found
    assert mentioned(["nothing of it", answer], text) is found


def test_a_free_answer_begins_with_what_is_right():
    assert free_running_exact_match(["London"], " London, England")
    assert free_running_exact_match(["London"], ' "London"')
    assert not free_running_exact_match(["London"], " Londonderry")
    assert not free_running_exact_match(["London"], " the city of London")
    assert free_running_exact_match(["Paris", "London"], "\nlondon")
    assert not free_running_exact_match(["London"], "")


def test_answers_are_compared_without_articles_signs_and_capitals():
    assert normalise(" The  Eiffel-Tower, (Paris)! ") == "eiffel tower paris"
    assert exact_match("The Beatles.", ["beatles"])
    assert not exact_match("Beatles and Stones", ["Beatles"])
    assert not exact_match("", ["the"]) and not exact_match("The", ["a"])
    assert exact_match("12", ["twelve", "12"])
    assert exact_match(" A+.", ["A+"]) and f1("A+", ["A+"]) == 1  # Nothing is left of it without signs and articles.
    assert not exact_match("A-", ["A+"]) and not exact_match("the", ["A+"]) and not exact_match("...", ["A+"])


def test_f1_of_words():
    # Said: in, london, england; right: london, england. P = 2/3, R = 1, F1 = 2 * 2/3 / (5/3) = 4/5.
    assert f1("in London, England", ["London, England"]) == pytest.approx(0.8)
    # The second reference fits best. A word said twice counts once: P = 1/2, R = 1, F1 = 2/3.
    assert f1("Rome Rome", ["Paris", "Rome"]) == pytest.approx(2 / 3)
    assert f1("Oslo", ["Paris"]) == 0 and f1("", ["Paris"]) == 0 and f1("Paris", []) == 0


def test_rouge():
    text, reference = "the cat sat on the mat", "the cat is on the mat"
    # Words: the x2, cat, on, mat are common: 5 of 6 and 6. Pairs: "the cat", "on the", "the mat": 3 of 5 and 5.
    assert rouge_n(text, reference, 1) == pytest.approx(5 / 6)
    assert rouge_n(text, reference, 2) == pytest.approx(3 / 5)
    # Longest common subsequence: the cat on the mat, 5.
    assert rouge_l(text, reference) == pytest.approx(5 / 6)
    assert rouge(text, [reference]) == pytest.approx((5 / 6 + 3 / 5 + 5 / 6) / 3)


def test_the_longest_common_subsequence_minds_the_order():
    # All words are the same; in order there are only two of them, such as "b c": 2 * 2 / (3 + 3).
    assert rouge_n("a b c", "b c a", 1) == 1
    assert rouge_l("a b c", "b c a") == pytest.approx(2 / 3)
    # Of different lengths: 2 * 2 / (4 + 2).
    assert rouge_l("a x b y", "a b") == pytest.approx(2 / 3)


def test_rouge_is_one_for_the_same_and_zero_for_nothing():
    assert rouge("One, two three.", ["one two THREE"]) == pytest.approx(1)
    assert rouge("", ["one"]) == 0 and rouge("one", ["two"]) == 0 and rouge("one", []) == 0
    assert rouge("one two three", ["two", "one two three"]) == pytest.approx(1)


@pytest.mark.parametrize(("text", "number"), [
    ("3 + 4 = 7", "7"),
    ("It costs $1,200.50.", "1200.50"),
    ("She has 5 apples, no more.", "5"),
    ("so 12 - 20 = -8", "-8"),
    ("We take 3 and 4.\n#### 12 and not 99", "12"),
    ("The answer is 18. Then 20.", "18"),
    ("The answer is plain: it is 4", "4"),
    ("7\n\nQ: How many are 8 and 9?\nA: 17", "7"),
    ("7 in all.\nQuestion: and 9?", "7"),
    ("1,000", "1000"),
    ("half is .5", ".5"),
    ("There are 3,4 of them", "4"),
    ("room B12", None),
    ("none", None),
    ("", None),
])  # fmt: skip
def test_the_final_number(text, number):
    assert last_number(text) == (None if number is None else Decimal(number))


def test_numbers_are_compared_as_numbers():
    assert solved("It is $18.00", ["#### 18"]) and solved("1,000", ["1000"])
    assert not solved("It is 180", ["18"]) and not solved("I do not know", ["18"])


def test_the_entropy_of_ngrams():
    # Four different pairs: log2 4 = 2. Of a b a b a: (a b) twice, (b a) twice: 1.
    assert ngram_entropy(["a", "b", "c", "d", "e"], 2) == pytest.approx(2)
    assert ngram_entropy(["a", "b", "a", "b", "a"], 2) == pytest.approx(1)
    assert ngram_entropy(["a"] * 9, 2) == 0
    assert ngram_entropy(["a"], 2) == 0


def test_fluency():
    # a b c d: three pairs and two triples, all different: (2/3 log2 3 + 4/3 log2 2) / 2
    assert fluency("a b c d") == pytest.approx((2 / 3 * math.log2(3) + 4 / 3) / 2)
    assert fluency("London London London London") == 0
    assert fluency("") == 0
    assert fluency("The museum stands in the middle of London.") > fluency("The museum, the museum, the museum, the")
    # Small letters first: two of the four pairs are the same, "the museum"; with capitals all four are different.
    assert ngram_entropy(tokens("The museum, the museum"), 2) == ngram_entropy(tokens("the museum, the museum"), 2) == pytest.approx(1.5)
    assert ngram_entropy("The museum , the museum".split(), 2) == 2
    assert tokens("Don't go, Anna!") == ["don't", "go", ",", "anna", "!"]


def test_consistency():
    # Two references; df: big 2, city 1, river 1. idf(2) = log(3/3) + 1 = 1, idf(1) = log(3/2) + 1, idf(0) = log 3 + 1.
    one, rare = math.log(1.5) + 1, math.log(3) + 1
    references = ["big city", "big river"]
    # Text "big city": (1, one); references joined: big 2 * 1, city one, river one.
    expected = (1 * 2 + one * one) / (math.sqrt(1 + one**2) * math.sqrt(4 + 2 * one**2))
    assert consistency("big city", references) == pytest.approx(expected)
    # A word that no reference has lengthens the text's vector, and no more.
    expected = (1 * 2 + one * one) / (math.sqrt(1 + one**2 + rare**2) * math.sqrt(4 + 2 * one**2))
    assert consistency("big city tower", references) == pytest.approx(expected)
    assert consistency("big city big river", references) == pytest.approx(1)
    assert consistency("nothing else", references) == 0
    assert consistency("", references) == 0 and consistency("big", []) == 0
