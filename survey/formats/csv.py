"""CSV for spreadsheets (RFC 4180), safe against cells that a spreadsheet would run as formulas."""

from __future__ import annotations

import csv
import io

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy

COLUMNS = (
    "key", "title", "authors", "year", "venue", "arxiv", "doi", "anthology", "openreview", "url",
    "code", "kinds", "proposes", "studies", "pitfalls", "summary",
)  # fmt: skip


def cell(value: str) -> str:
    """The value, behind an apostrophe where a spreadsheet would take it for a formula.

    Source of the rule: the OWASP page on CSV injection.
    """
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


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
