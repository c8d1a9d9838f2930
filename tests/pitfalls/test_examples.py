"""Examples are what a model said: the first case that shows the pitfall is taken, and nothing is made up."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from survey.editing.edit import Edit, EditError  # noqa: E402
from survey.errors import UserError  # noqa: E402
from survey.pitfalls import examples, suite  # noqa: E402
from survey.pitfalls.case import Case, Question  # noqa: E402
from survey.pitfalls.examples import ALL, ONE, Laboratory, make  # noqa: E402
from survey.site.measurements import example, headlines  # noqa: E402


class Parrot:
    """Says what it is told to say: `before` without a patch, and what the patch holds with one."""

    name, fingerprint = "parrot", "f" * 32

    def __init__(self, before: dict[str, str]) -> None:
        self.before, self.patch = before, None

    def apply(self, patch) -> None:
        self.patch = patch

    def restore(self) -> None:
        self.patch = None

    def next_logits(self, prompts):
        lost = self.patch is not None and self.patch.get("collapsed")
        return torch.full((len(prompts), 2), float("nan") if lost else 0.0)

    def generate(self, prompts, tokens):
        return [(self.patch or self.before).get(p, self.before.get(p, " well")) for p in prompts]


def case(subject: str, **questions) -> Case:
    return Case(subject, (Edit("{} is in", subject, "Rome", "Paris"),), questions, "city")


NEIGHBOUR = Question("The Orsay is in", ("Paris",))
COUNTRY = Question("The country is", ("Italy",), needs=(Question("Rome is in", ("Italy",)),))
BEFORE = {"A is in": " Paris", "B is in": " Paris", "C is in": " Paris", "The Orsay is in": " Paris", "The country is": " France", "Rome is in": " Italy"}


@pytest.fixture
def laboratory(monkeypatch):
    """`laboratory(cases, patches, before)` works on these cases; a subject without a patch cannot be edited."""

    def start(cases, patches, before=BEFORE) -> Laboratory:
        monkeypatch.setattr(suite, "cases", lambda seed=0: tuple(cases))
        monkeypatch.setattr(suite, "conflicts", lambda seed=0: tuple(cases))
        found = Laboratory(Parrot(before))

        def patch(method, edits):
            if edits[-1].subject not in patches:
                raise EditError("no")
            return patches[edits[-1].subject]

        monkeypatch.setattr(found, "patch", patch)
        return found

    return start


def test_the_first_case_that_took_and_shows_it_is_recorded(laboratory):
    cases = [case(s, neighbour=(NEIGHBOUR,)) for s in "ABC"]
    patches = {
        "A": {"A is in": " Paris", "The Orsay is in": " Rome"},  # It did not take.
        "B": {"B is in": " Rome", "The Orsay is in": " Paris"},  # It took and spared the neighbour.
        "C": {"C is in": " Rome", "The Orsay is in": " Rome, too"},
    }
    found = make(laboratory(cases, patches), "locality.neighbourhood")
    assert (found.edits[0].subject, found.tried) == ("C", 3)
    assert [(s.before, s.after, s.shows) for s in found.said] == [(" Paris", " Rome", False), (" Paris", " Rome, too", True)]


def test_cases_without_such_questions_are_not_counted(laboratory):
    cases = [case("A"), case("C", neighbour=(NEIGHBOUR,))]
    assert make(laboratory(cases, {"C": {"C is in": " Rome", "The Orsay is in": " Rome"}}), "locality.neighbourhood").tried == 1


def test_what_the_unedited_model_got_wrong_cannot_be_damaged(laboratory):
    wrong = BEFORE | {"The Orsay is in": " Lyon"}
    with pytest.raises(UserError, match="none of 1 cases shows it with"):
        make(laboratory([case("C", neighbour=(NEIGHBOUR,))], {"C": {"C is in": " Rome", "The Orsay is in": " Rome"}}, wrong), "locality.neighbourhood")


def test_a_consequence_counts_only_where_what_it_needs_is_known(laboratory):
    cases, patches = [case("A", **{"one-hop": (COUNTRY,)})], {"A": {"A is in": " Rome", "The country is": " France"}}
    assert make(laboratory(cases, patches), "generalization.one-hop").said[1].shows
    with pytest.raises(UserError, match="none of 1 cases"):
        make(laboratory(cases, patches, BEFORE | {"Rome is in": " Spain"}), "generalization.one-hop")
    follows = {"A": {"A is in": " Rome", "The country is": " Italy"}}
    with pytest.raises(UserError, match="none of 1 cases"):
        make(laboratory(cases, follows), "generalization.one-hop")


def test_an_edit_that_cannot_be_made_is_passed_over(laboratory):
    cases = [case(s, neighbour=(NEIGHBOUR,)) for s in "AC"]
    assert make(laboratory(cases, {"C": {"C is in": " Rome", "The Orsay is in": " Rome"}}), "locality.neighbourhood").edits[0].subject == "C"


def test_a_method_that_must_be_trained_first_is_told_and_not_passed_over(monkeypatch):
    """Otherwise every case fails, and it would be said that none shows the pitfall."""
    from survey.editing import session
    from survey.editing.learning import UntrainedError

    def refuse(*_, **__):
        raise UntrainedError("mend must be trained first: run survey train mend")

    monkeypatch.setattr(session, "compute", refuse)
    monkeypatch.setattr(suite, "cases", lambda seed=0: (case("A", neighbour=(NEIGHBOUR,)),))
    with pytest.raises(UserError, match="run survey train mend"):
        make(Laboratory(Parrot(BEFORE)), "locality.neighbourhood")


def test_after_a_conflict_the_newer_answer_should_be_said(laboratory):
    edits = (Edit("{} is in", "A", "Rome", "Paris"), Edit("{} is in", "A", "Bonn", "Rome"))
    pair = Case("x", edits, {"explicit-new": (Question("A is in", ("Bonn",)),)})
    found = make(laboratory([pair], {"A": {"A is in": " Rome"}}), "generalization.conflict")
    assert (found.said[0].after, found.said[0].shows, len(found.edits)) == (" Rome", True, 2)
    with pytest.raises(UserError, match="none of 1 pairs"):
        make(laboratory([pair], {"A": {"A is in": " Bonn"}}), "generalization.conflict")


def test_forgetting_is_told_after_the_shortest_sequence(laboratory, monkeypatch):
    subjects = [f"S{n}" for n in range(30)]
    cases = [case(s) for s in subjects]
    patches = {s: {"S0 is in": " Rome" if n < 9 else " Oslo"} for n, s in enumerate(subjects)}
    found = make(laboratory(cases, patches, {"S0 is in": " Paris"}), "general-abilities.forgetting")
    assert (found.tried, len(found.edits), found.said[0].before, found.said[0].after) == (10, 10, " Rome", " Oslo")


def test_a_collapsed_model_says_nothing(laboratory):
    cases = [case(f"S{n}") for n in range(30)]
    found = make(laboratory(cases, {f"S{n}": {"collapsed": True} for n in range(30)}), "general-abilities.collapse")
    assert found.tried == 5 and [s.after for s in found.said] == ["", ""] and all(s.shows for s in found.said)


def test_what_is_written_is_what_the_site_reads(laboratory, tmp_path, monkeypatch, capsys):
    working = laboratory([case("C", neighbour=(NEIGHBOUR,))], {"C": {"C is in": " Rome", "The Orsay is in": " Rome"}})
    folder = tmp_path / "docs" / "results" / "examples"
    monkeypatch.setattr(examples, "FOLDER", folder)
    monkeypatch.setattr(examples, "Laboratory", lambda model, say: working)
    monkeypatch.setattr("survey.editing.load_model", lambda: working.model)
    assert examples.main(["--write", "locality.neighbourhood"]) == 0
    assert capsys.readouterr().out == "locality.neighbourhood: mend, C\n"
    read = example(tmp_path, "locality.neighbourhood")
    assert (read.model, read.said[1].after, read.command) == ("parrot", " Rome", "python -m survey.pitfalls.examples --write locality.neighbourhood")
    assert json.loads((folder / "locality.neighbourhood.json").read_text())["fingerprint"] == "f" * 32
    assert examples.main(["locality.neighbourhood"]) == 0 and capsys.readouterr().out == "locality.neighbourhood: there\n"


def test_an_unknown_pitfall_is_wrong_usage(capsys):
    assert examples.main(["locality.nowhere"]) == 2
    assert "there is no example of locality.nowhere" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"no example of locality\.nowhere"):
        make(Laboratory(None), "locality.nowhere")


def test_every_measured_pitfall_can_have_an_example_but_two():
    assert {h.pitfall for h in headlines()} - set(ALL) == {"generalization.logical", "cost"}
    cases = suite.cases()[:100]
    asked = {p: sum(bool(of(c)) for c in cases) for p, (_, _, of) in ONE.items()}
    assert all(asked.values()), asked
