"""How well a model does on a task set, with an interval and the level of chance."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

from survey.pitfalls.asking import Passage, answer, wanted
from survey.pitfalls.metrics.intervals import Interval, bootstrap, share
from survey.pitfalls.metrics.losses import perplexity
from survey.pitfalls.task import Item, Task
from survey.pitfalls.tasks import MAIN, score

if TYPE_CHECKING:
    from survey.editing.language_model import LanguageModel


def prove_task(model: LanguageModel, task: Task) -> dict[str, Any]:
    """A task's score. Chance is the share of guesses that would be right for a choice, that of the most frequent
    answer for a number, nothing for short answers, the overlap with the references of the other items for a summary,
    and for texts the perplexity of the same words in random order."""
    main = MAIN[task.kind]
    asks = [ask for item in task.items for ask in wanted(_states(task), item, states=1)[0]]
    state = answer(model, asks)
    rows = [score(task, item, [state]) for item in task.items]
    if task.kind == "text":
        value = bootstrap([(row["perplexity.nll"], row["perplexity.length"]) for row in rows], perplexity)
        chance = _shuffled(model, task)
    elif task.kind == "summary":
        value = bootstrap([row[main] for row in rows])
        chance = _exchanged(task, state)
    else:
        value = share([row[main] for row in rows])
        chance = most_frequent(task) if task.kind == "number" else task.chance or 0.0
    return {"metric": main, **_rounded(value), "chance": round(chance, 4)}


def most_frequent(task: Task) -> float:
    """The share of items that the most frequent answer would be right for."""
    return Counter(item.answers[0] for item in task.items).most_common(1)[0][1] / len(task.items)


def _states(task: Task):
    return lambda item, states: score(task, item, states)


def _rounded(value: Interval) -> dict[str, Any]:
    return {"value": round(value.value, 4), "low": round(value.low, 4), "high": round(value.high, 4), "items": value.n}


def _exchanged(task: Task, state) -> float:
    """The mean score where each text is compared with the reference of every other item."""
    found = []
    for item in task.items:
        for other in task.items:
            if other is not item:
                found.append(score(task, Item(item.id, item.prompt, other.answers), [state])["rouge"])
    return sum(found) / len(found)


def _shuffled(model: LanguageModel, task: Task) -> float:
    chance = random.Random(0)
    texts = []
    for item in task.items:
        words = item.answers[0].split()
        chance.shuffle(words)
        texts.append(Passage(" ".join(words)))
    return perplexity([(loss.nll, loss.tokens) for loss in answer(model, texts).values()])
