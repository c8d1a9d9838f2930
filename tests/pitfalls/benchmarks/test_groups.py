"""Questions that stand by name under `portability` and `locality`."""

from __future__ import annotations

import pytest

from survey.errors import UserError
from survey.pitfalls.benchmarks import read
from survey.pitfalls.case import Question
from tests.pitfalls.benchmarks import records
from tests.pitfalls.benchmarks.records import written


def asks(prompt: str, answer) -> dict:
    return {"prompt": prompt, "ground_truth": answer}


GROUPS = {
    "portability": {
        "one_hop": asks("The country of Anna Bell's museum is", "Italy"),
        "synonym": asks("The museum of A. Bell is in", ["Rome", "Roma"]),
        "Reversed-Relation": [asks("The museum in Rome is that of", "Anna Bell")],
        "Logical_Generalization": [asks("Is Anna Bell's museum in Italy?", [["yes"], ["true"]])],
    },
    "locality": {
        "neighborhood": asks("The museum of Dora Eck is in", "Oslo"),
        "distracting": asks("The museum of Anna Bell is in Rome. The museum of Dora Eck is in", "Oslo"),
        "relation_specificity": asks("Anna Bell was born in", "Bergen"),
        "Forgetfulness": asks("The museum of Anna Bell, which is not in Rome, is in", "Oslo"),
    },
}
FIRST = {"counterfact": records.FLAT, "zsre": records.ZSRE, "knowedit": {k: v for k, v in records.KNOWEDIT.items() if k not in GROUPS}}


def case(tmp_path, record):
    found = read(written(tmp_path, [record]))
    assert found.problems == ()
    return found.cases[0]


@pytest.mark.parametrize("format", [*FIRST, "original"])
def test_one_question_by_name_is_a_list_of_one_in_every_format(tmp_path, format):
    record = FIRST.get(format, records.ORIGINAL)
    found = case(tmp_path, {**record, **GROUPS})
    assert found["one-hop"] == (Question("The country of Anna Bell's museum is", ("Italy",)),)
    assert found["alias"] == (Question("The museum of A. Bell is in", ("Rome", "Roma")),)
    assert found["reverse"] == (Question("The museum in Rome is that of", ("Anna Bell",)),)
    assert found["logical"] == (Question("Is Anna Bell's museum in Italy?", ("yes", "true")),)
    assert found["relation"] == (Question("Anna Bell was born in", ("Bergen",)),)
    assert found["preservation"][0].answers == ("Oslo",)
    assert found["distract"][0].answers == ("Oslo",) and found["distract"][0].against == found.edit.target


def test_a_flat_record_of_counterfact_keeps_its_own_questions_and_the_named_ones(tmp_path):
    found = read(written(tmp_path, [{**records.FLAT, **GROUPS}]))
    assert found.id == "counterfact"
    of = "The museum of {} is in".format
    assert found.cases[0]["neighbour"] == tuple(Question(of(n), ("Oslo",), "Rome") for n in ("Carl Dorn", "Dora Eck"))
    twice = {"locality": {"neighborhood": asks(of("Carl Dorn"), "Oslo")}}
    assert len(case(tmp_path, {**records.FLAT, **twice})["neighbour"]) == 1


def test_the_neighbourhood_of_zsre_has_nothing_to_do_with_the_edit(tmp_path):
    found = case(tmp_path, {**records.ZSRE, **GROUPS})
    assert [q.prompt for q in found["unrelated"]] == ["nq question: who wrote the long song?", "The museum of Dora Eck is in"]
    assert not found["neighbour"]


def test_a_flat_record_takes_the_one_question_of_the_extension_and_its_other_fields(tmp_path):
    more = {
        "portability": {"Recalled Relation": "(Rome, country, Italy)", "New Question": "Its country is", "New Answer": "Italy"},
        "alternative_subject": "A. Bell", "distracting_neighborhood_prompts": ["Anna Bell: Rome. Carl Dorn:"],
        "unrelated_relation": {"question": "Anna Bell was born in", "object": "Bergen"},
    }  # fmt: skip
    found = case(tmp_path, {**records.FLAT, **more})
    assert found["one-hop"] == (Question("Its country is", ("Italy",)),)
    assert [len(found[role]) for role in ("alias", "distract", "relation")] == [1, 1, 1]


def test_names_mean_the_same_however_their_words_are_joined(tmp_path):
    for name in ("Subject_Aliasing", "subject-aliasing", "SubjectReplace", "Subject Replace", "synonym"):
        assert len(case(tmp_path, {**records.FLAT, "portability": {name: asks("p", "a")}})["alias"]) == 1
    for name in ("Relation_Specifity", "Other-Attribution", "other_relations"):
        assert len(case(tmp_path, {**records.FLAT, "locality": {name: asks("p", "a")}})["relation"]) == 1


def test_several_prompts_have_an_answer_each(tmp_path):
    several = {"portability": {"one_hop": asks(["p", "q"], ["a", ["b", "c"]]), "reasoning": asks(["r"], ["d", "e"])}}
    found = case(tmp_path, {**records.FLAT, **several})
    assert found["one-hop"] == (Question("p", ("a",)), Question("q", ("b", "c")), Question("r", ("d", "e")))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"portability": {"odd": asks("p", "a")}}, "portability.odd is not known; its question is left out"),
        ({"locality": {"Other-Task": [asks("p", "a")] * 3}}, "locality.Other-Task is not known; its 3 questions are left out"),
        # A name of the other group is not known either.
        ({"locality": {"one_hop": asks("p", "a")}}, "locality.one_hop is not known; its question is left out"),
        ({"portability": "all"}, "portability must be an object, not text; it is left out"),
        ({"portability": {"one_hop": "p"}}, "portability.one_hop must be an object, not text; the question is left out"),
        ({"portability": {"one_hop": [asks("", "a")]}}, "portability.one_hop[0].prompt is empty; the question is left out"),
        ({"portability": {"one_hop": {"prompt": "p"}}}, "no portability.one_hop.ground_truth; the question is left out"),
        ({"portability": {"one_hop": asks([], [])}}, "portability.one_hop.prompt is empty; the question is left out"),
        (
            {"portability": {"one_hop": asks(["p", "q"], ["a"])}},
            "portability.one_hop.ground_truth must be a list of 2, one for each prompt, not of 1; the question is left out",
        ),
        ({"portability": {"New Question": "p"}}, "no portability.New Answer; the question is left out"),
        ({"portability": {"Recalled Relation": "p"}}, "no portability.New Question; the question is left out"),
    ],
)
def test_what_has_no_role_or_is_broken_is_left_out_and_told(tmp_path, groups, message):
    for record in FIRST.values():
        path = written(tmp_path, [{**record, **groups}])
        found = read(path, format="knowedit" if record is FIRST["knowedit"] else None)
        assert [(p.message, p.skipped) for p in found.problems] == [(message, False)]
        assert not any(found.cases[0][role] for role in ("one-hop", "relation"))
        with pytest.raises(UserError, match="left out"):
            read(path, format=found.id, strict=True)
