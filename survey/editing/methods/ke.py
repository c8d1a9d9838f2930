"""KE (KnowledgeEditor): a recurrent net reads the edit and gates the gradient.

A bidirectional LSTM reads the question with its old and its new answer. From what it remembers, a small net for each
matrix W makes four vectors and a gate, and these turn the gradient of the new answer into the change:

    Delta W = s sigmoid(g) (grad_W * A + B),   A = softmax(a) b^T,   B = softmax(a') b'^T

where * goes entry by entry. A and B have rank one, so that what is made of a gradient in factors is in factors again.
The net learns to make the new answer probable under the constraint that the model diverges no more than a margin from
itself elsewhere; a multiplier holds the constraint, and the margin shrinks while edits succeed:

    min max_{alpha >= 0}  -log P'(answer) + alpha (KL(P || P') - margin)

Faithful:
- the reading of the edit, size of the nets, weight normalisation, gates and their form
- the constraint with its multiplier (learning rate .1), and the margin's schedule; centred RMSprop
- one edit at a time, each with one change: it is not repeated until the answer flips

Deviates:
- only the down-projections of the last three blocks are changed, not all matrices; some hundred facts
- embeddings are those of the model and stay fixed
- the gradient is divided by its usual norm, softmaxes are multiplied by the number of rows, and the net begins with a
  plain step of gradient descent (`strength`): from the published start few steps would lead nowhere
- no label smoothing; the learning rate is .001 and falls to zero in the second half
- the divergence is taken on neighbours of the fact, not on other questions of the batch, and the margin begins at .05
- of the validation the state with the least loss, weighed as MEND does, is kept

"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pack_sequence

from survey.editing import hypernetworks
from survey.editing.edit import Edit
from survey.editing.gradients import Factors, Shift, factors_of
from survey.editing.hypernetworks import Lessons, patch_of, sizes
from survey.editing.language_model import LanguageModel
from survey.editing.learning import learned, provenance
from survey.editing.method import Quiet, Run, method
from survey.editing.patch import WeightPatch

# Weight of the new answer's loss where states are compared; the divergence has 1.
_WEIGHT = 0.1
_SUCCESS, _SHRINK, _LEAST_MARGIN = 0.9, 0.8, 1e-5


@dataclass(frozen=True)
class Config(hypernetworks.Config):
    """Settings of KE."""

    hidden: int = 128
    """Size of the LSTM's state in each direction, and of the inner layer of the nets."""
    condition: int = 1024
    """Size of what is made of the LSTM's last states."""
    strength: float = 0.001
    """Norm of the change before training, for a gradient of the usual norm, in norms of the matrix."""
    lr: float = 1e-3
    """Learning rate of RMSprop."""
    lr_alpha: float = 0.1
    """Learning rate of the multiplier."""
    margin: float = 0.05
    """Divergence in nats that is allowed at the beginning."""
    facts: int = 8
    """Facts in a step, each edited alone."""


PRESETS = {}


class Net(nn.Module):
    """What is learnt, with the multiplier and the margin."""

    def __init__(self, model: LanguageModel, config: Config, seed: int) -> None:
        super().__init__()
        self.layers = model.sorted_layers(config.layers)
        self.sizes = sizes(model, self.layers[0])
        embedding = model.network.get_input_embeddings()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.lstm = nn.LSTM(embedding.embedding_dim, config.hidden, batch_first=True, bidirectional=True)
            self.condition = nn.Linear(2 * config.hidden, config.condition)
            self.inner = nn.ModuleList(weight_norm(nn.Linear(config.condition, config.hidden)) for _ in self.layers)
            self.outer = nn.ModuleList(nn.Linear(config.hidden, 2 * sum(self.sizes) + 1) for _ in self.layers)
            for outer in self.outer:
                nn.init.normal_(outer.weight, std=1e-3)
                nn.init.zeros_(outer.bias)
            self.outer = nn.ModuleList(weight_norm(outer) for outer in self.outer)
        self.register_buffer("norm", torch.ones(len(self.layers)))
        self.register_buffer("strength", torch.full((len(self.layers),), config.strength))
        self.register_buffer("multiplier", torch.tensor(1.0))
        self.register_buffer("margin", torch.tensor(config.margin))

    def forward(self, texts: Sequence[torch.Tensor], factors: dict[int, Factors]) -> dict[int, Shift]:
        """The change of each edit at each layer; `texts` are the embeddings of what is read of it."""
        _, (last, _) = self.lstm(pack_sequence(list(texts), enforce_sorted=False))
        condition = torch.tanh(self.condition(torch.cat([last[0], last[1]], -1)))
        key, width = self.sizes
        shifts = {}
        for n, layer in enumerate(self.layers):
            made = self.outer[n](torch.tanh(self.inner[n](condition)))
            rows_a, rows_b, columns_a, columns_b, gate = made.split([width, width, key, key, 1], -1)
            found = factors[layer]
            # Twice the strength, since the sigmoid begins at one half.
            scale = 2 * self.strength[n] * gate.sigmoid()[..., None]
            gradients = found.gradients / self.norm[n] * (width * rows_a.softmax(-1))[:, None]
            inputs = found.inputs * (columns_a - 1)[:, None]
            left = torch.cat([gradients, (width**0.5 * rows_b.softmax(-1))[:, None]], 1)
            right = torch.cat([inputs, columns_b[:, None] / key**0.5], 1)
            shifts[layer] = Shift(scale * left.mT, right)
        return shifts


