"""The suite's cases: enough of them, well formed, always the same, and known to the model."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from survey.pitfalls.suite import cases, conflicts, facts, known, round_trips, wording
from survey.pitfalls.suite.making import facts as known_facts


@pytest.fixture(scope="module")
def made():
    return cases()


@pytest.fixture(scope="module")
def pairs():
    return conflicts() + round_trips()


def _relation(case):
    return facts.relations()[case.relation]


def _subject(case):
    return case.id.split("/")[-1]


def test_there_are_enough_facts_in_enough_relations(made):
    assert len(made) >= 300
    counts = Counter(case.relation for case in made)
    assert len(counts) >= 20
    assert min(counts.values()) >= 5, counts
    assert len({case.id for case in made}) == len(made)


def test_only_proved_facts_become_cases(made):
    for case in made:
        proof = known()["facts"][case.relation][_subject(case)]
        assert case.edit.was == proof["object"] and case.edit.was in _relation(case).right[_subject(case)]


def test_most_roles_have_questions_for_most_cases(made):
    share = {role: sum(bool(case[role]) for case in made) / len(made) for role in ("paraphrase", "neighbour", "distract", "describe")}
    assert share.pop("describe") > 0.9
    assert set(share.values()) == {1.0}
    for role, least in {"one-hop": 500, "multi-hop": 100, "hop": 100, "relation": 130, "alias": 25, "objects": 60, "reverse": 800}.items():
        assert sum(bool(case[role]) for case in made) >= least, role
    two = sum(len(case["neighbour"]) >= 2 for case in made)
    assert two == len(made)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_the_target_is_never_right(seed):
    for case in (*cases(seed), *conflicts(seed), *round_trips(seed)):
        for n, edit in enumerate(case.edits):
            assert edit.target != edit.was
            assert n or case.relation is None or edit.target not in _relation(case).true(_subject(case)), case.id


def test_the_subject_stands_once_in_the_prompt(made, pairs):
    for case in (*made, *pairs):
        for edit in case.edits:
            assert edit.prompt.count("{}") == 1 and edit.text.count(edit.subject) == 1, case.id
            assert edit.text == edit.text.strip()


def test_some_subjects_start_the_prompt_and_some_stand_inside(made):
    first = sum(case.edit.prompt.startswith("{}") for case in made)
    assert 0.15 < first / len(made) < 0.85


def test_questions_hold_what_they_must(made):
    for case in made:
        subject, edit = _subject(case), case.edit
        for q in case["paraphrase"]:
            assert subject[1:] in q.prompt and q.answers == (edit.target,) and q.against == edit.was
            assert q.prompt != edit.text
        for q in case["alias"]:
            assert q.answers == (edit.target,) and q.prompt != edit.text
            assert any(alias[1:] in q.prompt for alias in _relation(case).aliases[subject])
        for q in case["neighbour"]:
            assert q.against == edit.target and edit.target not in q.answers and q.prompt != edit.text
        for plain, q in zip(case["neighbour"], case["distract"], strict=True):
            assert q.prompt.endswith(plain.prompt) and edit.target.casefold() in q.prompt.casefold()
        for q in case["reverse"]:
            assert edit.target.casefold() in q.prompt.casefold() and q.answers[0] == subject
        for role in ("one-hop", "multi-hop", "relation", "describe"):
            assert all(subject[1:] in q.prompt for q in case[role]), (case.id, role)
        for q in (*case["one-hop"], *case["multi-hop"]):
            assert q.answers[0].casefold() not in q.prompt.casefold(), (case.id, "the question gives the answer away")
        for q in case["objects"]:
            assert q.answers[0] == edit.was and len(set(q.answers)) > 1 and edit.target not in q.answers


def test_consequences_rest_on_facts_that_are_known(made):
    for case in made:
        kind = _relation(case).kind
        if case["one-hop"] or case["multi-hop"]:
            properties = known()["properties"][kind][case.edit.target]
        for q in case["one-hop"]:
            [need] = q.needs
            assert q.answers == need.answers
            assert any(need.answers[0] == facts.values()[kind][case.edit.target][p] for p in properties)
        for q in case["multi-hop"]:
            first, second = q.needs
            assert case.edit.target[1:] in first.prompt and first.answers[0][1:] in second.prompt
            assert q.answers == second.answers
            assert {first, second} <= set(case["hop"]) and case["hop"][0].prompt == case.edit.text


def _templates(case, role):
    """By prompt, the properties that a question of the role asks for."""
    found = _relation(case).one_hop if role == "one-hop" else _relation(case).two_hop
    return {wording.filled(template, _subject(case)): path.split(".") for path, template in found.items()}


def _followed(kind, object, path):
    """Everything that is right as the last of a chain of properties; empty where a link of it is not known."""
    if not path:
        return {object}
    found = [_followed(facts.kinds()[kind][path[0]].leads, o, path[1:]) for o in facts.held(kind, object, path[0])]
    return set().union(*found) if all(found) else set()


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_no_consequence_was_right_before_the_edit(seed):
    asked = 0
    for case in cases(seed):
        relation, subject = _relation(case), _subject(case)
        for role in ("one-hop", "multi-hop"):
            paths = _templates(case, role)
            for q in case[role]:
                asked += 1
                before = [_followed(relation.kind, object, paths[q.prompt]) for object in relation.true(subject)]
                assert all(before), (case.id, q.prompt, "nobody knows what was right")
                assert q.against in _followed(relation.kind, case.edit.was, paths[q.prompt]), (case.id, q.prompt)
                plain = {value.casefold() for values in before for value in values}
                after = _followed(relation.kind, case.edit.target, paths[q.prompt])
                assert q.answers[0] in after and len(q.answers) == 1
                for answer in (value.casefold() for value in after):
                    assert not any(answer in value or value in answer for value in plain), (case.id, q.prompt)
    assert asked > 800


def test_no_consequence_is_asked_where_another_right_object_stays_right(made):
    for case in made:
        if len(_relation(case).right[_subject(case)]) > 1:
            assert not case["one-hop"] and not case["multi-hop"] and not case["hop"], case.id
        assert bool(case["reverse"]) != _relation(case).symmetric, case.id


def test_what_goes_by_a_consequence_is_not_asked_as_what_must_stay(made):
    for case in made:
        gone = {q.against for role in ("one-hop", "multi-hop") for q in case[role]}
        assert not any(gone & set(q.answers) for q in case["relation"]), case.id


def _texts(case):
    """Everything that is asked about a case, with its answers behind it, and its reference texts."""
    for edit in case.edits:
        yield from (f"{edit.text} {edit.target}", f"{edit.text} {edit.was}")
    for role, questions in case.questions.items():
        for q in (also for question in questions for also in (question, *question.others, *question.needs)):
            texts = (*q.answers, *([q.against] if q.against else []))
            yield from texts if role == "describe" else (f"{q.prompt} {text}" for text in texts)
            yield q.prompt


def test_articles_are_those_of_the_words_behind_them(made, pairs):
    wrong = re.compile(r"\ba (?!unit\b)[aeiou]\w*|\ban (?!hour\b)[^aeiou\W]\w*", re.IGNORECASE)
    every = {text for case in (*made, *pairs) for text in _texts(case)}
    assert not [text for text in every if wrong.search(text)]
    assert any("an elephant" in text for text in every) and any("An hour" in text for text in every)


def test_the_same_seed_makes_the_same_cases():
    assert cases(3) == cases(3) and conflicts(3) == conflicts(3) and round_trips(3) == round_trips(3)
    targets = [{case.id: case.edit.target for case in cases(seed)} for seed in (3, 4)]
    assert targets[0] != targets[1] and set(targets[0]) == set(targets[1])


def test_the_first_cases_are_of_many_relations(made):
    assert len({case.relation for case in made[:40]}) >= 12


def test_a_text_is_asked_once_in_each_role(made, pairs):
    for case in (*made, *pairs):
        for role, questions in case.questions.items():
            prompts = [q.prompt for q in questions]
            assert len(set(prompts)) == len(prompts), (case.id, role)


def test_conflicts_are_of_three_sorts_and_the_second_edit_meets_the_first():
    sorts = Counter()
    for case in conflicts():
        sort = case.part
        assert case.id.startswith(sort)
        sorts[sort] += 1
        one, two = case.edits
        implicit = {"implicit-new", "implicit-old"} & set(case.questions)
        assert {"explicit-new", "explicit-old"} <= set(case.questions) and len(implicit) == (0 if sort == "coverage" else 2)
        [new], [old] = case["explicit-new"], case["explicit-old"]
        assert new.prompt == old.prompt == two.text and new.answers == (two.target,) and old.answers == (two.was,)
        if sort == "coverage":
            assert one.text == two.text and two.was == one.target
            continue
        [late], [early] = case["implicit-new"], case["implicit-old"]
        assert early.prompt == one.text and early.answers == (one.target,)
        if sort == "reverse":
            assert two.subject == one.target and two.was == _subject(case) and late.answers == (one.target,)
            assert two.target[1:] in late.prompt
        if sort == "composite":
            [tied] = case["tied"]
            assert tied.answers == (two.subject,) and two.was == one.target and late.answers == (two.target,)
            assert late.prompt == early.prompt
    assert set(sorts) == {"coverage", "reverse", "composite"} and min(sorts.values()) >= 15, sorts


def test_round_trips_go_back_and_know_all_right_objects():
    made = round_trips()
    several = [case for case in made if case.part == "several"]
    assert len(several) >= 60 and len({case.relation for case in several}) >= 10
    assert made[: len(several)] == tuple(several), "those with several objects come first"
    for case in made:
        there, back = case.edits
        assert (there.was, there.target) == (back.target, back.was) and there.text == back.text
        [q] = case["objects"]
        assert q.answers[0] == there.was and there.target not in q.answers
        assert set(q.answers) == set(_relation(case).right[_subject(case)])


def test_every_role_is_reached(made, pairs):
    roles = {role for case in (*made, *pairs) for role in case.questions}
    assert roles == {
        "paraphrase", "neighbour", "distract", "alias", "reverse", "one-hop", "multi-hop", "hop", "relation", "objects",
        "describe", "explicit-new", "explicit-old", "implicit-new", "implicit-old", "tied",
    }  # fmt: skip


@pytest.mark.model
def test_a_sample_of_the_known_facts_is_known_indeed():
    import random

    import torch

    from survey.editing import load_model
    from survey.pitfalls.suite.prove import proved

    torch.set_num_threads(1)
    model = load_model()
    assert model.fingerprint == known()["fingerprint"]
    every = sorted((name, subject) for name, subjects in known_facts().items() for subject in subjects)
    for name, subject in random.Random(0).sample(every, 40):
        relation = facts.relations()[name]
        found = proved(model, relation, [subject])
        assert found[subject]["object"] == known_facts()[name][subject], (name, subject)
        assert found[subject]["p"] == pytest.approx(known()["facts"][name][subject]["p"], abs=2e-3)
