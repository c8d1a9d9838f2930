"""A memory of states: each edit has a key, and a prompt that comes near enough to one gets its answer.

What enters a block at a prompt's last token is compared with the keys of all edits. Keys that are near each other
and have the same label share one region; regions with different labels give way to each other. Which edit answers
is decided once for each row, at the end of its prompt, and holds for whatever follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch

from survey.editing.edit import Edit, EditError
from survey.editing.joint import Joint
from survey.editing.keys import stands_first
from survey.editing.language_model import LanguageModel, Reading
from survey.editing.method import Run
from survey.editing.patch import PatchError, about_both
from survey.editing.selection import described, need, owned, remaining
from survey.editing.statistics import sampled_rows

# Keys nearer than this, in first radii, are the same prompt: rounding differs from batch to batch.
_SAME = 0.05
SCANS = ("end", "subject")
SIZES = {
    "keys": ("edits", "width"), "#labels": ("edits", "label"), "reach": ("edits",), "#place": (2,),
}  # fmt: skip


@dataclass
class Region:
    """States within `radius` of `centre`; `members` are the edits that share it, by number."""

    centre: torch.Tensor
    radius: float
    label: tuple[int, ...]
    members: list[int]


def distances(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Euclidean distances, [rows of one, rows of other], exact also where they are small."""
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")


def regions(keys: torch.Tensor, labels: Sequence[tuple[int, ...]], reach: Sequence[float], moving: bool) -> list[Region]:
    """Put keys into regions, one after the other, as GRACE does, or MELO (`moving`: a region's centre is the mean of
    its keys, and those that are left outside when it shrinks are dropped).

    A key beyond its own reach of the nearest region founds one. Within, it joins a region of the same label, which
    widens to hold it; of another label, both regions get half the distance. A key at the very place of
    an earlier one with another label takes its place: the region of that one is given up, and whoever shared it
    looks for a place anew.
    """
    found: list[Region] = []
    for n, (key, label, first) in enumerate(zip(keys, labels, reach, strict=True)):
        same = set((distances(key[None], keys[:n])[0] <= _SAME * first).nonzero()[:, 0].tolist())
        taken = [region for region in found if region.label != label and not same.isdisjoint(region.members)]
        found = [region for region in found if not any(region is other for other in taken)]
        waiting = [n, *(m for region in taken for m in region.members if m not in same)]
        while waiting:
            m = waiting.pop(0)
            waiting += _enter(found, m, keys, labels[m], reach[m], moving, again=m != n)
    return found


def _enter(
    found: list[Region], n: int, keys: torch.Tensor, label: tuple[int, ...], first: float, moving: bool, again: bool
) -> list[int]:
    """Put one key into a region. Returns the edits that lose theirs by it, and look for another."""
    key, radius, homeless = keys[n], first, []
    while found:
        apart = distances(key[None], torch.stack([region.centre for region in found]))[0]
        at = int(apart.argmin())
        near, gap = found[at], apart[at].item()
        if gap > near.radius + first or (label != near.label and gap >= 2 * max(near.radius, first)):
            break
        if label == near.label:
            near.members.append(n)
            if moving:
                mine = keys[near.members]
                near.centre = mine.mean(0)
                farthest = distances(mine, near.centre[None]).max().item()
                near.radius = max(near.radius, farthest + _SAME * first)
            else:
                near.radius = max(near.radius, gap + _SAME * first)
            return homeless
        if gap > _SAME * first:
            radius = min(first, gap / 2)
            near.radius = min(near.radius, gap / 2)
            if moving:
                inside = distances(keys[near.members], near.centre[None])[:, 0] <= near.radius
                near.members = [m for m, stays in zip(near.members, inside.tolist(), strict=True) if stays]
                if not near.members:
                    del found[at]
            break
        if again:
            # A later edit has this place already.
            return homeless
        # The key lies in the middle of others, none of which is at its place: they cannot share a region any more.
        homeless += found.pop(at).members
    found.append(Region(key, radius, label, [n]))
    return homeless


