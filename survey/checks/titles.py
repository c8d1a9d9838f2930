"""P: typography of titles."""

from __future__ import annotations

import re
import unicodedata

from survey.checks.registry import Entry, Finding, Found, Severity, Taxonomy, entry_rule
from survey.collection.paper import Paper

SMALL = (
    "a an the of in on for to and or with without via by from at as into through under toward "
    "towards using beyond between across"
).split()
GLUED = re.compile(
    rf"\b({'|'.join(SMALL)})([A-Z][a-z]+)\b|\b({'|'.join(w for w in SMALL if len(w) > 1)})([A-Z]{{2,}}\w*)"
)
LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl"}
_LIGATURES = str.maketrans(LIGATURES)
# Accidents in the order in which they are mended: what is found, and what takes its place.
ACCIDENTS = (
    (re.compile(r"[\u00ad\u200b-\u200d\u2060\ufeff]"), ""),
    (re.compile(r"\s{2,}|[\t\n\u00a0\u2009]"), " "),
    (re.compile(r" +([,;:?!.])(?=\s|$)"), r"\1"),
    (re.compile(r"``|''"), '"'),
    (re.compile(r"(?<![.!?])\.$"), ""),
)
BROKEN_LINE = re.compile(r"[a-z]- [a-z]")
ELLIPSIS = re.compile(r"- (and|or|to) ")  # short- and long-term
TIGHT_COLON = re.compile(r":[^\s/]")
RATIO = re.compile(r"\d:\d")
MARKUP = re.compile(r"\\[a-zA-Z]|[{}$]|&\w+;|</?\w+>")


@entry_rule("P601", "title-typography")
def title_typography(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """Accidents of copying: double spaces, a space before a comma, a hyphen of a line break,
    a full stop at the end, quotes of LaTeX, ligatures of a PDF.

    What the publisher prints so goes into `official_typo`.
    """
    title = paper.title
    for typo in paper.official_typo:
        title = title.replace(typo, "x")
    right = title.translate(_LIGATURES)
    for accident, replacement in ACCIDENTS:
        right = accident.sub(replacement, right)
    right = unicodedata.normalize("NFC", right)
    if right != title:
        # With an official typo taken out, the rest is not the whole title.
        fix = None if paper.official_typo else right
        hint = f"write {right}" if fix else ""
        yield Finding("P601", "the title has a typographic accident", ("title",), hint, fix)
    if BROKEN_LINE.search(title) and not ELLIPSIS.search(title):
        yield Finding("P601", "a hyphen of a line break is left in the title", ("title",))
    if TIGHT_COLON.search(title) and not RATIO.search(title):
        yield Finding("P601", "a space is missing after a colon", ("title",))
    if MARKUP.search(title):
        yield Finding("P601", "LaTeX or HTML is left in the title", ("title",), "write Unicode")


@entry_rule("P602", "title-glued-words")
def title_glued_words(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """Two words without a space, such as `inLanguage`.

    A name that is written so goes into `protect`, an official misprint into `official_typo`.
    """
    known = {w for part in (*paper.protect, *paper.official_typo, paper.acronym or "") for w in part.split()}
    for match in GLUED.finditer(paper.title):
        if match[0] not in known:
            right = " ".join(part for part in match.groups() if part)
            yield Finding("P602", f"'{match[0]}' looks like two words", ("title",), f"write {right}")


# Misspellings that were met in lists of these papers, and their kin.
MISSPELLED = {
    "paramters": "parameters", "parmeters": "parameters", "knowlege": "knowledge",
    "knowledgge": "knowledge", "knoweldge": "knowledge", "langauge": "language",
    "lanugage": "language", "modle": "model", "modles": "models", "edting": "editing",
    "eidting": "editing", "factural": "factual", "retreival": "retrieval", "neruons": "neurons",
    "evalution": "evaluation", "transfomer": "transformer", "transfomers": "transformers",
    "assocations": "associations", "consistancy": "consistency", "seperate": "separate",
}  # fmt: skip


@entry_rule("P603", "title-misspelled")
def title_misspelled(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A common misspelling in the title.

    If the publisher's own page prints it so, list the word in `official_typo`: a title is
    cited as it was published.
    """
    official = {word.lower() for typo in paper.official_typo for word in typo.split()}
    for word in re.findall(r"[A-Za-z]+", paper.title):
        right = MISSPELLED.get(word.lower())
        if right and word.lower() not in official:
            yield Finding("P603", f"'{word}' looks misspelled", ("title",), f"write {right}, or list it in official_typo")


@entry_rule("P604", "title-capitals")
def title_capitals(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """The whole title is in capitals."""
    letters = [c for c in paper.title if c.isalpha()]
    if len(letters) > 12 and sum(c.isupper() for c in letters) > 0.8 * len(letters):
        yield Finding("P604", "the title is in capitals", ("title",), "write it in title case")


@entry_rule("P605", "stale-typo-mark")
def stale_typo_mark(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """`official_typo` and `protect` name words of the title."""
    for field in ("official_typo", "protect"):
        for i, word in enumerate(getattr(paper, field)):
            if word not in paper.title:
                yield Finding("P605", f"'{word}' does not stand in the title", (field, i))


@entry_rule("P606", "acronym-unseen", Severity.INFO)
def acronym_unseen(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """Only the title was read, and the acronym does not stand in it: is it the paper's own?"""
    if paper.acronym and paper.annotated.basis == "title" and paper.acronym not in paper.title:
        yield Finding("P606", f"'{paper.acronym}' does not stand in the title", ("acronym",))
