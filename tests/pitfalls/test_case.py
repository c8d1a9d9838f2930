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
        "neighbour": (NEIGHBOUR, Question("The museum of Eva Falk is in", ("Oslo",))),
        "distract": (Question("Anna Bell is in Rome. The museum of Carl Dorn is in", ("Oslo",)),),
        "one-hop": (Question("The museum's country is", ("Italy",), needs=(need,)),),
        "paraphrase": (Question("Whoever visits the museum of Anna Bell goes to", ("Rome",)),),
    })  # fmt: skip
    kept = case.among([EDIT, other])
    assert [q.prompt for q in kept["neighbour"]] == ["The museum of Eva Falk is in"] and not kept["distract"]
    assert kept["one-hop"] and kept["paraphrase"]
    # A fact that a consequence needs is as good as the question itself.
    assert not case.among([Edit("The town hall of {} is in", "Rome", "Spain", "Italy")])["one-hop"]
    assert case.among([EDIT]) == case
