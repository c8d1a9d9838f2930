"""What a source says of a paper, before it becomes an entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from survey.collection.names import Name
from survey.collection.text import fold


class Place(NamedTuple):
    """Where a paper came out: as the source prints it, and the taxonomy's id if it is known."""

    printed: str
    venue: str | None = None
    year: int | None = None


@dataclass(frozen=True)
class Record:
    """A paper as one source, or several together, describe it. Texts are plain Unicode.

    `abstract` is read for suggestions and never stored.
    """

    source: str
    title: str = ""
    authors: tuple[Name, ...] = ()
    year: int | None = None
    place: Place | None = None
    ids: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    pages: str | None = None
    volume: str | None = None
    protect: tuple[str, ...] = ()
    abstract: str = ""
    comment: str = ""
    withdrawn: str = ""
    former_titles: tuple[str, ...] = ()
    published_as: str | None = None
    """DOI of the published version of a preprint, where the source names it."""
    unconfirmed: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the person should know: what was not found, followed or believed."""


def same_people(one: tuple[Name, ...], other: tuple[Name, ...]) -> float:
    """Share of the shorter list of authors whose family names stand in the other list, too."""
    ours, theirs = ({fold(f"{n.particle} {n.sorting}") for n in names} for names in (one, other))
    return len(ours & theirs) / min(len(ours), len(theirs)) if ours and theirs else 0.0


def alike_titles(one: str, other: str) -> float:
    """Share of common words, of all words of two titles (Jaccard)."""
    ours, theirs = set(fold(one).split()), set(fold(other).split())
    return len(ours & theirs) / len(ours | theirs) if ours and theirs else 0.0
