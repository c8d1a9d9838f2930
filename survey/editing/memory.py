"""Edits kept as texts: what SERAC, IKE, MeLLo and DeepEdit have in common.

A memory changes no parameter. It looks at a prompt, finds the edit that is nearest to it, and lets the model read
something else than the prompt alone. What it lets the model read depends on the prompt only, so that teacher
forcing, generation and batches agree.

Several memories of one method on a model are one: the nearest edit is looked for in all of them.
"""

from __future__ import annotations

import json
import re
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

import torch

from survey.editing import method
from survey.editing.edit import Edit
from survey.editing.embedding import Embedder, embedder
from survey.editing.generators import Local
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run
from survey.editing.patch import Patch, PatchError, about
from survey.editing.scope import Classifier
from survey.editing.selection import described, remaining

# Tokens that are left for what a model says behind a prompt.
ROOM = 48


@dataclass(frozen=True)
class Config(method.Config):
    """Settings of a memory."""

    embedding: str = "states"
    """What finds the nearest edit: `states` (the model's own), `minilm`, or a sentence-transformers model."""


def sentence(edit: Edit) -> str:
    """The new fact as a text."""
    return f"{edit.text} {edit.target}"


def told(edit: Edit, query: str) -> str:
    """The new fact and what is asked, in IKE's words."""
    return f"New Fact: {sentence(edit)}\nPrompt: {query}"


def shown(edit: Edit) -> str:
    """The new fact with its own prompt answered: a demonstration of how to copy it."""
    return f"{told(edit, edit.text)} {edit.target}\n\n"


@cache
def _pattern(subject: str) -> re.Pattern:
    return re.compile(rf"(?<!\w){re.escape(subject)}(?!\w)", re.IGNORECASE)


def mentions(text: str, subject: str) -> bool:
    """Whether a subject is named in a text, as whole words and in any case."""
    return _pattern(subject).search(text) is not None


def fitted(parts: Sequence[str], end: str, fits: Callable[[str], bool]) -> str:
    """The parts and the end as one text, without as many of the first parts as do not fit."""
    for first in range(len(parts)):
        text = "".join(parts[first:]) + end
        if fits(text):
            return text
    return end


