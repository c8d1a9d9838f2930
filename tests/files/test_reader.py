from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from survey.files.reader import MAX_BYTES, locate, read_yaml
from survey.files.writer import replace_scalar


def problems(text: str) -> list[str]:
    return [f"{p.line}:{p.column}: {p.code}" for p in read_yaml(text)[1]]


def test_a_plain_entry_is_read_as_it_stands():
    text = 'title: A: not yet\n'.replace(": not", " - not") + 'year: 2022\nids: {arxiv: "2202.05262"}\nok: true\nauthors: [Ann B, Bob C]\n'
    assert read_yaml(text) == (
        {"title": "A - not yet", "year": 2022, "ids": {"arxiv": "2202.05262"}, "ok": True, "authors": ["Ann B", "Bob C"]},
        [],
    )


TRAPS = """2305.10 1e5 1.5 .5 5. -1.0 +5 1_000 010 007 08 0x1F 0o17 0b101 .inf -.INF .NaN
no No NO yes Yes on On off OFF y n True FALSE 12:30 1:2 12:30:45 190:20:30.15
2024-01-01T10:00:00Z = <<""".split()


@pytest.mark.parametrize("trap", TRAPS)
def test_a_word_that_yaml_takes_for_something_else_needs_quotes(trap):
    value, found = read_yaml(f"a: {trap}")
    assert value == {"a": trap}, "the value is kept as it was written"
    assert [(p.code, p.line, p.column, p.hint) for p in found] == [("Y103", 1, 4, f'write "{trap}"')]
    assert read_yaml(f'a: "{trap}"') == ({"a": trap}, [])
    assert read_yaml(f"[x, {trap}]")[1][0].column == 5


@pytest.mark.parametrize("trap", [*TRAPS, "~", "null", "Null", "2024-01-01"])
def test_every_trap_is_one_for_some_reader(trap):
    """PyYAML reads YAML 1.1; what YAML 1.2 reads otherwise is listed."""
    only_in_yaml_1_2 = {"1e5", "0o17", "08", "y", "n"}
    try:
        read = yaml.safe_load(trap)
    except yaml.YAMLError:
        read = None
    assert (read == trap) == (trap in only_in_yaml_1_2)


@pytest.mark.parametrize("word", ["0abc", "1.2.3", "1a", "no one", "2202.05262v2", "GPT-3", "none", "on-line", "2024-13"])
def test_what_only_looks_suspicious_is_text(word):
    assert read_yaml(f"a: {word}") == ({"a": word}, [])


@pytest.mark.parametrize("date", ["2026-11-22", "2022-12"])
def test_a_date_is_kept_as_text(date):
    assert read_yaml(f"a: {date}") == ({"a": date}, [])


@pytest.mark.parametrize(
    ("text", "place"),
    [("a:", "1:3"), ("a: ~", "1:4"), ("b: x\na: null", "2:4"), ("a: [x, ]\nb: {c: }", "2:8"), ("a: [~]", "1:5")],
)
def test_an_empty_value_is_no_value(text, place):
    (problem,) = read_yaml(text)[1]
    assert str(problem).startswith(f"{place}: Y103")


def test_an_integer_of_any_length_is_no_crash():
    assert read_yaml("a: 123456789012345678") == ({"a": 123456789012345678}, [])
    (problem,) = read_yaml("a: " + "9" * 5000)[1]
    assert problem.code == "Y103" and len(problem.message) < 100


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: b\nc: d\na: e\n", "3:1"),
        ("x:\n  a: b\n  a: c\n", "3:3"),
        ("x: {a: b, c: d, a: e}\n", "1:17"),
        ('a: b\n"a": c\n', "2:1"),
        ("- {k: 1, k: 1}\n", "1:10"),
    ],
)
def test_duplicate_keys(text, place):
    (problem,) = read_yaml(text)[1]
    assert str(problem).startswith(f"{place}: Y102") and "twice" in problem.message


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: &x b\nc: *x\n", "1:4: Y104"),
        ("&a [*a]\n", "1:1: Y104"),
        ("a: *b\n", "1:4: Y101"),
        ("a: !!str b\n", "1:4: Y101"),
        ("a: !python/object b\n", "1:4: Y101"),
        ("!!str a: b\n", "1:1: Y101"),
        ("? [a]\n: b\n", "1:3: Y101"),
        ("a: b\n---\nc: d\n", "2:1: Y101"),
        ("a: [b, c\n", "2:1: Y101"),
        ("a: 'b\n", "1:4: Y101"),
        ("a: b: c\n", "1:5: Y101"),
        ("\ta: b\n", "1:1: Y101"),
        ("", "1:1: Y101"),
        ("# nothing here\n", "1:1: Y101"),
        ("ab: c\nx: d\x07e\n", "2:5: Y105"),
        ("é😀: d\x00\n", "1:6: Y105"),
        ("a: \ud800\n", "1:1: Y101"),
    ],
)
def test_what_is_refused(text, where):
    (problem,) = read_yaml(text)[1]
    assert str(problem).startswith(where)


