"""Knowledge Neurons: attribution, choice of neurons, and their rewriting."""

from __future__ import annotations

import pytest
import torch

from survey.editing import EditError
from survey.editing.edit import Edit
from survey.editing.method import Run, find
from survey.editing.methods import kn
from survey.editing.structure import matrix
from tests.editing.methods.common import HARBOUR, change, close, make
from tests.editing.tiny import INNER, fresh_model, tiny_model

PROMPTS = ["The harbour of Bramblewick is in", "You speak. The harbour of Bramblewick is in"]


def probability(model, ids, wanted, layer, scale=1.0, vector=None):
    """P(wanted | ids) by a whole pass, with the neurons of a layer scaled, or set, at the last position."""

    def put(module, args):
        states = args[0].clone()
        flat = states.view(-1, INNER)
        flat[-1] = flat[-1] * scale if vector is None else vector
        return (states,)

    handle = model.down(layer).register_forward_pre_hook(put)
    with torch.no_grad():
        p = model.network(torch.tensor([ids])).logits[0, -1].double().softmax(-1)[wanted].item()
    handle.remove()
    return p


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "opt", "phi"])
def test_attributions_sum_to_what_the_neurons_add(architecture):
    """Completeness: over a layer, the integral is P with all its neurons minus P with none."""
    model = tiny_model(architecture)
    found = kn.attribute(model, PROMPTS, "Rome", 300, Run())
    assert found.shape == (2, 4, INNER)
    for n, prompt in enumerate(PROMPTS):
        tokens, start = model.joined(prompt, "Rome")
        assert len(tokens) == start + 1
        for layer in range(4):
            full, none = (probability(model, tokens.ids[:-1], tokens.ids[-1], layer, scale) for scale in (1.0, 0.0))
            size = max(abs(full - none), full, none)
            assert found[n, layer].sum().item() == pytest.approx(full - none, abs=0.03 * size)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_attributions_are_those_of_finite_differences(architecture):
    model = fresh_model(architecture)
    model.network.double()
    tokens, _ = model.joined(PROMPTS[0], "Rome")
    steps, layer = 5, 1
    found = kn.attribute(model, PROMPTS[:1], "Rome", steps, Run())[0, layer]
    seen = []
    handle = model.down(layer).register_forward_pre_hook(lambda m, args: seen.append(args[0].view(-1, INNER)[-1]))
    with torch.no_grad():
        model.network(torch.tensor([tokens.ids[:-1]]))
    handle.remove()
    activation = seen[0].clone()
    for neuron in (0, 7, int(found.argmax()), int(found.argmin())):
        unit = torch.zeros(INNER).double()
        unit[neuron] = 1e-2
        slopes = [
            (probability(model, tokens.ids[:-1], tokens.ids[-1], layer, vector=s / steps * activation + unit)
             - probability(model, tokens.ids[:-1], tokens.ids[-1], layer, vector=s / steps * activation - unit)) / 2e-2
            for s in range(1, steps + 1)
        ]  # fmt: skip
        expected = activation[neuron].item() * sum(slopes) / steps
        assert found[neuron].item() == pytest.approx(expected, rel=1e-2, abs=1e-3 * found.abs().max().item())


def test_an_answer_of_many_tokens_is_the_mean_of_its_tokens():
    model = tiny_model("llama")
    tokens, start = model.joined(PROMPTS[0], "Oslo on Tarn")
    found = kn.attribute(model, PROMPTS[:1], "Oslo on Tarn", 200, Run())[0]
    assert len(tokens) - start > 2
    for layer in (0, 2):
        gains = [
            probability(model, tokens.ids[:at], tokens.ids[at], layer)
            - probability(model, tokens.ids[:at], tokens.ids[at], layer, 0.0)
            for at in range(start, len(tokens))
        ]
        size = max(map(abs, gains))
        assert found[layer].sum().item() == pytest.approx(sum(gains) / len(gains), abs=0.05 * size)


