"""ConflictEdit and RoundEdit: which of two edits that contradict each other prevails.

k_o is the fact that the second edit makes obsolete, k_n the new one; theta_0, theta_m, theta' are the model before, between
and after the edits. Source of all: Li et al. 2024 (2310.02129), section 3 and 4, and its evaluation code. Probabilities are
means over the prompt and its paraphrases, but for a conflict's `success-score`: there each edit is asked by its own prompt.
"""

from __future__ import annotations

from survey.pitfalls.metrics.shares import mean


def conflict_score(new: float, obsolete: float) -> bool:
    """`conflict-score` (CS): 1[p_theta'(k_n) > p_theta'(k_o)]; its mean is 0 to 1, higher is better.

    Variants: `.explicit` asks by the prompt of the second edit, `.implicit` through that of the first.
    """
    return new > obsolete


def _lost(before: float, after: float) -> float:
    """(before - after) / before; NaN where there was nothing to lose."""
    return (before - after) / before if before > 0 else float("nan")


def conflict_magnitude(between: float, after: float) -> float:
    """`conflict-magnitude` (CM): (p_theta_m(k_o) - p_theta'(k_o)) / p_theta_m(k_o), at most 1, higher is better.

    Not bounded below: an obsolete fact that was improbable and gains can outweigh all others in a mean.
    """
    return _lost(between, after)


def conflict_magnitude_compat(between: float, after: float) -> float:
    """`conflict-magnitude.compat`: as the published code has it, each value clamped at -1 from below."""
    found = conflict_magnitude(between, after)
    return -1.0 if found < -1 else found


def success_score(first: bool, second: bool) -> float:
    """`success-score`: 1[edit 1 won] / 2 + 1[edit 2 won] / 2, 0 to 1, higher is better.

    An edit has won where its target is more probable than what it replaces, in the model right after it. On the coverage
    records of ConflictEdit the published score is 1[p(o_2) > p(o_1)] in a model with the second edit alone
    (`success_score_alone`). On round trips the unedited model scores a half: it holds one of two opposite
    facts.
    """
    return mean((bool(first), bool(second)))


def success_score_alone(second: float, first: float) -> bool:
    """`success-score.alone`: 1[p(o_2) > p(o_1)], in the model with the second edit alone."""
    return second > first


def tied_fact_damage(before: float, after: float) -> float:
    """`tied-fact-damage` (TFD): (p_theta0(k_f) - p_theta'(k_f)) / p_theta0(k_f), at most 1, lower is better.

    k_f is the fact that ties two composed edits. The published code calls it FFD.
    """
    return _lost(before, after)
