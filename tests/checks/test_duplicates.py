from __future__ import annotations

import pytest

from tests.checks.examples import OTHER, PREPRINT, findings, two
from tests.entries import PATH, make_entry


def codes(files, taxonomy) -> list[str]:
    return [f.code for f in findings(files, taxonomy) if f.code[0] == "D"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"arxiv": "2202.05262"}, {"arxiv": "2202.05262"}),
        ({"doi": "10.1000/ABC"}, {"doi": "10.1000/abc"}),
        ({"anthology": "2022.acl-long.1"}, {"anthology": "2022.acl-long.1"}),
        ({"anthology": "2022.acl-long.1"}, {"doi": "10.18653/v1/2022.acl-long.1"}),
        ({"openreview": "-h6WAS6eE4"}, {"openreview": "-h6WAS6eE4"}),
    ],
)
def test_the_same_id(one, other, taxonomy):
    assert "D401" in codes({PATH: make_entry(ids=one), OTHER: two(ids=other)[OTHER]}, taxonomy)


def test_ids_that_are_not_the_same(taxonomy):
    files = {PATH: make_entry(ids={"openreview": "-h6WAS6eE4"}), OTHER: two(ids={"openreview": "-h6was6ee4"})[OTHER]}
    assert codes(files, taxonomy) == []
    both = {"anthology": "2022.acl-long.1", "doi": "10.18653/v1/2022.acl-long.1"}
    assert codes({PATH: make_entry(venue="acl", ids=both)}, taxonomy) == [], "one paper may say the same twice"


def test_the_same_title_whatever_its_letters(taxonomy):
    for title in ("LOCATING and editing — factual associations in GPT?", "Locáting and Éditing Factual-Associations in GPT"):
        assert codes(two(title=title), taxonomy) == ["D402"]


def test_a_former_title_counts(taxonomy):
    former = two(former_titles=["Locating and Editing Factual Associations in GPT"])
    assert codes(former, taxonomy) == ["D402"]


def preprint(title: str, **fields) -> dict:
    entry = make_entry(**{"title": title, "venue": "arxiv", "ids": {"openreview": "-h6WAS6eE4"}, **fields})
    return {PATH: make_entry(), PREPRINT: entry}


@pytest.mark.parametrize(
    "title",
    ["Locating and Editing Factual Knowledge in GPT", "Locating Factual Associations", "How Are Associations Located? Locating and Editing in GPT"],
)
def test_a_similar_title_of_the_same_authors(title, taxonomy):
    assert "D403" in codes(preprint(title), taxonomy)


@pytest.mark.parametrize(
    "fields",
    [
        {"authors": ["Ann Meng", "Cy Dee"]},  # other people
        {"ids": {"arxiv": "2202.99999"}},  # an id of its own
        {"related": [{"key": "meng2022locating", "as": "extends", "basis": "abstract"}]},  # told apart
        {"venue": "emnlp"},  # in two proceedings
    ],
)
def test_two_papers_after_all(fields, taxonomy):
    assert codes(preprint("Locating and Editing Factual Knowledge in GPT", **fields), taxonomy) == []


def test_an_acronym_is_not_a_title(taxonomy):
    """Two EvoEdit, two AnyEdit, CaKE and CAKE are different papers of different people."""
    files = {
        PATH: make_entry(title="EvoEdit: Lifelong Editing of Language Models", authors=["Kevin Meng", "Bo Li"], ids={}),
        OTHER: make_entry(title="EvoEdit: Evolving Editing of Images", authors=["Ann Bau", "Bo Li"], ids={}),
    }
    assert codes(files, taxonomy) == []


def test_the_real_collection_has_no_duplicates(collection, taxonomy):
    from survey.checks import duplicates
    from survey.checks.registry import Entry

    entries = [Entry(f"papers/{p.year}/{p.key}.yaml", p.key, None, p) for p in collection.values()]
    assert list(duplicates.same_id(entries, taxonomy)) == []
    assert list(duplicates.same_title(entries, taxonomy)) == []
