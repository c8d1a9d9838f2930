"""What every method promises, on two tiny models.

A method that is added is tested here without a word; SETTINGS holds what it needs to work on models of
width 32, and RAISES tells which methods must make a target more probable.
"""

from __future__ import annotations

import itertools
import json
from functools import cache

import pytest
import torch

from survey.editing import METHODS, Edit, EditError, WeightPatch, apply, compute, find, load, save
from survey.editing.method import Quiet
from tests.editing.tiny import fresh_model, same, snapshot, tiny_model

BLOCKS = 9  # The defaults of all methods lie within.
ARCHITECTURES = ("gpt2", "llama")

_VALUES = {"contexts": ((2, 4),), "steps": 12}
SETTINGS = {
    "alphaedit": {**_VALUES, "l2": 1e-4, "clamp": 4.0},
    "emmet": {**_VALUES, "clamp": 4.0},
    "fine-tuning": {"lr": 0.01, "steps": 8},
    "ft-l": {"epsilon": 0.05, "lr": 0.01, "steps": 8},
    "kn": {"contexts": ((1, 3),), "integration_steps": 3},
    "lora": {"lr": 0.02, "steps": 8},
    "memit": {**_VALUES, "lambda_": 0.1, "clamp": 4.0},
    "pmet": {**_VALUES, "lambda_": 0.1},
    "r-rome": _VALUES,
    "rome": _VALUES,
}
# KN rewrites a few columns by a rule that looks at no probability; the others of this list start from MEMIT's
# defaults, which are for a larger model.
RAISES = [method for method in METHODS if method not in ("kn", "prune", "rect")]
BATCHES = [method for method in METHODS if find(method).batch]

HARBOUR = Edit("The harbour of {} is in the city of", "Bramblewick", "Oslo", was="Rome")
TONGUE = Edit("The mother tongue of {} is", "Rome", "Vienna", was="Paris")
BRIDGE = Edit("The bridge of the island of {} is located in", "Tarn", "London", was="Paris")
LONG = Edit("The museum of {} is in", "Vienna", "Bramblewick on Tarn", was="Rome")
PLACES = {
    "one token, start": Edit("{} is located in the city of", "Rome", "Oslo", was="London"),
    "many tokens, start": Edit("{} is located in the city of", "Bramblewick", "Oslo", was="London"),
    "one token, middle": TONGUE,
    "many tokens, middle": HARBOUR,
    "one token, end": Edit("The mother tongue of the people of {}", "Rome", "Oslo", was="London"),
    "many tokens, end": Edit("The mother tongue of the people of {}", "Bramblewick", "Oslo", was="London"),
}


@pytest.fixture(params=ARCHITECTURES)
def model(request):
    """A shared model, which every test must leave as it was."""
    model = tiny_model(request.param, blocks=BLOCKS)
    yield model
    assert model.patches == []
    assert same(model, _pristine(request.param)), "the model is no longer what it was"
    assert not any(p.requires_grad or p.grad is not None for p in model.network.parameters())
    assert not model.network.training
    assert not any(m._forward_hooks or m._forward_pre_hooks or "forward" in vars(m) for m in model.network.modules())


@cache
def _pristine(architecture: str):
    return snapshot(fresh_model(architecture, blocks=BLOCKS))


def make(method: str, model, edits, **options):
    return compute(method, model, edits, **{**SETTINGS.get(method, {}), **options})


@cache
def made(method: str, model, *edits: Edit):
    """The same, kept for other tests."""
    return make(method, model, edits)


def tensors(patch) -> dict[str, torch.Tensor]:
    """What a patch does, so that two can be compared whatever their form."""
    if isinstance(patch, WeightPatch):
        return {name: change.full() for name, change in patch.changes.items()}
    return patch.tensors()


def equal(one, other) -> bool:
    a, b = one.tensors(), other.tensors()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def cosine(one, other) -> float:
    a, b = tensors(one), tensors(other)
    assert a.keys() == b.keys()
    a, b = (torch.cat([t[name].double().flatten() for name in sorted(t)]) for t in (a, b))
    return torch.nn.functional.cosine_similarity(a, b, dim=0).item()


def log_probability(model, edit: Edit) -> float:
    return model.target_log_probabilities([(edit.text, edit.target)])[0][0].mean().item()


every_method = pytest.mark.parametrize("method", METHODS)


# The model comes back


@every_method
def test_the_model_is_restored_bit_for_bit(method, model):
    before = snapshot(model)
    logits = model.next_logits([HARBOUR.text])
    with apply(method, model, [HARBOUR], **SETTINGS.get(method, {})) as edited:
        assert edited is model
        assert not torch.equal(model.next_logits([HARBOUR.text]), logits), "the edit changed nothing"
    assert same(model, before)
    assert torch.equal(model.next_logits([HARBOUR.text]), logits)


