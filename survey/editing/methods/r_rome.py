"""r-ROME: ROME with one key, the repair of its published code.

ROME's published code makes the direction of its change from the key averaged over contexts, but divides by
the key of the bare prompt. Where the two differ much the quotient explodes, and one edit can break the
model. r-ROME takes the averaged key k* and the averaged output of W everywhere:

    W' = W + (v* - W k*) (C^-1 k*)^T / ((C^-1 k*)^T k*)

Faithful:
- one averaged key in direction, residual and denominator
- everything else is ROME's

Deviates:
- as ROME here: five contexts instead of twenty, and statistics of keys from text that the model samples
  itself, without its first position
- a subject that is the very first token is edited in block 0 (`first_layer`): later that token is an
  attention sink, whose key hardly depends on the word. Other words in that place then count among the keys that
  should be left alone
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
    """Settings of r-ROME."""

    layer: int = 5
    """Block whose down-projection is edited, counted from 0."""
    statistics: Literal["text", "identity"] = "text"
    """Second moment of keys: measured on text, or the identity, to show what edits do where statistics are switched
    off, as a widely used toolkit ships ROME."""


PRESETS = {
    "gpt2-xl": {"first_layer": None, "layer": 17, "contexts": ((10, 5), (10, 10))},
    "gpt-j": {"first_layer": None, "layer": 5, "contexts": ((10, 5), (10, 10))},
}


@method("r-rome", paper="gupta2024rebuilding", batch=False, presets=PRESETS)
def r_rome(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    contexts = values.prefixes(model, config, run.seed)
    found = values.optimise(model, edits, config.layer, config, contexts, progress=run.progress)

    key, value = ("key", config.layer), ("value", config.layer)
    states = read_subjects(model, edits, contexts, [key, value])
    average = mean_key(states[key])
    residual = found.start[:, 0].double().T + found.delta[:, 0].double().T - mean_key(states[value])

    moment = (second_moment if config.statistics == "text" else no_moment)(model, config.layer, run)
    direction = moment.solve(average)
    change = model.change(config.layer, residual / (direction.T @ average), direction.T)
    return WeightPatch({}, {model.down_name(config.layer): change})
