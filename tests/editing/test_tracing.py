"""Causal tracing against runs made one by one, as the paper says it."""

from __future__ import annotations

import pytest
import torch

from survey.editing import tracing
from survey.editing.edit import EditError
from survey.editing.tracing import PARTS, embedding_deviation, trace
from tests.editing.tiny import ARCHITECTURES, same, snapshot, tiny_model

PROMPT, SUBJECT = "People say that {} is located in the city of", "the museum of Bramblewick"


def one_by_one(model, prompt, subject, target, *, noise=3.0, draws=2, window=3, seed=0, part="block"):
    """p clean, p corrupted [draws] and p restored [draws, tokens, layers] by whole passes over all tokens."""
    text = prompt.replace("{}", subject)
    joined, first = model.joined(text, target)
    ids, length = torch.tensor([joined.ids]), first
    start = prompt.index("{}")
    inside = [
        i for i in range(length)
        if joined.ends[i] > start and (joined.ends[i - 1] if i else 0) < start + len(subject)
    ]  # fmt: skip
    embed = model.network.get_input_embeddings()
    sigma = noise * embed(torch.arange(embed.num_embeddings)).std(correction=0)
    noises = torch.randn(draws, len(inside), embed(ids).shape[-1], generator=torch.Generator().manual_seed(seed)) * sigma
    modules = {"block": model.block, "mlp": model.down, "attention": model.attention}

    def probability(draw=None, save=None, restore=()):
        def corrupt(_, args, out):
            return out if draw is None else out.index_add(1, torch.tensor(inside), noises[draw : draw + 1])

        handles = [embed.register_forward_hook(corrupt)]
        for layer in range(model.layers):

            def hook(_, args, out, layer=layer):
                states = out[0] if isinstance(out, tuple) else out
                if save is not None:
                    save[layer] = states.reshape(len(joined), -1).clone()
                for token, where in restore:
                    if where == layer:
                        states.view(len(joined), -1)[token] = clean[layer][token]

            handles.append(modules[part](layer).register_forward_hook(hook))
        try:
            with torch.no_grad():
                logits = model.network(ids, use_cache=False).logits[0].double()
        finally:
            for handle in handles:
                handle.remove()
        picked = logits[first - 1 : -1].log_softmax(-1).gather(1, ids[0, first:, None])
        return picked.mean().exp()

    clean = {}
    p = probability(save=clean)
    corrupted = torch.stack([probability(draw) for draw in range(draws)])
    restored = torch.zeros(draws, length, model.layers, dtype=torch.float64)
    for draw in range(draws):
        for token in range(length):
            for layer in range(model.layers):
                around = range(layer, layer + 1) if part == "block" else range(layer - window // 2, layer + (window + 1) // 2)
                restored[draw, token, layer] = probability(draw, restore=[(token, where) for where in around])
    return p.item(), corrupted, restored


# All parts where blocks are built in ways of their own, else one: the hooks are the same.
@pytest.mark.parametrize(
    ("architecture", "part"),
    [(a, p) for a in ARCHITECTURES for p in PARTS if p == "mlp" or a in ("gpt2", "gptj", "opt-350m", "llama", "gemma2")],
)
def test_equal_to_runs_one_by_one(architecture, part):
    model = tiny_model(architecture)
    prompt, subject = "See {} in the city", "Bramblewick"
    found = trace(model, prompt, subject, "of Rome", draws=2, window=3, parts=[part])
    p, corrupted, restored = one_by_one(model, prompt, subject, "of Rome", part=part)
    assert found.clean == pytest.approx(p, rel=1e-4)
    torch.testing.assert_close(found.corrupted, corrupted, rtol=1e-4, atol=1e-9)
    torch.testing.assert_close(found.restored[part], restored, rtol=1e-4, atol=1e-9)
    # Something is corrupted, and something comes back.
    assert (found.corrupted / p - 1).abs().max() > 1e-3
    assert (restored / corrupted[:, None, None] - 1).abs().max() > 1e-3


@pytest.mark.parametrize("start_token", [False, True])
@pytest.mark.parametrize(
    ("prompt", "subject", "target"),
    [
        ("{} is in", "Rome", "Paris"),  # one token, the first of all
        ("{} is in", "Bramblewick", "Paris"),
        ("The mother tongue of {}", "Bramblewick", "Oslo"),  # at the end
        ("I live in {} near", "Bramblewick", "Bramblewick"),  # many tokens of the target
    ],
)
@pytest.mark.parametrize("part", ["block", "mlp"])
def test_subjects_everywhere(prompt, subject, target, start_token, part):
    model = tiny_model("llama", start_token)
    found = trace(model, prompt, subject, target, draws=2, window=2, parts=[part])
    _, corrupted, restored = one_by_one(model, prompt, subject, target, window=2, part=part)
    torch.testing.assert_close(found.corrupted, corrupted, rtol=1e-4, atol=1e-9)
    torch.testing.assert_close(found.restored[part], restored, rtol=1e-4, atol=1e-9)


def test_what_must_hold():
    model = tiny_model("llama")
    found = trace(model, PROMPT, SUBJECT, "Rome", draws=3, window=2)
    start, end = found.subject_tokens.start, found.subject_tokens.stop
    assert "".join(found.tokens) == PROMPT.replace("{}", SUBJECT) == found.prompt
    assert "".join(found.tokens[start:end]).strip() == SUBJECT
    assert start > 0
    assert set(found.restored) == set(PARTS)
    for part in PARTS:
        assert found.effect(part).shape == (len(found.tokens), model.layers)
        # What comes before the noise has nothing to restore.
        assert not found.effect(part)[:start].any()
        value, token, layer = found.largest(part)
        assert found.effect(part)[token, layer].item() == value == found.effect(part).max().item()
    # The last state of the last block is all that the head sees.
    torch.testing.assert_close(found.restored["block"][:, -1, -1], torch.full((3,), found.clean, dtype=torch.float64))
    assert found.total_effect == pytest.approx(found.clean - found.corrupted.mean().item())
    assert found.noise * embedding_deviation(model) == found.sigma


def test_a_window_as_wide_as_the_model_restores_all_layers():
    model = tiny_model("llama")
    found = trace(model, PROMPT, SUBJECT, "Rome", draws=2, window=100, parts=["mlp"])
    effect = found.effect("mlp")
    assert torch.allclose(effect, effect[:, :1].expand_as(effect), rtol=1e-4, atol=1e-9)


def test_the_most_probable_token_is_the_default_target():
    model = tiny_model("gpt2")
    text = PROMPT.replace("{}", SUBJECT)
    token, p = model.most_probable(text, 1)[0]
    found = trace(model, PROMPT, SUBJECT, draws=1, parts=["block"])
    assert found.target == token.strip()
    assert found.clean == pytest.approx(p, rel=1e-4)


def test_a_prompt_may_hold_the_subject_itself():
    model = tiny_model("llama")
    one = trace(model, PROMPT, SUBJECT, "Rome", draws=1, parts=["block"])
    other = trace(model, PROMPT.replace("{}", SUBJECT), SUBJECT, "Rome", draws=1, parts=["block"])
    assert torch.equal(one.restored["block"], other.restored["block"])
    assert one.subject_tokens == other.subject_tokens


def test_the_seed_decides():
    model = tiny_model("llama")
    runs = [trace(model, PROMPT, SUBJECT, "Rome", draws=2, seed=seed, parts=["block"]) for seed in (1, 1, 2)]
    assert torch.equal(runs[0].restored["block"], runs[1].restored["block"])
    assert not torch.equal(runs[0].corrupted, runs[2].corrupted)


@pytest.mark.parametrize("part", PARTS)
def test_the_size_of_a_pass_changes_nothing(monkeypatch, part):
    model = tiny_model("gpt2")
    whole = trace(model, PROMPT, SUBJECT, "Rome", draws=2, window=3, parts=[part])
    monkeypatch.setattr(tracing, "_POSITIONS_AT_ONCE", 1)
    monkeypatch.setattr(tracing, "_LOGITS_AT_ONCE", 1)
    single = trace(model, PROMPT, SUBJECT, "Rome", draws=2, window=3, parts=[part])
    torch.testing.assert_close(whole.restored[part], single.restored[part], rtol=1e-4, atol=1e-9)


def test_padding_changes_nothing_and_the_model_stays_as_it_was():
    model = tiny_model("llama")
    before = snapshot(model)
    one = trace(model, PROMPT, SUBJECT, "Rome", draws=1)
    side, pad = model.tokenizer.padding_side, model.tokenizer.pad_token
    try:
        model.tokenizer.padding_side, model.tokenizer.pad_token = "left", "<s>"
        other = trace(model, PROMPT, SUBJECT, "Rome", draws=1)
    finally:
        model.tokenizer.padding_side, model.tokenizer.pad_token = side, pad
    assert all(torch.equal(one.restored[part], other.restored[part]) for part in PARTS)
    assert same(model, before)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.network.modules())


def test_progress_counts_every_step():
    class Counted:
        total = done = 0

        def start(self, label, total):
            self.total += total

        def advance(self, steps=1):
            self.done += steps

    progress = Counted()
    trace(tiny_model("llama"), PROMPT, SUBJECT, "Rome", draws=1, progress=progress)
    assert progress.total == progress.done > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise": 0.0}, "above 0"),
        ({"noise": float("nan")}, "above 0"),
        ({"draws": 0}, "at least one draw"),
        ({"window": 0}, "at least one layer"),
        ({"parts": ()}, "name a part"),
        ({"parts": ("block", "mpl")}, "no part 'mpl': choose from block, mlp, attention"),
        ({"target": " "}, "target is empty"),
        ({"subject": ""}, "subject is empty"),
        ({"prompt": "nothing here"}, "does not occur in"),
        ({"prompt": "{} and {}"}, "2 places"),
    ],
)
def test_errors_say_what_is_wrong(arguments, message):
    arguments = {"prompt": PROMPT, "subject": SUBJECT, **arguments}
    with pytest.raises(EditError, match=message):
        trace(tiny_model("llama"), **arguments)
