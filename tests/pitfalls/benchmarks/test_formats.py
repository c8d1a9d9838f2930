"""What becomes of a record of each format of cases."""

from __future__ import annotations

import pytest

from survey.editing.edit import Edit
from survey.errors import UserError
from survey.pitfalls.benchmarks import read
from survey.pitfalls.case import Question
from tests.pitfalls.benchmarks import records
from tests.pitfalls.benchmarks.records import a_test, query, ripple, written


def cases(tmp_path, *given):
    found = read(written(tmp_path, list(given)))
    assert found.problems == ()
    return found.cases


def problem(tmp_path, good, bad) -> str:
    """The problem of the second of two records; the first one stays."""
    found = read(written(tmp_path, [good, bad]))
    assert len(found.cases) == 1 and found.skipped == 1
    [only] = found.problems
    assert str(only).startswith(f"{tmp_path / 'records.json'}: record 1: ")
    return only.message


def prompts(questions):
    return [q.prompt for q in questions]


MUSEUM = Edit("The museum of {} is in", "Anna Bell", "Rome", "Oslo")


def test_counterfact_in_its_original_form(tmp_path):
    [case] = cases(tmp_path, records.ORIGINAL)
    assert (case.id, case.edits, case.relation, case.together) == ("3", (MUSEUM,), "P276", False)
    assert case["paraphrase"][0] == Question("It rained. Anna Bell's museum stands in", ("Rome",), "Oslo")
    assert case["neighbour"][1] == Question("The museum of Dora Eck is in", ("Oslo",), "Rome")
    assert case["begin"] == (Question("Anna Bell's museum is close to", ("Rome",)),)
    assert len(case["paraphrase"]) == len(case["neighbour"]) == 2 and not case["describe"]


def test_counterfact_takes_reference_texts_from_the_file_beside(tmp_path):
    path = written(tmp_path, [records.ORIGINAL])
    assert "no attribute_snippets.json" in read(path).missing[0]
    written(tmp_path, records.SNIPPETS, "attribute_snippets.json")
    found = read(path)
    [case] = found.cases
    assert found.missing == () and not case["begin"]
    texts = ("The museum of Emil Fox is a house in Rome.", "Anna Bell built a museum.")
    assert case["describe"] == (Question("Anna Bell's museum is close to", texts),)
    assert case["essence"] == (Question("Anna Bell", texts[1:]),)
    written(tmp_path, [{"relation_id": "P276"}], "attribute_snippets.json")
    with pytest.raises(UserError, match=r"attribute_snippets\.json: record 0: no target_id"):
        read(path)


def test_counterfact_in_its_flat_form(tmp_path):
    [case] = cases(tmp_path, records.FLAT)
    assert (case.id, case.edit) == ("7", MUSEUM)
    assert case["paraphrase"] == (Question("Anna Bell's museum stands in", ("Rome",), "Oslo"),)
    assert case["neighbour"] == (Question("The museum of Carl Dorn is in", ("Oslo",), "Rome"),)


def test_counterfact_with_portability_and_locality(tmp_path):
    more = {
        "portability": {"New Question": "The country of Anna Bell's museum is", "New Answer": "Italy"},
        "alternative_subject": "A. Bell",
        "unrelated_relation": {"question": "Anna Bell was born in", "object": "Bergen"},
    }
    [case] = cases(tmp_path, {**records.ORIGINAL, **more})
    assert case["one-hop"] == (Question("The country of Anna Bell's museum is", ("Italy",)),)
    assert case["alias"] == (Question("The museum of A. Bell is in", ("Rome",), "Oslo"),)
    assert case["relation"] == (Question("Anna Bell was born in", ("Bergen",)),)


