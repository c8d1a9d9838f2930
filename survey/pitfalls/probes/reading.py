"""How the probes put their questions, and what they read out of the answers.

Nothing here may stop asking halfway: what is asked must not depend on what was answered (`asking.steady`). So all answers
are looked up before they are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from survey.pitfalls.asking import Continuation, Likelihood, Said, State, Text, Top
from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics.shares import mean
from survey.pitfalls.metrics.texts import mentioned

Value = float | bool | None
Scores = dict[str, Value]
States = Sequence[State]


def over(values: Iterable[Value]) -> float | None:
    """The mean of what counts; None where nothing does. NaN, which a collapsed model gives, stays."""
    found = [v for v in values if v is not None]
    return mean(found) if found else None


def among(values: Iterable[Value], counts: Iterable[bool]) -> float | None:
    """The mean of the values that count."""
    return over([v for v, c in zip(values, counts, strict=True) if c])


def wordings(question: Question) -> tuple[Question, ...]:
    """The question and the same in other words."""
    return (question, *question.others)


def facts(case: Case) -> tuple[Question, ...]:
    """The edits themselves as questions. Where one is made on top of another with the same prompt, the later one holds."""
    last = {edit.text: edit for edit in case.edits}
    return tuple(Question(edit.text, (edit.target,), edit.was) for edit in last.values())


def likelihood(state: State, question: Question) -> Likelihood:
    """Of the first answer."""
    return state[Continuation(question.prompt, question.answers[0])]


def pair(state: State, question: Question) -> tuple[float, float] | None:
    """(p of the first answer, p of the one it competes with); None where none is known."""
    if question.against is None:
        return None
    return likelihood(state, question).p, state[Continuation(question.prompt, question.against)].p


def room(question: Question) -> int:
    """Tokens in which an answer should be said: ten, and more for long ones."""
    words = max(len(answer.split()) for answer in question.answers)
    return 10 if words <= 4 else 20 if words <= 8 else 40


def text(state: State, question: Question, tokens: int | None = None) -> Text:
    """What the model says behind the question, greedily."""
    return state[Said(question.prompt, tokens or room(question))]


def _whole(question: Question, right: Callable[[Question], bool]) -> bool:
    found = [right(wording) for wording in wordings(question)]
    return any(found) if question.whole == "any" else all(found)


def exact(state: State, question: Question) -> bool:
    """Whether every token of the first answer is the most probable one; in any or in all wordings, as the question demands."""
    return _whole(question, lambda q: likelihood(state, q).exact)


def said(state: State, question: Question, tokens: int | None = None) -> bool:
    """Whether the model says an answer by itself; in any or in all wordings, as the question demands."""
    return _whole(question, lambda q: mentioned(q.answers, text(state, q, tokens).text))


def counts(state: State, question: Question) -> bool:
    """Whether everything that the question needs is known in this state. True where it needs nothing."""
    found = [exact(state, need) | said(state, need) for need in question.needs]
    return all(found)


def unchanged(states: States, question: Question, first: int = 0) -> bool:
    """Whether the most probable next token in the last state is what it was in the first; never in a collapsed model."""
    before, after = states[first][Top(question.prompt)], states[-1][Top(question.prompt)]
    return after >= 0 and before == after


def same_text(states: States, question: Question) -> bool:
    """Whether the model says, greedily, the same as before; never if it has collapsed."""
    before, after = text(states[0], question), text(states[-1], question)
    return not after.collapsed and before == after


ANSWERED = ("forced", "tokens", "generated", "compared", "unchanged", "counted")


def names(metric: str) -> tuple[str, ...]:
    """The names that `answered` returns."""
    return tuple(f"{metric}.{variant}" for variant in ANSWERED)


def answered(metric: str, questions: Sequence[Question], states: States, tokens: int | None = None) -> Scores:
    """How questions are answered whose answer the edit changes: every variant of `ANSWERED`, of those that count."""
    before, after = states[0], states[-1]
    count = [counts(before, q) for q in questions]
    pairs = [pair(after, q) for q in questions]
    found = {
        "forced": [exact(after, q) for q in questions],
        "tokens": [likelihood(after, q).right for q in questions],
        "generated": [said(after, q, tokens) for q in questions],
        "compared": [None if p is None else p[0] > p[1] for p in pairs],
        "unchanged": [unchanged(states, q) for q in questions],
    }
    scores: Scores = {f"{metric}.{variant}": among(values, count) for variant, values in found.items()}
    return {**scores, f"{metric}.counted": over(count) if any(q.needs for q in questions) else None}
