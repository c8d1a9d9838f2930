"""RippleEdits: what should change with an edit, and what should not, in six lists of tests.

A test's answer is looked for in thirty tokens. Its conditions are asked of the unedited model in the room of an answer, ten tokens
or more by its length (`reading.room`), and are met under teacher forcing, too (`reading.counts`); for `.compat` they must be found
by the published match in thirty. The published code asks tests and conditions alike, in as many tokens as the prompt has
characters, and thirty more, less the prompt's own tokens. That length no variant gives again.
"""

from __future__ import annotations

from survey.pitfalls.asking import State
from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics import METRICS
from survey.pitfalls.metrics.texts import mentioned_compat
from survey.pitfalls.probes.reading import (
    Scores,
    States,
    among,
    answered,
    names,
    of,
    text,
    whole,
    wordings,
)

TOKENS = 30
"""Tokens in which an answer must be said."""

# The metric of each list, and the role that asks the same where a benchmark has no such list.
LISTS = {
    "logical": ("logical-generalization", None),
    "composition-1": ("compositionality-1", "one-hop"),
    "composition-2": ("compositionality-2", None),
    "subject-aliasing": ("subject-aliasing", "alias"),
    "preservation": ("preservation", None),
    "relation-specificity": ("relation-specificity", "relation"),
}
# Of these lists nothing should change, so that an answer that stays is right.
STAYING = ("preservation", "relation-specificity")
ROLES = tuple(role for own, (_, other) in LISTS.items() for role in (own, other) if role)


def _names(metric: str) -> tuple[str, ...]:
    told = (*names(metric), f"{metric}.compat")
    return tuple(name.replace(".unchanged", ".next-token") for name in told) if metric in STAYING else told


RIPPLE = tuple(name for metric, _ in LISTS.values() for name in _names(metric))


def _compat(state: State, question: Question) -> bool:
    """The published match, in the text that holds the prompt, too; not in a text of the published length."""
    return whole(question, [mentioned_compat(q.answers, q.prompt, text(state, q, TOKENS).text) for q in wordings(question)])


def ripple(case: Case, states: States) -> Scores:
    """Passed share of each list, of the tests whose conditions the unedited model meets."""
    scores: Scores = {}
    for own, (metric, other) in LISTS.items():
        questions = case[own] or (case[other] if other else ())
        met = [all([_compat(states[0], need) for need in q.needs]) for q in questions]
        found = answered(metric, questions, states, TOKENS)
        if metric in STAYING:
            found[f"{metric}.next-token"] = found.pop(f"{metric}.unchanged")
        scores |= found
        scores[f"{metric}.compat"] = of(METRICS[metric], among([_compat(states[-1], q) for q in questions], met))
    return scores
