"""Edits kept as texts: what SERAC, IKE, MeLLo and DeepEdit have in common.

A memory changes no parameter. It looks at a prompt, finds the edit that is nearest to it, and lets the model read
something else than the prompt alone. What it lets the model read depends on the prompt only, so that teacher
forcing, generation and batches agree.

Several memories of one method on a model are one: the nearest edit is looked for in all of them.

A file from somebody else decides neither which embedding is loaded nor who is asked: beyond what is here anyway, it
needs leave by an environment variable, SURVEY_EMBEDDING or SURVEY_GENERATOR.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

import torch

from survey.editing import method
from survey.editing.edit import Edit, EditError
from survey.editing.embedding import Embedder, embedder, harmless, states_layer
from survey.editing.generators import Local
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run
from survey.editing.patch import Patch, PatchError, about
from survey.editing.scope import Classifier
from survey.editing.selection import described, remaining

# Tokens that are left for what a model says behind a prompt.
ROOM = 48
EMBEDDING = "SURVEY_EMBEDDING"


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


def need_leave(variable: str, name: str, what: str) -> None:
    """Raise `PatchError` where an environment variable does not hold a name out of a file; `what` says what the name
    is for, and has {} in its place."""
    if os.environ.get(variable) == name:
        return
    if not name.isprintable():
        # Nobody shall paste what does not look like what it is.
        raise PatchError(f"{what.format('somebody')}, under a name with characters that cannot be seen: {name!a}")
    raise PatchError(f"{what.format(name)}: set {variable}={shlex.quote(name)} if that is wanted")


@dataclass(eq=False)
class Memory(Patch):
    """Edits with the embeddings of their prompts, [edits, size]. `about` holds the edits, the settings, and under
    `memory` what the method noted for each edit. A subclass names its method."""

    kind: ClassVar[str] = ""
    METHOD: ClassVar[str] = ""
    NOTES: ClassVar[tuple[str, ...]] = ()
    """What the method notes for each edit: lists of texts, by these names."""
    embeddings: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    net: dict[str, torch.Tensor] = field(default_factory=dict)
    """Parameters of the scope classifier, for a memory that has one."""

    def __post_init__(self) -> None:
        self._found: dict[str, str] = {}
        self._pile: tuple[object, list[Patch]] | None = None
        self._whole: Memory = self
        self._busy = False
        self._from_file = False

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
            queries = self._encoded(model, [texts[i] for i in open_])
            for i, row in zip(open_, queries @ self.embeddings.T, strict=True):
                found[i] = max(some[i], key=row.tolist().__getitem__)
        return self._latest(found)

    def classified(self, model: LanguageModel, texts: Sequence[str], threshold: float) -> list[int]:
        """Number of the edit in whose scope each text is, by the classifier; -1 for none."""
        similarity = self._classifier().similarity(self._encoded(model, texts), self.embeddings)
        best = similarity.max(1)
        return self._latest([
            number if value > threshold else -1
            for value, number in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ])  # fmt: skip

    def _encoded(self, model: LanguageModel, texts: Sequence[str]) -> torch.Tensor:
        rows = self.embedder(model).encode(texts)
        if rows.shape[1] != self.embeddings.shape[1]:
            size, name = self.embeddings.shape[1], self.settings["embedding"]
            raise PatchError(f"the embeddings of the memory have size {size}, and those of {name} {rows.shape[1]}")
        return rows

    def _latest(self, numbers: Iterable[int]) -> list[int]:
        """For each number of an edit that of the last edit of the same prompt; -1 stays."""
        prompts = [edit.text for edit in self.edits]
        last = {prompt: number for number, prompt in enumerate(prompts)}
        return [last[prompts[number]] if number >= 0 else -1 for number in numbers]

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
        name, size = self.settings["embedding"], self.embeddings.shape[1]
        if (layer := states_layer(name)) is not None:
            try:
                model.layer(layer)
            except EditError as error:
                raise PatchError(f"the memory was made with {name}: {error}") from None
            if self.edits and size != model.width:
                raise PatchError(f"the embeddings of the memory have size {size}, and states of {model.name} {model.width}")
        if self._from_file and not harmless(name):
            need_leave(EMBEDDING, name, "the patch lets {} be loaded as its embedding")

    def listed(self) -> list[dict[str, Any]]:
        return described(self, [{"text": sentence(edit), **note} for edit, note in zip(self.edits, self.notes, strict=True)])

    def without(self, numbers: Iterable[int]) -> Memory:
        stay, about = remaining(self, numbers, len(self.edits))
        return self._made({**about, "memory": [self.notes[n] for n in stay]}, self.embeddings[stay])

    def __add__(self, other: Memory) -> Memory:
        if not self._like(other):
            raise PatchError("only memories of one method with the same settings are one")
        return _sum([self, other])

    def _made(self, about: dict[str, Any], embeddings: torch.Tensor, others: Iterable[Memory] = ()) -> Memory:
        """Another memory out of this one and others; what comes from a file is not forgotten."""
        made = type(self)(about, embeddings, self.net)
        made._from_file = any(memory._from_file for memory in (self, *others))
        return made

    def tensors(self) -> dict[str, torch.Tensor]:
        return {"embeddings": self.embeddings} | {f"net|{name}": tensor for name, tensor in self.net.items()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> Memory:
        if "embeddings" not in tensors:
            raise PatchError("the memory holds no embeddings")
        net = {name.removeprefix("net|"): t for name, t in tensors.items() if name.startswith("net|")}
        if unknown := sorted(set(tensors) - {"embeddings"} - {f"net|{name}" for name in net}):
            raise PatchError(f"the patch holds an unknown tensor {unknown[0]!r}")
        _check_about(cls, about)
        made = cls({**about, "settings": _settings(cls.METHOD, about.get("settings"))}, tensors["embeddings"], net)
        made._from_file = True
        made._check_tensors()
        return made

    def _check_tensors(self) -> None:
        rows, edits = self.embeddings, len(self.about["edits"])
        if rows.dim() != 2 or len(rows) != edits:
            raise PatchError(f"the memory holds {edits} edits, but not as many embeddings and notes")
        if not rows.is_floating_point() or not rows.isfinite().all():
            raise PatchError("the embeddings of the memory are no numbers")
        if self.settings.get("scope") in ("classifier", "scope-classifier") and not self.net:
            raise PatchError("the memory has no scope classifier, and its settings want one")
        if self.net and self._classifier().size != rows.shape[1]:
            raise PatchError("the scope classifier and the embeddings of the memory do not fit each other")


def _check_about(kind: type[Memory], about: dict[str, Any]) -> None:
    """Raise `PatchError` where a file's description is not one of this kind of memory."""
    if about.get("method") != kind.METHOD:
        raise PatchError(f"a memory of the kind {kind.kind} is one of {kind.METHOD}, and this one names {about.get('method')!r}")
    edits, notes = about.get("edits"), about.get("memory")
    if not isinstance(edits, list):
        raise PatchError("the memory does not say which edits it holds")
    if not isinstance(notes, list) or len(notes) != len(edits):
        raise PatchError(f"the memory holds {len(edits)} edits, but not as many embeddings and notes")
    for number, note in enumerate(notes, 1):
        texts = note.values() if isinstance(note, dict) and set(note) == set(kind.NOTES) else [None]
        if not all(isinstance(text, list) and all(isinstance(part, str) for part in text) for text in texts):
            wanted = " and ".join(kind.NOTES) or "nothing"
            raise PatchError(f"what the memory notes of edit {number} cannot be read: {kind.METHOD} notes {wanted}")


def _settings(method_id: str, found: Any) -> dict[str, Any]:
    """Settings out of a file, of the kinds that the method wants. Raises `PatchError`."""
    made_by = method.find(method_id)
    known = method.settings(made_by.config())
    if not isinstance(found, dict):
        raise PatchError("the memory does not say which settings it was made with")
    if missing := [name for name in known if name not in found]:
        raise PatchError(f"the memory does not say which {missing[0]} it was made with")
    if unknown := sorted(set(found) - set(known)):
        raise PatchError(f"the memory names a setting that {method_id} does not have: {unknown[0]!r}")
    try:
        return method.settings(made_by.configure(**found))
    except EditError as error:
        raise PatchError(f"the settings of the memory make no sense: {error}") from None


def _plain(settings: dict[str, Any]) -> str:
    """Settings as they are read from a file, too."""
    return json.dumps(settings, sort_keys=True)


def _sum(memories: Sequence[Memory]) -> Memory:
    first = memories[0]
    parts = {name: [item for m in memories for item in m.about[name]] for name in ("edits", "memory")}
    return first._made({**first.about, **parts}, torch.cat([m.embeddings for m in memories]), memories[1:])


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

