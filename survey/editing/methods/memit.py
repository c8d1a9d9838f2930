"""MEMIT: mass-editing memory in a transformer, many facts at once over several layers.

For each fact a change delta of the last edited block's output, at the subject's last token, is optimised so
that the model says the new object. What every edited layer must add is then found by
regularised least squares against the keys that its memory already holds: with the
keys K of the new facts in columns, the residuals R that remain to be written, divided by the number of
layers left, and the second moment C of keys,

    Delta = R K^T (lambda C + K K^T)^-1

in ascending order of layers, each on the model as the earlier ones left it. Here it is computed as
R (I + K^T S)^-1 S^T with S = C^-1 K / lambda, which is the same and solves for as many unknowns as there are facts.

Faithful:
- objective, clamp by the norm of the block's output, order of layers and equal shares of the residual
- two types of contexts: the bare prompt, and five texts that begin with The, Therefore, Because, I and You
- solved in float64

Deviates:
- `lambda_` is 500 and not 15,000: on this model the published weight would let little be written
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
    """Settings of MEMIT."""

    layers: tuple[int, ...] = (3, 4, 5, 6)
    """Blocks whose down-projections are edited, counted from 0; delta is optimised at the last."""
    lambda_: float = 500.0
    """Weight of what the memory already holds, the factor lambda."""


PRESETS = {
    "gpt2-xl": {"first_layer": None, "keys": "mean", "layers": (13, 14, 15, 16, 17), "lambda_": 20000.0},
    "gpt-j": {"first_layer": None, "keys": "mean", "layers": (3, 4, 5, 6, 7, 8), "lambda_": 15000.0, "steps": 25},
}


@method("memit", paper="meng2023massediting", batch=True, presets=PRESETS)
def memit(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    layers = model.sorted_layers(config.layers)
    contexts = values.prefixes(model, config, run.seed)
    found = values.optimise(
        model, edits, layers[-1], config, contexts, points=("block",), progress=run.progress
    )
    moments = second_moments(model, layers, run)

    def solve(layer: int, keys: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weighted = moments[layer].solve(keys) / config.lambda_
        gram = torch.eye(keys.shape[1], dtype=torch.float64) + keys.T @ weighted
        return torch.linalg.solve(gram, residual, left=False), weighted.T

    return spread.spread(model, edits, found.delta[:, 0], contexts, layers, solve, keys=config.keys)
