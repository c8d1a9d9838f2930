"""Fine-tuning: gradient descent on the new fact, with nothing that holds it back.

Adam makes the target probable behind the prompt, in the down-projections of some blocks or in all
parameters, and stops when the loss is small. Any number of edits is trained together.

Faithful:
- Adam, learning rate, number of steps and the loss at which to stop are those of the baseline FT in the
  evaluation of ROME

Deviates:
- the loss is the usual one of a language model, over the target's tokens only: each is read with those
  before it (the published baseline trains all tokens of a target at the last position of the prompt)
- block 5 is the default, found on the default model; late blocks wreck neighbours

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from survey.editing import method as base
from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.patch import Change, WeightPatch
from survey.editing.training import descend


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of fine-tuning."""

    layers: tuple[int, ...] = (5,)
    """Blocks whose down-projections are trained, counted from 0; none, `()`, trains all parameters."""
    lr: float = 5e-4
    """Learning rate of Adam."""
    steps: int = 25
    """Most steps."""
    stop: float = 0.01
    """Loss in nats below which training ends."""


PRESETS = {"gpt2-xl": {"layers": (1,)}, "gpt-j": {"layers": (21,)}}


@method("fine-tuning", paper="zhu2020modifying", batch=True, presets=PRESETS)
def fine_tuning(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    layers = model.sorted_layers(config.layers) if config.layers else []
    names = [model.down_name(layer) for layer in layers] or list(model.parameters)
    first = min((model.layer(layer) for layer in config.layers), default=None)
    parameters = [model.parameters[name] for name in names]
    before = [parameter.detach().clone() for parameter in parameters]
    try:
        descend(
            model, edits, parameters, first,
            lr=config.lr, steps=config.steps, stop=config.stop, progress=run.progress,
        )  # fmt: skip
        changes = {
            name: Change(dense=(parameter.detach() - old).float())
            for name, parameter, old in zip(names, parameters, before, strict=True)
        }
    finally:
        for parameter, old in zip(parameters, before, strict=True):
            parameter.data.copy_(old)
    return WeightPatch(changes=changes)
