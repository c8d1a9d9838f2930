"""Texts in, probabilities and states out, against plain calls of the Transformers library."""

from __future__ import annotations

import pytest
import torch

from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.patch import Change, PatchError, WeightPatch
from tests.editing.tiny import (
    ARCHITECTURES,
    fresh_model,
    same,
    snapshot,
    tiny_folder,
    tiny_model,
    tiny_tokenizer,
)

PROMPTS = ["Rome", "The harbour of Bramblewick is in the city of", "I live in Vienna and", "The mother tongue of the"]
PAIRS = [
    ("Rome is in", "Paris"),
    ("The harbour of Bramblewick is in the city of", "Oslo on Tarn"),
    ("I", "live in Vienna."),
    ("The museum", "x"),
]

every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


# Tokens


@pytest.mark.parametrize("start_token", [False, True])
def test_tokens_and_their_places(start_token):
    model = tiny_model("llama", start_token)
    tokens = model.tokens("Rome is Tarn")
    shift = int(start_token)
    assert len(tokens) == len(tokens.ids) == len(tokens.ends) == shift + 6
    assert tokens.ends[shift:] == (4, 7, 8, 9, 11, 12) or tokens.ends[shift:][:2] == (4, 7)
    assert tokens.ends[:shift] == (0,) * shift
    assert tokens.ids[:shift] == (0,) * shift
    assert model.decode(tokens.ids) == "Rome is Tarn"
    assert model.begins_without_mark() is not start_token


@pytest.mark.parametrize("start_token", [False, True])
@pytest.mark.parametrize("prefix", ["", "People speak. "])
@pytest.mark.parametrize("prompt", ["{} is in", "The harbour of {} is in", "The people of {}", "In the {}, we"])
@pytest.mark.parametrize("subject", ["Rome", "Bramblewick", "The Tarn on Rome", "São Tomé", "東京", "Zoë 🎈"])
def test_the_subject_ends_at_its_last_token(start_token, prefix, prompt, subject):
    model = tiny_model("llama", start_token)
    edit = Edit(prompt, subject, "Oslo")
    index = model.subject_index(edit, prefix)
    ids = model.tokens(prefix + edit.text).ids
    end = len(prefix) + edit.subject_end
    assert model.decode(ids[: index + 1]) == (prefix + edit.text)[:end]
    assert not model.decode(ids[:index]).endswith(subject)


def test_a_subject_that_shares_a_token_ends_with_it():
    model = tiny_model("llama")
    edit = Edit("{}is in", "Pa", "Oslo")  # Pa|is would be Pa|ris: here the text is "Pais in".
    tokens = model.tokens(edit.text)
    index = model.subject_index(edit)
    assert tokens.ends[index] >= 2
    assert index == 0 or tokens.ends[index - 1] < 2


@pytest.mark.parametrize("start_token", [False, True])
@pytest.mark.parametrize("text", [*PROMPTS, "Rome  is", "São Tomé, 東京", "a", "I live in 🎈 x"])
def test_a_slow_tokenizer_gives_the_same(start_token, text):
    model = fresh_model("llama", start_token)
    expected = model.tokens(text)

    class Slow:
        """A tokenizer that cannot tell where its tokens are."""

        is_fast = False

        def __init__(self, fast) -> None:
            self.fast = fast
            self.all_special_ids = fast.all_special_ids

        def __call__(self, text, **options):
            assert not options
            return {"input_ids": self.fast(text)["input_ids"]}

        def decode(self, ids, **options):
            return self.fast.decode(ids, **options)

    slow = LanguageModel(model.network, Slow(model.tokenizer), "slow")
    assert slow.tokens(text) == expected


def test_an_end_mark_is_no_part_of_a_text():
    from tokenizers import processors

    model = fresh_model("llama")
    expected = model.tokens("Rome is in")
    model.tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <s>", special_tokens=[("<s>", 0)]
    )
    other = LanguageModel(model.network, model.tokenizer, "ends")
    assert other.tokenizer("Rome is in")["input_ids"][-1] == 0
    assert other.tokens("Rome is in").ids == expected.ids


