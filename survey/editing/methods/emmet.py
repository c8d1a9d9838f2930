"""EMMET: many facts at once under an equality constraint, a batched ROME.

ROME and MEMIT optimise the same objective, preserve what is known and memorise what is new. EMMET keeps
ROME's side of it, that the new facts hold exactly, for a batch: with keys K, residuals R and the second
moment C of keys,

    Delta = R (K^T C^-1 K + gamma I)^-1 K^T C^-1

For one fact and gamma 0 this is ROME's update. gamma keeps the inverse stable where keys are alike.

Faithful:
- closed form and `gamma` of .1, which is added for more than one fact only
- new states are found as in MEMIT, at the output of the edited block, and one layer is edited
- solved in float64

Deviates:
- C is not scaled: the published code scales it by 1,000 for GPT-2 XL, which is the same as a `gamma` 1,000
  times as large, and so the preset has it
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
    """Settings of EMMET."""

    layer: int = 5
    """Block whose down-projection is edited, counted from 0."""
    gamma: float = 0.1
    """What is added to the diagonal for a batch."""


PRESETS = {
    "gpt2-xl": {"first_layer": None, "keys": "mean", "layer": 17, "gamma": 100.0},
    "gpt-j": {"first_layer": None, "keys": "mean", "layer": 5, "steps": 25},
    "llama2-7b": {"first_layer": None, "keys": "mean", "layer": 5, "clamp": 4.0, "weight_decay": 0.001},
}


@method("emmet", paper="gupta2024unified", batch=True, presets=PRESETS)
def emmet(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    contexts = values.prefixes(model, config, run.seed)
    found = values.optimise(model, edits, config.layer, config, contexts, points=("block",), progress=run.progress)
    moments = second_moments(model, [config.layer], run)

    def solve(layer: int, keys: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weighted = moments[layer].solve(keys)
        gram = keys.T @ weighted
        if len(edits) > 1:
            gram += config.gamma * torch.eye(keys.shape[1], dtype=torch.float64)
        return torch.linalg.solve(gram, residual, left=False), weighted.T

    return spread.spread(model, edits, found.delta[:, 0], contexts, [config.layer], solve, keys=config.keys)
