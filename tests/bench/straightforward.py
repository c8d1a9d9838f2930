"""ROME and its second moment as a reader of the paper would write them at first: the yardstick of the benchmarks.

Whole rows through all layers and the head in every step, no state kept from one step to the next. Nothing is slow
on purpose: weights ask for no gradients, rows are one batch, and what needs no gradients records none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel
from survey.editing.patch import WeightPatch
from survey.editing.statistics import Moment
from survey.editing.structure import matrix


def second_moment(model: LanguageModel, rows: torch.Tensor, layer: int) -> torch.Tensor:
    """E[k k^T] of what enters a down-projection over the tokens of some texts, [texts, length], their first position
    left out; one text after the other, in float64."""
    keys = []
    handle = model.down(layer).register_forward_pre_hook(
        lambda module, args: keys.append(args[0].reshape(-1, args[0].shape[-1])[1:])
    )
    total, count = 0, 0
    try:
        with torch.no_grad():
            for row in rows:
                model.network(row[None])
                k = keys.pop().double()
                total, count = total + k.T @ k, count + len(k)
    finally:
        handle.remove()
    return total / count


def rome(model: LanguageModel, edit: Edit, contexts: Sequence[str], moment: Moment, config) -> WeightPatch:
    """One edit behind the given contexts, the empty one first, with the settings of `methods.rome.Config`."""
    network, down = model.network, model.down(config.layer)
    rows, targets, subjects = [], [], []
    for context in contexts:
        tokens, first = model.joined(context + edit.text, edit.target)
        rows.append(tokens.ids[:-1])
        # At each place the token that shall follow, where there is one.
        targets.append([-1] * (first - 1) + list(tokens.ids[first:]))
        subjects.append(model.subject_index(edit, context))
    essence = Edit("{} is a", edit.subject, edit.target)
    rows.append(model.tokens(essence.text).ids)
    subjects.append(model.subject_index(essence))

    ids, mask = model.padded(rows)
    every = torch.arange(len(rows))
    place = torch.tensor(subjects)
    wanted = torch.full_like(ids[:-1], -1)
    for i, target in enumerate(targets):
        wanted[i, : len(target)] = torch.tensor(target)
    there = (wanted >= 0).float()

    # Keys, and the value where the prompt stands alone.
    seen = {}
    with _hooked(down, lambda args, out: seen.update(key=args[0], value=out)), torch.no_grad():
        network(ids, attention_mask=mask)
    shape = (*ids.shape, -1)
    keys = seen["key"].reshape(shape)[every, place][:-1].double()
    norm = seen["value"].reshape(shape)[0, place[0]].norm()

    delta = torch.zeros(model.width, requires_grad=True)
    adam = torch.optim.Adam([delta], lr=config.lr)
    before = None

    def add(args, out):
        states = out.reshape(shape).clone()
        states[every, place] += delta
        return states.view(out.shape)

    for step in range(config.steps):
        with _hooked(down, add):
            logits = network(ids, attention_mask=mask).logits
        now = logits[-1, place[-1]].log_softmax(-1)
        before = now.detach() if before is None else before
        log_p = logits[:-1].log_softmax(-1)
        said = log_p.gather(2, wanted.clamp_min(0)[..., None])[..., 0] * there
        nll = -(said.sum(1) / there.sum(1)).mean()
        divergence = (now.exp() * (now - before)).sum()
        loss = nll + config.kl * divergence + config.weight_decay * delta.norm() / norm**2
        if loss < config.stop or step == config.steps - 1:
            break
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            if delta.norm() > config.clamp * norm:
                delta *= config.clamp * norm / delta.norm()

    direction = moment.solve(keys.mean(0)[:, None])
    left = delta.detach().double()[:, None] / (direction.T @ keys[0])
    return WeightPatch({}, {model.down_name(config.layer): model.change(config.layer, left, direction.T)})


def cosine(one: WeightPatch, other: WeightPatch) -> float:
    """Cosine of two patches' changes, all parameters together."""
    assert one.changes.keys() == other.changes.keys()
    a, b = (torch.cat([p.changes[n].full().flatten().double() for n in sorted(p.changes)]) for p in (one, other))
    return torch.nn.functional.cosine_similarity(a, b, dim=0).item()


def products(model: LanguageModel, layer: int, positions: int, picked: int) -> list[tuple[int, int, int, bool]]:
    """Matrix products that one step of an edit cannot do without: (rows, inputs, outputs, backward as well).

    Linear layers of the blocks from the edited one on at the recomputed positions, and the head where something is
    predicted. The edited block has no gradients to pass on; attention itself is not counted.
    """
    from torch import nn

    from survey.editing.structure import is_conv1d

    found = []
    for block in range(layer, model.layers):
        for part in model.block(block).modules():
            if isinstance(part, nn.Linear) or is_conv1d(part):
                outputs, inputs = matrix(part).shape
                found.append((positions, inputs, outputs, block > layer))
    outputs, inputs = matrix(model.network.get_output_embeddings()).shape
    return [*found, (picked, inputs, outputs, True)]


@contextmanager
def _hooked(module: torch.nn.Module, action) -> Iterator[None]:
    """Call `action(args, output)` after the module; what it returns, if anything, takes the output's place."""
    handle = module.register_forward_hook(lambda _, args, out: action(args, out))
    try:
        yield
    finally:
        handle.remove()
