"""The yardstick of the benchmarks gives what the engine gives; else it would measure something else."""

from __future__ import annotations

import pytest
import torch

from survey.editing import Edit, compute, find
from survey.editing.method import Run
from survey.editing.statistics import sampled_rows, second_moment
from survey.editing.values import prefixes
from tests.bench import straightforward
from tests.bench.editing import hundred
from tests.editing.tiny import tiny_model

SETTINGS = {"layer": 1, "contexts": ((2, 3), (2, 5)), "steps": 12, "stop": 0.0}


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@pytest.mark.parametrize(
    ("prompt", "subject", "target"),
    [("People say that {} is in", "Bramblewick", "Rome"), ("{} is located in the city of", "The museum", "Bramblewick")],
)
def test_the_same_patch(architecture, prompt, subject, target):
    model, edit = tiny_model(architecture), Edit(prompt, subject, target)
    config = find("rome").configure(**SETTINGS)
    ours = compute("rome", model, edit, **SETTINGS)
    theirs = straightforward.rome(model, edit, prefixes(model, config, 0), second_moment(model, 1, Run()), config)
    assert straightforward.cosine(ours, theirs) > 0.999
    [one], [other] = (patch.changes.values() for patch in (ours, theirs))
    assert one.norm() == pytest.approx(other.norm(), rel=0.01)
    # Had both done nothing alike, a cosine would not tell.
    assert one.norm() > 0


def test_the_same_second_moment():
    model = tiny_model("llama")
    theirs = straightforward.second_moment(model, sampled_rows(model)[:, :], 1)
    torch.testing.assert_close(second_moment(model, 1, Run()).matrix, theirs, rtol=1e-3, atol=1e-4 * theirs.max().item())


def test_products_are_those_of_the_later_blocks():
    model = tiny_model("llama")
    found = straightforward.products(model, 2, 10, 3)
    blocks = [item for item in found if item[0] == 10]
    assert len(blocks) == 2 * 7
    assert [item[3] for item in blocks] == [False] * 7 + [True] * 7
    assert found[-1][0] == 3


def test_a_hundred_different_edits():
    edits = hundred()
    assert len(edits) == len({edit.text for edit in edits}) == 100
    assert len({edit.subject for edit in edits}) == 25
