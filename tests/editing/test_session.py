"""Sequences, batches and what a patch says of itself."""

from __future__ import annotations

import pytest
import torch

from survey.editing import Edit, EditError, compute
from survey.editing.methods.prune import restrain
from survey.editing.session import _together
from survey.editing.statistics import first_words
from tests.editing.tiny import tiny_model

EDITS = [
    Edit("The harbour of {} lies in", "Anna Bell", "Oslo", "Rome"),
    Edit("The museum of {} lies in", "Carl Dorn", "Rome", "Oslo"),
]
TINY = {"layers": (1, 2), "contexts": ((1, 3),), "steps": 3, "first_layer": 0}


def test_prune_restrains_the_sum_of_a_sequence_once(monkeypatch):
    model = tiny_model("llama")
    seen = []

    def look(model, patch):
        seen.append(patch)
        return restrain(model, patch)

    monkeypatch.setattr("survey.editing.methods.prune.restrain", look)
    monkeypatch.setattr("survey.editing.session.find", _with_defaults(TINY))
    compute("prune", model, EDITS, batch=1)
    assert len(seen) == 1
    sequence = compute("memit", model, EDITS, batch=1)
    for name, change in sequence.changes.items():
        torch.testing.assert_close(seen[0].changes[name].full(), change.full())


def _with_defaults(settings):
    """`find` with other defaults for memit, whose layers a tiny model does not have."""
    from dataclasses import make_dataclass, replace

    from survey.editing.method import find

    def found(id):
        method = find(id)
        if id != "memit":
            return method
        config = make_dataclass(
            "Config", [(n, method.config.__dataclass_fields__[n].type, v) for n, v in settings.items()],
            bases=(method.config,), frozen=True,
        )  # fmt: skip
        config.__module__ = method.config.__module__
        return replace(method, config=config)

    return found


def test_a_sequence_tells_its_worst_ratio_and_all_its_neurons():
    notes = [{"key_ratio": 0.9, "neurons": [[1, 2]]}, {"key_ratio": -0.02, "neurons": [[0, 3], [1, 2]]}]
    assert _together(notes) == {"key_ratio": -0.02, "neurons": [[0, 3], [1, 2]]}
    assert _together([{}, {}]) == {}


def test_a_patch_tells_its_statistics_and_edits_in_the_first_position():
    model = tiny_model("llama")
    word = model.decode([first_words(model)[-1]])  # One token of the tiny vocabulary.
    first = Edit("{} lies in", word, "Rome")
    patch = compute("rome", model, [first], layer=2, contexts=((1, 3),), steps=2)
    assert patch.about["first"] == {"layer": 0, "subjects": [word]}
    assert set(patch.changes) == {model.down_name(0)}
    assert patch.about["statistics"]["condition"]["0"] > 1 and patch.about["statistics"]["tokens"] > 0
    other = compute("rome", model, EDITS[:1], layer=2, contexts=((1, 3),), steps=2)
    assert "first" not in other.about and set(other.changes) == {model.down_name(2)}


@pytest.mark.parametrize("settings", [
    ("fine-tuning", {"steps": 0}), ("lora", {"rank": 0}), ("kn", {"integration_steps": 0}), ("ft-l", {"lr": -1.0}),
    ("rome", {"contexts": ((0, 3),)}), ("memit", {"lambda_": 0.0}),
])  # fmt: skip
def test_numbers_that_make_no_sense_are_refused(settings):
    method, options = settings
    with pytest.raises(EditError, match=next(iter(options))):
        compute(method, tiny_model("llama"), EDITS[:1], **options)


def test_the_callers_random_numbers_stay_theirs():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    compute("lora", tiny_model("llama"), EDITS[:1], layers=(1,), steps=1)
    assert torch.equal(torch.rand(3), expected)
