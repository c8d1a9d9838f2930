"""MEMIT: least squares of the textbook, layer after layer."""

from __future__ import annotations

import pytest
import torch

from survey.editing import EditError, values
from survey.editing.method import find
from survey.editing.patch import Change, WeightPatch
from survey.editing.statistics import second_moment
from survey.editing.structure import is_conv1d
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
    states_of,
)  # fmt: skip
from tests.editing.tiny import fresh_model


@pytest.mark.parametrize("method, point, root, lambda_, layers", [
    ("memit", "block", 1, 3.0, (1,)),
    ("memit", "block", 1, 3.0, (2, 0, 1)),
    ("memit", "block", 1, 500.0, (0, -1)),
    ("pmet", "value", 0.5, 3.0, (0, 1, 2)),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["both", "mean"])
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_the_change_is_that_of_the_textbook(architecture, kind, method, point, root, lambda_, layers):
    """R K^T (lambda C + K K^T)^-1 with dense matrices; PMET differs in where and in the share."""
    model, edits = fresh_model(architecture), [HARBOUR, BRIDGE]
    settings = {**QUICK, "layers": layers, "lambda_": lambda_, "keys": kind}
    contexts, config = contexts_of(model, method, **settings), find(method).configure(**settings)
    last = max(layer % 4 for layer in layers)
    more = {} if method == "memit" else {"relaxation": values.Relaxation(0.1, 0.01)}
    points = ("block",) if method == "memit" else ("value", "attention")
    delta = values.optimise(model, edits, last, config, contexts, points=points, **more).delta[:, 0].double().T
    patch = make(method, model, edits, **settings)
    target = states_of(model, edits, contexts, point, last, kind) + (torch.cat([delta, delta], 1) if kind == "both" else delta)
    todo = sorted(layer % 4 for layer in layers)
    for n, layer in enumerate(todo):
        keys = keys_of(model, edits, contexts, layer, kind)
        residual = (target - states_of(model, edits, contexts, point, last, kind)) / (len(todo) - n) ** root
        moment = second_moment(model, layer).matrix
        expected = residual @ keys.T @ torch.linalg.inv(lambda_ * moment + keys @ keys.T)
        close(change(model, patch, layer), expected, 1e-2)
        dense = expected.float()
        model.apply(WeightPatch(changes={model.down_name(layer): Change(dense=dense.T if is_conv1d(model.down(layer)) else dense)}))
    model.restore()
    assert len(patch.changes) == len(layers)


def test_a_small_lambda_writes_it_all():
    """Nothing is held against the facts, so the last layer's states are what was asked for."""
    model, edits = fresh_model("llama"), [HARBOUR, BRIDGE]
    settings = {"contexts": (), "steps": 4, "layers": (1,), "lambda_": 1e-9}
    delta = values.optimise(model, edits, 1, find("memit").configure(**settings), [""], points=("block",)).delta
    old = [at_subject(model, edit, "", "block", 1) for edit in edits]
    model.apply(make("memit", model, edits, **settings))
    for edit, state, wanted in zip(edits, old, delta[:, 0], strict=True):
        close(at_subject(model, edit, "", "block", 1) - state, wanted, 1e-2)


def test_a_larger_lambda_writes_less():
    model = fresh_model("llama")
    norms = [
        make("memit", model, HARBOUR, **QUICK, layers=(1,), lambda_=lambda_).relative_norm(model)
        for lambda_ in (0.1, 10.0, 1000.0)
    ]
    assert norms[0] > norms[1] > norms[2]


@pytest.mark.parametrize("method", ["memit", "pmet", "alphaedit", "lora"])
def test_layers_must_be_named(method):
    with pytest.raises(EditError, match="at least one layer"):
        make(method, fresh_model("llama"), HARBOUR, layers=())


@pytest.mark.parametrize("method", ["memit", "pmet", "alphaedit"])
def test_layers_may_count_from_both_ends(method):
    model = fresh_model("llama")
    patches = [make(method, model, HARBOUR, **QUICK, layers=layers) for layers in ((0, -1), (0, 3))]
    for layer in (0, 3):
        assert torch.equal(*(change(model, patch, layer) for patch in patches))
