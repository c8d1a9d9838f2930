"""Write new states over several layers, as MEMIT does: each layer takes its share of what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from survey.editing import values
from survey.editing.edit import Edit
from survey.editing.keys import mean_key, read_subjects
from survey.editing.language_model import LanguageModel
from survey.editing.patch import WeightPatch


@dataclass(frozen=True)
class Config(values.Config):
    """Settings of methods that write states of a block."""

    clamp: float = 0.75
    """Largest norm of delta, in norms of the state that it is added to."""
    keys: Literal["both", "mean"] = "both"
    """Keys of a fact: that of the bare prompt and the mean behind other texts, or the published mean of all."""


# From a layer, its keys [size, n] and residuals [width, n] in float64 to the factors of its change.
Solve = Callable[[int, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def spread(
    model: LanguageModel,
    edits: Sequence[Edit],
    delta: torch.Tensor,
    contexts: Sequence[str],
    layers: Sequence[int],
    solve: Solve,
    *,
    keys: str = "both",
    point: str = "block",
    share: Callable[[int], float] = float,
) -> WeightPatch:
    """Change the down-projections of `layers` so that the state at `point` of the last of them moves
    by `delta`, [edits, width]. `contexts` begins with the bare prompt's, "".

    From the first layer to the last: read keys and what is left to do on the model as changed so far, divide it
    by `share(layers left)`, and let `solve` find the change. With `keys="both"` an edit has two columns, the
    bare prompt's and the mean of the others; with "mean" one, MEMIT's mean key and the bare prompt's residual.
    """
    layers = model.sorted_layers(layers)
    goal = (point, layers[-1])
    both = keys == "both" and len(contexts) > 1

    def columns(states: torch.Tensor) -> torch.Tensor:
        return torch.cat([states[:, 0], states[:, 1:].mean(1)]).double().T if both else states[:, 0].double().T

    target = columns(read_subjects(model, edits, contexts, [goal])[goal] + delta[:, None])
    changes, written = {}, []
    try:
        for n, layer in enumerate(layers):
            key = ("key", layer)
            states = read_subjects(model, edits, contexts, [key, goal])
            residual = (target - columns(states[goal])) / share(len(layers) - n)
            read = columns(states[key]) if both else mean_key(states[key], typed=True)
            change = model.change(layer, *solve(layer, read, residual))
            changes[model.down_name(layer)] = change
            if layer != layers[-1]:
                patch = WeightPatch(changes={model.down_name(layer): change})
                model.apply(patch)
                written.append(patch)
    finally:
        for patch in reversed(written):
            model.remove(patch)
    return WeightPatch(changes=changes)
