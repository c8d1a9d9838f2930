"""WISE: a side memory for edits, and a router that knows when to read it.

A late down-projection W is copied. The copy W' = W + D, the side memory, is trained on the edits while W stays. For a
row whose keys k (what enters W) the side memory answers otherwise than W, it is read in the place of W:

    W' if  mean over the prompt's tokens of |D k| > e,  else W

The objective has the surprise at the target, and margins that teach the router: with d(x) the mean above, x of the
edits and z of irrelevant text,

    -log P(target) + [d(z) - alpha]+ + [beta - d(x)]+ + [gamma - (d(x) - d(z))]+

Each shard of the edits has a random share of W's entries (`mask`) for itself; at the end the shards' changes are
merged into one by TIES: of each, small entries are dropped; of entries that shards write with different signs, those
with the weightier sign are averaged. The threshold e is the smallest d(x) over the edits, times `ratio`.

Side memories of edits that are made one after the other are kept beside each other, and a row reads the one that
exceeds its threshold most (the published WISE-Retrieve).

Faithful:
- side memory, random masks, the three margins, TIES on the shards' differences D with the published density, a share
  of the smallest distance as the threshold; prompts are also trained behind other texts

Deviates:
- each row is routed by itself, by its prompt's tokens, once: the same in batches, teacher forcing and generation
  (published code decides for a batch as a whole, and anew for each generated token)
- irrelevant text is the model's own, and the edit's prompt about other subjects; with the first alone the
  router mistakes a neighbour for the edit
- the distance is |W k - W' k|; published code compares what the model's activation function makes of both,
  |act(W k) - act(W' k)|, and beyond 100 tokens takes the largest distance instead of the mean
- the threshold is measured on the merged difference, over bare prompts; published code takes the distances at the end
  of each edit's training, before its shard is merged
- margins are in units of what the layer usually says, the mean |W k|, since the size of states differs; their means
  are over all texts (published: over those that violate them), and their weight is 5 (1)
- Adam instead of plain gradient descent, without weight decay (published: 1e-5), early stopping and the norm constraint
  (no entry of W' farther than 1 from W); the first token, an attention sink, does not count for the router
- 20 edits to a shard, trained together, and all shards of a batch merged once (published: one edit after the other,
  500 to a shard, a merge after 1,000)
- of several side memories the one that exceeds its threshold by the largest factor is read (published: the one with
  the largest distance above its threshold)

"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from survey.editing import method as base
from survey.editing.contexts import sample_contexts
from survey.editing.edit import Edit, EditError
from survey.editing.joint import Joint
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.others import others
from survey.editing.patch import PatchError, about_both
from survey.editing.selection import described, need, remaining
from survey.editing.statistics import sampled_rows
from survey.editing.structure import matrix
from survey.editing.wordings import Wordings, groups

# Of the model's own texts, so many beginnings of so many tokens are irrelevant text.
_TEXTS, _LENGTH = 30, 20


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of WISE."""

    layer: int = -6
    """Block whose down-projection gets a side memory, counted from 0, or from the last (-1)."""
    steps: int = 30
    """Steps of training for a shard."""
    lr: float = 5e-3
    """Learning rate of Adam."""
    contexts: tuple[tuple[int, int], ...] = ((2, 5),)
    """Texts put before the prompt, beside none: pairs (how many, of how many tokens)."""
    edits_in_shard: int = 20
    """How many edits are trained into one share of the entries."""
    mask: float = 0.2
    """Share of W's entries that a shard may change."""
    density: float = 0.53
    """Share of entries that TIES keeps of each shard, the largest."""
    alpha: float = 0.1
    """Distance that irrelevant text should stay below, in units of the mean |W k|."""
    beta: float = 0.4
    """Distance that edits should exceed, in the same units."""
    gamma: float = 0.3
    """By how much edits should exceed irrelevant text."""
    margins: float = 5.0
    """Weight of the margins."""
    ratio: float = 0.88
    """The threshold, in shares of the smallest distance of an edit."""
    others: int = 12
    """To how many other subjects an edit's prompt is put as irrelevant text; 0 for the model's own text alone, at
    most 12."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.edits_in_shard < 1:
            raise EditError(f"edits_in_shard must be at least 1, not {self.edits_in_shard}")
        for name in ("mask", "density", "ratio"):
            if not 0 < getattr(self, name) <= 1:
                raise EditError(f"{name} must be above 0 and at most 1, not {getattr(self, name)}")
        if not 0 <= self.others <= 12:
            raise EditError(f"others must be from 0 to 12, not {self.others}")


PRESETS = {}


@dataclass(eq=False)
class SidePatch(Joint):
    """Side memories of one layer: `changes` (D of each), [memories, width, size of a key], their `thresholds`, and
    how many edits each holds, in order (`counts`)."""

    kind: ClassVar[str] = "side-memory"
    layer: int = 0
    changes: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0, 0))
    thresholds: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    counts: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))

    def place(self) -> tuple:
        return (type(self), self.layer)

    def check(self, model: LanguageModel) -> None:
        if not 0 <= self.layer < model.layers:
            raise PatchError(f"the patch lies in layer {self.layer}, and {model.name} has {model.layers} layers")
        size = tuple(matrix(model.down(self.layer)).shape)
        if len(self.changes) and tuple(self.changes.shape[1:]) != size:
            raise PatchError(f"the side memory is {list(self.changes.shape[1:])}, and the down-projection {list(size)}")

    def write(self, model: LanguageModel) -> None:
        if not len(self.changes):
            return
        joint = self.whole(model)
        changes, thresholds = joint.changes.to(model.down(self.layer).weight), joint.thresholds.to(model.device)

        def read(module, args, output):
            reading = model.reading
            if reading is None or not self.speaks(model):
                return None
            keys = model.by_rows(args[0])
            if self not in reading.decided:
                with torch.no_grad():
                    counts = routed_by(reading.mask, reading.ends)
                    apart = torch.stack([mean_distance(keys, change, counts) for change in changes], 1) / thresholds
                    most, memory = apart.max(1)
                    reading.decided[self] = torch.where(most > 1, memory, -1)
            found = reading.decided[self]
            states = model.by_rows(output)
            for memory in found[found >= 0].unique().tolist():
                rows = (found == memory).nonzero()[:, 0]
                states = states.index_add(0, rows, keys[rows] @ changes[memory].T)
            return states.view(output.shape)

        model.attach(model.down(self.layer), read)

    def _memories(self) -> list[int]:
        """The memory of each edit."""
        return torch.arange(len(self.counts)).repeat_interleave(self.counts).tolist()

    def listed(self) -> list[dict[str, Any]]:
        return described(self, [{"memory": n, "shares_with": int(self.counts[n]) - 1} for n in self._memories()])

    def without(self, numbers: Iterable[int]) -> SidePatch:
        memories, numbers = self._memories(), list(numbers)
        stay, about = remaining(self, numbers, len(memories))
        left, gone = {memories[n] for n in stay}, {memories[n] for n in numbers}
        if shared := left & gone:
            count = int(self.counts[min(shared)])
            raise PatchError(
                f"wise trained {count} edits into one side memory, and none of them can be taken out alone: take out "
                "all of them, or make the patch again (with batch=1 each edit gets a memory of its own)"
            )
        kept = sorted(left)
        return SidePatch(about, self.layer, self.changes[kept], self.thresholds[kept], self.counts[kept])

    def __add__(self, other: SidePatch) -> SidePatch:
        if self.place() != other.place():
            raise PatchError("side memories of different layers are no single patch: apply one after the other")
        names = ("changes", "thresholds", "counts")
        both = [torch.cat([getattr(self, name), getattr(other, name)]) for name in names]
        return SidePatch(about_both(self, other), self.layer, *both)

    def tensors(self) -> dict[str, torch.Tensor]:
        return {
            "changes": self.changes, "thresholds": self.thresholds, "counts": self.counts, "layer": torch.tensor([self.layer]),
        }  # fmt: skip

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> SidePatch:
        need(tensors, {"changes": ("memories", "width", "inner"), "thresholds": ("memories",), "#counts": ("memories",), "#layer": (1,)})
        counts = tensors["counts"]
        if (counts < 1).any() or int(counts.sum()) != len(about.get("edits", [])):
            raise PatchError("the side memories do not hold the edits that the patch names")
        return cls(about, int(tensors["layer"]), tensors["changes"], tensors["thresholds"], counts)


def routed_by(mask: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """Which tokens count for the router: those of the prompt but its first one, unless it is the only one."""
    columns = torch.arange(mask.shape[1], device=mask.device)
    first = mask.int().argmax(1)
    prompt = mask & (columns <= ends[:, None])
    return prompt & ((columns > first[:, None]) | (ends == first)[:, None])


def mean_distance(keys: torch.Tensor, change: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """The mean of |D k| over the tokens of each row that count, [rows]."""
    row, column = counts.nonzero(as_tuple=True)
    apart = (keys[row, column] @ change.T).float().square().sum(-1).clamp_min(1e-12).sqrt()
    total = torch.zeros(len(keys), device=keys.device).index_add(0, row, apart)
    return total / counts.sum(1).clamp_min(1)


@method("wise", paper="wang2024wise", batch=True, presets=PRESETS)
def wise(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> SidePatch:
    layer = model.layer(config.layer)
    contexts = ["", *sample_contexts(model, config.contexts, run.seed)]
    text = sampled_rows(model, run.progress)[:_TEXTS, :_LENGTH].tolist()
    irrelevant = _Keys(model, layer, text, [len(row) - 1 for row in text])
    usual = _usual(model, layer, irrelevant)
    generator = torch.Generator().manual_seed(run.seed)
    run.progress.start("Training side memories", config.steps * len(edits))
    shards, known = [], []
    for group in groups(len(edits), config.edits_in_shard):
        mask = (torch.rand(matrix(model.down(layer)).shape, generator=generator) < config.mask).to(model.device)
        part = [edits[i] for i in group]
        change, keys = _train(model, part, layer, contexts, irrelevant, mask, usual, config, run)
        shards.append(change)
        known.append(keys)
    merged = shards[0] if len(shards) == 1 else ties(torch.stack(shards), config.density)
    smallest = min(mean_distance(keys.states, merged, keys.counts).min().item() for keys in known)
    threshold = max(config.ratio * smallest, 1e-6)
    return SidePatch({}, layer, merged[None].cpu(), torch.tensor([threshold]), torch.tensor([len(edits)]))


def ties(changes: torch.Tensor, density: float) -> torch.Tensor:
    """Merge changes, [changes, rows, columns]: trim each to its largest entries, elect a sign for each entry by the
    sum, and average those that agree."""
    flat = changes.flatten(1)
    least = flat.abs().topk(max(1, round(density * flat.shape[1])), dim=1).values[:, -1:]
    kept = torch.where(flat.abs() >= least, flat, 0.0)
    agree = (kept.sign() == kept.sum(0).sign()) & (kept != 0)
    return ((kept * agree).sum(0) / agree.sum(0).clamp_min(1)).view(changes.shape[1:])


class _Keys:
    """What enters the down-projection for some rows, [rows, tokens, size], and which tokens count for the router."""

    def __init__(self, model: LanguageModel, layer: int, rows: list, ends: list[int]) -> None:
        ids, mask = model.padded(rows)
        self.counts = routed_by(mask.bool(), torch.tensor(ends, device=model.device))

        def keep(point, states):
            self.states = states.detach()

        with torch.no_grad(), model.watching([("key", layer)], keep, stop_after=layer):
            model.hidden(ids, mask)


def _usual(model: LanguageModel, layer: int, keys: _Keys) -> float:
    """The mean |W k| over text."""
    return mean_distance(keys.states, matrix(model.down(layer)).detach(), keys.counts).mean().item()


@contextmanager
def _side(model: LanguageModel, layer: int, change: torch.Tensor):
    """Read all rows with the side memory, and no other, for a while."""
    down = model.down(layer)

    def read(module, args, output):
        return torch.nn.functional.linear(args[0], matrix(down) + change, down.bias)

    handle = down.register_forward_hook(read)
    try:
        yield
    finally:
        handle.remove()


def _train(model, edits, layer: int, contexts, irrelevant: _Keys, mask, usual: float, config: Config, run: Run):
    """The change of a shard, and the keys of its edits' bare prompts."""
    words = Wordings(model, edits, layer, contexts)
    mine = _Keys(model, layer, words.rows, words.ends)
    foreign = [irrelevant]
    if rows := [model.tokens(text).ids for edit in edits for text in others(edit, config.others)]:
        foreign.append(_Keys(model, layer, rows, [len(row) - 1 for row in rows]))
    # Only entries of the mask are trained; the others stay zero.
    change = torch.zeros(mask.shape, device=model.device, requires_grad=True)
    # A start that tells states apart a little: distances have no slope at zero.
    with torch.no_grad():
        noise = torch.randn(mask.shape, generator=torch.Generator().manual_seed(run.seed)).to(change)
        change.copy_(1e-5 * noise * mask)
    adam = torch.optim.Adam([change], lr=config.lr)
    for _ in range(config.steps):
        adam.zero_grad()
        with _side(model, layer, change):
            surprise = words.losses().mean()
        inside = mean_distance(mine.states, change, mine.counts) / usual
        outside = torch.cat([mean_distance(k.states, change, k.counts) for k in foreign]) / usual
        margins = (
            (outside - config.alpha).relu().mean() + (config.beta - inside).relu().mean()
            + (config.gamma - (inside[:, None] - outside)).relu().mean()
        )  # fmt: skip
        (surprise + config.margins * margins).backward()
        change.grad *= mask
        adam.step()
        run.progress.advance(len(edits))
    bare = _Keys(model, layer, words.rows[:: len(contexts)], words.ends[:: len(contexts)])
    return change.detach(), bare
