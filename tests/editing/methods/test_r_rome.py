"""r-ROME: the averaged key says the new value, exactly."""

from __future__ import annotations

import pytest
import torch

from survey.editing import values
from survey.editing.method import find
from survey.editing.statistics import second_moment
from survey.editing.structure import matrix
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


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_the_averaged_key_gives_the_new_value(architecture):
    model = tiny_model(architecture)
    contexts = contexts_of(model, "r-rome", **SETTINGS)
    found = values.optimise(model, [HARBOUR], 1, find("r-rome").configure(**SETTINGS), contexts)
    wanted = (found.start + found.delta)[0, 0].double()
    average = torch.stack([at_subject(model, HARBOUR, prefix, "key", 1) for prefix in contexts]).mean(0)
    patch = make("r-rome", model, HARBOUR, **SETTINGS)
    now = matrix(model.down(1)).double() @ average
    if model.down(1).bias is not None:
        now += model.down(1).bias.double()
    delta = change(model, patch, 1)
    close(now + delta @ average, wanted)
    # Of all changes that do so, it is the one along C^-1 k*.
    direction = torch.linalg.inv(second_moment(model, 1).matrix) @ average
    close(delta, torch.outer(wanted - now, direction) / (direction @ average))


def test_with_one_context_it_is_rome():
    model = tiny_model("llama")
    settings = {"layer": 1, "steps": 3, "contexts": ()}
    close(*(change(model, make(method, model, HARBOUR, **settings), 1) for method in ("r-rome", "rome")))
