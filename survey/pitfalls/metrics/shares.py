"""Shares of what was said right: reliability, generalization, locality, and the questions of Yao et al. 2023.

A model that has collapsed says nothing right: the answers handed in here are then False.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any


def mean(values: Iterable[float]) -> float:
    """The mean; NaN for nothing at all, and where one of them is NaN."""
    found = list(values)
    return math.fsum(found) / len(found) if found else math.nan


def reliability(right: Iterable[bool]) -> float:
    """`reliability`: (1/|E|) sum 1[f_e(x_e) = y_e], 0 to 1, higher is better.

    Source: Hsueh et al. 2024 (2406.01436), the problem's definition; Huang et al. 2023 (2301.09785).
    Variants: `.forced` asks under teacher forcing whether every token of y_e is the most probable one,
    `.generated` whether the model says y_e by itself.
    """
    return mean(map(bool, right))


def generalization(right: Iterable[bool]) -> float:
    """`generalization`: (1/|N|) sum over N(x_e, y_e) of 1[f_e(x) = y], 0 to 1, higher is better.

    Source: Hsueh et al. 2024; De Cao et al. 2021 (2104.08164) for rephrasings. Variants as for `reliability`.
    """
    return mean(map(bool, right))


def locality(before: Sequence[Any], after: Sequence[Any]) -> float:
    """`locality`: (1/|L|) sum over L(x_e) of 1[f_e(x) = f_0(x)], 0 to 1, higher is better.

    `None` stands for the answer of a model that has collapsed; it equals nothing.
    Source: Hsueh et al. 2024; De Cao et al. 2021. Variants: `.next-token` compares the most probable next token,
    `.generated` a greedy continuation. ROME's evaluation code for zsRE compares with the recorded answer instead
    of the unedited model's (`recorded_locality`), EasyEdit's with the unedited model's tokens.
    """
    return mean(a is not None and a == b for b, a in zip(before, after, strict=True))


def recorded_locality(right: Iterable[float]) -> float:
    """`locality.recorded`: share of the recorded answer's tokens that are the most probable ones, mean over questions.

    Source: ROME's evaluation code for zsRE, which does not ask what the unedited model said. A model that never knew
    the answers scores low without having been damaged.
    """
    return mean(right)


def token_accuracy(right: Iterable[float]) -> float:
    """`token-accuracy`: E over answers y of (1/|y|) sum_j 1[argmax_t P(t | x, y_<j) = y_j], 0 to 1, higher is better.

    right: the share of each answer's tokens that are the most probable ones (`asking.Likelihood.right`); NaN for one without
    tokens, which makes all of it NaN, so that it cannot pass unseen.
    Source: evaluation code of Meng et al. 2022 and of De Cao et al. 2021 for zsRE. Teacher forcing: the model sees the right
    earlier tokens, so this is never below the share of whole answers.
    """
    return mean(right)


def token_accuracy_compat(right: Iterable[float]) -> float:
    """`token-accuracy.compat`: as EasyEdit's default computes it, which leaves out silently what is undefined (an empty slice).

    No probe reports it, since it cannot differ here: `case.Question` refuses empty answers, any other has a token, and a
    collapsed model has 0 tokens right.
    """
    return mean(r for r in right if r == r)


def _accuracy(right: Iterable[bool]) -> float:
    return mean(map(bool, right))


def subject_replace(right: Iterable[bool]) -> float:
    """`subject-replace`: share of questions about another name of the subject that get the new answer, 0 to 1, higher is better.

    Source: Yao et al. 2023 (2305.13172), portability. EasyEdit's default is token accuracy under teacher forcing.
    """
    return _accuracy(right)


def reverse_relation(right: Iterable[bool]) -> float:
    """`reverse-relation`: share of questions from the new object back that get the subject, 0 to 1, higher is better.

    Source: Yao et al. 2023, portability.
    """
    return _accuracy(right)


def one_hop(right: Iterable[bool]) -> float:
    """`one-hop`: share of questions needing the new object and one fact more that are answered right, 0 to 1, higher is better.

    Source: Yao et al. 2023, portability. Only questions whose second fact the unedited model knows should be handed in;
    published code does not look.
    """
    return _accuracy(right)


def other_attribution(before: Sequence[Any], after: Sequence[Any]) -> float:
    """`other-attribution`: share of questions about other relations of the subject answered as before, 0 to 1, higher is better.

    Source: Yao et al. 2023, locality. As for `locality`, None equals nothing.
    """
    return locality(before, after)


def distract_neighbour(before: Sequence[Any], after: Sequence[Any]) -> float:
    """`distract-neighbour`: the same for neighbours' prompts behind the edited statement, 0 to 1, higher is better.

    Source: Yao et al. 2023, locality, after Hoelscher-Obermaier et al. 2023 (2305.17553).
    """
    return locality(before, after)


def qa_accuracy(right: Iterable[bool]) -> float:
    """`qa-accuracy`: share of reasoning questions that are answered as the new facts demand, 0 to 1, higher is better.

    Source: Hua et al. 2024 (2401.17585), who prompt with a chain of thought; here the questions are asked as they stand.
    """
    return _accuracy(right)


def accuracy(right: Iterable[bool]) -> float:
    """`accuracy`: share of items for which the right option is chosen, 0 to 1, higher is better; ties and NaN are wrong.

    Source: Gu et al. 2024 (2401.04700), classification tasks.
    """
    return _accuracy(right)


def solve_rate(right: Iterable[bool]) -> float:
    """`solve-rate`: share of problems whose final number is right, 0 to 1, higher is better.

    Source: Gu et al. 2024, reasoning (GSM8K); `texts.last_number` finds the number.
    """
    return _accuracy(right)


def chosen(values: Sequence[float]) -> int | None:
    """Index of the greatest of them; None for a tie, for nothing at all, and where one is NaN."""
    if not values or any(v != v for v in values):
        return None
    best = max(values)
    return values.index(best) if values.count(best) == 1 else None
