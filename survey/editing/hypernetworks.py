"""What KE, MEND and MALMEN share: nets that turn the gradient of an edit into a change of weights.

They learn from facts. The gradients of the edits, the states that enter the edited blocks, and what the unedited model
says about neighbours are computed once; a step of training then costs a pass through the last blocks only.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from survey.editing import facts, learning, method
from survey.editing.edit import EditError
from survey.editing.gradients import Factors, Library, Shift, read_factors, shifted
from survey.editing.language_model import LanguageModel
from survey.editing.method import Quiet
from survey.editing.patch import WeightPatch
from survey.editing.structure import matrix

# Facts on which a net is validated.
_VALIDATED = 32
# Places of a neighbour's text, beside its answer, where the model must say what it said.
_OTHER_PLACES = 1


@dataclass(frozen=True)
class Config(method.Config):
    """Settings of training, and the blocks that are edited."""

    layers: tuple[int, ...] = (-3, -2, -1)
    """Blocks whose down-projections are edited; negative numbers count from the last."""
    examples: int = 800
    """Facts to learn from."""
    steps: int = 800
    """Most steps of training."""
    check: int = 50
    """Steps between two validations."""
    patience: int = 12
    """Validations without progress after which training ends."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("examples", "check", "patience", "facts"):
            if getattr(self, name, 1) < 1:
                raise EditError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("lr_alpha", "eta"):
            if not getattr(self, name, 1) > 0:
                raise EditError(f"{name} must be above 0, not {getattr(self, name)}")


