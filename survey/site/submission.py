"""The data of the submission page: rules, what a new entry is compared with, and the entries.

`data/rules.json` says how an entry is written and checked (`rules.py`), `data/known.json` holds what
the comparing rules look at, a row a paper, and `data/entries/N.json` the entries themselves, in
shards, for corrections. Rows are the papers in the collection's order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from survey.collection import Collection, Paper
from survey.files.load import read_text
from survey.formats.jsonl import record
from survey.site.data import SHARD, to_json, write
from survey.site.rules import rules


def write_submission(collection: Collection, root: Path, out: Path) -> None:
    """Write the data below the site's root `out`. Entries are read again below `root` for their
    comments."""
    data = out / "data"
    write(data / "rules.json", to_json(rules(collection.taxonomy)))
    papers = list(collection.values())
    write(data / "known.json", to_json({"shard": SHARD, "rows": [row(path_of(p), p) for p in papers]}))
    for number, start in enumerate(range(0, len(papers), SHARD)):
        shard = [_entry(paper, root) for paper in papers[start : start + SHARD]]
        write(data / "entries" / f"{number}.json", to_json(shard))


def path_of(paper: Paper) -> str:
    """Where an entry lies in the repository."""
    return f"papers/{paper.year}/{paper.key}.yaml"


def row(path: str, paper: Paper) -> list[Any]:
    """What is compared: path, title, authors, year, venue, and what else there is."""
    fields = record(paper)
    authors = fields["authors"]
    if all(isinstance(author, str) for author in authors):
        authors = "\n".join(authors)
    more = {name: fields[name] for name in ("ids", "links", "former_titles", "former_keys") if name in fields}
    if paper.related:
        more["related"] = [{"key": r.key, "as": r.relation} for r in paper.related]
    return [path, paper.title, authors, paper.year, paper.venue, *([more] if more else [])]


def _entry(paper: Paper, root: Path) -> dict[str, Any]:
    """The record of an entry, and its text where that holds comments, which a record cannot."""
    fields = record(paper)
    del fields["key"]
    file = root / path_of(paper)
    text = read_text(file) if file.is_file() else ""
    return {"record": fields, "text": text} if "#" in text else {"record": fields}
