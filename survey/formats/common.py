"""What several formats need to know about a paper."""

from __future__ import annotations

import re
from typing import NamedTuple

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy, Venue

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


class Publication(NamedTuple):
    """Where and when a paper came out, as far as entry and venue tell together."""

    venue: Venue
    title: str  # of the proceedings or the journal
    volume: str | None
    month: int | None  # 1 to 12
    address: str | None


def publication(paper: Paper, taxonomy: Taxonomy) -> Publication:
    """What the entry says itself goes before what its venue says of that year."""
    venue = taxonomy.venues[paper.venue]
    edition = venue.edition(paper.year)
    return Publication(
        venue,
        paper.booktitle or edition.booktitle or venue.booktitle_of(paper.year),
        paper.volume or edition.volume,
        int(paper.published[5:]) if paper.published else edition.month,
        edition.address,
    )


def paired(text: str) -> str:
    """The text with its straight quotes as opening and closing ones."""
    return re.sub(r'"([^"]*)"', r"“\1”", text) if '"' in text else text


# Two capitals, a capital behind a small letter, or a capital and a digit; `++` and the like belong
# to the word.
ACRONYM = re.compile(
    r"(?<![^\W_])"
    r"(?:[^\W_]*[A-Z][^\W_]*[A-Z][^\W_]*|[a-zµμ]+[A-Z][^\W_]*|[^\W_]*[A-Z][^\W_]*[0-9][^\W_]*|[0-9]+[A-Z][^\W_]*)"
    r"(?![^\W_])(?:[+^]+(?=\s|$|[:,.?]))?"
)


def protected(paper: Paper) -> list[tuple[str, bool]]:
    """The title in pieces, each with whether its capitals must stay as they are.

    Acronyms are recognised by two capitals, a capital after a small letter, or a capital with a
    digit; other words are protected where the entry says so.
    """
    title = paired(paper.title)  # Before it is cut, since two quotes may fall into two pieces.
    spans, at = [], 0
    # Most words are small but for their first letter.
    for word in [w for w in title.split() if not w[1:].islower()]:
        at = title.index(word, at)
        spans += [(at + m.start(), at + m.end()) for m in ACRONYM.finditer(word)]
        at += len(word)
    for word in (*paper.protect, paper.acronym or ""):
        if word in title and not word.islower():
            spans += _places(word, title)
    if not spans:
        return [(title, False)]
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


def protected_words(title: str) -> set[str]:
    """The words of a title whose capitals are kept without being told so."""
    return {match[0] for match in ACRONYM.finditer(title)}


def _places(word: str, title: str) -> list[tuple[int, int]]:
    """Where a word stands in the title by itself, if there is anything to find."""
    found, at = [], title.find(word) if word else -1
    while at >= 0:
        end = at + len(word)
        if not (title[at - 1 : at].isalnum() and word[0].isalnum()) and not (title[end : end + 1].isalnum() and word[-1].isalnum()):
            found.append((at, end))
        at = title.find(word, end)
    return found
