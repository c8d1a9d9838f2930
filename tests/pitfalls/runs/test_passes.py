"""How often texts go through the base model."""

from __future__ import annotations

import pytest

from survey.editing.loading import load_model
from survey.pitfalls.runs.passes import counted

PROMPT = "The museum is located in the city of"


@pytest.fixture(scope="module")
def model(tiny_path):
    return load_model(str(tiny_path))


def test_a_pass_counts_whether_or_not_it_is_read_to_the_end(model):
    with counted(model) as passes:
        model.next_logits([PROMPT, "People say"])
        model.read([model.tokens(PROMPT).ids], [1], [("block", 0)])
    assert (passes.forward, passes.backward) == (2, 0)


def test_a_generated_token_takes_a_pass(model):
    ids, mask = model.padded([model.tokens(PROMPT).ids])
    from survey.editing.language_model import continue_tokens

    with counted(model) as passes:
        continue_tokens(model, ids, mask, 4, lambda logits: logits.argmax(-1))
    # The prompt gives the first, and nothing is asked behind the last.
    assert (passes.forward, passes.backward) == (4, 0)


def test_what_comes_back_is_counted(model):
    ids, mask = model.padded([model.tokens(PROMPT).ids, model.tokens("People say").ids])
    weight = model.down(0).weight
    with counted(model) as passes:
        weight.requires_grad_(True)
        try:
            model.hidden(ids, mask).sum().backward()
        finally:
            weight.requires_grad_(False)
            weight.grad = None
    assert (passes.forward, passes.backward) == (1, 1)


def test_nothing_is_counted_behind_the_block(model):
    with counted(model) as passes:
        pass
    model.next_logits([PROMPT])
    assert (passes.forward, passes.backward) == (0, 0)
