"""CaliNET: slots that are nothing at first, and that facts share."""

from __future__ import annotations

import pytest
import torch

from survey.editing import PatchError, apply
from survey.editing.methods.calinet import activation_name, is_gated
from tests.editing.methods.common import BRIDGE, HARBOUR, make
from tests.editing.tiny import tiny_model


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "opt", "phi3"])
def test_untrained_slots_change_nothing_at_all(architecture):
    model = tiny_model(architecture)
    patch = make("calinet", model, HARBOUR, contexts=(), steps=1)
    patch.values.zero_()
    before = model.next_logits([HARBOUR.text, BRIDGE.text])
    with apply(patch, model):
        assert torch.equal(model.next_logits([HARBOUR.text, BRIDGE.text]), before)
    # A loss that is small from the start: nothing is trained, and the values stay zero.
    assert not make("calinet", model, HARBOUR, contexts=(), stop=1e9).values.any()


@pytest.mark.parametrize("architecture, gated, activation", [
    ("gpt2", False, "gelu_new"), ("opt", False, "relu"), ("llama", True, "silu"), ("phi3", True, "silu"),
    ("gemma2", True, "gelu_pytorch_tanh"), ("gpt-neox", False, "gelu"),
])  # fmt: skip
def test_slots_are_built_as_the_feed_forward_part(architecture, gated, activation):
    model = tiny_model(architecture)
    assert (is_gated(model, 1), activation_name(model)) == (gated, activation)
    patch = make("calinet", model, HARBOUR, contexts=(), steps=2, slots=5)
    assert patch.activation == activation
    assert (patch.gates is not None) == gated
    assert patch.keys.shape == patch.values.shape == (5, 32)
    assert not patch.bias.any()


def test_facts_share_the_slots():
    model = tiny_model("llama")
    patch = make("calinet", model, [HARBOUR, BRIDGE], contexts=((1, 3),), slots=16, steps=40, lr=0.01)
    before = model.probabilities([(e.text, e.target) for e in (HARBOUR, BRIDGE)])
    with apply(patch, model):
        after = model.probabilities([(e.text, e.target) for e in (HARBOUR, BRIDGE)])
    assert all(a > 10 * b for a, b in zip(after, before, strict=True)), (before, after)
    with pytest.raises(PatchError, match="make the patch again"):
        patch.without([0])
    assert patch.listed() == [{"edit": HARBOUR}, {"edit": BRIDGE}]
    # A sum with another patch keeps both sets of slots.
    more = patch + make("calinet", model, HARBOUR, contexts=(), steps=2)
    assert len(more.keys) == 16 + 64
    assert set(more.owners.tolist()) == {-1}
    assert more.edits == [HARBOUR, BRIDGE, HARBOUR]
