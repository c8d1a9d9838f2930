"""What an entry says stays text: on pages, in data, in the feed, in the search."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html import unescape

import pytest

from tests.site import hostile
from tests.site.built import hostile_site
from tests.site.walk import see, see_all


@pytest.fixture(scope="module")
def bad_site(tmp_path_factory):
    """A small site with a hostile entry."""
    return hostile_site(tmp_path_factory)


@pytest.fixture(scope="module")
def pages(bad_site):
    return see_all(bad_site)


def test_the_title_stands_as_it_is(pages):
    one = pages[f"papers/{hostile.KEY}/index.html"]
    assert one.h1 == [hostile.TITLE]
    assert one.title == f"{hostile.TITLE} - Editing Pitfalls"
    assert one.metas["citation_title"] == one.metas["og:title"] == [hostile.TITLE]
    assert one.metas["description"] == [f"{hostile.TITLE} {hostile.SCRIPT}"]
    assert one.text.count(hostile.TITLE) >= 3 and hostile.SCRIPT in one.text


def test_no_page_has_another_script_or_handler(pages):
    plain = pages[f"papers/{hostile.PLAIN}/index.html"]
    assert pages[f"papers/{hostile.KEY}/index.html"].scripts == plain.scripts
    assert [(page, one.handlers) for page, one in pages.items() if one.handlers] == []
    assert [page for page, one in pages.items() if "x" in one.fetched] == []
    # The explorer and what else may stand on a page of mkdocs.
    assert max(one.scripts for one in pages.values()) <= plain.scripts + 2


def test_every_page_that_names_it_shows_the_text(pages):
    naming = [page for page, one in pages.items() if f"{hostile.IMAGE} &" in one.text or "window.hit" in one.text]
    assert {"index.html", "authors/index.html", "years/2023/index.html", "venues/arxiv/index.html", "pitfalls/locality/index.html",
            f"papers/{hostile.PLAIN}/index.html"} <= set(naming)  # fmt: skip


def test_json_in_pages_says_the_same_and_ends_no_script(bad_site, pages):
    one = pages[f"papers/{hostile.KEY}/index.html"]
    assert [json.loads(text)["headline"] for text in one.json_ld] == [hostile.TITLE]
    html = (bad_site / "papers" / hostile.KEY / "index.html").read_text("utf-8")
    assert "<" not in re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.S)[1]


def test_data_for_programs_says_it_unchanged(bad_site):
    data = bad_site / "data"
    assert hostile.TITLE in json.loads((data / "index.json").read_text("utf-8"))["columns"]["title"].split("\n")
    assert f"{hostile.TITLE} {hostile.SCRIPT}" in json.loads((data / "details.json").read_text("utf-8"))["summary"]
    lines = [json.loads(line) for line in (data / "papers.jsonl").read_text("utf-8").splitlines()]
    assert hostile.TITLE in [one["title"] for one in lines]
    for path in bad_site.rglob("*.json"):
        json.loads(path.read_text("utf-8"))


def test_the_feed_says_it_as_text(bad_site):
    atom = "{http://www.w3.org/2005/Atom}"
    titles = [e.findtext(f"{atom}title") for e in ET.parse(bad_site / "feed.xml").iter(f"{atom}entry")]
    assert hostile.TITLE in titles


def test_the_search_of_the_theme_gets_text(bad_site):
    docs = json.loads((bad_site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    [own] = [d for d in docs if d["location"] == f"papers/{hostile.KEY}/"]
    assert "<" not in own["title"] + own["text"] and unescape(own["title"]) == hostile.TITLE


def test_a_former_key_leads_to_the_new_one(bad_site, pages):
    one = pages[f"papers/{hostile.FORMER}/index.html"]
    assert one.metas["refresh"] == [f"0; url=../{hostile.KEY}/"] and f"../{hostile.KEY}/" in one.links
    assert f"formerly {hostile.FORMER}" in pages[f"papers/{hostile.KEY}/index.html"].text


def test_the_status_is_told(pages):
    assert "Withdrawn. " in pages[f"papers/{hostile.KEY}/index.html"].text


def test_the_reader_of_these_tests_sees_scripts_and_handlers():
    one = see(f"<h1>{hostile.IMAGE}</h1>{hostile.SCRIPT}")
    assert one.handlers == ["onerror"] and one.scripts == 1 and one.fetched == ["x"]
