"""Two edits, one after the other: conflicts, and a change that is taken back. Three states: before, between, after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from survey.editing.edit import Edit
from survey.pitfalls.asking import Continuation, State
from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics.conflicts import (
    conflict_magnitude,
    conflict_magnitude_compat,
    conflict_score,
    success_score,
    success_score_alone,
    tied_fact_damage,
)
from survey.pitfalls.metrics.distributions import (
    distortion as distortion_of,
)
from survey.pitfalls.metrics.distributions import (
    distortion_compat,
    failure_rate,
    ignore_rate,
)
from survey.pitfalls.metrics.shares import locality, mean
from survey.pitfalls.probes.reading import (
    Scores,
    States,
    likelihood,
    next_tokens,
    of,
    over,
    wordings,
)

_WAYS = ("explicit", "implicit")
CONFLICT = (
    *(f"conflict-score.{way}" for way in _WAYS), *(f"conflict-score.{way}-exact" for way in _WAYS),
    *(f"conflict-score.{way}-unchanged" for way in _WAYS),
    *(f"conflict-magnitude.{way}" for way in _WAYS), *(f"conflict-magnitude.{way}-compat" for way in _WAYS),
    "success-score", "success-score.exact", "success-score.unchanged", "tied-fact-damage",
)  # fmt: skip


def _p(state: State, questions: tuple[Question, ...]) -> float:
    """Probability of the first answer, the mean over all wordings."""
    return mean(likelihood(state, wording).p for q in questions for wording in wordings(q))


# What an edit that could not be made fails; everything else of a pair compares models, of which one was not made.
OF_EDITS = ("success-score", "conflict-score")


def conflict(case: Case, states: States) -> Scores:
    """Does the second edit prevail, and is what ties the two left alone?"""
    before, between, after = states
    scores: Scores = dict.fromkeys(CONFLICT)
    for way in _WAYS:
        new, old = case[f"{way}-new"], case[f"{way}-old"]
        if not new or not old:
            continue
        was, now = _p(between, old), _p(after, old)
        scores[f"conflict-score.{way}"] = conflict_score(_p(after, new), now)
        scores[f"conflict-score.{way}-exact"] = over([likelihood(after, q).exact for q in new])
        scores[f"conflict-score.{way}-unchanged"] = _unchanged(between, after, new)
        scores[f"conflict-magnitude.{way}"] = conflict_magnitude(was, now)
        scores[f"conflict-magnitude.{way}-compat"] = conflict_magnitude_compat(was, now)
    if all(edit.was for edit in case.edits[:2]):
        scores["success-score"] = success_score(*(_won(state, edit) for state, edit in zip((between, after), case.edits, strict=False)))
        scores |= _took(case, states)
    if case["tied"]:
        scores["tied-fact-damage"] = tied_fact_damage(_p(before, case["tied"]), _p(after, case["tied"]))
    return scores


def _unchanged(was: State, now: State, questions: Sequence[Question]) -> float | None:
    """Share of the questions whose most probable next token stayed; never in a collapsed model."""
    return of(locality, next_tokens(was, questions), next_tokens(now, questions))


def _won(state: State, edit: Edit) -> bool:
    """Whether an edit's target is more probable than what it replaces, behind the edit's own prompt alone: no mean over
    paraphrases, as `_p` takes it for the other scores and the published code for this one."""
    return state[Continuation(edit.text, edit.target)].p > state[Continuation(edit.text, edit.was)].p


def _took(case: Case, states: States) -> Scores:
    """What belongs beside a success score, each edit asked by its own prompt in the model right after it: whether its target is
    the most probable answer, and whether the next token stayed what it was right before it. Each edit is a half."""
    steps = tuple(zip((case.edits[0], case.edits[-1]), states[:2], states[1:], strict=True))
    return {
        "success-score.exact": success_score(*(now[Continuation(edit.text, edit.target)].exact for edit, _, now in steps)),
        "success-score.unchanged": success_score(*(_unchanged(was, now, [Question(edit.text, (edit.target,))]) for edit, was, now in steps)),
    }


COVERAGE = "coverage"
"""The part of ConflictEdit in which the same fact is edited twice."""


def alone(case: Case) -> Case:
    """The second edit without the first."""
    return replace(case, edits=case.edits[1:])


def coverage(case: Case, states: States) -> Scores:
    """Of a fact that is edited twice: whether the second object beats the first one in a model with the second edit alone.

    states: the unedited model and that one. Asked by the second edit's prompt and its paraphrases.
    """
    new, old = case["explicit-new"], case["explicit-old"]
    second, first = _p(states[-1], new), _p(states[-1], old)
    return {
        "success-score.alone": success_score_alone(second, first),
        "success-score.alone-exact": over([likelihood(states[-1], q).exact for q in new]),
        "success-score.alone-unchanged": _unchanged(states[0], states[-1], new),
    }


DISTORTION = (
    "distortion", "distortion.compat", "ignore-rate", "failure-rate", "success-score", "success-score.exact", "success-score.unchanged",
    "locality.round-trip",
)  # fmt: skip


def distortion(case: Case, states: States) -> Scores:
    """What a change and its reversal leave of a question with several right answers, of which the first is edited.

    A record with several such questions gets the mean of each score.
    """
    found = [_round_trip(case, q, states) for q in case["objects"]]
    return {name: over([scores[name] for scores in found]) for name in DISTORTION}


def _round_trip(case: Case, question: Question, states: States) -> Scores:
    before, between, after = states
    asked = wordings(question)

    def p(state: State, answer: str) -> float:
        return mean(state[Continuation(wording.prompt, answer)].p for wording in asked)

    object, new = question.answers[0], case.edits[0].target
    old, now = ([p(state, answer) for answer in question.answers] for state in (before, after))
    ignored = ignore_rate(old[1:], now[1:])
    several = not math.isnan(ignored)
    won = (p(between, new) > p(between, object), p(after, object) > p(after, new))
    return {
        "distortion": distortion_of(old, now) if several else None,
        "distortion.compat": distortion_compat(old, now) if several else None,
        "ignore-rate": ignored if several else None,
        "failure-rate": failure_rate(ignored) if several else None,
        "success-score": success_score(*won),
        **_took(case, states),
        "locality.round-trip": _unchanged(before, after, [question]),
    }
