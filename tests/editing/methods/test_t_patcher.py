"""T-Patcher: where neurons begin, which tokens get one, and what training teaches them."""

from __future__ import annotations

import pytest
import torch

from survey.editing import Edit, EditError, apply, compute
from survey.editing.method import Run
from survey.editing.methods.t_patcher import memory_states, mistakes, other_states
from survey.editing.neurons import entering
from survey.editing.others import SUBJECTS, others
from survey.editing.wordings import Wordings
from tests.editing.methods.common import BRIDGE, HARBOUR, close, make
from tests.editing.tiny import tiny_model

LONG = Edit("The museum of {} is", "Rome", "Tarn by Rome", "Paris")


def queries(model, edit: Edit) -> torch.Tensor:
    """What enters the last feed-forward part where the target's tokens are predicted, by a whole pass."""
    tokens, start = model.joined(edit.text, edit.target)
    seen = []
    entering(model, -1, [tokens.ids[:-1]], lambda batch, states: seen.append(states[0, start - 1 :]))
    return seen[0]


def wrong_tokens(model, edit: Edit) -> list[bool]:
    return (~model.target_log_probabilities([(edit.text, edit.target)])[0][1]).tolist()


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "opt"])
def test_a_neuron_begins_with_the_activation_one_on_its_mistake(architecture):
    model = tiny_model(architecture)
    patch = make("t-patcher", model, [HARBOUR, LONG], steps=1, lr=1e-12)
    for n, edit in enumerate((HARBOUR, LONG)):
        query = queries(model, edit)[torch.tensor(wrong_tokens(model, edit))]
        mine = patch.owners == n
        close(patch.keys[mine], query / query.square().sum(1, keepdim=True))
        torch.testing.assert_close((patch.keys[mine] * query).sum(1) + patch.bias[mine], torch.ones(len(query)))
    assert patch.values.abs().max() < 1e-6


def test_only_wrong_tokens_get_a_neuron():
    model = tiny_model("llama")
    words = Wordings(model, [LONG, HARBOUR], 3, late=True)
    expected = wrong_tokens(model, LONG)
    assert sum(expected) > 1
    assert mistakes(words).tolist() == [*expected, *wrong_tokens(model, HARBOUR)]
    # Where nothing is wrong, the least probable token gets one.
    with apply("t-patcher", model, LONG, steps=100):
        assert not any(wrong_tokens(model, LONG))
        log_p = model.target_log_probabilities([(LONG.text, LONG.target)])[0][0]
        found = mistakes(Wordings(model, [LONG], 3, late=True))
        assert found.nonzero().tolist() == [[int(log_p.argmin())]]


def test_training_teaches_to_fire_on_the_mistake_and_nowhere_else():
    model = tiny_model("llama")
    patch = make("t-patcher", model, HARBOUR, steps=150)
    query = queries(model, HARBOUR)[torch.tensor(wrong_tokens(model, HARBOUR))]
    assert ((patch.keys * query).sum(1) + patch.bias > 0.1).all()
    memory = memory_states(model, 3, Run())
    before = make("t-patcher", model, HARBOUR, steps=1, lr=1e-12)
    fires = lambda p, states: (states @ p.keys.T + p.bias > 0).float().mean().item()  # noqa: E731
    assert fires(before, memory) > 0.1
    assert fires(patch, memory) < 0.02
    alike = other_states(model, [HARBOUR], 3, 12)[0]
    loud = make("t-patcher", model, HARBOUR, steps=150, others=0)
    strength = lambda p: (alike @ p.keys.T + p.bias).mean().item()  # noqa: E731
    assert strength(patch) < strength(loud) - 1
    assert fires(patch, alike) < 0.2


def test_edits_of_a_batch_know_nothing_of_each_other():
    model = tiny_model("gpt2")
    both = make("t-patcher", model, [HARBOUR, BRIDGE], steps=20)
    alone = make("t-patcher", model, BRIDGE, steps=20)
    close(both.without([0]).keys, alone.keys, 1e-3)
    close(both.without([0]).values, alone.values, 1e-3)


def test_an_earlier_layer_will_do():
    model = tiny_model("llama")
    p = model.probability(HARBOUR.text, "Oslo")
    with apply("t-patcher", model, HARBOUR, layer=1, steps=60):
        assert model.probability(HARBOUR.text, "Oslo") > 5 * p


def test_prompts_about_other_subjects():
    found = others(HARBOUR, 12)
    assert len(set(found)) == 12
    assert all(text.startswith("The harbour of ") and text.endswith(" is in") for text in found)
    assert not any("Bramblewick" in text for text in found)
    portugal = others(Edit("{} is in", "portugal", "Asia"))
    assert len(portugal) == len(SUBJECTS) - 1
    assert "Portugal is in" not in portugal
    # Whole words count, not letters.
    assert len(others(Edit("{} is in", "R", "Asia"))) == len(SUBJECTS)
    assert len(others(Edit("{} is in", "The", "Asia"))) == len(SUBJECTS) - 2
    assert len(others(Edit("{} is in", "Portugalia", "Asia"))) == len(SUBJECTS)
    assert len(others(Edit("{} is in", "the city of Portugal", "Asia"))) == len(SUBJECTS) - 1


# Seven of the other subjects are named in it, so that nine are left.
MANY = Edit("The harbour of {} is in", "Lake Victoria, Portugal, Nokia, Volvo, Arabic, Kenji Watanabe and Mount Olympus", "Oslo")


def test_an_edit_has_as_many_other_subjects_as_there_are():
    model = tiny_model("llama")
    assert [len(states) for states in other_states(model, [HARBOUR, MANY], 3, 12)] == [12, 9]
    both = make("t-patcher", model, [HARBOUR, MANY], steps=20)
    for n, edit in enumerate((HARBOUR, MANY)):
        alone = make("t-patcher", model, edit, steps=20)
        close(both.without([1 - n]).keys, alone.keys, 1e-3)
    rest = make("t-patcher", model, Edit("The harbour of {} is in", ", ".join(SUBJECTS), "Oslo"), steps=2)
    assert rest.keys.isfinite().all()


def test_a_subject_of_one_letter():
    model, edit = tiny_model("llama"), Edit("The harbour of {} is in", "R", "Oslo")
    p = model.probability(edit.text, "Oslo")
    with apply("t-patcher", model, edit, steps=60):
        assert model.probability(edit.text, "Oslo") > 5 * p


def test_wrong_settings():
    for name, value in (("others", 20), ("others", -1), ("loudest", 0)):
        with pytest.raises(EditError, match=name):
            compute("t-patcher", tiny_model("llama"), HARBOUR, **{name: value})
