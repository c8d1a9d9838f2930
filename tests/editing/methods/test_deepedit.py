"""DeepEdit: its search and its constraints, with a script in the model's place."""

from __future__ import annotations

import pytest

from survey.editing import Edit, EditError, apply, compute
from survey.editing.methods.deepedit import _JUDGES, entities
from tests.editing.test_programs import model, say  # noqa: F401

SPOUSE = Edit("The spouse of {} is", "Bramblewick", "Tarn")
BRIDGE = Edit("The bridge of {} is", "Tarn", "London")
QUESTION = "The bridge of the spouse of Bramblewick is"
S, B = "The spouse of Bramblewick is Tarn.", "The bridge of Tarn is London."


def run(model, say, *lines, edits=(SPOUSE, BRIDGE), question=QUESTION, **options):  # noqa: F811
    script = say(*lines)
    patch = compute("deepedit", model, list(edits), demonstrations=0, **options)
    with apply(patch, model):
        read = model.asked([question])[0]
    return read, patch.trace(question), script


def chains(trace):
    return [tuple(step["chain"]) for step in trace["steps"]]


def test_names():
    assert entities("What is the capital of the United States of America?") == ["United States of America"]
    assert entities("The spouse of Jean-Luc O'Neill is Émile Zola.") == ["Jean-Luc O'Neill", "Émile Zola"]
    assert entities("In Rome, people speak of X") == ["Rome", "X"]
    assert entities("nobody is named here") == []


def test_a_fact_that_goes_on_from_the_chain(model, say):  # noqa: F811
    """Coherence: the newest entity is named, the one before is not; nobody is asked about a contradiction."""
    read, trace, _ = run(
        model, say,
        "Step: The spouse of Bramblewick is Vienna.", SPOUSE.text, "No",
        "Step: The bridge of Tarn is Paris.", BRIDGE.text,
        "So the answer is: London.",
    )  # fmt: skip
    assert read == f"Question: {QUESTION}\nStep: {S}\nStep: {B}\nSo the answer is:"
    assert trace["answer"] == "London"
    assert trace["outcome"] == "answered"
    assert chains(trace) == [(), (S,), (S, B)]
    spouse, bridge = trace["steps"][0]["facts"]
    assert (spouse["edit"], spouse["coherent"], spouse["contradicts"]) == (0, True, False)
    assert (bridge["edit"], bridge["coherent"], bridge["contradicts"]) == (1, False, False)
    # Conciseness: the first fact is in the chain, and not taken again.
    found = {note["edit"]: note for note in trace["steps"][1]["facts"]}
    assert found[0]["refused"] == "said already"
    assert found[1]["coherent"]


def test_a_fact_that_names_the_entity_before_is_not_coherent(model, say):  # noqa: F811
    both = Edit("What Tarn gave {} was", "Bramblewick", "Oslo")
    _, trace, _ = run(
        model, say,
        "Step: The spouse of Bramblewick is Vienna.", SPOUSE.text, "No",
        "Step: Something else.", both.text, "No", "So the answer is: Oslo",
        edits=[SPOUSE, both],
    )  # fmt: skip
    notes = {note["edit"]: note for note in trace["steps"][0]["facts"]}
    assert notes[0]["coherent"]
    second = next(step for step in trace["steps"] if step["chain"] and step.get("facts"))
    assert all(not note.get("coherent") for note in second["facts"])


def test_a_contradiction_takes_the_place_of_the_thought(model, say):  # noqa: F811
    """Receptiveness: three judges must say yes."""
    question = "nothing with a name"
    read, _, script = run(
        model, say, "Step: A bridge is Paris.", "new", "Yes", " yes.", "Yes, they do", "So the answer is: London",
        edits=[BRIDGE], question=question,
    )  # fmt: skip
    assert read == f"Question: {question}\nStep: {B}\nSo the answer is:"
    for asked, judge in zip(script.asked[2:5], _JUDGES, strict=True):
        assert asked == judge.format(thought="A bridge is Paris.", fact=B)
    for verdicts in (("No",), ("Yes", "No"), ("Yes", "Yes", "No"), ("Yes", "Yes", "perhaps")):
        read, trace, script = run(
            model, say, "Step: A bridge is Paris.", "new", *verdicts, "So the answer is: Paris", edits=[BRIDGE], question=question
        )
        assert read == f"Question: {question}\nStep: A bridge is Paris.\nSo the answer is:"
        assert trace["answer"] == "Paris"
        # One that says no ends it.
        assert len(script.asked) == 2 + len(verdicts) + 1


def test_what_is_new_is_looked_for(model, say):  # noqa: F811
    """Pertinence: not the thought is looked for, but what the model calls new in it; and only so many facts."""
    for new, number in ((SPOUSE.text, 0), (BRIDGE.text, 1)):
        _, trace, script = run(model, say, "Step: a thought", new, *["No"] * 3, "So the answer is: x", facts=1)
        assert trace["steps"][0]["new"] == new
        assert [note["edit"] for note in trace["steps"][0]["facts"]] == [number]
        assert "Text: " + QUESTION in script.asked[1]
        assert "Thought: a thought" in script.asked[1]


def test_the_search_goes_back(model, say):  # noqa: F811
    """Depth-first: where a branch ends without an answer, the next best one is taken."""
    other = Edit("The garden of {} is", "Bramblewick", "Vienna")
    read, trace, _ = run(
        model, say,
        "Step: a thought", SPOUSE.text,  # Both facts name the newest entity.
        "this leaves the form",
        "So the answer is: Vienna",
        edits=[SPOUSE, other],
    )  # fmt: skip
    assert chains(trace) == [(), (S,), ("The garden of Bramblewick is Vienna.",)]
    assert read.endswith("Step: The garden of Bramblewick is Vienna.\nSo the answer is:")
    assert trace["outcome"] == "answered"


def test_a_thought_that_was_said_is_no_step(model, say):  # noqa: F811
    read, trace, _ = run(
        model, say, "Step: It rains.", "new", "No", "Step: IT RAINS", "new", "No", edits=[BRIDGE], question="nothing named",
    )  # fmt: skip
    assert trace["outcome"] == "no step is left"
    assert read == "Question: nothing named\nStep: It rains.\nSo the answer is:"


def test_depth_and_thoughts_have_limits(model, say):  # noqa: F811
    lines = [line for n in range(9) for line in (f"Step: thought {n}", "new", "No")]
    _, trace, _ = run(model, say, *lines, edits=[BRIDGE], question="nothing named", depth=3)
    assert trace["outcome"] == "too many steps"
    assert [len(chain) for chain in chains(trace)] == [0, 1, 2, 3]
    _, trace, _ = run(model, say, *lines, edits=[BRIDGE], question="nothing named", depth=8, thoughts=2)
    assert trace["outcome"] == "too many steps"
    assert len(trace["steps"]) == 2


@pytest.mark.parametrize("wrote", ["", "Step:", "I think that"])
def test_another_form(model, say, wrote):  # noqa: F811
    read, trace, _ = run(model, say, wrote)
    assert trace["outcome"] == "form not followed"
    assert read == f"Question: {QUESTION}\nSo the answer is:"


def test_wrong_settings(model):  # noqa: F811
    with pytest.raises(EditError, match="depth must be at least 1"):
        compute("deepedit", model, SPOUSE, depth=0)
