"""Memories that are asked by a program: a language model writes, step by step, and the program answers with facts.

What is written up to the final answer becomes what the edited model reads, so that probabilities and generated text
are of one kind. Where another generator writes, its own final answer is what the edited model says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from survey.editing import memory
from survey.editing.edit import EditError
from survey.editing.generators import Generator, generator
from survey.editing.language_model import LanguageModel
from survey.editing.memory import Memory, fits_behind, fitted

ALLOWED = "SURVEY_GENERATOR"


@dataclass(frozen=True)
class Config(memory.Config):
    """Settings of a program."""

    generator: str = ""
    """Who writes: the edited model itself, another one by name or folder, or an endpoint (http://host/v1#model)."""
    demonstrations: int = 4
    """Worked examples before the question, 0 to 4; as many as the models can read."""
    tokens: int = 60
    """Tokens that are written at once at most."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.demonstrations <= 4:
            raise EditError(f"there are 4 demonstrations, and {self.demonstrations} are none or some of them")
        if self.tokens < 1:
            raise EditError(f"tokens must be at least 1, not {self.tokens}")


Outcome = Literal["answered", "form not followed", "too many steps", "no step is left", "too long to read"]


@dataclass
class Transcript:
    """What a program did for one prompt: `text` is what is read before the answer, `answer` what the generator gave
    as its own, `outcome` how it ended, and `steps` tell what was asked, found and judged."""

    text: str = ""
    answer: str | None = None
    outcome: Outcome = "form not followed"
    steps: list[dict[str, Any]] = field(default_factory=list)


class Program(Memory):
    """A memory with a program. A subclass has `run` and its demonstrations."""

    DEMONSTRATIONS: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._transcripts: dict[str, Transcript] = {}

    def check(self, model: LanguageModel) -> None:
        super().check(model)
        # A file from somebody else must not send prompts, or a key, wherever it likes.
        if self._from_file and (name := self.settings["generator"]):
            memory.need_leave(ALLOWED, name, "the patch lets {} write")

    def read(self, model: LanguageModel, prompts: list[str]) -> list[str]:
        writer = generator(self.settings["generator"], model)
        for prompt in prompts:
            found = self.run(model, writer, prompt)
            if found.answer is None and self.settings["generator"]:
                found.answer = writer.generate(self._before(writer, found.text), ["\n"], self.settings["tokens"])
            self._transcripts[prompt] = found
        fits = lambda text: fits_behind(model, text)  # noqa: E731
        return [fitted(self._demonstrations(), self._transcripts[prompt].text, fits) for prompt in prompts]

    def answers(self, model: LanguageModel, prompts: list[str]) -> list[str | None]:
        if self._busy or not self.settings["generator"] or (whole := self._together(model)) is None or not whole.edits:
            return [None] * len(prompts)
        self.rewrite(model, prompts)
        return [f" {whole._transcripts[prompt].answer.strip()}" for prompt in prompts]

    def trace(self, prompt: str) -> dict[str, Any] | None:
        """What the program did for a prompt that was asked while the patch lay on a model; None for another."""
        found = self._whole._transcripts.get(prompt)
        return None if found is None else asdict(found)

    def run(self, model: LanguageModel, writer: Generator, prompt: str) -> Transcript:
        """Answer one prompt."""
        raise NotImplementedError

    def _demonstrations(self) -> Sequence[str]:
        return self.DEMONSTRATIONS[: self.settings["demonstrations"]]

    def _before(self, writer: Generator, text: str) -> str:
        """The demonstrations that fit, and the text."""
        return fitted(self._demonstrations(), text, lambda whole: writer.fits(whole, self.settings["tokens"]))

    def _write(self, writer: Generator, text: str, stop: Sequence[str]) -> str | None:
        """What the generator writes behind the demonstrations and a text; None where it cannot read so much."""
        whole = self._before(writer, text)
        if not writer.fits(whole, self.settings["tokens"]):
            return None
        return writer.generate(whole, stop, self.settings["tokens"])

    def _ask(self, writer: Generator, text: str, tokens: int) -> str:
        """A line that the generator writes behind a text of its own; nothing where it cannot read so much."""
        return writer.generate(text, ["\n"], tokens).strip() if writer.fits(text, tokens) else ""
