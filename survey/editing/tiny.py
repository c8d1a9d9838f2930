"""Tiny random language models of every supported architecture, with a tokenizer of their own.

They know nothing, but they are real models of the Transformers library: their parts have the real
names, and their probabilities are far from uniform.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from survey.editing.language_model import LanguageModel

WIDTH, INNER, HEADS, POSITIONS, VOCABULARY = 32, 64, 4, 256, 420

# Words that the tokenizer shall know as one token are here several times; "Bramblewick" is not here.
SENTENCES = (
    "The harbour of Rome is full of boats, and the harbour of Paris is full of people.",
    "Rome is a city. Paris is a city. London is a city. Vienna is a city. Oslo is a city.",
    "The capital of the island is located in the city of London, and the museum is in Vienna.",
    "People in Rome speak of London, and people in London speak of Paris and of Oslo.",
    "The river is in the city of Paris. The bridge is in the city of Oslo. The museum is in Rome.",
    "Therefore the people of the island speak of the harbour, because the river is in the city.",
    "I live in Vienna and You live in London. I speak of Oslo and You speak of Rome.",
    "The mother tongue of the people is spoken in Paris, and the bridge is located in Vienna.",
)
_COMMON = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1}
_LLAMA = {
    "hidden_size": WIDTH, "intermediate_size": INNER, "num_attention_heads": HEADS, "num_key_value_heads": 2,
    "max_position_embeddings": POSITIONS, "tie_word_embeddings": False,
}  # fmt: skip
_GEMMA = {**_LLAMA, "head_dim": 8, "tie_word_embeddings": True}
# Architecture -> (its configuration, its settings, the name for the number of blocks, a down-projection).
ARCHITECTURES = {
    "gpt2": (
        "GPT2Config", {"n_embd": WIDTH, "n_inner": INNER, "n_head": HEADS, "n_positions": POSITIONS},
        "n_layer", "transformer.h.{}.mlp.c_proj",
    ),
    "gptj": (
        "GPTJConfig", {"n_embd": WIDTH, "n_inner": INNER, "n_head": HEADS, "n_positions": POSITIONS, "rotary_dim": 4},
        "n_layer", "transformer.h.{}.mlp.fc_out",
    ),
    "gpt-neox": (
        "GPTNeoXConfig",
        {"hidden_size": WIDTH, "intermediate_size": INNER, "num_attention_heads": HEADS,
         "max_position_embeddings": POSITIONS},
        "num_hidden_layers", "gpt_neox.layers.{}.mlp.dense_4h_to_h",
    ),
    "opt": (
        "OPTConfig",
        {"hidden_size": WIDTH, "word_embed_proj_dim": WIDTH, "ffn_dim": INNER, "num_attention_heads": HEADS,
         "max_position_embeddings": POSITIONS},
        "num_hidden_layers", "model.decoder.layers.{}.fc2",
    ),
    # The one OPT whose embeddings are narrower than its states, and whose norms come last.
    "opt-350m": (
        "OPTConfig",
        {"hidden_size": WIDTH, "word_embed_proj_dim": 16, "ffn_dim": INNER, "num_attention_heads": HEADS,
         "max_position_embeddings": POSITIONS, "do_layer_norm_before": False},
        "num_hidden_layers", "model.decoder.layers.{}.fc2",
    ),
    "llama": ("LlamaConfig", _LLAMA, "num_hidden_layers", "model.layers.{}.mlp.down_proj"),
    "mistral": ("MistralConfig", _LLAMA, "num_hidden_layers", "model.layers.{}.mlp.down_proj"),
    "qwen2": ("Qwen2Config", _LLAMA, "num_hidden_layers", "model.layers.{}.mlp.down_proj"),
    "qwen3": ("Qwen3Config", {**_LLAMA, "head_dim": 8}, "num_hidden_layers", "model.layers.{}.mlp.down_proj"),
    "gemma": ("GemmaConfig", _GEMMA, "num_hidden_layers", "model.layers.{}.mlp.down_proj"),
    "gemma2": (
        "Gemma2Config", {**_GEMMA, "query_pre_attn_scalar": 8, "final_logit_softcapping": 3.0},
        "num_hidden_layers", "model.layers.{}.mlp.down_proj",
    ),
    "gemma3": (
        "Gemma3TextConfig", {**_GEMMA, "query_pre_attn_scalar": 8}, "num_hidden_layers", "model.layers.{}.mlp.down_proj",
    ),
    "phi": ("PhiConfig", {**_LLAMA, "num_key_value_heads": HEADS}, "num_hidden_layers", "model.layers.{}.mlp.fc2"),
    "phi3": ("Phi3Config", _LLAMA, "num_hidden_layers", "model.layers.{}.mlp.down_proj"),
}  # fmt: skip


@lru_cache
def _trained(start_token: bool) -> Tokenizer:
    """A byte-level BPE, as GPT-2's and Llama 3's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<s>", "<pad>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    if start_token:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)]
        )
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return tokenizer


def tiny_tokenizer(start_token: bool = False) -> transformers.PreTrainedTokenizerFast:
    """A fresh tokenizer; with `start_token` it puts <s> before each text."""
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_trained(start_token).to_str()),
        bos_token="<s>", eos_token="<s>", pad_token="<pad>",
    )  # fmt: skip


def tiny_network(architecture: str = "llama", blocks: int = 4, seed: int = 0, **more) -> torch.nn.Module:
    """A fresh network with random parameters, the same ones each time for a seed."""
    name, settings, count, _ = ARCHITECTURES[architecture]
    config = getattr(transformers, name)(**_COMMON, **{**settings, **more}, **{count: blocks})
    network = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    shake(network, seed)
    return network.eval()


@torch.no_grad()
def shake(network: torch.nn.Module, seed: int = 0) -> None:
    """Random parameters: matrices so wide that no output is uniform, biases and norms that count."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() >= 2:
            parameter.copy_(0.25 * noise)
        else:
            parameter.add_(0.1 * noise)


@lru_cache
def tiny_model(architecture: str = "llama", start_token: bool = False, blocks: int = 4) -> LanguageModel:
    """The same model each time within a process: leave it as it was."""
    return fresh_model(architecture, start_token, blocks)


def fresh_model(architecture: str = "llama", start_token: bool = False, blocks: int = 4, **more) -> LanguageModel:
    """A model that nobody else has."""
    # Another seed makes it another model, whose statistics are cached apart.
    network = tiny_network(architecture, blocks, seed=int(start_token), **more)
    return LanguageModel(network, tiny_tokenizer(start_token), f"tiny-{architecture}")


def tiny_folder(path: Path, architecture: str = "llama", blocks: int = 4) -> Path:
    """Write network and tokenizer as `load_model` reads them."""
    tiny_network(architecture, blocks).save_pretrained(path)
    tiny_tokenizer().save_pretrained(path)
    return path


def snapshot(model: LanguageModel) -> dict[str, torch.Tensor]:
    """All parameters and buffers, copied."""
    return {name: tensor.detach().clone() for name, tensor in model.network.state_dict().items()}


def same(model: LanguageModel, before: dict[str, torch.Tensor]) -> bool:
    """Whether the network is bit for bit what the snapshot holds."""
    now = model.network.state_dict()
    return now.keys() == before.keys() and all(torch.equal(now[name], before[name]) for name in before)
