"""Crossref's REST API: https://api.crossref.org/swagger-ui/"""

from __future__ import annotations

import re
from urllib.parse import quote

from survey.collection.names import Name
from survey.intake.arxiv import ID
from survey.intake.client import CROSSREF, Client, unknown_form
from survey.intake.datacite import ARXIV_DOI, rows
from survey.intake.errors import BadAnswer
from survey.intake.mentions import links_in
from survey.intake.record import Place, Record
from survey.intake.text import pages_of, person, plain, title_of


def fetch(client: Client, doi: str) -> Record:
    """The record of a DOI. Raises `IntakeError`."""
    record = client.ask_json(CROSSREF, f"/{quote(doi, safe='/')}", f"DOI {doi}", read)
    if record.ids["doi"] != doi.lower():
        raise BadAnswer(f"Crossref answers with another paper ({record.ids['doi']}) when asked for {doi}")
    return record


def read(answer: dict) -> Record:
    """The record of an answer. Raises `BadAnswer`."""
    work = answer.get("message")
    if not isinstance(work, dict):
        raise BadAnswer(unknown_form(CROSSREF, "message"))
    title, authors = _title(work), tuple(name for item in rows(work, "author") if (name := _name(item)))
    doi = plain(work.get("DOI")).lower()
    if not (title and doi):
        raise BadAnswer(unknown_form(CROSSREF, "title or DOI"))
    if not authors:
        raise BadAnswer(f"Crossref lists no authors for {doi}: it is a whole volume, or an incomplete record")
    abstract = re.sub(r"^Abstract:?\s+", "", plain(work.get("abstract")))
    ids = {"doi": doi}
    if arxiv := _preprint(work):
        ids["arxiv"] = arxiv
    event = work.get("event") if isinstance(work.get("event"), dict) else {}
    # Springer gives series and book, both as containers.
    container = _all(work, "container-title") or plain(event.get("name"))
    kind = work.get("type")
    return Record(
        source="Crossref", title=title, authors=authors, year=_year(work),
        place=None if kind == "posted-content" else Place(" ".join(filter(None, (container, plain(event.get("acronym")))))),
        ids=ids, links=links_in(abstract), pages=pages_of(work.get("page") or work.get("article-number")),
        # The volume of proceedings is the series', not the paper's.
        volume=plain(work.get("volume")) or None if kind == "journal-article" else None,
        abstract=abstract, withdrawn=_withdrawn(work, title), sources=("Crossref",),
    )  # fmt: skip


def _first(work: dict, name: str) -> str:
    found = work.get(name)
    return next((t for item in found if (t := plain(item))), "") if isinstance(found, list) else plain(found)


def _all(work: dict, name: str) -> str:
    found = work.get(name)
    return ", ".join(t for item in found if (t := plain(item))) if isinstance(found, list) else plain(found)


def _title(work: dict) -> str:
    title, subtitle = title_of(_first(work, "title")), title_of(_first(work, "subtitle"))
    if subtitle and subtitle.lower() not in title.lower():
        title = f"{title}{'' if title.endswith(('?', '!', ':')) else ':'} {subtitle}"
    return title


def _name(item: dict) -> Name | None:
    if item.get("name"):
        return Name(literal=plain(item["name"]))
    suffix = plain(item.get("suffix"))
    family = f"{plain(item.get('family'))} {suffix}".strip()
    return person(item.get("given"), family)


def _year(work: dict) -> int | None:
    """The year of print, else the first of all: what citations name."""
    for name in ("published-print", "issued", "published", "published-online"):
        date = work.get(name)
        parts = date.get("date-parts") if isinstance(date, dict) else None
        if isinstance(parts, list) and parts and isinstance(parts[0], list) and parts[0] and str(parts[0][0]).isdigit():
            return int(parts[0][0])
    return None


def _preprint(work: dict) -> str | None:
    relation = work.get("relation")
    for item in rows(relation, "has-preprint") if isinstance(relation, dict) else ():
        id = plain(item.get("id")).lower().removeprefix("https://doi.org/")
        if id.startswith(ARXIV_DOI) and ID.match(id.removeprefix(ARXIV_DOI)):
            return id.removeprefix(ARXIV_DOI)
    return None


def _withdrawn(work: dict, title: str) -> str:
    for item in rows(work, "updated-by"):
        if plain(item.get("type")).lower() in ("retraction", "withdrawal", "removal"):
            return f"Crossref names a notice of {plain(item['type']).lower()}: {plain(item.get('DOI'))}"
    return "the publisher's title says so" if re.match(r"(retracted|withdrawn)\b", title, re.I) else ""
