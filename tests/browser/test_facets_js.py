"""Facets and chips: their counts are right, and their edits change only what they should."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from survey.collection import Query, QueryError
from survey.site.data import details, index
from tests.bench import synthetic
from tests.browser.conftest import ASSETS
from tests.made_up import made_up
from tests.queries import queries

pytestmark = pytest.mark.browser
THOROUGH = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)
COLLECTIONS = {"made up": made_up(), "synthetic": synthetic.collection(120)}
FACETS = (
    "family", "method", "pitfall", "stance", "kind", "venue", "year", "benchmark", "has", "status",
)  # fmt: skip


@pytest.fixture(scope="module")
def page(browser, serve):
    page = browser.new_page()
    page.goto(serve(ASSETS) + "query.mjs")
    page.evaluate(
        """async () => {
            window.query = await import("./query.mjs");
            window.edit = await import("./edit.mjs");
            window.Index = (await import("./index.mjs")).Index;
            window.indexes = {};
            window.parsed = (name, text) => query.parse(text, indexes[name].vocabulary);
        }"""
    )
    for name, collection in COLLECTIONS.items():
        page.evaluate(
            """([name, data, details]) => {
                indexes[name] = new Index(data);
                for (const _ of indexes[name].addDetails(details));
            }""",
            json.loads(json.dumps([name, index(collection), details(collection)])),
        )
    yield page
    page.close()


def readable(collection, text: str) -> Query:
    try:
        return Query.parse(text, collection.taxonomy)
    except QueryError:
        assume(False)


def values_of(collection, paper, field: str) -> set:
    return {paper.year} if field == "year" else set(getattr(collection.facets[paper.key], field))


@pytest.mark.parametrize("name", COLLECTIONS)
def test_counts_are_those_with_the_own_facet_free(page, name):
    collection = COLLECTIONS[name]

    @THOROUGH
    @given(queries(collection))
    def counted(text):
        query = readable(collection, text)
        shown = page.evaluate(
            """([name, text]) => {
                const index = indexes[name];
                const named = ([field, counts]) =>
                    [field, [...counts].map((count, i) => [index.values[field][i], count])];
                return Object.entries(index.counts(parsed(name, text))).map(named);
            }""",
            [name, text],
        )
        assert [field for field, _ in shown] == list(FACETS)
        for field, counts in shown:
            others = Query(tuple(term for term in query.terms if term.field != field))
            expected = Counter(
                value
                for p in collection.search(others)
                for value in values_of(collection, p, field)
            )
            assert {value: count for value, count in counts if count} == {
                value: count for value, count in expected.items() if value != "paper"
            }

    counted()


@pytest.mark.parametrize("how", ["include", "exclude", "free"])
def test_choosing_a_value_changes_that_value_and_no_other_field(page, how):
    collection = COLLECTIONS["made up"]

    @THOROUGH
    @given(queries(collection), st.sampled_from(FACETS), st.integers(0, 100))
    def chosen(text, field, number):
        before = readable(collection, text)
        after, included, excluded, value = page.evaluate(
            """([text, field, number, how]) => {
                const known = indexes["made up"].values[field];
                const value = known[number % known.length];
                const after = edit.choose(text, parsed("made up", text), { field, value, how, known });
                const now = edit.choices(parsed("made up", after), field, known);
                return [after, [...now.included], [...now.excluded], value];
            }""",
            [text, field, number, how],
        )
        assert (value in included) == (how == "include")
        assert (value in excluded) == (how == "exclude")
        new = Query.parse(after, collection.taxonomy)

        def rest(query):
            return [term for term in query.terms if term.field != field]

        assert rest(new) == rest(before)

    chosen()


def test_dropping_a_term_leaves_the_others(page):
    collection = COLLECTIONS["made up"]

    @THOROUGH
    @given(queries(collection), st.integers(0, 10))
    def dropped(text, number):
        terms = readable(collection, text).terms
        assume(terms)
        place = number % len(terms)
        after = page.evaluate(
            '([text, place]) => edit.without(text, parsed("made up", text)[place])', [text, place]
        )
        assert Query.parse(after, collection.taxonomy).terms == terms[:place] + terms[place + 1 :]

    dropped()


@pytest.mark.parametrize(
    ("before", "choice", "after"),
    [
        ("", ("method", "rome", "include"), "method:rome"),
        ("ripple  method:rome", ("method", "memit", "include"), "ripple method:rome,memit"),
        ('"ripple effects"', ("venue", "arxiv", "exclude"), '"ripple effects" -venue:arxiv'),
        ("-venue:arxiv", ("venue", "iclr", "exclude"), "-venue:arxiv,iclr"),
        ("method:rome,memit x", ("method", "rome", "free"), "method:memit x"),
        ("method:rome x", ("method", "rome", "free"), "x"),
        ("method:rome x", ("method", "rome", "exclude"), "x -method:rome"),
        ("year:2022..2024", ("year", 2023, "free"), "year:2024,2022"),
        ("pitfall:locality", ("pitfall", "locality.ripple", "include"), "pitfall:locality.ripple"),
        ("pitfall:ripple,locality.ripple", ("pitfall", "locality", "include"), "pitfall:generalization.multi-hop,locality"),
    ],
)  # fmt: skip
def test_edits_read_as_a_person_would_write_them(page, before, choice, after):
    field, value, how = choice
    done = page.evaluate(
        """([text, field, value, how]) => {
            const known = indexes["made up"].values[field];
            return edit.choose(text, parsed("made up", text), { field, value, how, known });
        }""",
        [before, field, value, how],
    )
    assert done == after
