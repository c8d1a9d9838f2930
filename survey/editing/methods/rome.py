"""ROME: rank-one model editing, one fact at a time.

The down-projection W of a middle block is taken for a memory of keys and values. A fact is written in three
steps:

1. The key k* of the subject: what enters W at the subject's last token, averaged over the bare prompt and
   prompts behind other texts.
2. The value v* that makes the model say the new object: v0 + delta, where delta is found by gradient
   descent at the same token.
3. The rank-one change that maps the key to the value and disturbs other keys least, with their second
   moment C:

    W' = W + (v* - W k) u^T / (u^T k),   u = C^-1 k*

The paper writes one key. The published code takes two: u is made of the averaged key, and k in the last
step is the key k0 of the bare prompt. Where both differ much, u^T k0 is small and the change becomes
huge: a single edit can break the model. `key_ratio` of a patch is u^T k0 / u^T k*; r-ROME takes the
averaged key everywhere.

Faithful:
- both keys as in the published code, with the mismatch that it brings
- objective, optimiser, learning rate, weight decay, divergence on "{subject} is a", and clamp of delta
- the value is read where the prompt stands alone

Deviates:
- five texts of ten tokens are put before the prompt, not twenty, and they begin with MEMIT's
  words: left to begin by itself, a small model writes no prose (the presets have the published ones)
- statistics of keys come from text that the model samples itself, without its first position
- a subject that is the very first token is edited in block 0 (`first_layer`): later that token is an
  attention sink, whose key hardly depends on the word. Other words in that place then count among the keys that
  should be left alone. In block 5 the edit breaks the model (`first_layer=None` shows it)
- for such a subject the norms in clamp and weight decay are those behind other texts: its own value is small

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from survey.editing import values
from survey.editing.edit import Edit
from survey.editing.keys import mean_key, read_subjects
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.patch import WeightPatch
from survey.editing.statistics import no_moment, second_moment


@dataclass(frozen=True)
class Config(values.Config):
    """Settings of ROME."""

    layer: int = 5
    """Block whose down-projection is edited, counted from 0."""
    statistics: Literal["text", "identity"] = "text"
    """Second moment of keys: measured on text, or the identity, to show what edits do where statistics are switched
    off, as a widely used toolkit ships ROME."""


PRESETS = {
    "gpt2-medium": {"first_layer": None, "layer": 8, "clamp": 3.0, "contexts": ((10, 5), (10, 10))},
    "gpt2-large": {"first_layer": None, "layer": 12, "contexts": ((10, 5), (10, 10))},
    "gpt2-xl": {"first_layer": None, "layer": 17, "contexts": ((10, 5), (10, 10))},
    "gpt-j": {"first_layer": None, "layer": 5, "contexts": ((10, 5), (10, 10))},
}


@method("rome", paper="meng2022locating", batch=False, presets=PRESETS)
def rome(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    contexts = values.prefixes(model, config, run.seed)
    delta = values.optimise(model, edits, config.layer, config, contexts, progress=run.progress).delta[:, 0].double().T

    point = ("key", config.layer)
    keys = read_subjects(model, edits, contexts, [point])[point]
    bare, average = mean_key(keys[:, :1]), mean_key(keys)

    moment = (second_moment if config.statistics == "text" else no_moment)(model, config.layer, run)
    direction = moment.solve(average)
    left = delta / (direction.T @ bare)
    ratio = (direction.T @ bare) / (direction.T @ average)
    change = model.change(config.layer, left, direction.T)
    return WeightPatch({"key_ratio": ratio.item()}, {model.down_name(config.layer): change})
