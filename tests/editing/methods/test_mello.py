"""MeLLo: every way its loop can go, with a script in the model's place."""

from __future__ import annotations

import pytest

from survey.editing import Edit, EditError, apply, compute
from tests.editing.test_programs import model, say  # noqa: F401

SPOUSE = Edit("The spouse of {} is", "Bramblewick", "Tarn")
BRIDGE = Edit("The bridge of {} is", "Tarn", "London")
QUESTION = "The bridge of Bramblewick's spouse is"
FIRST = f"Subquestion: {SPOUSE.text}\nGenerated answer: The spouse is Vienna.\n"
SECOND = f"Subquestion: {BRIDGE.text}\nGenerated answer: The bridge is Paris.\n"
CONTRADICTS = "Retrieved fact contradicts generated answer, so the intermediate answer is:"
AGREES = "Retrieved fact does not contradict generated answer, so the intermediate answer is:"


def run(model, say, *lines, **options):  # noqa: F811
    script = say(*lines)
    patch = compute("mello", model, [SPOUSE, BRIDGE], demonstrations=0, **options)
    with apply(patch, model):
        read = model.asked([QUESTION])[0]
    return read, patch.trace(QUESTION), script


def test_two_hops(model, say):  # noqa: F811
    read, trace, script = run(
        model, say,
        f"{FIRST}Retrieved fact: never seen", f"{CONTRADICTS} Tarn\n{SECOND}", f"{CONTRADICTS} London\nFinal answer: London\n",
    )  # fmt: skip
    expected = (
        f"Question: {QUESTION}\n{FIRST}Retrieved fact: The spouse of Bramblewick is Tarn.\n{CONTRADICTS} Tarn\n{SECOND}"
        f"Retrieved fact: The bridge of Tarn is London.\n{CONTRADICTS} London\nFinal answer:"
    )
    assert read == trace["text"] == expected
    assert trace["answer"] == "London"
    assert trace["outcome"] == "answered"
    assert trace["steps"] == [
        {"subquestion": SPOUSE.text, "answer": "The spouse is Vienna.", "edit": 0, "fact": "The spouse of Bramblewick is Tarn",
         "contradicts": True, "intermediate": "Tarn"},
        {"subquestion": BRIDGE.text, "answer": "The bridge is Paris.", "edit": 1, "fact": "The bridge of Tarn is London",
         "contradicts": True, "intermediate": "London"},
    ]  # fmt: skip
    # Each time it writes behind all that was written.
    assert [expected.startswith(asked) for asked in script.asked] == [True] * 3
    assert script.asked[1].endswith("Retrieved fact: The spouse of Bramblewick is Tarn.\n")


def test_a_fact_that_agrees(model, say):  # noqa: F811
    _, trace, _ = run(model, say, FIRST, f"{AGREES} Vienna\nFinal answer: Vienna")
    assert trace["steps"][0]["contradicts"] is False
    assert trace["steps"][0]["intermediate"] == "Vienna"


def test_an_answer_at_once(model, say):  # noqa: F811
    read, trace, _ = run(model, say, "Final answer: Oslo\nQuestion: what else")
    assert read == f"Question: {QUESTION}\nFinal answer:"
    assert trace["answer"] == "Oslo"
    assert trace["steps"] == []


def test_another_form_ends_the_loop(model, say):  # noqa: F811
    read, trace, script = run(model, say, FIRST, f"{CONTRADICTS} Tarn\nI do not know.", "never asked")
    assert trace["outcome"] == "form not followed"
    assert trace["answer"] is None
    assert trace["steps"][0]["contradicts"] is True
    assert trace["steps"][1] == {"wrote": f"{CONTRADICTS} Tarn\nI do not know."}
    # What was judged stays, what left the form does not.
    assert read.endswith(f"Tarn.\n{CONTRADICTS} Tarn\nFinal answer:")
    assert len(script.asked) == 2


@pytest.mark.parametrize("wrote", ["", "Subquestion: Who?", "Generated answer: Me", f"{FIRST}And so on"])
def test_halves_of_the_form(model, say, wrote):  # noqa: F811
    read, trace, _ = run(model, say, wrote)
    assert trace["outcome"] == "form not followed"
    assert read == f"Question: {QUESTION}\nFinal answer:"


def test_rounds_come_to_an_end(model, say):  # noqa: F811
    read, trace, script = run(model, say, FIRST, f"{AGREES} a\n{SECOND}", f"{AGREES} b\n{FIRST}", "never", rounds=2)
    assert trace["outcome"] == "too many steps"
    assert [step["edit"] for step in trace["steps"]] == [0, 1]
    assert trace["steps"][1]["intermediate"] == "b"
    assert read.endswith(f"{AGREES} b\nFinal answer:")
    assert len(script.asked) == 3


def test_a_verdict_in_another_form_is_no_verdict(model, say):  # noqa: F811
    _, trace, _ = run(model, say, FIRST, "It seems so.\nFinal answer: Tarn")
    assert "contradicts" not in trace["steps"][0]
    assert trace["outcome"] == "answered"


def test_wrong_settings(model):  # noqa: F811
    with pytest.raises(EditError, match="rounds must be at least 1"):
        compute("mello", model, SPOUSE, rounds=0)
