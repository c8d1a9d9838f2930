"""What an edit does, as data: what the model says before and after, and whether it is given back unharmed.

    report = run(model, [edit], method="rome", probes=["The Louvre is in"])
    report.after[0].p_target, report.restored

`survey edit` shows it, and prints `report.record()` as JSON.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.method import Quiet, find
from survey.editing.patch import Patch
from survey.editing.session import compute

TOKENS = 20
"""Length of a continuation."""
TOP = 5
"""How many of the most probable next tokens are told."""


@dataclass(frozen=True)
class Answer:
    """What the model says to an edit's prompt. Probabilities are length-normalised (the geometric mean over
    tokens); `p_was` is None where no old answer was given. `text` is the greedy continuation,
    `top` the most probable next tokens with their probabilities."""

    p_target: float
    p_was: float | None
    text: str
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Probe:
    """Another prompt, and the model's greedy continuations."""

    prompt: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Report:
    """One run. `before` and `after` have one answer for each of `edits`.

    `seconds` is the time that the patch took to compute, or to put in where it was loaded. `relative_norm`
    is in norms of the changed weights. `restored` tells whether every parameter is afterwards bit for
    bit what it was. `about` is what the method says of its patch.
    """

    method: str
    model: str
    seed: int
    preset: str | None
    settings: dict[str, Any]
    edits: tuple[Edit, ...]
    before: tuple[Answer, ...]
    after: tuple[Answer, ...]
    probes: tuple[Probe, ...]
    seconds: float
    kind: str
    bytes: int
    relative_norm: float | None
    restored: bool
    about: dict[str, Any]
    patch: Patch

    def record(self) -> dict[str, Any]:
        """The report as plain values. With several edits, `edits` holds all of them and
        `edit`, `before` and `after` the first; without any, these three are None."""
        told = [
            {"edit": asdict(edit), "before": _answer(before), "after": _answer(after)}
            for edit, before, after in zip(self.edits, self.before, self.after, strict=True)
        ]
        first = told[0] if told else {"edit": None, "before": None, "after": None}
        return {
            "method": self.method, "model": self.model, "seed": self.seed, **first,
            **({"edits": told} if len(told) > 1 else {}),
            "probes": [asdict(probe) for probe in self.probes],
            "seconds": round(self.seconds, 3),
            "patch": {"kind": self.kind, "bytes": self.bytes, "relative_norm": _short(self.relative_norm)},
            "restored": self.restored,
            "preset": self.preset, "settings": self.settings, "about": self.about,
        }  # fmt: skip


def run(
    model: LanguageModel,
    edits: Sequence[Edit] = (),
    *,
    method: str | None = None,
    patch: Patch | None = None,
    probes: Sequence[str] | None = None,
    seed: int = 0,
    preset: str | None = None,
    settings: dict[str, Any] | None = None,
    text: str | None = None,
    progress: Quiet | None = None,
) -> Report:
    """Make edits with a method, or put in a patch that was made before; ask the model before and after,
    and take the patch off again.

    `probes` are other prompts; None means those of `probes_for`. A patch brings its own edits. The other
    arguments are those of `compute`. Raises `EditError`.
    """
    if (method is None) == (patch is None):
        raise EditError("name either a method or a patch")
    loaded = patch is not None
    edits = tuple(patch.edits if loaded else edits)
    if probes is None:
        probes = probes_for(edits)
    elif any(not probe.strip() for probe in probes):
        raise EditError("a probe is empty")
    bits_before = bits(model)
    before, said_before = _ask(model, edits, probes)
    start = time.perf_counter()
    if not loaded:
        patch = compute(
            method, model, edits, seed=seed, preset=preset, text=text, progress=progress, **configured(method, settings)
        )
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    model.apply(patch)
    try:
        if loaded:
            seconds = time.perf_counter() - start
        after, said_after = _ask(model, edits, probes)
    finally:
        model.remove(patch)
    about = dict(patch.about)
    name, used, planted = str(about.pop("method", "")), about.pop("settings", {}), about.pop("seed", seed)
    about.pop("edits", None)
    return Report(
        method=name, model=model.name, seed=planted, preset=preset, settings=used,
        edits=edits, before=before, after=after,
        probes=tuple(map(Probe, probes, said_before, said_after)),
        seconds=seconds, kind=patch.kind, bytes=patch.bytes, relative_norm=patch.relative_norm(model),
        restored=bits(model) == bits_before, about=about, patch=patch,
    )  # fmt: skip


def configured(method: str, settings: dict[str, Any] | None) -> dict[str, Any]:
    """`settings` once more, after a look whether the method has them all. Raises `EditError`."""
    settings = dict(settings or {})
    for name in ("self", "preset"):  # `configure` has these names for itself.
        if name in settings:
            raise EditError(f"{method} has no setting {name!r}")
    find(method).configure(**settings)
    return settings


def probes_for(edits: Sequence[Edit]) -> list[str]:
    """Prompts to ask where nobody named any, at most three: two about the subject in other words, and one
    about the old answer (or the new one), which no edit should touch. None where there are many edits."""
    if len(edits) != 1:
        return []
    [edit] = edits
    subject, other = (text[0].upper() + text[1:] for text in (edit.subject, edit.was or edit.target))
    return [f"{subject} is", f"When people hear of {edit.subject}, they think of", f"{other} is"]


def _ask(
    model: LanguageModel, edits: Sequence[Edit], probes: Sequence[str]
) -> tuple[tuple[Answer, ...], list[str]]:
    """Answers to the edits' prompts, and continuations of the probes."""
    prompts = [edit.text for edit in edits]
    texts = model.generate([*prompts, *probes], TOKENS) if prompts or probes else []
    wanted = model.probabilities([(edit.text, edit.target) for edit in edits])
    given = [edit for edit in edits if edit.was]
    was = iter(model.probabilities([(edit.text, edit.was) for edit in given]))
    answers = tuple(
        Answer(p, next(was) if edit.was else None, text, tuple(model.most_probable(edit.text, TOP)))
        for edit, p, text in zip(edits, wanted, texts[: len(edits)], strict=True)
    )
    return answers, texts[len(edits) :]


def bits(model: LanguageModel) -> str:
    """A hash of every parameter as it is now. A copy to compare with would double the memory."""
    digest = hashlib.blake2b(digest_size=16)
    for name, parameter in model.network.named_parameters():
        digest.update(f"{name} {parameter.dtype} {tuple(parameter.shape)}".encode())
        digest.update(parameter.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "p_target": _short(answer.p_target), "p_was": _short(answer.p_was), "text": answer.text,
        "top": [[token, _short(p)] for token, p in answer.top],
    }  # fmt: skip


def _short(value: float | None) -> float | None:
    """Six digits; more would differ from one machine to the next."""
    return None if value is None else float(f"{value:.6g}")
