"""Whether a text is in the scope of an edit: a small net on top of frozen embeddings.

    similarity(x, z) = exp(-s |h(x) - h(z)|^2)

x is the text, z the prompt of the edit. h adds to an embedding what one hidden layer makes of it, and s is a number.
Both learn that rephrasings belong to their edit, and that neighbours and whatever belongs to other edits do not.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from survey.editing import facts, method
from survey.editing.edit import EditError
from survey.editing.embedding import embedder
from survey.editing.language_model import LanguageModel
from survey.editing.learning import Training
from survey.editing.method import Quiet

# Similarities nearer to 1 than that count as that: the logarithm of what is missing must be finite.
_NEAREST = 1e-6
# Rephrasings and neighbours that are taken of each example, one of two behind a sentence.
_WORDINGS = 2


class Classifier(nn.Module):
    """h and s, for embeddings of norm 1; before training h is the identity."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.size = size
        self.first = nn.Linear(size, hidden)
        self.second = nn.Linear(hidden, size)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)
        self.log_scale = nn.Parameter(torch.tensor(math.log(2.0)))

    @classmethod
    def of(cls, tensors: Mapping[str, torch.Tensor]) -> Classifier:
        """The net of these parameters. Raises `KeyError`, `ValueError` or `RuntimeError` where they make none."""
        hidden, size = tensors["first.weight"].shape
        net = cls(size, hidden)
        net.load_state_dict(dict(tensors))
        return net.eval().requires_grad_(False)

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        # Entries of a vector of norm 1 are small.
        large = self.size**0.5
        return embeddings + self.second(self.first(embeddings * large).relu()) / large

    def distance(self, texts: torch.Tensor, edits: torch.Tensor) -> torch.Tensor:
        """s |h(x) - h(z)|^2 of each text to each edit, [texts, edits]."""
        return self.log_scale.exp() * torch.cdist(self(texts), self(edits), compute_mode="donot_use_mm_for_euclid_dist").square()

    def similarity(self, texts: torch.Tensor, edits: torch.Tensor) -> torch.Tensor:
        """Between 0 and 1, [texts, edits]."""
        return (-self.distance(texts, edits)).exp()


@dataclass(frozen=True)
class Config(method.Config):
    """Settings of the classifier's training."""

    hidden: int = 256
    """Units of the hidden layer."""
    lr: float = 3e-4
    """Learning rate of AdamW for h."""
    scale_lr: float = 1e-2
    """The same for s."""
    outside: float = 0.5
    """What texts out of scope count in the loss, where those in scope count 1."""
    steps: int = 300
    """Steps of training."""
    at_once: int = 64
    """Edits in one step, each beside a text of its own, a neighbour, and those of the others."""
    examples: int = 1500
    """Facts to learn from at most."""
    check: int = 50
    """Steps between two validations."""
    patience: int = 4
    """Validations without progress after which training ends."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("hidden", "check", "patience"):
            if getattr(self, name) < 1:
                raise EditError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("scale_lr", "outside"):
            if not getattr(self, name) > 0:
                raise EditError(f"{name} must be above 0, not {getattr(self, name)}")
        for name in ("at_once", "examples"):
            if getattr(self, name) < 2:
                raise EditError(f"{name} must be at least 2, not {getattr(self, name)}")


class ScopeTraining(Training):
    """Learns the classifier from the project's facts, on embeddings that are computed once."""

    minutes = 1

    def __init__(self, model: LanguageModel, config, seed: int, without: Collection[str], progress: Quiet) -> None:
        self.config, self.seed = config, seed
        self.net = self.build(model, config, seed)
        layers = [*self.net.first.parameters(), *self.net.second.parameters()]
        self.optimizer = torch.optim.AdamW([
            {"params": layers, "lr": config.lr, "weight_decay": 0.01},
            {"params": [self.net.log_scale], "lr": config.scale_lr, "weight_decay": 0.0},
        ])  # fmt: skip
        encode = embedder(config.embedding, model).encode
        self.texts = []
        for part in ("train", "validation"):
            found = facts.examples(seed, without, part)[: config.examples]
            if len(found) < 2:
                raise EditError("too few facts are left to learn from")
            kinds = [[example.edit.text] for example in found]
            progress.start(f"Reading facts ({part})", len(found))
            for row, example in zip(kinds, found, strict=True):
                row += [*example.rephrasings[:_WORDINGS], *(n.prompt for n in example.neighbours[:_WORDINGS])]
            rows = []
            for start in range(0, len(kinds), 100):
                some = kinds[start : start + 100]
                rows.append(encode([text for row in some for text in row]).reshape(len(some), 1 + 2 * _WORDINGS, -1))
                progress.advance(len(some))
            self.texts.append(torch.cat(rows))

    @classmethod
    def build(cls, model: LanguageModel, config, seed: int = 0) -> Classifier:
        size = embedder(config.embedding, model).size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Classifier(size, config.hidden)

    def step(self, number: int) -> float:
        chance = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        train = self.texts[0]
        rows = torch.randperm(len(train), generator=chance)[: self.config.at_once]
        every = torch.arange(len(rows))
        ours = torch.randint(1, 1 + _WORDINGS, (len(rows),), generator=chance)
        theirs = torch.randint(1 + _WORDINGS, 1 + 2 * _WORDINGS, (len(rows),), generator=chance)
        chosen = train[rows]
        loss = self._loss(chosen[:, 0], chosen[every, ours], chosen[every, theirs])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def _loss(self, edits: torch.Tensor, ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
        """-log of what is right: of texts of an edit, of its neighbours, and of the other edit nearest to each text."""
        distance = self.net.distance(torch.cat([ours, theirs]), edits)
        right, wrong = distance[: len(edits)], distance[len(edits) :]
        own = torch.eye(len(edits), dtype=torch.bool)
        out = lambda d: -torch.log1p(-(-d).exp().clamp_max(1 - _NEAREST))  # noqa: E731
        nearest = torch.cat([right, wrong]).masked_fill(torch.cat([own, own]), torch.inf).min(1).values
        return right.diagonal().mean() + self.config.outside * (out(wrong.diagonal()).mean() + out(nearest).mean()) / 2

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        texts = self.texts[1]
        edits, ours = texts[:, 0], texts[:, 1 : 1 + _WORDINGS]
        theirs = texts[:, 1 + _WORDINGS :]
        loss = sum(self._loss(edits, ours[:, i], theirs[:, i]).item() for i in range(_WORDINGS)) / _WORDINGS
        own = [self.net.similarity(ours[:, i], edits).diagonal() for i in range(_WORDINGS)]
        out = [self.net.similarity(theirs[:, i], edits).diagonal() for i in range(_WORDINGS)]
        hits, passes = ((torch.cat(found) > 0.5).float().mean().item() for found in (own, out))
        return {"loss": loss, "rephrasings in scope": hits, "neighbours in scope": passes}
