"""Scores of a model on the items of downstream tasks.

`score` tells of one item; `survey.pitfalls.runs.summary` sums items up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from survey.pitfalls.asking import Continuation, Passage, Said, State
from survey.pitfalls.metrics.losses import perplexity
from survey.pitfalls.metrics.shares import chosen
from survey.pitfalls.metrics.texts import (
    exact_match,
    f1,
    mentioned,
    rouge,
    rouge_l,
    rouge_n,
    solved,
)
from survey.pitfalls.task import Item, Task

Value = float | bool | None

MAIN = {"choice": "accuracy", "number": "solve-rate", "short": "exact-match", "summary": "rouge", "text": "perplexity"}
"""The metric that stands for a task, by its kind."""

_PARAGRAPH = re.compile(r"\n\s*\n")


def score(task: Task, item: Item, states: Sequence[State]) -> dict[str, Value]:
    """An item's scores in the last of the states, by name as in `survey.pitfalls.metrics.names`.

    A tie between choices, a NaN among them, and an answer that is not said are wrong.
    """
    return _SCORES[task.kind](task, item, states[-1])


def _choice(task: Task, item: Item, state: State) -> dict[str, Value]:
    values = [state[Continuation(item.prompt, choice)].log_p for choice in item.choices]
    best = chosen(values)
    return {"accuracy": best is not None and item.choices[best] in item.answers}


def _said(task: Task, item: Item, state: State) -> str:
    return state[Said(item.prompt, task.tokens)].text


def _number(task: Task, item: Item, state: State) -> dict[str, Value]:
    return {"solve-rate": solved(_said(task, item, state), item.answers)}


def _short(task: Task, item: Item, state: State) -> dict[str, Value]:
    # After its answer a model goes on with a further question of its own.
    line = next(iter(_said(task, item, state).strip().splitlines()), "")
    return {
        "exact-match": exact_match(line, item.answers),
        "exact-match.mentioned": mentioned(item.answers, line),
        "f1": f1(line, item.answers),
    }


def _summary(task: Task, item: Item, state: State) -> dict[str, Value]:
    text = _PARAGRAPH.split(_said(task, item, state).strip())[0]
    return {
        "rouge": rouge(text, item.answers),
        "rouge.1": max(rouge_n(text, r, 1) for r in item.answers),
        "rouge.2": max(rouge_n(text, r, 2) for r in item.answers),
        "rouge.l": max(rouge_l(text, r) for r in item.answers),
    }


def _text(task: Task, item: Item, state: State) -> dict[str, Value]:
    loss = state[Passage(item.answers[0])]
    return {
        "perplexity": perplexity([(loss.nll, loss.tokens)]),
        "perplexity.nll": loss.nll,
        "perplexity.length": float(loss.tokens),
    }


_SCORES = {"choice": _choice, "number": _number, "short": _short, "summary": _summary, "text": _text}
