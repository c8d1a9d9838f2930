"""The browser's query language is Python's: same papers, same order, same errors, same places."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.collection import Collection, QueryError
from survey.collection.query import FIELDS, SYNONYMS, Query, normal_id
from survey.collection.text import fold, nearest
from survey.files import CollectionError, load_collection
from survey.site.data import details, index
from tests.bench import synthetic
from tests.browser.conftest import ASSETS
from tests.made_up import made_up, query_cases
from tests.queries import queries, text

pytestmark = pytest.mark.browser
CASES = query_cases()
THOROUGH = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def real():
    try:
        return load_collection()
    except CollectionError:
        return None


COLLECTIONS = {
    "empty": Collection([], made_up().taxonomy),
    "made up": made_up(),
    "synthetic": synthetic.collection(120),
    "real": real(),
}


@pytest.fixture(scope="module")
def page(browser, serve):
    """A page that has read the modules and the data of all collections."""
    page = browser.new_page()
    page.goto(serve(ASSETS) + "query.mjs")
    page.evaluate(
        """async () => {
            window.query = await import("./query.mjs");
            window.Index = (await import("./index.mjs")).Index;
            window.indexes = {};
            window.ask = (name, text) => {
                const index = indexes[name];
                try {
                    const terms = query.parse(text, index.vocabulary);
                    const keys = query.search(index, terms).map((row) => index.key(row));
                    return { keys, spelled: terms.map(query.spell).join(" ") };
                } catch (error) {
                    if (!(error instanceof query.QueryError)) throw error;
                    return { error: error.message, position: error.position };
                }
            };
        }"""
    )
    for name, collection in COLLECTIONS.items():
        if collection is not None:
            data = json.loads(json.dumps([name, index(collection), details(collection)]))
            page.evaluate(
                """([name, data, details]) => {
                    indexes[name] = new Index(data);
                    for (const _ of indexes[name].addDetails(details));
                }""",
                data,
            )
    yield page
    page.close()


def python_answer(collection, query: str) -> dict:
    try:
        parsed = Query.parse(query, collection.taxonomy)
        return {"keys": [p.key for p in collection.search(parsed)], "spelled": str(parsed)}
    except QueryError as error:
        return {"error": error.message, "position": error.position}


def ask(page, name: str, query: str) -> dict:
    return page.evaluate("([name, text]) => ask(name, text)", [name, query])


def test_cases(page):
    for case in CASES:
        answer = ask(page, "made up", case["query"])
        answer.pop("spelled", None)
        assert answer == {k: v for k, v in case.items() if k != "query"}, case["query"]


@pytest.mark.parametrize("name", COLLECTIONS)
def test_queries_find_the_same_papers_in_the_same_order(page, name):
    collection = COLLECTIONS[name]
    if collection is None:
        pytest.skip("no papers/ here")

    @THOROUGH
    @given(queries(collection))
    def same(query):
        assert ask(page, name, query) == python_answer(collection, query)

    same()


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_value_of_every_field_finds_the_same_papers(page, name):
    collection = COLLECTIONS[name]
    if collection is None:
        pytest.skip("no papers/ here")
    taxonomy = collection.taxonomy
    asked = [
        f'{field}:"{spelling}"'
        for field, section in (
            ("method", taxonomy.methods), ("family", taxonomy.families),
            ("pitfall", taxonomy.pitfalls), ("benchmark", taxonomy.benchmarks),
            ("metric", taxonomy.metrics), ("venue", taxonomy.venues),
        )
        for spelling in section.spellings
    ]  # fmt: skip
    asked += [
        f"key:{key}" for paper in collection.values() for key in (paper.key, *paper.former_keys)
    ]
    asked += [f'id:"{value}"' for paper in collection.values() for _, value in paper.ids.items()]
    asked += [f'author:"{name.printed}"' for paper in collection.values() for name in paper.names]
    answers = page.evaluate(
        "([name, texts]) => texts.map((text) => ask(name, text))", [name, asked]
    )
    for query, answer in zip(asked, answers, strict=True):
        assert answer == python_answer(collection, query), query


def test_sizes_and_keys_are_those_of_the_collection(page):
    for name, collection in COLLECTIONS.items():
        if collection is not None:
            assert ask(page, name, "")["keys"] == list(collection)


def test_grammar_is_the_same(page):
    assert page.evaluate("[query.FIELDS, query.SYNONYMS]") == [list(FIELDS), SYNONYMS]


def test_folding_is_the_same(page):
    @THOROUGH
    @given(st.lists(text(30), min_size=20, max_size=40))
    def same(texts):
        assert page.evaluate("(texts) => texts.map(query.fold)", texts) == [fold(t) for t in texts]

    same()


def test_guesses_are_the_same(page):
    known = sorted({s for s in made_up().taxonomy.methods.spellings} | set(FIELDS))
    words = st.text("abcdefmehtodrkislyn -", max_size=12)

    @THOROUGH
    @given(st.lists(words, min_size=20, max_size=40), st.lists(words.filter(bool), max_size=10))
    def same(texts, more):
        pool = sorted({*known, *more})
        asked = "([texts, known]) => texts.map((text) => query.nearest(text, known))"
        assert page.evaluate(asked, [texts, pool]) == [nearest(t, pool) for t in texts]

    same()


def test_ids_are_stripped_the_same_way(page):
    pieces = st.sampled_from(
        ["https://", "http://", "www.", "dx.", "doi.org/", "arxiv.org/abs/", "arxiv.org/pdf/", "arXiv:",
         "doi:", "openreview.net/forum?id=", "aclanthology.org/", "2202.05262", "cs/9301001", "v3",
         "math.GT/0309136", ".pdf", "/", " ", "10.1000/ABC", "-h6WAS6eE4"]
    )  # fmt: skip

    @THOROUGH
    @given(st.lists(st.lists(pieces, max_size=6).map("".join), min_size=10, max_size=30))
    def same(texts):
        asked = page.evaluate("(texts) => texts.map(query.normalId)", texts)
        assert asked == [normal_id(t) for t in texts]

    same()
