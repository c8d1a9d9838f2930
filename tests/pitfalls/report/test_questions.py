"""What a report asks about an edit."""

from __future__ import annotations

import pytest

from survey.editing.edit import Edit, EditError
from survey.pitfalls.report.questions import (
    GROUPS,
    Named,
    bare,
    found_in_suite,
    lines,
    names,
    other_facts,
    within,
)
from survey.pitfalls.suite.facts import relations
from survey.pitfalls.suite.making import facts

TOWER = Edit("{} is located in the city of", "The Eiffel Tower", "Rome", "Paris")
UNKNOWN = Edit("The favourite dish of {} is", "my neighbour", "soup")


def test_the_suite_is_found_by_subject_and_old_answer_or_by_the_wording():
    relation, subject = found_in_suite(TOWER)
    assert (relation.name, subject) == ("landmark_city", "the Eiffel Tower")
    prompt = relations()["country_capital"].paraphrases[0]
    relation, subject = found_in_suite(Edit(prompt, "Atlantis", "Rome"))
    assert (relation.name, subject) == ("country_capital", None)
    assert found_in_suite(UNKNOWN) == (None, None)
    assert found_in_suite(Edit("{} was built in", "The Eiffel Tower", "1990", "1889")) == (None, None)


def test_every_line_is_asked_once_and_never_the_edit_itself():
    again = Named(paraphrases=(TOWER.prompt, "See {} in", "See {} in"))
    for edit, yours in ((TOWER, again), (UNKNOWN, Named())):
        found = lines(edit, yours)
        assert set(found) <= set(GROUPS) and all(found.values())
        for some in found.values():
            prompts = [line.prompt for line in some]
            assert len(set(prompts)) == len(prompts) and edit.text not in prompts
            assert all(prompt == prompt.rstrip() for prompt in prompts)


def test_paraphrases_ask_for_the_new_answer_and_name_the_subject():
    found = lines(TOWER, Named(paraphrases=("Whoever wants to see {} goes to",)))["paraphrase"]
    assert found[0].prompt == "Whoever wants to see The Eiffel Tower goes to" and found[0].source == "yours"
    assert {line.source for line in found} == {"yours", "suite", "made"}
    for line in found:
        assert (line.right, line.against) == ("Rome", "Paris") and "Eiffel Tower" in line.prompt
    assert "As most people know, the Eiffel Tower is located in the city of" in [line.prompt for line in found]


def test_neighbours_are_other_subjects_for_which_the_new_answer_is_wrong():
    found = lines(TOWER, Named(neighbours=("The Colosseum is in",)))["neighbour"]
    assert (found[0].prompt, found[0].right, found[0].source) == ("The Colosseum is in", None, "yours")
    known = facts()["landmark_city"]
    for line in found[1:]:
        [subject] = [s for s in known if line.prompt.casefold().startswith(s.casefold() + " is located")]
        assert line.right == known[subject] != "Rome" and subject != "the Eiffel Tower"
    to_paris = lines(Edit(TOWER.prompt, "The Tower of London", "Paris", "London"), Named())["neighbour"]
    assert len(to_paris) > 3 and "Paris" not in [line.right for line in to_paris]
    rights = [line.right for line in found[1:]]
    assert rights[0] == "Paris" and len(set(rights)) > 1


def test_neighbours_stand_behind_the_edited_statement_too():
    found = lines(TOWER, Named())
    assert [line.prompt for line in found["distract"]] == [f"{TOWER.text} Rome. {line.prompt}" for line in found["neighbour"]]


def test_consequences_follow_from_the_new_answer():
    found = lines(TOWER, Named())["consequence"]
    assert ("Italy", "France") in [(line.right, line.against) for line in found]
    assert found[-1].right == "Eiffel Tower" and "Rome" in found[-1].prompt
    assert "consequence" not in lines(Edit(TOWER.prompt, TOWER.subject, "Bramblewick", "Paris"), Named())


def test_other_facts_about_the_subject_leave_out_what_hangs_together_with_the_edit():
    found = lines(Edit("{} is a city in the country of", "Paris", "Japan", "France"), Named())
    apart = {"city_country", *relations()["city_country"].apart}
    assert not apart & {line.relation for line in found.get("relation", ())}


def test_an_edit_that_the_suite_does_not_know_has_what_can_be_made_of_its_words():
    found = lines(UNKNOWN, Named(probes=("At noon {} eats",)))
    assert set(found) == {"paraphrase", "about", "target"}
    assert found["about"][0].prompt == "At noon my neighbour eats"
    assert {line.source for line in found["paraphrase"]} == {"made"}


def test_other_facts_are_the_same_sample_without_the_edit():
    taken = {TOWER.text}
    found = other_facts([TOWER], taken, 50)
    assert len(found) == 50 and found == other_facts([TOWER], taken, 50)
    assert not any("Eiffel" in line.prompt for line in found)
    for line in found:
        assert facts()[line.relation] and line.against == (None if line.right == "Rome" else "Rome")
    other = other_facts([TOWER], taken | {found[0].prompt}, 50)
    assert other[:-1] == found[1:]


def test_the_sample_has_no_fact_about_the_edit_s_subject_and_blames_no_right_answer():
    first = other_facts([TOWER], set(), 5)[0]
    [subject] = [s for s, right in facts()[first.relation].items() if s.casefold() in first.prompt.casefold() and right == first.right]
    about = Edit("{} is", subject, "Bramblewick")
    assert not any(subject.casefold() in line.prompt.casefold() for line in other_facts([about], set(), 5))
    # Where the new answer is right, saying it is no side effect.
    found = other_facts([Edit("{} is", "Atlantis", first.right)], set(), 5)
    assert found[0].prompt == first.prompt and found[0].against is None
    assert {line.against for line in found} >= {None, first.right}


def test_names_and_articles():
    assert names(TOWER) == ("Eiffel Tower", "La Tour Eiffel")
    assert (within("The Louvre"), within("Paris"), within("A cat")) == ("the Louvre", "Paris", "a cat")
    assert (bare("the Louvre"), bare("Theodore"), bare("The ")) == ("Louvre", "Theodore", "The ")


@pytest.mark.parametrize("name", ["probe", "paraphrase", "neighbour"])
def test_an_empty_text_is_refused(name):
    with pytest.raises(EditError, match=f"a {name} is empty"):
        Named(**{f"{name}s": ("I live in", " ")})
