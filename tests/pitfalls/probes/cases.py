"""Cases that ask everything, and answers made up by hand."""

from __future__ import annotations

import math
from typing import Any

from survey.editing.edit import Edit
from survey.pitfalls.asking import (
    Continuation,
    Distribution,
    Likelihood,
    Loss,
    Next,
    Passage,
    Said,
    Text,
    Top,
)
from survey.pitfalls.case import ROLES, Case, Question

MOVE = Edit("{} is located in the city of", "The Louvre", "London", "Paris")
BACK = Edit("{} is located in the city of", "The Louvre", "Paris", "London")


def question(role: str) -> Question:
    """A question with everything that one may have, worded for its role."""
    need = Question(f"What {role} needs is", ("Rome",), others=(Question(f"In other words, what {role} needs is", ("Rome",)),))
    return Question(
        f"The {role} is", ("Paris", "Paris in France"), "London", (need,),
        (Question(f"In other words, the {role} is", ("Paris",)),), "any",
    )  # fmt: skip


def rich(*edits: Edit, together: bool = False) -> Case:
    """Two questions in every role."""
    questions = {role: (question(role), Question(f"A second {role} is", ("Oslo",))) for role in ROLES}
    return Case("rich", edits or (MOVE,), questions, together=together)


class Answers(dict):
    """A state that answers what it was told, and otherwise as `other` says by the kind of the ask."""

    def __init__(self, told: dict[Any, Any] | None = None, **other: Any) -> None:
        super().__init__(told or {})
        self.other = other

    def __missing__(self, ask: Any) -> Any:
        return self.other[type(ask).__name__]


def p(value: float, exact: bool = False, right: float = 0.0) -> Likelihood:
    return Likelihood(math.log(value) if value > 0 else -math.inf, exact, right, 1)


def collapsed() -> Answers:
    """What a model says whose numbers are none."""
    import torch

    return Answers(
        Continuation=Likelihood(math.nan, False, 0.0, 1), Next=Distribution(torch.full((2,), math.nan), -1), Top=-1,
        Said=Text("", True), Passage=Loss(math.nan, 3),
    )  # fmt: skip


def sound() -> Answers:
    """A model that answers everything with Rome, and knows nothing else."""
    import torch

    return Answers(
        Continuation=p(0.25), Next=Distribution(torch.tensor([0.5, 0.5]).log(), 0), Top=0,
        Said=Text(" Rome, the city in Italy"), Passage=Loss(6.0, 3),
    )  # fmt: skip


__all__ = ["BACK", "MOVE", "Answers", "Continuation", "Next", "Passage", "Said", "Top", "collapsed", "p", "question", "rich", "sound"]
