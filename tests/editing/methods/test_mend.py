"""MEND: its net's arithmetic, its sums, and that it learns."""

from __future__ import annotations

import pytest
import torch

from survey.editing import apply, compute
from tests.editing.methods.common import BRIDGE, HARBOUR, close, make
from tests.editing.methods.learned import LONG_NAME, SHORT, full, gradient_of, net_of
from tests.editing.tiny import fresh_model, tiny_model

QUICK = {**SHORT, "rank": 4, "lr": 0.003}


def by_hand(net, n, u, d):
    """What the learnt net makes of the factors of one edit, as the paper writes it."""
    tokens = net.tokens
    z = (torch.cat([u, d], 1) - tokens.mean[n]) / tokens.deviation[n]
    first = z + torch.relu(tokens.scale[n, 0] * (z @ tokens.down[0] @ tokens.up[0] + tokens.bias) + tokens.offset[n, 0])
    second = first + torch.relu(tokens.scale[n, 1] * (first @ tokens.down[1] @ tokens.up[1]) + tokens.offset[n, 1])
    inputs, gradients = second[:, : u.shape[1]], second[:, u.shape[1] :]
    return -net.alpha[n] * gradients.T @ inputs


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_the_change_is_made_of_pseudo_factors(architecture):
    model = tiny_model(architecture, blocks=4)
    net = net_of("mend", model, **QUICK)
    assert net.tokens.up.any(), "nothing was learnt"
    patch = make("mend", model, [LONG_NAME], **QUICK)
    for n, layer in enumerate((1, 2, 3)):
        u, d, count = gradient_of(model, LONG_NAME, layer)
        if layer == 3:  # Other tokens have no gradient in the last block.
            u, d = u[-count:], d[-count:]
        close(full(model, patch, layer), by_hand(net, n, u, d))
        assert patch.changes[model.down_name(layer)].dense is None or len(u) > 20


def test_edits_at_once_are_summed():
    model = tiny_model("llama", blocks=4)
    net_of("mend", model, **QUICK)
    both = make("mend", model, [HARBOUR, BRIDGE], **QUICK)
    parts = [make("mend", model, [edit], **QUICK) for edit in (HARBOUR, BRIDGE)]
    for layer in (1, 2, 3):
        close(full(model, both, layer), full(model, parts[0], layer) + full(model, parts[1], layer))


def test_a_second_edit_takes_the_gradient_of_the_edited_model():
    model = fresh_model("llama", blocks=4)
    net = net_of("mend", model, **QUICK)
    first = make("mend", model, [HARBOUR], **QUICK)
    with apply(first, model):
        u, d, count = gradient_of(model, HARBOUR, 3)
        second = make("mend", model, [HARBOUR], **QUICK)
        close(full(model, second, 3), by_hand(net, 2, u[-count:], d[-count:]))
    difference = (full(model, second, 2) - full(model, first, 2)).norm()
    assert difference > 1e-4 * full(model, first, 2).norm()


def test_before_training_it_is_a_step_of_descent():
    from survey.editing.methods.mend import Config, Net

    model = tiny_model("llama", blocks=4)
    net = Net(model, Config(alpha=0.02, rank=4), seed=0)
    from survey.editing.gradients import factors_of
    from survey.editing.hypernetworks import patch_of
    from survey.editing.method import Quiet

    # Without a normalisation the net leaves the factors as they are.
    patch = patch_of(model, net(factors_of(model, [HARBOUR], [1, 2, 3], Quiet())))
    u, d, _ = gradient_of(model, HARBOUR, 2)
    close(full(model, patch, 2), -0.02 * d.T @ u)
    before = model.probability(HARBOUR.text, HARBOUR.target)
    with apply(patch, model):
        assert model.probability(HARBOUR.text, HARBOUR.target) > before


def test_training_helps_facts_that_it_did_not_see():
    from survey.editing import learning

    model = fresh_model("llama", blocks=4)
    lines = []
    options = {"steps": 30, "examples": 24, "check": 15, "rank": 8, "lr": 0.003, "lr_alpha": 1e-3, "facts": 4}
    report = learning.train("mend", model, log=lines.append, **options)
    first = float(lines[0].partition("nll ")[2].partition(",")[0])
    assert report.scores["nll"] < first - 0.1
    patch = compute("mend", model, [HARBOUR], **options)
    assert patch.about["trained"] == {"seed": 0, "kept": report.best, "scores": report.scores}
