"""The data of the submission page: rules, what a new entry is compared with, and the entries.

`data/rules.json` says how an entry is written and checked (`rules.py`), `data/known.json` holds what
the comparing rules look at, a row a paper, and `data/entries/N.json` the entries themselves, in
shards, for corrections. Rows are the papers in the collection's order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from survey.collection import Collection, Paper
from survey.files.comments import comments_of
from survey.files.load import read_text
from survey.formats.jsonl import record
from survey.site.data import SHARD, to_json, write
from survey.site.guide import as_text, meanings
from survey.site.rules import rules


def write_submission(collection: Collection, root: Path, out: Path) -> None:
    """Write the data below the site's root `out`. Entries are read again below `root` for their
    comments."""
    data = out / "data"
    write(data / "rules.json", to_json({**rules(collection.taxonomy), "guide": _guide(root)}))
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
    """The record of an entry, and the comments of its file, which no record holds."""
    fields = record(paper)
    del fields["key"]
    file = root / path_of(paper)
    text = read_text(file) if file.is_file() else ""
    if "#" not in text:
        return {"record": fields}
    found = comments_of(text.replace("\r\n", "\n"))
    inside = [{"where": c.where, "side": c.side, "text": c.text} for c in found.inside]
    return {"record": fields, "comments": {"head": found.head, "inside": inside, "foot": found.foot}}


def _guide(root: Path) -> dict[str, dict[str, str]]:
    """What the tagging guide says of pitfalls and stances; nothing where there is no guide."""
    guide = root / "docs" / "contributing" / "tagging.md"
    if not guide.is_file():
        return {}
    tables = {"pitfalls": "pitfalls: which", "stances": "pitfalls: which stance"}
    text = guide.read_text("utf-8")
    return {name: {tag: as_text(words) for tag, words in meanings(text, heading).items()} for name, heading in tables.items()}
