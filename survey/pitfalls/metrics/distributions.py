"""Distances of distributions: neighbourhood KL, and what a round trip does to a question with several right answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from survey.pitfalls.metrics.shares import mean


def _floor(x: float) -> float:
    """Rounding may carry a divergence just below 0; NaN stays."""
    return 0.0 if x < 0 else x


def kl(log_p: Any, log_q: Any) -> float:
    """D_KL(p || q) = sum_t p_t (log p_t - log q_t) in nats, of log-probabilities (sequences or tensors); 0 and above, may be infinite."""
    if len(log_p) != len(log_q):
        raise ValueError("the distributions are of different sizes")
    if hasattr(log_p, "double") and hasattr(log_q, "double"):
        log_p, log_q = log_p.double(), log_q.double()
        p = log_p.exp()
        # What never comes adds nothing, whatever q says of it.
        return _floor((p * (log_p - log_q)).masked_fill(p == 0, 0.0).sum().item())
    terms = [0.0 if a == -math.inf else math.exp(a) * (a - b) for a, b in zip(log_p, log_q, strict=True)]
    return _floor(sum(terms))


def neighbourhood_kl(before: Any, after: Any) -> float:
    """`neighbourhood-kl` (NKL): D_KL(P_edited || P_original) over the next token, in nats, 0 and above, lower is better.

    before, after: log-probabilities over the vocabulary.
    Source: Hoelscher-Obermaier et al. 2023 (2305.17553), section 3, in the direction of the evaluation code.
    """
    return kl(after, before)


def neighbourhood_kl_compat(before: Any, after: Any) -> float:
    """`neighbourhood-kl.compat`: what the published code yields: the divergence divided by the size of the vocabulary.

    It reduces by "batchmean" a vector that has one dimension, which divides by its length, and so explains values
    of the order of 1e-5.
    """
    return neighbourhood_kl(before, after) / len(after)


def normalised(values: Sequence[float]) -> list[float]:
    """Values that add up to 1; NaN everywhere where they cannot be."""
    total = math.fsum(values) if all(math.isfinite(v) for v in values) else math.nan
    return [v / total if total > 0 else math.nan for v in values]


def js(p: Sequence[float], q: Sequence[float]) -> float:
    """Jensen-Shannon divergence, (D_KL(p || m) + D_KL(q || m)) / 2 with m = (p + q) / 2, in nats: 0 to log 2, symmetric."""
    if any(v != v for v in (*p, *q)):
        return math.nan
    log = lambda values: [math.log(v) if v > 0 else -math.inf for v in values]  # noqa: E731
    middle = log([(a + b) / 2 for a, b in zip(p, q, strict=True)])
    return (kl(log(p), middle) + kl(log(q), middle)) / 2


def distortion(before: Sequence[float], after: Sequence[float]) -> float:
    """`distortion` (D): D_JS(p_theta0(Obj) || p_theta'(Obj)), 0 to log 2 nats, lower is better.

    before, after: probabilities of all right objects, normalised over them here. NaN where a model has collapsed.
    Source: Li et al. 2024 (2310.02129), section 4.
    """
    return js(normalised(before), normalised(after))


def distortion_compat(before: Sequence[float], after: Sequence[float]) -> float:
    """`distortion.compat`: the published code's value, D divided by the number of objects ("batchmean" of a vector)."""
    return distortion(before, after) / len(after)


def ignore_rate(before: Sequence[float], after: Sequence[float]) -> float:
    """`ignore-rate` (IR): mean over o' != o of 1[p_theta0(o') > p_theta'(o')], 0 to 1, lower is better.

    before, after: probabilities of the right objects other than the edited one, not normalised. NaN for none of them.
    A model that has collapsed ignores them all: a share of nothing would otherwise look like a perfect one.
    Source: Li et al. 2024, section 4.
    """
    return mean(not a >= b for b, a in zip(before, after, strict=True))


def failure_rate(ignored: float) -> bool:
    """`failure-rate` (FR): 1[IR > 0.5]; its mean over cases is 0 to 1, lower is better. Source: Li et al. 2024, section 4."""
    return ignored > 0.5