def test_ampersands_and_stars_in_text_are_no_anchors():
    assert read_yaml("a: x & y *z*") == ({"a": "x & y *z*"}, [])


def test_depth_is_limited():
    assert read_yaml("[" * 8 + "]" * 8)[1] == []
    assert problems("[" * 10 + "]" * 10) == ["1:10: Y104"]


@pytest.mark.parametrize("text", ["[" * 60000, "[" * 30000 + "]" * 30000, "- " * 32000 + "a", "? " * 32000, "{a: " * 16000])
def test_no_depth_overflows_the_stack(text):
    """A crash would take the interpreter along, so another one reads."""
    code = "import sys; from survey.files import read_yaml; print(read_yaml(sys.stdin.read())[1][0].code)"
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True)
    assert done.stdout.strip() in ("Y101", "Y104"), done.returncode


def test_size_is_limited():
    assert problems("a: " + "b" * MAX_BYTES) == ["1:1: Y104"]
    assert read_yaml("a: " + "b" * MAX_BYTES, limit=None)[1] == []


def test_line_ends_and_byte_order_marks_change_nothing():
    assert read_yaml("\ufeffa: b\r\nc: [d]\r\n") == ({"a": "b", "c": ["d"]}, [])
    assert problems("a: b\r\nc: 1.5\r\n") == ["2:4: Y103"]


def test_locate_finds_values_and_what_holds_them():
    text = "title: x\nauthors:\n  - A B\n  - {given: C, family: D}\nids: {arxiv: '1'}\nsummary: >-\n  long\n"
    assert locate(text, ("title",)) == (1, 8)
    assert locate(text, ("authors", 1, "family")) == (4, 24)
    assert locate(text, ("authors", 1, "orcid")) == (4, 5), "what is missing is shown at its holder"
    assert locate(text, ("ids", "arxiv")) == (5, 14)
    assert locate(text, ("authors",)) == (2, 1)
    assert locate(text, ("venue",)) == (1, 1)
    assert locate("a: [", ("a",)) == (1, 1)


ENTRY = """\
# A comment at the top,
title:   "Two  Titles"   # a comment behind
authors: [A B, 'C D', {given: "E", family: F}]   # flow

ids:
    arxiv: "2202.05262v2"    # odd indentation
summary: >-
  folded
"""


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (("title",), '"Two  Titles"', "Two Titles, One"),
        (("authors", 1), "'C D'", "C Dé😀"),
        (("authors", 2, "given"), '"E"', "Eve"),
        (("ids", "arxiv"), '"2202.05262v2"', "2202.05262"),
    ],
)
@pytest.mark.parametrize("before", ["", "\ufeff", "x😀: é\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_replace_scalar_leaves_everything_else_as_it_was(path, old, new, before, end):
    text = (before + ENTRY).replace("\n", end)
    mended = replace_scalar(text, path, new)
    head, _, tail = text.partition(old)
    assert mended.startswith(head) and mended.endswith(tail)
    value = read_yaml(mended)[0]
    for step in path:
        value = value[step]
    assert value == new


def test_replace_scalar_quotes_what_a_list_on_one_line_needs():
    assert replace_scalar("a: [b, c]", ("a", 1), "d, e") == 'a: [b, "d, e"]'
    assert replace_scalar("a:\n- b\n- c", ("a", 1), "d, e") == "a:\n- b\n- d, e"


@pytest.mark.parametrize("path", [("summary",), ("authors",), ("authors", 9), ("nothing",), ("title", "x")])
def test_replace_scalar_refuses_what_is_no_scalar(path):
    with pytest.raises(KeyError):
        replace_scalar(ENTRY, path, "x")


@given(st.text(max_size=60))
def test_no_text_makes_the_reader_fail(text):
    value, found = read_yaml(text)
    assert found or value is not None


@given(st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`\n ,?0.1~"), max_size=40))
def test_what_we_accept_pyyaml_reads_alike(text):
    value, found = read_yaml(text)
    if found:
        return
    try:
        theirs = yaml.safe_load(text)
    except (yaml.YAMLError, TypeError):
        # Keys that are lists, dates that do not exist: not ours to judge.
        return
    assert _as_text(theirs) == _as_text(value)


def _as_text(value):
    if isinstance(value, dict):
        return {str(k): _as_text(v) for k, v in value.items()}
    return [_as_text(v) for v in value] if isinstance(value, list) else str(value)
