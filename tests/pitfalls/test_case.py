"""Cases and questions: what they hold, and what is refused."""

from __future__ import annotations

import pickle

import pytest

from survey.editing.edit import Edit
from survey.pitfalls.case import Case, CaseError, Question

EDIT = Edit("The museum of {} is in", "Anna Bell", "Rome", "Oslo")
NEIGHBOUR = Question("The museum of Carl Dorn is in", ("Oslo",), "Rome")


def test_a_case_comes_back_from_a_pickle_as_it_was():
    case = Case("7", (EDIT,), {"neighbour": (NEIGHBOUR,)}, "P276", together=True, part="easy")
    again = pickle.loads(pickle.dumps(case))
    assert again == case and hash(again) == hash(case)
    assert (again.relation, again.together, again.part, again["neighbour"]) == ("P276", True, "easy", (NEIGHBOUR,))


def test_roles_without_questions_are_not_there_and_unknown_ones_are_refused():
    assert dict(Case("7", (EDIT,), {"neighbour": ()}).questions) == {}
    with pytest.raises(CaseError, match="no role 'odd'"):
        Case("7", (EDIT,), {"odd": (NEIGHBOUR,)})
    with pytest.raises(KeyError):
        Case("7", (EDIT,))["odd"]
    with pytest.raises(CaseError, match="no edit"):
        Case("7", ())


def test_a_question_needs_a_prompt_and_an_answer():
    with pytest.raises(CaseError, match="empty"):
        Question(" ", ("x",))
    for answers in ((), ("x", " ")):
        with pytest.raises(CaseError, match="missing or empty"):
            Question("q", answers)


def test_a_distractor_is_the_edited_statement_unless_the_benchmark_words_it():
    [built] = Case("7", (EDIT,), {"neighbour": (NEIGHBOUR,)}).distracted
    assert built == Question("The museum of Anna Bell is in Rome. The museum of Carl Dorn is in", ("Oslo",), "Rome")
    own = Question("Rome! The museum of Carl Dorn is in", ("Oslo",))
    assert Case("7", (EDIT,), {"neighbour": (NEIGHBOUR,), "distract": (own,)}).distracted == (own,)


def test_in_a_sequence_a_case_keeps_the_questions_that_no_other_edit_changes():
    other = Edit(EDIT.prompt, "Carl Dorn", "Bern", "Oslo")
    need = Question("The town hall of Rome is in", ("Italy",))
    case = Case("7", (EDIT,), {
        "neighbour": (NEIGHBOUR, Question("The museum of Eva Falk is in", ("Oslo",)), Question("Whoever looks for Carl Dorn goes to", ("Oslo",))),
        "distract": (Question("Anna Bell is in Rome. The museum of Carl Dorn is in", ("Oslo",)),),
        "one-hop": (Question("The museum's country is", ("Italy",), needs=(need,)),),
        "paraphrase": (Question("Whoever visits the museum of Anna Bell goes to", ("Rome",)),),
    })  # fmt: skip
    kept = case.among([EDIT, other])
    # Carl Dorn in other words, too, since the answer is what the other edit replaces.
    assert [q.prompt for q in kept["neighbour"]] == ["The museum of Eva Falk is in"] and not kept["distract"]
    assert kept["one-hop"] and kept["paraphrase"]
    # A fact that a consequence needs is as good as the question itself, in whatever words.
    for prompt in ("The town hall of {} is in", "Where is {}? In"):
        assert not case.among([Edit(prompt, "Rome", "Spain", "Italy")])["one-hop"]
    # Another answer to another question about the same town.
    assert case.among([Edit("The river of {} is the", "Rome", "Rhine", "Tiber")])["one-hop"]
    assert case.among([EDIT]) is case


def test_only_whole_words_name_an_edited_subject():
    units = Case("1", (Edit("{} measures", "volt", "length", "voltage"),), {"neighbour": (Question("The unit centimeter measures", ("length",)),)})
    assert units.among([Edit("The unit {} measures", "meter", "time", "length"), Edit("meter {} measures", "x", "y")])["neighbour"]
    assert not units.among([Edit("unit {} measures", "centimeter", "time", "length")])["neighbour"]


def test_a_chain_that_lost_a_hop_is_not_asked():
    hops = (Question("Rome is in", ("Italy",)), Question("Italy's language is", ("Italian",)))
    case = Case("7", (EDIT,), {"hop": hops, "multi-hop": (Question("The museum's language is", ("Italian",)),), "paraphrase": (NEIGHBOUR,)})
    kept = case.among([Edit("{} is in", "Rome", "Spain", "Italy")])
    assert not kept["hop"] and not kept["multi-hop"] and kept["paraphrase"]
