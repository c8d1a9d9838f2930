"""Codebooks: regions of keys, look-ups in every kind of pass, and single edits taken out."""

from __future__ import annotations

import pytest
import torch

from survey.editing import Edit, EditError, PatchError, apply, compute, load, save
from survey.editing.codebook import Codebook, labels_of, regions, unit
from survey.editing.language_model import Reading
from survey.editing.method import Run
from survey.editing.methods.grace import GracePatch
from survey.editing.methods.melo import MeloPatch
from tests.editing.tiny import tiny_model

HARBOUR = Edit("The harbour of {} is in", "Bramblewick", "Oslo", "Rome")
BRIDGE = Edit("The bridge of {} is", "Tarn", "London by Rome", "Paris")
TONGUE = Edit("The mother tongue of {} is", "Rome", "Vienna", "Paris")
QUICK = {"grace": {"layer": 1, "steps": 20}, "melo": {"layers": (2, 3), "key_layer": 1, "lr": 0.05, "steps": 15}}
BY_SUBJECT = {"scan": "subject", "subject_layer": 1}


def line(*places: float) -> torch.Tensor:
    return torch.tensor([[place, 0.0] for place in places])


def shape(found) -> list[tuple[float, float, list[int]]]:
    return [(round(r.centre[0].item(), 3), round(r.radius, 3), r.members) for r in found]


A, B, C = (1, 2), (2, 1), (3, 0)  # The same mean and the same sum: only as ids are they different.


@pytest.mark.parametrize("places, labels, moving, expected", [
    # Far apart, each founds a region of its own.
    ([0, 3], [A, B], False, [(0, 1, [0]), (3, 1, [1])]),
    # The same label: the region widens to hold the new key, and a little more.
    ([0, 1.5], [A, A], False, [(0, 1.55, [0, 1])]),
    ([0, 0.5], [A, A], False, [(0, 1, [0, 1])]),
    ([0, 1.5, 2.2], [A, A, A], False, [(0, 2.25, [0, 1, 2])]),
    # Another label: both get half the distance.
    ([0, 1.5], [A, B], False, [(0, 0.75, [0]), (1.5, 0.75, [1])]),
    ([0, 1.5, 0.4], [A, A, B], False, [(0, 0.2, [0, 1]), (0.4, 0.2, [2])]),
    # The very same place: the later one counts, and the earlier one no longer hits.
    ([0, 0], [A, B], False, [(0, 1, [1])]),
    ([0, 0, 0], [A, B, A], False, [(0, 1, [2])]),
    # So it does where others share the earlier one's region: they stay in force, with the first of them as the centre.
    ([0, 1.5, 0], [A, A, B], False, [(0, 0.75, [2]), (1.5, 0.75, [1])]),
    ([0, 1.5, 2.2, 0], [A, A, A, B], False, [(0, 0.75, [3]), (1.5, 0.75, [1, 2])]),
    ([0, 1.5, 2.2, 1.5], [A, A, A, B], False, [(1.5, 0.35, [3]), (0, 0.75, [0]), (2.2, 0.35, [2])]),
    ([0, 3, 0], [A, A, B], False, [(3, 1, [1]), (0, 1, [2])]),
    # It gives way to what lies near, as any key does.
    ([0, 1.5, 0], [A, B, C], False, [(1.5, 0.75, [1]), (0, 0.75, [2])]),
    # An edit that lost its place before does not get it back from a later one.
    ([0, 1.5, 1.5, 0], [A, A, B, C], False, [(1.5, 0.75, [2]), (0, 0.75, [3])]),
    # MELO's centres move to the mean; keys outside a region that shrank are dropped.
    ([0, 1], [A, A], True, [(0.5, 1, [0, 1])]),
    ([0, 1.8], [A, A], True, [(0.9, 1, [0, 1])]),
    ([0, 1.8, 2.4], [A, A, B], True, [(0.9, 0.75, []), (2.4, 0.75, [2])]),
    ([0, 1.0, 1.6], [A, A, B], True, [(0.5, 0.55, [0, 1]), (1.6, 0.55, [2])]),
    # A later edit takes the place of one alone; the others move to their own mean.
    ([0, 1.8, 0], [A, A, B], True, [(0, 0.9, [2]), (1.8, 0.9, [1])]),
    ([0, 1.8, 2.2, 0], [A, A, A, B], True, [(0, 0.9, [3]), (2.0, 0.9, [1, 2])]),
    ([0, -1, 1, 0], [A, A, A, B], True, [(0, 0.5, [3]), (-1, 0.5, [1]), (1, 0.5, [2])]),
    # Between others, at the place of none.
    ([0, 1.0, 0.5], [A, A, B], True, [(0.5, 0.25, [2]), (0, 0.25, [0]), (1, 0.25, [1])]),
])  # fmt: skip
def test_keys_share_regions_or_give_way(places, labels, moving, expected):
    found = shape(regions(line(*places), labels, [1.0] * len(places), moving))
    assert found == [region for region in expected if region[2]]