def test_counterfact_plus_puts_the_edited_statement_before_its_neighbours(tmp_path):
    own = ["Anna Bell's museum is in Rome. The museum of Carl Dorn is in"]
    worded = read(written(tmp_path, [{**records.PLUS, "distracting_neighborhood_prompts": own}]))
    assert worded.id == "counterfact-plus"
    assert worded.cases[0]["distract"] == (Question(own[0], ("Oslo",), "Rome"),)
    built = read(written(tmp_path, [records.ORIGINAL]), format="counterfact-plus").cases[0]["distract"]
    assert prompts(built) == [f"The museum of Anna Bell is in Rome. The museum of {n} is in" for n in ("Carl Dorn", "Dora Eck")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target_new": None}, "no target_new"),
        ({"target_new": 5}, "target_new must be text, not number"),
        ({"rephrase_prompt": " "}, "rephrase_prompt is empty"),
        ({"locality_prompt": None}, "no locality_prompt"),
        ({"subject": "Nobody"}, "the subject 'Nobody' does not occur in the prompt 'The museum of Anna Bell is in'"),
        ({"case_id": 7}, "the id 7 is that of record 0 already"),
    ],
)
def test_a_broken_record_of_counterfact_is_told(tmp_path, change, message):
    assert problem(tmp_path, records.FLAT, {**records.FLAT, "case_id": 8, **change}) == message


@pytest.mark.parametrize("name", ["paraphrase_prompts", "neighborhood_prompts"])
def test_a_record_of_the_original_counterfact_without_its_prompts_is_told(tmp_path, name):
    record = {k: v for k, v in records.ORIGINAL.items() if k != "generation_prompts"}
    assert problem(tmp_path, record, {k: v for k, v in {**record, "case_id": 9}.items() if k != name}) == f"no {name}"


def test_a_subject_that_occurs_twice_is_the_last_whole_word(tmp_path):
    [case] = cases(tmp_path, {**records.FLAT, "prompt": "Art met Art in an Art's Artroom", "subject": "Art"})
    assert case.edit.prompt == "Art met Art in an {}'s Artroom"


def test_zsre_asks_questions_with_the_subject_in_them(tmp_path):
    first, second = cases(tmp_path, records.ZSRE, records.ZSRE_EXTENDED)
    assert first.edit == Edit("Where is the museum of {}?", "Anna Bell", "Rome", "Oslo")
    assert first["paraphrase"] == (Question("In which town is Anna Bell's museum?", ("Rome",), "Oslo"),)
    assert first["unrelated"] == (Question("nq question: who wrote the long song?", ("Hugo Ims",)),)
    assert set(first.questions) == {"paraphrase", "unrelated"}
    assert second["one-hop"] == (Question("In which country is Anna Bell's museum?", ("Italy",)),)
    assert second["reverse"] == (Question("Whose museum is in Rome?", ("Anna Bell",)),)
    assert second["alias"] == (Question("Where is the museum of A. Bell?", ("Rome",), "Oslo"),)


@pytest.mark.parametrize(
    ("change", "message"), [({"alt": ""}, "alt is empty"), ({"answers": []}, "no answers"), ({"rephrase": None}, "no rephrase"), ({"loc": None, "loc_ans": None}, "no loc")]
)
def test_a_broken_record_of_zsre_is_told(tmp_path, change, message):
    assert problem(tmp_path, records.ZSRE, {**records.ZSRE, **change}) == message


def test_mquake_makes_its_edits_together_and_needs_the_chain_before(tmp_path):
    [case] = cases(tmp_path, records.MQUAKE)
    assert (case.id, case.together, case.part) == ("11", True, "2-hop")
    assert case.edits == (
        Edit("{} is a citizen of", "Anna Bell", "Italy", "Norway"),
        Edit("The capital of {} is", "Italy", "Milan", "Rome"),
    )
    [multi] = case["multi-hop"]
    assert (multi.answers, multi.against, multi.whole) == (("Milan", "Milano"), "Oslo", "any")
    assert prompts((multi, *multi.others)) == records.MQUAKE["questions"]
    needs = (Question("Anna Bell is a citizen of", ("Norway", "Norge")), Question("The capital of Norway is", ("Oslo",)))
    assert multi.needs == needs and all(o.needs == needs for o in multi.others)
    assert case["hop"] == (
        Question("Anna Bell is a citizen of", ("Italy", "Italia"), "Norway"),
        Question("The capital of Italy is", ("Milan",), "Oslo"),
    )
    assert case["paraphrase"][1] == Question("What is Italy's capital?", ("Milan",), "Rome")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"requested_rewrite": []}, "requested_rewrite is empty"),
        ({"questions": []}, "no questions"),
        ({"new_single_hops": None}, "no new_single_hops"),
        ({"single_hops": [{"cloze": "x"}]}, "no single_hops[0].answer"),
        ({"requested_rewrite": [{**records.MQUAKE["requested_rewrite"][0], "target_new": {"id": "Q1"}}]}, "no requested_rewrite[0].target_new.str"),
    ],
)
def test_a_broken_record_of_mquake_is_told(tmp_path, change, message):
    assert problem(tmp_path, records.MQUAKE, {**records.MQUAKE, "case_id": 12, **change}) == message


