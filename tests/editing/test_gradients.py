"""Factors of gradients and low-rank changes, against what whole matrices give."""

from __future__ import annotations

import pytest
import torch

from survey.editing import Edit
from survey.editing.gradients import Factors, Library, Shift, factors_of, read_factors, shifted
from survey.editing.method import Quiet
from survey.editing.structure import matrix
from tests.editing.methods.common import BRIDGE, HARBOUR, close
from tests.editing.tiny import fresh_model, same, snapshot, tiny_model

LONG = Edit("Nobody knows where the old museum of {} once stood, but it was in", "Rome", "Tarn by Rome", "Oslo")
EDITS = [HARBOUR, LONG, BRIDGE]
ARCHITECTURES = ("gpt2", "llama", "opt", "gemma2")
PAIRS = [(e.text, e.target) for e in EDITS]


def loss(model, prompt: str, target: str) -> torch.Tensor:
    """Mean of -log P over the target's tokens, by a whole pass."""
    ids = model.tokenizer(f"{prompt} {target}", return_offsets_mapping=True)
    start = next(i for i, (_, end) in enumerate(ids.offset_mapping) if end > len(prompt))
    logits = model.network(torch.tensor([ids.input_ids])).logits[0].log_softmax(-1)
    return -torch.stack([logits[i - 1, ids.input_ids[i]] for i in range(start, len(ids.input_ids))]).mean()


def whole_gradient(model, pair, layer) -> torch.Tensor:
    weight = model.parameters[model.down_name(layer)].requires_grad_(True)
    try:
        gradient = torch.autograd.grad(loss(model, *pair), weight)[0]
    finally:
        weight.requires_grad_(False)
    return gradient if gradient.shape[0] == model.width else gradient.T


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_factors_make_up_the_gradient(architecture):
    model = tiny_model(architecture, blocks=4)
    before = snapshot(model)
    found = factors_of(model, EDITS, [1, 3], Quiet())
    for layer in (1, 3):
        for n, pair in enumerate(PAIRS):
            close(found[layer].gradients[n].T @ found[layer].inputs[n], whole_gradient(model, pair, layer))
    assert same(model, before)
    assert not any(m._forward_hooks for m in model.network.modules())


def test_factors_are_those_of_the_model_as_it_is():
    from survey.editing import apply

    model = fresh_model("llama", blocks=4)
    with apply("ft-l", model, BRIDGE, epsilon=0.05, steps=3, lr=0.02):
        found = factors_of(model, [HARBOUR], [2], Quiet())[2]
        close(found.gradients[0].T @ found.inputs[0], whole_gradient(model, PAIRS[0], 2))


def test_only_tokens_count_that_have_a_gradient():
    model = tiny_model("llama", blocks=4)
    tokens, start = model.joined(*PAIRS[1])
    found = factors_of(model, [LONG], [2, 3], Quiet())
    # In the last block only tokens that predict the target are heard.
    assert found[3].inputs.shape[1] == len(tokens) - start > 4
    assert found[2].inputs.shape[1] == len(tokens) - 1
    answers = factors_of(model, [LONG], [2, 3], Quiet(), answers_only=True)
    assert answers[2].inputs.shape[1] == len(tokens) - start
    assert torch.equal(answers[2].inputs[0], found[2].inputs[0, start - 1 :])
    assert torch.equal(answers[3].gradients, found[3].gradients)