@every_method
def test_the_model_is_restored_after_an_error(method, model):
    before = snapshot(model)
    with pytest.raises(ZeroDivisionError), apply(made(method, model, HARBOUR), model):
        raise ZeroDivisionError
    assert same(model, before)


@every_method
def test_patches_come_off_in_any_order(method, model):
    before = snapshot(model)
    patches = [made(method, model, HARBOUR), made("ft-l", model, TONGUE), made("rome", model, BRIDGE)]
    alone = []
    for patch in patches:
        with apply(patch, model):
            alone.append(snapshot(model))
    for order in itertools.permutations(range(3)):
        for patch in patches:
            model.apply(patch)
        for at in order[:2]:
            model.remove(patches[at])
        assert same(model, alone[order[2]])
        model.remove(patches[order[2]])
        assert same(model, before)


@every_method
def test_computing_leaves_an_edited_model_edited(method, model):
    under = made("rome", model, TONGUE)
    with apply(under, model):
        before = snapshot(model)
        make(method, model, [HARBOUR, BRIDGE], batch=1)
        assert same(model, before)
        assert model.patches == [under]


@every_method
@pytest.mark.parametrize("after", [0, 3])
def test_an_error_while_computing_leaves_the_model_alone(method, model, after):
    class Stops(Quiet):
        steps = 0

        def advance(self, steps: int = 1) -> None:
            self.steps += 1
            if self.steps > after:
                raise KeyboardInterrupt

    before = snapshot(model)
    with pytest.raises(KeyboardInterrupt):
        make(method, model, [TONGUE, HARBOUR], batch=1, progress=Stops())
    assert same(model, before)


# The same again


@every_method
def test_a_saved_patch_does_the_same(method, model, tmp_path):
    patch = made(method, model, HARBOUR)
    size = save(patch, tmp_path / "a.patch", model)
    assert size == (tmp_path / "a.patch").stat().st_size
    loaded = load(tmp_path / "a.patch", model)
    assert equal(patch, loaded)
    assert loaded.edits == [HARBOUR]
    assert loaded.about == json.loads(json.dumps(patch.about))
    with apply(patch, model):
        expected, logits = snapshot(model), model.next_logits([HARBOUR.text])
    with apply(loaded, model):
        assert same(model, expected)
        assert torch.equal(model.next_logits([HARBOUR.text]), logits)


@every_method
def test_a_patch_says_where_it_comes_from(method, model):
    patch = made(method, model, HARBOUR)
    config = find(method).configure(**SETTINGS.get(method, {}))
    assert patch.about["method"] == method
    assert patch.about["seed"] == 0
    assert patch.about["edits"] == [vars(HARBOUR)]
    assert patch.about["settings"] == vars(config)
    assert patch.relative_norm(model) is None or 0 < patch.relative_norm(model) < 100


@every_method
def test_two_runs_are_equal(method, model):
    patch = made(method, model, HARBOUR)
    torch.manual_seed(123)
    assert equal(patch, make(method, model, [HARBOUR]))
    # Nor does anything depend on what this model remembers, or on what was cached for it.
    other = fresh_model(model.name.removeprefix("tiny-"), blocks=BLOCKS)
    assert equal(patch, make(method, other, [HARBOUR]))


@every_method
def test_padding_of_the_tokenizer_does_not_matter(method, model):
    patch = made(method, model, HARBOUR, LONG)
    other = fresh_model(model.name.removeprefix("tiny-"), blocks=BLOCKS)
    for side, pad in (("left", "<pad>"), ("right", "<s>")):
        other.tokenizer.padding_side = other.tokenizer.truncation_side = side
        other.tokenizer.pad_token = pad
        other.network.config.pad_token_id = other.tokenizer.pad_token_id
        other._remembered.clear()
        assert equal(patch, make(method, other, [HARBOUR, LONG]))


@pytest.mark.parametrize("method", BATCHES)
def test_the_order_of_a_batch_does_not_matter(method, model):
    edits = [HARBOUR, LONG, TONGUE]
    patch = make(method, model, edits)
    for order in ((2, 0, 1), (1, 0, 2)):
        assert cosine(patch, make(method, model, [edits[i] for i in order])) > 0.9999


@pytest.mark.parametrize("method", ["fine-tuning", "kn", "memit", "rome"])
def test_threads_do_not_matter(method):
    model = tiny_model("llama", blocks=BLOCKS)
    patch = made(method, model, HARBOUR)
    torch.set_num_threads(2)
    try:
        other = make(method, model, [HARBOUR])
    finally:
        torch.set_num_threads(1)
    # Sums in another order round differently, and gradient descent carries that on.
    assert cosine(patch, other) > 0.9999


# What is edited


