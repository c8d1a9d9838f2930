"""Addresses in a text, taken as they are meant, however long the text is."""

from __future__ import annotations

import time

import pytest

from survey.intake.mentions import links_in
from survey.intake.openreview import _booktitle


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Code: https://github.com/a/b.", {"code": "https://github.com/a/b"}),
        ("Code (https://github.com/a/b.git).", {"code": "https://github.com/a/b"}),
        ("Code at “https://github.com/a/b/”, soon.", {"code": "https://github.com/a/b"}),
        ("https://github.com/a/b.git/ and https://ann.github.io/x;", {"code": "https://github.com/a/b.git", "project": "https://ann.github.io/x"}),
        ("https://github.com/a/b and https://github.com/c/d", {}),
        ("https://github.com/a", {}),
    ],
)
def test_addresses_lose_what_was_written_after_them(text, found):
    assert links_in(text) == found


def test_what_stands_behind_any_abstract_is_not_looked_at():
    assert links_in("x " * 9_900 + "https://github.com/a/b") == {"code": "https://github.com/a/b"}
    assert links_in("x " * 10_000 + "https://github.com/a/b") == {}


@pytest.mark.parametrize(
    "read",
    [
        lambda: links_in("https://github.com/a/b" + ")" * 200_000 + "x"),
        lambda: links_in("https://github.com/a/b" + "/" * 200_000 + "x"),
        lambda: links_in("https://" * 30_000),
        lambda: _booktitle({"_bibtex": "booktitle={" * 30_000}),
        lambda: _booktitle({"_bibtex": "booktitle={" + "} " * 100_000}),
        lambda: _booktitle({"_bibtex": "booktitle = " + " " * 200_000}),
    ],
)
def test_no_text_takes_long(read):
    before = time.process_time()
    read()
    assert time.process_time() - before < 10
