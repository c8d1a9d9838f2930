"""Patterns written for JavaScript; tests/browser/test_rules_js.py shows that they find the same."""

from __future__ import annotations

import pytest

from survey.site.regex import js_pattern


def test_classes_are_spelled_out():
    assert js_pattern(r"[^\W\d_]{2,}\d") == r"[\p{L}\p{Nl}\p{No}]{2,}[\p{Nd}]"
    assert js_pattern(r"[\w.]+.\Z") == r"[\p{L}\p{N}_.]+[^\n]$"


def test_pythons_end_may_stand_before_a_line_break():
    assert js_pattern("a$") == r"a(?=\n?$)"
    assert js_pattern("a$", "rust") == "a$"


def test_python_and_rust_have_different_white_space():
    assert r"\x1c" in js_pattern(r"\s") and r"\x1c" not in js_pattern(r"\s", "rust")


def test_characters_stand_as_their_numbers():
    assert js_pattern("…[†-‡\x7f]") == r"\u{2026}[\u{2020}-\u{2021}\u{7f}]"


def test_escapes_that_javascript_refuses_lose_their_backslash():
    assert js_pattern(r"[^\s\"\-\\]", "rust").endswith(r'"\-\\]')
    assert js_pattern(r"\"\-\.") == r'"-\.'


@pytest.mark.parametrize("pattern", [r"(?P<name>a)", r"\A", r"(?i:a)", r"(?>a)", r"[\W]", r"\1"])
def test_what_has_no_translation_is_refused(pattern):
    with pytest.raises(ValueError, match=r"translation|JavaScript"):
        js_pattern(pattern)
