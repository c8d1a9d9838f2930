"""What a benchmark's module gives: how its records are told, and what becomes of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.reading import Beside, File
from survey.pitfalls.case import Case, Question
from survey.pitfalls.task import Kind


def _nothing(file: File, beside: Beside) -> None:
    return None


@dataclass(frozen=True)
class CaseFormat:
    """A benchmark of edits.

    tells: whether a raw record is one of this format.
    case: the case of a record, with its index and what `prepare` returned; raises `Broken`, `EditError` or `CaseError`.
    prepare: what a record needs to know of the whole file, or of files beside it.
    """

    id: str
    name: str
    tells: Callable[[Mapping[str, Any]], bool]
    case: Callable[[Fields, int, Any], Case]
    prepare: Callable[[File, Beside], Any] = field(default=_nothing)


@dataclass(frozen=True)
class Example:
    """A record of a task before it is asked.

    prompt: what it asks, on its own. shown: the answer as a demonstration gives it.
    """

    prompt: str
    answers: tuple[str, ...]
    shown: str


@dataclass(frozen=True)
class TaskFormat:
    """A downstream task; `task` is its id in taxonomy/tasks.yaml, or `language-modelling`."""

    id: str
    name: str
    task: str
    kind: Kind
    tells: Callable[[Mapping[str, Any]], bool]
    example: Callable[[Fields], Example]
    choices: tuple[str, ...] = ()
    tokens: int = 20

    @property
    def chance(self) -> float | None:
        """The score of guessing, for a choice."""
        return 1 / len(self.choices) if self.choices else None


def has(record: Mapping[str, Any], *names: str) -> bool:
    """Whether all these fields are there."""
    return all(name in record for name in names)


def once(prompt: str, subject: str) -> str:
    """The prompt with `{}` for the subject; the last time, where it occurs more than once.

    Raises `Broken` where it does not occur. A whole word is preferred to the inside of another one.
    """
    if "{}" in prompt:
        return prompt
    whole = list(re.finditer(rf"(?<!\w){re.escape(subject)}(?!\w)", prompt))
    start = whole[-1].start() if whole else prompt.rfind(subject)
    if start < 0:
        raise Broken(f"the subject {subject!r} does not occur in the prompt {prompt!r}")
    return f"{prompt[:start]}{{}}{prompt[start + len(subject) :]}"


def asked(prompts: Iterable[str], answers: Iterable[str], against: str | None = None) -> tuple[Question, ...]:
    """One question for each prompt, with the same answers."""
    right = tuple(answers)
    return tuple(Question(prompt, right, against) for prompt in prompts)
