"""Perplexity and what is measured beside the unedited model."""

from __future__ import annotations

import math

import pytest

from survey.pitfalls.metrics.losses import (
    alarm,
    downstream_score,
    essence,
    other_task,
    perplexity,
)

NAN = math.nan


@pytest.mark.parametrize("measure", [perplexity, essence])
def test_perplexity_weighs_texts_by_their_tokens(measure):
    # exp((6 + 2) / (3 + 1)) = e^2, while the mean of the texts' perplexities is (e^2 + e^2) / 2.
    assert measure([(6.0, 3), (2.0, 1)]) == pytest.approx(math.e**2)
    # exp((1 + 9) / (9 + 1)) = e, and not (e^(1/9) + e^9) / 2 = 4052.
    assert measure([(1.0, 9), (9.0, 1)]) == pytest.approx(math.e)
    assert measure([(0.0, 5)]) == 1
    assert math.isnan(measure([])) and math.isnan(measure([(NAN, 3), (1.0, 3)])) and math.isnan(measure([(0.0, 0)]))
    assert measure([(1e6, 1)]) == math.inf


def test_an_alarm_is_relative_and_rings_for_no_number_too():
    assert not alarm(94, 100) and alarm(94, 941) and alarm(94, 100, times=1.05)
    assert alarm(94, NAN) and alarm(94, math.inf)


def test_scores_beside_the_unedited_model():
    assert downstream_score(0.3, 0.4) == pytest.approx(75)
    assert downstream_score(0.5, 0.4) == pytest.approx(125)
    assert math.isnan(downstream_score(0.5, 0.0))
    assert other_task(0.5, 0.75) == -0.25
