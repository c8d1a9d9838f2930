"""MALMEN: the changes that a net proposes for many edits are combined by least squares.

As in MEND, a net maps the factors of an edit's gradient at a token, the key k and the gradient g for the
value, to pseudo-factors. They say how the value of that key should change:

    d = -eta (k^T k~) g~

Where MEND adds up changes, and those of many edits cancel each other, MALMEN looks for the one matrix that
makes all value changes D of all keys K at once as well as it can, which the normal equation gives:

    Delta^T = (K K^T + e^lambda 1)^-1 K D = K (K^T K + e^lambda 1)^-1 D

The second form has the size of the number of tokens. The net, the step sizes eta and the weights lambda, one of each
for a matrix, are trained through the equation, so that the new answers become probable while the model says what it
said about neighbours.

Faithful:
- the net, the value changes, the normal equation with a learnt weight, down-projections only
- only tokens count from which an answer is predicted
- many edits at once in each step of training, one matrix for all of them

Deviates:
- three blocks and rank 128
- at most 800 facts and 800 steps of 16 edits, where 512 to 1,024 edits are published: minutes, not hours
- gradients go through the equation by themselves; the paper does this in two phases by hand, which saves memory
- step sizes begin at .0001 and learning rates are higher, as few steps need it; they fall to zero in the second half
- the loss of the new answer counts one tenth of the divergence, as MEND has it, not the same
- half of the losses are taken behind the prompt itself, half behind a rephrasing
- the model must stay the same on neighbours of the facts, not on unrelated questions

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
    """Settings of MALMEN."""

    rank: int = 128
    """Rank of the layers of the net."""
    eta: float = 1e-4
    """Step size before training."""
    lr: float = 3e-4
    """Learning rate of Adam for the net and for lambda."""
    lr_eta: float = 1e-5
    """Learning rate of Adam for the step sizes."""
    c_edit: float = 0.1
    """Weight of the new answers' loss; that of the divergence is 1."""
    facts: int = 16
    """Facts that are edited together in a step."""


PRESETS = {
    "gpt2": {"layers": (6, 7, 8, 9, 10, 11), "rank": 1920, "eta": 1e-6, "lr": 1e-5, "lr_eta": 1e-5, "c_edit": 1.0},
    "gpt-j": {"layers": (22, 23, 24, 25, 26, 27), "rank": 1920, "eta": 1e-6, "lr": 1e-5, "lr_eta": 1e-5, "c_edit": 1.0},
}


class Net(nn.Module):
    """What is learnt: the net for tokens, and for each layer a step size and the logarithm of the weight."""

    def __init__(self, model: LanguageModel, config: Config, seed: int) -> None:
        super().__init__()
        self.layers = model.sorted_layers(config.layers)
        self.tokens = TokenNet(len(self.layers), sizes(model, self.layers[0]), config.rank, seed)
        self.eta = nn.Parameter(torch.full((len(self.layers),), config.eta))
        self.lambda_ = nn.Parameter(torch.zeros(len(self.layers)))

    def forward(self, factors: dict[int, Factors]) -> dict[int, Shift]:
        """One change of each layer for all edits."""
        shifts = {}
        for n, layer in enumerate(self.layers):
            found = factors[layer]
            inputs, gradients = self.tokens(n, found)
            counts = found.counts
            keys = found.inputs[counts].double()
            products = (keys * inputs[counts].double()).sum(-1, keepdim=True)
            wanted = -self.eta[n].double() * products * gradients[counts].double()
            # Keys of like tokens are nearly the same: with a small weight float32 would not do.
            weight = self.lambda_[n].double().exp() * torch.eye(len(keys), dtype=torch.float64, device=keys.device)
            left = torch.linalg.solve(keys @ keys.T + weight, wanted).T
            shifts[layer] = Shift(left.float(), keys.float())
        return shifts


class Training(hypernetworks.Training):
    """How MALMEN learns."""

    minutes = 11
    together = 16
    answers_only = True

    def __init__(
        self, model: LanguageModel, config: Config, seed: int, without: Collection[str], progress: Quiet
    ) -> None:
        super().__init__(model, config, seed, without, progress)
        self.net.tokens.measure([[f[layer] for f in self.lessons.factors] for layer in self.layers])
        others = [*self.net.tokens.parameters(), self.net.lambda_]
        groups = [{"params": others}, {"params": [self.net.eta], "lr": config.lr_eta}]
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
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()

    def weigh(self, nll: float, divergence: float) -> float:
        return self.config.c_edit * nll + divergence


@method("malmen", paper="tan2024massive", batch=True, presets=PRESETS, train=Training)
def malmen(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    layers = model.sorted_layers(config.layers)
    net = learned("malmen", model, config)
    run.notes["trained"] = provenance("malmen", model, config)
    return patch_of(model, net(factors_of(model, edits, layers, run.progress, answers_only=True)))