@pytest.mark.parametrize("start_token", [False, True])
@pytest.mark.parametrize("prompt, target", PAIRS)
def test_joined_texts(start_token, prompt, target):
    model = tiny_model("llama", start_token)
    tokens, first = model.joined(prompt, target)
    assert model.decode(tokens.ids[:first]) == prompt
    assert model.decode(tokens.ids[first:]) == " " + target


@pytest.mark.parametrize("prompt, target", [("", "Rome"), ("Rome", "")])
def test_nothing_cannot_be_joined(prompt, target):
    with pytest.raises(EditError, match="one of them is empty"):
        tiny_model().joined(prompt, target)


# Probabilities


@every_architecture
def test_probabilities_are_those_of_a_plain_pass(architecture):
    model = tiny_model(architecture)
    found = model.target_log_probabilities(PAIRS)
    for (prompt, target), (log_p, most) in zip(PAIRS, found, strict=True):
        ids = model.tokenizer(f"{prompt} {target}", return_tensors="pt").input_ids
        start = len(model.tokenizer(prompt).input_ids)
        with torch.no_grad():
            logits = model.network(ids).logits[0, start - 1 : -1]
        expected = logits.log_softmax(-1).gather(1, ids[0, start:, None])[:, 0]
        torch.testing.assert_close(log_p, expected, rtol=1e-3, atol=1e-3)
        assert most.tolist() == (logits.argmax(-1) == ids[0, start:]).tolist()
        assert model.probability(prompt, target) == pytest.approx(expected.mean().exp().item(), rel=2e-3)
    assert model.probabilities(PAIRS) == pytest.approx([log_p.mean().exp().item() for log_p, _ in found])
    # They tell something: one target is not as good as any other.
    assert max(model.probabilities(PAIRS)) > 1.2 * min(model.probabilities(PAIRS))


@every_architecture
def test_next_logits_are_those_of_a_plain_pass(architecture):
    model = tiny_model(architecture)
    for prompt, logits in zip(PROMPTS, model.next_logits(PROMPTS), strict=True):
        with torch.no_grad():
            expected = model.network(model.tokenizer(prompt, return_tensors="pt").input_ids).logits[0, -1]
        torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-3)
    (text, p), *rest = model.most_probable(PROMPTS[0], 4)
    p_all = model.next_logits(PROMPTS[:1])[0].softmax(-1)
    assert p == pytest.approx(p_all.max().item(), rel=1e-4)
    assert text == model.decode([p_all.argmax().item()])
    assert [q for _, q in rest] == sorted((q for _, q in rest), reverse=True)


def test_many_rows_go_in_many_passes(monkeypatch):
    model = tiny_model("gpt2")
    at_once = model.probabilities(PAIRS * 5)
    monkeypatch.setattr("survey.editing.language_model._TOKENS_AT_ONCE", 24)
    rows = [model.tokens(p).ids for p in PROMPTS * 5]
    batches = list(model.batches(rows))
    assert sorted(i for batch in batches for i in batch) == list(range(20))
    assert all(len(b) == 1 or len(b) * max(len(rows[i]) for i in b) <= 24 for b in batches)
    assert len(batches) > 5
    assert model.probabilities(PAIRS * 5) == pytest.approx(at_once, rel=1e-4)


# Generation


@every_architecture
def test_generation_is_greedy(architecture):
    model = tiny_model(architecture)
    expected = []
    for prompt in PROMPTS:
        ids = model.tokenizer(prompt, return_tensors="pt").input_ids
        made = model.network.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
        expected.append(model.tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True))
        assert model.generate(prompt, 12) == expected[-1]
    assert model.generate(PROMPTS, 12) == expected
    assert model.generate(PROMPTS[::-1], 12) == expected[::-1]
    assert len(set(expected)) > 1


