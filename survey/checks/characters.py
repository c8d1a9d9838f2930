"""S106, S107: characters that a reader does not see, or takes for others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from survey.checks.registry import Entry, Finding, Found, Taxonomy, entry_rule
from survey.collection.paper import Paper

# Control characters; soft hyphen, joiners, blanks without width; marks that turn the direction of
# writing; line and paragraph separators; letters that look like nothing; private and no characters.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ue000-\uf8ff\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
# Running text may be written in several lines.
UNSEEN_IN_PROSE = re.compile(UNSEEN.pattern.replace("\x00-\x1f", "\x00-\x08\x0e-\x1f"))
_PROSE = (("summary",), ("note",))
# A word of Latin letters with a Cyrillic one among them, or the other way round.
MIXED = re.compile(r"[A-Za-z\u00c0-\u024f]\w*[\u0400-\u052f]\w*|[\u0400-\u052f]\w*[A-Za-z\u00c0-\u024f]\w*")


@entry_rule("S106", "unseen-character")
def unseen_character(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A character that cannot be seen, or that changes how its neighbours are shown.

    Marks that turn the direction of writing, blanks without width, control characters and private
    ones make an entry look like another one, or steer the program that shows it. No title, name or
    address needs them.
    """
    # Nearly every entry is fine, which one look at all of its text tells.
    whole = " ".join(_all(entry.record, []))
    if (whole.isascii() and whole.isprintable()) or not UNSEEN.search(whole):
        return
    for where, text in _texts(entry.record, ()):
        found = (UNSEEN_IN_PROSE if where in _PROSE else UNSEEN).search(text)
        if found:
            message = f"U+{ord(found[0]):04X} cannot be seen, or changes what is shown beside it"
            yield Finding("S106", message, where, "take it out")


@entry_rule("S107", "mixed-alphabets")
def mixed_alphabets(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A word of a title or name holds Latin and Cyrillic letters, which look the same.

    No search finds such a word, and an author who is written so gets a second page. Greek letters
    are fine, since symbols are written with them.
    """
    printed = [(("title",), paper.title), *((("authors", i), name.printed) for i, name in enumerate(paper.names))]
    for where, text in printed:
        if not text.isascii() and (found := MIXED.search(text)):
            yield Finding("S107", f"'{found[0]}' mixes Latin and Cyrillic letters", where, "write it in one alphabet")


def _all(value: object, found: list[str]) -> list[str]:
    """Every text of a record."""
    if type(value) is str:
        found.append(value)
    elif type(value) is dict:
        for inner in value.values():
            _all(inner, found)
    elif type(value) is list:
        for inner in value:
            _all(inner, found)
    return found


def _texts(value: object, where: tuple) -> Iterator[tuple[tuple, str]]:
    """Every text of a record with its place."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, (*where, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _texts(inner, (*where, i))
