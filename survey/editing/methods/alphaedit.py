"""AlphaEdit: MEMIT's update, projected onto directions that hold little of what is known.

The eigenvectors of the second moment C of keys with the smallest eigenvalues span what the paper calls
the null space of the preserved knowledge; P projects onto it. New states are found and spread over layers
as in MEMIT, but each layer solves

    Delta^T = (P (K K^T + K_p K_p^T) + L2 I)^-1 P K R^T

with keys K and residuals R of the new facts, and the keys K_p of all facts edited before, which a patch
keeps for the next. With A = [K K_p] this is P A (A^T P A + L2 I)^-1 [R 0]^T, solved for as many unknowns as
there are facts.

Faithful:
- projection, regularised least squares, and the keys of earlier edits in a sequence
- everything else is MEMIT's, as in the published code
- solved in float64

Deviates:
- `share_kept` is a share of directions, the published threshold an absolute eigenvalue (.02): that keeps
  another share in every model and layer. The directions kept here hold much of a subject's key, so
  they are no null space
- `l2` is 1 and not 10
- statistics of keys come from text that the model samples itself, without its first position
- a fact is written with two keys, that of the bare prompt and the mean behind other texts; the published
  code takes one mean (`keys="mean"`), which differs so much from the bare prompt's for short or rare
  subjects at the start that the prompt that was asked for does not change
- a subject that is the very first token is edited in block 0 (`first_layer`): later that token is an
  attention sink, whose key hardly depends on the word. Other words in that place then count among the keys that
  should be left alone
- for such a subject the norms in clamp and weight decay are those behind other texts: its own value is small

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from survey.editing import spread, values
from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.patch import WeightPatch
from survey.editing.statistics import second_moments


@dataclass(frozen=True)
class Config(spread.Config):
    """Settings of AlphaEdit."""

    layers: tuple[int, ...] = (3, 4, 5, 6)
    """Blocks whose down-projections are edited, counted from 0; delta is optimised at the last."""
    share_kept: float = 0.9
    """Share of directions, those with the smallest eigenvalues of C, in which an edit may write."""
    threshold: float | None = None
    """Largest eigenvalue of such a direction, instead of a share: .02 in the paper."""
    l2: float = 1.0
    """Weight of |Delta|^2."""


PRESETS = {
    "gpt2-xl": {"first_layer": None, "keys": "mean", "layers": (13, 14, 15, 16, 17), "threshold": 0.02, "l2": 10.0},
    "gpt-j": {"first_layer": None, "keys": "mean", "layers": (3, 4, 5, 6, 7, 8), "threshold": 0.02, "l2": 10.0, "steps": 25},
    "llama3-8b": {"first_layer": None, "keys": "mean", "layers": (4, 5, 6, 7, 8), "threshold": 0.02, "l2": 10.0},
}


@method("alphaedit", paper="fang2025alphaedit", batch=True, presets=PRESETS)
def alphaedit(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    layers = model.sorted_layers(config.layers)
    contexts = values.prefixes(model, config, run.seed)
    found = values.optimise(
        model, edits, layers[-1], config, contexts, points=("block",), progress=run.progress
    )
    moments = second_moments(model, layers, run)
    kept: dict[str, torch.Tensor] = {}

    def solve(layer: int, keys: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        name = f"keys of {model.down_name(layer)}"
        earlier = [p.kept[name].double() for p in model.patches if name in getattr(p, "kept", {})][-1:]
        every = torch.cat([keys, *earlier], 1)
        kept[name] = every.float()
        _ = moments[layer].factor  # Refuses a singular moment.
        eigenvalues, directions = moments[layer].eigen
        if config.threshold is not None:
            free = directions[:, eigenvalues < config.threshold]
        else:
            free = directions[:, : round(config.share_kept * len(eigenvalues))]
        projected = free @ (free.T @ every)
        gram = every.T @ projected + config.l2 * torch.eye(every.shape[1], dtype=torch.float64)
        new = torch.zeros(residual.shape[0], every.shape[1], dtype=torch.float64)
        new[:, : keys.shape[1]] = residual
        return torch.linalg.solve(gram, new, left=False), projected.T

    patch = spread.spread(model, edits, found.delta[:, 0], contexts, layers, solve, keys=config.keys)
    patch.kept = kept
    return patch
