"""OpenReview's two interfaces: v2 since about 2024, where values are wrapped, and v1 before."""

from __future__ import annotations

import datetime
import os
import re
from urllib.parse import urlsplit

from survey.intake.client import OPENREVIEW, OPENREVIEW_1, Client, unknown_form
from survey.intake.datacite import rows
from survey.intake.errors import BadAnswer, IntakeError, NotFound
from survey.intake.mentions import LIMIT, links_in
from survey.intake.record import Place, Record
from survey.intake.text import plain, printed, title_of


def fetch(client: Client, id: str) -> Record:
    """The record of a forum. Raises `IntakeError`."""
    services = (OPENREVIEW,) if os.environ.get(OPENREVIEW.variable) else (OPENREVIEW, OPENREVIEW_1)
    for service in services:
        try:
            return client.ask_json(service, "", f"paper {id}", lambda answer: read(answer, id), id=id)
        except NotFound as error:
            missing = error
        except BadAnswer as error:
            # The newer interface refuses what only the older one has.
            if service is services[-1] or "refuses" not in str(error):
                raise
            missing = NotFound(str(error))
    raise missing


def read(answer: dict, id: str) -> Record:
    """The record of an answer for this id. Raises `IntakeError`."""
    if not isinstance(answer.get("notes"), list):
        raise BadAnswer(unknown_form(OPENREVIEW, "notes"))
    notes = rows(answer, "notes")
    if not notes:
        raise NotFound(f"OpenReview has no paper {id}")
    note = next((n for n in notes if n.get("id") == id), None)
    if note is None:
        raise BadAnswer(f"OpenReview answers with another paper ({plain(notes[0].get('id'))}) when asked for {id}")
    forum = plain(note.get("forum"))
    if forum and forum != id:
        raise IntakeError(f"OpenReview's {id} is a comment or a review: its paper is {forum}")
    content = note.get("content")
    if not isinstance(content, dict):
        raise BadAnswer(unknown_form(OPENREVIEW, "content"))
    content = {name: value.get("value") if isinstance(value, dict) else value for name, value in content.items()}
    title = title_of(content.get("title"))
    people = content.get("authors")
    names = [printed(_person(item)) for item in people] if isinstance(people, list) else []
    authors = tuple(name for name in names if name)
    if not title:
        raise BadAnswer(unknown_form(OPENREVIEW, "title"))
    if not authors or any(name.printed.lower().startswith("anonymous") for name in authors):
        raise IntakeError(f"OpenReview does not name the authors of {id} yet: add it when they are known")
    place, year, withdrawn, unconfirmed, told = _decision(content, note)
    abstract = plain(content.get("abstract"))
    return Record(
        source="OpenReview", title=title, authors=authors, year=year, place=place, ids={"openreview": id},
        links=_links(content, abstract), abstract=abstract, withdrawn=withdrawn, unconfirmed=unconfirmed,
        sources=("OpenReview",), notes=told,
    )  # fmt: skip


def _person(item: object) -> object:
    # Newer notes may hold authors as objects.
    return item.get("fullname") or item.get("name") if isinstance(item, dict) else item


def _decision(content: dict, note: dict) -> tuple[Place | None, int | None, str, tuple[str, ...], tuple[str, ...]]:
    """Place, year, reason of a withdrawal, unconfirmed fields and notes: what became of the submission."""
    venue, venue_id = plain(content.get("venue")), plain(content.get("venueid"))
    year = _year(venue) or _year(venue_id) or _date(note)
    if "withdrawn" in venue.lower() or "Withdrawn_Submission" in venue_id:
        return None, year, f"OpenReview says '{venue or venue_id}'", (), ()
    if re.search(r"Retracted", venue_id) or "retracted" in venue.lower():
        return None, year, f"OpenReview says '{venue or venue_id}'", (), ()
    rejected = re.search(r"Rejected|Desk_Rejected", venue_id) or "rejected" in venue.lower()
    if rejected or re.search(r"\b(submitted to|submission|under review)\b", venue, re.I):
        fate = "was not accepted" if rejected else "is not accepted yet"
        return None, _date(note) or year, "", (), (f"OpenReview says '{venue or venue_id}': it {fate} there, so it is entered as a preprint",)
    if venue_id.startswith(("OpenReview.net/Public_Article", "OpenReview.net/Archive")) or "Archive" in venue_id.split("/"):
        place = Place(venue) if venue else None
        return place, year, "", ("venue",) if place else (), ("OpenReview has the venue from the authors only",)
    if venue_id or venue:
        # `ICLR.cc/2024/Workshop/ME-FoMo`: the printed name of a workshop often leaves out what it is.
        kind = " workshop" if "/Workshop" in venue_id and "workshop" not in venue.lower() else ""
        host = venue_id.partition("/")[0].removesuffix(".cc").removesuffix("web.org")
        return Place(f"{venue or host}{kind}" if venue else f"{host}{kind}"), year, "", (), ()
    cited = _booktitle(content)
    return (Place(cited), _year(cited) or year, "", (), ()) if cited else (None, year, "", (), ())


def _booktitle(content: dict) -> str:
    cited = str(content.get("_bibtex") or "")[:LIMIT]
    match = re.search(r"(?:booktitle|journal)\s*=\s*[{\"](.{1,1000}?)[}\"],?\s*(?:\n|$)", cited)
    year = re.search(r"year\s*=\s*[{\"]?(\d{4})", cited)
    return f"{plain(match[1], latex=True)} {year[1] if year else ''}".strip() if match else ""


def _year(text: str) -> int | None:
    match = re.search(r"\b(20[0-9]{2})\b", text)
    return int(match[1]) if match else None


def _date(note: dict) -> int | None:
    """The year of publication, else of submission; OpenReview counts milliseconds."""
    for name in ("pdate", "odate", "cdate", "tcdate"):
        when = note.get(name)
        if isinstance(when, (int, float)) and 0 < when < 4e12:
            return datetime.datetime.fromtimestamp(when / 1000, datetime.UTC).year
    return None


def _links(content: dict, abstract: str) -> dict[str, str]:
    found = links_in(abstract)
    for name in ("code", "code_url", "code_repository", "code_link"):
        address = plain(content.get(name))
        parts = urlsplit(address) if address.startswith(("https://", "http://")) else None
        if parts and parts.hostname and not parts.hostname.endswith("openreview.net"):
            found |= links_in(address)
    return found
