"""RECT: the share of a change that stays."""

from __future__ import annotations

import pytest
import torch

from survey.editing import EditError
from survey.editing.methods.rect import cut
from survey.editing.patch import Change, Patch, WeightPatch
from tests.editing.methods.common import HARBOUR, make
from tests.editing.tiny import tiny_model


@pytest.mark.parametrize("share", [0.1, 0.4, 0.5, 1.0])
@pytest.mark.parametrize("form", ["factors", "dense"])
def test_exactly_the_share_stays_that_is_relatively_largest(share, form):
    model = tiny_model("llama")
    name = model.down_name(1)
    change = Change(torch.randn(32, 2), torch.randn(2, 64)) if form == "factors" else Change(dense=torch.randn(32, 64))
    full, weight = change.full(), model.parameters[name]
    patch = cut(model, WeightPatch({"a": 1}, {name: change}, {"k": torch.ones(1)}), share)
    found = patch.changes[name].full()
    stays = found != 0
    assert stays.sum() == round(share * full.numel())
    assert torch.equal(found[stays], full[stays])
    relative = (full / weight).abs()
    if share < 1:
        assert relative[stays].min() >= relative[~stays].max()
    assert patch.about == {"a": 1}
    assert set(patch.kept) == {"k"}


def test_it_is_relative_to_the_unedited_model():
    model = tiny_model("llama")
    name = model.down_name(1)
    patch = WeightPatch(changes={name: Change(dense=torch.randn(32, 64))})
    before = cut(model, patch, 0.3).changes[name].full()
    model.apply(WeightPatch(changes={name: Change(dense=torch.randn(32, 64))}))
    try:
        assert torch.equal(cut(model, patch, 0.3).changes[name].full(), before)
    finally:
        model.restore()


def test_it_cuts_what_its_base_did():
    model = tiny_model("llama", blocks=6)
    base = make("ft-l", model, HARBOUR)
    patch = make("rect", model, HARBOUR, base="ft-l", share=0.25)
    [(name, change)] = patch.changes.items()
    full = change.full()
    assert (full != 0).sum() == round(0.25 * full.numel())
    assert torch.equal(full[full != 0], base.changes[name].full()[full != 0])
    assert patch.about["method"] == "rect"
    assert patch.about["settings"] == {"base": "ft-l", "share": 0.25}


@pytest.mark.parametrize("method", ["rect", "prune"])
def test_the_base_is_memit_with_its_defaults(method):
    model = tiny_model("llama", blocks=7)
    base, patch = make("memit", model, HARBOUR), make(method, model, HARBOUR)
    assert set(patch.changes) == set(base.changes) == {model.down_name(layer) for layer in (3, 4, 5, 6)}
    assert patch.about["settings"]["base"] == "memit"


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_that_is_none(share):
    with pytest.raises(EditError, match="share that stays must be above 0 and at most 1"):
        cut(tiny_model(), WeightPatch(), share)


@pytest.mark.parametrize("method", ["rect", "prune"])
@pytest.mark.parametrize("base, message", [
    ("rect", "needs a method that edits by itself"), ("prune", "needs a method that edits by itself"),
    ("nothing", "there is no method"),
])  # fmt: skip
def test_a_base_that_is_none(method, base, message):
    with pytest.raises(EditError, match=message):
        make(method, tiny_model(), HARBOUR, base=base)


def test_a_patch_that_changes_no_weights():
    with pytest.raises(EditError, match="RECT cuts changes of weights"):
        cut(tiny_model(), Patch(), 0.5)
