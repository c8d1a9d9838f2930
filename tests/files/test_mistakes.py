from __future__ import annotations

import pytest

from survey.files.reader import read_yaml

HEAD = "<<<<<<< HEAD\nyear: 2022\n=======\nyear: 2023\n>>>>>>> other\n"


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        # Tabs
        ("ids:\n\tarxiv: x\n", (2, 1), "a tab in the indentation", "use spaces, not tabs"),
        ("authors:\n  \t- a\n", (2, 3), "a tab in the indentation", "use spaces, not tabs"),
        ("title: x\r\n\tyear: 1\r\n", (2, 1), "a tab in the indentation", "use spaces, not tabs"),
        # Colons
        ("title: Editing: A Survey\n", (1, 15), "mapping values are not allowed", "put the value in quotes"),
        ("authors: [A: b: c]\n", (1, 15), "did not find expected ',' or ']'", "put the value in quotes"),
        ("title:x\n\nyear: 2022\n", (3, 5), "mapping values are not allowed", "write a space after the colon in line 1"),
        # Quotes: the place is where one opens
        ('year: 2022\ntitle: "Editing\nauthors: [a]\n\n', (2, 8), "the quote that opens here is not closed", 'close it with "'),
        ("title: 'Editing\nauthors: [a]\n", (1, 8), "the quote that opens here is not closed", "close it with '"),
        ('authors: ["Ann, Bob]\nyear: 1\n', (1, 11), "the quote that opens here is not closed", 'close it with "'),
        ('title: "a\n---\nb: c\n', (1, 8), "the quote that opens here is not closed", 'close it with "'),
        ('title: "a\nvenue: "b"\nyear: 1\n', (1, 8), "the quote that opens here is closed in line 2 only", 'close it with "'),
        ('title: "Say "hi" now"\n', (1, 14), "the quote is closed before the value ends", 'write \\" for a quote inside'),
        ("title: 'It's'\n", (1, 12), "the quote is closed before the value ends", "write '' for a quote inside"),
        # Merges
        ("title: a\n" + HEAD, (2, 1), "conflict markers of git are left", "take out the lines"),
        (HEAD, (1, 1), "conflict markers of git are left", "take out the lines"),
        ("title: a\nyear: 2023\n>>>>>>> other\n", (3, 1), "conflict markers of git are left", "take out the lines"),
        # Other signs at the beginning, and what was left open
        ("title: @x\n", (1, 8), "cannot start any token", "put the value in quotes"),
        ("title: *x\n", (1, 8), "undefined alias", "put the value in quotes"),
        ("title: [Re] Editing\n", (1, 13), "expected key", "put the value in quotes"),
        ("title: {GPT} rules\n", (1, 14), "expected key", "put the value in quotes"),
        ("title: a\nkinds: [method\nyear: 2022\n", (3, 5), "',' or ']'", "the [ of line 2 is not closed"),
        ("ids:\n   arxiv: x\n  doi: y\n", (3, 3), "expected key", "indent it as the lines around it"),
        ("summary: one\ntwo three\nyear: 2\n", (3, 1), "could not find expected ':'", "line 2 has no `field:`"),
    ],
)
def test_the_usual_mistakes_are_told_with_what_to_do(text, place, message, hint):
    record, [problem] = read_yaml(text)
    assert record is None and problem.code == "Y101"
    assert (problem.line, problem.column) == place
    assert message in problem.message and hint in problem.hint


@pytest.mark.parametrize("text", ["note: |\n  <<<<<<< HEAD\n  \tx\n", 'title: "a: b\n  c"\n', "title: a:b\n", "note: |\n  =======\n"])
def test_what_only_looks_like_a_mistake_is_read(text):
    assert read_yaml(text)[1] == []


@pytest.mark.parametrize("text", ['a: "\u2028b', "\ufeffa: [\u2028", "a: \u0085\tb: c: d", 'a\r"b\r', "[", '"', "- \t- \t[", "\t", "a: *", "? ["])
def test_odd_line_ends_are_no_trouble(text):
    _, problems = read_yaml(text)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)
