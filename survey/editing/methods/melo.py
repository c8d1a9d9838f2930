"""MELO: blocks of low-rank adapters, switched on by a codebook.

Each batch of edits gets a block of its own: two small matrices A and B of rank r beside the down-projections W of
some late layers. A codebook at an earlier layer holds a key for each edit, the state at the end of its prompt,
and says which block a prompt gets. For a row whose query lies in a region, all tokens are read with the block of
the nearest key; every other row is read by the base model as it is:

    W(x) = W x + (alpha / r) B_i A_i x

Keys near each other with the same label form a cluster: its centre is their mean, its radius reaches to the farthest.
Where a new key comes too near a cluster with another label, both get half the distance, and keys that are left
outside are dropped. Within a cluster the nearest key tells the block.

As in GRACE, the end of a prompt is a poor key for rephrasings; `scan=subject` compares the state of the
subject's last token instead, and any token of a prompt may match it.

Faithful:
- a block for each batch of edits (`edits_in_block`), trained alone while everything else is frozen
- clusters with moving centres, conflicts with halved radii, dropped keys; B starts at zero

Deviates:
- one edit to a block (published: 4 for GPT-2 XL, up to 100 for T5), so that each can be taken out
- labels are compared as token ids, where the published code compares their sums
- the adapters lie on the down-projections of three late layers, and the usual alpha / r scales them; the
  codebook looks at what enters the layer before them
- radii are measured in medians of the distance between random states; a cluster's radius reaches a little beyond its
  farthest key, so that rounding does not lose it
- Adam without a schedule

"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import torch

from survey.editing import method as base
from survey.editing.codebook import Codebook, entering_states, labels_of, query_positions, unit
from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.patch import PatchError
from survey.editing.selection import owned
from survey.editing.structure import matrix
from survey.editing.wordings import Wordings, groups


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of MELO."""

    layers: tuple[int, ...] = (-7, -6, -5)
    """Blocks whose down-projections get adapters, counted from 0, or from the last (-1)."""
    scan: Literal["end", "subject"] = "end"
    """Which token of a prompt is the query: its last one, as published, or any."""
    key_layer: int = -8
    """Block at whose input keys are compared with `scan=end`; it may not lie above the first of `layers`."""
    radius: float = 0.1
    """First radius with `scan=end`, in medians of the distance between what enters the block at random tokens."""
    subject_layer: int = 5
    """The same block with `scan=subject`."""
    subject_radius: float = 0.45
    """First radius with `scan=subject`."""
    edits_in_block: int = 1
    """How many edits share a block."""
    rank: int = 2
    """Columns of B and rows of A in a block."""
    alpha: float = 8.0
    """Scale of the adapters, divided by the rank."""
    lr: float = 5e-3
    """Learning rate of Adam."""
    steps: int = 30
    """Steps of training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.edits_in_block < 1:
            raise EditError(f"edits_in_block must be at least 1, not {self.edits_in_block}")


PRESETS = {}


@dataclass(eq=False)
class MeloPatch(Codebook):
    """A codebook whose answers are blocks of adapters: `down[layer]` is A, [blocks, rank, size of a key], and
    `up[layer]` is B with its scale, [blocks, width, rank]. `blocks` names the block of each edit."""

    kind: ClassVar[str] = "adapters"
    moving: ClassVar[bool] = True
    blocks: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    down: dict[int, torch.Tensor] = field(default_factory=dict)
    up: dict[int, torch.Tensor] = field(default_factory=dict)

    def place(self) -> tuple:
        return (*super().place(), tuple((layer, self.down[layer].shape[1]) for layer in sorted(self.down)))

    def check(self, model: LanguageModel) -> None:
        super().check(model)
        for layer in self.down:
            if not self.layer <= layer < model.layers:
                raise PatchError(f"the patch adapts layer {layer}, and decides at layer {self.layer} of {model.layers}")
            size = matrix(model.down(layer)).shape
            if (self.up[layer].shape[1], self.down[layer].shape[2]) != tuple(size):
                raise PatchError(f"the adapters of layer {layer} do not fit a down-projection of {list(size)}")

    def write(self, model: LanguageModel) -> None:
        book = self.whole(model)

        def decide(module, args):
            reading = model.reading
            if reading is not None and not reading.started and self not in reading.decided and self.speaks(model):
                reading.decided[self] = book.look_up(reading, args[0])

        model.attach(model.block(self.layer), decide, before=True)
        for layer in self.down:
            weight = model.down(layer).weight
            a, b = (t[layer].to(weight) for t in (book.down, book.up))

            def adapt(module, args, output, a=a, b=b):
                found = None if model.reading is None else model.reading.decided.get(self)
                if found is None or not (found[:, 0] >= 0).any():
                    return None
                rows = (found[:, 0] >= 0).nonzero()[:, 0]
                block = book.blocks.to(rows.device)[found[rows, 0]]
                return _adapted(model, args[0], output, rows, a[block], b[block])

            model.attach(model.down(layer), adapt)

    def parts(self) -> dict[str, torch.Tensor]:
        return {"blocks": self.blocks}

    def listed(self) -> list[dict[str, Any]]:
        return [{**item, "block": block} for item, block in zip(super().listed(), self.blocks.tolist(), strict=True)]

    def without(self, numbers: Iterable[int]) -> MeloPatch:
        """A block goes with its last edit."""
        rest = super().without(numbers)
        used, blocks = rest.blocks.unique(return_inverse=True)
        down, up = ({layer: t[used] for layer, t in part.items()} for part in (self.down, self.up))
        return replace(rest, blocks=blocks, down=down, up=up)

    def __add__(self, other: MeloPatch) -> MeloPatch:
        if isinstance(other, MeloPatch) and other.place() == self.place():
            count = len(next(iter(self.down.values())))
            try:
                down, up = (
                    {layer: torch.cat([mine[layer], theirs[layer]]) for layer in mine}
                    for mine, theirs in ((self.down, other.down), (self.up, other.up))
                )
            except RuntimeError:
                raise PatchError("adapters of different sizes are no single patch: they fit different models") from None
            both = super().__add__(replace(other, blocks=other.blocks + count))
            return replace(both, down=down, up=up)
        return super().__add__(other)

    def tensors(self) -> dict[str, torch.Tensor]:
        factors = {f"{name}|{layer}": t for name, part in (("down", self.down), ("up", self.up)) for layer, t in part.items()}
        return {**super().tensors(), **factors}

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> MeloPatch:
        layers = sorted(int(name[5:]) for name in tensors if name.startswith("down|") and name[5:].isdecimal())
        if not layers:
            raise PatchError("the patch holds no adapters")
        sizes = {"#blocks": ("edits",)}
        for layer in layers:
            sizes |= {f"down|{layer}": ("blocks", "rank", "inner"), f"up|{layer}": ("blocks", "width", "rank")}
        fields = cls.read(tensors, about, sizes)
        owned(tensors, ["blocks"], len(tensors[f"down|{layers[0]}"]), 0)
        down, up = ({layer: fields.pop(f"{part}|{layer}") for layer in layers} for part in ("down", "up"))
        return cls(about, down=down, up=up, **fields)


def _adapted(model, entered, output, rows, a, b) -> torch.Tensor:
    """What leaves a down-projection, with a block for each of some rows."""
    x, states = model.by_rows(entered), model.by_rows(output)
    more = (x[rows].to(a) @ a.transpose(1, 2)) @ b.transpose(1, 2)
    return states.index_add(0, rows, more.to(states)).view(output.shape)


@method("melo", paper="yu2024melo", batch=True, presets=PRESETS)
def melo(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> MeloPatch:
    at_end = config.scan == "end"
    layers = model.sorted_layers(config.layers)
    layer = model.layer(config.key_layer if at_end else config.subject_layer)
    if layer > layers[0]:
        raise EditError(f"keys are compared at layer {layer}, after adapters at layer {layers[0]}: choose an earlier one")
    reach = (config.radius if at_end else config.subject_radius) * unit(model, layer, run)
    positions = query_positions(model, edits, config.scan)
    rows = [model.tokens(edit.text).ids for edit in edits]
    keys = entering_states(model, layer, [r[: p + 1] for r, p in zip(rows, positions, strict=True)], positions)
    blocks = torch.arange(len(edits)) // config.edits_in_block
    run.progress.start("Training adapters", config.steps * len(edits))
    whole = config.edits_in_block * max(1, 40 // config.edits_in_block)
    trained = [
        _train(model, [edits[i] for i in group], blocks[list(group)] - blocks[group[0]], layers, config, run)
        for group in groups(len(edits), whole)
    ]
    down, up = ({layer: torch.cat([part[n][layer] for part in trained]) for layer in layers} for n in (0, 1))
    labels, radii = labels_of(model, edits), torch.full((len(edits),), reach)
    return MeloPatch({}, layer, config.scan, keys, labels, radii, blocks, down, up)


def _train(model, edits, blocks: torch.Tensor, layers: list[int], config: Config, run: Run):
    """A and B of each layer for the blocks of some edits, each block as if it were alone."""
    words = Wordings(model, edits, layers[0])
    count, weight = int(blocks[-1]) + 1, 1 / torch.bincount(blocks).float()[blocks]
    down, up = {}, {}
    generator = torch.Generator().manual_seed(run.seed)
    for layer in layers:
        width, inner = matrix(model.down(layer)).shape
        # Every block starts from the same numbers, so that an edit does not depend on its place in a batch.
        start = (torch.rand(config.rank, inner, generator=generator) * 2 - 1) / inner**0.5
        down[layer] = start.repeat(count, 1, 1).to(model.device).requires_grad_(True)
        up[layer] = torch.zeros(count, width, config.rank, device=model.device, requires_grad=True)
    adam = torch.optim.Adam([*down.values(), *up.values()], lr=config.lr)
    rows, block = torch.arange(len(words.rows)), blocks[words.owner.cpu()]
    scale = config.alpha / config.rank
    handles = []
    try:
        for layer in layers:

            def adapt(module, args, output, layer=layer):
                return _adapted(model, args[0], output, rows, down[layer][block], scale * up[layer][block])

            handles.append(model.down(layer).register_forward_hook(adapt))
        for _ in range(config.steps):
            adam.zero_grad()
            (words.losses() * weight.to(model.device)).sum().backward()
            adam.step()
            run.progress.advance(len(edits))
    finally:
        for handle in handles:
            handle.remove()
    detached = lambda part, factor: {layer: (factor * t.detach()).cpu() for layer, t in part.items()}  # noqa: E731
    return detached(down, 1.0), detached(up, scale)
