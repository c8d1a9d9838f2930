"""MEND: small nets turn the gradient of an edit into a better change.

The gradient of the new answer for a matrix W is a sum over tokens of two factors: u, what enters W, and d, the
gradient for what leaves it. A net g maps both, token by token, to pseudo-factors, and the change is made of these:

    (u~_t, d~_t) = g(u_t, d_t)
    W' = W - alpha sum_t d~_t u~_t^T

The net has two residual layers of low rank and is the identity before training; the edited matrices share it, each with
scales, offsets and a step size alpha of its own. Training makes the new answer probable behind the prompt and behind
rephrasings, while the model says what it said about neighbours:

    L = c_edit * -log P'(answer) + KL(P || P')

Only the net learns, and the model stays as it is. Edits made at once are summed.

Faithful:
- the form of the net, its start as the identity, the normalisation of what enters it, and that it is shared
- the loss with its weights, Adam with a learning rate of its own for alpha, clipping of gradients
- one edit at a time in training, the last three blocks

Deviates:
- only the down-projections of the three blocks, with rank 128
- at most 800 facts and 800 steps of 8 facts: minutes, not days
- learning rates suited to few steps: .0003 for the net and .00001 for alpha; they fall to zero in the second half
- alpha is subtracted: the published code adds it, which begins with ascent, and lets the sign be learnt
- half of the losses are taken behind the prompt itself, half behind a rephrasing; the published ones all behind
  a rephrasing
- the model must stay the same on neighbours of the fact, not on unrelated questions
- normalisation is measured once on the facts, for each matrix, and not while training goes on

"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from survey.editing import hypernetworks
from survey.editing.edit import Edit
from survey.editing.gradients import Factors, Shift, factors_of
from survey.editing.hypernetworks import Lessons, TokenNet, patch_of, sizes
from survey.editing.language_model import LanguageModel
from survey.editing.learning import learned, provenance
from survey.editing.method import Quiet, Run, method
from survey.editing.patch import WeightPatch


@dataclass(frozen=True)
class Config(hypernetworks.Config):
    """Settings of MEND."""

    rank: int = 128
    """Rank of the layers of the net."""
    alpha: float = 1e-4
    """Step size before training."""
    lr: float = 3e-4
    """Learning rate of Adam for the net."""
    lr_alpha: float = 1e-5
    """Learning rate of Adam for the step sizes."""
    c_edit: float = 0.1
    """Weight of the new answer's loss; that of the divergence is 1."""
    facts: int = 8
    """Facts in a step, each edited alone."""


PRESETS = {
    "gpt2-xl": {"rank": 1920, "lr": 1e-6, "lr_alpha": 1e-4},
    "gpt-j": {"rank": 1920, "lr": 1e-6, "lr_alpha": 1e-4},
}


class Net(nn.Module):
    """What is learnt: the net for tokens, and a step size for each layer."""

    def __init__(self, model: LanguageModel, config: Config, seed: int) -> None:
        super().__init__()
        self.layers = model.sorted_layers(config.layers)
        self.tokens = TokenNet(len(self.layers), sizes(model, self.layers[0]), config.rank, seed)
        self.alpha = nn.Parameter(torch.full((len(self.layers),), config.alpha))

    def forward(self, factors: dict[int, Factors]) -> dict[int, Shift]:
        """The change of each edit at each layer."""
        shifts = {}
        for n, layer in enumerate(self.layers):
            inputs, gradients = self.tokens(n, factors[layer])
            shifts[layer] = Shift(-self.alpha[n] * gradients.mT, inputs)
        return shifts


class Training(hypernetworks.Training):
    """How MEND learns."""

    minutes = 8

    def __init__(
        self, model: LanguageModel, config: Config, seed: int, without: Collection[str], progress: Quiet
    ) -> None:
        super().__init__(model, config, seed, without, progress)
        self.net.tokens.measure([[f[layer] for f in self.lessons.factors] for layer in self.layers])
        groups = [{"params": self.net.tokens.parameters()}, {"params": [self.net.alpha], "lr": config.lr_alpha}]
        self.optimizer = torch.optim.Adam(groups, lr=config.lr)

    @classmethod
    def build(cls, model: LanguageModel, config: Config, seed: int = 0) -> Net:
        return Net(model, config, seed)

    def shifts(self, lessons: Lessons, chosen: Sequence[int]) -> dict[int, Shift]:
        return self.net(lessons.gradients(chosen))

    def learn(self, losses: torch.Tensor, divergence: torch.Tensor, said: torch.Tensor) -> float:
        loss = self.config.c_edit * losses.mean() + divergence.mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 100.0)
        self.optimizer.step()
        return loss.item()

    def weigh(self, nll: float, divergence: float) -> float:
        return self.config.c_edit * nll + divergence


@method("mend", paper="mitchell2022fast", batch=True, presets=PRESETS, train=Training)
def mend(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    layers = model.sorted_layers(config.layers)
    net = learned("mend", model, config)
    run.notes["trained"] = provenance("mend", model, config)
    return patch_of(model, net(factors_of(model, edits, layers, run.progress)))
