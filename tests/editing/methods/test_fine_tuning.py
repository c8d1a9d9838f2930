"""Fine-tuning, FT-L and LoRA, against a loop of the textbook on a copy of the network."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from survey.editing.method import METHODS
from tests.editing.methods.common import BRIDGE, HARBOUR, change, close, make
from tests.editing.tiny import fresh_model, tiny_model

EDITS = [HARBOUR, BRIDGE]


def train(model, network, parameters, lr, steps, stop=0.0, after=lambda: None):
    """Adam on whole passes of one row each; the mean over edits of the mean over target tokens."""
    for parameter in parameters:
        parameter.requires_grad_(True)
    adam = torch.optim.Adam(parameters, lr=lr)
    for _ in range(steps):
        loss = 0
        for edit in EDITS:
            ids = torch.tensor([model.tokenizer(f"{edit.text} {edit.target}").input_ids])
            start = len(model.tokenizer(edit.text).input_ids)
            log_p = network(ids).logits[0, start - 1 : -1].log_softmax(-1)
            loss = loss - log_p.gather(1, ids[0, start:, None]).mean() / len(EDITS)
        if loss.item() < stop:
            break
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            after()
    return loss.item()


@pytest.mark.parametrize("layers", [(1,), (3, 0), (-1,)])
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_fine_tuning_is_plain_training(architecture, layers):
    model = fresh_model(architecture)
    network = copy.deepcopy(model.network)
    names = [model.down_name(layer) for layer in layers]
    train(model, network, [network.get_parameter(name) for name in names], 0.01, 6)
    patch = make("fine-tuning", model, EDITS, layers=layers, lr=0.01, steps=6, stop=0.0)
    assert set(patch.changes) == set(names)
    for name in names:
        moved = network.get_parameter(name).detach() - model.parameters[name]
        assert moved.abs().max() > 0.01
        close(patch.changes[name].full(), moved, 1e-2)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_all_parameters_can_be_trained(architecture):
    """Embeddings, too, at both ends where they are shared."""
    model = fresh_model(architecture)
    network = copy.deepcopy(model.network)
    train(model, network, list(network.parameters()), 0.003, 3)
    patch = make("fine-tuning", model, EDITS, layers=(), lr=0.003, steps=3, stop=0.0)
    assert set(patch.changes) == set(model.parameters)
    found = torch.cat([patch.changes[name].full().flatten() for name in model.parameters])
    moved = [network.get_parameter(name).detach() - model.parameters[name] for name in model.parameters]
    # Adam's first steps are signs of gradients, so entries whose gradient is nearly zero may differ.
    assert torch.nn.functional.cosine_similarity(found, torch.cat([m.flatten() for m in moved]), dim=0) > 0.99
    assert patch.changes[next(iter(model.parameters))].full().abs().max() > 0


def test_training_ends_when_the_loss_is_small():
    model = fresh_model("gpt2")
    network = copy.deepcopy(model.network)
    weight = network.get_parameter(model.down_name(1))
    loss = train(model, network, [weight], 0.02, 60, stop=1.0)
    assert loss < 1.0
    patch = make("fine-tuning", model, EDITS, layers=(1,), lr=0.02, steps=60, stop=1.0)
    close(patch.changes[model.down_name(1)].full(), weight.detach() - model.parameters[model.down_name(1)], 1e-2)
    long = make("fine-tuning", model, EDITS, layers=(1,), lr=0.02, steps=60, stop=0.0)
    assert long.relative_norm(model) > patch.relative_norm(model)


@pytest.mark.parametrize("epsilon", [1e-4, 1e-3, 1e-2])
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_ft_l_keeps_its_bound_after_every_step(architecture, epsilon):
    model = fresh_model(architecture)
    name = model.down_name(1)
    network, before = copy.deepcopy(model.network), model.parameters[name].detach().clone()
    weight = network.get_parameter(name)
    train(
        model, network, [weight], 0.004, 5, after=lambda: weight.copy_(before + (weight - before).clamp(-epsilon, epsilon))
    )
    patch = make("ft-l", model, EDITS, layer=1, epsilon=epsilon, lr=0.004, steps=5, stop=0.0)
    found = patch.changes[name].full()
    assert found.abs().max() <= epsilon
    assert found.abs().max() > 0.9 * epsilon
    if epsilon > 1e-4:
        close(found, weight.detach() - before, 1e-2)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_lora_is_a_trained_change_of_low_rank(architecture):
    """B begins at zero and A as PEFT draws it, which seeds decide; so what it does is checked, not each number."""
    model = fresh_model(architecture)
    parts = {name: type(module) for name, module in model.network.named_modules()}
    patch = make("lora", model, EDITS, layers=(1, 2), rank=3, lr=0.02, steps=8)
    assert {name: type(module) for name, module in model.network.named_modules()} == parts
    assert not hasattr(model.network, "peft_config")
    assert set(patch.changes) == {model.down_name(1), model.down_name(2)}
    for layer in (1, 2):
        assert torch.linalg.matrix_rank(change(model, patch, layer), rtol=1e-4) == 3
    other = make("lora", model, EDITS, layers=(1, 2), rank=3, lr=0.02, steps=8, seed=1)
    assert (change(model, other, 1) - change(model, patch, 1)).norm() > 0.1 * change(model, patch, 1).norm()
    assert make("lora", model, EDITS, layers=(1,), rank=2, steps=1, stop=99.0).relative_norm(model) == 0


class Adapted(nn.Module):
    """A layer and its adapter, by the book."""

    def __init__(self, layer, a, scale) -> None:
        super().__init__()
        self.layer, self.scale = layer, scale
        self.a, self.b = nn.Parameter(a.clone()), nn.Parameter(torch.zeros(32, len(a)))

    def forward(self, x):
        return self.layer(x) + self.scale * (x @ self.a.T @ self.b.T)


@pytest.mark.filterwarnings("ignore:fan_in_fan_out")
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_lora_is_plain_training_of_adapters(architecture):
    from peft import LoraConfig, get_peft_model

    model = fresh_model(architecture)
    twin, network = copy.deepcopy(model.network), copy.deepcopy(model.network)
    torch.manual_seed(0)
    get_peft_model(twin, LoraConfig(r=3, lora_alpha=12, target_modules=[model.structure.downs[1]]))
    drawn = twin.get_submodule(model.structure.downs[1]).lora_A["default"].weight.detach()
    parent, _, leaf = model.structure.downs[1].rpartition(".")
    adapted = Adapted(network.get_submodule(model.structure.downs[1]), drawn, 12 / 3)
    setattr(network.get_submodule(parent), leaf, adapted)
    train(model, network, [adapted.a, adapted.b], 0.01, 5)
    patch = make("lora", model, EDITS, layers=(1,), rank=3, alpha=12.0, lr=0.01, steps=5, stop=0.0)
    close(change(model, patch, 1), 4 * adapted.b.detach() @ adapted.a.detach(), 2e-2)


@pytest.mark.parametrize("method", [m for m in ("fine-tuning", "ft-l", "lora") if m in METHODS])
def test_an_error_within_training_leaves_nothing(method, monkeypatch):
    model = tiny_model("gpt2", blocks=9)
    before = copy.deepcopy(model.network.state_dict())
    monkeypatch.setattr(torch.optim.Adam, "step", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make(method, model, EDITS)
    now = model.network.state_dict()
    assert now.keys() == before.keys()
    assert all(torch.equal(now[name], before[name]) for name in now)
    assert not any(p.requires_grad for p in model.network.parameters())
