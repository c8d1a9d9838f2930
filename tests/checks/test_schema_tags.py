"""What the model refuses, told so that a person can mend it; and the rules for tags."""

from __future__ import annotations

import pytest

from tests.checks.examples import findings, one, pitfall, read, text, two


def told(files, taxonomy) -> list[str]:
    return [f"{f.code} {f.line}:{f.column} {f.message}" for f in findings(files, taxonomy)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": None}, "S102 1:1 'title' is missing"),
        ({"authors": "Kevin Meng"}, "S103 2:10 authors: expected a list, found 'Kevin Meng'"),
        ({"year": "2022"}, "S103 3:7 year: expected a whole number, found '2022'"),
        ({"year": 1950}, "S105 3:7 year: 1950: input should be greater than or equal to 1990"),
        ({"ids": {"arxv": "2202.05262"}}, "S101 5:13 unknown field 'arxv'"),
        ({"kinds": ["methods"]}, "S104 6:9 kinds: 'methods' is not one of method, benchmark"),
        ({"pitfalls": [pitfall(stance="claims")]}, "S104 8:28 stance: 'claims' is not one of shows, measures, mitigates or denies"),
        ({"pitfalls": [{"id": "locality", "stance": "shows"}]}, "S102 8:5 'basis' is missing"),
        ({"related": [{"key": "Meng 2022", "as": "extends", "basis": "title"}]}, "S105 8:11 key: 'Meng 2022': string should match pattern"),
        ({"annotated": {"basis": "abstract", "on": "yesterday"}}, "on: expected a date"),
        ({"annotated": {"basis": "abstract", "on": "2026-02-30"}}, "on: expected a date"),
        ({"title": "x" * 501}, "S105 1:8 title: "),
    ],
)
def test_what_is_wrong_in_the_words_of_who_wrote_it(fields, message, taxonomy):
    found = told(one(**fields), taxonomy)
    assert any(message in line for line in found), found


def test_all_problems_of_an_entry_are_told_at_once(taxonomy):
    codes = [f.code for f in findings(one(venue=None, kinds=[], sources=[], ids={"arxiv": "x", "doi": "y"}, pages="a b"), taxonomy)]
    assert sorted(codes) == ["I201", "I201", "S102", "S102", "S102", "S105"]


def test_a_trap_of_yaml_is_told_once(taxonomy):
    assert told(text('"2202.05262"', "2202.05"), taxonomy) == ["Y103 5:14 YAML reads 2202.05 as a number"]


def test_a_number_where_text_belongs_gets_a_hint(taxonomy):
    (finding,) = findings(text("venue: neurips", "venue: 2022"), taxonomy)
    assert (finding.code, finding.hint) == ("S103", 'write "2022"')


@pytest.mark.parametrize(
    ("fields", "code", "hint"),
    [
        ({"year": "2022"}, "S103", "write 2022, without quotes"),
        ({"year": "soon"}, "S103", ""),
        ({"kinds": "method"}, "S103", "write [method]"),
        ({"authors": "Kevin Meng, David Bau"}, "S103", "write [Kevin Meng, David Bau]"),
        ({"authors": "Meng: “K”"}, "S103", "write a list: [one, two]"),
        ({"pitfalls": {"id": "locality"}}, "S103", "write a list: [one, two]"),
        ({"ids": {"zzzzzz": "x"}}, "S101", "the fields are arxiv, doi, anthology, openreview"),
        ({"related": [{"key": "bau2022editing", "as": "extends", "basis": "title", "qqqqqq": "x"}]}, "S101", "the fields are key, as, basis, note"),
        ({"links": {"code": "www.example.org"}}, "L801", "write https://www.example.org"),
        ({"links": {"code": "GitHub.com/a/b?c#d"}}, "L801", "write https://GitHub.com/a/b?c#d"),
        ({"links": {"code": "ftp://example.org"}}, "L801", ""),
        ({"links": {"code": "example.org/<b>"}}, "L801", ""),
        ({"links": {"code": "see the paper"}}, "L801", ""),
        ({"links": {"code": "https://me:secret@example.org/a"}}, "L804", "take out what stands before the @"),
    ],
)
def test_a_hint_says_what_to_write(fields, code, hint, taxonomy):
    found = [f for f in findings(one(**fields), taxonomy) if f.code == code]
    assert [f.hint for f in found] == [hint]


def test_a_name_that_is_no_field_of_an_entry_is_told_with_the_fields(taxonomy):
    (finding,) = findings(text("year:", "qqqqqqqq: x\nyear:"), taxonomy)
    assert finding.hint.startswith("the fields are title, authors, year, venue, ") and "former_keys" in finding.hint


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("papers/2022/meng2022locating.yml", "rename it to meng2022locating.yaml"),
        ("papers/meng2022locating.YAML", "rename it to meng2022locating.yaml"),
        ("papers/meng2022locating.yaml", "an entry lies in the folder of its year"),
        ("papers/README.md", "only entries lie below papers/"),
        ("papers/2022/Meng.yaml", "family name, year, first word of the title, such as meng2022locating"),
    ],
)
def test_a_file_of_a_wrong_name_is_told_with_the_right_one(path, hint, taxonomy):
    assert hint in [f.hint for f in findings({path: one()["papers/2022/meng2022locating.yaml"]}, taxonomy)]


