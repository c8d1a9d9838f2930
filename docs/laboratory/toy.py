"""A toy method: one nudge of the last block, so that the model says the target behind the prompt.

The feed-forward part of the last block reads a key k behind the prompt and writes W k. The toy adds a matrix of rank one
for each token of the target, (direction of the token) x (key before it), and makes it larger until every token of the
target is the most probable one. It knows nothing of subjects: whatever has a similar key says the target, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from survey.editing import method as base
from survey.editing.method import method
from survey.editing.patch import WeightPatch


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of the toy."""

    steps: int = 12
    """Most steps; each makes the nudge half as large again."""
    start: float = 0.5
    """Size of the first nudge, in norms of the state that it is added to."""


@method("toy", batch=False)
@torch.no_grad()
def toy(model, edits, config, run):
    """Edit one fact; what comes back is a patch, and the model is as it was."""
    [edit] = edits  # One at a time, since batch is False.
    last = model.layers - 1
    tokens, start = model.joined(edit.text, edit.target)
    target, before = list(tokens.ids[start:]), list(range(start - 1, len(tokens) - 1))
    states = model.read([tokens.ids[:-1]] * len(target), before, [("key", last), ("block", last)])
    keys, sizes = states["key", last], states["block", last].norm(dim=1)
    said = model.network.get_output_embeddings().weight[target]
    directions = said / said.norm(dim=1, keepdim=True) * sizes[:, None]
    nudge = config.start
    run.progress.start("Nudging", config.steps)
    for _ in range(config.steps):
        change = model.change(last, nudge * directions.T, torch.linalg.pinv(keys).T)  # Each key answers for its own token.
        patch = WeightPatch(changes={model.down_name(last): change})
        run.progress.advance()
        model.apply(patch)
        try:
            [(_, first)] = model.target_log_probabilities([(edit.text, edit.target)])
        finally:
            model.remove(patch)
        if first.all():
            break
        nudge *= 1.5
    return patch