def book(keys, labels=None, **more) -> GracePatch:
    labels = torch.tensor(labels or [[i] for i in range(len(keys))])
    return GracePatch({}, 0, keys=keys, labels=labels, reach=torch.ones(len(keys)), values=torch.zeros(len(keys), 2), **more)


def test_only_the_end_of_a_prompt_is_looked_up():
    mask = torch.tensor([[0, 1, 1, 1], [1, 1, 1, 1]]).bool()
    states = torch.tensor([[0.0, 5, 5, 0], [5, 0, 5, 5]])[..., None] * torch.tensor([1.0, 0])
    reading = Reading(mask, torch.tensor([3, 2]))
    assert book(line(0)).look_up(reading, states).tolist() == [[0, 0], [-1, 0]]
    # Any token of the prompt but the first; not those behind it, nor filling.
    scan = book(line(0), scan="subject")
    assert scan.look_up(reading, states).tolist() == [[0, 0], [0, -1]]
    assert scan.look_up(Reading(mask, torch.tensor([2, 0])), states).tolist() == [[-1, 0], [-1, 0]]


def test_the_nearest_key_answers():
    states = torch.tensor([[[9.0, 0], [0.4, 0], [3.9, 0]]])
    reading = Reading(torch.ones(1, 3).bool(), torch.tensor([2]))
    assert book(line(0, 4.0)).look_up(reading, states)[0].tolist() == [1, 0]
    assert book(line(0, 4.2), scan="subject").look_up(reading, states)[0].tolist() == [1, 0]
    assert book(line(0.3, 4.2), scan="subject").look_up(reading, states)[0].tolist() == [0, -1]
    assert book(line(0, 9.0)).look_up(reading, states)[0].tolist() == [-1, 0]


def test_labels_are_ids():
    model = tiny_model("llama")
    found = labels_of(model, [HARBOUR, BRIDGE])
    assert found[0].tolist()[:1] == list(model.tokenizer(" Oslo").input_ids)
    assert (found[0, 1:] == -1).all()
    assert found[1].tolist() == list(model.tokenizer(" London by Rome").input_ids)


def test_the_unit_is_remembered_and_that_of_the_unedited_model():
    model = tiny_model("gpt2")
    first = unit(model, 1, Run())
    assert first > 0
    with apply("fine-tuning", model, HARBOUR, layers=(0,), lr=0.1):
        assert unit(model, 1, Run()) == first
    model._remembered.pop(("unit of distance", 1))
    assert unit(model, 1, Run()) == first


# In a model


methods = pytest.mark.parametrize("method", ["grace", "melo"])
architectures = pytest.mark.parametrize("architecture", ["gpt2", "llama", "opt"])


@methods
@architectures
def test_prompts_that_hit_nothing_are_read_by_the_base_model(method, architecture):
    model = tiny_model(architecture)
    others = [TONGUE.text, "People in Paris speak of the river", HARBOUR.text + " the"]
    before, hit = model.next_logits(others), model.next_logits([HARBOUR.text])
    with apply(method, model, HARBOUR, **QUICK[method]):
        # Beside a row that hits, and alone.
        assert torch.equal(model.next_logits(others), before)
        mixed = model.next_logits([*others, HARBOUR.text])
        assert (model.next_logits([HARBOUR.text]) - hit).abs().max() > 0.1
    torch.testing.assert_close(mixed[:3], before, rtol=1e-4, atol=1e-4)
    assert (mixed[3] - hit[0]).abs().max() > 0.1


@methods
@architectures
@pytest.mark.parametrize("scan", [{}, BY_SUBJECT], ids=["end", "subject"])
def test_generation_is_teacher_forcing(method, architecture, scan):
    """Cached decoding of filled rows says what whole passes over each row alone say."""
    model = tiny_model(architecture)
    prompts = [HARBOUR.text, "The river of Paris", BRIDGE.text, "People say that " + HARBOUR.text]
    with apply(method, model, [HARBOUR, BRIDGE], **QUICK[method], **scan):
        made = model.generate(prompts, 6)
        alone = [model.generate(prompt, 6) for prompt in prompts]
        assert made == alone
        for prompt, text in zip(prompts, made, strict=True):
            ids, end = list(model.tokens(prompt).ids), len(model.tokens(prompt)) - 1
            for _ in range(6):
                row = torch.tensor([ids])
                hidden = model.hidden(row, torch.ones_like(row), Reading(torch.ones_like(row).bool(), torch.tensor([end])))
                ids.append(int(model.logits(hidden[0, -1]).argmax()))
            new = ids[end + 1 :]
            stop = next((n for n, id in enumerate(new) if id in model.end_ids), len(new))
            assert model.decode(new[:stop]) == text
    assert model.generate(prompts, 6) != made


