"""Suggestions of tags come at once, whatever a title or an abstract says."""

from __future__ import annotations

import time

import pytest

from survey.intake.suggest import LIMIT, suggest


@pytest.mark.parametrize("text", ["via ", "framework for ", "A", "we propose a", "we propose " + "ab" * 5_000 + "_ ", "we ", ". A", "Aa-", "knowledge graph "])
def test_no_text_takes_long(text, taxonomy):
    text = text * (400_000 // len(text))
    before = time.process_time()
    suggest(text, text, taxonomy)
    assert time.process_time() - before < 20


def test_what_stands_behind_any_abstract_is_not_looked_at(taxonomy):
    words = "We propose a method."
    told = suggest("Facts", words.rjust(LIMIT), taxonomy)
    assert [s.value for s in told if s.field == "kinds"] == ["method"]
    assert [s.value for s in suggest("Facts", " " + words.rjust(LIMIT + 20), taxonomy) if s.field == "kinds"] == ["analysis"]
