"""Does the edit hold? Answers are made up, scores counted by hand."""

from __future__ import annotations

import math

import pytest

from survey.editing.edit import Edit
from survey.pitfalls.asking import Continuation, Likelihood, Said, Text, Top
from survey.pitfalls.case import Case, Question
from survey.pitfalls.probes import PROBES
from tests.pitfalls.probes.cases import MOVE, Answers, p

PROMPT = "The Louvre is located in the city of"


def state(new: float, old: float, said: str = "", *, exact: bool = False, top: int = 0, prompt: str = PROMPT) -> Answers:
    """What a model says of London and Paris behind a prompt."""
    return Answers(
        {Continuation(prompt, "London"): p(new, exact, float(exact)), Continuation(prompt, "Paris"): p(old), Said(prompt, 10): Text(said), Top(prompt): top},
        Continuation=p(0.0), Said=Text(""), Top=0,
    )  # fmt: skip


ROME_TOO = Edit("{} is located in the city of", "The Prado", "Rome", "Madrid")


def score(pitfall: str, case: Case, *states) -> dict:
    return PROBES[pitfall].score(case, states)


def test_the_edit_itself():
    before, after = state(0.1, 0.6, " Paris"), state(0.7, 0.2, " London, in England", exact=True, top=5)
    assert score("generalization", Case("1", (MOVE,)), before, after) == {
        "efficacy-score": 1, "efficacy-magnitude": pytest.approx(0.5), "efficacy-score.unchanged": 0, "reliability.forced": 1,
        "reliability.generated": 1, "token-accuracy": 1, "free-running-exact-match": 1,
    }  # fmt: skip


def test_an_edit_that_wins_and_is_not_said():
    """The score alone would call this a success: London beats Paris, and neither is what the model says."""
    found = score("generalization", Case("1", (MOVE,)), state(0.01, 0.6), state(0.02, 0.01, " Europe, near London"))
    assert found["efficacy-score"] == 1 and found["reliability.forced"] == 0
    assert found["reliability.generated"] == 1 and found["free-running-exact-match"] == 0
    assert found["efficacy-score.unchanged"] == 1


def test_where_the_old_object_is_not_known_there_is_no_score():
    found = score("generalization", Case("1", (Edit(MOVE.prompt, MOVE.subject, "London"),)), state(0.1, 0.6), state(0.7, 0.2, exact=True))
    assert found["efficacy-score"] is None and found["efficacy-magnitude"] is None
    assert found["reliability.forced"] == 1


def test_several_edits_are_averaged_and_the_later_one_of_the_same_prompt_holds():
    other = Edit("{} lies in", "The Prado", "London", "Madrid")
    after = state(0.7, 0.2, exact=True)
    both = Case("1", (MOVE, other), together=True)
    assert score("generalization", both, state(0.1, 0.6), after)["reliability.forced"] == 0.5
    again = Case("1", (Edit(MOVE.prompt, MOVE.subject, "Rome", "Paris"), Edit(MOVE.prompt, MOVE.subject, "London", "Rome")))
    assert score("generalization", again, state(0.1, 0.6), after)["reliability.forced"] == 1


def test_forgetting_asks_the_edit_again():
    case = Case("1", (MOVE,))
    states = state(0.1, 0.6), state(0.7, 0.2, exact=True)
    assert score("general-abilities.forgetting", case, *states) == score("generalization", case, *states)


def test_paraphrases_are_averaged():
    prompts = ("Where is the Louvre? In", "The Louvre stands in")
    questions = tuple(Question(prompt, ("London",), "Paris") for prompt in prompts)
    before = Answers(Continuation=p(0.1), Said=Text(""), Top=1)
    after = Answers(
        {Continuation(prompts[0], "London"): Likelihood(math.log(0.5), False, 0.5, 2), Continuation(prompts[0], "Paris"): p(0.25),
         Continuation(prompts[1], "London"): p(0.125), Continuation(prompts[1], "Paris"): p(0.5), Top(prompts[0]): 7},
        Said=Text(" london"), Top=1,
    )  # fmt: skip
    # Won and lost: 1/2. (.25 - .375) / 2 = -.0625. One next token of two stayed. (1/2 + 0) / 2 of the tokens are right.
    assert score("generalization.paraphrase", Case("1", (MOVE,), {"paraphrase": questions}), before, after) == {
        "paraphrase-score": 0.5, "paraphrase-magnitude": pytest.approx(-0.0625), "paraphrase-score.unchanged": 0.5,
        "generalization.forced": 0, "generalization.generated": 1, "generalization.tokens": 0.25,
    }  # fmt: skip


NEED = Question("The currency of London is the", ("pound",))
HOP = Question("At the Louvre one pays in", ("pound", "pounds"), "euro", (NEED,))