class Lessons:
    """Facts with everything that can be computed of them once: factors of the edits' gradients, and texts.

    Of each fact there are the prompt and one rephrasing with the new object, and one neighbour's prompt with
    its own; half of the rephrasings and half of the neighbours follow an unrelated sentence.
    """

    def __init__(
        self, model: LanguageModel, examples: Sequence[facts.Example], layers: Sequence[int], progress: Quiet,
        answers_only: bool = False,
    ) -> None:  # fmt: skip
        self.model, self.layers, self.examples = model, list(layers), list(examples)
        count = len(examples)
        pairs = [(e.edit.text, e.edit.target) for e in examples]
        pairs += [(e.rephrasings[i % 2], e.edit.target) for i, e in enumerate(examples)]
        pairs += [(n.prompt, n.answer) for i, e in enumerate(examples) for n in [e.neighbours[i // 2 % 2]]]
        self.library = Library(model, pairs, min(layers), progress)
        self.factors: list[dict[int, Factors]] = [{}] * count
        for batch in model.batches([range(self.library.length(i)) for i in range(count)]):
            read = read_factors(self.library.take(batch), layers, answers_only)
            found = {layer: factors.rows() for layer, factors in read.items()}
            for n, i in enumerate(batch):
                self.factors[i] = {layer: rows[n] for layer, rows in found.items()}
            progress.advance(len(batch))
        self._said: dict[int, tuple[list[int], list[float], torch.Tensor]] = {}
        with torch.no_grad():
            neighbours = range(2 * count, 3 * count)
            for batch in model.batches([range(self.library.length(i)) for i in neighbours]):
                rows = [neighbours[n] for n in batch]
                hidden = self.library.take(rows).hidden()
                for n, row in enumerate(rows):
                    places, weights = self._places(row)
                    self._said[row] = (places, weights, hidden[n, places].clone())

    def __len__(self) -> int:
        return len(self.examples)

    def _places(self, row: int) -> tuple[list[int], list[float]]:
        """Where a neighbour's text must say what it said, and the weights: its answer counts one, and so do a few other
        places together, which see to it that an edit does not show everywhere."""
        answer = self.library.answer(row)
        others = random.Random(row).sample(range(answer[0]), min(_OTHER_PLACES, answer[0]))
        return answer + others, [1 / len(answer)] * len(answer) + [1 / len(others) for _ in others]

    def gradients(self, chosen: Sequence[int]) -> dict[int, Factors]:
        """Factors of some edits."""
        return {layer: Factors.stack([self.factors[i][layer] for i in chosen]) for layer in self.layers}

    def outcome(
        self, chosen: Sequence[int], shifts: dict[int, Shift], rephrased: Sequence[bool]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the model says when it is changed for some edits: for each its mean -log P of the new object (behind
        the prompt, or behind the rephrasing) and whether every token of it is the most probable, and the
        divergence from the unedited model on the neighbour's text, in nats: that at its answer plus that elsewhere."""
        count, size = len(self), len(chosen)
        asked = [i + count * again for i, again in zip(chosen, rephrased, strict=True)]
        neighbours = [i + 2 * count for i in chosen]
        kept = [self._said[row][0] for row in neighbours]
        states = self._changed(
            asked + neighbours, [self.library.answer(row) for row in asked] + kept, [*range(size), *range(size)], shifts
        )
        answers, texts = states[:size], states[size:]
        device = self.model.device
        targets = torch.tensor([token for row in asked for token in self.library.targets(row)], device=device)
        logits = self.model.logits(torch.cat(answers)).float()
        owner = torch.tensor([n for n, part in enumerate(answers) for _ in part], device=device)
        share = 1 / torch.bincount(owner)[owner]
        losses = _sums(-logits.log_softmax(-1).gather(1, targets[:, None])[:, 0] * share, owner, size)
        missed = _sums((logits.argmax(-1) != targets).float(), owner, size)
        with torch.no_grad():
            before = self.model.logits(torch.cat([self._said[row][2] for row in neighbours])).float().log_softmax(-1)
        now = self.model.logits(torch.cat(texts)).float().log_softmax(-1)
        owner = torch.tensor([n for n, part in enumerate(texts) for _ in part], device=device)
        weight = torch.tensor([w for row in neighbours for w in self._said[row][1]], device=device)
        return losses, missed == 0, _sums((before.exp() * (before - now)).sum(-1) * weight, owner, size)

    def _changed(
        self, rows: list[int], places: list[list[int]], edits: list[int], shifts: dict[int, Shift]
    ) -> list[torch.Tensor]:
        """States of the changed model at some places of each text. Short texts and long ones go apart, since all of a
        pass cost what the longest costs."""
        found: list[torch.Tensor] = [torch.empty(0)] * len(rows)
        order = sorted(range(len(rows)), key=lambda n: self.library.length(rows[n]))
        half = (len(order) + 1) // 2
        for part in (order[:half], order[half:]):
            if part:
                passages = self.library.take([rows[n] for n in part])
                with shifted(self.model, shifts, torch.tensor([edits[n] for n in part], device=self.model.device)):
                    hidden = passages.hidden()
                for at, n in enumerate(part):
                    found[n] = hidden[at, places[n]]
        return found


def _sums(values: torch.Tensor, owner: torch.Tensor, size: int) -> torch.Tensor:
    """The sum of the values of each owner."""
    return torch.zeros(size, device=values.device).index_add(0, owner, values)


class Training(learning.Training):
    """Learning to edit from facts: how a batch is drawn, and how a net is validated. Subclasses say what the
    net makes of gradients (`shifts`) and what follows of the outcome (`learn`)."""

    together = 1
    """Facts of the validation that are edited at once."""
    answers_only = False
    """Whether only tokens count from which the new answer is predicted."""

    def __init__(self, model: LanguageModel, config, seed: int, without: Collection[str], progress: Quiet) -> None:
        self.model, self.config, self.seed = model, config, seed
        self.layers = model.sorted_layers(config.layers)
        examples = facts.examples(seed, without)[: config.examples]
        if not examples:
            raise EditError("no facts are left to learn from")
        validation = facts.examples(0, without, part="validation")[: max(4, min(_VALIDATED, config.examples // 4))]
        progress.start("Reading facts", 4 * (len(examples) + len(validation)))
        self.lessons = Lessons(model, examples, self.layers, progress, self.answers_only)
        self.exam = Lessons(model, validation, self.layers, progress, self.answers_only)
        self.net = self.build(model, config, seed).to(model.device)

    def shifts(self, lessons: Lessons, chosen: Sequence[int]) -> dict[int, Shift]:
        """The changes for some facts, by layer."""
        raise NotImplementedError

    def learn(self, losses: torch.Tensor, divergence: torch.Tensor, said: torch.Tensor) -> float:
        """One step of the optimiser; returns the loss."""
        raise NotImplementedError

    def weigh(self, nll: float, divergence: float) -> float:
        """What a validation is judged by."""
        raise NotImplementedError

    def step(self, number: int) -> float:
        # Learning rates fall to nothing over the second half.
        for group in self.optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * min(1.0, 2 * (1 - number / self.config.steps))
        chance = random.Random(f"{self.seed} {number}")
        chosen = chance.sample(range(len(self.lessons)), min(self.config.facts, len(self.lessons)))
        rephrased = [chance.random() < 0.5 for _ in chosen]
        with torch.enable_grad():
            losses, said, divergence = self.lessons.outcome(chosen, self.shifts(self.lessons, chosen), rephrased)
            return self.learn(losses, divergence, said)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        sums, count = torch.zeros(3), 0
        size = max(self.together, 8)
        for start in range(0, len(self.exam), size):
            chosen = list(range(start, min(start + size, len(self.exam))))
            shifts = self.shifts(self.exam, chosen)
            for again in (False, True):
                losses, said, divergence = self.exam.outcome(chosen, shifts, [again] * len(chosen))
                sums += torch.stack([losses.sum(), said.float().sum(), divergence.sum()]).cpu()
                count += len(chosen)
        nll, said, divergence = (sums / count).tolist()
        return {"loss": self.weigh(nll, divergence), "nll": nll, "exact": said, "divergence": divergence}


class TokenNet(nn.Module):
    """Two residual low-rank layers that map the factors (u, d) of a token's gradient to pseudo-factors, the identity
    before training. The layers of the model share it, each with scales and offsets of its own; what enters is
    normalised by mean and deviation of the facts it was trained on."""

    def __init__(self, layers: int, sizes: tuple[int, int], rank: int, seed: int) -> None:
        super().__init__()
        self.sizes = sizes
        width = sum(sizes)
        generator = torch.Generator().manual_seed(seed)
        self.down = nn.Parameter(torch.randn(2, width, rank, generator=generator) / width**0.5)
        self.up = nn.Parameter(torch.zeros(2, rank, width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.scale = nn.Parameter(torch.ones(layers, 2, width))
        self.offset = nn.Parameter(torch.zeros(layers, 2, width))
        self.register_buffer("mean", torch.zeros(layers, width))
        self.register_buffer("deviation", torch.ones(layers, width))

    def measure(self, factors: Sequence[Sequence[Factors]]) -> None:
        """Take the normalisation from the factors of facts, for each layer."""
        for n, parts in enumerate(factors):
            both = torch.cat([torch.cat([f.inputs[0], f.gradients[0]], 1) for f in parts])
            self.mean[n] = both.mean(0)
            self.deviation[n] = both.std(0, correction=0).clamp_min(1e-7)

    def forward(self, layer: int, factors: Factors) -> tuple[torch.Tensor, torch.Tensor]:
        """Pseudo-input and pseudo-gradient for each token; zero for those that do not count."""
        states = torch.cat([factors.inputs, factors.gradients], -1)
        states = (states - self.mean[layer]) / self.deviation[layer]
        for n in range(2):
            inner = states @ self.down[n] @ self.up[n]
            if n == 0:
                inner = inner + self.bias
            # Clamping lets a gradient through at zero, where training begins; a ReLU would not.
            states = states + (self.scale[layer, n] * inner + self.offset[layer, n]).clamp(min=0)
        states = states * factors.counts[..., None]
        return states.split(self.sizes, -1)


def sizes(model: LanguageModel, layer: int) -> tuple[int, int]:
    """Sizes of a key and of a value at a layer."""
    width, size = matrix(model.down(layer)).shape
    return size, width


def patch_of(model: LanguageModel, shifts: dict[int, Shift]) -> WeightPatch:
    """The patch of all changes."""
    return WeightPatch(changes={model.down_name(layer): shift.change(model, layer) for layer, shift in shifts.items()})
