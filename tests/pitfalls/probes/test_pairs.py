"""Two edits, one after the other. Answers are made up, scores counted by hand."""

from __future__ import annotations

import math

import pytest

from survey.editing.edit import Edit
from survey.pitfalls.asking import Continuation, Top
from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics.distributions import js
from survey.pitfalls.probes import PROBES
from survey.pitfalls.probes.pairs import alone, coverage
from tests.pitfalls.probes.cases import BACK, MOVE, Answers, p

PROMPT = MOVE.text
OTHER = "The city of the Louvre is"


def objects() -> Case:
    """The Louvre stands in Paris, and, say, in Lens and in Abu Dhabi."""
    question = Question(PROMPT, ("Paris", "Lens", "Abu Dhabi"), others=(Question(OTHER, ("Paris",)),))
    return Case("1", (MOVE, BACK), {"objects": (question,)})


def state(paris: float, lens: float, dhabi: float, london: float, *, top: int = 0, exact: str = "") -> Answers:
    values = {"Paris": paris, "Lens": lens, "Abu Dhabi": dhabi, "London": london}
    # In the other wording everything is twice as probable, so that a mean is 1.5 times the first.
    return Answers({
        **{Continuation(PROMPT, o): p(v, o == exact) for o, v in values.items()},
        **{Continuation(OTHER, o): p(2 * v) for o, v in values.items()}, Top(PROMPT): top,
    })  # fmt: skip


def test_a_round_trip():
    before = state(0.2, 0.1, 0.1, 0.05)
    between = state(0.1, 0.1, 0.1, 0.3, exact="London")
    after = state(0.3, 0.05, 0.05, 0.1, exact="Paris", top=1)
    found = PROBES["locality.distortion"].score(objects(), (before, between, after))
    # Shares of the three: (1/2, 1/4, 1/4) and (3/4, 1/8, 1/8). Lens and Abu Dhabi both lost. The next token changed once, at last.
    expected = js([0.5, 0.25, 0.25], [0.75, 0.125, 0.125])
    assert found == {
        "distortion": pytest.approx(expected), "distortion.compat": pytest.approx(expected / 3), "ignore-rate": 1, "failure-rate": 1,
        "success-score": 1, "success-score.exact": 1, "success-score.unchanged": 0.5, "locality.round-trip": 0,
    }  # fmt: skip


def test_a_round_trip_that_never_left():
    before = state(0.2, 0.1, 0.1, 0.05)
    found = PROBES["locality.distortion"].score(objects(), (before, before, before))
    assert found["distortion"] == found["ignore-rate"] == 0 and found["locality.round-trip"] == 1
    assert found["success-score"] == 0.5  # London never won, and Paris did: the floor.
    assert found["success-score.exact"] == 0 and found["success-score.unchanged"] == 1


def test_a_single_right_object_cannot_be_distorted():
    case = Case("1", (MOVE, BACK), {"objects": (Question(PROMPT, ("Paris",)),)})
    found = PROBES["locality.distortion"].score(case, (state(0.2, 0, 0, 0.1),) * 3)
    assert [found[name] for name in ("distortion", "distortion.compat", "ignore-rate", "failure-rate")] == [None] * 4


ROME = Edit(MOVE.prompt, MOVE.subject, "Rome", "London")


def conflict() -> Case:
    ask = lambda prompt, answer, other=None: (Question(prompt, (answer,), others=(Question(other, (answer,)),) if other else ()),)  # noqa: E731
    return Case("1", (MOVE, ROME), {
        "explicit-new": ask("Now", "Rome", "Today"), "explicit-old": ask("Now", "London", "Today"),
        "implicit-new": ask("Then", "Rome"), "implicit-old": ask("Then", "London"), "tied": ask("Tie", "knot"),
    })  # fmt: skip


def answers(rome: float, london: float, knot: float, **told: float) -> Answers:
    return Answers({
        Continuation("Now", "Rome"): p(rome), Continuation("Today", "Rome"): p(rome), Continuation("Now", "London"): p(london),
        Continuation("Today", "London"): p(london / 2), Continuation("Then", "Rome"): p(0.1), Continuation("Then", "London"): p(0.2),
        Continuation("Tie", "knot"): p(knot), Continuation(PROMPT, "Rome"): p(rome), Continuation(PROMPT, "London"): p(london),
        Continuation(PROMPT, "Paris"): p(0.15),
    }, Top=int(rome * 10))  # fmt: skip


def test_a_conflict():
    before, between, after = answers(0.1, 0.1, 0.5), answers(0.1, 0.4, 0.4), answers(0.3, 0.2, 0.1)
    found = PROBES["generalization.conflict"].score(conflict(), (before, between, after))
    # Explicit: Rome .3 against London (.2 + .1) / 2 = .15; between it was (.4 + .2) / 2 = .3: half is lost.
    # Implicit: .1 against .2, and nothing lost. Tied: (.5 - .1) / .5.
    # Edit 1 won (.4 > .15), edit 2 won (.3 > .2). The next token is 1, 1 and 3: edit 1 left it, edit 2 did not.
    assert found == {
        "conflict-score.explicit": True, "conflict-score.implicit": False, "conflict-score.explicit-exact": 0,
        "conflict-score.implicit-exact": 0, "conflict-score.explicit-unchanged": 0, "conflict-score.implicit-unchanged": 0,
        "conflict-magnitude.explicit": pytest.approx(0.5), "conflict-magnitude.implicit": pytest.approx(0),
        "conflict-magnitude.explicit-compat": pytest.approx(0.5), "conflict-magnitude.implicit-compat": pytest.approx(0),
        "success-score": 1, "success-score.exact": 0, "success-score.unchanged": 0.5, "tied-fact-damage": pytest.approx(0.8),
    }  # fmt: skip


