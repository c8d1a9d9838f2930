"""EMMET: equality constraints for many facts."""

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
    at_subject,
    change,
    close,
    contexts_of,
    keys_of,
    make,
)  # fmt: skip
from tests.editing.tiny import tiny_model


def inputs(model, edits, settings):
    contexts = contexts_of(model, "emmet", **settings)
    config = find("emmet").configure(**settings)
    delta = values.optimise(model, edits, 1, config, contexts, points=("block",)).delta[:, 0].double().T
    keys = keys_of(model, edits, contexts, 1, settings["keys"])
    delta = torch.cat([delta, delta], 1) if settings["keys"] == "both" else delta
    return delta, keys, torch.linalg.inv(second_moment(model, 1).matrix)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_one_edit_is_romes_closed_form(architecture):
    model = tiny_model(architecture)
    settings = {**QUICK, "layer": 1, "gamma": 5.0, "keys": "mean"}  # gamma is for more than one.
    delta, keys, inverse = inputs(model, [HARBOUR], settings)
    direction = inverse @ keys[:, 0]
    expected = torch.outer(delta[:, 0], direction) / (direction @ keys[:, 0])
    close(change(model, make("emmet", model, HARBOUR, **settings), 1), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 10.0])
@pytest.mark.parametrize("kind", ["both", "mean"])
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_a_batch_is_the_closed_form(architecture, kind, gamma):
    model, edits = tiny_model(architecture), [HARBOUR, BRIDGE]
    settings = {**QUICK, "layer": 1, "gamma": gamma, "keys": kind}
    delta, keys, inverse = inputs(model, edits, settings)
    expected = delta @ torch.linalg.inv(keys.T @ inverse @ keys + gamma * torch.eye(keys.shape[1])) @ keys.T @ inverse
    found = change(model, make("emmet", model, edits, **settings), 1)
    close(found, expected)
    if gamma == 0:
        close(found @ keys, delta)


def test_all_facts_hold_without_gamma_and_contexts():
    model, edits = tiny_model("llama"), [HARBOUR, BRIDGE]
    settings = {"contexts": (), "steps": 4, "layer": 1, "gamma": 0.0}
    delta = values.optimise(model, edits, 1, find("emmet").configure(**settings), [""], points=("block",)).delta[:, 0]
    old = [at_subject(model, edit, "", "block", 1) for edit in edits]
    patch = make("emmet", model, edits, **settings)
    model.apply(patch)
    new = [at_subject(model, edit, "", "block", 1) for edit in edits]
    model.remove(patch)
    for n in range(2):
        close(new[n] - old[n], delta[n], 1e-2)