def test_rippleedits_finds_the_names_that_its_edits_lack(tmp_path):
    [case] = cases(tmp_path, ripple())
    assert case.edit == Edit("The country of citizenship of {} is", "Anna Bell", "Italy", "Norway")
    assert (case.relation, case.part) == ("COUNTRY", "popular")


def test_rippleedits_splits_a_statement_by_what_its_relation_always_says(tmp_path):
    # No answer names the object here; other prompts of the relation show where the subject ends.
    other = query("The country of citizenship of Dora Eck is", "Q3", "COUNTRY", "France")
    same = query("The country of citizenship of Carl Dorn is", "Q2", "COUNTRY", "Spain")
    record = ripple(Subject_Aliasing=[a_test(other), a_test(same)], Relation_Specifity=[], Compositionality_I=[])
    [case] = cases(tmp_path, record)
    assert case.edit == Edit("The country of citizenship of {} is", "Anna Bell", "Italy", "Norway")


def test_rippleedits_learns_nothing_from_prompts_in_words_of_their_own(tmp_path):
    asked = [query(f"The country of citizenship of {n} is", i, "COUNTRY", "Spain") for n, i in (("Dora Eck", "Q3"), ("Carl Dorn", "Q2"))]
    own = [
        query("Where does Emil Fox belong?", "Q4", "COUNTRY", "France", phrase="own"),
        query("Gerd Hall comes from", "Q5", "COUNTRY", "France", query_type="two_hop"),
    ]
    tests = [a_test(q) for q in (*own, *asked)]
    [case] = cases(tmp_path, ripple(Subject_Aliasing=tests, Relation_Specifity=[], Compositionality_I=[]))
    assert (case.edit.subject, case.edit.target) == ("Anna Bell", "Italy")


def test_rippleedits_takes_the_longest_of_the_names_that_fit(tmp_path):
    short = query("The land of A. Bell is", "Q1", "COUNTRY", "Africa", ids=["Q258"], phrase="own")
    long = query("The land of A. Bell is", "Q1", "COUNTRY", "South Africa", ids=["Q258"], phrase="own")
    edit = {**ripple()["edit"], "target_id": "Q258", "prompt": "The country of citizenship of Anna Bell is South Africa."}
    for names in ((short, long), (long, short)):
        [case] = cases(tmp_path, ripple(edit=edit, Subject_Aliasing=[a_test(n) for n in names]))
        assert (case.edit.text, case.edit.target) == ("The country of citizenship of Anna Bell is", "South Africa")


def test_rippleedits_of_a_new_fact_knows_nothing_before(tmp_path):
    edit = {k: v for k, v in ripple()["edit"].items() if k != "previous_fact"}
    [case] = cases(tmp_path, ripple(edit=edit, example_type="recent"))
    assert (case.edit.was, case.part) == (None, "recent")


def test_rippleedits_reads_the_fact_before_under_either_name(tmp_path):
    edit = ripple()["edit"]
    before = edit["previous_fact"]
    other = {**before, "prompt": "Anna Bell comes from Norway."}
    bare = {k: v for k, v in edit.items() if k != "previous_fact"}
    for more in ({"previous_fact": before}, {"original_fact": before}, {"previous_fact": None, "original_fact": before}, {"previous_fact": other, "original_fact": before}):
        found = read(written(tmp_path, [ripple(edit={**bare, **more})]))
        assert (found.cases[0].edit.was, found.missing) == ("Norway", ())
    for more in ({}, {"original_fact": other}):
        [missing] = read(written(tmp_path, [ripple(), ripple(edit={**bare, **more}), ripple(edit={**bare, **more})])).missing
        assert missing.startswith("2 of 3 edits without what was right before: ")


