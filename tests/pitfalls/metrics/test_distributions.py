"""Divergences, calculated by hand, and what published code makes of them."""

from __future__ import annotations

import math
import random

import pytest

from survey.pitfalls.metrics.distributions import (
    distortion,
    distortion_compat,
    failure_rate,
    ignore_rate,
    js,
    kl,
    neighbourhood_kl,
    neighbourhood_kl_compat,
    normalised,
)

NAN = math.nan
LOG2 = math.log(2)


def logs(values):
    return [math.log(v) if v else -math.inf for v in values]


def some(n: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    return normalised([chance.random() for _ in range(n)])


def test_the_kl_divergence():
    # 1/2 log((1/2)/(1/4)) + 1/2 log((1/2)/(3/4)) = 1/2 log 2 + 1/2 log(2/3)
    assert kl(logs([0.5, 0.5]), logs([0.25, 0.75])) == pytest.approx(LOG2 / 2 + math.log(2 / 3) / 2)
    # What never comes adds nothing; what p says and q rules out is infinitely surprising.
    assert kl(logs([1, 0]), logs([0.5, 0.5])) == pytest.approx(LOG2)
    assert kl(logs([0.5, 0.5]), logs([1, 0])) == math.inf
    assert math.isnan(kl([NAN, NAN], logs([0.5, 0.5])))
    with pytest.raises(ValueError):
        kl([0.0], logs([0.5, 0.5]))


@pytest.mark.parametrize("seed", range(5))
def test_kl_is_never_negative_and_zero_for_the_same(seed):
    p, q = some(9, seed), some(9, seed + 100)
    assert kl(logs(p), logs(q)) > 0
    assert kl(logs(p), logs(p)) == 0


def test_tensors_and_lists_give_the_same():
    import torch

    p, q = some(50, 1), some(50, 2)
    assert kl(torch.tensor(p).log(), torch.tensor(q).log()) == pytest.approx(kl(logs(p), logs(q)), rel=1e-5)
    zero = torch.tensor([1.0, 0.0]).log()
    assert kl(zero, torch.tensor([0.5, 0.5]).log()) == pytest.approx(LOG2)
    assert kl(torch.tensor([0.5, 0.5]).log(), zero) == math.inf
    assert kl(zero, zero) == 0
    assert math.isnan(kl(torch.full((2,), NAN), zero))


def test_neighbourhood_kl_goes_from_the_edited_to_the_original():
    before, after = logs([0.25, 0.75]), logs([0.5, 0.5])
    assert neighbourhood_kl(before, after) == pytest.approx(kl(after, before))
    assert neighbourhood_kl(before, after) != pytest.approx(kl(before, after))


def test_the_published_neighbourhood_kl_is_divided_by_the_vocabulary():
    """Torch itself shows it: a vector of one dimension under "batchmean" is divided by its length, one with a row of it is not."""
    import torch
    from torch.nn.functional import kl_div

    before, after = torch.tensor(some(20, 3)).log(), torch.tensor(some(20, 4)).log()
    published = kl_div(before, after, log_target=True, reduction="batchmean").item()
    assert neighbourhood_kl_compat(before, after) == pytest.approx(published, rel=1e-4)
    assert neighbourhood_kl(before, after) == pytest.approx(20 * published, rel=1e-4)
    row = kl_div(before[None], after[None], log_target=True, reduction="batchmean").item()
    assert neighbourhood_kl(before, after) == pytest.approx(row, rel=1e-4)


def test_the_jensen_shannon_divergence():
    # p = (1, 0), q = (0, 1), m = (1/2, 1/2): (log 2 + log 2) / 2
    assert js([1, 0], [0, 1]) == pytest.approx(LOG2)
    # p = (1, 0), q = (1/2, 1/2), m = (3/4, 1/4): (log(4/3) + 1/2 log(2/3) + 1/2 log 2) / 2
    assert js([1, 0], [0.5, 0.5]) == pytest.approx((math.log(4 / 3) + math.log(2 / 3) / 2 + LOG2 / 2) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_symmetric_and_bounded(seed):
    p, q = some(6, seed), some(6, seed + 50)
    assert js(p, q) == pytest.approx(js(q, p))
    assert 0 < js(p, q) <= LOG2
    assert js(p, p) == 0


def test_distortion_takes_probabilities_as_they_come():
    # (.2, .2) is (1/2, 1/2), (.3, .1) is (3/4, 1/4).
    assert distortion([0.2, 0.2], [0.3, 0.1]) == pytest.approx(js([0.5, 0.5], [0.75, 0.25]))
    assert distortion([0.2, 0.2], [0.002, 0.002]) == pytest.approx(0)
    assert math.isnan(distortion([0.2, 0.2], [NAN, NAN]))
    assert math.isnan(distortion([0.2, 0.2], [0.0, 0.0]))


def test_the_published_distortion_is_divided_by_the_number_of_objects():
    import torch
    from torch.nn import KLDivLoss

    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.2, 0.6])
    middle, loss = ((p + q) / 2).log(), KLDivLoss(reduction="batchmean")
    published = ((loss(middle, p) + loss(middle, q)) / 2).item()
    assert distortion_compat(p.tolist(), q.tolist()) == pytest.approx(published, rel=1e-5)
    assert distortion(p.tolist(), q.tolist()) == pytest.approx(3 * published, rel=1e-5)


def test_the_ignore_rate_counts_objects_that_lost():
    # lost, gained, stayed: 1 of 3.
    assert ignore_rate([0.2, 0.1, 0.3], [0.1, 0.2, 0.3]) == pytest.approx(1 / 3)
    assert ignore_rate([0.2], [NAN]) == 1  # A collapsed model ignores everything.
    assert math.isnan(ignore_rate([], []))


def test_more_than_half_ignored_is_a_failure():
    assert failure_rate(0.51) and not failure_rate(0.5) and not failure_rate(NAN)