@dataclass(eq=False)
class Codebook(Joint):
    """Keys, labels and first radii of edits, in order; what an edit's answer does is said by the classes below.

    `labels` are the targets' ids, filled with -1; `reach` are the radii that edits begin with. `scan` says which
    tokens of a prompt are compared: its last one ("end"), or any but the first, the nearest of which counts
    ("subject").
    """

    moving: ClassVar[bool] = False
    layer: int = 0
    scan: str = "end"
    keys: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    labels: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0, dtype=torch.long))
    reach: torch.Tensor = field(default_factory=lambda: torch.zeros(0))

    def __post_init__(self) -> None:
        labels = [tuple(id for id in row if id >= 0) for row in self.labels.tolist()]
        self.regions = regions(self.keys, labels, self.reach.tolist(), self.moving)

    # In the model

    def check(self, model: LanguageModel) -> None:
        if not 0 <= self.layer < model.layers:
            raise PatchError(f"the patch looks into layer {self.layer}, and {model.name} has {model.layers} layers")
        if len(self.keys) and self.keys.shape[1] != model.width:
            raise PatchError(f"the keys have {self.keys.shape[1]} numbers, and the states of {model.name} {model.width}")

    def place(self) -> tuple:
        return (type(self), self.layer, self.scan)

    def look_up(self, reading: Reading, states: torch.Tensor) -> torch.Tensor:
        """Which edit answers each row, or -1, and where its token lies, counted back from the prompt's end:
        [rows, 2]."""
        count, columns = states.shape[:2]
        found = torch.full((count, 2), -1, device=states.device)
        found[:, 1] = 0
        best = torch.full((count,), torch.inf)
        if not self.regions:
            return found
        asked = reading.prompt()
        places = torch.arange(columns, device=states.device)
        if self.scan == "end":
            asked = asked & (places == reading.ends[:, None])
        else:
            # The first token is an attention sink; its state hardly depends on the word.
            asked = asked & (places > reading.mask.int().argmax(1)[:, None])
        row, column = asked.nonzero(as_tuple=True)
        queries = states.detach()[row, column].float().cpu()
        apart, region = distances(queries, torch.stack([r.centre for r in self.regions])).min(1)
        for n in (apart <= torch.tensor([r.radius for r in self.regions])[region]).nonzero()[:, 0].tolist():
            members = self.regions[region[n]].members
            near = distances(queries[n][None], self.keys[members])[0]
            answer = members[int(near.argmin())] if self.moving else members[0]
            i = int(row[n])
            if apart[n] < best[i]:
                found[i] = torch.tensor([answer, int(column[n]) - int(reading.ends[i])])
                best[i] = apart[n]
        return found

    # Its edits

    def listed(self) -> list[dict[str, Any]]:
        notes: list[dict[str, Any]] = [{"in_force": False} for _ in range(len(self.keys))]
        for region in self.regions:
            for n in region.members:
                held = distances(self.keys[n][None], region.centre[None]).item() <= region.radius
                notes[n] = {"in_force": held, "radius": region.radius}
                if len(region.members) > 1:
                    notes[n]["shares_with"] = len(region.members) - 1
        return described(self, notes)

    def parts(self) -> dict[str, torch.Tensor]:
        """Tensors that hold a row for each edit, beside those of every codebook."""
        return {}

    def without(self, numbers: Iterable[int]) -> Codebook:
        stay, about = remaining(self, numbers, len(self.keys))
        kept = {name: tensor[stay] for name, tensor in self._rows().items()}
        return replace(self, about=about, **kept)

    def __add__(self, other: Codebook) -> Codebook:
        """Both as one, in this order. Raises `PatchError` where they are not of one place."""
        if self.place() != other.place():
            raise PatchError(
                "codebooks of different methods, layers or ranks are no single patch: apply one after the other"
            )
        mine, theirs = self._rows(), other._rows()
        longest = max(mine["labels"].shape[1], theirs["labels"].shape[1])
        for rows in (mine, theirs):
            short = longest - rows["labels"].shape[1]
            rows["labels"] = torch.nn.functional.pad(rows["labels"], (0, short), value=-1)
        if len({tuple(map(tuple, (t.shape[1:] for t in rows.values()))) for rows in (mine, theirs)}) > 1:
            raise PatchError("codebooks of different sizes are no single patch: apply one after the other")
        both = {name: torch.cat([mine[name], theirs[name]]) for name in mine}
        return replace(self, about=about_both(self, other), **both)

    def _rows(self) -> dict[str, torch.Tensor]:
        return {"keys": self.keys, "labels": self.labels, "reach": self.reach, **self.parts()}

    def tensors(self) -> dict[str, torch.Tensor]:
        return {**self._rows(), "place": torch.tensor([self.layer, SCANS.index(self.scan)])}

    @classmethod
    def read(cls, tensors: dict[str, torch.Tensor], about: dict[str, Any], sizes: dict[str, tuple]) -> dict[str, Any]:
        """The fields of a codebook from its tensors; `sizes` are those of its own. Raises `PatchError`."""
        found = need(tensors, {**SIZES, **sizes})
        owned(tensors, ["place"], 2**31, 0)
        layer, scan = tensors["place"].tolist()
        if scan >= len(SCANS):
            raise PatchError("the patch does not say which tokens it compares")
        if found["edits"] != len(about.get("edits", [])):
            raise PatchError(f"the patch names {len(about.get('edits', []))} edits and has {found['edits']} keys")
        fields = {name: tensor for name, tensor in tensors.items() if name != "place"}
        return {"layer": layer, "scan": SCANS[scan], **fields}


