"""CaliNET: calibration slots, a small extra feed-forward memory for many facts.

Some slots are put beside the feed-forward part of one of the last blocks. They are built as the feed-forward part is,
only narrower, and their output is added to its:

    out(x) = FFN(x) + W_o act(W_i x)

Where the model's feed-forward part is gated, act(W_i x) is multiplied by a second matrix times x. Everything else is
frozen, and the slots are trained on paraphrases of all facts at once by the plain loss of a language model. W_o
starts at zero, so that untrained slots change nothing.

Nothing says where the slots apply: they read every token, and facts share them, so that none can be taken out alone.

Faithful:
- slots without biases beside the last block's feed-forward part, with the model's own activation and gating; the
  original frozen
- all facts are trained at once, each in several wordings; 64 slots, as published for 100 facts

Deviates:
- published for T5; here the last block of a decoder
- wordings are the prompt behind texts that the model samples, instead of paraphrases from templates
- the loss counts the target's tokens only; Adam with a
  learning rate of .002 instead of Adafactor with .01, and at most 60 steps: slots read every token, and what they
  learn faster harms more of the rest
- the score that finds wrong facts beforehand (CKA) is left out: here a person says what to edit

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from survey.editing import method as base
from survey.editing.contexts import sample_contexts
from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.neurons import NeuronPatch, beside, function
from survey.editing.structure import is_conv1d, matrix
from survey.editing.wordings import Wordings


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of CaliNET."""

    layer: int = -1
    """Block beside whose feed-forward part the slots lie, counted from 0, or from the last (-1)."""
    slots: int = 64
    """How many slots there are."""
    contexts: tuple[tuple[int, int], ...] = ((4, 10),)
    """Texts put before the prompt, beside none: pairs (how many, of how many tokens)."""
    lr: float = 2e-3
    """Learning rate of Adam."""
    steps: int = 60
    """Most steps."""
    stop: float = 0.05
    """Loss in nats below which training ends."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.slots < 1:
            raise EditError(f"slots must be at least 1, not {self.slots}")


PRESETS = {}


@method("calinet", paper="dong2022calibrating", batch=True, presets=PRESETS)
def calinet(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> NeuronPatch:
    layer = model.layer(config.layer)
    activation, act = activation_name(model), function(activation_name(model))
    generator = torch.Generator().manual_seed(run.seed)
    draw = lambda: ((torch.rand(config.slots, model.width, generator=generator) * 2 - 1) / model.width**0.5).to(model.device)  # noqa: E731
    keys, values = draw(), torch.zeros(config.slots, model.width, device=model.device)
    gates = draw() if is_gated(model, layer) else None
    trained = [part.requires_grad_(True) for part in (keys, values, gates) if part is not None]
    words = Wordings(model, edits, layer, ["", *sample_contexts(model, config.contexts, run.seed)], late=layer == model.layers - 1)

    def add(x: torch.Tensor) -> torch.Tensor:
        strength = act(x @ keys.T.to(x))
        return (strength if gates is None else strength * (x @ gates.T.to(x))) @ values.to(x)

    adam = torch.optim.Adam(trained, lr=config.lr)
    run.progress.start("Training slots", config.steps)
    for _ in range(config.steps):
        adam.zero_grad()
        with beside(model, layer, add):
            loss = words.losses().mean()
        if loss.item() < config.stop:
            break
        loss.backward()
        adam.step()
        run.progress.advance()
    keys, values, gates = (None if part is None else part.detach().cpu() for part in (keys, values, gates))
    nobody = torch.full((config.slots,), -1)
    return NeuronPatch({}, layer, activation, keys, torch.zeros(config.slots), values, nobody, gates)


def activation_name(model: LanguageModel) -> str:
    """The activation of the model's own feed-forward parts."""
    settings = model.network.config.get_text_config()
    for name in ("hidden_act", "activation_function", "hidden_activation"):
        if isinstance(found := getattr(settings, name, None), str):
            return found
    raise EditError(f"{model.name} does not say which activation its feed-forward parts have")


def is_gated(model: LanguageModel, layer: int) -> bool:
    """Whether the feed-forward part multiplies two projections: they are two matrices, or one of twice the height."""
    path, _, _ = model.structure.downs[layer].rpartition(".")
    parts = [p for p in model.network.get_submodule(path).children() if isinstance(p, torch.nn.Linear) or is_conv1d(p)]
    inner = matrix(model.down(layer)).shape[1]
    return len(parts) > 2 or matrix(model.up(layer)).shape[0] == 2 * inner
