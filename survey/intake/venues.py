"""From the name of a venue, as anybody prints it, to the taxonomy's id.

`survey/site/assets/venues.mjs` maps names in the same way, from the same phrases.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from survey.collection.taxonomy import Taxonomy
from survey.collection.text import fold
from survey.intake.record import Place

# Words that make a part of an event a venue of its own, and how its id is made from the event's.
PARTS = (
    ("findings", "findings-{}"),
    ("system demonstration", "{}-demos"),
    ("demo", "{}-demos"),
    ("industry", "{}-industry"),
    ("student research", "{}-srw"),
    ("tutorial", "{}-tutorials"),
    ("workshop", "{}-workshop"),
    ("symposium", "{}-symposium"),
    ("companion", "{}-companion"),
)
# Words that, left beside the name of a venue, say that it is another one.
_OTHER = re.compile(r"\b(?:ethics|society|cybernetics|retrieval|icmla|iaai|applications of artificial intelligence|interactive digital entertainment)\b")
_NOT_OUT = re.compile(r"\b(?:submitted|submission|under review|rejected|withdrawn|arr)\b")


class Phrase(NamedTuple):
    """Folded words that mean a venue."""

    words: str
    venue: str


def phrases(taxonomy: Taxonomy) -> tuple[Phrase, ...]:
    """Every name, full name, name in print and rule of a title in the taxonomy, longest first."""
    found: dict[str, str] = {}
    for venue in taxonomy.venues.values():
        rule = re.sub(r"\{year\}|\bProceedings of (?:the )?", " ", venue.booktitle or "")
        titles = (re.sub(r"\b\d+(?:st|nd|rd|th)\b|\b(?:19|20)\d\d\b|Proceedings of (?:the )?|\(Volume.*", " ", e.booktitle or "") for e in venue.years.values())
        for text in (venue.id, venue.name, venue.full_name, *venue.aliases, *venue.printed, rule, *titles):
            if words := fold(text):
                found.setdefault(words, venue.id)
    found.pop("arxiv", None)
    return tuple(Phrase(*item) for item in sorted(found.items(), key=lambda item: (-len(item[0]), item[0])))


def locate(printed: str, taxonomy: Taxonomy, year: int | None = None) -> Place:
    """The place with the taxonomy's venue, None where it has none, and the year the name holds.

    >>> locate("Findings of the Association for Computational Linguistics: EMNLP 2024", taxonomy)
    Place(printed='Findings ...', venue='findings-emnlp', year=2024)
    """
    match = re.search(r"(?<!\d)((?:19|20)\d\d)(?!\d)", printed) or re.search(r"\b[A-Z]{3,}\s?['’](\d\d)\b", printed)
    found = int(match[1]) if match else year
    found = found + 2000 if match and found < 100 else found
    # ICLR2024, ACL'24
    spaced = re.sub(r"(?<=[A-Za-z])(?=(?:19|20)\d\d)|['’]\d\d\b", " ", printed)
    text = re.sub(r"\b(?:\d+(?:st|nd|rd|th)|(?:19|20)\d\d|proceedings of(?: the)?)\b", " ", fold(spaced))
    text = f" {' '.join(text.split())} "
    if _NOT_OUT.search(text) and "accepted" not in text:
        return Place(printed, None, found)
    venue = next((p.venue for p in phrases(taxonomy) if f" {p.words} " in text and not _OTHER.search(text.replace(p.words, ""))), None)
    return Place(printed, _part(venue, text, taxonomy) if venue else None, found)


def _part(venue: str, text: str, taxonomy: Taxonomy) -> str | None:
    """The venue itself, or the part of it that the text names; None for a part we do not list."""
    for word, form in PARTS:
        if f" {word}" in text:
            own = fold(f"{taxonomy.venues[venue].id} {taxonomy.venues[venue].full_name}")
            if word in own or taxonomy.venues[venue].type == word:
                return venue
            part = form.format(venue)
            return part if part in taxonomy.venues else None
    return venue


def of_anthology(id: str, taxonomy: Taxonomy) -> str | None:
    """The venue of an id of the ACL Anthology: 2024.findings-emnlp.550 -> findings-emnlp."""
    match = re.match(r"[0-9]{4}\.([a-z0-9_]+-[a-z0-9_]+)\.[0-9]+$", id)
    return next((v.id for v in taxonomy.venues.values() if match and match[1] in v.anthology), None)
