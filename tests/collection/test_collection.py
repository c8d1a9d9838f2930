from __future__ import annotations

import pytest

from survey.collection.collection import INVERSES, Collection, Relation
from survey.collection.paper import RelationKind
from tests.entries import make_paper


def related(key: str, relation: str, **more) -> dict:
    return {"key": key, "as": relation, "basis": "abstract", **more}


def papers(taxonomy, **records) -> Collection:
    return Collection([make_paper(key, **fields) for key, fields in records.items()], taxonomy)


def test_papers_come_newest_first(taxonomy):
    found = papers(
        taxonomy,
        a2022x={"ids": {"arxiv": "2201.00001"}},
        b2022x={"ids": {"arxiv": "2212.00001"}},
        c2023x={"year": 2023, "ids": {}},
        d2022x={"ids": {}},
        e2022x={"ids": {"arxiv": "2212.00001"}},
        f2022x={"ids": {"arxiv": "cs/0112017"}},
    )
    assert list(found) == ["c2023x", "b2022x", "e2022x", "a2022x", "d2022x", "f2022x"]


def test_a_former_key_still_leads_to_the_paper(taxonomy):
    found = papers(taxonomy, new2022x={"former_keys": ["old2022x"]})
    assert found["old2022x"].key == "new2022x"
    assert "old2022x" in found and list(found) == ["new2022x"] and len(found) == 1
    with pytest.raises(KeyError):
        found["other2022x"]


def test_every_relation_has_an_inverse():
    assert set(INVERSES) == set(RelationKind.__args__)
    assert INVERSES["same-benchmark"] == "same-benchmark"


def test_relations_are_seen_from_both_sides(taxonomy):
    found = papers(
        taxonomy,
        a2022x={"related": [related("b2022x", "refutes", note="in section 4")]},
        b2022x={},
        c2022x={"related": [related("a2022x", "same-benchmark")]},
    )
    forth = Relation("a2022x", "refutes", "b2022x", "abstract", "in section 4", True)
    assert found.relations == {
        "a2022x": [forth, Relation("a2022x", "same-benchmark", "c2022x", "abstract", None, False)],
        "b2022x": [Relation("b2022x", "refuted-by", "a2022x", "abstract", "in section 4", False)],
        "c2022x": [Relation("c2022x", "same-benchmark", "a2022x", "abstract", None, True)],
    }


def test_facets_hold_what_is_implied(taxonomy):
    found = papers(
        taxonomy,
        a2022x={
            "proposes": {"methods": ["rome"]},
            "studies": {"methods": ["mend"], "benchmarks": ["counterfact"]},
            "pitfalls": [{"id": "locality.neighbourhood", "stance": "measures", "basis": "abstract"}],
            "links": {"code": "https://github.com/a/b"},
            "former_keys": ["a2021x"],
            "unconfirmed": ["venue"],
            "summary": "One sentence.",
        },
        b2022x={"venue": "arxiv", "status": "withdrawn", "related": [related("a2022x", "extends")]},
    )
    a, b = found.facets["a2022x"], found.facets["b2022x"]
    assert set(a.method) == {"rome", "mend"}
    assert set(a.family) == {"locate-and-edit", "meta-learning"}
    assert set(a.pitfall) == {"locality.neighbourhood", "locality"}
    assert set(a.stance) == {"measures"}
    assert set(a.benchmark) == {"counterfact"} and "neighbourhood-score" in a.metric
    assert set(a.has) == {"arxiv", "code", "summary", "related"}, "related to b, which says so"
    assert set(a.key) == {"a2022x", "a2021x"} and set(a.id) == {"2202.05262"}
    assert set(a.status) == {"published", "unconfirmed"} and set(a.venue) == {"neurips"}
    assert set(b.status) == {"preprint", "withdrawn"} and set(b.has) == {"arxiv", "related"}


def test_authors_that_fold_alike_are_one(taxonomy):
    found = papers(
        taxonomy,
        a2022x={"authors": ["Jörg Schlötterer", "Jorg Schlotterer"]},
        b2021x={"authors": ["JÖRG SCHLÖTTERER", "Ann B"], "year": 2021},
    )
    assert [p.key for p in found.authors["jorg-schlotterer"]] == ["a2022x", "b2021x"]
    assert [p.key for p in found.authors["ann-b"]] == ["b2021x"]


def test_similar_papers_share_what_is_rare(taxonomy):
    common = {"pitfalls": [{"id": "locality", "stance": "shows", "basis": "abstract"}], "ids": {}}
    found = papers(
        taxonomy,
        a2022x={**common, "authors": ["Ann B"], "studies": {"methods": ["rome"]}},
        b2022x={**common, "authors": ["Ann B"], "studies": {"methods": ["rome"]}},
        c2022x={**common, "authors": ["Cy D"], "studies": {"methods": ["rome"]}},
        d2022x={**common, "authors": ["Ed F"]},
        e2022x={"authors": ["Gy H"], "ids": {}},
    )
    similar = found.similar(found["a2022x"])
    assert [(p.key, shared) for p, shared in similar] == [
        ("b2022x", ["method:rome", "pitfall:locality", "author:ann-b"]),
        ("c2022x", ["method:rome", "pitfall:locality"]),
        ("d2022x", ["pitfall:locality"]),
    ]
    assert [p.key for p, _ in found.similar(found["a2022x"], limit=1)] == ["b2022x"]
    assert found.similar(found["e2022x"]) == []


def test_one_rare_thing_weighs_more_than_a_common_one(taxonomy):
    rome, people = {"studies": {"methods": ["rome"]}}, {f"z2022x{i}": {"authors": ["Cy D"], "ids": {}} for i in range(5)}
    found = papers(
        taxonomy,
        a2022x={"authors": ["Ann B", "Cy D"], "ids": {}, **rome},
        b2022x={"authors": ["Cy D"], "ids": {}},
        y2022x={"authors": ["Ann B"], "ids": {}},
        **people,
    )
    assert [p.key for p, _ in found.similar(found["a2022x"], limit=2)] == ["y2022x", "b2022x"]


def test_what_most_papers_have_says_nothing(taxonomy):
    many = {f"a2022x{i}": {"authors": ["Ann B"], "ids": {}} for i in range(61)}
    found = papers(taxonomy, **many)
    assert found.similar(found["a2022x0"]) == []


def test_a_phrase_never_reaches_across_two_items(taxonomy):
    found = papers(taxonomy, a2022x={"title": "Editing Facts", "authors": ["Ann Bee", "Cy Dee"], "acronym": "FACT"})
    assert found.search('"bee cy"') == [] and found.search('"facts ann"') == []
    assert [p.key for p in found.search('"ann bee" fact')] == ["a2022x"]
