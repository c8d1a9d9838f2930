"""N: authors."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict

from survey.checks.registry import (
    Entry,
    Finding,
    Found,
    Severity,
    Taxonomy,
    collection_rule,
    entry_rule,
)
from survey.collection.names import SUFFIXES
from survey.collection.paper import Paper
from survey.collection.text import fold


def _printed(paper: Paper):
    """Each author who is a person: (place in the entry, name, whether it is written plainly)."""
    for i, author in enumerate(paper.authors):
        if isinstance(author, str):
            yield ("authors", i), author, True
        elif not author.literal:
            yield ("authors", i), author.name.printed, False


CAPITALS = re.compile(r"[^\W\d_]{4,}")
TWO_CAPITALS = re.compile("[A-Z]{2}")
WORD = re.compile(r"[^\W\d_]{2,}")


@entry_rule("N501", "name-in-capitals")
def name_in_capitals(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A name in capitals, as some title pages print it: write Kevin Meng, not KEVIN MENG."""
    for where, name, _ in _printed(paper):
        if name.isascii() and not TWO_CAPITALS.search(name):
            continue
        shouted = [w for w in CAPITALS.findall(name) if w.isupper()]
        long = [w for w in WORD.findall(name) if w.lower() not in SUFFIXES]
        if shouted or (len(long) > 1 and all(w.isupper() for w in long)):
            right = name
            for word in filter(str.isupper, long):
                right = right.replace(word, word.capitalize())
            yield Finding("N501", f"'{name}' is in capitals", where, f"write {right}")


MARKS = re.compile(r"[0-9*†‡§¶∗⁎⋆★☆‖∥♠♣♥♦✉#^]|[¹²³⁰-⁹]+")


@entry_rule("N502", "name-with-marks")
def name_with_marks(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A digit or a footnote mark that the title page put behind a name."""
    for where, name, plain in _printed(paper):
        if MARKS.search(name):
            right = MARKS.sub("", name).strip(" ,")
            fix = right if plain and right else None
            yield Finding("N502", f"'{name}' holds a footnote mark", where, f"write {right}", fix)


ET_AL = re.compile(r"\bet\.? al\b|^(and )?others$|^…$|^\.\.\.$", re.I)


@entry_rule("N503", "et-al")
def et_al(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """All authors are listed; "et al." and "and others" are for reference lists."""
    for i, name in enumerate(n.printed for n in paper.names):
        where = ("authors", i)
        if ET_AL.search(name):
            yield Finding("N503", f"'{name}' is no author", where, "list every author")


SUFFIX = re.compile(rf",? ({'|'.join(map(re.escape, sorted(SUFFIXES)))})$", re.I)
SEVERAL = re.compile(r"[,;&]| and ")


@entry_rule("N504", "several-names")
def several_names(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """One item holds several names, or a name that is written family name first."""
    for where, name, plain in _printed(paper):
        if plain and SEVERAL.search(SUFFIX.sub("", name)):
            hint = "one item for each author, given name first"
            yield Finding("N504", f"'{name}' is not one name", where, hint)


@entry_rule("N505", "lone-suffix")
def lone_suffix(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A suffix such as Jr. or IV was taken for a family name, and the family name was lost."""
    for where, name, _ in _printed(paper):
        words = name.lower().split()
        if len(words) == 2 and words[1] in SUFFIXES:
            yield Finding("N505", f"'{name}' has a suffix but no family name", where)


@entry_rule("N506", "author-twice")
def author_twice(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """The same author stands twice in one list."""
    seen = {}
    for where, name, _ in _printed(paper):
        if fold(name) in seen:
            yield Finding("N506", f"'{name}' stands in the list twice", where)
        seen[fold(name)] = where


BROKEN = re.compile(r"[\\{}<>_=~|]|&\w+;|Ã.|\ufffd")


@entry_rule("N507", "name-characters")
def name_characters(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A character that no name holds: a broken encoding, a LaTeX command, an HTML entity."""
    for where, name, plain in _printed(paper):
        composed = unicodedata.normalize("NFC", name)
        if BROKEN.search(name):
            yield Finding("N507", f"'{name}' is not plain Unicode", where, "write the letters themselves")
        elif composed != name:
            fix = composed if plain else None
            yield Finding("N507", f"'{name}' has accents apart from their letters", where, "", fix)


@collection_rule("N508", "two-spellings", Severity.INFO)
def two_spellings(entries: list[Entry], taxonomy: Taxonomy):
    """Two spellings that may be the same person: Alex Andonian, Alex J Andonian.

    It is told, not mended: names are kept as printed on each paper.
    """
    spellings = defaultdict(dict)
    for entry in entries:
        for where, name, _ in _printed(entry.paper):
            words = fold(name).split()
            if len(words) > 1:
                spellings[words[0], words[-1]].setdefault(name, (entry, where))
    for names in spellings.values():
        if len(names) > 1:
            first, *others = names
            for other in others:
                entry, where = names[other]
                if _middle(first) and _middle(other) and fold(first) != fold(other):
                    continue  # Two different middle names are two people.
                yield entry.path, Finding("N508", f"'{other}' is '{first}' in {names[first][0].key}", where)


def _middle(name: str) -> list[str]:
    return fold(name).split()[1:-1]
