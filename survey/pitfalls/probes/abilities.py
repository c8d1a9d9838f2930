"""What many edits do: are the earlier ones still there, and does the model still write well?"""

from __future__ import annotations

import math

from survey.pitfalls.asking import Said, Text
from survey.pitfalls.case import Case
from survey.pitfalls.metrics.texts import consistency, fluency
from survey.pitfalls.probes.generalization import EDIT, edit
from survey.pitfalls.probes.reading import Scores, States, over

FORGETTING = EDIT


def forgetting(case: Case, states: States) -> Scores:
    """The edit itself, asked after others were made on top of it."""
    return edit(case, states)


LENGTH = 100
"""Tokens of a text, as in CounterFact's evaluation."""
FLUENCY = ("fluency.greedy", "consistency.greedy")


def write(case: Case, states: States) -> Scores:
    """A text about the subject: how varied it is, and how near to texts about the new object. NaN from a collapsed model."""
    said = [(q, states[-1][Said(q.prompt, LENGTH)]) for role in ("describe", "begin") for q in case[role]]
    near = [(q, text) for q, text in said if q in case["describe"]]
    return {
        "fluency.greedy": over([_of(text, fluency(text.text)) for _, text in said]),
        "consistency.greedy": over([_of(text, consistency(text.text, q.answers)) for q, text in near]),
    }


def _of(text: Text, value: float) -> float:
    return math.nan if text.collapsed else value
