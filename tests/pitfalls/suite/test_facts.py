"""What the suite is written from: true to its form, apart from what methods learn from."""

from __future__ import annotations

import pytest

from survey.editing import facts as training
from survey.pitfalls.suite import facts
from survey.pitfalls.suite.basis import basis, changed
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
        assert not set(right) & set(relation.also.get(subject, ())), (subject, "right and `also`")
    assert set(relation.also) <= set(relation.right), "`also` tells of a subject that is not there"
    assert set(relation.aliases) <= set(relation.right), "`aliases` tells of a subject that is not there"
    assert set(relation.apart) <= set(facts.relations())


def test_a_subject_has_its_facts_in_one_place():
    """The files list subjects by object, so that one under two objects would lose the first."""
    import yaml

    for path in (facts.FOLDER / "facts").glob("*.yaml"):
        written = yaml.safe_load(path.read_text("utf-8"))
        subjects = [s for some in written.get("facts", {}).values() for s in some] + list(written.get("right", {}))
        assert set(written.get("more", {})) <= set(subjects), path.stem
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


def test_what_else_is_right_is_said_of_properties_that_exist():
    """`also.yaml` has a list for each, and says nothing twice."""
    for kind, objects in facts.also().items():
        for object, found in objects.items():
            assert set(found) <= set(facts.kinds()[kind]), (kind, object)
            for property, more in found.items():
                right = facts.held(kind, object, property)
                assert more and all(isinstance(v, str) and v == v.strip() for v in more), (kind, object)
                assert len({v.casefold() for v in right}) == len(right), (kind, object, property)


def test_what_was_right_before_holds_all_right_objects_of_the_facts():
    """A country with several official languages in one file has them in the other."""
    checked = 0
    for relation, kind, property in (("country_language", "country", "language"), ("country_capital", "country", "capital"), ("city_country", "city", "country")):
        for subject, right in facts.relations()[relation].right.items():
            if held := facts.held(kind, subject, property):
                assert set(right) <= set(held), (relation, subject)
                checked += len(right) > 1
    assert checked >= 6


# Pairs of relations that share subjects, of which an edit of one leaves the other alone. Who adds a relation judges it here,
# or names it in `apart`.
INDEPENDENT = {
    ("animal_class", "animal_diet"), ("animal_diet", "animal_sound"), ("animal_diet", "animal_young"),
    ("animal_sound", "animal_young"), ("city_continent", "country_currency"), ("city_continent", "country_language"),
    ("colour", "kind"), ("country_border", "country_capital"), ("country_border", "country_currency"),
    ("country_border", "country_language"), ("country_capital", "country_continent"),
    ("country_capital", "country_currency"), ("country_capital", "country_language"),
    ("country_continent", "country_currency"), ("country_continent", "country_language"),
    ("country_currency", "country_language"), ("element_symbol", "substance_state"),
}  # fmt: skip


def test_of_relations_that_share_subjects_it_is_judged_whether_they_hang_together():
    sharing = {
        (a.name, b.name)
        for a in RELATIONS
        for b in RELATIONS
        if a.name < b.name and set(a.right) & set(b.right)
    }
    apart = {tuple(sorted((r.name, other))) for r in RELATIONS for other in r.apart}
    assert sharing - apart == INDEPENDENT
    for relation in RELATIONS:
        for other in relation.apart:
            assert relation.name in facts.relations()[other].apart, (relation.name, other, "it holds both ways")


def test_a_symmetric_relation_holds_both_ways():
    [relation] = [r for r in RELATIONS if r.symmetric]
    for subject, right in relation.right.items():
        for object in right:
            assert object not in relation.right or subject in relation.right[object], (subject, object)


def test_what_was_proved_are_these_facts():
    assert not any(changed(known()).values()), "facts have changed: python -m survey.pitfalls.suite --prove --changed"
    assert known()["basis"] == basis()


def test_a_change_of_a_fact_makes_the_proof_of_its_relation_old(monkeypatch):
    from dataclasses import replace

    every = facts.relations()
    colour = every["colour"]
    turned = {**every, "colour": replace(colour, right={**colour.right, "blood": ("green",)})}
    monkeypatch.setattr("survey.pitfalls.suite.basis.relations", lambda: turned)
    assert changed(known()) == {"facts": {"colour"}, "properties": set(), "tasks": set()}
    assert all(changed({}).values()), "where nothing was proved, everything is old"


def test_what_has_not_changed_is_not_asked_again():
    from types import SimpleNamespace

    from survey.pitfalls.suite.prove import prove

    nobody = SimpleNamespace(name=known()["model"], fingerprint=known()["fingerprint"])
    assert prove(nobody, known()) == known()
    with pytest.raises(AttributeError):  # Without an older proof, everything is asked of the model.
        prove(nobody)


def test_changes_alone_are_asked_of_the_model_that_was_asked_before(monkeypatch, capsys, tmp_path):
    from types import SimpleNamespace

    from survey.pitfalls.suite.__main__ import main

    monkeypatch.setattr("survey.editing.load_model", lambda: SimpleNamespace(name="another", fingerprint="0"))
    assert main(["--prove", "--changed", "-o", str(tmp_path / "known.json")]) == 2
    assert "another is asked everything" in capsys.readouterr().err and not list(tmp_path.iterdir())
    with pytest.raises(SystemExit, match="2"):
        main(["--changed"])


def test_the_data_card_tells_the_counts():
    from survey.pitfalls.suite.__main__ import pairs_table, questions_table, table, tasks_table

    card = (facts.FOLDER.parents[2] / "docs" / "laboratory" / "suite.md").read_text("utf-8")
    tables = {"counts": table(known()), "questions": questions_table(), "pairs": pairs_table(), "tasks": tasks_table(known())}
    for name, lines in tables.items():
        begun = card.partition(f"<!-- {name}: python -m survey.pitfalls.suite --table -->\n")[2]
        assert begun.partition("\n<!-- end -->")[0].split("\n") == lines, "python -m survey.pitfalls.suite --table"
