from __future__ import annotations

import pytest

from survey.checks.run import check_together
from survey.collection.taxonomy import Method, Pitfall, Terms
from tests.checks.examples import OTHER, findings, one, related, two
from tests.entries import make_entry


def codes(files, taxonomy) -> list[str]:
    return [f.code for f in findings(files, taxonomy)]


@pytest.mark.parametrize(
    ("key", "author", "title"),
    [
        ("meng2022locating", "Kevin Meng", "Locating Facts"),
        ("meng2022locatingfacts", "Kevin Meng", "Locating Facts"),  # the shorter key was taken
        ("meng2021facts", "Kevin Meng", "Locating Facts"),  # an earlier version
        ("vandermaaten2022tsne", "Laurens van der Maaten", "t-SNE"),
        ("maaten2022tsne", "Laurens van der Maaten", "t-SNE"),
        ("logan2022fruit", "Robert Logan IV", "FRUIT"),
        ("schlotterer2022facts", "Jörg Schlötterer", "“Facts”"),
        ("cao2022editing", "Nicola De Cao", "Editing"),
        ("decao2022editing", "Nicola De Cao", "Editing"),
    ],
)
def test_keys_that_fit(key, author, title, taxonomy):
    assert codes({f"papers/2022/{key}.yaml": make_entry(authors=[author], title=title)}, taxonomy) == []


@pytest.mark.parametrize("key", ["bau2022locating", "meng2023locating", "meng2018locating", "meng2022editor"])
def test_keys_that_do_not(key, taxonomy):
    assert codes({f"papers/2022/{key}.yaml": make_entry()}, taxonomy) == ["K903"]


def test_a_former_title_still_explains_the_key(taxonomy):
    files = {"papers/2022/meng2022editor.yaml": make_entry(former_titles=["An Editor of Facts"])}
    assert codes(files, taxonomy) == []


def test_the_same_key_in_two_folders(taxonomy):
    files = {f"papers/{year}/meng2022locating.yaml": make_entry(ids={}, links={"paper": f"https://example.org/{year}"}) for year in (2021, 2022)}
    assert "K905" in codes(files, taxonomy)


def test_an_entry_is_not_related_to_itself(taxonomy):
    assert codes(one(related=[related("meng2022locating")]), taxonomy) == ["R951"]


def test_a_relation_may_name_a_former_key(taxonomy):
    files = two(former_keys=["old2022memories"])
    files["papers/2022/meng2022locating.yaml"] = make_entry(related=[related("old2022memories")])
    assert codes(files, taxonomy) == []


def test_a_founding_paper_must_be_an_entry(taxonomy):
    method = taxonomy.methods["rome"].model_copy(update={"papers": ("nobody2022nothing",)})
    t = taxonomy.model_copy(update={s: Terms([]) for s in ("families", "pitfalls", "benchmarks", "metrics", "venues")})
    t = t.model_copy(update={"methods": Terms([method]), "families": Terms([taxonomy.families["locate-and-edit"]])})
    found = [f for f in check_together([], t) if f.code == "R953"]
    assert [f.message for f in found if "rome" in f.message] == ["rome: there is no entry nobody2022nothing"]
    assert found[0].path.startswith("survey/collection/taxonomy/")
    assert [f.hint for f in found if "rome" in f.message] == ["name what replaced it in taxonomy/methods.yaml, or take it out there"]


def test_a_term_must_not_lead_nowhere(taxonomy):
    t = taxonomy.model_copy(update={
        "methods": Terms([Method(id="m", name="M", family="nowhere")]),
        "pitfalls": Terms([Pitfall(id="a.b", name="AB", metrics=["nothing"])]),
    })  # fmt: skip
    found = {f.message for f in check_together([], t) if f.code == "R954"}
    assert {"m: families.yaml has no 'nowhere'", "a.b: metrics.yaml has no 'nothing'", "a.b: pitfalls.yaml has no 'a'"} <= found


def test_the_real_taxonomy_is_whole(taxonomy, collection):
    assert [f for f in check_together([], taxonomy) if f.code == "R954"] == []
    for section in ("families", "methods", "pitfalls", "benchmarks", "metrics", "venues"):
        for term in getattr(taxonomy, section).values():
            assert [key for key in term.papers if key not in collection] == [], term.id


def test_both_sides_of_a_relation_are_one_too_many_only_if_they_are_the_same(taxonomy):
    files = two(related=[related("meng2022locating", "same-benchmark")])
    files["papers/2022/meng2022locating.yaml"] = make_entry(related=[related("bau2022editing", "same-benchmark")])
    assert [(f.code, f.path) for f in findings(files, taxonomy) if f.code == "R952"] == [("R952", "papers/2022/meng2022locating.yaml")]
    assert OTHER in files
