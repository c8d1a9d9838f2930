"""What is summed up before it is averaged: perplexity, essence, and scores beside the unedited model's."""

from __future__ import annotations

import math
from collections.abc import Iterable


def perplexity(losses: Iterable[tuple[float, int]]) -> float:
    """`perplexity`: exp(sum nll / sum tokens), 1 and above, lower is better.

    losses: (negative log-likelihood in nats, tokens) of each text. NaN for no tokens or a model that has collapsed,
    infinite where a float cannot hold it. Source: Yang et al. 2024 (2402.09656), ME-PPL.
    Not the mean of the texts' perplexities, which a single short text can dominate.
    """
    found = list(losses)
    tokens = sum(n for _, n in found)
    if not tokens:
        return math.nan
    rate = sum(nll for nll, _ in found) / tokens
    try:
        return math.exp(rate)
    except OverflowError:
        return math.inf


def alarm(before: float, after: float, times: float = 10.0) -> bool:
    """Whether a model has collapsed: its perplexity is more than so many times what it was, or no number."""
    return not after <= times * before


def essence(losses: Iterable[tuple[float, int]]) -> float:
    """`essence`: perplexity of texts about the subject, 1 and above, lower is better.

    Source: Meng et al. 2022 (2202.05262), appendix on human and automatic evaluation: whether the subject's other
    traits are still known ("essence drift").
    """
    return perplexity(losses)


def downstream_score(after: float, before: float) -> float:
    """`downstream-score`: 100 score(f_e) / score(f_0), in per cent, 0 and above, higher is better; NaN where the unedited model scores 0.

    Source: Gu et al. 2024 (2401.04700), figures; published tables mostly give the plain score.
    """
    return 100 * after / before if before else math.nan


def other_task(after: float, before: float) -> float:
    """`other-task`: accuracy after minus accuracy before, -1 to 1, higher is better.

    Source: Yao et al. 2023 (2305.13172), which used PIQA.
    """
    return after - before
