"""CounterFact: which of two objects is more probable, and by how much.

p(y | x) = exp(mean_j log P(y_j | x, y_<j)): the geometric mean of the tokens' probabilities, as all of CounterFact's code
has it. Pairs are (p of the new object, p of the old object). A comparison with NaN is False, a difference NaN.
"""

from __future__ import annotations

from collections.abc import Iterable

from survey.pitfalls.metrics.shares import mean

Pairs = Iterable[tuple[float, float]]


def efficacy_score(pairs: Pairs) -> float:
    """`efficacy-score` (ES): E 1[p(o* | x) > p(o^c | x)] over edit prompts, 0 to 1, higher is better; a tie loses.

    Source: Meng et al. 2022 (2202.05262), section 3.4 and its evaluation code, which compares mean negative
    log-likelihoods, the same order. It is no share of exact answers.
    """
    return mean(new > old for new, old in pairs)


def efficacy_magnitude(pairs: Pairs) -> float:
    """`efficacy-magnitude` (EM): E [p(o* | x) - p(o^c | x)] over edit prompts, -1 to 1, higher is better.

    Source: Meng et al. 2022. The letters EM mean exact match elsewhere.
    """
    return mean(new - old for new, old in pairs)


def paraphrase_score(pairs: Pairs) -> float:
    """`paraphrase-score` (PS): the efficacy score over rephrasings, 0 to 1, higher is better. Source: Meng et al. 2022."""
    return efficacy_score(pairs)


def paraphrase_magnitude(pairs: Pairs) -> float:
    """`paraphrase-magnitude` (PM): the efficacy magnitude over rephrasings, -1 to 1, higher is better. Source: Meng et al. 2022."""
    return efficacy_magnitude(pairs)


def neighbourhood_score(pairs: Pairs) -> float:
    """`neighbourhood-score` (NS): E 1[p(o^c | x) > p(o* | x)] over neighbours' prompts, 0 to 1, higher is better.

    Source: Meng et al. 2022. Variants: NS+ (`.distracted`) puts the edited statement before the prompt
    (Hoelscher-Obermaier et al. 2023, whose code compares negative log-likelihoods, where the smaller one wins);
    `.kept` looks only at prompts where it held before the edit, without which a model that never knew the old object
    seems damaged.
    """
    return mean(old > new for new, old in pairs)


def neighbourhood_magnitude(pairs: Pairs) -> float:
    """`neighbourhood-magnitude` (NM): E [p(o^c | x) - p(o* | x)] over neighbours' prompts, -1 to 1, higher is better.

    Source: Meng et al. 2022; NM+ (`.distracted`) as for the neighbourhood score.
    """
    return mean(old - new for new, old in pairs)


def overall_score(efficacy: float, paraphrase: float, neighbourhood: float) -> float:
    """`overall-score` (S): 3 / (1/ES + 1/PS + 1/NS), 0 to 1, higher is better; 0 where one of them is 0.

    Source: Meng et al. 2022, the harmonic mean. The three are means over the same cases; `runs.summary` tells it, since no case
    has one of its own. Raises `ValueError` for a negative score.
    """
    scores = (efficacy, paraphrase, neighbourhood)
    if any(s < 0 for s in scores):
        raise ValueError("a score is below 0")
    if any(s != s for s in scores):
        return float("nan")
    return 3 / sum(1 / s for s in scores) if all(scores) else 0.0


def kept(before: Iterable[bool], after: Iterable[bool]) -> float:
    """Share of what held before that still holds; NaN where nothing did."""
    return mean(bool(a) for b, a in zip(before, after, strict=True) if b)
