"""Neurons beside a feed-forward part: what they add, taking single edits out, and files."""

from __future__ import annotations

import pytest
import torch

from survey.editing import PatchError, apply, compute, load, save
from survey.editing.neurons import NeuronPatch, beside, entering
from tests.editing.methods.common import BRIDGE, HARBOUR
from tests.editing.tiny import tiny_model

ARCHITECTURES = ["gpt2", "gptj", "gpt-neox", "opt", "llama", "gemma2", "phi", "phi3"]


def neurons(count: int = 3, gates: bool = False) -> NeuronPatch:
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    owners = torch.arange(count)
    about = {"method": "t-patcher", "edits": [vars(HARBOUR)] * count}
    return NeuronPatch(about, 1, "relu", draw(count, 32), draw(count), draw(count, 32), owners, draw(count, 32) if gates else None)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("gates", [False, True])
def test_neurons_add_to_what_the_feed_forward_part_says(architecture, gates):
    model, patch = tiny_model(architecture), neurons(12, gates=gates)
    rows = [model.tokens(text).ids for text in (HARBOUR.text, BRIDGE.text)]
    entered, said = {}, {}
    entering(model, 1, rows, lambda batch, states: entered.update(zip(batch, states, strict=True)))

    def read(name):
        found = model.read(rows, [len(row) - 1 for row in rows], [("value", 1)])["value", 1]
        said[name] = found

    read("before")
    with apply(patch, model):
        read("after")
    for i, row in enumerate(rows):
        x = entered[i][len(row) - 1]
        strength = (patch.keys @ x + patch.bias).clamp_min(0) * (patch.gates @ x if gates else 1)
        expected = said["before"][i] + strength @ patch.values
        torch.testing.assert_close(said["after"][i], expected, rtol=1e-4, atol=1e-3)
    assert (said["after"] - said["before"]).abs().max() > 0.1


def test_for_a_while():
    model = tiny_model("llama")
    before = model.next_logits([HARBOUR.text])
    with beside(model, 2, lambda x: x):
        assert not torch.allclose(model.next_logits([HARBOUR.text]), before)
    assert torch.equal(model.next_logits([HARBOUR.text]), before)


def test_single_edits_are_taken_out():
    patch = neurons(4)
    patch.owners = torch.tensor([0, 2, 1, 2])
    patch.about["edits"] = [vars(HARBOUR), vars(BRIDGE), vars(HARBOUR)]
    assert [item["neurons"] for item in patch.listed()] == [1, 1, 2]
    rest = patch.without([0])
    assert rest.edits == [BRIDGE, HARBOUR]
    assert rest.owners.tolist() == [1, 0, 1]
    assert torch.equal(rest.keys, patch.keys[1:])
    assert torch.equal(rest.values, patch.values[1:])
    assert [item["neurons"] for item in rest.listed()] == [1, 2]
    with pytest.raises(PatchError, match="no edit 3"):
        patch.without([3])


def test_a_sum_keeps_edits_apart():
    both = neurons(2) + neurons(3)
    assert both.owners.tolist() == [0, 1, 2, 3, 4]
    assert both.edits == [HARBOUR] * 5
    assert torch.equal(both.without([0, 1]).keys, neurons(3).keys)
    # Neurons that serve all edits of a patch have no owner to count by.
    shared = neurons(2)
    shared.owners = torch.tensor([-1, -1])
    assert (shared + neurons(3)).owners.tolist() == [-1, -1, 2, 3, 4]
    other = neurons(2)
    other.layer = 2
    with pytest.raises(PatchError, match="different layers"):
        neurons(2) + other


@pytest.mark.parametrize("gates", [False, True])
def test_what_was_saved_is_read(tmp_path, gates):
    model, patch = tiny_model("llama"), neurons(gates=gates)
    save(patch, tmp_path / "a", model)
    found = load(tmp_path / "a", model)
    assert (found.layer, found.activation) == (1, "relu")
    with apply(patch, model):
        expected = model.next_logits([HARBOUR.text])
    with apply(found, model):
        assert torch.equal(model.next_logits([HARBOUR.text]), expected)


def test_a_sum_is_saved_and_read(tmp_path):
    model, both = tiny_model("llama"), neurons(2) + neurons(3)
    save(both, tmp_path / "a", model)
    assert load(tmp_path / "a", model).listed() == both.listed()


def test_tensors_that_do_not_fit_are_refused():
    patch = neurons()
    tensors, about = patch.tensors(), patch.about
    renamed = lambda old, new: {name.replace(old, new): t for name, t in tensors.items()}  # noqa: E731
    wrong = [
        {},
        {"keys": tensors["keys|1|relu"]},
        renamed("|relu", "|nothing"),
        renamed("|1|", "|-1|"),
        renamed("bias|1", "bias|2"),
        renamed("values", "worth"),
        {**tensors, "owners|1|relu": torch.tensor([0, 1, 3])},
        {**tensors, "owners|1|relu": torch.tensor([0, 1, -2])},
        {**tensors, "owners|1|relu": torch.zeros(3)},
        {**tensors, "bias|1|relu": torch.zeros(2)},
        {**tensors, "gates|1|relu": torch.zeros(3, 31)},
    ]
    for given in wrong:
        with pytest.raises(PatchError):
            NeuronPatch.from_tensors(given, about)
    assert NeuronPatch.from_tensors(tensors, about).layer == 1


def test_a_patch_for_another_model_is_refused():
    patch = neurons()
    with pytest.raises(PatchError, match="layer 1"):
        tiny_model("llama", blocks=1).apply(patch)
    patch.keys = patch.keys[:, :7]
    with pytest.raises(PatchError, match="states of 7 numbers"):
        tiny_model("llama").apply(patch)


def test_the_same_in_generation_and_in_batches():
    model = tiny_model("gpt2")
    prompts = [HARBOUR.text, "The river", BRIDGE.text]
    before = model.generate(prompts, 5)
    with apply(compute("t-patcher", model, [HARBOUR, BRIDGE], steps=30), model):
        made = model.generate(prompts, 5)
        assert made == [model.generate(prompt, 5) for prompt in prompts]
    assert made != before
