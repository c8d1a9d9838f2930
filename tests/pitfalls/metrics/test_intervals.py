"""Intervals: known values, coverage, and that nothing disappears unseen."""

from __future__ import annotations

import math
import random

import pytest

from survey.pitfalls.metrics.intervals import bootstrap, clustered, crossed, share, whole, wilson
from survey.pitfalls.metrics.losses import perplexity
from survey.pitfalls.metrics.shares import mean

NAN = math.nan


def test_wilson():
    # 8 of 10: middle (.8 + 3.8415/20) / (1 + 3.8415/10) = .9921 / 1.3841 = .7167
    found = wilson(8, 10)
    assert found == pytest.approx((0.8, 0.4902, 0.9433, 10, 0), abs=1e-4)
    assert (found.low + found.high) / 2 == pytest.approx(0.7167, abs=1e-4)
    assert wilson(0, 5).low == 0 and wilson(5, 5).high == 1
    assert wilson(0, 5).high > 0.4 and wilson(5, 5).low < 0.6
    assert math.isnan(wilson(0, 0).value)


def test_what_does_not_count_is_not_among_the_shares():
    values = [True] * 7 + [False] * 4
    assert share(values) == wilson(7, 11)
    assert share([*values, None]) == share(values)


def test_a_bootstrap_is_about_as_wide_as_theory_says():
    chance = random.Random(1)
    values = [chance.gauss(10, 2) for _ in range(400)]
    found = bootstrap(values)
    # 1.96 * 2 / sqrt(400) = .196 to each side.
    assert found.value == pytest.approx(mean(values))
    assert found.high - found.low == pytest.approx(2 * 0.196, rel=0.15)
    assert found.low < found.value < found.high


def test_it_is_the_same_each_time_and_another_with_another_seed():
    chance = random.Random(2)
    values = [chance.gauss(10, 2) for _ in range(50)]
    assert bootstrap(values) == bootstrap(values)
    assert bootstrap(values, seed=1) != bootstrap(values)


def test_a_constant_has_no_width():
    assert bootstrap([0.5] * 6) == (0.5, 0.5, 0.5, 6, 0)
    assert bootstrap([3.0]) == (3.0, 3.0, 3.0, 1, 0)


def test_what_is_no_number_is_counted():
    assert bootstrap([1.0, NAN, 1.0, None]) == (1.0, 1.0, 1.0, 2, 2)
    nothing = bootstrap([NAN, NAN])
    assert math.isnan(nothing.value) and math.isnan(nothing.low) and nothing[3:] == (0, 2)
    assert bootstrap([]).n == 0
    assert bootstrap([(1.0, 2), (NAN, 2)], perplexity)[3:] == (1, 1)


def test_an_infinite_value_stays_one():
    found = bootstrap([1.0, 2.0, math.inf])
    assert found.value == math.inf and found.high == math.inf and found.low >= 1


def test_statistics_of_pairs():
    losses = [(6.0, 3), (2.0, 1), (8.0, 4)]
    found = bootstrap(losses, perplexity)
    assert found[:3] == pytest.approx((math.e**2,) * 3)
    per_cent = lambda rows: 100 * mean(a for a, _ in rows) / mean(b for _, b in rows) if any(b for _, b in rows) else NAN  # noqa: E731
    found = bootstrap([(1, 1), (0, 1), (1, 1), (0, 0)], per_cent)
    assert found.value == pytest.approx(100 * 2 / 3)
    assert 0 <= found.low < found.value <= found.high


def test_groups_that_differ_widen_the_interval():
    """Two seeds that agree within themselves and not with each other: cases thrown together would hide it."""
    apart = {0: [1.0] * 50, 1: [0.0] * 50, 2: [1.0] * 50}
    together = bootstrap([v for values in apart.values() for v in values])
    found = clustered(apart)
    assert found.value == together.value == pytest.approx(2 / 3)
    assert found.high - found.low == 1 and together.high - together.low < 0.2
    alike = {seed: [1.0, 0.0] * 25 for seed in range(3)}
    assert clustered(alike).high - clustered(alike).low < 0.3


def test_groups_may_be_of_different_sizes_or_empty():
    found = clustered({0: [1.0] * 9, 1: [0.0], 2: [NAN], 3: []})
    assert found.value == 0.9 and found.n == 10 and found.undefined == 1


def test_the_same_items_asked_of_several_models_are_no_more_items():
    once = [1.0] * 20 + [0.0] * 20
    alone, copies = crossed([once]), crossed([once] * 5)
    half = 1.96 * math.sqrt(0.5 * 0.5 / 40)
    for found in (alone, copies):
        assert found.value == 0.5
        assert found.low == pytest.approx(0.5 - half, abs=0.03) and found.high == pytest.approx(0.5 + half, abs=0.03)
    # Thrown together, they would seem five times as many.
    wrong = clustered({n: once for n in range(5)})
    assert wrong.high - wrong.low < 0.6 * (copies.high - copies.low)


def test_models_that_differ_widen_the_interval_of_a_task():
    apart, together = crossed([[1.0] * 20, [0.0] * 20]), crossed([[0.5] * 20] * 2)
    assert (apart.low, apart.high) == (0.0, 1.0) and (together.low, together.high) == (0.5, 0.5)
    assert math.isnan(crossed([]).value)


def test_cases_with_what_several_seeds_gave_are_drawn_whole():
    cases = {"a": [1.0, 1.0, 0.0], "b": [0.0, None, 0.0], "c": [1.0]}
    found = whole(cases)
    assert (found.value, found.n, found.undefined) == (0.5, 6, 1)
    # The extremes are a sample of b alone and one of c alone.
    assert (found.low, found.high) == (0, 1)
    many = whole({n: [n % 2] * 10 for n in range(40)})
    assert many.high - many.low == pytest.approx(2 * 1.96 * math.sqrt(0.25 / 40), rel=0.15)


def test_where_all_cases_agree_there_is_still_doubt():
    found = whole({n: [1.0, 1.0] for n in range(12)}, share=True)
    assert (found.value, found.high, found.n) == (1, 1, 24) and found.low == pytest.approx(wilson(12, 12).low)
    assert whole({n: [0.0] for n in range(12)}, share=True).high == pytest.approx(wilson(0, 12).high)
    # What has no bound has no such interval, and of one case nothing is known.
    assert whole({n: [0.0] for n in range(12)}).high == 0
    assert math.isnan(whole({0: [0.3, 0.4]}).low) and math.isnan(whole({}).value)


def test_any_statistic_can_be_taken_over_groups_that_are_drawn_as_they_are():
    """A ratio of sums, of cases that two seeds asked; as a statistic, the mean gives what the mean of numbers does."""
    groups = {"a": [(1.0, 2.0), (1.0, 4.0)], "b": [(3.0, 3.0)], "c": [(0.0, 1.0), (None, 1.0)]}
    ratio = lambda pairs: sum(a for a, _ in pairs) / sum(b for _, b in pairs)  # noqa: E731
    found = whole(groups, ratio)
    # (1 + 1 + 3) / (2 + 4 + 3 + 1); at worst c alone is drawn, at best b.
    assert (found.value, found.low, found.high, found.n, found.undefined) == (0.5, 0, 1, 4, 1)
    numbers = {n: [n % 3 / 2, n % 2] for n in range(9)}
    assert whole(numbers, lambda values: sum(values) / len(values))[1:3] == pytest.approx(whole(numbers)[1:3])
