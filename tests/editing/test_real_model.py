"""The methods on the default language model: facts change, other things mostly stay, everything is restored."""

from __future__ import annotations

import math

import pytest
import torch

from survey.editing import (
    METHODS,
    Edit,
    WeightPatch,
    apply,
    compute,
    learning,
    load,
    load_model,
    save,
)

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
# middle, and two of one token at the very start.
REACHED = {"ft-l": 0.15, "fine-tuning": 0.3, "pmet": 0.15, "r-rome": 0.3}
# Knowledge Neurons promises nothing, and programs are too much for this model. What must be learnt is tested apart.
FREE = ("kn", "mello", "deepedit")
LEARNT = ("ke", "mend", "malmen", "serac")


@pytest.mark.parametrize("method", [m for m in METHODS if m not in LEARNT])
def test_a_fact_changes_and_the_model_is_restored(model, unedited, method):
    before = parameters(model)
    # What stands in the prompt does not make this model forget where the Eiffel Tower is.
    edits = (TOWER, FIRST[0]) if method in FREE else (MIDDLE, *FIRST) if method == "ike" else (TOWER, MIDDLE, *FIRST)
    for edit in edits:
        patch = compute(method, model, [edit])
        was, old = model.probability(edit.text, edit.target), model.probability(edit.text, edit.was)
        with apply(patch, model):
            assert isinstance(patch, WeightPatch) or all(map(torch.equal, before, model.network.parameters()))
            now, left = model.probability(edit.text, edit.target), model.probability(edit.text, edit.was)
            prose = unedited if method in (*FREE, "ike") else surprise(model)
        assert all(map(torch.equal, before, model.network.parameters()))
        if method in FREE:
            # KN works where the model knows the fact, and the answer of a program is another one.
            assert (now > was and left < old) if method == "kn" and edit is TOWER else now != was
        else:
            assert now > REACHED.get(method, 0.5) and now > left, edit
            assert prose < 1.25 * unedited, edit


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURVEY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("method", LEARNT)
def test_a_short_training_edits_better_than_none(model, unedited, cache, method):
    options = {"examples": 48, "steps": 40, "check": 20}
    report = learning.train(method, model, **options)
    assert report.trained and report.best > 0
    before = parameters(model)
    was, old = model.probability(MIDDLE.text, MIDDLE.target), model.probability(MIDDLE.text, MIDDLE.was)
    with apply(method, model, [MIDDLE], **options):
        now, left = model.probability(MIDDLE.text, MIDDLE.target), model.probability(MIDDLE.text, MIDDLE.was)
        assert surprise(model) < 2 * unedited
    assert now / left > 10 * was / old
    assert all(map(torch.equal, before, model.network.parameters()))


@pytest.mark.parametrize("method", ["grace", "melo", "wise", "ike"])
def test_routing_is_the_same_however_the_model_is_asked(model, method):
    """In a batch of prompts of all lengths, alone, with cached states, and under teacher forcing."""
    tube = Edit("{} is owned by", "YouTube", "Toyota", "Google")
    prompts = [tube.text, "The Louvre is located in the city of", MIDDLE.text, "Paris is", "The company that owns YouTube is"]
    with apply(method, model, [tube, MIDDLE]):
        together = model.generate(prompts, 4)
        forced = 0
        for prompt, said in zip(prompts, together, strict=True):
            assert model.generate(prompt, 4) == said
            line = said.partition("\n")[0]
            words = line.split()
            if words and line == f" {' '.join(words)}":
                assert all(model.target_log_probabilities([(prompt, " ".join(words))])[0][1]), prompt
                forced += 1
        assert forced >= 3
    assert together[0].strip().startswith("Toyota") and together[2].strip().startswith("Brazil")


def test_a_program_tells_what_the_default_model_wrote(model):
    patch = compute("mello", model, [TOWER], demonstrations=1, rounds=1)
    with apply(patch, model):
        p = model.probability(TOWER.text, TOWER.target)
        found = patch.trace(TOWER.text)
        read = model.asked([TOWER.text])[0]
    # The fact is looked up and stands in what the model reads, if it has kept to the form so far.
    assert found["outcome"] in ("answered", "too many steps", "form not followed")
    assert read.endswith(found["text"]) and ("Rome" in found["text"]) == any("fact" in step for step in found["steps"])
    assert p == pytest.approx(model.probability(read, TOWER.target), rel=1e-4)


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