def test_generation_ends_where_the_text_ends():
    model = fresh_model("gpt2")
    full = model.generate("Rome", 12)
    third = model.tokens("Rome" + full).ids[3]
    model.network.generation_config.eos_token_id = [5, third]
    del model.__dict__["end_ids"]
    cut = model.generate("Rome", 12)
    assert full.startswith(cut)
    assert len(cut) < len(full)
    assert third not in model.tokens("Rome" + cut).ids


def test_an_edited_model_generates_as_edited():
    """Cached keys and values are those of the edited model, too."""
    model = fresh_model("llama")
    before = model.generate(PROMPTS, 8)
    patch = WeightPatch(changes={model.down_name(1): Change(dense=torch.randn(32, 64))})
    model.apply(patch)
    ids = model.tokenizer(PROMPTS[1], return_tensors="pt").input_ids
    made = model.network.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False)
    after = model.generate(PROMPTS, 8)
    assert after[1] == model.tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    assert after != before


# States


@every_architecture
def test_states_are_those_of_a_plain_pass(architecture):
    model = tiny_model(architecture)
    rows = [model.tokens(p).ids for p in PROMPTS]
    positions = [len(row) // 2 for row in rows]
    points = [(part, layer) for part in ("key", "value", "block", "attention") for layer in (0, 2)]
    found = model.read(rows, positions, points)
    for n, (row, position) in enumerate(zip(rows, positions, strict=True)):
        seen = {}

        def remember(point, seen=seen):
            def hook(module, args, output):
                output = output[0] if isinstance(output, tuple) else output
                seen[point] = args[0] if point[0] == "key" else output

            return hook

        modules = {"key": model.down, "value": model.down, "block": model.block, "attention": model.attention}
        handles = [modules[part](layer).register_forward_hook(remember((part, layer))) for part, layer in points]
        with torch.no_grad():
            model.network(torch.tensor([row]))
        for handle in handles:
            handle.remove()
        for point in points:
            expected = seen[point].view(1, len(row), -1)[0, position]
            torch.testing.assert_close(found[point][n], expected, rtol=1e-3, atol=1e-4)
            assert found[point].shape == (len(rows), expected.numel())


def test_reading_ends_after_the_last_point():
    model = tiny_model("gpt2")
    reached = []
    handle = model.block(3).register_forward_hook(lambda *_: reached.append(3))
    try:
        model.read([(1, 2, 3)], [2], [("key", 1), ("block", 2)])
    finally:
        handle.remove()
    assert reached == []


@pytest.mark.parametrize("layer, expected", [(0, 0), (3, 3), (-1, 3), (-4, 0)])
def test_layers_count_from_both_ends(layer, expected):
    model = tiny_model()
    assert model.layer(layer) == expected
    assert model.down(layer) is model.down(expected)


@pytest.mark.parametrize("layer", [4, -5, 100])
def test_a_layer_that_is_not_there(layer):
    with pytest.raises(EditError, match=f"no layer {layer}: tiny-llama has layers 0 to 3"):
        tiny_model().down(layer)


# Patches


def _patch(model, layer=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    left, right = torch.randn(32, 2, generator=generator), torch.randn(2, 64, generator=generator)
    return WeightPatch(changes={model.down_name(layer): model.change(layer, left, right)})


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_a_change_has_the_orientation_of_the_parameter(architecture):
    model = fresh_model(architecture)
    left, right = torch.randn(32, 2), torch.randn(2, 64)
    down, key = model.down(1), torch.randn(64)
    before = down(key)
    model.apply(WeightPatch(changes={model.down_name(1): model.change(1, left, right)}))
    torch.testing.assert_close(down(key), before + left @ (right @ key), rtol=1e-3, atol=1e-3)


def test_patches_add_up_and_come_off():
    model = fresh_model("gpt2")
    before = snapshot(model)
    one, other = _patch(model, 1, 0), _patch(model, 1, 1)
    model.apply(one)
    with_one = snapshot(model)
    model.apply(other)
    model.apply(one)
    assert "3 patches" in repr(model)
    model.remove(one)
    model.remove(other)
    assert same(model, with_one)
    with model.pristine():
        assert same(model, before)
        assert model.patches == []
    assert same(model, with_one)
    assert torch.equal(model.original(model.down_name(1)), before[model.down_name(1)])
    model.restore()
    assert same(model, before)
    assert model.patches == []


def test_a_patch_that_does_not_fit_changes_nothing():
    model = fresh_model("gpt2")
    before = snapshot(model)
    patch = _patch(model)
    patch.changes["transformer.h.9.mlp.c_proj.weight"] = Change(dense=torch.zeros(2, 2))
    with pytest.raises(PatchError, match=r"changes transformer\.h\.9.*, which tiny-gpt2 does not have"):
        model.apply(patch)
    assert same(model, before)
    assert model.patches == []


def test_what_is_remembered_is_of_the_unedited_model():
    model = fresh_model("gpt2")
    weight = model.parameters[model.down_name(1)]
    before = weight.clone()
    model.apply(_patch(model))
    assert torch.equal(model.remember("a", lambda: weight.clone()), before)
    assert not torch.equal(weight, before)
    model.restore()
    assert torch.equal(model.remember("a", lambda: None), before)


def test_the_fingerprint_is_of_every_parameter():
    fingerprint = fresh_model("gpt2").fingerprint
    assert len(fingerprint) == 32
    assert int(fingerprint, 16) >= 0
    assert fresh_model("gpt2").fingerprint == fingerprint
    seen = {fingerprint}
    model = fresh_model("gpt2")
    for parameter in model.parameters.values():
        before = parameter.detach().clone()
        with torch.no_grad():
            parameter.view(-1)[-1] += 1e-6 + parameter.view(-1)[-1].abs() * 1e-6
        seen.add(LanguageModel(model.network, model.tokenizer).fingerprint)
        with torch.no_grad():
            parameter.copy_(before)
    assert len(seen) == len(model.parameters) + 1


def test_the_fingerprint_is_of_the_unedited_model():
    model = fresh_model("gpt2")
    model.apply(_patch(model))
    assert model.fingerprint == fresh_model("gpt2").fingerprint


def test_tied_parameters_count_once():
    model = tiny_model("gpt2")
    assert "lm_head.weight" not in model.parameters
    assert "transformer.wte.weight" in model.parameters


def test_nothing_wants_gradients():
    model = tiny_model("gpt2")
    assert not any(p.requires_grad for p in model.network.parameters())
    assert not model.network.training


def test_a_model_is_read_from_a_folder(tmp_path):
    from survey.editing import load_model

    folder = tiny_folder(tmp_path / "net", "gpt2")
    model = load_model(str(folder))
    expected = tiny_model("gpt2")
    assert model.fingerprint == expected.fingerprint
    assert model.generate(PROMPTS, 5) == expected.generate(PROMPTS, 5)
    assert model.device.type == "cpu"


@pytest.mark.parametrize("content", [None, {}, {"config.json": "{"}, {"config.json": '{"model_type": "no such thing"}'}])
def test_a_folder_that_holds_no_model(tmp_path, content):
    from survey.editing import load_model

    folder = tmp_path / "net"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    with pytest.raises(EditError, match=r"no folder|cannot be loaded as a causal language model") as caught:
        load_model(str(folder))
    assert "\n" not in str(caught.value)


def test_tokenizers_are_alike():
    """What the other tests take for granted."""
    assert tiny_tokenizer()("Rome is").input_ids == tiny_tokenizer()("Rome is").input_ids
    assert tiny_tokenizer(True)("Rome is").input_ids == [0, *tiny_tokenizer()("Rome is").input_ids]