def test_a_success_stands_beside_the_exact_and_the_unchanged_answers_of_each_edits_own_prompt():
    """Each edit is asked in the model right after it, beside the one right before it, and is a half of the value."""
    def model(top: int, exact: str = "") -> Answers:
        told = {Continuation(PROMPT, o): p(v, o == exact) for o, v in {"Paris": 0.3, "London": 0.2, "Rome": 0.1}.items()}
        return Answers({**told, Top(PROMPT): top}, Continuation=p(0.1, True), Top=9)

    def scores(*models: Answers) -> tuple:
        found = PROBES["generalization.conflict"].score(conflict(), models)
        return found["success-score"], found["success-score.exact"], found["success-score.unchanged"]

    assert scores(model(1), model(2, "London"), model(3, "Rome")) == (0, 1, 0)
    assert scores(model(1), model(2, "London"), model(2, "London")) == (0, 0.5, 0.5)  # The second edit did nothing.
    assert scores(model(1), model(1), model(3, "Rome")) == (0, 0.5, 0.5)  # The first edit did nothing.
    # Back to the first model: both have changed something.
    assert scores(model(1), model(2, "London"), model(1)) == (0, 0.5, 0)
    # A comparison that cannot be made has nothing beside it.
    unknown = Case("1", tuple(Edit(e.prompt, e.subject, e.target) for e in (MOVE, ROME)), dict(conflict().questions))
    found = PROBES["generalization.conflict"].score(unknown, (model(1),) * 3)
    assert [found[name] for name in ("success-score", "success-score.exact", "success-score.unchanged")] == [None] * 3


def test_an_obsolete_fact_that_grew_is_clamped_in_compat_alone():
    found = PROBES["generalization.conflict"].score(conflict(), (answers(0.1, 0.1, 0.5), answers(0.1, 0.01, 0.4), answers(0.1, 0.2, 0.1)))
    assert found["conflict-magnitude.explicit"] == pytest.approx(-19)  # (.0075 - .15) / .0075
    assert found["conflict-magnitude.explicit-compat"] == -1


def test_what_a_benchmark_does_not_ask_does_not_count():
    case = Case("1", (MOVE, ROME), {"explicit-new": conflict()["explicit-new"], "explicit-old": conflict()["explicit-old"]})
    found = PROBES["generalization.conflict"].score(case, (answers(0.3, 0.2, 0.1),) * 3)
    assert found["conflict-score.explicit"] is True
    assert found["conflict-score.implicit"] is None and found["tied-fact-damage"] is None


def test_the_second_edit_alone_is_scored_beside_the_first_ones_object():
    """ConflictEdit's success score: Rome against London, in a model that was told of Rome only."""
    case = conflict()
    assert alone(case).edits == (ROME,)
    # London has the mean of .2 and .1 over both wordings.
    names = ("success-score.alone", "success-score.alone-exact", "success-score.alone-unchanged")
    before, won, lost = answers(0.14, 0.2, 0.5), answers(0.16, 0.2, 0.5), answers(0.14, 0.2, 0.5)
    assert tuple(coverage(case, (before, won)).items()) == tuple(zip(names, (True, 0, 1), strict=True))
    assert coverage(case, (before, lost))["success-score.alone"] is False
    exact = answers(0.6, 0.2, 0.5)
    exact[Continuation("Now", "Rome")] = p(0.6, True)
    assert tuple(coverage(case, (before, exact)).values()) == (True, 1, 0)


def test_a_model_that_collapsed_has_no_magnitude():
    broken = Answers(Continuation=p(0.0), Top=-1)
    broken.other["Continuation"] = type(p(0.1))(math.nan, False, 0.0, 1)
    found = PROBES["generalization.conflict"].score(conflict(), (answers(0.1, 0.1, 0.5), answers(0.1, 0.4, 0.4), broken))
    assert found["conflict-score.explicit"] is False and math.isnan(found["conflict-magnitude.explicit"])
    assert math.isnan(found["tied-fact-damage"]) and found["success-score"] == 0.5


def test_a_conflicts_answer_is_unchanged_beside_the_state_between():
    """The second edit has changed the next token back to what it was at first: that is a change."""
    before, between, after = answers(0.3, 0.1, 0.5), answers(0.1, 0.4, 0.4), answers(0.3, 0.2, 0.1)
    found = PROBES["generalization.conflict"].score(conflict(), (before, between, after))
    assert found["conflict-score.explicit-unchanged"] == 0
    found = PROBES["generalization.conflict"].score(conflict(), (before, after, after))
    assert found["conflict-score.explicit-unchanged"] == 1


def test_objects_are_asked_in_every_wording():
    before = state(0.2, 0.1, 0.1, 0.05)
    after = state(0.2, 0.1, 0.1, 0.05)
    after[Continuation(OTHER, "Lens")] = p(0.5)
    # Means of both wordings: (.3, .15, .15) before, (.3, .3, .15) after.
    found = PROBES["locality.distortion"].score(objects(), (before, before, after))
    assert found["distortion"] == pytest.approx(js([0.5, 0.25, 0.25], [0.4, 0.4, 0.2]))
