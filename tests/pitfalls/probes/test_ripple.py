"""RippleEdits' six lists. Answers are made up, scores counted by hand."""

from __future__ import annotations

import pytest

from survey.pitfalls.asking import Said, Text, wanted
from survey.pitfalls.case import Case, Question
from survey.pitfalls.probes import PROBES
from survey.pitfalls.probes.ripple import LISTS, TOKENS
from tests.pitfalls.probes.cases import MOVE, Answers, p

score = PROBES["locality.ripple"].score


def says(**texts: str) -> Answers:
    """What is said behind prompts; an underscore stands for a blank."""
    told = {Said(prompt.replace("_", " "), n): Text(text) for prompt, text in texts.items() for n in (10, TOKENS)}
    return Answers(told, Continuation=p(0.1), Said=Text(""), Top=0)


@pytest.mark.parametrize(("role", "metric"), [(role, metric) for role, (metric, _) in LISTS.items()])
def test_each_list_has_its_metric(role, metric):
    need = Question("Needed:", ("Rome",))
    tests = (Question("One:", ("Oslo",), needs=(need,)), Question("Two:", ("Bonn",)), Question("Three:", ("Bern",)))
    case = Case("1", (MOVE,), {role: tests})
    after = {"One:": " Oslo", "Two:": " in Bonn", "Three:": " Berne"}
    found = score(case, (says(**{"Needed:": " Rome"}), says(**after)))
    # Passed, passed, failed: Berne is not Bern. The published match takes it for one.
    assert found[f"{metric}.generated"] == pytest.approx(2 / 3) and found[f"{metric}.compat"] == 1
    assert found[f"{metric}.counted"] == 1
    # The condition does not hold: one test less.
    found = score(case, (says(**{"Needed:": " Paris"}), says(**after)))
    assert found[f"{metric}.generated"] == 0.5 and found[f"{metric}.counted"] == pytest.approx(2 / 3)
    others = {m for m, _ in LISTS.values()} - {metric}
    assert all(found[f"{m}.generated"] is None for m in others)


def test_an_answer_in_the_prompt_passes_by_the_published_match():
    case = Case("1", (MOVE,), {"preservation": (Question("Beside Lens the Louvre is in", ("Lens",)),)})
    found = score(case, (says(), says()))
    assert found["preservation.generated"] == 0 and found["preservation.compat"] == 1


@pytest.mark.parametrize(("role", "metric"), [("one-hop", "compositionality-1"), ("alias", "subject-aliasing"), ("relation", "relation-specificity")])
def test_roles_of_the_same_meaning_stand_in(role, metric):
    case = Case("1", (MOVE,), {role: (Question("One:", ("Oslo",)),)})
    assert PROBES["locality.ripple"].usable(case)
    assert score(case, (says(), says(**{"One:": " Oslo"})))[f"{metric}.generated"] == 1


def test_conditions_are_asked_in_the_room_of_an_answer_and_tests_in_thirty_tokens():
    """For the published match both are asked in thirty; the published length, which takes characters for tokens, is never asked."""
    need = Question("Needed:", ("Rome",))
    case = Case("1", (MOVE,), {"preservation": (Question("One of them, as anybody knows who has ever been there, is:", ("Oslo",), needs=(need,)),)})
    before, after = wanted(PROBES["locality.ripple"].score, case, states=2)
    asked = lambda state: {(ask.prompt[:6], ask.tokens) for ask in state if isinstance(ask, Said)}  # noqa: E731
    assert asked(before) == {("Needed", 10), ("Needed", TOKENS)}
    assert asked(after) == {("One of", TOKENS)}


def test_the_published_match_holds_for_conditions_too():
    need = Question("Needed:", ("Rome",))
    case = Case("1", (MOVE,), {"preservation": (Question("One:", ("Oslo",), needs=(need,)), Question("Two:", ("Bonn",)))})
    # By whole words "Rome" is not in "Romeo", by the published match it is.
    found = score(case, (says(**{"Needed:": " Romeo"}), says(**{"One:": " Oslo"})))
    assert found["preservation.generated"] == 0 and found["preservation.compat"] == 0.5
    found = score(case, (says(**{"Needed:": " Paris"}), says(**{"One:": " Oslo"})))
    assert found["preservation.compat"] == 0
