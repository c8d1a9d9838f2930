"""What the tests of single methods share: two edits, quick settings, and keys read by themselves."""

from __future__ import annotations

import torch

from survey.editing import compute
from survey.editing.edit import Edit
from survey.editing.method import find
from survey.editing.structure import matrix
from survey.editing.values import prefixes
from tests.editing.tiny import snapshot

HARBOUR = Edit("The harbour of {} is in", "Bramblewick", "Oslo", "Rome")
BRIDGE = Edit("The bridge of {} is", "Tarn", "London", "Paris")
QUICK = {"contexts": ((2, 4),), "steps": 4}


def contexts_of(model, method: str, seed: int = 0, **options) -> list[str]:
    return prefixes(model, find(method).configure(**options), seed)


def at_subject(model, edit: Edit, prefix: str, part: str, layer: int) -> torch.Tensor:
    """What enters ("key") or leaves ("value") the down-projection, or leaves the block, by a whole pass."""
    ids = model.tokenizer(prefix + edit.text, return_offsets_mapping=True)
    at = max(i for i, (_, end) in enumerate(ids.offset_mapping) if end <= len(prefix) + edit.subject_end)
    seen = []

    def see(module, args, output):
        states = args[0] if part == "key" else output
        states = states[0] if isinstance(states, tuple) else states
        seen.append(states.reshape(len(ids.input_ids), -1)[at].double())

    handle = (model.block if part == "block" else model.down)(layer).register_forward_hook(see)
    with torch.no_grad():
        model.network(torch.tensor([ids.input_ids]))
    handle.remove()
    return seen[0]


def keys_of(model, edits, contexts, layer: int, kind: str) -> torch.Tensor:
    """Keys in columns: of each edit MEMIT's ("mean"), half the bare prompt's and half the mean of the others;
    or ("both") those of all bare prompts, then those means."""
    keys = torch.stack([torch.stack([at_subject(model, e, p, "key", layer) for p in contexts]) for e in edits])
    bare, others = keys[:, 0], keys[:, 1:].mean(1)
    return (torch.cat([bare, others]) if kind == "both" else (bare + others) / 2).T


def states_of(model, edits, contexts, point: str, layer: int, kind: str) -> torch.Tensor:
    """States in columns, which are to change: those of the bare prompts, with "both" also the means of the others."""
    states = torch.stack([torch.stack([at_subject(model, e, p, point, layer) for p in contexts]) for e in edits])
    return (torch.cat([states[:, 0], states[:, 1:].mean(1)]) if kind == "both" else states[:, 0]).T


def change(model, patch, layer: int) -> torch.Tensor:
    """The change of a down-projection as [width, size of a key]."""
    full = patch.changes[model.down_name(layer)].full().double()
    return full if full.shape == matrix(model.down(layer)).shape else full.T


def close(found: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-3) -> None:
    """The difference is small beside what was expected."""
    found, expected = found.double(), expected.double()
    assert found.shape == expected.shape
    assert (found - expected).norm() <= tolerance * expected.norm()


def make(method: str, model, edits, **options):
    """The patch; the model is as before."""
    before = snapshot(model)
    patch = compute(method, model, edits, **options)
    assert all(torch.equal(value, before[name]) for name, value in model.network.state_dict().items())
    return patch
