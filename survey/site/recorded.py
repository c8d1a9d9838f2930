"""Recorded runs: what `survey edit METHOD --format json` printed once, for the page of the method."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from survey.files import CollectionError
from survey.files.measured import read_result


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Edit(_Part):
    """What was asked for."""

    prompt: str
    subject: str
    target: str
    was: str | None = None

    @property
    def text(self) -> str:
        """The prompt with its subject."""
        return self.prompt.replace("{}", self.subject)


class Answer(_Part):
    """What the model says: length-normalised probabilities, and its continuation of the prompt."""

    p_target: float = Field(ge=0, le=1)
    p_was: float | None = Field(None, ge=0, le=1)
    text: str


class Probe(_Part):
    """Another prompt, and how the model continues it before and after the edit."""

    prompt: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


class Patch(_Part):
    """What the edit changed. `relative_norm` is in norms of the weights that it changes."""

    kind: str
    bytes: int
    relative_norm: float | None = None

    @property
    def size(self) -> str:
        """12 bytes, 3.4 kB, 1.2 MB."""
        if self.bytes < 1000:
            return f"{self.bytes} bytes"
        unit, number = ("kB", self.bytes / 1e3) if self.bytes < 1e6 else ("MB", self.bytes / 1e6)
        return f"{number:.3g} {unit}" if number < 100 else f"{number:,.0f} {unit}"


class Recorded(_Part):
    """One run: the object that the command printed, the command itself, and when it ran."""

    method: str
    model: str
    seed: int
    edit: Edit
    before: Answer
    after: Answer
    probes: tuple[Probe, ...] = ()
    seconds: float
    patch: Patch
    restored: bool
    command: str
    recorded: str
    versions: dict[str, str] = {}


def recorded_run(root: Path, method: str) -> Recorded | None:
    """The run of a method that lies below docs/results/edits, or None.

    Raises `CollectionError` with the file where it is no such record.
    """
    run = read_result(root, f"edits/{method}.json", Recorded)
    if run and run.method != method:
        raise CollectionError(f"docs/results/edits/{method}.json is a run of {run.method}")
    return run


def probability(value: float) -> str:
    """Three decimals, and never a zero or a one that it is not."""
    if 0 < value < 0.001:
        return "< 0.001"
    if 0.999 < value < 1:
        return "> 0.999"
    return f"{value:.3f}"


def continued(text: str, prompt: str) -> str:
    """A continuation without the prompt, its empty lines taken out."""
    return re.sub(r"\n\s*", "\n", text.removeprefix(prompt)).strip()
