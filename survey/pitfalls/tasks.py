"""Scores of a model on the items of downstream tasks.

`score` tells of one item, `summarise` of a task: most metrics are means over items, perplexity is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from survey.pitfalls.asking import Continuation, Passage, Said, State
from survey.pitfalls.metrics.losses import downstream_score, other_task, perplexity
from survey.pitfalls.metrics.shares import chosen, mean
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


def summarise(
    task: Task, rows: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, float | None]:
    """A task's scores out of those of its items, and beside the unedited model's rows, where they are given:
    `downstream-score` in per cent (of perplexity, too, where more is worse) and, for `accuracy`, `other-task`.

    A null in a row, which is NaN in a file of results, makes the mean NaN: a collapsed model has no perplexity.
    Nothing for no rows.
    """
    names = list(rows[0]) if rows else []
    found: dict[str, float | None] = {name: mean(_number_of(row[name]) for row in rows) for name in names}
    if "perplexity" in found:
        found["perplexity"] = perplexity((_number_of(row["perplexity.nll"]), row["perplexity.length"]) for row in rows)
        found["perplexity.nll"] = math.fsum(_number_of(row["perplexity.nll"]) for row in rows)
        found["perplexity.length"] = math.fsum(row["perplexity.length"] for row in rows)
    main = MAIN[task.kind]
    if before is not None and main in found:
        was = summarise(task, before)[main]
        found["downstream-score"] = downstream_score(found[main], was)
        if main == "accuracy":
            found["other-task"] = other_task(found[main], was)
    return found


def _number_of(value: Any) -> float:
    return math.nan if value is None else float(value)
