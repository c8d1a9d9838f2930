"""Which entry a found paper is already, and what the new source adds to it."""

from __future__ import annotations

from typing import NamedTuple

from survey.checks.duplicates import COMMON, same_id, same_title, similar_title
from survey.checks.registry import Entry
from survey.collection import Collection, Paper
from survey.collection.paper import paper_from
from survey.collection.text import fold
from survey.intake.record import Record, same_people


class Match(NamedTuple):
    """An entry that is the found paper, or may be, and why. Where it is `sure`, nothing is added."""

    key: str
    why: str
    sure: bool


def find(paper: Paper, collection: Collection) -> Match | None:
    """The entry that the paper is already, by the rules of `survey check`: D401, D402 and D403."""
    new = Entry("the new paper", "", {}, paper)
    entries = [Entry(p.key, p.key, {}, p) for p in collection.values()]
    for rule in (same_id, same_title, similar_title):
        for path, finding in rule([*entries, new], collection.taxonomy):
            if path == new.path:
                return Match(finding.other, _why(rule, paper, collection[finding.other]), rule is not similar_title)
    return _nearly(paper, collection)


def _nearly(paper: Paper, collection: Collection) -> Match | None:
    """An entry by the same people whose title differs in a word: mistyped, perhaps, as the rules
    need not ask of entries that somebody has looked at."""
    ids, words = dict(paper.ids.items()), _rare(paper)
    for other in collection.values():
        theirs, there = dict(other.ids.items()), _rare(other)
        alike = len(words & there) >= 2 and len(words ^ there) <= 2 and same_people(paper.names, other.names) >= 0.5
        # Two ids of one kind are two papers, as far as anyone can tell.
        if alike and not any(theirs[scheme].lower() != id.lower() for scheme, id in ids.items() if scheme in theirs):
            return Match(other.key, "has nearly the same title, and the same authors", False)
    return None


def _rare(paper: Paper) -> frozenset[str]:
    return frozenset(fold(paper.title).split()) - COMMON


def _why(rule, paper: Paper, other: Paper) -> str:
    if rule is same_id:
        theirs = dict(other.ids.items())
        shared = next((f"{scheme} {id}" for scheme, id in paper.ids.items() if theirs.get(scheme) == id), "")
        return f"has the same id ({shared})" if shared else "has the same id in another form"
    return "has the same title" if rule is same_title else "has a similar title and the same authors"


class Change(NamedTuple):
    """What the new source would change of an entry: the field, what stands there, what would."""

    field: str
    old: object
    new: object

    def __str__(self) -> str:
        return f"{self.field}: {_shown(self.new)}" if self.old in (None, "", [], {}) else f"{self.field}: {_shown(self.old)} -> {_shown(self.new)}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


class Update(NamedTuple):
    """An entry with what a new source adds, and where the two contradict each other."""

    record: dict
    changes: tuple[Change, ...]
    conflicts: tuple[Change, ...]


def update(old: dict, new: dict, found: Record) -> Update:
    """What the entry `old` gains from the draft `new` of the same paper; nothing of it is lost.

    A preprint becomes what was published, where most authors are the same people. Whatever else
    contradicts the entry is told, not changed.
    """
    record, changes, conflicts = dict(old), [], []

    def put(field: str, value: object) -> None:
        changes.append(Change(field, old.get(field), value))
        record[field] = value

    theirs = paper_from({**new, "kinds": ["analysis"], "annotated": {"basis": "title", "on": "2026-01-01"}}, "new2026paper")
    ours = paper_from(old, "old2026paper")
    published = old["venue"] == "arxiv" and new["venue"] != "arxiv"
    known = same_people(ours.names, theirs.names) >= 0.5
    if published and known:
        for field in ("venue", "year"):
            if old.get(field) != new.get(field):
                put(field, new[field])
        if fold(old["title"]) != fold(new["title"]):
            titles = [*old.get("former_titles", ()), old["title"]]
            put("former_titles", [t for t in dict.fromkeys(titles) if fold(t) != fold(new["title"])])
            put("title", new["title"])
        if [n.printed for n in ours.names] != [n.printed for n in theirs.names]:
            put("authors", new["authors"])
        weak = [f for f in old.get("unconfirmed", ()) if f in ("tags", "ids")]
        weak += [f for f in new.get("unconfirmed", ()) if f not in weak]
        if weak != list(old.get("unconfirmed", ())):
            put("unconfirmed", weak)
    else:
        confirmed = []
        for field, same in (
            ("title", fold(old["title"]) == fold(new["title"])),
            ("authors", [fold(n.printed) for n in ours.names] == [fold(n.printed) for n in theirs.names]),
            ("year", old["year"] == new["year"]), ("venue", old["venue"] == new["venue"]),
        ):  # fmt: skip
            if same and field in old.get("unconfirmed", ()) and field not in new.get("unconfirmed", ()):
                confirmed.append(field)
            elif not same and not (field in ("year", "venue") and new["venue"] == "arxiv"):
                conflicts.append(Change(field, old[field], new[field]))
        if confirmed:
            put("unconfirmed", [f for f in old["unconfirmed"] if f not in confirmed])
    for field in ("ids", "links"):
        mine, yours = dict(old.get(field, {})), new.get(field, {})
        added = {k: v for k, v in yours.items() if k not in mine}
        conflicts += [Change(f"{field}.{k}", mine[k], v) for k, v in yours.items() if k in mine and mine[k].lower().rstrip("/") != v.lower().rstrip("/")]
        if added:
            changes.append(Change(field, None, added))
            record[field] = {**mine, **added}
    if record["venue"] != "arxiv":
        for field in ("pages", "volume"):
            if new.get(field) and not old.get(field):
                put(field, new[field])
            elif new.get(field) and old.get(field) != new[field]:
                conflicts.append(Change(field, old[field], new[field]))
    if new.get("acronym") and not old.get("acronym") and new["acronym"] in record["title"]:
        put("acronym", new["acronym"])
    if found.withdrawn and not old.get("status"):
        put("status", "withdrawn")
        if not old.get("note"):
            put("note", f"{found.source}: {found.withdrawn}"[:300])
    sources = [s for s in new["sources"] if s not in old["sources"]]
    if changes and sources:
        record["sources"] = [*old["sources"], *sources]
    return Update(record, tuple(changes), tuple(conflicts))
