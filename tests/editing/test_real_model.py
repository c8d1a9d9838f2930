"""The methods on the default language model: facts change, other things mostly stay, everything is restored."""

from __future__ import annotations

import math

import pytest
import torch

from survey.editing import METHODS, Edit, apply, compute, load, load_model, save

pytestmark = pytest.mark.model

TOWER = Edit("{} is located in the city of", "The Eiffel Tower", "Rome", "Paris")
# One-token subjects that are the very first token the model sees: an attention sink.
FIRST = [Edit("{} is a twin city of", "Chicago", "Tokyo", "London"), Edit("{} is a country in", "Japan", "Europe", "Asia")]
MIDDLE = Edit("In 1912, the physicist {} lived in the country called", "Albert Einstein", "Brazil", "Germany")
PROSE = [
    "The museum opens at nine in the morning and closes at six in the evening.",
    "She put the kettle on, looked out of the window and waited for the rain to stop.",
    "Water boils at a lower temperature on a mountain than at the level of the sea.",
    "The committee will meet again next week to discuss the budget for the coming year.",
]


@pytest.fixture(scope="module")
def model():
    return load_model()


def surprise(model) -> float:
    """Perplexity of a few sentences."""
    pairs = [tuple(s.split(" ", 1)) for s in PROSE]
    found = torch.cat([log_p for log_p, _ in model.target_log_probabilities(pairs)])
    return math.exp(-found.mean().item())


@pytest.fixture(scope="module")
def unedited(model):
    return surprise(model)


def parameters(model):
    return [p.detach().clone() for p in model.network.parameters()]


def test_it_is_the_model_that_it_should_be(model):
    assert model.probability(TOWER.text, "Paris") == pytest.approx(0.7015, abs=0.002)
    assert model.generate(TOWER.text, 1).strip() == "Paris"


# What each method must reach: the new target's probability for a subject of several tokens, one in the
# middle, and two of one token at the very start. Knowledge Neurons promises nothing.
REACHED = {"ft-l": 0.15, "fine-tuning": 0.3, "pmet": 0.15, "r-rome": 0.3}


@pytest.mark.parametrize("method", METHODS)
def test_a_fact_changes_and_the_model_is_restored(model, unedited, method):
    before = parameters(model)
    for edit in (TOWER, FIRST[0]) if method == "kn" else (TOWER, MIDDLE, *FIRST):
        patch = compute(method, model, [edit])
        was, old = model.probability(edit.text, edit.target), model.probability(edit.text, edit.was)
        with apply(patch, model):
            now, prose = model.probability(edit.text, edit.target), surprise(model)
            left = model.probability(edit.text, edit.was)
        assert all(map(torch.equal, before, model.network.parameters()))
        if method == "kn":
            # It works where the model knows the fact; of the others it only must be taken out again.
            assert (now > was and left < old) or edit is not TOWER
        else:
            assert now > REACHED.get(method, 0.5) and now > left, edit
            assert prose < 1.25 * unedited, edit


def test_erasing_knowledge_neurons_takes_the_old_answer_away(model):
    before = math.log(model.probability(TOWER.text, "Paris"))
    with apply("kn", model, [TOWER], erase=True):
        assert math.log(model.probability(TOWER.text, "Paris")) < before - 1


def test_as_published_rome_breaks_the_model_with_one_edit_and_its_correction_does_not(model, unedited):
    published = compute("rome", model, FIRST[:1], first_layer=None)
    assert abs(published.about["key_ratio"]) < 0.1
    with apply(published, model):
        assert surprise(model) > 3 * unedited
    with apply("r-rome", model, FIRST[:1], first_layer=None):
        assert surprise(model) < 1.1 * unedited


@pytest.mark.parametrize("method", ["memit", "pmet", "emmet", "alphaedit", "fine-tuning", "lora"])
def test_many_facts_at_once(model, method):
    edits = [TOWER, MIDDLE, *FIRST, Edit("{} is owned by", "YouTube", "Toyota", "Google")]
    with apply(method, model, edits):
        better = [model.probability(e.text, e.target) > model.probability(e.text, e.was) for e in edits]
    assert sum(better) >= 4


def test_alphaedit_knows_its_earlier_edits_in_a_sequence(model):
    patch = compute("alphaedit", model, [TOWER, MIDDLE], batch=1)
    assert all(keys.shape[1] == 4 for keys in patch.kept.values())
    with apply(patch, model):
        for edit in (TOWER, MIDDLE):
            assert model.probability(edit.text, edit.target) > 0.5


def test_a_saved_patch_does_the_same(model, tmp_path):
    patch = compute("rome", model, [TOWER])
    size = save(patch, tmp_path / "tower.patch", model)
    assert size < 50_000
    with apply(patch, model):
        first = parameters(model)
    with apply(load(tmp_path / "tower.patch", model), model):
        assert all(map(torch.equal, first, model.network.parameters()))


def test_runs_and_numbers_of_threads_agree(model):
    """Two runs give the same patch, bit for bit; another number of threads one that hardly differs."""
    threads = torch.get_num_threads()
    name = model.down_name(5)
    try:
        torch.set_num_threads(1)
        first, again = (compute("rome", model, [TOWER]).changes[name].full() for _ in range(2))
        torch.set_num_threads(2)
        other = compute("rome", model, [TOWER]).changes[name].full()
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(first, again)
    assert torch.cosine_similarity(first.flatten(), other.flatten(), dim=0) > 0.99


def test_generation_ignores_the_tokenizers_padding_side(model):
    prompts = ["The Louvre is in", "Apple was founded by Steve Jobs and"]
    side = model.tokenizer.padding_side
    try:
        found = []
        for model.tokenizer.padding_side in ("left", "right"):
            found.append(model.generate(prompts, 10))
    finally:
        model.tokenizer.padding_side = side
    assert found[0] == found[1] == [model.generate(p, 10) for p in prompts]
