"""Whatever services, files and people say, it becomes a sound entry or a message of one line."""

from __future__ import annotations

import copy
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.checks.run import check_text
from survey.files.reader import read_yaml
from survey.intake import IntakeError, acl_anthology, arxiv, bibtex, crossref, datacite, openreview
from survey.intake.add import tagged, with_words
from survey.intake.client import Answer
from survey.intake.entry import draft, free_key
from survey.intake.lookup import settled
from survey.intake.record import Record
from tests.intake import services

PAPER = {"title": "NightEdit: Editing Facts", "authors": ["Ann Bau", "Maarten de Rijke"], "abstract": "We propose NightEdit, which preserves unrelated knowledge."}
HOSTILE = [
    "<script>alert(1)</script>", "]]>", "\x00", "\x1b[31mred", "\ud800", "\u202egnp.exe", "a\nb: c\n- d", '"', "'", "`", "{", "}", "[", "#", " # x", ": ", "- ", "? ", "! ", "!!python/object:os.system x",
    "&a", "*a", "<<", "~", "null", "yes", "2305.10", "012", "1e5", "2026-01-01", "=HYPERLINK(\"http://x\")", "+1", "@all", "\\input{/etc/passwd}", "\\write18{id}", "%", "$", "$$", "../../etc/passwd",
    "/etc/passwd", "C:\\x", "javascript:alert(1)", "file:///etc/passwd", "http://127.0.0.1/", "{{7*7}}", "${{ github.token }}", "$(id)", "A" * 5000, "é" * 3000, "", " ", "\u2028", "\ufeff", "漢字", "𝒳",
]  # fmt: skip
ODD = st.sampled_from([*HOSTILE, None, True, False, 0, -1, 2**70, 1.5, float("inf"), [], {}, [[]], [{}], [None], {"x": 1}, ["a", 7]]) | st.text(max_size=30)
PATH = re.compile(r"papers/[0-9]{4}/[a-z]+[0-9]{4}[a-z0-9]+\.yaml")


def leaves(value, way=()):
    """The way to every part of a JSON value."""
    yield way
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from leaves(part, (*way, key))


@st.composite
def spoilt(draw, whole):
    """An answer with one to three of its parts replaced or taken out."""
    found = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(list(leaves(found))[1:] or [()]))
        if not way:
            return copy.deepcopy(draw(ODD))
        holder = found
        for step in way[:-1]:
            holder = holder[step]
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[way[-1]]
        else:
            holder[way[-1]] = copy.deepcopy(draw(ODD))
    return found


def sound(record: Record, taxonomy) -> None:
    """The record becomes an entry that checks read, at a path that is one of ours; or it is told why not."""
    assert not record.title or record.title == " ".join(record.title.split())
    found = settled(record, taxonomy)
    drafted = draft(found, taxonomy)
    entry, suggestions = tagged(drafted.record, found, taxonomy)
    path = f"papers/{entry['year']}/{free_key(entry, ())}.yaml"
    text = with_words(entry, suggestions)
    assert PATH.fullmatch(path) and not re.search(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]", text)
    read, problems = read_yaml(text)
    assert problems == [] and read == json.loads(json.dumps(entry))
    _, findings = check_text(path, text, taxonomy)
    # A form that the model refuses is told by `propose`; nothing may be misread by YAML.
    assert not [f for f in findings if f.code.startswith("Y")]


def tried(read, taxonomy) -> None:
    try:
        sound(read(), taxonomy)
    except IntakeError as error:
        assert "\n" not in str(error) and len(str(error)) < 6000


@settings(max_examples=150, deadline=None)
@given(spoilt(services.crossref("10.1145/1", year=2026, container="ICLR 2026", pages="1-9", event="ICLR", **PAPER)))
def test_answers_of_crossref(taxonomy, answer):
    tried(lambda: crossref.read(answer if isinstance(answer, dict) else {}), taxonomy)


@settings(max_examples=150, deadline=None)
@given(spoilt(services.datacite("10.48550/arXiv.2601.00001", year=2026, published="10.1145/1", **PAPER)))
def test_answers_of_datacite(taxonomy, answer):
    tried(lambda: datacite.read(answer if isinstance(answer, dict) else {}), taxonomy)


@settings(max_examples=150, deadline=None)
@given(spoilt({"notes": [services.note("abcDEF1234", venue="ICLR 2026", venueid="ICLR.cc/2026/Conference", bibtex="@x{y,\nbooktitle={ICLR},\nyear={2026}\n}", **PAPER)]}) | spoilt({"notes": [services.note("abcDEF1234", venue="ICLR 2026", version=1, **PAPER)]}))
def test_answers_of_openreview(taxonomy, answer):
    tried(lambda: openreview.read(answer if isinstance(answer, dict) else {}, "abcDEF1234"), taxonomy)


XML_SAFE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@settings(max_examples=150, deadline=None)
@given(XML_SAFE, st.lists(XML_SAFE, max_size=4), XML_SAFE, XML_SAFE, XML_SAFE)
def test_entries_of_arxiv(taxonomy, title, authors, abstract, comment, journal):
    body = services.feed([services.atom_entry("2601.00001", title, authors, abstract, comment, journal=journal)])
    tried(lambda: arxiv.read(Answer(200, "", body))["2601.00001"], taxonomy)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.tuples(st.integers(0, 2000), st.binary(max_size=6)))
def test_damaged_feeds_of_arxiv(taxonomy, damage):
    body = services.feed([services.atom_entry("2601.00001", **PAPER)])
    if isinstance(damage, tuple):
        at = damage[0] % len(body)
        body = body[:at] + damage[1] + body[at + len(damage[1]) :]
    else:
        body = damage
    try:
        for record in arxiv.read(Answer(200, "", body)).values():
            tried(lambda record=record: record, taxonomy)
    except IntakeError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_in_every_field(taxonomy, value):
    paper = {"title": f"Editing {value} Facts", "authors": [f"Eve {value} Foo", value or "x", "Ann Bau"], "abstract": f"We propose {value} editing."}
    for read in (
        lambda: crossref.read(services.crossref("10.1145/1", year=2026, container=f"ICLR {value}", pages=value, **paper)),
        lambda: datacite.read(services.datacite("10.48550/arXiv.2601.00001", year=2026, **paper)),
        lambda: openreview.read({"notes": [services.note("abcDEF1234", venue=f"ICLR 2026 {value}", **paper)]}, "abcDEF1234"),
        lambda: acl_anthology.read(Answer(200, "", services.acl("2026.acl-long.1", year=2026, booktitle=value, **paper).encode("utf-8", "replace")), "2026.acl-long.1"),
        lambda: bibtex.record(next(iter(bibtex.entries(f"@misc{{x, title={{Editing {value}}}, author={{Eve {value} and A B}}, eprint={{2601.00001}}, year={{2026}}}}"))), "file"),
    ):  # fmt: skip
        tried(read, taxonomy)


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from('{}\\"@=,#%$&~^_ \nabAB1é'), max_size=60), st.text(st.sampled_from('{}\\"@=,#%$&~^_ \nabAB1é'), max_size=60))
def test_bibtex_of_people(taxonomy, title, author):
    text = f"@inproceedings{{x,\n title = {{{title}}},\n author = {{{author}}},\n year = 2026, booktitle={{EMNLP}}\n}}"
    try:
        for entry in bibtex.entries(text):
            tried(lambda entry=entry: bibtex.record(entry, "file"), taxonomy)
    except IntakeError as error:
        assert "\n" not in str(error)
