"""A record becomes an entry in the house's fields; nothing is made up."""

from __future__ import annotations

import pytest

from survey.collection import Name
from survey.intake import IntakeError
from survey.intake.add import few, with_words
from survey.intake.entry import acronym_of, draft, free_key
from survey.intake.record import Place, Record
from survey.intake.suggest import Suggestion, rules, suggest

AUTHORS = (Name("Ann", "", "Bau"), Name("Nicola", "", "De Cao"), Name(literal="The Editors"))


def record(**fields) -> Record:
    return Record(**{"source": "arXiv", "title": "Editing at Night", "authors": AUTHORS, "year": 2026, "ids": {"arxiv": "2601.00001"}, "sources": ("arXiv",), **fields})


def test_names_are_written_plainly_where_spaces_split_them(taxonomy):
    assert draft(record(), taxonomy).record["authors"] == ["Ann Bau", {"given": "Nicola", "family": "De Cao"}, {"literal": "The Editors"}]


def test_a_preprint_has_the_year_of_its_id(taxonomy):
    drafted = draft(record(year=2027), taxonomy)
    assert drafted.record["venue"] == "arxiv" and drafted.record["year"] == 2026 and "venue (entered as a preprint)" in drafted.unknown


def test_what_was_published_has_pages_and_a_preprint_has_none(taxonomy):
    found = record(place=Place("EMNLP", "emnlp"), year=2025, pages="1-9", volume="7")
    assert draft(found, taxonomy).record["pages"] == "1-9" and draft(found, taxonomy).record["volume"] == "7"
    assert not {"pages", "volume"} & draft(record(pages="1-9", volume="7"), taxonomy).record.keys()


def test_arxivs_own_doi_and_broken_dois_are_left_out(taxonomy):
    for doi in ("10.48550/arxiv.2601.00001", "nonsense"):
        assert draft(record(ids={"arxiv": "2601.00001", "doi": doi}), taxonomy).record["ids"] == {"arxiv": "2601.00001"}


def test_the_acls_doi_tells_the_anthology_id(taxonomy):
    found = record(ids={"doi": "10.18653/v1/2025.emnlp-main.7"}, place=Place("EMNLP", "emnlp"), year=2025)
    assert draft(found, taxonomy).record["ids"] == {"doi": "10.18653/v1/2025.emnlp-main.7", "anthology": "2025.emnlp-main.7"}


def test_a_place_that_is_not_listed_is_told(taxonomy):
    found = record(source="Crossref", ids={"doi": "10.1103/x"}, place=Place("Physical Review B"))
    with pytest.raises(IntakeError, match=r"came out in 'Physical Review B', which taxonomy/venues.yaml does not list: name one of its ids"):
        draft(found, taxonomy)
    assert draft(found, taxonomy, "tmlr").record["venue"] == "tmlr"
    with_preprint = draft(record(place=Place("Physical Review B")), taxonomy)
    assert with_preprint.record["venue"] == "arxiv" and "the place 'Physical Review B' is not in taxonomy/venues.yaml" in with_preprint.unknown


def test_no_year_and_no_venue_are_told(taxonomy):
    with pytest.raises(IntakeError, match="names no venue and no preprint"):
        draft(record(ids={}), taxonomy)
    with pytest.raises(IntakeError, match="does not tell the year"):
        draft(record(ids={"openreview": "abcDEF1234"}, year=None), taxonomy)


@pytest.mark.parametrize(
    ("title", "abstract", "acronym"),
    [
        ("FooEdit: Editing at Night", "", "FooEdit"), ("Editing: A View", "", None), ("Can We Edit Facts?", "", None), ("MEMIT-2: More", "", "MEMIT-2"),
        ("Editing", "We propose Night Editing (NED), which edits.", "NED"), ("Editing", "We introduce NightEdit, a method.", "NightEdit"),
        ("Editing", "We study large language models (LLMs).", None), ("Editing", "We propose to edit large language models (LLMs).", None), ("Towards Better: X", "", None),
    ],
)  # fmt: skip
def test_acronyms_are_those_that_the_paper_introduces(title, abstract, acronym):
    assert acronym_of(title, abstract) == acronym


def test_a_taken_key_runs_on_into_the_title():
    entry = {"title": "Editing the Mind at Night", "authors": ["Ann Bau"], "year": 2026}
    assert free_key(entry, ()) == "bau2026editing"
    assert free_key(entry, {"bau2026editing"}) == "bau2026editingthe" and free_key(entry, {"bau2026editing", "bau2026editingthe"}) == "bau2026editingthemind"
    with pytest.raises(IntakeError, match="every key that the title allows is taken"):
        free_key(entry, {"bau2026editing", "bau2026editingthe", "bau2026editingthemind", "bau2026editingthemindat", "bau2026editingthemindatnight"})


def test_a_key_skips_articles_and_accents():
    assert free_key({"title": "A View of Edits", "authors": [{"given": "Jörg", "family": "Müller"}], "year": 2026}, ()) == "muller2026view"


