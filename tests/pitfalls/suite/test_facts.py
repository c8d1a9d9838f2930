"""What the suite is written from: true to its form, apart from what methods learn from."""

from __future__ import annotations

import pytest

from survey.editing import facts as training
from survey.pitfalls.suite import facts
from survey.pitfalls.suite.making import known


def _plain(text: str) -> str:
    """A name whatever its case, article and number."""
    return text.casefold().removeprefix("the ").removeprefix("a ").removeprefix("an ").removesuffix("s")


RELATIONS = list(facts.relations().values())


def test_there_are_enough_relations_and_candidates():
    assert len(RELATIONS) >= 30
    assert sum(len(r.right) for r in RELATIONS) >= 1000


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda r: r.name)
def test_wordings_have_their_places_and_nothing_to_trim(relation):
    assert len(relation.paraphrases) >= 3
    wordings = [relation.prompt, *relation.paraphrases, relation.describe, *relation.one_hop.values(), *relation.two_hop.values()]
    assert len(set(wordings)) == len(wordings)
    for text in wordings:
        assert text.count("{}") == 1 and text == text.strip() and "  " not in text, text
    for text in (relation.reverse, *relation.inverse):
        assert text.count("{object}") == 1 and "{}" not in text and not text.endswith("{object}"), text
    assert "{subject}" in relation.distractor and "{object}" in relation.distractor and relation.distractor[-1] == "."
    places = {p.index("{}") for p in (relation.prompt, *relation.paraphrases)}
    assert len(places) >= 2, "the subject stands at different places"


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda r: r.name)
def test_names_are_text_and_stand_once(relation):
    names = [*relation.right, *relation.objects, *(n for names in relation.aliases.values() for n in names)]
    names += [n for names in relation.also.values() for n in names]
    assert all(isinstance(n, str) and n and n == n.strip() and "  " not in n for n in names)
    assert len({s.casefold() for s in relation.right}) == len(relation.right)
    for subject, right in relation.right.items():
        assert right and len(set(right)) == len(right)
        assert subject not in relation.true(subject)
    assert set(relation.also) <= set(relation.right), "`also` tells of a subject that is not there"
    assert set(relation.aliases) <= set(relation.right), "`aliases` tells of a subject that is not there"
    assert set(relation.apart) <= set(facts.relations())


def test_a_subject_has_its_facts_in_one_place():
    """The files list subjects by object, so that one under two objects would lose the first."""
    import yaml

    for path in (facts.FOLDER / "facts").glob("*.yaml"):
        written = yaml.safe_load(path.read_text("utf-8"))
        subjects = [s for some in written.get("facts", {}).values() for s in some] + list(written.get("right", {}))
        assert len(set(subjects)) == len(subjects), (path.stem, {s for s in subjects if subjects.count(s) > 1})


def test_consequences_name_properties_that_exist():
    for relation in RELATIONS:
        if relation.kind is None:
            assert not relation.one_hop and not relation.two_hop
            continue
        properties = facts.kinds()[relation.kind]
        assert set(relation.one_hop) <= set(properties), relation.name
        for path in relation.two_hop:
            first, second = path.split(".")
            assert second in facts.kinds()[properties[first].leads], (relation.name, path)


def test_values_are_those_of_their_kind():
    for kind, objects in facts.values().items():
        for object, found in objects.items():
            assert set(found) <= set(facts.kinds()[kind]), (kind, object)
            assert all(isinstance(v, str) and v == v.strip() for v in found.values()), (kind, object)
    for kind in facts.kinds().values():
        for property in kind.values():
            assert property.ask.count("{}") == 1 and "{value}" in property.say and "{}" in property.say
            assert property.leads is None or property.leads in facts.kinds()


def test_every_kind_belongs_to_a_relation_and_has_values():
    used = {r.kind for r in RELATIONS} | {p.leads for k in facts.kinds().values() for p in k.values()}
    assert set(facts.kinds()) == set(facts.values()) == used - {None}


def test_values_agree_with_the_facts():
    """What is said of a country in two places is the same in both."""
    for relation, kind, property in (
        ("country_capital", "country", "capital"), ("country_continent", "country", "continent"),
        ("country_language", "country", "language"), ("country_currency", "country", "currency"),
        ("city_country", "city", "country"), ("city_continent", "city", "continent"),
        ("company_country", "company", "country"), ("state_capital", "state", "capital"),
    ):  # fmt: skip
        found = facts.relations()[relation]
        told = facts.values()[kind]
        both = [o for o in told if o in found.right and property in told[o]]
        assert both, relation
        for object in both:
            assert told[object][property] in found.true(object), (relation, object)


def test_no_fact_is_one_that_methods_learn_from():
    learnt = {
        (_plain(subject), _plain(object))
        for relation in training.relations()
        for object, subjects in relation.facts.items()
        for subject in subjects
    }
    ours = {(_plain(s), _plain(o)) for r in RELATIONS for s in r.right for o in r.right[s]}
    assert not ours & learnt


def test_files_are_small_enough_to_read():
    paths = [p for p in facts.FOLDER.rglob("*") if p.suffix in (".yaml", ".json", ".py")]
    assert len(paths) > 40
    assert all(len(p.read_text("utf-8")) < 200_000 for p in paths)


def test_what_was_proved_are_these_facts():
    assert known()["digest"] == facts.digest(), "facts have changed: python -m survey.pitfalls.suite --prove"


def test_the_data_card_tells_the_counts():
    from survey.pitfalls.suite.__main__ import table, tasks_table

    card = (facts.FOLDER.parents[2] / "docs" / "laboratory" / "suite.md").read_text("utf-8")
    for name, lines in (("counts", table(known())), ("tasks", tasks_table(known()))):
        begun = card.partition(f"<!-- {name}: python -m survey.pitfalls.suite --table -->\n")[2]
        assert begun.partition("\n<!-- end -->")[0].split("\n") == lines, "python -m survey.pitfalls.suite --table"
