"""What every form of a paper must be, whatever its entry says: read back by programs that are not ours."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from functools import lru_cache
from html.parser import HTMLParser
from urllib.parse import urlsplit

import bibtexparser
import pybtex.database
import rispy

from survey.collection import Collection, Paper
from survey.collection.paper import paper_from
from survey.files.load import PACKAGE, load_taxonomy
from survey.formats import FORMATS
from survey.formats.csv import COLUMNS, cell
from survey.formats.jsonl import record
from survey.formats.latex import decode
from survey.site.feeds import atom
from survey.site.pages import Pages

URL = "https://survey.example.org/"
ATOM = "{http://www.w3.org/2005/Atom}"


def sound(paper: Paper) -> None:
    """Fails where a form of the paper is broken, or says more or less than the paper."""
    taxonomy = load_taxonomy()
    for name, check in (
        ("bibtex", bibtex), ("biblatex", biblatex), ("ris", ris), ("csl-json", csl), ("csv", table), ("jsonl", lines),
    ):  # fmt: skip
        check(FORMATS[name].text([paper], taxonomy), paper)
    collection = Collection([paper], taxonomy)
    collection.search(re.sub(r"[^\w ]", " ", paper.title))
    feed(atom(collection, URL), paper)
    page(collection, paper)


def loose(text: str) -> str:
    """What two ways of writing a text in TeX share: not its quotes, dashes and blanks."""
    return re.sub(r"[\s~\"'`“”‘’„«»—–−‐‑-]", "", unicodedata.normalize("NFKC", text))


def bibtex(text: str, paper: Paper) -> None:
    data = pybtex.database.parse_string(text, "bibtex")
    assert list(data.entries) == [paper.key]
    entry = data.entries[paper.key]
    assert loose(decode(entry.fields["title"])) == loose(paper.title)
    assert len(entry.persons["author"]) == len(paper.names)
    assert text.isascii() or not all(t.isascii() for t in _texts(record(paper)))
    _library(text, paper)


def biblatex(text: str, paper: Paper) -> None:
    _library(text, paper)


def _library(text: str, paper: Paper) -> None:
    library = bibtexparser.parse_string(text)
    assert library.failed_blocks == [] and library.comments == [] and library.strings == []
    (entry,) = library.entries
    assert entry.key == paper.key
    fields = {field.key: field.value for field in entry.fields}
    assert loose(decode(fields["title"])) == loose(paper.title)
    assert set(fields) <= _FIELDS
    for value in fields.values():
        bare = re.sub(r"\\[{}]", "", value)
        assert bare.count("{") == bare.count("}") == value.count("}"), "no brace may be escaped, either"


_FIELDS = set(
    "title author year booktitle journal journaltitle volume pages series address location publisher doi url note month "
    "date eprint archiveprefix eprinttype pubstate addendum".split()
)


def ris(text: str, paper: Paper) -> None:
    (entry,) = rispy.loads(text)
    assert entry["id"] == paper.key and entry["title"] == paper.title
    assert len(entry["authors"]) == len(paper.names)
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in text.splitlines())


def csl(text: str, paper: Paper) -> None:
    (item,) = json.loads(text)
    assert item["id"] == paper.key and item["title"] == paper.title


def table(text: str, paper: Paper) -> None:
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == COLUMNS and len(row) == len(COLUMNS)
    assert row[COLUMNS.index("title")] == cell(paper.title)
    for value in row:
        for part in (value, *value.split(";")[1:]):
            assert part[:1] not in tuple("=+-@\t\r＝＋－＠"), "a spreadsheet would run it"


def lines(text: str, paper: Paper) -> None:
    (line,) = text.splitlines()
    assert json.loads(line) == record(paper)


def feed(text: str, paper: Paper) -> None:
    root = ET.fromstring(text)
    (entry,) = root.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == paper.title
    assert [name.text for name in entry.iter(f"{ATOM}name")] == [n.printed for n in paper.names]
    assert entry.findtext(f"{ATOM}summary") == paper.summary
    assert {element.tag.removeprefix(ATOM) for element in root.iter()} <= set("feed title id link updated entry author name summary".split())


# The page


def page(collection: Collection, paper: Paper) -> None:
    """It has the elements and attributes that the page of a harmless twin has, and says the same."""
    ours = _pages(collection).paper(paper)
    twin = _twin(paper)
    theirs = _pages(Collection([twin], collection.taxonomy)).paper(twin)
    seen, expected = _Skeleton(ours.content), _Skeleton(theirs.content)
    assert seen.elements == expected.elements
    assert seen.title == paper.title
    for text in _texts({k: v for k, v in record(paper).items() if k in ("summary", "former_titles", "sources")}):
        assert _spaced(text) in _spaced(seen.text)
    head = _Skeleton(ours.head)
    assert head.elements == _Skeleton(theirs.head).elements
    assert json.loads(head.scripts[0])["headline"] == paper.title
    for address in seen.addresses:
        assert urlsplit(address).scheme in ("", "http", "https"), address


def _spaced(text: str) -> str:
    return " ".join(text.split())


@lru_cache(4)
def _settings() -> tuple:
    return ("url", URL), ("name", "Survey"), ("source", "https://github.com/a/b")


def _pages(collection: Collection) -> Pages:
    return Pages(collection, PACKAGE.parent, dict(_settings()))


def _twin(paper: Paper) -> Paper:
    """The same paper with a plain word for each text."""
    own = record(paper)
    own.pop("key")
    plain = {
        **own, "title": "Word", "authors": ["Ann Word"] * len(paper.names), "sources": ["Word"] * len(paper.sources),
        "former_titles": ["Word"] * len(paper.former_titles), "official_typo": [], "protect": [],
        "links": {kind: "https://example.org/" for kind, _ in paper.links.items()},
    }  # fmt: skip
    for name in ("acronym", "booktitle", "volume", "summary", "note"):
        if plain.get(name):
            plain[name] = "Word"
    for name in ("pitfalls", "related"):
        plain[name] = [{**item, **({"note": "Word"} if item.get("note") else {})} for item in own.get(name, [])]
    return paper_from(plain, paper.key)


class _Skeleton(HTMLParser):
    """Elements with the names of their attributes, addresses, scripts and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple] = []
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.text, self.title = "", ""
        self._open = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, *sorted(name for name, _ in attributes)))
        self.addresses += [value or "" for name, value in attributes if name in ("href", "src", "action")]
        self._open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.elements.append((f"/{tag}",))
        self._open = ""

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1] += data
        self.text += data
        if self._open == "h1":
            self.title += data

    def handle_comment(self, data):
        self.elements.append(("comment", data))

    def handle_decl(self, decl):
        self.elements.append(("declaration", decl))

    def unknown_decl(self, data):
        self.elements.append(("declaration", data))

    def handle_pi(self, data):
        self.elements.append(("instruction", data))


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
