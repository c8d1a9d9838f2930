"""Passes: how often texts went through the base model, forwards and backwards. Unlike time they do not depend on the machine; the
first edit of a process has more, where it prepares what the later ones share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Passes:
    """A batch counts once. Forward: what went into the base model, whether or not it was read to the last block; backward:
    what came back through its last block."""

    forward: int = 0
    backward: int = 0


@contextmanager
def counted(model) -> Iterator[Passes]:
    """Count the passes of a `LanguageModel` in the block of a `with`."""
    passes = Passes()

    def forward(*_) -> None:
        passes.forward += 1

    def backward(_) -> None:
        passes.backward += 1

    def watch(module, args, output) -> None:
        states = output[0] if isinstance(output, tuple) else output
        if states.requires_grad:
            states.register_hook(backward)

    hooks = (
        model.network.base_model.register_forward_pre_hook(forward),
        model.block(model.layers - 1).register_forward_hook(watch),
    )
    try:
        yield passes
    finally:
        for hook in hooks:
            hook.remove()