@pytest.mark.parametrize(("pitfall", "role", "metric"), [
    ("generalization.one-hop", "one-hop", "one-hop"),
    ("generalization.aliasing", "alias", "subject-replace"),
    ("generalization.reversal", "reverse", "reverse-relation"),
    ("generalization.logical", "logical", "logical-generalization"),
])  # fmt: skip
def test_questions_that_follow_from_the_edit(pitfall, role, metric):
    case = Case("1", (MOVE,), {role: (HOP, Question("It is in", ("England",)))})
    knows = Answers({Said(NEED.prompt, 10): Text(" pound sterling")}, Continuation=p(0.1), Said=Text(""), Top=1)
    after = Answers(
        {Said(HOP.prompt, 10): Text(" British pounds."), Continuation(HOP.prompt, "pound"): Likelihood(math.log(0.4), False, 0.5, 2),
         Continuation(HOP.prompt, "euro"): p(0.2), Top(HOP.prompt): 9, Continuation("It is in", "England"): p(0.9, True, 1.0)},
        Said=Text(" France"), Top=1,
    )  # fmt: skip
    found = score(pitfall, case, knows, after)
    assert {name: value for name, value in found.items() if value is not None} == {
        f"{metric}.forced": 0.5, f"{metric}.tokens": 0.75, f"{metric}.generated": 0.5, f"{metric}.compared": 1,
        f"{metric}.unchanged": 0.5, f"{metric}.counted": 1,
    }  # fmt: skip
    # The unedited model does not know what the first question needs: the second alone counts.
    ignorant = Answers(Continuation=p(0.1), Said=Text(" dollar"), Top=1)
    found = score(pitfall, case, ignorant, after)
    assert found[f"{metric}.generated"] == 0 and found[f"{metric}.forced"] == 1
    assert found[f"{metric}.counted"] == 0.5 and found[f"{metric}.compared"] is None
    # It may also know it under teacher forcing.
    forced = Answers({Continuation(NEED.prompt, "pound"): p(0.5, True, 1.0)}, Continuation=p(0.1), Said=Text(""), Top=1)
    assert score(pitfall, case, forced, after)[f"{metric}.counted"] == 1


def test_any_or_all_wordings_may_have_to_be_right():
    def asked(whole):
        question = Question("One", ("Rome",), others=(Question("Two", ("Rome",)),), whole=whole)
        after = Answers({Said("One", 10): Text(" Oslo"), Said("Two", 10): Text(" Rome")}, Continuation=p(0.1), Top=1)
        return score("generalization.reversal", Case("1", (MOVE,), {"reverse": (question,)}), after, after)["reverse-relation.generated"]

    assert asked("any") == 1 and asked("all") == 0


def test_chains():
    hops = (Question("Hop one:", ("London",)), Question("Hop two:", ("pound",)))
    chain = Question("Q1", ("pound",), "euro", (NEED,), (Question("Q2", ("pound",)), Question("Q3", ("pound",))))
    case = Case("1", (MOVE,), {"multi-hop": (chain,), "hop": hops, "reasoning": (Question("Why?", ("because",)),)})
    knows = Answers({Said(NEED.prompt, 10): Text(" pound")}, Continuation=p(0.1), Said=Text(""), Top=1)
    after = Answers(
        {Said("Q2", 10): Text(" the pound"), Said("Hop one:", 10): Text(" London"), Said("Hop two:", 10): Text(" pound"),
         Said(PROMPT, 10): Text(" London"), Continuation("Hop one:", "London"): p(0.5, True, 1.0)},
        Continuation=p(0.1), Said=Text(" Oslo"), Top=1,
    )  # fmt: skip
    found = score("generalization.multi-hop", case, knows, after)
    assert found["multi-hop-accuracy.generated"] == 1 and found["multi-hop-accuracy.compat"] == 0  # The second wording was right.
    assert found["instance-wise-accuracy.generated"] is True and found["instance-wise-accuracy.forced"] is False
    assert found["edit-wise-success.generated"] == 1 and found["edit-wise-success.forced"] == 0
    assert found["qa-accuracy.generated"] == 0
    # Without knowing the chain before the edit, the instance does not count; the edit does.
    found = score("generalization.multi-hop", case, Answers(Continuation=p(0.1), Said=Text(""), Top=1), after)
    assert found["multi-hop-accuracy.generated"] is None and found["multi-hop-accuracy.counted"] == 0
    assert found["instance-wise-accuracy.generated"] is None and found["edit-wise-success.generated"] == 1


def test_long_answers_have_room():
    long = Question("She was", ("an English mathematician and the first programmer",))
    after = Answers({Said("She was", 20): Text(" an English mathematician and the first programmer")}, Continuation=p(0.1), Top=1)
    assert score("generalization.reversal", Case("1", (MOVE,), {"reverse": (long,)}), after, after)["reverse-relation.generated"] == 1


def test_reasoning_recalls_a_fact_by_its_subject_and_its_new_object():
    case = Case("1", (MOVE, ROME_TOO), {"reasoning": (Question("Which is farther north?", ("the Louvre",)),)}, together=True)
    says = lambda text: Answers({Said("Which is farther north?", 100): Text(text)}, Continuation=p(0.1), Said=Text(""), Top=1)  # noqa: E731
    recalled = [
        score("generalization.multi-hop", case, says(""), says(text))["fact-recall.mentioned"]
        for text in (" The Louvre is in London, the Prado in Rome.", " The Louvre is in London, the Prado in Madrid.", " It is in London.", "")
    ]
    assert recalled == [1, 0.5, 0, 0]
