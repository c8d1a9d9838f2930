"""Write new states over several layers, as MEMIT does: each layer takes its share of what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from survey.editing.edit import Edit
from survey.editing.keys import mean_key, read_subjects
from survey.editing.language_model import LanguageModel
from survey.editing.patch import WeightPatch

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
    point: str = "block",
    share: Callable[[int], float] = float,
) -> WeightPatch:
    """Change the down-projections of `layers` so that the state at `point` of the last of them moves
    by `delta`, [edits, width], in the bare prompt, which `contexts` begins with.

    From the first layer to the last: read MEMIT's mean keys and what is left to do on the model as changed so
    far, divide it by `share(layers left)`, and let `solve` find the change.
    """
    layers = sorted(model.layer(layer) for layer in layers)
    goal = (point, layers[-1])
    target = read_subjects(model, edits, [""], [goal])[goal][:, 0].double() + delta.double()
    changes, written = {}, []
    try:
        for n, layer in enumerate(layers):
            key = ("key", layer)
            states = read_subjects(model, edits, contexts, [key, goal])
            keys = mean_key(states[key], typed=True)
            residual = (target - states[goal][:, 0].double()).T / share(len(layers) - n)
            change = model.change(layer, *solve(layer, keys, residual))
            changes[model.down_name(layer)] = change
            if layer != layers[-1]:
                patch = WeightPatch(changes={model.down_name(layer): change})
                model.apply(patch)
                written.append(patch)
    finally:
        for patch in reversed(written):
            model.remove(patch)
    return WeightPatch(changes=changes)