@pytest.mark.parametrize("attributions, shared, expected", [
    # Above a fifth of each prompt's own maximum, and in more than half of the prompts.
    ([[[10, 3, 1.9], [0, 0, -9]], [[1, 0.3, 0.5], [0, 0, 0]], [[0, 5, 0], [4, 0, 0]]], 0.5, [(0, 0), (0, 1)]),
    ([[[10, 3, 1.9], [0, 0, -9]], [[1, 0.3, 0.5], [0, 0, 0]], [[0, 5, 0], [4, 0, 0]]], 0.9, [(0, 1)]),
    # None is shared: the one with the largest mean.
    ([[[9, 0, 0], [0, 1, 0]], [[0, 0, 0], [0, 0, 8]]], 0.5, [(0, 0)]),
    ([[[5, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 8]]], 0.5, [(1, 2)]),
])  # fmt: skip
def test_neurons_are_those_that_prompts_share(monkeypatch, attributions, shared, expected):
    monkeypatch.setattr(kn, "attribute", lambda *_, **__: torch.tensor(attributions).float())
    config = find("kn").configure(shared=shared, threshold=0.2)
    assert kn.find_neurons(None, ["p"] * len(attributions), "Rome", config, Run()) == expected


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_columns_lose_the_old_answer_and_gain_the_new(monkeypatch, architecture):
    model = tiny_model(architecture)
    neurons = [(1, 4), (1, 60), (3, 0)]
    monkeypatch.setattr(kn, "find_neurons", lambda *_, **__: neurons)
    patch = make("kn", model, HARBOUR, lambda1=0.5, lambda2=2.0, contexts=())
    assert set(patch.changes) == {model.down_name(1), model.down_name(3)}
    assert patch.about["neurons"] == [list(neuron) for neuron in neurons]
    embeddings = model.network.get_input_embeddings().weight
    old, new = (embeddings[model.tokenizer(" " + word).input_ids[0]].double() for word in ("Rome", "Oslo"))
    for layer in (1, 3):
        weight, expected = matrix(model.down(layer)).double(), torch.zeros(32, INNER).double()
        for neuron in (i for at, i in neurons if at == layer):
            expected[:, neuron] = weight[:, neuron].norm() * (2.0 * new / new.norm() - 0.5 * old / old.norm())
        close(change(model, patch, layer), expected, 1e-5)


def test_a_fact_can_be_erased(monkeypatch):
    model = tiny_model("gpt2")
    monkeypatch.setattr(kn, "find_neurons", lambda *_, **__: [(2, 9)])
    patch = make("kn", model, HARBOUR, erase=True, contexts=())
    before = matrix(model.down(2)).clone()
    model.apply(patch)
    after = matrix(model.down(2)).clone()
    model.remove(patch)
    assert after[:, 9].abs().max() < 1e-6
    assert torch.equal(after[:, :9], before[:, :9])
    assert torch.equal(after[:, 10:], before[:, 10:])


def test_the_old_answer_is_what_the_model_says(monkeypatch):
    model = tiny_model("llama")
    asked = []
    monkeypatch.setattr(kn, "find_neurons", lambda m, prompts, answer, *_: asked.append(answer) or [(0, 0)])
    edit = Edit(HARBOUR.prompt, HARBOUR.subject, "Oslo")
    make("kn", model, edit, contexts=())
    make("kn", model, HARBOUR, contexts=())
    assert asked[0] == model.generate(edit.text, 3).strip().split("\n")[0]
    assert asked[1] == "Rome"
    monkeypatch.setattr(type(model), "generate", lambda *_, **__: " \n")
    with pytest.raises(EditError, match="--was"):
        make("kn", model, edit, contexts=())


def test_embeddings_of_another_width_are_refused():
    with pytest.raises(EditError, match="embeddings"):
        make("kn", tiny_model("opt-350m"), HARBOUR, contexts=(), integration_steps=2)
