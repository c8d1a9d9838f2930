"""The query language, on the Python side; tests/browser/test_query_js.py holds the browser to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.collection import Query, QueryError
from survey.collection.text import fold, nearest
from tests.made_up import made_up, query_cases
from tests.queries import queries

CASES = query_cases()


@pytest.mark.parametrize("case", CASES, ids=[case["query"] or "(empty)" for case in CASES])
def test_cases(case):
    collection = made_up()
    if "error" in case:
        with pytest.raises(QueryError) as caught:
            collection.search(case["query"])
        assert caught.value.message == case["error"]
        assert caught.value.position == case["position"]
    else:
        assert [paper.key for paper in collection.search(case["query"])] == case["keys"]


def test_cases_do_not_repeat():
    texts = [case["query"] for case in CASES]
    assert len(texts) == len(set(texts))


def test_an_error_is_shown_with_a_caret_under_its_place():
    with pytest.raises(QueryError) as caught:
        Query.parse("kevin method:romee", made_up().taxonomy)
    message, query, caret = str(caught.value).split("\n")
    assert "did you mean rome?" in message
    assert query[caret.index("^") :].startswith("romee")


@given(queries(made_up()))
def test_a_query_finds_papers_or_fails_with_a_place_inside_it(text):
    try:
        Query.parse(text, made_up().taxonomy)
    except QueryError as error:
        assert error.message
        assert 0 <= error.position <= len(text)


@given(queries(made_up()))
def test_the_canonical_spelling_means_the_same(text):
    collection = made_up()
    try:
        query = Query.parse(text, collection.taxonomy)
    except QueryError:
        return
    again = Query.parse(str(query), collection.taxonomy)
    assert again == query
    assert str(again) == str(query)


@given(queries(made_up()), queries(made_up()))
def test_more_terms_find_fewer_papers(one, other):
    collection = made_up()
    try:
        parts = [collection.search(text) for text in (one, other)]
        both = collection.search(f"{one} {other}")
    except QueryError:
        return
    expected = [paper for paper in parts[0] if paper in parts[1]]
    if '"' not in one + other:
        assert both == expected


@given(queries(made_up(), terms=1))
def test_a_term_and_its_negation_divide_the_collection(text):
    collection = made_up()
    try:
        query = Query.parse(text, collection.taxonomy)
    except QueryError:
        return
    if len(query.terms) != 1:
        return
    (term,) = query.terms
    opposite = Query((replace(term, negated=not term.negated),))
    found, rest = collection.search(query), collection.search(opposite)
    assert sorted(p.key for p in [*found, *rest]) == sorted(collection)


@given(st.text())
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


def test_nearest_prefers_the_likelier_word():
    assert nearest("memti", ["memit", "mend", "rome"]) == "memit"
    assert nearest("zzzz", ["memit", "mend", "rome"]) is None
