"""RECT: keep only the part of an edit that changes weights most, relative to what they are.

Gu et al. find that edits overfit, and regularise them after the fact: of the change that another method made,
only the share of entries with the largest |Delta_ij / W_ij| stays, the others become zero. W is the
matrix before the edit.

Faithful:
- relative change as the measure, and one share for each matrix

Deviates:
- any method that changes weights can come first (`base`); the paper uses ROME and MEMIT
- in a sequence each patch is cut by itself, relative to the unedited model

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
    """Settings of RECT."""

    base: str = "memit"
    """The method whose change is cut, with its default settings."""
    share: float = 0.4
    """Share of entries that stay, for each matrix."""


PRESETS = {}


@method("rect", paper="gu2024model", batch=True, presets=PRESETS)
def rect(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    return cut(model, parent.compute_base(config.base, "rect", model, edits, run), config.share)


def cut(model: LanguageModel, patch: Patch, share: float) -> WeightPatch:
    """Keep the share of entries of each change that is largest relative to the weight. Raises
    `EditError` for a patch that changes no weights."""
    if not isinstance(patch, WeightPatch):
        raise EditError(f"RECT cuts changes of weights, and this patch is of kind {patch.kind}")
    if not 0 < share <= 1:
        raise EditError(f"the share that stays must be above 0 and at most 1, not {share}")
    changes = {}
    for name, change in patch.changes.items():
        full = change.full()
        relative = (full / model.original(name).float().abs().clamp_min(1e-12)).abs().flatten()
        stay = torch.zeros(relative.numel(), dtype=torch.bool)
        stay[relative.topk(max(1, round(share * relative.numel()))).indices] = True
        changes[name] = Change(dense=torch.where(stay.view(full.shape), full, 0.0))
    return WeightPatch(dict(patch.about), changes, patch.kept)