@dataclass(eq=False)
class Memory(Patch):
    """Edits with the embeddings of their prompts, [edits, size]. `about` holds the edits, the settings, and under
    `memory` what the method noted for each edit."""

    kind: ClassVar[str] = ""
    embeddings: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    net: dict[str, torch.Tensor] = field(default_factory=dict)
    """Parameters of the scope classifier, for a memory that has one."""

    def __post_init__(self) -> None:
        self._found: dict[str, str] = {}
        self._pile: tuple[object, list[Patch]] | None = None
        self._whole: Memory = self
        self._busy = False

    @property
    def settings(self) -> dict[str, Any]:
        return self.about["settings"]

    @property
    def notes(self) -> list[dict[str, Any]]:
        """What the method noted, one for each edit."""
        return self.about["memory"]

    def embedder(self, model: LanguageModel) -> Embedder:
        return embedder(self.settings["embedding"], model)

    # What the model reads

    def rewrite(self, model: LanguageModel, prompts: list[str]) -> list[str]:
        whole = self._together(model)
        if whole is None or not whole.edits:
            return prompts
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in whole._found]
        if new:
            self._busy = True
            try:
                whole._found.update(zip(new, whole.read(model, new), strict=True))
            finally:
                self._busy = False
        return [whole._found[prompt] for prompt in prompts]

    def read(self, model: LanguageModel, prompts: list[str]) -> list[str]:
        """What the model shall read for each prompt; asked once for each while the patch lies on the model."""
        raise NotImplementedError

    def _together(self, model: LanguageModel) -> Memory | None:
        """All memories of this kind that lie on the model, as one; None where another speaks for this one, or this
        one is being asked already."""
        if self._busy:
            return None
        mates = [p for p in model.patches if p is self or (isinstance(p, Memory) and self._like(p))]
        if mates and mates[0] is not self:
            return None
        if self._pile is None or self._pile[0]() is not model or self._pile[1] != model.patches:
            # Another patch on the model may change what was found.
            self._pile = (weakref.ref(model), list(model.patches))
            self._whole = self if len(mates) < 2 else _sum(mates)
            self._whole._found = {}
        return self._whole

    def _like(self, other: Memory) -> bool:
        return type(other) is type(self) and _plain(other.settings) == _plain(self.settings)

    # Finding

    def nearest(self, model: LanguageModel, texts: Sequence[str], among: Sequence[Iterable[int]] | None = None) -> list[int]:
        """Number of the edit that is nearest to each text, `among` some for each; -1 where there is none. Of edits
        of one prompt the latest counts."""
        some = [list(numbers) for numbers in among] if among is not None else [list(range(len(self.edits)))] * len(texts)
        found = [numbers[0] if len(numbers) == 1 else -1 for numbers in some]
        open_ = [i for i, numbers in enumerate(some) if len(numbers) > 1]
        if open_:
            queries = self.embedder(model).encode([texts[i] for i in open_])
            for i, row in zip(open_, queries @ self.embeddings.T, strict=True):
                found[i] = max(some[i], key=row.tolist().__getitem__)
        prompts = [edit.text for edit in self.edits]
        last = {prompt: number for number, prompt in enumerate(prompts)}
        return [last[prompts[number]] if number >= 0 else -1 for number in found]

    def classified(self, model: LanguageModel, texts: Sequence[str], threshold: float) -> list[int]:
        """Number of the edit in whose scope each text is, by the classifier; -1 for none."""
        similarity = self._classifier().similarity(self.embedder(model).encode(texts), self.embeddings)
        best = similarity.max(1)
        prompts = [edit.text for edit in self.edits]
        last = {prompt: number for number, prompt in enumerate(prompts)}
        return [
            last[prompts[number]] if value > threshold else -1
            for value, number in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]

    def _classifier(self) -> Classifier:
        try:
            return Classifier.of(self.net)
        except (KeyError, RuntimeError, ValueError):
            raise PatchError("the memory's scope classifier is none, or only a part of one") from None

    def mentioned(self, text: str) -> list[int]:
        """Numbers of the edits whose subject is named in a text."""
        return [number for number, edit in enumerate(self.edits) if mentions(text, edit.subject)]

    # As a patch

    def check(self, model: LanguageModel) -> None:
        edits, rows = len(self.about.get("edits", [])), self.embeddings
        noted = self.about.get("memory")
        if rows.dim() != 2 or len(rows) != edits or not isinstance(noted, list) or len(noted) != edits:
            raise PatchError(f"the memory holds {edits} edits, but not as many embeddings and notes")
        if not rows.is_floating_point() or not rows.isfinite().all():
            raise PatchError("the embeddings of the memory are no numbers")
        name = self.about.get("settings", {}).get("embedding")
        if not isinstance(name, str):
            raise PatchError("the memory does not say which embedding it was made with")
        if self.net and self._classifier().size != rows.shape[1]:
            raise PatchError("the scope classifier and the embeddings of the memory do not fit each other")
        if name.startswith("states") and edits and rows.shape[1] != model.width:
            raise PatchError(f"the embeddings of the memory have size {rows.shape[1]}, and states of {model.name} {model.width}")

    def listed(self) -> list[dict[str, Any]]:
        return described(self, [{"text": sentence(edit), **note} for edit, note in zip(self.edits, self.notes, strict=True)])

    def without(self, numbers: Iterable[int]) -> Memory:
        stay, about = remaining(self, numbers, len(self.edits))
        return type(self)({**about, "memory": [self.notes[n] for n in stay]}, self.embeddings[stay], self.net)

    def __add__(self, other: Memory) -> Memory:
        if not self._like(other):
            raise PatchError("only memories of one method with the same settings are one")
        return _sum([self, other])

    def tensors(self) -> dict[str, torch.Tensor]:
        return {"embeddings": self.embeddings} | {f"net|{name}": tensor for name, tensor in self.net.items()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> Memory:
        if "embeddings" not in tensors:
            raise PatchError("the memory holds no embeddings")
        net = {name.removeprefix("net|"): t for name, t in tensors.items() if name.startswith("net|")}
        if unknown := sorted(set(tensors) - {"embeddings"} - {f"net|{name}" for name in net}):
            raise PatchError(f"the patch holds an unknown tensor {unknown[0]!r}")
        return cls(about, tensors["embeddings"], net)


def _plain(settings: dict[str, Any]) -> str:
    """Settings as they are read from a file, too."""
    return json.dumps(settings, sort_keys=True)


def _sum(memories: Sequence[Memory]) -> Memory:
    first = memories[0]
    parts = {name: [item for m in memories for item in m.about[name]] for name in ("edits", "memory")}
    return type(first)({**first.about, **parts}, torch.cat([m.embeddings for m in memories]), first.net)


def remember(
    kind: type[Memory],
    method_id: str,
    model: LanguageModel,
    edits: Sequence[Edit],
    config: Config,
    run: Run,
    note: Callable[[Edit], dict[str, Any]] = lambda edit: {},
    net: dict[str, torch.Tensor] | None = None,
) -> Memory:
    """A memory of the edits; `note` tells what the method wants to keep of each, `net` is a scope classifier."""
    run.progress.start("Remembering edits", 2 * len(edits))
    notes = []
    for edit in edits:
        notes.append(note(edit))
        run.progress.advance()
    embeddings = embedder(config.embedding, model).encode([edit.text for edit in edits])
    run.progress.advance(len(edits))
    where = about(method_id, edits, run.seed, method.settings(config))
    return kind({**where, "memory": notes}, embeddings, net or {})


def fits_behind(model: LanguageModel, text: str) -> bool:
    """Whether the model can read a text and still say something."""
    return Local(model).fits(text, ROOM)