def test_edits_of_a_batch_do_not_mix():
    model = tiny_model("gpt2", blocks=4)
    together, alone = factors_of(model, EDITS, [2], Quiet())[2], factors_of(model, [HARBOUR], [2], Quiet())[2]
    tokens = alone.inputs.shape[1]
    close(together.inputs[:1, :tokens], alone.inputs)
    close(together.gradients[:1, :tokens], alone.gradients)
    assert not together.inputs[0, tokens:].any() and not together.counts[0, tokens:].any()
    assert together.counts[1].all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_library_says_what_whole_passes_say(architecture):
    model = tiny_model(architecture, blocks=4)
    library = Library(model, PAIRS, -2)
    with torch.no_grad():
        for chosen in ([1], [2, 0], [0, 1, 2]):
            passages = library.take(chosen)
            losses, said = passages.losses(passages.hidden())
            expected = torch.stack([loss(model, *PAIRS[i]) for i in chosen])
            torch.testing.assert_close(losses, expected, rtol=1e-4, atol=1e-4)
            exact = [bool(hit.all()) for _, hit in model.target_log_probabilities([PAIRS[i] for i in chosen])]
            assert said.tolist() == exact


def random_shift(model, layer, edits=None, rank=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    width, size = matrix(model.down(layer)).shape
    shape = () if edits is None else (edits,)
    left = 0.3 * torch.randn(*shape, width, rank, generator=generator)
    return Shift(left, torch.randn(*shape, rank, size, generator=generator))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_shift_acts_as_the_changed_matrix(architecture):
    model = fresh_model(architecture, blocks=4)
    library = Library(model, PAIRS, 2)
    shifts = {layer: random_shift(model, layer, edits=3, seed=layer) for layer in (2, 3)}
    shared = {layer: random_shift(model, layer, seed=layer) for layer in (2, 3)}
    with torch.no_grad():
        passages = library.take([0, 1, 2])
        with shifted(model, shifts, torch.tensor([2, 0, 1])):
            own, _ = passages.losses(passages.hidden())
        with shifted(model, shared):
            all_one, _ = passages.losses(passages.hidden())
        before = snapshot(model)
        for row, edit in enumerate((2, 0, 1)):
            for layer, shift in shifts.items():
                _add(model, layer, Shift(shift.left[edit], shift.right[edit]).change(model, layer).full())
            torch.testing.assert_close(own[row], loss(model, *PAIRS[row]), rtol=1e-3, atol=1e-3)
            model.network.load_state_dict(before)
        for layer, shift in shared.items():
            _add(model, layer, shift.change(model, layer).full())
        expected = torch.stack([loss(model, *pair) for pair in PAIRS])
        torch.testing.assert_close(all_one, expected, rtol=1e-3, atol=1e-3)
    assert not any(m._forward_hooks for m in model.network.modules())


def _add(model, layer, change):
    model.parameters[model.down_name(layer)].add_(change)


def test_a_change_of_many_edits_is_their_sum_in_the_smaller_form():
    model = tiny_model("llama", blocks=4)
    few, many = random_shift(model, 1, edits=3, rank=2), random_shift(model, 1, edits=20, rank=2)
    for shift, dense in ((few, False), (many, True)):
        change = shift.change(model, 1)
        assert (change.dense is not None) == dense
        close(change.full(), (shift.left @ shift.right).sum(0))


def test_rows_that_hold_nothing_are_left_out_of_a_change():
    model = tiny_model("llama", blocks=4)
    shift = random_shift(model, 1, edits=2, rank=3)
    shift.right[1, 1:] = 0
    assert shift.change(model, 1).left.shape[1] == 4
    close(shift.change(model, 1).full(), (shift.left @ shift.right).sum(0))


def test_stacked_factors_come_apart_again():
    parts = [Factors(torch.randn(1, n, 3), torch.randn(1, n, 2)) for n in (2, 4)]
    back = Factors.stack(parts).rows()
    assert all(torch.equal(a.inputs, b.inputs) and torch.equal(a.gradients, b.gradients) for a, b in zip(parts, back, strict=True))


def test_read_factors_do_not_need_gradients_switched_on():
    model = tiny_model("llama", blocks=4)
    with torch.no_grad():
        found = read_factors(Library(model, PAIRS[:1], 2).take([0]), [2])[2]
    assert found.gradients.any()
    assert not found.gradients.requires_grad
