"""PRUNE: restrain the largest singular values of all edits together.

Ma et al. show that a sequence of edits lets the largest singular values of the change grow past those of
the matrix itself, and general abilities fall with them. After the last edit, each singular value s of
the whole change that exceeds the largest one of the unedited matrix, S, is replaced:

    s -> log(s) - log(S) + S    where s > S

Faithful:
- singular values of the sum of all changes, restrained once, at the end, against the unedited matrix

Deviates:
- any method that changes weights can come first (`base`), and makes the edits as it would alone
- the change is replaced by the restrained one; a published baseline adds both by mistake

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from survey.editing import method as parent
from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.patch import Change, Patch, WeightPatch


@dataclass(frozen=True)
class Config(parent.Config):
    """Settings of PRUNE."""

    base: str = "memit"
    """The method whose changes are restrained, with its default settings."""


PRESETS = {}


@method("prune", paper="ma2025perturbationrestrained", batch=True, presets=PRESETS, whole=True)
def prune(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    return restrain(model, parent.compute_base(config.base, "prune", model, edits, run))


def restrain(model: LanguageModel, patch: Patch) -> WeightPatch:
    """Restrain the singular values of each change of a matrix. Raises `EditError` for a patch that
    changes no weights."""
    if not isinstance(patch, WeightPatch):
        raise EditError(f"PRUNE restrains changes of weights, and this patch is of kind {patch.kind}")
    changes = {}
    for name, change in patch.changes.items():
        if len(change.shape) != 2:
            changes[name] = change
            continue
        limit = torch.linalg.matrix_norm(model.original(name).double(), 2)
        left, values, right = torch.linalg.svd(change.full().double(), full_matrices=False)
        rank = int((values > values[0] * 1e-7).sum())
        left, values, right = left[:, :rank], values[:rank], right[:rank]
        values = torch.where(values > limit, values.clamp_min(1e-300).log() - limit.log() + limit, values)
        changes[name] = Change((left * values).float(), right.float().contiguous())
    return WeightPatch(dict(patch.about), changes, patch.kept)
