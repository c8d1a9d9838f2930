"""PRUNE: the singular values of a change."""

from __future__ import annotations

import pytest
import torch

from survey.editing import EditError
from survey.editing.methods.prune import restrain
from survey.editing.patch import Change, Patch, WeightPatch
from tests.editing.methods.common import HARBOUR, close, make
from tests.editing.tiny import tiny_model


def with_values(values, seed=0):
    """A change with these singular values, [32, 64], and its directions."""
    generator = torch.Generator().manual_seed(seed)
    left = torch.linalg.qr(torch.randn(32, len(values), generator=generator, dtype=torch.float64)).Q
    right = torch.linalg.qr(torch.randn(64, len(values), generator=generator, dtype=torch.float64)).Q.T
    return left, right, Change(((left * torch.tensor(values)).float()), right.float())


@pytest.mark.parametrize("dense", [True, False])
def test_large_singular_values_are_restrained(dense):
    model = tiny_model("llama")
    name = model.down_name(1)
    limit = torch.linalg.svdvals(model.parameters[name].double())[0].item()
    values = [8 * limit, 2 * limit, 1.01 * limit, 0.99 * limit, 0.1 * limit]
    left, right, change = with_values(values)
    change = Change(dense=change.full()) if dense else change
    found = restrain(model, WeightPatch({}, {name: change})).changes[name].full().double()
    expected = torch.tensor([torch.tensor(v / limit).log().item() + limit if v > limit else v for v in values]).double()
    close(torch.linalg.svdvals(found)[:5], expected, 1e-4)
    close(found, (left * expected) @ right, 1e-4)


def test_small_changes_stay():
    model = tiny_model("llama")
    name = model.down_name(1)
    _, _, change = with_values([0.3, 0.2])
    found = restrain(model, WeightPatch({"a": 1}, {name: change}, {"k": torch.ones(1)}))
    close(found.changes[name].full(), change.full(), 1e-5)
    assert found.about == {"a": 1}
    assert set(found.kept) == {"k"}


def test_no_change_at_all():
    model = tiny_model("llama")
    name = model.down_name(1)
    found = restrain(model, WeightPatch({}, {name: Change(dense=torch.zeros(32, 64))})).changes[name]
    assert found.shape == (32, 64)
    assert not found.full().any()


def test_vectors_are_left_alone():
    model = tiny_model("llama")
    change = Change(dense=torch.full((32,), 9.0))
    assert restrain(model, WeightPatch({}, {"model.norm.weight": change})).changes["model.norm.weight"] is change


def test_the_limit_is_that_of_the_unedited_matrix():
    model = tiny_model("llama")
    name = model.down_name(1)
    patch = WeightPatch({}, {name: with_values([50.0])[2]})
    before = restrain(model, patch).changes[name].full()
    model.apply(WeightPatch({}, {name: Change(dense=torch.randn(32, 64))}))
    try:
        close(restrain(model, patch).changes[name].full(), before, 1e-6)
    finally:
        model.restore()


def test_it_restrains_what_its_base_did():
    model = tiny_model("llama", blocks=6)
    base, patch = make("ft-l", model, HARBOUR), make("prune", model, HARBOUR, base="ft-l")
    [(name, change)] = patch.changes.items()
    close(change.full(), restrain(model, base).changes[name].full(), 1e-6)
    assert patch.about["method"] == "prune"


def test_a_patch_that_changes_no_weights():
    with pytest.raises(EditError, match="PRUNE restrains changes of weights"):
        restrain(tiny_model(), Patch())
