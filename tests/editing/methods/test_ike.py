"""IKE: the form of the prompt, the kinds of demonstrations, and when the fact stands there."""

from __future__ import annotations

import pytest

from survey.editing import EditError, apply, compute, facts
from survey.editing.learning import UntrainedError
from survey.editing.method import find
from survey.editing.methods.ike import _ROLES, demonstrations
from tests.editing.methods.common import BRIDGE, HARBOUR
from tests.editing.tiny import tiny_model

QUERY = "They say that Bramblewick lies in"
OWN = "New Fact: The harbour of Bramblewick is in Oslo\nPrompt: The harbour of Bramblewick is in Oslo\n\n"
ASKED = f"New Fact: The harbour of Bramblewick is in Oslo\nPrompt: {QUERY}"


@pytest.fixture
def model():
    model = tiny_model("llama")
    yield model
    model.restore()


def test_the_form(model):
    with apply("ike", model, HARBOUR):
        assert model.asked([QUERY]) == [OWN + ASKED]
    with apply("ike", model, HARBOUR, copy=False):
        assert model.asked([QUERY]) == [ASKED]


def test_kinds_are_in_their_shares():
    assert [_ROLES.count(role) for role in ("copy", "update", "retain")] == [1, 3, 4]


def test_demonstrations_are_what_their_role_says(model):
    found = demonstrations(model, HARBOUR, find("ike").configure(demonstrations=8))
    assert found[-1] == OWN
    assert len(found) == 9
    by_text = {f"{example.edit.text} {example.edit.target}": example for example in facts.examples(0, part="all")}
    for role, text in zip(_ROLES, found[-2::-1], strict=True):
        fact, prompt = text.removesuffix("\n\n").split("\n")
        example = by_text[fact.removeprefix("New Fact: ")]
        prompt = prompt.removeprefix("Prompt: ")
        if role == "copy":
            assert prompt == f"{example.edit.text} {example.edit.target}"
        elif role == "update":
            assert prompt in [f"{words} {example.edit.target}" for words in example.rephrasings]
        else:
            # What stays is answered truly, not with the new object.
            assert prompt in [f"{n.prompt} {n.answer}" for n in example.neighbours]
            assert example.edit.target != example.neighbours[-1].answer


def test_the_nearest_facts_are_shown(model):
    """Demonstrations for a fact that is stored begin with its like, and never are about its subject."""
    edit = facts.examples(0, part="all")[0].edit
    found = demonstrations(model, edit, find("ike").configure(demonstrations=4, copy=False))
    assert len(found) == 4
    assert not any(edit.subject in text for text in found)
    fewer = demonstrations(model, edit, find("ike").configure(demonstrations=2, copy=False))
    assert found[-2:] == fewer
    other = demonstrations(model, HARBOUR, find("ike").configure(demonstrations=4, copy=False))
    assert other != found


def test_only_what_names_the_subject_is_in_scope(model):
    with apply("ike", model, [HARBOUR, BRIDGE], scope="subject", copy=False):
        assert model.asked([QUERY, "The bridge of TARN is", "The bridge of Oslo is"]) == [
            ASKED, "New Fact: The bridge of Tarn is London\nPrompt: The bridge of TARN is", "The bridge of Oslo is",
        ]  # fmt: skip
    with apply("ike", model, [HARBOUR, BRIDGE], copy=False):
        assert model.asked(["The bridge of Oslo is"])[0].startswith("New Fact: The bridge of Tarn")


def test_wrong_settings(model):
    with pytest.raises(EditError, match="at least 0, not -1"):
        compute("ike", model, HARBOUR, demonstrations=-1)
    with pytest.raises(EditError, match="'always' or 'subject' or 'scope-classifier'"):
        compute("ike", model, HARBOUR, scope="never")
    with pytest.raises(EditError, match=r"sentence-transformers|no/such"):
        compute("ike", model, HARBOUR, embedding="/no/such/folder")


def test_the_classifier_must_be_trained(model, monkeypatch, tmp_path):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path))
    with pytest.raises(UntrainedError, match="survey train serac"):
        compute("ike", model, HARBOUR, scope="scope-classifier")
