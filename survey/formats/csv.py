"""CSV for spreadsheets (RFC 4180), safe against cells that a spreadsheet would run as formulas."""

from __future__ import annotations

import csv
import io
import re

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy

COLUMNS = (
    "key", "title", "authors", "year", "venue", "arxiv", "doi", "anthology", "openreview", "url",
    "code", "kinds", "proposes", "studies", "pitfalls", "summary",
)  # fmt: skip


_STARTS = "=+\\-@\t\r＝＋－＠"  # The wide forms are formulas, too, where the keyboard writes them.
# At the start of a cell, or behind a semicolon, which parts cells where the comma is decimal.
_FORMULA = re.compile(f"^(?=[{_STARTS}])|(?<=[;\t\r\n])(?=[{_STARTS}])")


def cell(value: str) -> str:
    """The value, with an apostrophe where a spreadsheet would take it for a formula.

    Whoever needs the values to the letter takes `jsonl`. Source of the rule: the OWASP page on CSV
    injection.
    """
    return _FORMULA.sub("'", value)


def _line(cells) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([cell(c) for c in cells])
    return out.getvalue()


HEADER = _line(COLUMNS)


def entry(paper: Paper, taxonomy: Taxonomy) -> str:
    """One row; lists are joined by semicolons."""
    ids = paper.ids
    proposed = (*paper.proposes.methods, *paper.proposes.benchmarks)
    studied = (*paper.studies.methods, *paper.studies.benchmarks)
    return _line([
        paper.key, paper.title, "; ".join(n.printed for n in paper.names), str(paper.year),
        taxonomy.venues[paper.venue].name, ids.arxiv or "", ids.doi or "", ids.anthology or "",
        ids.openreview or "", paper.url or "", paper.links.code or "", "; ".join(paper.kinds),
        "; ".join(proposed), "; ".join(studied),
        "; ".join(f"{tag.id} ({tag.stance})" for tag in paper.pitfalls), paper.summary or "",
    ])  # fmt: skip
