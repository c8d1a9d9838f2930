"""P: typography of titles."""

from __future__ import annotations

import re
import unicodedata

from survey.checks.registry import Entry, Finding, Found, Severity, Taxonomy, entry_rule
from survey.collection.paper import Paper

_SMALL = (
    "a an the of in on for to and or with without via by from at as into through under toward "
    "towards using beyond between across"
).split()
_GLUED = re.compile(
    rf"\b({'|'.join(_SMALL)})([A-Z][a-z]+)\b|\b({'|'.join(w for w in _SMALL if len(w) > 1)})([A-Z]{{2,}}\w*)"
)
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl"})


@entry_rule("P601", "title-typography")
def title_typography(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """Accidents of copying: double spaces, a space before a comma, a hyphen of a line break,
    a full stop at the end, quotes of LaTeX, ligatures of a PDF.

    What the publisher prints so goes into `official_typo`.
    """
    title = paper.title
    for typo in paper.official_typo:
        title = title.replace(typo, "x")
    right = re.sub(r"[\u00ad\u200b-\u200d\u2060\ufeff]", "", title.translate(_LIGATURES))
    right = re.sub(r"\s{2,}|[\t\n\u00a0\u2009]", " ", right)
    right = re.sub(r" +([,;:?!.])(?=\s|$)", r"\1", right)
    right = re.sub(r"``|''", '"', right)
    right = re.sub(r"(?<![.!?])\.$", "", right)
    right = unicodedata.normalize("NFC", right)
    if right != title:
        # With an official typo taken out, the rest is not the whole title.
        fix = None if paper.official_typo else right
        hint = f"write {right}" if fix else ""
        yield Finding("P601", "the title has a typographic accident", ("title",), hint, fix)
    if re.search(r"[a-z]- [a-z]", title) and not re.search(r"- (and|or|to) ", title):
        yield Finding("P601", "a hyphen of a line break is left in the title", ("title",))
    if re.search(r":[^\s/]", title) and not re.search(r"\d:\d", title):
        yield Finding("P601", "a space is missing after a colon", ("title",))
    if re.search(r"\\[a-zA-Z]|[{}$]|&\w+;|</?\w+>", title):
        yield Finding("P601", "LaTeX or HTML is left in the title", ("title",), "write Unicode")


@entry_rule("P602", "title-glued-words")
def title_glued_words(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """Two words without a space, such as `inLanguage`.

    A name that is written so goes into `protect`, an official misprint into `official_typo`.
    """
    known = {w for part in (*paper.protect, *paper.official_typo, paper.acronym or "") for w in part.split()}
    for match in _GLUED.finditer(paper.title):
        if match[0] not in known:
            right = " ".join(part for part in match.groups() if part)
            yield Finding("P602", f"'{match[0]}' looks like two words", ("title",), f"write {right}")


# Misspellings that were met in lists of these papers, and their kin.
_MISSPELLED = {
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
        right = _MISSPELLED.get(word.lower())
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
