"""From the name of a method to an edited model, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from survey.editing.edit import Edit, EditError
from survey.editing.keys import stands_first
from survey.editing.language_model import LanguageModel
from survey.editing.method import Config, Quiet, Run, checked, find, settings
from survey.editing.patch import Patch, about


def compute(
    method: str,
    model: LanguageModel,
    edits: Edit | Sequence[Edit],
    *,
    seed: int = 0,
    batch: int | None = None,
    preset: str | None = None,
    text: str | None = None,
    progress: Quiet | None = None,
    **options: Any,
) -> Patch:
    """Return the patch that `method` makes for the edits; the model stays as it is.

    All edits are made at once where the method can do that, else one after the other, each on the
    model as the earlier ones left it; `batch` makes so many at once, then the next. `options` are
    fields of the method's configuration, `preset` names published values, `text` is what statistics
    of keys are taken from (None: text that the model samples itself). Raises `EditError`.
    """
    found = find(method)
    config = found.configure(preset, **options)
    edits = checked(model, edits)
    if batch is not None and batch < 1:
        raise EditError(f"a batch holds at least one edit, not {batch}")
    size = (batch or len(edits)) if found.batch else 1
    if found.whole:
        size = len(edits)
    run = Run(seed, text, progress or Quiet(), batch=batch)
    notes: list[dict[str, Any]] = []
    applied, total = [], None
    try:
        for i in range(0, len(edits), size):
            for part, settled, seen in _parts(model, edits[i : i + size], config, run):
                patch = found.function(model, part, settled, seen)
                if seen.first:
                    run.notes.setdefault("first", {"layer": config.first_layer, "subjects": []})
                    run.notes["first"]["subjects"] += [edit.subject for edit in part]
                total = patch if total is None else total + patch
                notes.append(patch.about)
                model.apply(patch)
                applied.append(patch)
    finally:
        for patch in reversed(applied):
            model.remove(patch)
    total.about = {**run.notes, **_together(notes), **about(found.id, edits, seed, settings(config))}
    return total


def _together(notes: list[dict[str, Any]]) -> dict[str, Any]:
    """What the patches of a sequence say, as one: of ROME's ratios the smallest, of neurons and memories all."""
    found = {key: value for note in notes for key, value in note.items()}
    if "key_ratio" in found:
        found["key_ratio"] = min((note["key_ratio"] for note in notes if "key_ratio" in note), key=abs)
    if "neurons" in found:
        found["neurons"] = [list(n) for n in sorted({tuple(n) for note in notes for n in note.get("neurons", [])})]
    if "memory" in found:
        found["memory"] = [item for note in notes for item in note.get("memory", [])]
    return found


def _parts(model: LanguageModel, edits: list[Edit], config: Config, run: Run) -> list[tuple[list[Edit], Config, Run]]:
    """Edits of a batch, those apart whose subject is the very first token where the method edits them elsewhere."""
    first = [edit for edit in edits if stands_first(model, edit)] if getattr(config, "first_layer", None) is not None else []
    others = [edit for edit in edits if edit not in first]
    parts = [(others, config, run)] if others else []
    if first:
        where = {"layers": (config.first_layer,)} if hasattr(config, "layers") else {"layer": config.first_layer}
        parts.append((first, replace(config, **where), replace(run, first=True)))
    return parts


@contextmanager
def apply(
    method: str | Patch, model: LanguageModel, edits: Edit | Sequence[Edit] | None = None, **options: Any
) -> Iterator[LanguageModel]:
    """Edit the model for a while: inside the `with` it is edited, afterwards it is bit for bit what it was.

    `method` is a method's name, with edits and the options of `compute`, or a patch.
    """
    if isinstance(method, str):
        if edits is None:
            raise EditError(f"say what {method} shall edit")
        patch = compute(method, model, edits, **options)
    else:
        patch = method
    model.apply(patch)
    try:
        yield model
    finally:
        if any(patch is other for other in model.patches):
            model.remove(patch)
