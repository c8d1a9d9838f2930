"""ROME: the written key says the new value, exactly."""

from __future__ import annotations

import pytest
import torch

from survey.editing import values
from survey.editing.method import find
from survey.editing.statistics import second_moment
from tests.editing.methods.common import (
    HARBOUR,
    QUICK,
    at_subject,
    change,
    close,
    contexts_of,
    make,
)
from tests.editing.tiny import tiny_model

SETTINGS = {**QUICK, "layer": 1}


@pytest.fixture(params=["gpt2", "llama", "opt"])
def model(request):
    return tiny_model(request.param)


def test_the_bare_key_gives_the_new_value(model):
    patch = make("rome", model, HARBOUR, **SETTINGS)
    config = find("rome").configure(**SETTINGS)
    delta = values.optimise(model, [HARBOUR], 1, config, contexts_of(model, "rome", **SETTINGS)).delta[0, 0]
    old = at_subject(model, HARBOUR, "", "value", 1)
    model.apply(patch)
    new = at_subject(model, HARBOUR, "", "value", 1)
    model.remove(patch)
    assert delta.norm() > 0.1
    close(new - old, delta)


def test_the_change_is_the_closed_form_with_the_published_keys(model):
    patch = make("rome", model, HARBOUR, **SETTINGS)
    contexts = contexts_of(model, "rome", **SETTINGS)
    keys = torch.stack([at_subject(model, HARBOUR, prefix, "key", 1) for prefix in contexts])
    bare, average = keys[0], keys.mean(0)
    direction = torch.linalg.inv(second_moment(model, 1).matrix) @ average
    delta = values.optimise(model, [HARBOUR], 1, find("rome").configure(**SETTINGS), contexts).delta[0, 0].double()
    close(change(model, patch, 1), torch.outer(delta, direction) / (direction @ bare))
    assert list(patch.changes) == [model.down_name(1)]
    ratio = (direction @ bare / (direction @ average)).item()
    assert patch.about["key_ratio"] == pytest.approx(ratio, rel=1e-3)
    assert abs(ratio - 1) > 1e-3  # The two keys differ, so this test tells which is used where.


def test_without_contexts_both_keys_are_one(model):
    patch = make("rome", model, HARBOUR, layer=1, steps=3, contexts=())
    assert patch.about["key_ratio"] == pytest.approx(1)


@pytest.mark.parametrize("method", ["rome", "r-rome"])
def test_with_the_identity_the_change_lies_along_the_key(model, method):
    patch = make(method, model, HARBOUR, **SETTINGS, statistics="identity")
    keys = torch.stack([at_subject(model, HARBOUR, prefix, "key", 1) for prefix in contexts_of(model, method, **SETTINGS)])
    made = change(model, patch, 1)
    along = torch.nn.functional.normalize(keys.mean(0).double(), dim=0)
    close(made, torch.outer(made @ along, along))
    assert patch.about["statistics"]["source"] == "identity"
    measured = change(model, make(method, model, HARBOUR, **SETTINGS), 1)
    assert (measured - made).norm() > 0.01 * made.norm()