def test_names_and_titles_in_other_scripts_make_no_key():
    with pytest.raises(IntakeError, match="no key can be made of '王 伟'"):
        free_key({"title": "编辑", "authors": ["王 伟"], "year": 2026}, ())


def test_a_word_without_end_makes_no_key():
    with pytest.raises(IntakeError, match="no key can be made of 'Ann Bau' and 'AAAA"):
        free_key({"title": "A" * 300, "authors": ["Ann Bau"], "year": 2026}, ())


# Suggested tags

ABSTRACT = (
    "Knowledge editing changes facts in language models. We propose FooEdit, a method that projects a rank-one update onto the null space of preserved keys. "
    "FooEdit preserves unrelated knowledge and maintains general abilities after thousands of sequential edits. Experiments on CounterFact show that it outperforms ROME and MEMIT."
)


def tags(title: str, abstract: str, taxonomy) -> set[tuple[str, str, str]]:
    return {(s.field, s.value, s.stance) for s in suggest(title, abstract, taxonomy)}


def test_tags_are_suggested_with_their_words(taxonomy):
    found = suggest("FooEdit: Editing at Night", ABSTRACT, taxonomy, "FooEdit")
    told = {(s.field, s.value, s.stance): s.words for s in found}
    assert told["kinds", "method", ""] == "FooEdit:" and told["proposes.families", "locate-and-edit", ""] == "rank-one"
    assert told["studies.methods", "rome", ""] == "ROME" and told["studies.benchmarks", "counterfact", ""] == "CounterFact"
    assert told["pitfalls", "locality", "mitigates"] == "unrelated knowledge" and told["pitfalls", "general-abilities.forgetting", "mitigates"] == "sequential"
    assert all(s.words.lower() in f"FooEdit: Editing at Night {ABSTRACT}".lower() for s in found)
    # The finer tag implies its parent.
    assert ("pitfalls", "general-abilities", "mitigates") not in told


def test_an_observation_shows_and_a_benchmark_measures(taxonomy):
    shows = tags("Does Editing Hurt?", "We find that sequential edits lead to a collapse of the model.", taxonomy)
    assert {("kinds", "analysis", ""), ("pitfalls", "general-abilities.collapse", "shows")} <= shows
    measures = tags("RippleBench", "We introduce a benchmark for ripple effects of editing.", taxonomy)
    assert {("kinds", "benchmark", ""), ("pitfalls", "locality.ripple", "measures")} <= measures


def test_a_survey_is_a_survey_alone(taxonomy):
    assert {v for f, v, _ in tags("Knowledge Editing: A Survey", ABSTRACT, taxonomy) if f == "kinds"} == {"survey"}


def test_there_is_a_kind_even_when_no_word_decides(taxonomy):
    assert suggest("Night", "", taxonomy) == [Suggestion("kinds", "analysis", "")]


def test_a_title_alone_is_enough_for_a_few_tags(taxonomy):
    assert ("pitfalls", "general-abilities.collapse", "shows") in tags("Understanding the Collapse of Language Models", "", taxonomy)


def test_the_same_text_has_the_same_tags(taxonomy):
    assert suggest("FooEdit: A", ABSTRACT, taxonomy) == suggest("FooEdit: A", ABSTRACT, taxonomy)


def test_every_suggested_tag_is_one_of_the_taxonomy(taxonomy):
    from survey.collection.query import KINDS, STANCES

    assert {r["kind"] for r in rules()["kinds"]} == set(KINDS) and {r["stance"] for r in rules()["stances"]} <= set(STANCES)
    assert {r["family"] for r in rules()["families"]} == set(taxonomy.families) and {r["id"] for r in rules()["pitfalls"]} <= set(taxonomy.pitfalls)
    assert all(kind in KINDS for r in rules()["stances"] for kind in r["kinds"])


def test_words_stand_behind_the_tags_they_led_to():
    entry = {"kinds": ["method"], "studies": {"methods": ["rome"]}, "pitfalls": [{"id": "locality", "stance": "shows", "basis": "abstract"}]}
    found = [Suggestion("kinds", "method", "we propose"), Suggestion("studies.methods", "rome", "ROME"), Suggestion("pitfalls", "locality", "side effects", "shows")]
    assert with_words(entry, found).splitlines() == [
        'kinds: [method]  # "we propose"', 'studies: {methods: [rome]}  # "ROME"', "pitfalls:",
        '  - {id: locality, stance: shows, basis: abstract}  # "side effects"',
    ]  # fmt: skip
    assert with_words({"kinds": ["analysis"]}, [Suggestion("kinds", "analysis", "")]) == "kinds: [analysis]  # no word decides this\n"


def test_no_run_of_an_abstract_is_stored():
    assert few("one two three") == "one two three" and few("a b c d e f g h i") == "a b c … g h i"