def test_rippleedits_does_not_guess_names(tmp_path):
    record = ripple(Subject_Aliasing=[], Relation_Specifity=[], Compositionality_I=[])
    message = problem(tmp_path, ripple(), {**record, "edit": {**record["edit"], "subject_id": "Q9", "target_id": "Q8", "relation": "RARE"}})
    assert "does not tell" in message and "RARE" in message


def test_rippleedits_tests_keep_their_conditions_and_their_and_and_or(tmp_path):
    [case] = cases(tmp_path, ripple())
    [relation] = case["relation-specificity"]
    assert relation == Question("The mother of Anna Bell is", ("Maria Bell",), needs=(Question("The mother of Anna Bell is", ("Maria Bell",)),))
    [logical] = case["logical"]
    assert (logical.answers, logical.others[0].answers, logical.whole) == (("yes",), ("true",), "any")
    [kept] = case["preservation"]
    assert (prompts((kept, *kept.others)), kept.whole) == (["The mother of Carl Dorn is", "The mother of Dora Eck is"], "all")
    # An alias of one letter is no answer.
    assert case["subject-aliasing"][0].answers == ("Italy", "Italia")
    assert case["composition-1"][0].needs == (Question("The capital of Italy is", ("Rome",)),)
    assert not case["composition-2"]


def test_rippleedits_wants_each_of_several_answers(tmp_path):
    several = query("The brothers of Anna Bell are", "Q1", "BROTHER", "Ben Bell", "Carl Bell")
    [case] = cases(tmp_path, ripple(Compositionality_II=[a_test(several)]))
    [question] = case["composition-2"]
    assert (question.answers, question.others[0].answers, question.whole) == (("Ben Bell",), ("Carl Bell",), "all")


def test_both_spellings_of_relation_specificity_are_read(tmp_path):
    tests = ripple()["Relation_Specifity"]
    [case] = cases(tmp_path, ripple(Relation_Specificity=tests, Relation_Specifity=[]))
    assert len(case["relation-specificity"]) == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (a_test(), "no Compositionality_II[0].test_queries; the test is left out"),
        (a_test(query("p", "Q1", "X", "yes"), condition="XOR"), "Compositionality_II[0].test_condition must be AND or OR; the test is left out"),
        (a_test(query("p", "Q1", "X")), "no Compositionality_II[0].test_queries[0].answers; the test is left out"),
        (a_test(query("p", "Q1", "X", "y")), "Compositionality_II[0].test_queries[0].answers[0].value: there is no usable answer; the test is left out"),
        (
            a_test(query("p", "Q1", "X", "one", "two"), query("q", "Q1", "X", "three")),
            "Compositionality_II[0].test_queries: any of several questions that have several answers each cannot be asked; the test is left out",
        ),
    ],
)
def test_a_broken_test_is_left_out_of_its_case_and_told(tmp_path, bad, message):
    found = read(written(tmp_path, [ripple(Compositionality_II=[bad])]))
    assert [(p.message, p.skipped) for p in found.problems] == [(message, False)]
    assert (len(found.cases), found.skipped) == (1, 0)
    with pytest.raises(UserError, match="the test is left out"):
        read(written(tmp_path, [ripple(Compositionality_II=[bad])]), strict=True)


def conflict(tmp_path, record):
    written(tmp_path, records.PROMPTS, "conflict_prompts.json")
    [case] = cases(tmp_path, record)
    return case


def one(case, role):
    [question] = case[role]
    return question.prompt, question.answers[0], prompts(question.others)


