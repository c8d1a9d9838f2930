"""What other programs read."""

from __future__ import annotations

import copy
import csv
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import datetime

import jsonschema
import pytest

from survey.files import read_yaml
from survey.files.load import PACKAGE
from survey.formats import FORMATS
from survey.site.links import FOLDERS
from tests.entries import make_entry

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def url(site) -> str:
    return re.search(r'<link rel="canonical" href="([^"]*)"', (site / "index.html").read_text("utf-8"))[1]


@pytest.fixture(scope="module")
def feed(site) -> ET.Element:
    return ET.parse(site / "feed.xml").getroot()


def test_the_feed_is_atom(feed, url):
    assert feed.tag == f"{ATOM}feed"
    for one in (feed, *feed.iter(f"{ATOM}entry")):
        assert one.findtext(f"{ATOM}id").startswith("https://") and one.findtext(f"{ATOM}title")
        assert datetime.fromisoformat(one.findtext(f"{ATOM}updated")).tzinfo
    [own] = feed.findall(f"{ATOM}link[@rel='self']")
    assert own.get("href") == f"{url}feed.xml"
    assert feed.findtext(f"{ATOM}updated") == max(e.findtext(f"{ATOM}updated") for e in feed.iter(f"{ATOM}entry"))


def test_the_feed_holds_the_latest_papers(feed, url, site, collection):
    entries = feed.findall(f"{ATOM}entry")
    latest = list(collection.values())[:50]
    assert [e.findtext(f"{ATOM}id") for e in entries] == [f"{url}papers/{p.key}/" for p in latest]
    for entry, paper in zip(entries, latest, strict=True):
        assert entry.findtext(f"{ATOM}title") == paper.title
        assert entry.find(f"{ATOM}link").get("href") == entry.findtext(f"{ATOM}id")
        assert [a.text for a in entry.iterfind(f"{ATOM}author/{ATOM}name")] == [n.printed for n in paper.names]
        assert entry.findtext(f"{ATOM}summary") == paper.summary
        assert (site / "papers" / paper.key / "index.html").exists()


@pytest.fixture(scope="module")
def schema(site) -> jsonschema.Draft202012Validator:
    text = json.loads((site / "schema" / "paper.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(text)
    assert text["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    return jsonschema.Draft202012Validator(text, format_checker=jsonschema.FormatChecker())


def test_the_schema_takes_every_entry(schema):
    paths = sorted((PACKAGE.parent / "papers").rglob("*.yaml"))
    assert len(paths) > 300
    for path in paths:
        record, problems = read_yaml(path.read_text("utf-8"))
        assert problems == [] and [e.message for e in schema.iter_errors(record)] == [], path


FULL = make_entry(
    proposes={"methods": ["rome"]}, studies={"benchmarks": ["zsre"]}, links={"code": "https://example.org/x"},
    pitfalls=[{"id": "locality", "stance": "shows", "basis": "abstract"}],
    related=[{"key": "dai2022knowledge", "as": "extends", "basis": "title"}],
)  # fmt: skip


def test_the_schema_takes_a_full_entry(schema):
    assert list(schema.iter_errors(FULL)) == []


@pytest.mark.parametrize(("place", "value"), [
    (("title",), None), (("title",), ""), (("title",), " x"), (("authors",), []), (("authors",), "Kevin Meng"),
    (("year",), "2022"), (("year",), 1492), (("venue",), "nowhere"), (("ids", "arxiv"), "2202.05262v2"),
    (("ids", "arxiv"), 2202.05262), (("ids", "doi"), "https://doi.org/10.1/x"), (("links", "code"), "example.org"),
    (("kinds",), []), (("kinds",), ["paper"]), (("proposes", "methods"), ["romee"]), (("studies", "benchmarks"), ["none"]),
    (("pitfalls", 0, "id"), "place"), (("pitfalls", 0, "stance"), "likes"), (("pitfalls", 0, "basis"), None),
    (("related", 0, "as"), "cites"), (("related", 0, "key"), "Dai 2022"), (("annotated", "basis"), "hearsay"),
    (("annotated", "on"), "2026-13-40"), (("sources",), None), (("colour",), "red"), (("links", "blog"), "https://example.org/"),
    (("status",), "lost"), (("pages",), "1 to 2"), (("published",), "2022-13"),
])  # fmt: skip
def test_the_schema_refuses(schema, place, value):
    record = copy.deepcopy(FULL)
    part = record
    for step in place[:-1]:
        part = part[step]
    if value is None:
        del part[place[-1]]
    else:
        part[place[-1]] = value
    assert not schema.is_valid(record)


def test_editors_can_complete_ids(schema, taxonomy):
    text = schema.schema
    assert text["properties"]["venue"]["enum"] == list(taxonomy.venues)
    assert text["$defs"]["PitfallTag"]["properties"]["id"]["enum"] == list(taxonomy.pitfalls)


@pytest.mark.parametrize("name", FORMATS)
def test_downloads_are_what_export_writes(site, name):
    done = subprocess.run([sys.executable, "-m", "survey", "export", name], cwd=PACKAGE.parent, capture_output=True, check=True)
    assert (site / "data" / f"papers.{FORMATS[name].extension}").read_bytes() == done.stdout


def test_the_table_has_a_row_for_each_paper(site, collection):
    with open(site / "data" / "papers.csv", encoding="utf-8", newline="") as file:
        assert [row["key"] for row in csv.DictReader(file)] == list(collection)


def test_the_sitemap_lists_every_page_once(site, url):
    spaces = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    listed = [e.text for e in ET.parse(site / "sitemap.xml").iterfind(".//s:loc", spaces)]
    pages = {url + p.parent.relative_to(site).as_posix().removeprefix(".") for p in site.rglob("index.html")}
    assert sorted(listed) == sorted(p if p.endswith("/") else f"{p}/" for p in pages)
    assert not (site / "sitemap.xml.gz").exists()


def test_the_search_of_the_theme_knows_terms_and_papers(site, collection):
    docs = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    places = [d["location"] for d in docs]
    terms = [f"{folder}/{id}/" for section, folder in FOLDERS.items() for id in getattr(collection.taxonomy, section)]
    assert {*terms, *(f"papers/{key}/" for key in collection)} <= set(places)
    assert len(places) == len(set(places))
