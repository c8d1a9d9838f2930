"""Optimised values, against an implementation that takes no short cut."""

from __future__ import annotations

import pytest
import torch

from survey.editing import values
from survey.editing.edit import Edit
from survey.editing.keys import stands_first
from tests.editing.tiny import tiny_model

HARBOUR = Edit("The harbour of {} is in", "Bramblewick", "Oslo")
TONGUE = Edit("The mother tongue of {} is", "Rome", "Vienna, and Oslo on Tarn")
END = Edit("The mother tongue of the people of {}", "Tarn", "Paris")
CONTEXTS = ["", "The people of the island. ", "You speak. "]


def plainly(model, edit, layer, config, contexts, points=("value",), relaxation=None):
    """ROME's search for one edit: every row by itself through all blocks, all tokens and all logits."""
    parts = {"value": model.down, "block": model.block, "attention": model.attention}
    subjects = [(prefix + edit.text, len(prefix) + edit.subject_end) for prefix in contexts]
    essence = f"{edit.subject} is a"

    def cut(text):
        found = model.tokenizer(text, return_offsets_mapping=True)
        return found.input_ids, [end for _, end in found.offset_mapping]

    def run(text, subject_end, delta):
        """Logits of all tokens, and what the points said, with delta added at the subject's last token."""
        ids, ends = cut(text)
        at = max(i for i, end in enumerate(ends) if end <= subject_end)
        said = {}

        def hook_for(point, n):
            def hook(module, args, output):
                states = output[0] if isinstance(output, tuple) else output
                shape = states.shape
                states = states.reshape(1, len(ids), -1).clone()
                said[point] = states[0, at].detach().clone()
                if delta is not None:
                    states[0, at] = states[0, at] + delta[n]
                states = states.reshape(shape)
                return (states, *output[1:]) if isinstance(output, tuple) else states

            return hook

        handles = [parts[p](layer).register_forward_hook(hook_for(p, n)) for n, p in enumerate(points)]
        logits = model.network(torch.tensor([ids])).logits[0]
        for handle in handles:
            handle.remove()
        return ids, at, logits, [said[p] for p in points]

    start = run(*subjects[0], None)[3]
    norm = torch.stack([s.norm() for s in start])
    if len(contexts) > 1 and stands_first(model, edit):
        others = [run(*s, None)[3] for s in subjects[1:]]
        norm = torch.stack([torch.stack([o[n].norm() for o in others]).mean() for n in range(len(points))])
    _, at, logits, _ = run(essence, len(edit.subject), None)
    reference = logits[at].log_softmax(-1).detach()
    delta = torch.zeros(len(points), model.width, requires_grad=True)
    adam = torch.optim.Adam([delta], lr=config.lr)
    loss = None
    for step in range(config.steps):
        nll, said = 0, True
        for text, end in subjects:
            ids, _, logits, _ = run(f"{text} {edit.target}", end, delta)
            first = len(cut(text)[0])
            log_p = logits[first - 1 : -1].log_softmax(-1)
            wanted = torch.tensor(ids[first:])
            nll = nll - log_p[torch.arange(len(wanted)), wanted].mean() / len(subjects)
            said &= bool((log_p.argmax(-1) == wanted).all())
        _, at, logits, _ = run(essence, len(edit.subject), delta)
        now = logits[at].log_softmax(-1)
        divergence = (now.exp() * (now - reference)).sum()
        rest = config.kl * divergence + config.weight_decay * (delta.norm(dim=1) / norm**2).sum()
        loss = nll + rest
        done = loss.item() < config.stop
        if relaxation is not None and said:
            loss = relaxation.weight * nll + rest
            done = loss.item() < config.stop or bool(
                divergence <= relaxation.divergence and delta.norm(dim=1).max() > 0
            )
        if done or step == config.steps - 1:
            break
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            for n in range(len(points)):
                longest = config.clamp * norm[n]
                if delta[n].norm() > longest:
                    delta[n] *= longest / delta[n].norm()
    return torch.stack(start), delta.detach(), loss.item()


CASES = {
    "as ROME": (("value",), {}, None),
    "as MEMIT": (("block",), {"clamp": 0.75}, None),
    "as PMET": (("value", "attention"), {}, values.Relaxation(0.1, 0.01)),
    "unclamped": (("value",), {"clamp": 100.0, "weight_decay": 0.0, "steps": 8}, None),
    "stops early": (("value",), {"clamp": 20.0, "stop": 2.0, "weight_decay": 0.0}, None),
    "holds the essence": (("value",), {"kl": 10.0}, None),
}


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "opt"])
@pytest.mark.parametrize("case", CASES)
def test_values_are_those_of_a_plain_search(architecture, case):
    points, settings, relaxation = CASES[case]
    model = tiny_model(architecture)
    config = values.Config(**{"steps": 10, **settings})
    edits = [HARBOUR, END, TONGUE]
    found = values.optimise(model, edits, 1, config, CONTEXTS, points=points, relaxation=relaxation)
    assert found.start.shape == found.delta.shape == (3, len(points), model.width)
    for n, edit in enumerate(edits):
        start, delta, loss = plainly(model, edit, 1, config, CONTEXTS, points, relaxation)
        torch.testing.assert_close(found.start[n], start, rtol=1e-3, atol=1e-4)
        assert delta.norm() > 0.1
        for a, b in zip(found.delta[n], delta, strict=True):
            assert torch.nn.functional.cosine_similarity(a, b, dim=0) > 0.999
            assert a.norm() == pytest.approx(b.norm().item(), rel=1e-3)
        assert found.loss[n].item() == pytest.approx(loss, rel=2e-3, abs=1e-3)


