"""Against numbers that were worked out by hand."""

from __future__ import annotations

import pytest

from survey.collection.agreement import FACETS, agreement


def on(facet: str, first: dict, second: dict):
    wrap = [{key: {facet: labels} for key, labels in side.items()} for side in (first, second)]
    return next(a for a in agreement(*wrap) if a.facet == facet)


def test_two_papers_two_labels():
    # 2 papers x 2 labels are 4 decisions: a-x and b-y alike, a-y and b-x not.
    result = on("kinds", {"a": ["x", "y"], "b": []}, {"a": ["x"], "b": ["x"]})
    assert result.labels == 4
    assert result.positive == pytest.approx(2 * 1 / 4)
    # Observed 2 of 4; by chance (2*2 + 2*2) / 16 = .5; kappa (.5 - .5) / .5.
    assert result.kappa == pytest.approx(0)
    assert result.same == 0


def test_a_better_round():
    first = {"a": ["x"], "b": ["x"], "c": ["y"], "d": []}
    second = {"a": ["x"], "b": ["x", "y"], "c": ["y"], "d": []}
    result = on("pitfalls", first, second)
    # 3 labels of 3 and of 4 agree; 8 decisions, 7 alike; by chance (3*4 + 5*4) / 64 = .5.
    assert result.labels == 7
    assert result.positive == pytest.approx(6 / 7)
    assert result.kappa == pytest.approx((7 / 8 - 0.5) / 0.5)
    assert result.same == pytest.approx(3 / 4)


def test_full_agreement():
    result = on("methods", {"a": ["x"], "b": ["y"]}, {"a": ["x"], "b": ["y"]})
    assert (result.positive, result.kappa, result.same) == (1, 1, 1)


def test_where_chance_explains_everything_kappa_is_one():
    assert on("methods", {"a": ["x"]}, {"a": ["x"]}).kappa == 1


def test_disagreement_is_worse_than_chance():
    result = on("stances", {"a": ["x"], "b": ["y"]}, {"a": ["y"], "b": ["x"]})
    # Nothing of 4 decisions alike, .5 by chance.
    assert (result.positive, result.kappa, result.same) == (0, -1, 0)


def test_an_unused_facet_is_agreed_upon():
    results = agreement({"a": {}}, {"a": {}})
    assert [r.facet for r in results] == list(FACETS)
    assert all((r.labels, r.kappa, r.same) == (0, 1, 1) for r in results)


def test_both_must_have_annotated_the_same():
    with pytest.raises(ValueError, match=r"\['b'\]"):
        agreement({"a": {}}, {"a": {}, "b": {}})
