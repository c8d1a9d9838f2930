"""arXiv's Atom API: https://info.arxiv.org/help/api/user-manual.html"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from survey.checks.ids import arxiv_year
from survey.collection.paper import ARXIV_PATTERN
from survey.collection.query import normal_id
from survey.intake import xml
from survey.intake.client import ARXIV, Answer, Client, not_readable, unknown_form
from survey.intake.errors import BadAnswer, NotFound
from survey.intake.mentions import links_in
from survey.intake.record import Place, Record
from survey.intake.text import plain, printed, title_of

_ATOM = "{http://www.w3.org/2005/Atom}"
_OWN = "{http://arxiv.org/schemas/atom}"
ID = re.compile(ARXIV_PATTERN)
BATCH = 50
"""Ids asked for at once."""

# A paper's reason stands in the comment only; a withdrawal from a conference is another thing.
_WITHDRAWN = re.compile(
    r"\b(?:has been|have been|was|were|is|are|been) (?:\w+ )?(?:withdrawn|retracted)\b(?! from)"
    r"|\bwithdrawn by\b|^withdrawn\b(?! from)|\bauthors? (?:have |has )?withdr[ae]wn?\b|^retracted\b",
    re.I,
)
_WITHDRAWN_ABSTRACT = re.compile(r"^(?:this|the) (?:paper|article|submission|manuscript|work|preprint) (?:has been|was|is) (?:\w+ )?(?:withdrawn|retracted)", re.I)


def fetch(client: Client, id: str) -> Record:
    """The newest version of one paper. Raises `IntakeError`."""
    found = fetch_many(client, [id])
    if id not in found:
        other = next(iter(found), None)
        if other:
            raise BadAnswer(f"arXiv answers with another paper ({other}) when asked for {id}")
        raise NotFound(f"arXiv has no paper {id}")
    return found[id]


def fetch_many(client: Client, ids: list[str]) -> dict[str, Record]:
    """The papers that arXiv has of these, by id; others than those asked for are told, too."""
    found: dict[str, Record] = {}
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        what = f"paper {batch[0]}" if len(batch) == 1 else f"papers {batch[0]} to {batch[-1]}"
        found |= client.ask(
            ARXIV, "", "application/atom+xml", what, read, id_list=",".join(batch), max_results=str(len(batch))
        )
    return found


def read(answer: Answer) -> dict[str, Record]:
    """The papers of an answer, by id. Raises `BadAnswer`, and `NotFound` where arXiv says so."""
    root = xml.parse(answer.body)
    if root is None:
        raise BadAnswer(not_readable(ARXIV, answer, "Atom feed"))
    if root.tag != f"{_ATOM}feed":
        raise BadAnswer(unknown_form(ARXIV, "Atom feed"))
    found = {}
    for entry in root.iter(f"{_ATOM}entry"):
        address = _text(entry, "id")
        if "/api/errors" in address:
            raise NotFound(f"arXiv says: {plain(_text(entry, 'summary'))[:200] or 'error'}")
        record = _record(entry, address)
        found[record.ids["arxiv"]] = record
    if answer.status != 200:
        raise BadAnswer(f"arXiv refuses the question ({answer.status})")
    return found


def _text(entry: ElementTree.Element, name: str, space: str = _ATOM) -> str:
    return entry.findtext(f"{space}{name}") or ""


def _record(entry: ElementTree.Element, address: str) -> Record:
    id = normal_id(address)
    title = title_of(_text(entry, "title"))
    names = [printed(_text(author, "name")) for author in entry.iter(f"{_ATOM}author")]
    authors = tuple(name for name in names if name)
    if not (ID.match(id) and title and authors):
        raise BadAnswer(unknown_form(ARXIV, "id, title or authors"))
    comment, abstract = plain(_text(entry, "comment", _OWN)), plain(_text(entry, "summary"))
    reference, doi = plain(_text(entry, "journal_ref", _OWN)), plain(_text(entry, "doi", _OWN)).split(" ")[0]
    told = _WITHDRAWN_ABSTRACT.match(abstract)
    withdrawn = comment if _WITHDRAWN.search(comment) else told[0] if told else ""
    return Record(
        source="arXiv",
        title=title,
        authors=authors,
        year=arxiv_year(id),
        place=Place(reference) if reference else None,
        ids={"arxiv": id},
        links=links_in(f"{comment}\n{abstract}"),
        abstract=abstract,
        comment=comment,
        withdrawn=withdrawn,
        published_as=doi.lower() or None,
        sources=("arXiv",),
    )
