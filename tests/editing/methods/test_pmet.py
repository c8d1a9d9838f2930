"""PMET beyond MEMIT: two deltas, one of them written. Its closed form is tested with MEMIT's."""

from __future__ import annotations

import torch

from survey.editing import values
from survey.editing.edit import Edit
from survey.editing.method import find
from tests.editing.methods.common import HARBOUR, QUICK, at_subject, close, contexts_of, make
from tests.editing.tiny import fresh_model


def test_only_the_feed_forward_part_is_written():
    model = fresh_model("llama")
    settings = {"contexts": (), "steps": 4, "layers": (1,), "lambda_": 1e-9}
    found = values.optimise(
        model, [HARBOUR], 1, find("pmet").configure(**settings), contexts_of(model, "pmet", **settings),
        points=("value", "attention"), relaxation=values.Relaxation(0.1, 0.01),
    )  # fmt: skip
    assert found.delta[0].norm(dim=1).min() > 0.1
    old = at_subject(model, HARBOUR, "", "value", 1)
    attention = model.read([model.tokens(HARBOUR.text).ids], [8], [("attention", 1)])["attention", 1]
    patch = make("pmet", model, HARBOUR, **settings)
    assert list(patch.changes) == [model.down_name(1)]
    model.apply(patch)
    close(at_subject(model, HARBOUR, "", "value", 1) - old, found.delta[0, 0], 1e-2)
    assert torch.equal(model.read([model.tokens(HARBOUR.text).ids], [8], [("attention", 1)])["attention", 1], attention)


def test_the_relaxation_is_that_of_the_settings():
    model = fresh_model("llama")
    settings = {**QUICK, "steps": 12, "layers": (1,), "lr": 2.0, "clamp": 20.0, "weight_decay": 0.01}
    edit = Edit("The mother tongue of the people of {}", "Tarn", "Paris")
    norms = [
        make("pmet", model, edit, **settings, relaxed_weight=weight, enough=enough).relative_norm(model)
        for weight, enough in ((0.1, 99.0), (0.1, 0.0), (1.0, 0.0))
    ]
    assert len(set(norms)) == 3