def test_authors_are_told_once_each(taxonomy):
    found = told(text("Kevin Meng, David Bau", "{given: Kevin, famly: Meng}, 7"), taxonomy)
    assert [line.split()[0] for line in found] == ["S101", "S103"]


@pytest.mark.parametrize("content", ["- a\n- b\n", "just words\n", "2022\n"])
def test_a_file_that_is_no_mapping(content, taxonomy):
    (finding,) = findings({"papers/2022/meng2022locating.yaml": content}, taxonomy)
    assert finding.code == "S103" and "a mapping" in finding.message


def test_long_values_are_shown_shortened(taxonomy):
    (finding,) = findings(one(pages="a " * 100), taxonomy)
    assert len(finding.message) < 160


@pytest.mark.parametrize(
    ("tags", "hint"),
    [
        ({"studies": {"methods": ["MEMIT".lower() + "s"]}}, "did you mean memit?"),
        ({"studies": {"methods": ["knowledgeeditor"]}}, "did you mean ke?"),
        ({"proposes": {"families": ["meta-lerning"]}}, "did you mean meta-learning?"),
        ({"proposes": {"benchmarks": ["zzzzzzzz"]}}, "see taxonomy/benchmarks.yaml"),
        ({"pitfalls": [pitfall("locality.neighborhood")]}, "did you mean locality.neighbourhood?"),
        ({"studies": {"methods": ["MEMIT"]}}, "did you mean memit?"),
        ({"studies": {"benchmarks": ["CounterFact+"]}}, "did you mean counterfact-plus?"),
        ({"proposes": {"families": ["Meta Learning"]}}, "did you mean meta-learning?"),
        ({"pitfalls": [pitfall("Locality")]}, "did you mean locality?"),
        ({"pitfalls": [pitfall("Zzzz Qqqq")]}, "see taxonomy/pitfalls.yaml"),
    ],
)
def test_unknown_tags_get_a_suggestion(tags, hint, taxonomy):
    (finding,) = findings(one(**tags), taxonomy)
    assert (finding.code, finding.hint) == ("T301", hint)


@pytest.mark.parametrize(
    ("venue", "id"),
    [
        ("NIPS", "neurips"), ("NeurIPS", "neurips"), ("NeurIPS 2022", "neurips"), ("nips", "neurips"), ("arXiv", "arxiv"),
        ("Advances in Neural Information Processing Systems 2022", "neurips"), ("Findings of EMNLP", "findings-emnlp"),
        ("2023 ICLR", "iclr"), ("findings of acl", "findings-acl"),
    ],
)  # fmt: skip
def test_a_venue_by_one_of_its_names_is_told_with_its_id(venue, id, taxonomy):
    (finding,) = findings(one(venue=venue), taxonomy)
    assert (finding.code, finding.message, finding.hint) == ("V701", f"unknown venue '{venue}'", f"did you mean {id}?")


def test_a_venue_that_nobody_knows_is_told_with_an_example(taxonomy):
    (finding,) = findings(one(venue="Zzq 2022"), taxonomy)
    assert (finding.code, finding.hint) == ("V701", "write an id of taxonomy/venues.yaml, such as neurips")


def test_a_tag_of_one_paper_is_a_warning_unless_the_survey_has_it(taxonomy):
    own = next(m.id for m in taxonomy.methods.values() if not m.survey)
    surveys = next(m.id for m in taxonomy.methods.values() if m.survey)
    assert [f.code for f in findings(one(studies={"methods": [own, surveys]}), taxonomy)] == ["T302"]
    both = two(studies={"methods": [own]}) | one(studies={"methods": [own]})
    assert findings(both, taxonomy) == []
    twice = one(proposes={"methods": [own]}, studies={"methods": [own]})
    assert sorted(f.code for f in findings(twice, taxonomy)) == ["T302", "T303"], "twice in one paper is one paper"


def test_a_pitfall_with_two_stances_is_two_statements(taxonomy):
    assert findings(one(pitfalls=[pitfall(), pitfall(stance="mitigates")]), taxonomy) == []
    found = findings(one(pitfalls=[pitfall(), pitfall()]), taxonomy)
    assert [(f.code, f.where) for f in found] == [("T303", ("pitfalls", 1))]


@pytest.mark.parametrize(("entry", "tag", "good"), [("title", "title", True), ("title", "readme", False), ("readme", "abstract", True), ("abstract", "full-text", False)])
def test_a_tag_rests_on_what_was_read(entry, tag, good, taxonomy):
    found = findings(one(annotated=read(entry), pitfalls=[pitfall(basis=tag)]), taxonomy)
    assert [f.code for f in found] == ([] if good else ["A352"])
