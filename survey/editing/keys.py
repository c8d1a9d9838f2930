"""Keys and values at the subject's last token, in the bare prompt and behind other texts."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel


def read_subjects(
    model: LanguageModel, edits: Sequence[Edit], prefixes: Sequence[str], points: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], torch.Tensor]:
    """Read states (see `LanguageModel.read`) at the last token of each edit's subject.

    Returns [edits, prefixes, size] for each point. The bare prompt has the prefix "". What follows the
    subject cannot change a state there, so it is left out.
    """
    rows, positions = [], []
    for edit in edits:
        for prefix in prefixes:
            position = model.subject_index(edit, prefix)
            rows.append(model.tokens(prefix + edit.text).ids[: position + 1])
            positions.append(position)
    found = model.read(rows, positions, points)
    return {point: states.view(len(edits), len(prefixes), -1) for point, states in found.items()}


def stands_first(model: LanguageModel, edit: Edit) -> bool:
    """Whether the subject's last token is the very first token that the model sees. Such a token is an
    attention sink: its states differ little from one word to the next, and its key and value are small."""
    return model.subject_index(edit) == 0


def mean_key(states: torch.Tensor, typed: bool = False) -> torch.Tensor:
    """Average [edits, prefixes, size] over prefixes, the bare one first, to columns [size, edits] in float64.

    ROME counts every prefix alike; with `typed`, as MEMIT does, the bare prompt counts as much as all
    others together.
    """
    states = states.double()
    if typed and states.shape[1] > 1:
        return ((states[:, 0] + states[:, 1:].mean(1)) / 2).T
    return states.mean(1).T
