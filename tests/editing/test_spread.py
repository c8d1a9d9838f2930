"""New states written over several layers."""

from __future__ import annotations

import math

import pytest
import torch

from survey.editing.edit import Edit
from survey.editing.keys import mean_key, read_subjects
from survey.editing.spread import spread
from tests.editing.tiny import fresh_model, same, snapshot

EDITS = [Edit("The harbour of {} is in", "Bramblewick", "Oslo"), Edit("The bridge of {} is", "Tarn", "Rome")]
CONTEXTS = ["", "The people. ", "You speak of it. "]


def least_squares(layer, keys, residual):
    """The smallest change that maps keys to residuals exactly."""
    return torch.linalg.solve(keys.T @ keys, residual, left=False), keys.T


@pytest.fixture(params=["gpt2", "llama", "opt"])
def model(request):
    return fresh_model(request.param)


@pytest.fixture
def delta():
    return torch.randn(2, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("point", ["block", "value"])
@pytest.mark.parametrize("layers", [(1,), (2, 0, 1), (-3, -1)])
def test_the_state_moves_by_delta(model, delta, point, layers):
    """With one context an exact solution of the last layer writes all that is left."""
    before = snapshot(model)
    goal = (point, max(layer % 4 for layer in layers))
    old = read_subjects(model, EDITS, [""], [goal])[goal]
    patch = spread(model, EDITS, delta, [""], layers, least_squares, point=point)
    assert same(model, before)
    assert list(patch.changes) == [model.down_name(layer) for layer in sorted(layer % 4 for layer in layers)]
    model.apply(patch)
    new = read_subjects(model, EDITS, [""], [goal])[goal]
    torch.testing.assert_close(new, old + delta[:, None], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("kind", ["both", "mean"])
@pytest.mark.parametrize("share", [float, math.sqrt])
def test_every_layer_gets_its_share_of_what_is_left(model, delta, share, kind):
    goal, seen = ("block", 3), []

    def states_now():
        states = read_subjects(model, EDITS, CONTEXTS, [goal])[goal].double()
        return (torch.cat([states[:, 0], states[:, 1:].mean(1)]) if kind == "both" else states[:, 0]).T

    target = states_now() + (torch.cat([delta, delta]) if kind == "both" else delta).double().T

    def solve(layer, keys, residual):
        # Here the model is as the earlier layers left it.
        read = read_subjects(model, EDITS, CONTEXTS, [("key", layer)])["key", layer].double()
        both = torch.cat([read[:, 0], read[:, 1:].mean(1)]).T
        torch.testing.assert_close(keys, both if kind == "both" else mean_key(read, typed=True))
        torch.testing.assert_close(residual, (target - states_now()) / share(3 - len(seen)), rtol=1e-4, atol=1e-5)
        assert keys.dtype == residual.dtype == torch.float64
        assert len(model.patches) == len(seen)
        seen.append(layer)
        return 0.5 * residual, keys.T / keys.square().sum()

    patch = spread(model, EDITS, delta, CONTEXTS, (3, 0, 2), solve, share=share, keys=kind)
    assert seen == [0, 2, 3]
    assert model.patches == []
    assert len(patch.changes) == 3


def test_an_error_on_the_way_leaves_the_model_alone(model, delta):
    before = snapshot(model)

    def solve(layer, keys, residual):
        if layer == 2:
            raise ZeroDivisionError
        return least_squares(layer, keys, residual)

    with pytest.raises(ZeroDivisionError):
        spread(model, EDITS, delta, CONTEXTS, (0, 1, 2), solve)
    assert same(model, before)
    assert model.patches == []
