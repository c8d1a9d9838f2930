"""MALMEN: value changes, and the normal equation that joins them."""

from __future__ import annotations

import pytest
import torch

from survey.editing import learning
from survey.editing.gradients import Factors
from survey.editing.method import find
from survey.editing.methods.malmen import Config, Net, Training
from tests.editing.methods.common import BRIDGE, HARBOUR, close, make
from tests.editing.methods.learned import LONG_NAME, SHORT, full, gradient_of, net_of
from tests.editing.methods.test_mend import by_hand as mend_by_hand
from tests.editing.tiny import tiny_model

QUICK = {**SHORT, "rank": 4, "lr": 0.003}


def wanted(net, n, u, d):
    """Keys and value changes of one edit."""
    class One:
        tokens, alpha = net.tokens, -torch.ones(len(net.eta))

    rows = []
    for key, gradient in zip(u, d, strict=True):
        outer = mend_by_hand(One, n, key[None], gradient[None])  # g~ k~^T
        rows.append(-net.eta[n] * outer @ key)
    return u, torch.stack(rows)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_all_edits_together_solve_the_normal_equation(architecture):
    model = tiny_model(architecture, blocks=4)
    net = net_of("malmen", model, **QUICK)
    edits = [LONG_NAME, HARBOUR, BRIDGE]
    patch = make("malmen", model, edits, **QUICK)
    for n, layer in enumerate((1, 2, 3)):
        parts = []
        for edit in edits:
            u, d, count = gradient_of(model, edit, layer)
            parts.append(wanted(net, n, u[-count:], d[-count:]))
        keys = torch.cat([k for k, _ in parts]).double().T
        values = torch.cat([v for _, v in parts]).double()
        left = keys @ keys.T + net.lambda_[n].double().exp() * torch.eye(len(keys), dtype=torch.float64)
        close(full(model, patch, layer), torch.linalg.solve(left, keys @ values).T)


def test_edits_at_once_are_not_just_summed():
    model = tiny_model("llama", blocks=4)
    net_of("malmen", model, **QUICK)
    again = type(HARBOUR)(HARBOUR.prompt, "Bramblewick", "Vienna")
    both = make("malmen", model, [HARBOUR, again], **QUICK)
    parts = [make("malmen", model, [edit], **QUICK) for edit in (HARBOUR, again)]
    total = full(model, parts[0], 2) + full(model, parts[1], 2)
    # Both have nearly the same key, so the solution is closer to their mean.
    assert (full(model, both, 2) - total).norm() > 0.2 * total.norm()


def test_gradients_reach_everything_through_the_equation():
    model = tiny_model("llama", blocks=4)
    net = Net(model, Config(rank=3), seed=0).double()
    generator = torch.Generator().manual_seed(1)
    factors = {
        layer: Factors(
            torch.randn(2, 3, 64, generator=generator).double(), torch.randn(2, 3, 32, generator=generator).double()
        )
        for layer in net.layers
    }
    goal = torch.randn(32, 64, generator=generator).double()

    def score() -> torch.Tensor:
        shift = net(factors)[2]
        return (shift.left.double() @ shift.right.double() * goal).sum()

    with torch.no_grad():
        net.eta.fill_(0.3)
        net.tokens.up.normal_(generator=generator)
    score().backward()
    for parameter, place in ((net.lambda_, 1), (net.eta, 1), (net.tokens.up, (0, 1, 2)), (net.tokens.scale, (1, 0, 3))):
        found = parameter.grad[place].item()
        with torch.no_grad():
            step = 1e-2
            parameter[place] += step
            above = score()
            parameter[place] -= 2 * step
            below = score()
            parameter[place] += step
        expected = ((above - below) / (2 * step)).item()
        assert found == pytest.approx(expected, rel=0.02, abs=1e-3)
        assert found != 0


def test_training_edits_many_at_once():
    model = tiny_model("llama", blocks=4)
    training = Training(model, find("malmen").configure(**QUICK), 0, (), learning.Quiet())
    shifts = training.shifts(training.lessons, [0, 1, 2, 3])
    assert all(shift.left.dim() == 2 for shift in shifts.values())
    before = [parameter.detach().clone() for parameter in training.net.parameters()]
    for number in range(3):  # Behind a start at zero, what feeds the net is reached in the second step.
        training.step(number)
    unchanged = [name for (name, p), old in zip(training.net.named_parameters(), before, strict=True) if torch.equal(p, old)]
    assert unchanged == []
