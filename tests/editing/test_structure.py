"""Parts of networks, found by what they are."""

from __future__ import annotations

import pytest
import torch
import transformers

from survey.editing.language_model import LanguageModel
from survey.editing.structure import ArchitectureError, find_structure, is_conv1d, matrix
from tests.editing.tiny import (
    ARCHITECTURES,
    HEADS,
    INNER,
    WIDTH,
    fresh_model,
    tiny_model,
    tiny_tokenizer,
)

_SMALL = {
    "vocab_size": 420, "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": 3,
    "num_attention_heads": HEADS,
}  # fmt: skip


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_parts_of_every_architecture(architecture):
    model = tiny_model(architecture)
    down = ARCHITECTURES[architecture][3]
    assert model.structure.downs == tuple(down.format(i) for i in range(4))
    prefix = down.partition(".{}")[0]
    assert model.structure.blocks == tuple(f"{prefix}.{i}" for i in range(4))
    for layer in range(4):
        assert matrix(model.down(layer)).shape == (WIDTH, INNER)
        assert "Attention" in type(model.attention(layer)).__name__
        assert model.down_name(layer) in model.parameters
    assert (model.layers, model.width) == (4, WIDTH)


def test_a_matrix_is_out_by_in_and_writes_through():
    model = fresh_model("gpt2")
    down = model.down(1)
    assert is_conv1d(down)
    key = torch.randn(INNER)
    torch.testing.assert_close(matrix(down) @ key + down.bias, down(key))
    with torch.no_grad():
        matrix(down)[3, 5] = 7.0
    assert down.weight[5, 3] == 7.0
    linear = fresh_model("llama").down(1)
    assert not is_conv1d(linear)
    torch.testing.assert_close(matrix(linear) @ key, linear(key))


def test_a_mixture_of_experts_is_refused():
    config = transformers.MixtralConfig(**_SMALL, num_key_value_heads=2, num_local_experts=4)
    with pytest.raises(ArchitectureError, match=r"block model\.layers\.0 has \d down-projections \(.*one is needed"):
        find_structure(transformers.MixtralForCausalLM(config))


def test_experts_that_are_a_list_are_refused():
    """Many feed-forward parts in each block, as older mixtures have them."""
    network = fresh_model("llama").network
    for block in network.model.layers:
        block.mlp = torch.nn.ModuleList(torch.nn.ModuleDict({"down": torch.nn.Linear(INNER, WIDTH)}) for _ in range(2))
    with pytest.raises(ArchitectureError, match="2 down-projections \\(a mixture of experts"):
        find_structure(network)


@pytest.mark.parametrize("name", ["BertForMaskedLM", "BertModel"])
def test_an_encoder_is_refused(name):
    network = getattr(transformers, name)(transformers.BertConfig(**_SMALL))
    with pytest.raises(ArchitectureError, match=name):
        LanguageModel(network, tiny_tokenizer())


def test_an_encoder_and_decoder_are_refused():
    config = transformers.T5Config(vocab_size=420, d_model=WIDTH, d_ff=INNER, num_layers=2, num_heads=HEADS, d_kv=8)
    with pytest.raises(ArchitectureError):
        LanguageModel(transformers.T5ForConditionalGeneration(config), tiny_tokenizer())


def test_two_attention_parts_in_a_block_are_refused():
    config = transformers.GPT2Config(vocab_size=420, n_embd=WIDTH, n_layer=2, n_head=HEADS, add_cross_attention=True)
    with pytest.raises(ArchitectureError, match="has 2 attention parts, and one is needed"):
        find_structure(transformers.GPT2LMHeadModel(config))


def test_what_has_no_blocks_is_refused():
    with pytest.raises(ArchitectureError, match="Linear has no list of blocks"):
        find_structure(torch.nn.Linear(3, 3))


def test_an_unknown_step_before_the_logits_is_refused():
    model = fresh_model("llama")
    forward = model.network.forward

    def scaled(*args, **kwargs):
        found = forward(*args, **kwargs)
        found.logits = found.logits * 0.5
        return found

    model.network.forward = scaled
    with pytest.raises(ArchitectureError, match="between its states and logits"):
        LanguageModel(model.network, model.tokenizer)
