"""Texts that an edited model writes."""

from __future__ import annotations

import math

import pytest

from survey.pitfalls.asking import Said, Text
from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics.texts import consistency, fluency
from survey.pitfalls.probes import PROBES
from survey.pitfalls.probes.abilities import LENGTH
from tests.pitfalls.probes.cases import MOVE, Answers

score = PROBES["general-abilities.fluency"].score
REFERENCES = ("London is the capital of England.", "London lies on the Thames.")


def test_a_text_is_judged_by_its_variety_and_its_references():
    case = Case("1", (MOVE,), {"describe": (Question("The Louvre is", REFERENCES),), "begin": (Question("My Louvre:", ("London",)),)})
    one, other = "a museum in London, the capital of England.", "London London London London London"
    after = Answers({Said("The Louvre is", LENGTH): Text(one), Said("My Louvre:", LENGTH): Text(other)})
    found = score(case, (after, after))
    assert found["fluency.greedy"] == pytest.approx((fluency(one) + 0) / 2)
    # A beginning without reference texts is not compared with anything.
    assert found["consistency.greedy"] == pytest.approx(consistency(one, REFERENCES)) and 0 < found["consistency.greedy"] < 1


def test_a_model_that_says_nothing_is_not_one_that_has_collapsed():
    case = Case("1", (MOVE,), {"describe": (Question("The Louvre is", REFERENCES),)})
    silent, broken = (Answers(Said=Text("", collapsed)) for collapsed in (False, True))
    assert score(case, (silent, silent)) == {"fluency.greedy": 0, "consistency.greedy": 0}
    assert all(math.isnan(value) for value in score(case, (silent, broken)).values())
    assert score(Case("1", (MOVE,), {"begin": case["describe"]}), (silent, silent))["consistency.greedy"] is None