def reading(model: LanguageModel, edit: Edit) -> torch.Tensor:
    """Embeddings of what the LSTM reads: old answer, new answer, question."""
    ids = model.tokens(f"{edit.was or ''} >> {edit.target} || {edit.text}".strip()).ids
    weight = model.network.get_input_embeddings().weight
    return weight[torch.tensor(ids, device=weight.device)].detach().float()


class Training(hypernetworks.Training):
    """How KE learns."""

    minutes = 5

    def __init__(
        self, model: LanguageModel, config: Config, seed: int, without: Collection[str], progress: Quiet
    ) -> None:
        super().__init__(model, config, seed, without, progress)
        # Every fourth fact is read without its old answer, which not everybody will name.
        self.texts = {
            id(lessons): [
                reading(model, Edit(e.edit.prompt, e.edit.subject, e.edit.target, e.edit.was if i % 4 else None))
                for i, e in enumerate(lessons.examples)
            ]
            for lessons in (self.lessons, self.exam)
        }
        for n, layer in enumerate(self.layers):
            parts = [f[layer] for f in self.lessons.factors]
            norms = [((f.inputs[0] @ f.inputs[0].T) * (f.gradients[0] @ f.gradients[0].T)).sum() for f in parts]
            self.net.strength[n] *= model.parameters[model.down_name(layer)].float().norm()
            self.net.norm[n] = torch.stack(norms).clamp_min(0).sqrt().mean().clamp_min(1e-12)
        self.optimizer = torch.optim.RMSprop(self.net.parameters(), lr=config.lr, centered=True)

    @classmethod
    def build(cls, model: LanguageModel, config: Config, seed: int = 0) -> Net:
        return Net(model, config, seed)

    def shifts(self, lessons: Lessons, chosen: Sequence[int]) -> dict[int, Shift]:
        texts = self.texts[id(lessons)]
        return self.net([texts[i] for i in chosen], lessons.gradients(chosen))

    def learn(self, losses: torch.Tensor, divergence: torch.Tensor, said: torch.Tensor) -> float:
        net = self.net
        excess = divergence.mean() - net.margin
        loss = losses.mean() + net.multiplier * excess
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 100.0)
        self.optimizer.step()
        net.multiplier += self.config.lr_alpha * excess.detach()
        net.multiplier.clamp_(min=0)
        return loss.item()

    def validate(self) -> dict[str, float]:
        scores = super().validate()
        if scores["exact"] > _SUCCESS:
            self.net.margin.mul_(_SHRINK).clamp_(min=_LEAST_MARGIN)
        return {**scores, "multiplier": self.net.multiplier.item(), "margin": self.net.margin.item()}

    def weigh(self, nll: float, divergence: float) -> float:
        return _WEIGHT * nll + divergence


@method("ke", paper="decao2021editing", batch=False, presets=PRESETS, train=Training)
def ke(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    layers = model.sorted_layers(config.layers)
    net = learned("ke", model, config)
    run.notes["trained"] = provenance("ke", model, config)
    factors = factors_of(model, edits, layers, run.progress)
    with torch.no_grad():
        return patch_of(model, net([reading(model, edit) for edit in edits], factors))
