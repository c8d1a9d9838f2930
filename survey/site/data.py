"""The data that the explorer reads: a columnar index, details for later, and citations to export.

Rows are the papers in the collection's order. The index holds what a first view needs and is kept
small: text columns are one string with a line per paper, tags are numbers of terms, and a key is
written only where it cannot be derived. `survey/site/assets/index.mjs` reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from survey.collection import Collection, Name, Paper
from survey.collection.query import HAS, KINDS, STANCES, STATUSES, normal_id
from survey.collection.text import fold
from survey.formats import FORMATS

SHARD = 200
EXPORTS = {"bibtex": "BibTeX", "ris": "RIS", "csl-json": "CSL-JSON"}
LINKS = ("code", "project")
WORDS = {"stance": STANCES, "kind": KINDS, "has": HAS, "status": STATUSES}
SECTIONS = {
    "method": "methods", "family": "families", "pitfall": "pitfalls", "benchmark": "benchmarks",
    "metric": "metrics", "venue": "venues",
}  # fmt: skip


def write_data(collection: Collection, out: Path) -> None:
    """Write `data/` below the site's root `out`: index, details and export shards."""
    data = out / "data"
    write(data / "index.json", to_json(index(collection)))
    write(data / "details.json", to_json(details(collection)))
    papers = list(collection.values())
    for name in EXPORTS:
        for number, start in enumerate(range(0, len(papers), SHARD)):
            shard = papers[start : start + SHARD]
            entries = [FORMATS[name].entry(paper, collection.taxonomy) for paper in shard]
            write(data / "export" / name / f"{number}.json", to_json(entries))


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write(path: Path, text: str) -> None:
    """Write a file, and the folders above it, as UTF-8 with plain line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def index(collection: Collection) -> dict[str, Any]:
    """What the first view needs: titles, authors, years, tags, and the words of queries."""
    papers = list(collection.values())
    names = [[_halves(name) for name in paper.names] for paper in papers]
    return {
        "terms": {field: _terms(collection, field) for field in SECTIONS},
        "words": WORDS,
        "families": [
            list(collection.taxonomy.families).index(method.family)
            for method in _all(collection, "method")
        ],
        "metrics": [
            _numbers(collection, "metric", benchmark.metrics)
            for benchmark in _all(collection, "benchmark")
        ],
        "founders": _founders(collection, papers),
        "formats": {name: _format(name, label) for name, label in EXPORTS.items()},
        "shard": SHARD,
        "years": [[year, len(list(group))] for year, group in groupby(p.year for p in papers)],
        "keys": {
            str(row): paper.key
            for row, paper in enumerate(papers)
            if paper.key != derived_key(names[row][0][1], paper.year, paper.title)
        },
        "columns": {
            "title": "\n".join(paper.title for paper in papers),
            "given": "\t".join(given for row in names for given, _ in row),
            "family": "\n".join("\t".join(family for _, family in row) for row in names),
            **_tags(collection, papers),
        },
    }


def _all(collection: Collection, field: str) -> Iterable:
    return getattr(collection.taxonomy, SECTIONS[field]).values()


def _terms(collection: Collection, field: str) -> list[list[str]]:
    """Terms as [id, name, ...aliases]; the name is left out where it is the id and ends the row."""
    rows = [[term.id, term.name, *term.aliases] for term in _all(collection, field)]
    return [row[:1] if row[1:] == row[:1] else row for row in rows]


def _numbers(collection: Collection, field: str, ids: Iterable[str]) -> list[int]:
    """Positions of terms in their section; ids that the taxonomy does not know are left out."""
    known = {id: n for n, id in enumerate(getattr(collection.taxonomy, SECTIONS[field]))}
    return [known[id] for id in dict.fromkeys(ids) if id in known]


def _founders(collection: Collection, papers: list[Paper]) -> dict[str, list[int]]:
    """Rows of the papers that founded a metric, by the metric's number."""
    rows = {paper.key: row for row, paper in enumerate(papers)}
    found = {}
    for number, metric in enumerate(_all(collection, "metric")):
        if founders := sorted({rows[key] for key in metric.papers if key in rows}):
            found[str(number)] = founders
    return found


def _format(name: str, label: str) -> dict[str, str]:
    form = FORMATS[name]
    return {
        "label": label,
        "extension": form.extension,
        "type": form.media_type,
        "header": form.header,
        "separator": form.separator,
        "footer": form.footer,
    }


def _halves(name: Name) -> tuple[str, str]:
    """A printed name in two parts that repeat often: given names, and all the rest."""
    given = name.given
    rest = name.literal or name.printed[len(given) :].strip()
    return given.replace("\t", " "), rest.replace("\t", " ")


_ARTICLES = ("a", "an", "the")


def derived_key(family: str, year: int, title: str) -> str:
    """The key as `index.mjs` derives it: nearly the house rule, from what the index holds."""
    words = [re.sub(r"[^a-z0-9]", "", fold(word)) for word in title.split(" ")]
    words = [word for word in words if word]
    while len(words) > 1 and words[0] in _ARTICLES:
        words.pop(0)
    return f"{re.sub('[^a-z]', '', fold(family))}{year}{words[0] if words else ''}"


def _tags(collection: Collection, papers: list[Paper]) -> dict[str, Any]:
    """Tags as numbers: of terms, of words, and of pairs of pitfall and stance."""
    terms = {
        field: {id: n for n, id in enumerate(getattr(collection.taxonomy, section))}
        for field, section in SECTIONS.items()
    }
    words = {field: {word: n for n, word in enumerate(known)} for field, known in WORDS.items()}

    def column(known: dict[str, int], values: Iterable[Iterable[str]]) -> str:
        return _lines([known[v] for v in dict.fromkeys(row) if v in known] for row in values)

    facets = collection.facets
    return {
        "venue": column(terms["venue"], ([p.venue] for p in papers)),
        "method": column(
            terms["method"], ((*p.proposes.methods, *p.studies.methods) for p in papers)
        ),
        "families": column(terms["family"], (p.proposes.families for p in papers)),
        "benchmark": column(
            terms["benchmark"], ((*p.proposes.benchmarks, *p.studies.benchmarks) for p in papers)
        ),
        "pitfall": _lines(
            dict.fromkeys(
                terms["pitfall"][tag.id] * len(STANCES) + words["stance"][tag.stance]
                for tag in p.pitfalls
                if tag.id in terms["pitfall"]
            )
            for p in papers
        ),
        "kind": column(words["kind"], (p.kinds for p in papers)),
        "has": column(words["has"], ((w for w in HAS if w in facets[p.key].has) for p in papers)),
        "status": column(words["status"], (sorted(facets[p.key].status) for p in papers)),
    }


def _lines(rows: Iterable[Iterable[int]]) -> str:
    return "\n".join(",".join(map(str, row)) for row in rows)


def details(collection: Collection) -> dict[str, Any]:
    """What can wait: summaries, other searched text, ids and links."""
    papers = list(collection.values())

    def some(values: Iterable) -> dict[str, Any]:
        return {str(row): value for row, value in enumerate(values) if value}

    return {
        "summary": [paper.summary or "" for paper in papers],
        "acronym": some(paper.acronym for paper in papers),
        "titles": some(paper.former_titles for paper in papers),
        "keys": some(paper.former_keys for paper in papers),
        "ids": ["\t".join(normal_id(value) for _, value in paper.ids.items()) for paper in papers],
        **{kind: some(getattr(paper.links, kind) for paper in papers) for kind in LINKS},
    }
