"""A report on the default language model: an edit that takes, and one that breaks the model."""

from __future__ import annotations

import pytest

from survey.editing.edit import Edit
from survey.editing.loading import load_model
from survey.pitfalls.report import gather
from survey.pitfalls.report.page import html

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model():
    return load_model()


def test_the_eiffel_tower_moves_to_rome(model):
    edit = Edit("{} is located in the city of", "The Eiffel Tower", "Rome", "Paris")
    report = gather(model, [edit], method="rome", facts=10)
    told = report.edits[0]
    assert told.exact and told.says and told.before.p_was > 0.6 > 0.1 > told.after.p_was
    before, after, count = told.kept_or_new("paraphrase")
    assert before == 0 and after >= count - 1 >= 7
    # Every fact of the suite is known before; one edit breaks few.
    assert report.facts_right[0] == len(report.facts) == 10 and report.facts_right[1] >= 9
    assert 0.95 < report.language.ratio.value < 1.05 and report.restored
    assert [w.layer for w in report.weights] == [5]
    assert "The edit took." in html(report)
