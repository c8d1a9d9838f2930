"""Only the later blocks: what comes before a first block, or before a position, is computed once.

Most of the cost of optimising an edit lies in passes whose lower part never changes. A `Tail` keeps
the states that enter its first block, and the attention's keys and values of all tokens before the
position from which each row is recomputed; a pass then costs the later blocks at the later positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy

import torch
from transformers import DynamicCache

from survey.editing.language_model import LanguageModel, Reading


class Tail:
    """Rows of tokens from block `first` on, recomputed from position `starts[i]` on (0: wholly).

    Column c of row i is position starts[i] + c. `ends` are the positions where the prompts end, for patches with
    a memory that lie on the model; without it, rows are prompts as a whole.
    """

    def __init__(
        self,
        model: LanguageModel,
        rows: Sequence[Sequence[int]],
        first: int,
        starts: Sequence[int],
        ends: Sequence[int] | None = None,
    ) -> None:
        self.model = model
        self.first = model.layer(first)
        ids, mask = model.padded(rows)
        self.starts = torch.tensor(list(starts), device=model.device)
        lengths = mask.sum(1)
        self._ends = lengths - 1 if ends is None else torch.tensor(list(ends), device=model.device)
        reading = Reading(mask.bool(), self._ends)
        size = int((lengths - self.starts).max())
        self._before = int(self.starts.max())
        cache = DynamicCache() if self._before else None
        entering: dict[int, torch.Tensor] = {}
        # Without earlier tokens nothing after the first block is needed.
        layers = range(self.first, model.layers) if self._before else [self.first]

        def keep(layer: int, states: torch.Tensor) -> None:
            entering[layer] = states

        handles = [
            model.block(layer).register_forward_pre_hook(
                lambda m, args, kwargs, layer=layer: keep(layer, args[0] if args else kwargs["hidden_states"]),
                with_kwargs=True,
            )
            for layer in layers
        ]
        stop = None if self._before else self.first
        try:
            with torch.no_grad(), model.watching([], None, stop_after=stop):
                model.hidden(ids, mask, reading, past_key_values=cache, use_cache=cache is not None)
        finally:
            for handle in handles:
                handle.remove()
        columns = self.starts[:, None] + torch.arange(size, device=model.device)
        valid = columns < lengths[:, None]
        columns = columns.clamp_max(ids.shape[1] - 1)
        self._ids = ids.gather(1, columns)
        self._positions = columns
        self._states = {
            layer: states.gather(1, columns[..., None].expand(-1, -1, states.shape[-1])).clone()
            for layer, states in entering.items()
        }
        earlier = torch.arange(self._before, device=model.device) < self.starts[:, None]
        self._mask = torch.cat([earlier, valid], 1).long()
        # What a memory decided by what lies before the first block, or before a row's start, holds.
        self._decided = reading.decided
        self._past = [
            (layer.keys[:, :, : self._before].clone(), layer.values[:, :, : self._before].clone())
            for layer in (cache.layers if cache else [])
        ]

    def later(self, first: int) -> Tail:
        """The same rows from a later block on; only where each row has a start of its own."""
        part = copy(self)
        part.first = first
        return part

    def select(self, rows: torch.Tensor) -> Tail:
        """The same for some of the rows, by index."""
        part = copy(self)
        for name in ("starts", "_ends", "_ids", "_positions", "_mask"):
            setattr(part, name, getattr(self, name)[rows])
        part._decided = {patch: found[rows] for patch, found in self._decided.items()}
        part._states = {layer: states[rows] for layer, states in self._states.items() if layer >= self.first}
        part._past = [(keys[rows], values[rows]) for keys, values in self._past]
        return part

    def hidden(self) -> torch.Tensor:
        """States after the last norm, [rows, columns, width], with gradients to whatever hooks or
        parameters of the later blocks ask for them."""
        cache = None
        if self._past:
            cache = DynamicCache()
            for layer, (keys, values) in enumerate(self._past):
                cache.update(keys, values, layer)
        ends = (self._ends - self.starts).clamp_min(0)
        reading = Reading(self._mask[:, self._before :].bool(), ends, dict(self._decided))
        with self._entered():
            return self.model.hidden(
                self._ids, self._mask, reading,
                position_ids=self._positions, past_key_values=cache, use_cache=cache is not None,
            )  # fmt: skip

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Let a pass enter at the first block with the kept states."""
        model = self.model
        lower = [model.block(layer) for layer in range(self.first)]
        for block in lower:
            # A block's own forward is hidden by this attribute until it is deleted.
            block.forward = lambda states, *_, **__: states

        def enter(module, args, kwargs):
            if args:
                return (self._states[self.first], *args[1:]), kwargs
            return args, {**kwargs, "hidden_states": self._states[self.first]}

        handle = model.block(self.first).register_forward_pre_hook(enter, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()
            for block in lower:
                del block.forward


@contextmanager
def changed_output(module: torch.nn.Module, change) -> Iterator[None]:
    """Replace a module's output by `change(output)` for a while; of a tuple, its first item."""

    def hook(_, args, output):
        if isinstance(output, tuple):
            return (change(output[0]), *output[1:])
        return change(output)

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