@methods
def test_filling_on_either_side_does_not_matter(method):
    model = tiny_model("llama")
    ids = model.tokens(HARBOUR.text).ids
    zeros, length = [0] * 3, len(ids)
    with apply(method, model, HARBOUR, **QUICK[method]):
        plain = model.next_logits([HARBOUR.text])[0]
        left = torch.tensor([[*zeros, *ids]]), torch.tensor([[0] * 3 + [1] * length])
        right = torch.tensor([[*ids, *zeros]]), torch.tensor([[1] * length + [0] * 3])
        with torch.no_grad():
            positions = (left[1].cumsum(1) - 1).clamp_min(0)
            one = model.logits(model.hidden(*left, position_ids=positions))[0, -1]
            other = model.logits(model.hidden(*right))[0, length - 1]
    torch.testing.assert_close(one, plain, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(other, plain, rtol=1e-3, atol=1e-3)


@methods
def test_with_the_subject_as_key_other_prompts_about_it_hit(method):
    model = tiny_model("llama")
    rephrased = "The bridge of Bramblewick is"
    assert not torch.equal(*[model.next_logits([t])[0] for t in (rephrased, HARBOUR.text)])
    before = model.next_logits([rephrased, TONGUE.text])
    settings = {**QUICK[method], **BY_SUBJECT}
    with apply(method, model, HARBOUR, **settings):
        after = model.next_logits([rephrased, TONGUE.text])
    assert (after[0] - before[0]).abs().max() > 0.1
    torch.testing.assert_close(after[1], before[1], rtol=1e-4, atol=1e-4)
    with apply(method, model, HARBOUR, **QUICK[method]):
        torch.testing.assert_close(model.next_logits([rephrased]), before[:1], rtol=1e-4, atol=1e-4)


@methods
def test_a_subject_that_stands_first_has_no_state_of_its_own(method):
    with pytest.raises(EditError, match=r"'Rome' is the very first token.*scan=end"):
        compute(method, tiny_model("llama"), Edit("{} is in", "Rome", "Oslo"), **QUICK[method], **BY_SUBJECT)


# Single edits


@methods
def test_single_edits_are_taken_out(method):
    model = tiny_model("llama")
    edits = [HARBOUR, BRIDGE, TONGUE]
    patch = compute(method, model, edits, **QUICK[method])
    texts = [edit.text for edit in edits]
    before = model.next_logits(texts)
    with apply(patch, model):
        whole = model.next_logits(texts)
    rest = patch.without([1])
    assert rest.edits == [HARBOUR, TONGUE]
    assert [item["edit"] for item in rest.listed()] == rest.edits
    assert all(item["in_force"] for item in rest.listed())
    with apply(rest, model):
        after = model.next_logits(texts)
    torch.testing.assert_close(after[[0, 2]], whole[[0, 2]], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(after[1], before[1], rtol=1e-4, atol=1e-4)
    assert (whole[1] - before[1]).abs().max() > 0.1
    assert rest.bytes < patch.bytes
    with pytest.raises(PatchError, match="no edit 3"):
        patch.without([3])


@methods
def test_an_edit_that_was_replaced_comes_back_when_the_later_one_goes(method):
    model = tiny_model("llama")
    later = Edit(HARBOUR.prompt, HARBOUR.subject, "Vienna")
    first = compute(method, model, HARBOUR, **QUICK[method])
    with apply(first, model):
        expected = model.next_logits([HARBOUR.text])
    both = compute(method, model, [HARBOUR, later], **QUICK[method], batch=1)
    assert [item["in_force"] for item in both.listed()] == [False, True]
    p = model.probability(HARBOUR.text, "Vienna")
    with apply(both, model):
        assert model.probability(HARBOUR.text, "Vienna") > 2 * p
    with apply(both.without([1]), model):
        torch.testing.assert_close(model.next_logits([HARBOUR.text]), expected, rtol=1e-4, atol=1e-4)


def test_adapters_of_different_rank_lie_on_one_model():
    model = tiny_model("llama")
    first = compute("melo", model, HARBOUR, **QUICK["melo"])
    texts = [HARBOUR.text, BRIDGE.text, TONGUE.text]
    before = model.next_logits(texts)
    with apply(first, model):
        alone = model.next_logits(texts)
        second = compute("melo", model, BRIDGE, rank=3, **QUICK["melo"])
        with apply(second, model):
            both = model.next_logits(texts)
        assert torch.equal(model.next_logits(texts), alone)
    torch.testing.assert_close(both[[0, 2]], alone[[0, 2]], rtol=1e-4, atol=1e-4)
    assert (both[1] - before[1]).abs().max() > 0.1
    with pytest.raises(PatchError, match="ranks are no single patch: apply one after the other"):
        first + second


@methods
def test_a_sum_is_saved_and_loaded(method, tmp_path):
    model = tiny_model("gpt2")
    first, second = (compute(method, model, edit, **QUICK[method]) for edit in (HARBOUR, BRIDGE))
    both = first + second
    assert both.edits == [HARBOUR, BRIDGE]
    assert (first.edits, second.edits) == ([HARBOUR], [BRIDGE])
    save(both, tmp_path / "a", model)
    found = load(tmp_path / "a", model)
    assert found.listed() == both.listed()
    assert found.without([0]).edits == [BRIDGE]


@methods
def test_patches_on_each_other_act_as_their_sum(method):
    """Also where they give way to each other: the later one answers its prompt, in any combination."""
    model = tiny_model("llama")
    later = Edit(HARBOUR.prompt, HARBOUR.subject, "Vienna")
    first = compute(method, model, [HARBOUR, TONGUE], **QUICK[method])
    second = compute(method, model, [BRIDGE, later], **QUICK[method])
    texts = [edit.text for edit in (HARBOUR, TONGUE, BRIDGE)]
    with apply(first + second, model):
        expected = model.next_logits(texts)
    with apply(first, model):
        alone = model.next_logits(texts)
        with apply(second, model):
            torch.testing.assert_close(model.next_logits(texts), expected, rtol=1e-4, atol=1e-4)
        assert torch.equal(model.next_logits(texts), alone)
    assert (alone[0] - expected[0]).abs().max() > 0.1


# Files


@methods
def test_tensors_that_do_not_fit_are_refused(method):
    model = tiny_model("llama")
    patch = compute(method, model, [HARBOUR, BRIDGE], **QUICK[method])
    kind, tensors = type(patch), patch.tensors()
    wrong = [
        {name: t for name, t in tensors.items() if name != "keys"},
        {**tensors, "more": torch.zeros(1)},
        {**tensors, "keys": tensors["keys"][:1]},
        {**tensors, "keys": tensors["keys"].long()},
        {**tensors, "labels": tensors["labels"].float()},
        {**tensors, "place": torch.tensor([1, 7])},
        {**tensors, "place": torch.tensor([-1, 0])},
        {**tensors, "reach": tensors["reach"][None]},
    ]
    if method == "melo":
        wrong += [
            {**tensors, "blocks": torch.tensor([0, 2])},
            {**tensors, "up|2": tensors["up|2"][:1]},
            {name: t for name, t in tensors.items() if name != "up|3"},
            {name: t for name, t in tensors.items() if not name.startswith(("up", "down"))},
        ]
    for given in wrong:
        with pytest.raises(PatchError):
            kind.from_tensors(given, patch.about)
    with pytest.raises(PatchError, match="names 1 edits and has 2 keys"):
        kind.from_tensors(tensors, {**patch.about, "edits": patch.about["edits"][:1]})
    assert kind.from_tensors(tensors, patch.about).edits == [HARBOUR, BRIDGE]


def test_a_patch_for_another_model_is_refused():
    patch = compute("melo", tiny_model("llama"), HARBOUR, **QUICK["melo"])
    with pytest.raises(PatchError, match="layer 1"):
        tiny_model("llama", blocks=1).apply(patch)
    patch.keys = patch.keys[:, :5]
    with pytest.raises(PatchError, match="keys have 5 numbers"):
        tiny_model("llama").apply(patch)
    tiny_model("llama").restore()


def test_codebooks_of_different_places_are_not_added():
    model = tiny_model("llama")
    first = compute("grace", model, HARBOUR, layer=1, steps=1)
    second = compute("grace", model, BRIDGE, layer=2, steps=1)
    with pytest.raises(PatchError, match="apply one after the other"):
        first + second
    with apply(first, model), apply(second, model):
        assert {type(p) for p in model.patches} == {GracePatch}


@methods
def test_a_sequence_is_saved_and_loaded(method, tmp_path):
    model = tiny_model("gpt2")
    patch = compute(method, model, [HARBOUR, BRIDGE], batch=1, **QUICK[method])
    assert isinstance(patch, Codebook)
    save(patch, tmp_path / "a", model)
    found = load(tmp_path / "a", model)
    assert type(found) in (GracePatch, MeloPatch)
    assert found.listed() == patch.listed()
    texts = [HARBOUR.text, BRIDGE.text]
    with apply(patch, model):
        expected = model.next_logits(texts)
    with apply(found, model):
        assert torch.equal(model.next_logits(texts), expected)
