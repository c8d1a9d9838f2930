"""Whether entries still say what their sources say today.

A title changes on publication, and authors reorder themselves: that is told as a change. An id whose
paper has neither the title nor the authors of the entry was never the entry's, and is told as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from survey.collection import Collection, Paper, Taxonomy
from survey.collection.names import Name
from survey.collection.text import fold
from survey.intake import acl_anthology, arxiv, crossref, datacite, openreview
from survey.intake.audit import Found, Report, today
from survey.intake.client import Client
from survey.intake.errors import IntakeError, NotFound, Unavailable
from survey.intake.lookup import settled
from survey.intake.record import Record, alike_titles, same_people

PATIENCE = 3
"""Failures in a row after which a service is left in peace."""
_ALIKE = 0.4


def _doi(client: Client, doi: str) -> Record:
    try:
        return crossref.fetch(client, doi)
    except NotFound:
        return datacite.fetch(client, doi)


_FETCH = {"anthology": acl_anthology.fetch, "doi": _doi, "openreview": openreview.fetch}


def audit(collection: Collection, papers: Iterable[Paper], client: Client, step: Callable[[float], None] = lambda n: None) -> Report:
    """Compare every paper with arXiv and with the source of its publication, as far as it has ids.

    Services that fail are told in the notes of the report, which then is not complete.
    """
    papers = list(papers)
    rows: list[Found] = []
    notes: list[str] = []
    compared = 0
    for paper, scheme, record in _records(papers, client, notes, step):
        compared += 1
        rows += compare(paper, scheme, record, collection.taxonomy) if record else [_gone(paper, scheme)]
    order = {paper.key: n for n, paper in enumerate(papers)}
    rows.sort(key=lambda row: order[row.key])
    return Report("drift", compared, tuple(rows), today(), not notes, tuple(notes))


def wanted(paper: Paper) -> list[tuple[str, str]]:
    """What is looked up of a paper: its preprint, and the best source of its publication."""
    found = [("arxiv", paper.ids.arxiv)] if paper.ids.arxiv else []
    return found + next(([(s, v)] for s in _FETCH if (v := getattr(paper.ids, s))), [])


def _records(papers: list[Paper], client: Client, notes: list[str], step) -> Iterator[tuple[Paper, str, Record | None]]:
    """What the sources say, None where they do not know the id; each service in turn."""
    preprints = [p for p in papers if p.ids.arxiv]
    for start in range(0, len(preprints), arxiv.BATCH):
        batch = preprints[start : start + arxiv.BATCH]
        try:
            found = arxiv.fetch_many(client, [p.ids.arxiv for p in batch])
        except IntakeError as error:
            what = f"the preprint of {batch[0].key} was" if len(batch) == 1 else f"{len(batch)} preprints, from {batch[0].key} on, were"
            notes.append(f"{error}; {what} not compared")
        else:
            yield from ((p, "arxiv", found.get(p.ids.arxiv)) for p in batch)
        step(len(batch))
    for scheme, fetch in _FETCH.items():
        theirs = [(p, id) for p in papers for s, id in wanted(p) if s == scheme]
        failures = 0
        for number, (paper, id) in enumerate(theirs):
            if failures == PATIENCE:
                notes.append(f"after {PATIENCE} failures in a row, no more papers were looked up by {scheme} ({len(theirs) - number} left)")
                step(len(theirs) - number)
                break
            try:
                record = fetch(client, id)
            except NotFound:
                yield paper, scheme, None
            except IntakeError as error:
                failures = failures + 1 if isinstance(error, Unavailable) else 0
                notes.append(f"{paper.key} was not compared: {error}")
                step(1)
                continue
            else:
                yield paper, scheme, record
            failures = 0
            step(1)


def compare(paper: Paper, scheme: str, record: Record, taxonomy: Taxonomy) -> list[Found]:
    """What the entry and one of its sources say differently."""
    id = getattr(paper.ids, scheme)
    # An update follows a preprint; a title, authors or a publication that say otherwise are a person's to mend.
    follow, look = f"survey add --update {_typed(scheme, id)}", f"survey show {paper.key}"
    titles = (paper.title, *paper.former_titles)
    alike, people = max(alike_titles(t, record.title) for t in titles), same_people(paper.names, record.authors)
    if (alike < _ALIKE and people < 0.5) or (alike < 0.8 and people < 0.2):
        other = f"{record.title} by {record.authors[0].printed}"
        return [Found("another-paper", paper.key, f"ids.{scheme}", f"{id}, {paper.title}", other, look)]
    found = []
    if record.withdrawn and not paper.status:
        found.append(Found("withdrawn", paper.key, "status", "nothing", f"{record.source}: {record.withdrawn}"[:400], follow if paper.preprint else look))
    if paper.preprint and (where := _published(scheme, record, taxonomy)):
        found.append(Found("published", paper.key, "venue", f"{paper.venue} {paper.year}", where, follow))
    if not any(fold(record.title) == fold(t) for t in titles):
        found.append(Found("title", paper.key, "title", paper.title, record.title, look))
    # The authors of an entry are those of the publication; a preprint may list them otherwise.
    if (scheme == "arxiv") == paper.preprint and (change := _other_authors(paper.names, record.authors)):
        found.append(Found("authors", paper.key, "authors", *change, look))
    return found


def _typed(scheme: str, id: str) -> str:
    """The id as the command takes it: one that begins with a minus would be an option."""
    return f"https://openreview.net/forum?id={id}" if scheme == "openreview" else id


def _gone(paper: Paper, scheme: str) -> Found:
    return Found("gone", paper.key, f"ids.{scheme}", getattr(paper.ids, scheme), "the source does not know it", f"survey show {paper.key}")


def _published(scheme: str, record: Record, taxonomy: Taxonomy) -> str:
    """Where the source says that the paper came out, or ''."""
    place = settled(record, taxonomy).place
    if place and place.venue and place.venue != "arxiv":
        return f"{taxonomy.venues[place.venue].name} {place.year or record.year or ''}".strip()
    if scheme != "arxiv":
        return ""
    if record.published_as and not record.published_as.startswith("10.48550/"):
        return f"DOI {record.published_as}"
    return place.printed if place else ""


def _other_authors(ours: tuple[Name, ...], theirs: tuple[Name, ...]) -> tuple[str, str] | None:
    """What the entry has, and what the source has instead, in few words; None where they agree."""
    if len(ours) == len(theirs) and all(map(_one_person, ours, theirs)):
        return None
    missing = [n.printed for n in theirs if not any(_one_person(n, o) for o in ours)]
    extra = [n.printed for n in ours if not any(_one_person(n, t) for t in theirs)]
    if missing or extra:
        return ", ".join(extra) or f"{len(ours)} authors", ", ".join(missing) or f"without {', '.join(extra)}"
    return ", ".join(n.printed for n in ours), ", ".join(n.printed for n in theirs)


def _one_person(one: Name, other: Name) -> bool:
    """Whether two names may be the same: equal, or the given name only an initial in one of them."""
    if fold(one.printed) == fold(other.printed):
        return True
    if fold(f"{one.particle} {one.sorting}") != fold(f"{other.particle} {other.sorting}"):
        return False
    ours, theirs = (fold(n.given).split() for n in (one, other))
    if not ours or not theirs:
        return False
    shorter, longer = sorted((ours[0], theirs[0]), key=len)
    # A second given name that one of them leaves out is no other person.
    return longer.startswith(shorter) if len(shorter) == 1 else longer == shorter