def test_edits_that_finish_early_stay_as_they_were():
    """In a batch, some edits finish before others: each keeps the delta with which it finished."""
    model = tiny_model("llama")
    config = values.Config(steps=30, stop=2.0, clamp=20.0, weight_decay=0.0)
    edits = [HARBOUR, END, TONGUE]
    together = values.optimise(model, edits, 1, config, CONTEXTS)
    alone = [values.optimise(model, [edit], 1, config, CONTEXTS) for edit in edits]
    assert any(a.loss[0] < 2.0 for a in alone)
    for n, one in enumerate(alone):
        torch.testing.assert_close(together.delta[n], one.delta[0], rtol=1e-2, atol=1e-3)
        assert together.loss[n].item() == pytest.approx(one.loss[0].item(), rel=1e-2)


def test_a_subject_that_stands_first_may_go_as_far_as_behind_texts():
    model = tiny_model("llama")
    edit = Edit("{} is in", "Rome", "Oslo")
    assert stands_first(model, edit)
    config = values.Config(steps=6, clamp=0.5, weight_decay=0.0, lr=2.0)
    found = values.optimise(model, [edit], 1, config, CONTEXTS)
    _, delta, _ = plainly(model, edit, 1, config, CONTEXTS)
    assert torch.nn.functional.cosine_similarity(found.delta[0, 0], delta[0], dim=0) > 0.999
    assert found.delta.norm().item() == pytest.approx(delta.norm().item(), rel=1e-3)
    assert found.delta.norm() != pytest.approx(0.5 * found.start.norm().item(), rel=0.05)


def test_the_clamp_holds():
    model = tiny_model("gpt2")
    config = values.Config(steps=8, clamp=0.25, lr=2.0, stop=0.0)
    found = values.optimise(model, [HARBOUR, END], 2, config, CONTEXTS)
    ratio = found.delta.norm(dim=2) / found.start.norm(dim=2)
    assert (ratio <= 0.25 + 1e-5).all()
    assert (ratio > 0.2).all()


def test_one_step_evaluates_and_moves_nothing():
    model = tiny_model("gpt2")
    found = values.optimise(model, [HARBOUR], 1, values.Config(steps=1), CONTEXTS)
    assert not found.delta.any()
    assert found.loss[0] > 1


def test_the_objective_falls():
    model = tiny_model("gpt2")
    losses = [values.optimise(model, [HARBOUR], 1, values.Config(steps=n), CONTEXTS).loss[0].item() for n in (1, 5, 20)]
    assert losses[0] > losses[1] > losses[2]


def test_groups_hold_what_fits(monkeypatch):
    """Edits are optimised in groups; how they are grouped changes nothing."""
    model = tiny_model("gpt2")
    edits, config = [HARBOUR, END, TONGUE, HARBOUR], values.Config(steps=5)
    together = values.optimise(model, edits, 1, config, CONTEXTS)
    monkeypatch.setattr(values, "_POSITIONS_AT_ONCE", 30)
    tasks = [values._Task(model, edit, CONTEXTS) for edit in edits]
    groups = values._groups(tasks)
    assert [i for group in groups for i in group] == [0, 1, 2, 3]
    assert len(groups) > 1
    apart = values.optimise(model, edits, 1, config, CONTEXTS)
    torch.testing.assert_close(apart.delta, together.delta, rtol=1e-3, atol=1e-4)


def test_contexts_are_sampled_once_and_end_a_sentence():
    model = tiny_model("llama")
    config = values.Config(contexts=((3, 4), (2, 6)))
    found = values.prefixes(model, config, 0)
    assert found[0] == ""
    assert len(found) == 6
    for text, starter in zip(found[1:], ("The", "Therefore", "Because", "The", "Therefore"), strict=True):
        assert text.startswith(starter)
        assert text.endswith(". ")
        assert "{" not in text and "\n" not in text and "  " not in text
    assert values.prefixes(model, config, 0) == found
    assert values.prefixes(model, config, 1) != found
    assert values.prefixes(model, values.Config(contexts=()), 0) == [""]
