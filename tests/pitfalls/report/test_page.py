"""The page of a report: everything escaped, nothing fetched, the same bytes each time."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from survey.editing.edit import Edit
from survey.pitfalls.metrics.intervals import Interval
from survey.pitfalls.report import Language, TaskScore, Told
from survey.pitfalls.report.drawing import Bar, Dot, bars, clean, dots, short
from survey.pitfalls.report.page import MARK, html

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'&amp; \u202egnp.exe\u2028</style>\x07'
VOID = {"meta", "link", "rect", "line", "circle"}


class Reader(HTMLParser):
    """Elements, attributes and text; a tag that is not closed in order is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


def hostile(told: Told) -> Told:
    reply = lambda r: replace(r, text=HOSTILE, next=HOSTILE)  # noqa: E731
    rows = {
        group: tuple(replace(r, line=replace(r.line, prompt=HOSTILE, right=r.line.right and HOSTILE, against=r.line.against and HOSTILE), before=reply(r.before), after=reply(r.after)) for r in some)
        for group, some in told.groups.items()
    }
    edit = Edit("{} is " + HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    return replace(
        told, edit=edit, before=replace(told.before, text=HOSTILE), after=replace(told.after, text=HOSTILE), groups=rows,
        next=tuple((HOSTILE, *rest) for _, *rest in told.next), names=(HOSTILE,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(report):
    return html(report)


def test_the_page_is_the_same_each_time_and_is_known_as_ours(report, page):
    assert html(report) == page and MARK in page[:2000] and page.startswith("<!doctype html>")


def test_nothing_is_fetched_or_run(page):
    found = Reader(page)
    assert not {"script", "img", "iframe", "object", "embed", "form", "video", "audio", "base", "use", "image"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    links = [value for name, value in found.attributes if name in ("href", "src", "srcset", "action", "data", "xlink:href")]
    assert links and all(link.startswith("#") or link == "data:," for link in links)
    assert "default-src 'none'" in page and not re.search(r"url\(|@import|https?:", page)


def test_every_link_within_the_page_leads_somewhere(page):
    found = Reader(page).attributes
    ids = [value for name, value in found if name == "id"]
    assert len(set(ids)) == len(ids)
    assert {value[1:] for name, value in found if name == "href" and value.startswith("#")} <= set(ids)


def test_hostile_texts_stay_texts(report, page):
    bad = replace(
        report, edits=(hostile(report.edits[0]),), command=HOSTILE, model=HOSTILE, method_name=HOSTILE, made_on=HOSTILE, preset=HOSTILE,
        settings={HOSTILE: HOSTILE}, about={HOSTILE: HOSTILE}, language=replace(report.language, worst=(HOSTILE, 2.0)),
        facts=tuple(replace(r, line=replace(r.line, prompt=HOSTILE, right=HOSTILE)) for r in report.facts),
        weights=tuple(replace(w, name=HOSTILE) for w in report.weights), versions={"editing-pitfalls": HOSTILE},
    )  # fmt: skip
    text = html(bad)
    found = Reader(text)
    assert set(found.tags) <= set(Reader(page).tags) | {"details", "summary"}
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in found.words
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\x00-\x08]", text)


def test_it_tells_what_the_report_holds(report, page):
    words = Reader(page).words
    told = report.edits[0]
    assert "The edit took." in words and "The old museum is located in the city of Oslo" in words
    assert f"changed for {report.facts_changed} of {len(report.facts)}" in words
    for some in told.groups.values():
        for row in some:
            assert " ".join(clean(row.line.prompt).split()) in " ".join(page.split())
    before, after, count = told.kept_or_new("paraphrase")
    assert f"{after} of {count}: the new answer is the most probable one (before: {before} of {count})." in words
    assert "survey report --method fine-tuning" in words and report.fingerprint in words and "restored, bit for bit" in words
    assert "The four small tasks were not asked" in words and "\u202e" not in page


def test_what_else_was_known_of_the_subject_is_told_first(report, tmp_path):
    from survey.cli.report import _lines

    told_first = "Other facts about the subject: the right answer"
    assert told_first not in Reader(html(report)).words
    told = report.edits[0]
    lost = [replace(row, before=replace(row.before, exact=True), after=replace(row.after, exact=n == 0)) for n, row in enumerate(told.groups["paraphrase"][:3])]
    found = replace(report, edits=(replace(told, groups=told.groups | {"relation": tuple(lost)}), *report.edits[1:]))
    assert f"{told_first} is the most probable one for 1 of 3 (before: 3)." in Reader(html(found)).words
    assert any("of subject" in line and "right for 1 of 3 (before: 3)" in line for line in _lines(found, tmp_path))


def test_it_says_whether_the_edit_took(report):
    told = report.edits[0]
    for exact, says, sentence in (
        (True, True, "The edit took."), (True, False, "The edit took in part."), (False, True, "The edit took in part."),
        (False, False, "The edit did not take."),
    ):  # fmt: skip
        words = Reader(html(replace(report, edits=(replace(told, exact=exact, says=says),)))).words
        assert [s for s in ("The edit took.", "The edit took in part.", "The edit did not take.") if s in words] == [sentence]


def test_warnings_stand_where_they_belong(report):
    def words(**more) -> str:
        return Reader(html(replace(report, **more))).words

    calm = Language(50.0, 51.0, Interval(1.02, 1.0, 1.04, 62), 30, 62, ("A text.", 1.2))
    assert "collapsed" not in words(language=calm) and "NOT restored" not in words()
    assert "has collapsed" in words(language=replace(calm, after=501.0))
    assert "has collapsed" in words(language=replace(calm, after=math.nan))
    assert "NOT restored" in words(restored=False)
    assert "Try r-rome" in words(about={"key_ratio": 0.05}) and "Try r-rome" not in words(about={"key_ratio": 0.9})
    assert "told of here" in words(all_edits=9)


def test_numbers_that_are_none_are_told_as_such(report):
    told = report.edits[0]
    rows = tuple(replace(r, kl=math.nan, same_next=False, after=replace(r.after, next=None, text="", p=r.after.p and math.nan)) for r in report.facts)
    page = html(replace(report, facts=rows, edits=(replace(told, after=replace(told.after, p_target=math.nan, p_was=math.nan)),)))
    assert not re.search(r"\bnan\b|NaN", page)
    assert "no number" in Reader(page).words and "its numbers are no numbers any more" in Reader(page).words


def test_tasks_are_drawn_with_their_intervals(report):
    score = TaskScore("reasoning", "Reasoning", "solve-rate", Interval(0.5, 0.4, 0.6, 48), Interval(0.25, 0.1, 0.4, 48), 0.1667)
    page = html(replace(report, tasks=(score,)))
    words = Reader(page).words
    assert "Reasoning: 0.250 (before: 0.500)" in words and "Reasoning (solve rate, 48 items)" in words
    assert page.count('class="chance"') == 1 and page.count('class="range') == 2 and "not asked" not in words


def test_a_bar_is_as_long_as_its_value():
    drawn = bars([("half", (Bar(0.5, "0.5", "before"), Bar(1, "1", "after"), Bar(math.nan, "none", "after")))], "A chart")
    lengths = re.findall(r'class="bar \w+" x="0" y="[\d.]+" width="([\d.]+)%"', drawn)
    assert [float(n) for n in lengths] == [37.0, 74.0, 0.0]
    assert 'aria-label="A chart"' in drawn and 'role="img"' in drawn


def test_a_dot_without_a_number_is_not_drawn():
    drawn = dots([("a", (Dot(0.5, 0.4, 0.6, "0.5", "before"), Dot(math.nan, math.nan, math.nan, "no number", "after")), 0.5)], "A chart")
    assert drawn.count("<circle") == 1 and 'cx="37.00%"' in drawn and drawn.count("no number") == 1


def test_texts_are_cleaned_and_cut():
    assert clean("a\nb\tc\u202ed<&\"'") == "a↵ b c\N{REPLACEMENT CHARACTER}d&lt;&amp;&quot;&#x27;"
    assert (short("abcdef", 6), short("abcdefg", 6), short("日本語です", 6)) == ("abcdef", "abcde…", "日本…")
