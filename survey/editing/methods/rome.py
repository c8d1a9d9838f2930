"""ROME."""
from __future__ import annotations
from collections.abc import Sequence
from dataclasses import dataclass
import torch
from survey.editing import values
from survey.editing.edit import Edit
from survey.editing.keys import read_subjects
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.patch import WeightPatch
from survey.editing.statistics import second_moment

@dataclass(frozen=True)
class Config(values.Config):
    layer: int = 5
PRESETS = {}
@method("rome", paper="meng2022locating", batch=False, presets=PRESETS)
def rome(model, edits, config, run):
    [edit] = edits
    prefixes = values.prefixes(model, config, run.seed)
    value = values.optimise(model, [edit], config.layer, config, prefixes, progress=run.progress)
    key = ("key", config.layer)
    keys = read_subjects(model, [edit], prefixes, [key])[key][0].double()
    direction = second_moment(model, config.layer, run).solve(keys.mean(0)[:, None])[:, 0]
    bare = keys[0]
    residual = (value.target - value.start)[0].double()
    left = residual / (direction @ bare)
    return WeightPatch(changes={model.down_name(config.layer): model.change(config.layer, left[:, None], direction[None])})
