"""A downstream task: items that ask nothing of the edited facts, by which general abilities are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from survey.pitfalls.case import CaseError

Kind = Literal["choice", "number", "short", "summary", "text"]


@dataclass(frozen=True)
class Item:
    """One item.

    prompt: what the model reads, demonstrations included, without a blank at its end; empty for kind `text`.
    answers: what is right, any of them; a reference summary; or the text itself for kind `text`.
    choices: everything that may be chosen, the right answer among it, for kind `choice`.
    """

    id: str
    prompt: str
    answers: tuple[str, ...]
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.answers or not all(isinstance(a, str) and a.strip() for a in self.answers):
            raise CaseError(f"item {self.id} has no answer")
        if self.choices and not set(self.answers) <= set(self.choices):
            raise CaseError(f"the answer of item {self.id} is not among its choices")


@dataclass(frozen=True)
class Task:
    """A set of items.

    id: one of taxonomy/tasks.yaml, or `language-modelling`.
    kind: how it is scored: `choice` takes the most probable choice, `number` the last number that is said, `short` a
        few words, `summary` an overlap with the reference, `text` the perplexity.
    tokens: how many tokens the model may say.
    chance: the score of guessing, 0 to 1, where that makes sense.
    """

    id: str
    name: str
    kind: Kind
    items: tuple[Item, ...]
    tokens: int = 20
    chance: float | None = None
