"""The later blocks alone give what a full pass gives, and its gradients."""

from __future__ import annotations

import pytest
import torch

from survey.editing.structure import matrix
from survey.editing.tail import Tail, changed_output
from tests.editing.tiny import ARCHITECTURES, fresh_model, tiny_model

TEXTS = [
    "The harbour of Bramblewick is in the city of Oslo on Tarn",
    "Rome is a city",
    "I live in Vienna, and You speak of",
    "Paris",
    "The mother tongue of the people of the island is",
]
MIXED = [9, 0, 3, 0, 5]

every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


def rows_of(model):
    return [model.tokens(text).ids for text in TEXTS]


def full(model, row):
    """States of one row by a pass through everything, [tokens, width]."""
    return model.network.base_model(torch.tensor([row]), use_cache=False).last_hidden_state[0]


def close(found, expected):
    assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()


@every_architecture
@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("starts", [[0] * 5, MIXED, [1, 1, 1, 1, 1]], ids=["wholly", "mixed", "from the second"])
def test_states_are_those_of_a_full_pass(architecture, first, starts):
    model = tiny_model(architecture)
    rows = rows_of(model)
    with torch.no_grad():
        tail = Tail(model, rows, first, starts)
        for _ in range(2):  # A second pass must find everything as the first did.
            hidden = tail.hidden()
            for n, (row, start) in enumerate(zip(rows, starts, strict=True)):
                close(hidden[n, : len(row) - start], full(model, row)[start:])


@every_architecture
def test_some_rows(architecture):
    model = tiny_model(architecture)
    rows = rows_of(model)
    with torch.no_grad():
        part = Tail(model, rows, 2, MIXED).select(torch.tensor([4, 0, 0]))
        hidden = part.hidden()
        for n, i in enumerate((4, 0, 0)):
            close(hidden[n, : len(rows[i]) - MIXED[i]], full(model, rows[i])[MIXED[i] :])


@pytest.mark.parametrize("architecture", ["gemma3", "mistral", "gemma2"])
@pytest.mark.parametrize("window", [4, 8])
def test_rows_that_begin_together_see_through_a_window(architecture, window):
    """Windows of attention that are shorter than the text, which the masks must follow."""
    model = fresh_model(architecture, sliding_window=window)
    row = rows_of(model)[0]
    with torch.no_grad():
        whole = full(model, row)
        wide = full(tiny_model(architecture), row)
        assert (whole - wide).abs().max() > 1e-2
        for first, starts in ((0, [0]), (2, [0]), (2, [9])):
            close(Tail(model, [row], first, starts).hidden()[0], whole[starts[0] :])


@every_architecture
def test_later_blocks(architecture):
    """From a tail of many blocks, those of fewer."""
    model = tiny_model(architecture)
    rows = rows_of(model)
    starts = [len(row) - 1 for row in rows]
    assert len(set(starts)) > 2
    with torch.no_grad():
        tail = Tail(model, rows, 1, starts)
        for layer in (1, 2, 3):
            hidden = tail.later(layer).select(torch.tensor([0, 3, 3])).hidden()
            for n, i in enumerate((0, 3, 3)):
                close(hidden[n, 0], full(model, rows[i])[-1])


@every_architecture
@pytest.mark.parametrize("first", [0, 2])
def test_gradients_of_parameters(architecture, first):
    model = fresh_model(architecture)
    rows = rows_of(model)
    weights = [model.parameters[model.down_name(layer)].requires_grad_(True) for layer in range(first, 4)]
    generator = torch.Generator().manual_seed(0)
    size = matrix(model.network.get_output_embeddings()).shape[1]
    wanted = [torch.randn(len(row), size, generator=generator) for row in rows]
    hidden = Tail(model, rows, first, [0] * len(rows)).hidden()
    found = torch.autograd.grad(sum((hidden[n, : len(w)] * w).sum() for n, w in enumerate(wanted)), weights)
    expected = torch.autograd.grad(sum((full(model, r) * w).sum() for r, w in zip(rows, wanted, strict=True)), weights)
    for a, b in zip(found, expected, strict=True):
        close(a, b)


@every_architecture
@pytest.mark.parametrize("part", ["down", "block", "attention"])
def test_gradients_of_a_change_at_the_first_column(architecture, part):
    model = tiny_model(architecture)
    rows = rows_of(model)
    module = getattr(model, part)(1)
    delta = torch.zeros(len(rows), model.width, requires_grad=True)

    def add_first(output):
        states = model.by_rows(output)
        return torch.cat([states[:, :1] + delta[:, None], states[:, 1:]], 1).view(output.shape)

    tail = Tail(model, rows, 1, MIXED)
    with changed_output(module, add_first):
        hidden = tail.hidden()
    loss = sum(hidden[n, : len(r) - s].square().sum() for n, (r, s) in enumerate(zip(rows, MIXED, strict=True)))
    (found,) = torch.autograd.grad(loss, delta)

    total = 0
    for n, (row, start) in enumerate(zip(rows, MIXED, strict=True)):

        def add_at(output, n=n, start=start):
            place = torch.zeros_like(output)
            place.view(1, *output.shape[-2:])[:, start] = 1
            return output + place * delta[n]

        with changed_output(module, add_at):
            total = total + full(model, row)[start:].square().sum()
    (expected,) = torch.autograd.grad(total, delta)
    close(found, expected)


def test_nothing_of_it_stays():
    model = tiny_model("gpt2")
    tail = Tail(model, rows_of(model), 2, MIXED)
    with pytest.raises(ZeroDivisionError), changed_output(model.block(3), lambda output: 1 / 0):
        tail.hidden()
    for module in model.network.modules():
        assert "forward" not in vars(module)
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_lower_blocks_are_left_out():
    model = tiny_model("llama")
    tail = Tail(model, rows_of(model), 2, MIXED)
    reached = []
    handles = [model.down(layer).register_forward_hook(lambda *_, n=layer: reached.append(n)) for layer in range(4)]
    try:
        hidden = tail.hidden()
    finally:
        for handle in handles:
            handle.remove()
    assert reached == [2, 3]
    assert hidden.shape[1] == max(len(row) - start for row, start in zip(rows_of(model), MIXED, strict=True))


def test_a_tail_keeps_what_was_below_when_it_was_made():
    """A change below its first block is not seen; one above is."""
    model = fresh_model("llama")
    tail = Tail(model, rows_of(model), 2, MIXED)
    before = tail.hidden()
    model.parameters[model.down_name(1)].data.add_(1)
    assert torch.equal(tail.hidden(), before)
    model.parameters[model.down_name(2)].data.add_(1)
    assert not torch.allclose(tail.hidden(), before)
