"""LoRA: low-rank adapters, trained on the new fact.

The library PEFT puts two small matrices A and B beside each chosen down-projection, trains them on the
new fact, and is taken out again; what was learnt is the low-rank change

    Delta = alpha / rank * B A

of each matrix. Nothing says where it applies: it acts on every input.

Faithful:
- adapters, their initialisation (B is zero) and their scale are PEFT's
- rank and `alpha` are those that toolkits for editing use

Deviates:
- plain LoRA; toolkits often run AdaLoRA, which changes the rank while it trains
- on down-projections of blocks 4 to 8, with a learning rate of .001 and without dropout; toolkits
  adapt the attention (GPT-2 XL) or both feed-forward matrices (GPT-J)
- training stops once the loss is below .01

"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from survey.editing import method as base
from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.patch import WeightPatch
from survey.editing.training import descend


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of LoRA."""

    layers: tuple[int, ...] = (4, 5, 6, 7, 8)
    """Blocks whose down-projections get an adapter, counted from 0."""
    rank: int = 8
    """Columns of B and rows of A."""
    alpha: float = 32.0
    """Scale of the change, divided by the rank."""
    lr: float = 1e-3
    """Learning rate of Adam."""
    steps: int = 30
    """Most steps."""
    stop: float = 0.01
    """Loss in nats below which training ends."""


PRESETS = {}


@method("lora", paper="", batch=True, presets=PRESETS)
def lora(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    from peft import LoraConfig, get_peft_model

    layers = model.sorted_layers(config.layers)
    settings = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, target_modules=[model.structure.downs[layer] for layer in layers]
    )
    with warnings.catch_warnings(), torch.random.fork_rng():
        torch.manual_seed(run.seed)
        warnings.simplefilter("ignore")  # PEFT's advice on layouts of weights, which it handles itself.
        adapted = get_peft_model(model.network, settings)
    try:
        parameters = [p for name, p in adapted.named_parameters() if "lora_" in name]
        descend(
            model, edits, parameters, min(layers),
            lr=config.lr, steps=config.steps, stop=config.stop, progress=run.progress,
        )  # fmt: skip
        found = {layer: model.down(layer) for layer in layers}
        factors = {
            layer: (part.scaling["default"] * part.lora_B["default"].weight, part.lora_A["default"].weight)
            for layer, part in found.items()
        }
    finally:
        adapted.unload()
        if hasattr(model.network, "peft_config"):
            del model.network.peft_config
        model.network.requires_grad_(False).eval()
    return WeightPatch(
        changes={
            model.down_name(layer): model.change(layer, b.detach().clone(), a.detach().clone())
            for layer, (b, a) in factors.items()
        }
    )