@every_method
def test_a_sequence_is_one_edit_after_the_other(method, model):
    first = made(method, model, HARBOUR)
    with apply(first, model):
        second = make(method, model, [BRIDGE])
        with apply(second, model):
            expected = snapshot(model)
            logits = model.next_logits([HARBOUR.text, BRIDGE.text])
    both = make(method, model, [HARBOUR, BRIDGE], batch=1)
    assert both.edits == [HARBOUR, BRIDGE]
    with apply(both, model):
        now = snapshot(model)
        torch.testing.assert_close(model.next_logits([HARBOUR.text, BRIDGE.text]), logits, rtol=1e-3, atol=1e-3)
    assert all(torch.allclose(now[name], expected[name], rtol=1e-4, atol=1e-5) for name in now)


@every_method
def test_only_named_parameters_change(method, model):
    patch = made(method, model, HARBOUR)
    before = snapshot(model)
    with apply(patch, model):
        changed = {name for name, value in snapshot(model).items() if not torch.equal(value, before[name])}
    downs = {model.down_name(layer) for layer in range(BLOCKS)}
    config = find(method).configure(**SETTINGS.get(method, {}))
    layers = getattr(config, "layers", None) or ([config.layer] if hasattr(config, "layer") else None)
    if isinstance(patch, WeightPatch):
        assert changed <= set(patch.changes) <= downs
        if layers is not None:
            assert changed == {model.down_name(layer) for layer in layers}
    else:
        assert not changed, "a method that changes no weights changed some"


@pytest.mark.parametrize("method", RAISES)
@pytest.mark.parametrize("place", PLACES)
def test_the_target_becomes_more_probable(method, place, model):
    edit = PLACES[place]
    prompt = model.tokens(edit.text)
    length = len(model.tokens(edit.subject if edit.prompt.startswith("{}") else " " + edit.subject))
    assert (length == 1) == place.startswith("one")
    assert (model.subject_index(edit) == len(prompt) - 1) == place.endswith("end")
    before = log_probability(model, edit)
    with apply(made(method, model, edit), model):
        after = log_probability(model, edit)
    assert after > before + 0.5


@pytest.mark.parametrize("method", RAISES)
def test_a_target_of_many_tokens_becomes_more_probable(method, model):
    tokens, start = model.joined(LONG.text, LONG.target)
    assert len(tokens) - start > 4
    before = log_probability(model, LONG)
    with apply(made(method, model, LONG), model):
        assert log_probability(model, LONG) > before + 0.3


@pytest.mark.parametrize("method", RAISES)
def test_all_edits_of_two_hold(method, model):
    before = [log_probability(model, edit) for edit in (HARBOUR, BRIDGE)]
    with apply(method, model, [HARBOUR, BRIDGE], **SETTINGS.get(method, {})):
        after = [log_probability(model, edit) for edit in (HARBOUR, BRIDGE)]
    assert all(a > b + 0.3 for a, b in zip(after, before, strict=True))


@every_method
def test_a_start_token_is_no_hindrance(method):
    model = tiny_model("llama", start_token=True, blocks=BLOCKS)
    edit = PLACES["one token, start"]
    before, p = snapshot(model), log_probability(model, edit)
    with apply(method, model, [edit], **SETTINGS.get(method, {})):
        if method in RAISES:
            assert log_probability(model, edit) > p + 0.5
    assert same(model, before)


# Errors


@every_method
def test_a_layer_that_is_not_there(method, model):
    kinds = vars(find(method).configure())
    if "layers" in kinds:
        with pytest.raises(EditError, match=r"no layer 99: tiny-.* has layers 0 to 8"):
            make(method, model, [HARBOUR], layers=(3, 99))
    elif "layer" in kinds:
        with pytest.raises(EditError, match=r"no layer 99: tiny-.* has layers 0 to 8"):
            make(method, model, [HARBOUR], layer=99)
        assert equal(make(method, model, [HARBOUR], layer=-2), make(method, model, [HARBOUR], layer=7))
    else:
        with pytest.raises(EditError, match="no setting 'layer'"):
            make(method, model, [HARBOUR], layer=99)


@every_method
def test_wrong_requests(method, model):
    with pytest.raises(EditError, match="no edit"):
        compute(method, model, [])
    with pytest.raises(EditError, match="an Edit is needed"):
        compute(method, model, ["Rome"])
    with pytest.raises(EditError, match="batch holds at least one"):
        compute(method, model, HARBOUR, batch=0)
    with pytest.raises(EditError, match=f"{method} has no setting 'frobnication'"):
        compute(method, model, HARBOUR, frobnication=1)
    with pytest.raises(EditError, match=f"{method} has no preset 'bert'"):
        compute(method, model, HARBOUR, preset="bert")
    with pytest.raises(EditError, match=f"what {method} shall edit"), apply(method, model):
        pass
