"""RIS, CSL-JSON, CSV and JSON lines, read by others than us."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
import rispy
import yaml

from survey.files.load import PACKAGE
from survey.formats import FORMATS, common
from survey.formats.csv import cell
from tests.entries import make_paper
from tests.formats.papers import made_up


@pytest.fixture(scope="module")
def papers(collection):
    return [*collection.values(), *made_up()]


def text(name, papers, taxonomy) -> str:
    return FORMATS[name].text(papers, taxonomy)


def test_every_format_is_named_as_in_the_command():
    from survey.cli.export import NAMES

    assert tuple(FORMATS) == NAMES


@pytest.mark.parametrize("name", FORMATS)
def test_no_paper_at_all(name, taxonomy):
    empty = text(name, [], taxonomy)
    assert {"csl-json": lambda: json.loads(empty) == [], "csv": lambda: empty.count("\n") == 1}.get(name, lambda: empty.strip() == "")()


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_ends_in_one_newline_and_has_no_carriage_returns_inside(name, papers, taxonomy):
    written = text(name, papers, taxonomy)
    assert written.endswith("\n") and not written.endswith("\n\n")
    assert name == "csv" or "\r" not in written


# RIS


def test_rispy_reads_it_all_back(papers, taxonomy):
    records = rispy.loads(text("ris", papers, taxonomy))
    assert len(records) == len(papers)
    for record, paper in zip(records, papers, strict=True):
        venue = taxonomy.venues[paper.venue]
        assert record["id"] == paper.key and record["title"] == paper.title and record["year"] == str(paper.year)
        assert record["type_of_reference"] == {"journal": "JOUR", "preprint": "UNPB"}.get(venue.type, "CPAPER")
        for written, n in zip(record["authors"], paper.names, strict=True):
            family = f"{n.particle} {n.family}".strip()
            assert written == (n.literal or ", ".join(p for p in (family, n.given, n.suffix) if p))
        assert record.get("doi") == paper.ids.doi
        assert paper.url is None or paper.url in record["urls"]
        if paper.pages:
            start, _, end = paper.pages.partition("-")
            assert (record["start_page"], record.get("end_page", "")) == (start, end)
        if not paper.preprint:
            assert record["secondary_title"] == common.publication(paper, taxonomy).title


def test_every_line_of_ris_is_a_tag(papers, taxonomy):
    for line in text("ris", papers, taxonomy).splitlines():
        assert line == "" or re.match(r"[A-Z][A-Z0-9]  - ", line), line


# CSL-JSON: types and variables of the data model (csl-data.json of CSL 1.0.2)

TYPES = {"article", "article-journal", "paper-conference"}
STRINGS = {
    "id", "type", "title", "container-title", "collection-title", "volume", "page", "event-place", "publisher", "number", "DOI", "URL", "status",
}  # fmt: skip
NAME_PARTS = {"family", "given", "non-dropping-particle", "suffix"}


def test_csl_items_fit_the_data_model(papers, taxonomy):
    items = json.loads(text("csl-json", papers, taxonomy))
    assert [item["id"] for item in items] == [p.key for p in papers]
    for item, paper in zip(items, papers, strict=True):
        assert item["type"] in TYPES
        assert set(item) <= STRINGS | {"author", "issued"}
        assert all(isinstance(item[field], str) and item[field] for field in STRINGS & set(item))
        assert item["title"] == paper.title
        for name, n in zip(item["author"], paper.names, strict=True):
            assert set(name) == {"literal"} or ("family" in name and set(name) <= NAME_PARTS)
            assert all(name.values())
            parts = (name.get(p, "") for p in ("given", "non-dropping-particle", "family", "suffix"))
            assert n.printed == name.get("literal", " ".join(p for p in parts if p))
        (date,) = item["issued"]["date-parts"]
        assert all(isinstance(part, int) for part in date) and date[0] == paper.year
        assert len(date) == 1 or 1 <= date[1] <= 12
        assert item.get("DOI") == paper.ids.doi and item.get("URL") == paper.url and item.get("page") == paper.pages


# CSV


def test_csv_reads_back(papers, taxonomy):
    rows = list(csv.DictReader(io.StringIO(text("csv", papers, taxonomy), newline="")))
    assert len(rows) == len(papers)
    for row, paper in zip(rows, papers, strict=True):
        assert None not in row and None not in row.values()
        assert _bare(row["title"]) == paper.title and row["key"] == paper.key and row["year"] == str(paper.year)
        assert _bare(row["authors"]).split("; ") == [n.printed for n in paper.names]
        assert _bare(row["openreview"]) == (paper.ids.openreview or "") and _bare(row["summary"]) == (paper.summary or "")
        assert not any(value[:1] in ("=", "+", "-", "@", "\t", "\r") for value in row.values())


def _bare(value: str) -> str:
    return value[1:] if re.match(r"'[=+\-@\t\r]", value) else value


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-h6WAS6eE4", "@SUM(A1)", "\tx", "\rx", "＝1+1", "＠SUM(A1)"])
def test_no_cell_is_a_formula(formula):
    assert cell(formula) == f"'{formula}"


def test_no_part_of_a_cell_is_one_where_semicolons_part_cells():
    assert cell("Locating;=1+1;-2") == "Locating;'=1+1;'-2"


@pytest.mark.parametrize("value", ["a=b", "", "'x", "1-2", "Über", "one; -2"])
def test_other_cells_stay(value):
    assert cell(value) == value


def test_a_cell_with_everything(taxonomy):
    paper = make_paper(title='=HYPERLINK("x"), a "quote"', summary="one, two; three")
    (row,) = csv.DictReader(io.StringIO(text("csv", [paper], taxonomy), newline=""))
    assert row["title"] == '\'=HYPERLINK("x"), a "quote"' and row["summary"] == "one, two; three"


# JSON lines


def test_json_lines_say_what_the_files_say(collection, taxonomy):
    lines = text("jsonl", collection.values(), taxonomy).splitlines()
    assert len(lines) == len(collection)
    for line, paper in zip(lines, collection.values(), strict=True):
        (file,) = PACKAGE.parent.glob(f"papers/{paper.year}/{paper.key}.yaml")
        said = yaml.load(file.read_text("utf-8"), yaml.CBaseLoader)  # every scalar as text
        assert _as_text(json.loads(line)) == {"key": paper.key, **said}


def _as_text(value):
    if isinstance(value, dict):
        return {k: _as_text(v) for k, v in value.items()}
    return [_as_text(v) for v in value] if isinstance(value, list) else str(value)


def test_json_lines_keep_letters_and_lines(taxonomy):
    paper = make_paper(title="Über “x” \u2028 y")
    (line,) = text("jsonl", [paper], taxonomy).split("\n")[:-1]
    assert json.loads(line)["title"] == paper.title and "Über" in line