def test_conflictedit_reverse(tmp_path):
    case = conflict(tmp_path, records.REVERSE)
    assert case.edits == (
        Edit("The child of {} is", "Carl Dorn", "Ben Cole", "Anna Dorn"),
        Edit("The father of {} is", "Ben Cole", "Emil Fox", "Carl Dorn"),
    )
    assert (case.part, case.together, case.relation) == ("reverse", False, "P40")
    father = "The father of Ben Cole is", ["Ben Cole was fathered by"]
    assert one(case, "explicit-new") == (father[0], "Emil Fox", father[1])
    assert one(case, "explicit-old") == (father[0], "Carl Dorn", father[1])
    assert one(case, "implicit-old") == ("The child of Carl Dorn is", "Ben Cole", ["A child of Carl Dorn is", "Carl Dorn has a child named"])
    assert one(case, "implicit-new") == ("The child of Emil Fox is", "Ben Cole", ["A child of Emil Fox is", "Emil Fox has a child named"])
    assert not case["tied"]


def test_conflictedit_composite(tmp_path):
    case = conflict(tmp_path, records.COMPOSITE)
    assert one(case, "explicit-new")[:2] == ("The spouse of Dora Eck is", "Emil Fox")
    # What the first edit, with the tied fact, had made right there.
    assert one(case, "explicit-old")[:2] == ("The spouse of Dora Eck is", "Ben Cole")
    assert one(case, "implicit-new")[:2] == ("The father of Anna Dorn is", "Emil Fox")
    assert one(case, "implicit-old")[:2] == ("The father of Anna Dorn is", "Ben Cole")
    assert one(case, "tied") == ("The child of Dora Eck is", "Anna Dorn", ["A child of Dora Eck is", "Dora Eck has a child named"])


def test_conflictedit_coverage(tmp_path):
    case = conflict(tmp_path, records.COVERAGE)
    assert one(case, "explicit-new")[:2] == ("The child of Carl Dorn is", "Emil Fox")
    assert one(case, "explicit-old")[:2] == ("The child of Carl Dorn is", "Ben Cole")
    assert set(case.questions) == {"explicit-new", "explicit-old"}
    first, second = records.COVERAGE["edits"]
    otherwise = {**second, "relation": records.relation("P40", "{} has a child named")}
    case = conflict(tmp_path, {**records.COVERAGE, "edits": [first, otherwise]})
    assert one(case, "explicit-new")[:2] == ("Carl Dorn has a child named", "Emil Fox")
    assert one(case, "implicit-new")[:2] == ("The child of Carl Dorn is", "Emil Fox")
    assert one(case, "implicit-old")[:2] == ("The child of Carl Dorn is", "Ben Cole")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "other"}, "the type is 'other', and reverse, composite, coverage are known"),
        ({"edits": records.REVERSE["edits"][:1]}, "there are 1 edits, and two are needed"),
        ({"prerequisites": [3]}, "prerequisites must be indices of the 2 triples, not [3]"),
        ({"type": "composite"}, "no prerequisites"),
        ({"edits": [{**records.REVERSE["edits"][0], "subject": {"id": "Q1"}}] * 2}, "no edits[0].subject.label"),
    ],
)
def test_a_broken_record_of_conflictedit_is_told(tmp_path, change, message):
    assert problem(tmp_path, records.REVERSE, {**records.REVERSE, **change}) == message


def test_without_the_file_of_prompts_one_wording_is_asked_and_that_is_told(tmp_path):
    found = read(written(tmp_path, [records.REVERSE]))
    assert found.missing == ("no conflict_prompts.json beside the file: every question is asked in one wording only",)
    assert found.cases[0]["explicit-new"][0].others == ()


@pytest.mark.parametrize(("bad", "message"), [({"P40": ["no place"]}, "P40"), ({"P40": [1]}, "P40"), ([1], "object")])
def test_a_broken_file_of_prompts_is_refused(tmp_path, bad, message):
    written(tmp_path, bad, "conflict_prompts.json")
    with pytest.raises(UserError, match=rf"conflict_prompts\.json: .*{message}"):
        read(written(tmp_path, [records.REVERSE]))


