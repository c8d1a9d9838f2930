"""Does everything else stay? Answers are made up, scores counted by hand."""

from __future__ import annotations

import math

import pytest
import torch

from survey.pitfalls.asking import (
    Continuation,
    Distribution,
    Loss,
    Next,
    Passage,
    Said,
    Text,
    Top,
    wanted,
)
from survey.pitfalls.case import Case, Question
from survey.pitfalls.probes import PROBES
from tests.pitfalls.probes.cases import MOVE, Answers, p

ORSAY, EIFFEL = "The Orsay is in", "The Eiffel Tower is in"
SAID = "The Louvre is located in the city of London. "


def neighbours() -> Case:
    return Case("1", (MOVE,), {"neighbour": (Question(ORSAY, ("Paris",), "London"), Question(EIFFEL, ("Paris",)))})


def spread(*ps: float) -> Distribution:
    tensor = torch.tensor(ps)
    return Distribution(tensor.log(), int(tensor.argmax()))


def states(prefix: str = "") -> tuple[Answers, Answers]:
    """Before: Paris wins at the Eiffel Tower only. After: London wins there, and nowhere else."""
    orsay, eiffel = prefix + ORSAY, prefix + EIFFEL
    before = Answers({
        Continuation(orsay, "Paris"): p(0.25), Continuation(orsay, "London"): p(0.5),
        Continuation(eiffel, "Paris"): p(0.75), Continuation(eiffel, "London"): p(0.125),
        Next(orsay): spread(0.5, 0.5), Next(eiffel): spread(0.75, 0.25), Said(orsay, 10): Text(" one"), Said(eiffel, 10): Text(" two"),
    })  # fmt: skip
    after = Answers({
        Continuation(orsay, "Paris"): p(0.5, True), Continuation(orsay, "London"): p(0.25),
        Continuation(eiffel, "Paris"): p(0.25), Continuation(eiffel, "London"): p(0.5),
        Next(orsay): spread(0.5, 0.5), Next(eiffel): spread(0.25, 0.75), Said(orsay, 10): Text(" one"), Said(eiffel, 10): Text(" three"),
    })  # fmt: skip
    return before, after


@pytest.mark.parametrize(("pitfall", "prefix", "names"), [
    ("locality.neighbourhood", "", (
        "neighbourhood-score", "neighbourhood-magnitude", "neighbourhood-score.kept", "neighbourhood-score.exact",
        "locality.next-token", "locality.generated", "neighbourhood-kl", "neighbourhood-kl.compat")),
    ("locality.distraction", SAID, (
        "neighbourhood-score.distracted", "neighbourhood-magnitude.distracted", "neighbourhood-score.distracted-kept",
        "neighbourhood-score.distracted-exact", "distract-neighbour.next-token", "distract-neighbour.generated",
        "neighbourhood-kl.distracted", "neighbourhood-kl.distracted-compat")),
])  # fmt: skip
def test_neighbours(pitfall, prefix, names):
    # Paris wins at one of two; (.25 - .25) / 2 = 0; of the one where it won before, none; one exact; one next token and one
    # text stayed; the divergence is 0 for one and 1/4 log(1/3) + 3/4 log 3 = log(3) / 2 for the other.
    kl = math.log(3) / 2 / 2
    expected = (0.5, 0, 0, 0.5, 0.5, 0.5, kl, kl / 2)
    found = PROBES[pitfall].score(neighbours(), states(prefix))
    assert found == dict(zip(names, map(pytest.approx, expected), strict=True))


def test_kept_does_not_count_where_nothing_held():
    before, after = states()
    before[Continuation(EIFFEL, "Paris")] = p(0.0)
    assert PROBES["locality.neighbourhood"].score(neighbours(), (before, after))["neighbourhood-score.kept"] is None


def test_the_unedited_model_shows_the_ceiling():
    before, _ = states()
    found = PROBES["locality.neighbourhood"].score(neighbours(), (before, before))
    assert found["neighbourhood-score"] == 0.5 and found["neighbourhood-score.kept"] == 1
    assert found["locality.next-token"] == found["locality.generated"] == 1 and found["neighbourhood-kl"] == 0


def test_unrelated_questions_and_other_relations():
    q = Question("It is", ("Rome",))
    r = Question("So it is", ("Oslo",))
    before = Answers({Said("It is", 10): Text(" Rome"), Said("So it is", 10): Text(" Bonn"), Top("It is"): 3, Top("So it is"): 4})
    after = Answers({
        Said("It is", 10): Text(" Rome now"), Said("So it is", 10): Text(" Bonn"), Top("It is"): 3, Top("So it is"): 5,
        Continuation("It is", "Rome"): p(0.5, True, 1.0), Continuation("So it is", "Oslo"): p(0.1, False, 0.5),
        Passage("A text."): Loss(6.0, 3), Passage("Another."): Loss(2.0, 1),
    })  # fmt: skip
    found = PROBES["locality"].score(Case("1", (MOVE,), {"unrelated": (q, r)}), (before, after))
    # Tokens right of what is recorded: (1 + .5) / 2. Said before: Rome alone, and it still is.
    assert found == {"locality.next-token": 0.5, "locality.generated": 0.5, "locality.recorded": 0.75, "locality.kept": 1}
    essence = (Question("Louvre", ("A text.", "Another.")),)
    found = PROBES["locality.relation"].score(Case("1", (MOVE,), {"relation": (q, r), "essence": essence}), (before, after))
    assert found == {
        "other-attribution.next-token": 0.5, "other-attribution.generated": 0.5, "other-attribution.forced": 0.5,
        "other-attribution.kept": 1, "essence": pytest.approx(math.e**2),
    }  # fmt: skip


def test_a_benchmarks_own_distracting_prompts_are_used():
    own = Question("London! The Orsay is in", ("Paris",), "London")
    case = Case("1", (MOVE,), {"neighbour": (Question(ORSAY, ("Paris",)),), "distract": (own,)})
    _, asked = wanted(PROBES["locality.distraction"].score, case, states=2)
    assert {ask.prompt for ask in asked} == {own.prompt}
    _, asked = wanted(PROBES["locality.distraction"].score, neighbours(), states=2)
    assert {ask.prompt for ask in asked} == {SAID + ORSAY, SAID + EIFFEL}


def test_two_collapsed_models_do_not_agree():
    broken = Answers(Continuation=p(0.1), Next=Distribution(torch.full((2,), math.nan), -1), Said=Text("", True), Top=-1)
    found = PROBES["locality.neighbourhood"].score(neighbours(), (broken, broken))
    assert found["locality.next-token"] == found["locality.generated"] == 0
    assert math.isnan(found["neighbourhood-kl"]) and math.isnan(found["neighbourhood-kl.compat"])
    q = (Question("It is", ("Rome",)),)
    assert PROBES["locality"].score(Case("1", (MOVE,), {"unrelated": q}), (broken, broken))["locality.next-token"] == 0


def test_kept_is_a_share_of_what_held_before():
    before, after = states()
    before[Continuation(ORSAY, "Paris")] = p(0.75)
    # Both held before, and the Orsay alone still does; of what holds now, all held before.
    assert PROBES["locality.neighbourhood"].score(neighbours(), (before, after))["neighbourhood-score.kept"] == 0.5
