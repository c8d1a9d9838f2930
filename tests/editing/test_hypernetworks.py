"""What KE, MEND and MALMEN share: lessons made of facts, and the net for tokens."""

from __future__ import annotations

import pytest
import torch

from survey.editing import EditError, apply, facts, find
from survey.editing.gradients import Factors, factors_of
from survey.editing.hypernetworks import Lessons, TokenNet, patch_of
from survey.editing.method import Quiet
from tests.editing.methods.common import close
from tests.editing.test_gradients import loss, random_shift
from tests.editing.tiny import tiny_model

EXAMPLES = facts.examples(0)[:5]


@pytest.fixture(scope="module")
def model():
    return tiny_model("llama", blocks=4)


@pytest.fixture(scope="module")
def lessons(model):
    return Lessons(model, EXAMPLES, [2, 3], Quiet())


def test_lessons_hold_the_factors_of_the_edits(model, lessons):
    found = lessons.gradients([3, 1])
    expected = factors_of(model, [EXAMPLES[3].edit, EXAMPLES[1].edit], [2, 3], Quiet())
    for layer in (2, 3):
        close(found[layer].inputs, expected[layer].inputs)
        close(found[layer].gradients, expected[layer].gradients)


def test_half_of_the_texts_follow_a_sentence():
    behind = lambda text: text.startswith(facts.sentences())  # noqa: E731
    examples = facts.examples(0)[:40]
    pairs = [(behind(e.rephrasings[i % 2]), behind(e.neighbours[i // 2 % 2].prompt)) for i, e in enumerate(examples)]
    # All four combinations come alike: neither tells anything about the other.
    assert [pairs.count(pair) for pair in [(a, b) for a in (True, False) for b in (True, False)]] == [10] * 4


def test_the_outcome_is_that_of_a_changed_model(model, lessons):
    chosen, rephrased = [4, 0, 2], [False, True, True]
    shifts = {layer: random_shift(model, layer, edits=3, seed=layer) for layer in (2, 3)}
    with torch.no_grad():
        losses, said, divergence = lessons.outcome(chosen, shifts, rephrased)
    assert (divergence > 0.01).all()
    for n, i in enumerate(chosen):
        example = EXAMPLES[i]
        alone = {layer: type(s)(s.left[n], s.right[n]) for layer, s in shifts.items()}
        prompt = example.rephrasings[i % 2] if rephrased[n] else example.edit.text
        neighbour = example.neighbours[i // 2 % 2]
        tokens, start = model.joined(neighbour.prompt, neighbour.answer)
        answer = [*range(start - 1, len(tokens) - 1)]
        places, _ = lessons._places(2 * len(lessons) + i)
        assert places[: len(answer)] == answer and len(places) == len(answer) + 1 and places[-1] < start - 1
        logits = lambda ids=tokens.ids, places=places: (  # noqa: E731
            model.network(torch.tensor([ids])).logits[0, places].log_softmax(-1)
        )
        with torch.no_grad():
            before = logits()
            with apply(patch_of(model, alone), model):
                after = logits()
                expected = loss(model, prompt, example.edit.target)
                exact = model.target_log_probabilities([(prompt, example.edit.target)])[0][1].all()
        torch.testing.assert_close(losses[n], expected, rtol=1e-3, atol=1e-3)
        assert said[n] == exact
        kl = (before.exp() * (before - after)).sum(-1)
        torch.testing.assert_close(divergence[n], kl[:-1].mean() + kl[-1], rtol=1e-3, atol=1e-3)


def test_nothing_diverges_where_nothing_changes(model, lessons):
    shifts = {layer: random_shift(model, layer, edits=2) for layer in (2, 3)}
    for shift in shifts.values():
        shift.left.zero_()
    with torch.no_grad():
        losses, _, divergence = lessons.outcome([0, 1], shifts, [False, False])
    assert divergence.abs().max() < 1e-5
    torch.testing.assert_close(losses[0], loss(model, EXAMPLES[0].edit.text, EXAMPLES[0].edit.target), rtol=1e-3, atol=1e-3)


def random_factors(edits=2, tokens=3, sizes=(6, 4), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Factors(*(torch.randn(edits, tokens, size, generator=generator) for size in sizes))


def test_the_net_for_tokens_begins_as_the_identity():
    net, factors = TokenNet(2, (6, 4), 3, seed=0), random_factors()
    inputs, gradients = net(1, factors)
    assert torch.equal(inputs, factors.inputs) and torch.equal(gradients, factors.gradients)


def test_the_net_learns_from_its_start_on():
    net = TokenNet(2, (6, 4), 3, seed=0)
    sum(part.square().sum() for part in net(1, random_factors())).backward()
    assert net.up.grad.abs().sum() > 0, "a dead start"
    assert net.offset.grad[1].abs().sum() > 0 and not net.offset.grad[0].any(), "layers share their offsets"


def test_what_enters_is_normalised():
    net = TokenNet(1, (6, 4), 3, seed=0)
    parts = [Factors(7 * random_factors(1, n, seed=n).inputs + 2, random_factors(1, n, seed=n).gradients / 50) for n in (30, 40)]
    net.measure([parts])
    inputs, gradients = net(0, Factors(torch.cat([p.inputs for p in parts], 1), torch.cat([p.gradients for p in parts], 1)))
    both = torch.cat([inputs, gradients], -1)[0]
    assert both.mean(0).abs().max() < 1e-4
    assert (both.std(0, correction=0) - 1).abs().max() < 1e-3


def test_tokens_that_do_not_count_stay_zero():
    net, factors = TokenNet(1, (6, 4), 3, seed=0), random_factors()
    net.mean.fill_(1.0)
    factors.gradients[0, 1] = 0
    inputs, gradients = net(0, factors)
    assert not inputs[0, 1].any() and not gradients[0, 1].any()
    assert inputs[0, 0].all() and inputs[1].all()


@pytest.mark.parametrize("method", ["ke", "mend", "malmen"])
@pytest.mark.parametrize("setting", ["examples", "facts", "patience", "check", "steps"])
def test_numbers_below_one_make_no_sense(method, setting):
    with pytest.raises(EditError, match=f"{setting} must be at least 1"):
        find(method).configure(**{setting: 0})
