"""Neurons beside a feed-forward part: they read what enters it, and add to what leaves it.

    out(x) = FFN(x) + V^T act(K x + b)

With gates, as the feed-forward parts of Llama have them, act(K x + b) is multiplied by G x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from survey.editing.language_model import LanguageModel
from survey.editing.patch import Patch, PatchError, about_both
from survey.editing.selection import described, need, remaining

_SIZES = {
    "keys": ("neurons", "width"), "bias": ("neurons",), "values": ("neurons", "width"),
    "?gates": ("neurons", "width"), "#owners": ("neurons",),
}  # fmt: skip


@dataclass(eq=False)
class NeuronPatch(Patch):
    """Neurons beside the feed-forward part of one layer: `keys` (K), `bias`, `values` (V), and perhaps `gates` (G), a
    row for each neuron. `owners` names the edit of each by number; -1 is said of neurons that serve all edits."""

    kind: ClassVar[str] = "neurons"
    layer: int = 0
    activation: str = "relu"
    keys: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    bias: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    values: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    owners: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    gates: torch.Tensor | None = None

    @property
    def count(self) -> int:
        """How many edits the neurons belong to."""
        return int(self.owners.max()) + 1 if len(self.owners) else 0

    def check(self, model: LanguageModel) -> None:
        if not 0 <= self.layer < model.layers:
            raise PatchError(f"the patch has neurons for layer {self.layer}, and {model.name} has {model.layers} layers")
        if len(self.keys) and self.keys.shape[1] != model.width:
            raise PatchError(f"the neurons read states of {self.keys.shape[1]} numbers, and {model.name} has {model.width}")

    def write(self, model: LanguageModel) -> None:
        if not len(self.keys):
            return
        act = function(self.activation)
        keys, bias, values = (t.to(model.down(self.layer).weight) for t in (self.keys, self.bias, self.values))
        gates = None if self.gates is None else self.gates.to(keys)

        def add(x: torch.Tensor) -> torch.Tensor:
            strength = act(x @ keys.T + bias)
            return (strength if gates is None else strength * (x @ gates.T)) @ values

        before, after = _hooks(add)
        model.attach(model.up(self.layer), before, before=True)
        model.attach(model.down(self.layer), after)

    def listed(self) -> list[dict[str, Any]]:
        if (self.owners < 0).any():
            return super().listed()
        return described(self, [{"neurons": int((self.owners == n).sum())} for n in range(len(self.edits))])

    def without(self, numbers: Iterable[int]) -> NeuronPatch:
        if (self.owners < 0).any():
            return super().without(numbers)
        stay, about = remaining(self, numbers, max(self.count, len(self.edits)))
        kept = torch.isin(self.owners, torch.tensor(stay, dtype=torch.long))
        place = {old: new for new, old in enumerate(stay)}
        owners = torch.tensor([place[n] for n in self.owners[kept].tolist()], dtype=torch.long)
        gates = None if self.gates is None else self.gates[kept]
        return NeuronPatch(
            about, self.layer, self.activation, self.keys[kept], self.bias[kept], self.values[kept], owners, gates
        )

    def __add__(self, other: NeuronPatch) -> NeuronPatch:
        """Both as one. Raises `PatchError` where they lie at different places."""
        place = (self.layer, self.activation, self.gates is None)
        if place != (other.layer, other.activation, other.gates is None):
            raise PatchError("neurons of different layers or kinds are no single patch: apply one after the other")
        owners = torch.where(other.owners < 0, other.owners, other.owners + max(self.count, len(self.edits)))
        mine, theirs = (self.keys, self.bias, self.values), (other.keys, other.bias, other.values)
        both = [torch.cat(pair) for pair in zip(mine, theirs, strict=True)]
        gates = None if self.gates is None else torch.cat([self.gates, other.gates])
        return NeuronPatch(
            about_both(self, other), self.layer, self.activation, *both, torch.cat([self.owners, owners]), gates
        )

    def tensors(self) -> dict[str, torch.Tensor]:
        found = {"keys": self.keys, "bias": self.bias, "values": self.values, "owners": self.owners}
        if self.gates is not None:
            found["gates"] = self.gates
        return {f"{name}|{self.layer}|{self.activation}": tensor for name, tensor in found.items()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> NeuronPatch:
        parts = [name.split("|") for name in tensors]
        if not parts or any(len(part) != 3 or part[1:] != parts[0][1:] or not part[1].isdecimal() for part in parts):
            raise PatchError("the patch does not say in which layer its neurons lie")
        layer, activation = int(parts[0][1]), parts[0][2]
        function(activation)
        named = {part[0]: tensor for part, tensor in zip(parts, tensors.values(), strict=True)}
        need(named, _SIZES)
        patch = cls(about, layer, activation, **{name: named.get(name) for name in ("keys", "bias", "values", "owners", "gates")})
        edits = len(about.get("edits", []))
        if len(patch.owners) and (int(patch.owners.min()) < -1 or patch.count > edits):
            raise PatchError(f"the patch names {edits} edits, and its neurons belong to others")
        return patch


def function(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """An activation function by its name in the Transformers library. Raises `PatchError`."""
    from transformers.activations import ACT2FN

    if name not in ACT2FN:
        raise PatchError(f"there is no activation function {name!r}")
    return ACT2FN[name]


@contextmanager
def beside(model: LanguageModel, layer: int, add: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
    """Add `add(x)` to what the feed-forward part of a layer says of x, for a while."""
    before, after = _hooks(add)
    handles = [model.up(layer).register_forward_pre_hook(before), model.down(layer).register_forward_hook(after)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hooks(add: Callable[[torch.Tensor], torch.Tensor]) -> tuple[Callable, Callable]:
    """One that sees what enters, and one that adds to what leaves."""
    entered: list[torch.Tensor] = []

    def before(module, args):
        entered[:] = [args[0]]

    def after(module, args, output):
        return output + add(entered.pop())

    return before, after


def entering(model: LanguageModel, layer: int, rows, keep: Callable[[list[int], torch.Tensor], None]) -> None:
    """Call `keep(numbers of rows, states)` with what enters the feed-forward part, [rows, tokens, width]; filling at
    the right is left in."""
    layer = model.layer(layer)
    for batch in model.batches(rows):
        ids, mask = model.padded([rows[i] for i in batch])
        handle = model.up(layer).register_forward_pre_hook(
            lambda module, args, batch=batch: keep(batch, model.by_rows(args[0]).detach())
        )
        try:
            with torch.no_grad(), model.watching([], None, stop_after=layer):
                model.hidden(ids, mask)
        finally:
            handle.remove()
