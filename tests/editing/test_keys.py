"""Keys and states at subjects, and how they are averaged."""

from __future__ import annotations

import pytest
import torch

from survey.editing.edit import Edit
from survey.editing.keys import mean_key, read_subjects, stands_first
from tests.editing.tiny import ARCHITECTURES, tiny_model

FIRST = Edit("{} is in", "Rome", "Oslo")
MIDDLE = Edit("The harbour of {} is in", "Bramblewick", "Oslo")
LONG_FIRST = Edit("{} is in", "Bramblewick", "Oslo")
CONTEXTS = ["", "The people. ", "You speak of it. "]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_keys_are_those_of_whole_prompts(architecture):
    model = tiny_model(architecture)
    points = [("key", 1), ("value", 1), ("block", 2), ("attention", 2)]
    edits = [MIDDLE, FIRST]
    found = read_subjects(model, edits, CONTEXTS, points)
    for n, edit in enumerate(edits):
        for m, prefix in enumerate(CONTEXTS):
            ids = model.tokens(prefix + edit.text).ids
            at = model.subject_index(edit, prefix)
            assert model.decode(ids[: at + 1]) == prefix + edit.text[: edit.subject_end]
            alone = model.read([ids], [at], points)
            for point in points:
                torch.testing.assert_close(found[point][n, m], alone[point][0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("start_token", [False, True])
def test_which_subjects_stand_first(start_token):
    model = tiny_model("llama", start_token)
    assert stands_first(model, FIRST) is not start_token
    assert not stands_first(model, LONG_FIRST)
    assert not stands_first(model, MIDDLE)


def test_means_are_columns():
    states = torch.randn(2, 3, 7)
    mean = mean_key(states)
    assert mean.shape == (7, 2)
    assert mean.dtype == torch.float64
    torch.testing.assert_close(mean.float(), states.mean(1).T)


def test_the_bare_prompt_counts_as_much_as_all_others():
    states = torch.randn(2, 5, 7)
    expected = (states[:, 0] / 2 + states[:, 1:].sum(1) / 8).T
    torch.testing.assert_close(mean_key(states, typed=True).float(), expected)
    torch.testing.assert_close(mean_key(states[:, :1], typed=True).float(), states[:, 0].T)