def test_a_prompt_that_is_the_records_own_is_not_asked_twice(tmp_path):
    written(tmp_path, {"P40": ["The child of {} is", "A child of {} is"]}, "conflict_prompts.json")
    [case] = cases(tmp_path, records.COVERAGE)
    assert prompts(case["explicit-new"][0].others) == ["A child of Carl Dorn is"]


def test_roundedit_goes_there_and_back(tmp_path):
    written(tmp_path, records.PROMPTS, "round_prompts.json")
    [case] = cases(tmp_path, records.ROUND)
    assert case.edits == (
        Edit("The child of {} is", "Carl Dorn", "Ben Cole", "Anna Dorn"),
        Edit("The child of {} is", "Carl Dorn", "Anna Dorn", "Ben Cole"),
    )
    [question] = case["objects"]
    assert question.answers == ("Anna Dorn", "Gerd Dorn", "Hans Dorn")
    assert prompts((question, *question.others)) == ["The child of Carl Dorn is", "A child of Carl Dorn is", "Carl Dorn has a child named"]
    # A pair of edits is asked about by its own scores only.
    assert set(case.questions) == {"objects"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"true_objects": [records.entity("Anna Dorn")]}, "one right object only"),
        ({"true_objects": [records.entity("X"), records.entity("Y")]}, "'Anna Dorn' is not among true_objects"),
        ({"true_objects": [records.entity("Anna Dorn"), records.entity("Ben Cole")]}, "'Ben Cole' is among true_objects"),
        ({"edit": 5}, "edit must be an object, not number"),
    ],
)
def test_a_broken_record_of_roundedit_is_told(tmp_path, change, message):
    assert message in problem(tmp_path, records.ROUND, {**records.ROUND, **change})


def test_recoe_in_our_own_plain_form(tmp_path):
    [case] = cases(tmp_path, records.RECOE)
    assert (case.id, case.together, case.part) == ("s-1", True, "comparative")
    assert case.edit == Edit("The birth year of {} is", "Anna Bell", "1901", "1950")
    needs = (Question("The birth year of Carl Dorn is", ("1925",)),)
    assert case["reasoning"] == (Question(records.RECOE["question"], ("Anna Bell", "Bell"), "Carl Dorn", needs),)
    assert problem(tmp_path, records.RECOE, {**records.RECOE, "id": "b", "scheme": "odd"}).startswith("the scheme is 'odd'")


def test_knowedit_sorts_its_questions_by_what_they_ask_for(tmp_path):
    first, bio = cases(tmp_path, records.KNOWEDIT, records.WIKIBIO)
    assert first.edit == Edit("The country of {} is", "Anna Bell", "Italy", "Norway")
    assert first["one-hop"] == (Question("The capital of the country of Anna Bell is", ("Rome", "Roma")),)
    assert first["alias"] == (Question("The country of A. Bell is", ("Italy",)),)
    assert first["logical"][0].answers == ("yes", "true")
    assert first["relation"][0].answers == ("Maria Bell",)
    assert first["preservation"][0].answers == ("Norway",)
    assert prompts(first["paraphrase"]) == ["Anna Bell's country is"]
    assert bio.edit == Edit("This is a text about anna bell. Of {} little is known.", "anna bell", "She lived in Rome.")
    assert (bio.part, prompts(bio["relation"])) == ("wikibio", ["The work of anna bell is"])


def test_knowedit_of_a_new_fact_knows_nothing_before(tmp_path):
    [case] = cases(tmp_path, {k: v for k, v in records.KNOWEDIT.items() if k != "ground_truth"})
    assert case.edit == Edit("The country of {} is", "Anna Bell", "Italy")


def test_a_broken_question_of_knowedit_is_left_out_and_told(tmp_path):
    bad = {**records.KNOWEDIT, "portability": {"Reasoning": [{"prompt": "p", "ground_truth": []}], "Odd": []}}
    found = read(written(tmp_path, [bad]))
    assert [p.message for p in found.problems] == ["portability.Reasoning[0].ground_truth is empty; the question is left out"]
    assert found.skipped == 0 and not found.cases[0]["one-hop"]