def labels_of(model: LanguageModel, edits: Sequence[Edit]) -> torch.Tensor:
    """Ids of the targets, filled with -1, [edits, longest]."""
    found = []
    for edit in edits:
        tokens, start = model.joined(edit.text, edit.target)
        found.append(tokens.ids[start:])
    longest = max(map(len, found))
    return torch.tensor([[*ids, *[-1] * (longest - len(ids))] for ids in found])


def query_positions(model: LanguageModel, edits: Sequence[Edit], scan: str) -> list[int]:
    """Where in each edit's prompt its key lies. Raises `EditError`."""
    if scan == "end":
        return [model.joined(edit.text, edit.target)[1] - 1 for edit in edits]
    for edit in edits:
        if stands_first(model, edit):
            raise EditError(
                f"the subject {edit.subject!r} is the very first token, whose state hardly depends on the word: "
                "put something before it, or compare the end of the prompt (scan=end)"
            )
    return [model.subject_index(edit) for edit in edits]


@torch.no_grad()
def entering_states(
    model: LanguageModel, layer: int, rows: Sequence[Sequence[int]], positions: Sequence[int]
) -> torch.Tensor:
    """What enters a block at one position of each row, [rows, width], in float32."""
    found: list = [None] * len(rows)
    for batch in model.batches(rows):
        ids, mask = model.padded([rows[i] for i in batch])

        def keep(module, args, batch=batch):
            for n, i in enumerate(batch):
                found[i] = args[0][n, positions[i]].float().cpu()

        handle = model.block(layer).register_forward_pre_hook(keep)
        try:
            with model.watching([], None, stop_after=layer):
                model.hidden(ids, mask)
        finally:
            handle.remove()
    return torch.stack(found)


def unit(model: LanguageModel, layer: int, run: Run) -> float:
    """The median distance between what enters a block at random tokens of the model's own text, one of each text;
    measured once."""

    def measure() -> float:
        rows = sampled_rows(model, run.progress)
        generator = torch.Generator().manual_seed(0)
        at = torch.randint(1, rows.shape[1], (len(rows),), generator=generator).tolist()
        states = entering_states(model, layer, rows.tolist(), at)
        apart = distances(states, states)
        return apart[~torch.eye(len(states), dtype=torch.bool)].median().item()

    return model.remember(("unit of distance", layer), measure)
