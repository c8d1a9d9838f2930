"""What several formats need to know about a paper."""

from __future__ import annotations

import re

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy, Venue

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def venue_of(paper: Paper, taxonomy: Taxonomy) -> Venue:
    return taxonomy.venues[paper.venue]


def booktitle(paper: Paper, taxonomy: Taxonomy) -> str:
    """Title of the proceedings or of the journal."""
    return paper.booktitle or venue_of(paper, taxonomy).booktitle_of(paper.year)


def month(paper: Paper, taxonomy: Taxonomy) -> int | None:
    """Month of publication, 1 to 12, where it is known."""
    if paper.published:
        return int(paper.published[5:])
    return venue_of(paper, taxonomy).edition(paper.year).month


def volume(paper: Paper, taxonomy: Taxonomy) -> str | None:
    return paper.volume or venue_of(paper, taxonomy).edition(paper.year).volume


_ACRONYM = re.compile(r"\w*[A-Z]\w*[A-Z]\w*|[a-zµ]+[A-Z]\w*|\w*[A-Z]\w*[0-9]+\w*|[0-9]+[A-Z]\w*")
_WORD = re.compile(r"[^\W_]+(?:[+^]+(?=\s|$|[:,.?]))?")


def protected(paper: Paper) -> list[tuple[str, bool]]:
    """The title in pieces, each with whether its capitals must stay as they are.

    Acronyms are recognised by two capitals, a capital after a small letter, or a capital with a
    digit; other words are protected where the entry says so.
    """
    title = paper.title
    spans = [m.span() for m in _WORD.finditer(title) if _ACRONYM.fullmatch(m[0].rstrip("+^"))]
    words = list(paper.protect) + ([paper.acronym] if paper.acronym else [])
    for word in words:
        if any(c.isupper() for c in word):
            pattern = rf"(?<!\w){re.escape(word)}(?!\w)"
            spans += [m.span() for m in re.finditer(pattern, title)]
    pieces: list[tuple[str, bool]] = []
    at = 0
    for start, end in sorted(spans, key=lambda s: (s[0], -s[1])):
        if start < at:
            continue
        if start > at:
            pieces.append((title[at:start], False))
        pieces.append((title[start:end], True))
        at = end
    if at < len(title):
        pieces.append((title[at:], False))
    return pieces
