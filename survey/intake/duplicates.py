"""Which entry a found paper is already, and what the new source adds to it."""

from __future__ import annotations

from typing import NamedTuple

from survey.checks.duplicates import COMMON, same_id, same_title, similar_title
from survey.checks.registry import Entry
from survey.collection import Collection, Name, Paper
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
                other = collection[finding.other]
                # A title alone may be another paper's, too.
                sure = rule is same_id or (rule is same_title and same_people(paper.names, other.names) >= 0.5)
                return Match(other.key, _why(rule, paper, other), sure)
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

    A preprint becomes what was published. Whatever else contradicts the entry is told, not changed;
    where most of the authors are others, nothing is merged at all.
    """
    ours, theirs = _paper(old), _paper({**new, "kinds": ["analysis"], "annotated": {"basis": "title", "on": "2026-01-01"}})
    if same_people(ours.names, theirs.names) < 0.5:
        return Update(dict(old), (), tuple(Change(f, old[f], new[f]) for f in ("title", "authors") if old[f] != new[f]))
    merge = _Merge(old, new)
    if old["venue"] == "arxiv" and new["venue"] != "arxiv":
        _publish(merge, ours, theirs)
    else:
        _compare(merge, ours, theirs)
    for field in ("ids", "links"):
        merge.parts(field)
    if merge.record["venue"] != "arxiv":
        for field in ("pages", "volume"):
            merge.fill(field)
    if new.get("acronym") and not old.get("acronym") and new["acronym"] in merge.record["title"]:
        merge.put("acronym", new["acronym"])
    if found.withdrawn and not old.get("status"):
        if old["venue"] == "arxiv":
            merge.put("status", "withdrawn")
            if not old.get("note"):
                merge.put("note", f"{found.source}: {found.withdrawn}"[:300])
        else:
            # The preprint was withdrawn, and the publication stands.
            merge.conflicts.append(Change("status", "published", f"withdrawn ({found.withdrawn[:100]})"))
    sources = [s for s in new["sources"] if s not in old["sources"]]
    if merge.changes and sources:
        merge.record["sources"] = [*old["sources"], *sources]
    return Update(merge.record, tuple(merge.changes), tuple(merge.conflicts))


def _paper(record: dict) -> Paper:
    return paper_from(record, "some2026paper")


class _Merge:
    """The entry as it becomes, and what was changed or could not be."""

    def __init__(self, old: dict, new: dict) -> None:
        self.old, self.new, self.record = old, new, dict(old)
        self.changes: list[Change] = []
        self.conflicts: list[Change] = []

    def put(self, field: str, value: object) -> None:
        self.changes.append(Change(field, self.old.get(field), value))
        self.record[field] = value

    def fill(self, field: str) -> None:
        """Take the field where the entry has none."""
        mine, yours = self.old.get(field), self.new.get(field)
        if yours and not mine:
            self.put(field, yours)
        elif yours and mine != yours:
            self.conflicts.append(Change(field, mine, yours))

    def parts(self, field: str) -> None:
        """The same for each part of a field."""
        mine, yours = dict(self.old.get(field, {})), self.new.get(field, {})
        added = {k: v for k, v in yours.items() if k not in mine}
        for k, v in yours.items():
            if k in mine and mine[k].lower().rstrip("/") != v.lower().rstrip("/"):
                self.conflicts.append(Change(f"{field}.{k}", mine[k], v))
        if added:
            self.changes.append(Change(field, None, added))
            self.record[field] = {**mine, **added}


def _publish(merge: _Merge, ours: Paper, theirs: Paper) -> None:
    """Make the preprint what was published."""
    old, new = merge.old, merge.new
    for field in ("venue", "year"):
        if old[field] != new[field]:
            merge.put(field, new[field])
    if "published" in old and not old["published"].startswith(str(new["year"])):
        merge.changes.append(Change("published", old["published"], "left out"))
        del merge.record["published"]
    if fold(old["title"]) != fold(new["title"]):
        merge.put("title", new["title"])
        titles = [*old.get("former_titles", ()), old["title"]]
        merge.put("former_titles", [t for t in dict.fromkeys(titles) if fold(t) != fold(new["title"])])
    if [n.printed for n in ours.names] != [n.printed for n in theirs.names]:
        whole = "authors" not in new.get("unconfirmed", ()) and _nobody_lost(ours.names, theirs.names)
        if whole:
            merge.put("authors", new["authors"])
        else:
            merge.conflicts.append(Change("authors", old["authors"], new["authors"]))
    weak = [f for f in old.get("unconfirmed", ()) if f in ("tags", "ids") or (f == "authors" and f in new.get("unconfirmed", ()))]
    weak += [f for f in new.get("unconfirmed", ()) if f not in weak and f != "authors"]
    if weak != list(old.get("unconfirmed", ())):
        merge.put("unconfirmed", weak)


def _nobody_lost(ours: tuple[Name, ...], theirs: tuple[Name, ...]) -> bool:
    """Whether all of our authors stand in their list, none with less of the given name."""
    there = {fold(f"{n.particle} {n.sorting}"): fold(n.given) for n in theirs}
    return all(len(there.get(fold(f"{n.particle} {n.sorting}"), "").split(" ")[0]) >= min(2, len(fold(n.given).split(" ")[0])) for n in ours)


def _compare(merge: _Merge, ours: Paper, theirs: Paper) -> None:
    """Confirm what both say, and tell what they say differently."""
    old, new, confirmed = merge.old, merge.new, []
    for field, same in (
        ("title", fold(old["title"]) == fold(new["title"])),
        ("authors", [fold(n.printed) for n in ours.names] == [fold(n.printed) for n in theirs.names]),
        ("year", old["year"] == new["year"]), ("venue", old["venue"] == new["venue"]),
    ):  # fmt: skip
        if same and field in old.get("unconfirmed", ()) and field not in new.get("unconfirmed", ()):
            confirmed.append(field)
        elif not same and not (field in ("year", "venue") and new["venue"] == "arxiv"):
            merge.conflicts.append(Change(field, old[field], new[field]))
    if confirmed:
        merge.put("unconfirmed", [f for f in old["unconfirmed"] if f not in confirmed])
