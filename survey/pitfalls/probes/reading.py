"""How the probes put their questions, and what they read out of the answers.

Nothing here may stop asking halfway: what is asked must not depend on what was answered (`asking.steady`). So all answers
are looked up before they are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from survey.pitfalls.asking import Continuation, Likelihood, Said, State, Text, Top
from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics import METRICS
from survey.pitfalls.metrics.probabilities import efficacy_score
from survey.pitfalls.metrics.shares import locality, mean, token_accuracy
from survey.pitfalls.metrics.texts import mentioned

Value = float | bool | None
Scores = dict[str, Value]
States = Sequence[State]


def over(values: Iterable[Value]) -> float | None:
    """The mean of what counts; None where nothing does. NaN, which a collapsed model gives, stays."""
    found = [v for v in values if v is not None]
    return mean(found) if found else None


def of(metric: Callable[..., float], *values: Sequence[Any]) -> float | None:
    """What a metric's function makes of values; None where there are none."""
    return metric(*values) if values[0] else None


def among(values: Iterable[Any], counts: Iterable[bool]) -> list[Any]:
    """The values that count."""
    return [v for v, c in zip(values, counts, strict=True) if c]


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


def whole(question: Question, right: Sequence[bool]) -> bool:
    """Whether a question is answered right, given each of its wordings: any or all of them must be, as it demands."""
    return any(right) if question.whole == "any" else all(right)


def exact_each(state: State, question: Question) -> list[bool]:
    """Whether every token of the first answer is the most probable one, in each wording."""
    return [likelihood(state, wording).exact for wording in wordings(question)]


def said_each(state: State, question: Question, tokens: int | None = None) -> list[bool]:
    """Whether the model says an answer by itself, in each wording."""
    return [mentioned(wording.answers, text(state, wording, tokens).text) for wording in wordings(question)]


def exact(state: State, question: Question) -> bool:
    """Whether every token of the first answer is the most probable one; in any or in all wordings, as the question demands."""
    return whole(question, exact_each(state, question))


def said(state: State, question: Question, tokens: int | None = None) -> bool:
    """Whether the model says an answer by itself; in any or in all wordings, as the question demands."""
    return whole(question, said_each(state, question, tokens))


def counts(state: State, question: Question) -> bool:
    """Whether everything that the question needs is known in this state: under teacher forcing, or said in the room of an answer,
    whatever room the question itself has. True where it needs nothing."""
    found = [exact(state, need) | said(state, need) for need in question.needs]
    return all(found)


def next_tokens(state: State, questions: Sequence[Question]) -> list[int | None]:
    """The most probable next token behind each question; None, which equals nothing, in a collapsed model."""
    found = [state[Top(q.prompt)] for q in questions]
    return [None if top < 0 else top for top in found]


def texts(state: State, questions: Sequence[Question]) -> list[str | None]:
    """What the model says behind each question, greedily; None, which equals nothing, in a collapsed model."""
    found = [text(state, q) for q in questions]
    return [None if said.collapsed else said.text for said in found]


ANSWERED = ("forced", "tokens", "generated", "compared", "unchanged", "counted")


def names(metric: str) -> tuple[str, ...]:
    """The names that `answered` returns."""
    return tuple(f"{metric}.{variant}" for variant in ANSWERED)


def answered(metric: str, questions: Sequence[Question], states: States, tokens: int | None = None) -> Scores:
    """How questions are answered whose answer the edit changes: every variant of `ANSWERED`, of those that count."""
    count = [counts(states[0], q) for q in questions]
    other = beside(metric, questions, states, count)
    right = {
        "forced": [exact(states[-1], q) for q in questions],
        "generated": [said(states[-1], q, tokens) for q in questions],
    }
    scores = other | {f"{metric}.{variant}": of(METRICS[metric], among(values, count)) for variant, values in right.items()}
    return {name: scores[name] for name in names(metric)}


def beside(metric: str, questions: Sequence[Question], states: States, count: Sequence[bool]) -> Scores:
    """What stands beside the share of right answers: all other variants of `ANSWERED`, of the questions that count."""
    pairs = among([pair(states[-1], q) for q in questions], count)
    tokens = among([likelihood(states[-1], q).right for q in questions], count)
    nexts = [among(next_tokens(state, questions), count) for state in (states[0], states[-1])]
    return {
        f"{metric}.tokens": of(token_accuracy, tokens),
        f"{metric}.compared": of(efficacy_score, [p for p in pairs if p is not None]),
        f"{metric}.unchanged": of(locality, *nexts),
        f"{metric}.counted": over(count) if any(q.needs for q in questions) else None,
    }
