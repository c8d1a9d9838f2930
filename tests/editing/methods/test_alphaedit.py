"""AlphaEdit: MEMIT's update, projected."""

from __future__ import annotations

import pytest
import torch

from survey.editing import values
from survey.editing.method import find
from survey.editing.statistics import second_moment
from tests.editing.methods.common import (
    BRIDGE,
    HARBOUR,
    QUICK,
    change,
    close,
    contexts_of,
    keys_of,
    make,
)  # fmt: skip
from tests.editing.tiny import fresh_model


def projection(model, layer, share=None, threshold=None):
    values, vectors = torch.linalg.eigh(second_moment(model, layer).matrix)
    free = vectors[:, values < threshold] if threshold is not None else vectors[:, : round(share * len(values))]
    assert 0 < free.shape[1] < len(values)
    return free @ free.T


def closed_form(model, edits, settings, P, earlier=None):
    """Equation 14 of the paper with dense matrices, for one layer."""
    contexts, config = contexts_of(model, "alphaedit", **settings), find("alphaedit").configure(**settings)
    delta = values.optimise(model, edits, 1, config, contexts, points=("block",)).delta[:, 0].double().T
    keys = keys_of(model, edits, contexts, 1, settings["keys"])
    delta = torch.cat([delta, delta], 1) if settings["keys"] == "both" else delta
    every = keys if earlier is None else torch.cat([keys, earlier], 1)
    inner = P @ (every @ every.T) + settings["l2"] * torch.eye(len(P))
    return torch.linalg.solve(inner, P @ keys @ delta.T).T, keys


@pytest.mark.parametrize("directions", [{"share_kept": 0.9}, {"share_kept": 0.4}, {"threshold": "median"}])
@pytest.mark.parametrize("kind", ["both", "mean"])
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_the_change_is_that_of_the_paper(architecture, kind, directions):
    model, edits = fresh_model(architecture), [HARBOUR, BRIDGE]
    if "threshold" in directions:
        limit = second_moment(model, 1).eigen[0].median().item() * 1.0001
        directions, P = {"threshold": limit}, projection(model, 1, threshold=limit)
    else:
        P = projection(model, 1, share=directions["share_kept"])
    settings = {**QUICK, "layers": (1,), "l2": 0.7, "keys": kind, **directions}
    expected, keys = closed_form(model, edits, settings, P)
    patch = make("alphaedit", model, edits, **settings)
    found = change(model, patch, 1)
    close(found, expected)
    # Nothing is written where knowledge is.
    close(found @ P, found)
    close(patch.kept[f"keys of {model.down_name(1)}"], keys)


def test_keys_of_earlier_edits_count():
    model = fresh_model("llama")
    settings = {**QUICK, "layers": (1,), "l2": 0.7, "keys": "mean"}
    P = projection(model, 1, share=0.9)
    first = make("alphaedit", model, HARBOUR, **settings)
    model.apply(first)
    earlier = first.kept[f"keys of {model.down_name(1)}"].double()
    expected, keys = closed_form(model, [BRIDGE], settings, P, earlier)
    without, _ = closed_form(model, [BRIDGE], settings, P)
    second = make("alphaedit", model, BRIDGE, **settings)
    close(change(model, second, 1), expected)
    assert (without - expected).norm() > 1e-2 * expected.norm()
    # They are handed on: a third edit would see both.
    close(second.kept[f"keys of {model.down_name(1)}"], torch.cat([keys, earlier], 1))
    model.restore()
    both = make("alphaedit", model, [HARBOUR, BRIDGE], batch=1, **settings)
    close(both.kept[f"keys of {model.down_name(1)}"], torch.cat([keys, earlier], 1))
