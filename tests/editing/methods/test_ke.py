"""KE: gates of rank one on the gradient, and the constraint with its multiplier."""

from __future__ import annotations

import pytest
import torch

from survey.editing import Edit, apply, learning
from survey.editing.gradients import factors_of
from survey.editing.hypernetworks import patch_of
from survey.editing.method import Quiet, find
from survey.editing.methods.ke import Config, Net, Training, reading
from tests.editing.methods.common import HARBOUR, close, make
from tests.editing.methods.learned import LONG_NAME, SHORT, full, gradient_of, net_of
from tests.editing.tiny import tiny_model

QUICK = {**SHORT, "hidden": 8, "condition": 16}


def by_hand(net, n, text, u, d):
    """The change as the paper writes it, with whole matrices."""
    _, (last, _) = net.lstm(text[None])
    condition = torch.tanh(net.condition(torch.cat([last[0, 0], last[1, 0]])))
    made = net.outer[n](torch.tanh(net.inner[n](condition)))
    width, size = d.shape[1], u.shape[1]
    a, b, c, e, gate = made.split([width, width, size, size, 1])
    gates = torch.outer(width * a.softmax(0), c - 1)
    added = torch.outer(width**0.5 * b.softmax(0), e / size**0.5)
    return 2 * net.strength[n] * gate.sigmoid() * (d.T @ u / net.norm[n] * gates + added)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
@pytest.mark.parametrize("edit", [LONG_NAME, Edit("The harbour of {} is in", "Bramblewick", "Oslo")])
def test_the_gradient_is_gated_entry_by_entry(architecture, edit):
    model = tiny_model(architecture, blocks=4)
    net = net_of("ke", model, **QUICK)
    patch = make("ke", model, [edit], **QUICK)
    for n, layer in enumerate((1, 2, 3)):
        u, d, _ = gradient_of(model, edit, layer)
        close(full(model, patch, layer), by_hand(net, n, reading(model, edit), u, d))


def test_before_training_it_is_a_step_of_descent():
    model = tiny_model("llama", blocks=4)
    net = Net(model, Config(hidden=8, condition=16), seed=0)
    net.strength.fill_(0.5)
    with torch.no_grad():
        patch = patch_of(model, net([reading(model, HARBOUR)], factors_of(model, [HARBOUR], [1, 2, 3], Quiet())))
    u, d, _ = gradient_of(model, HARBOUR, 2)
    found, expected = full(model, patch, 2).flatten(), (-d.T @ u).flatten()
    assert torch.cosine_similarity(found, expected, dim=0) > 0.95
    before = model.probability(HARBOUR.text, HARBOUR.target)
    with apply(patch, model):
        assert model.probability(HARBOUR.text, HARBOUR.target) > before


def test_what_is_read_matters():
    model = tiny_model("llama", blocks=4)
    net_of("ke", model, **QUICK)
    other = Edit(HARBOUR.prompt, HARBOUR.subject, HARBOUR.target, "Paris")
    one, two = (full(model, make("ke", model, [edit], **QUICK), 2) for edit in (HARBOUR, other))
    # Question and gradient are the same, and only the old answer differs.
    assert (one - two).norm() > 1e-5 * one.norm()


def training(model, **options):
    return Training(model, find("ke").configure(**{**QUICK, **options}), 0, (), Quiet())


def test_usual_gradients_make_changes_of_the_strength():
    model = tiny_model("llama", blocks=4)
    made = training(model)
    norms = [made.lessons.factors[i][2] for i in range(len(made.lessons))]
    norms = torch.stack([(f.gradients[0].T @ f.inputs[0]).norm() for f in norms])
    assert made.net.norm[1].item() == pytest.approx(norms.mean().item(), rel=1e-3)
    weight = model.parameters[model.down_name(2)]
    assert made.net.strength[1].item() == pytest.approx(0.001 * weight.norm().item(), rel=1e-4)


def test_the_multiplier_rises_above_the_margin_and_falls_below():
    made = training(tiny_model("llama", blocks=4), lr=1e-6)
    losses = lambda: (p.sum() * 0 + 1 for p in [made.net.condition.weight])  # noqa: E731
    for divergence, expected in ((0.55, 1.05), (0.05, 1.05), (0.0, 1.045)):
        (loss,) = losses()
        made.learn(loss[None], loss[None] * 0 + divergence, torch.tensor([True]))
        assert made.net.multiplier.item() == pytest.approx(expected, abs=1e-5)
    made.net.multiplier.fill_(0.001)
    (loss,) = losses()
    made.learn(loss[None], loss[None] * 0, torch.tensor([True]))
    assert made.net.multiplier.item() == 0


def test_the_margin_shrinks_while_edits_succeed(monkeypatch):
    made = training(tiny_model("llama", blocks=4))
    said = True
    monkeypatch.setattr(
        made.exam, "outcome",
        lambda chosen, *_: (torch.zeros(len(chosen)), torch.full((len(chosen),), said), torch.zeros(len(chosen))),
    )  # fmt: skip
    made.validate()
    assert made.net.margin.item() == pytest.approx(0.04)
    said = False
    made.validate()
    assert made.net.margin.item() == pytest.approx(0.04)
    said = True
    for _ in range(60):
        made.validate()
    assert made.net.margin.item() == pytest.approx(1e-5)


def test_multiplier_and_margin_are_part_of_what_is_stored():
    assert {"multiplier", "margin", "norm", "strength"} <= set(learning.train and training(tiny_model("llama", blocks=4)).net.state_dict())
