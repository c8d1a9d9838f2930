"""DataCite's REST API, which registers arXiv's DOIs: https://support.datacite.org/docs/api"""

from __future__ import annotations

from urllib.parse import quote

from survey.checks.ids import arxiv_year
from survey.collection.names import Name
from survey.intake.arxiv import ID
from survey.intake.client import DATACITE, Client, unknown_form
from survey.intake.errors import BadAnswer
from survey.intake.mentions import links_in
from survey.intake.record import Place, Record
from survey.intake.text import person, plain, printed, title_of

ARXIV_DOI = "10.48550/arxiv."


def fetch_arxiv(client: Client, id: str) -> Record:
    """An arXiv paper by the DOI that arXiv gives it. Raises `IntakeError`."""
    return fetch(client, f"10.48550/arXiv.{id}")


def fetch(client: Client, doi: str) -> Record:
    """The record of a DOI. Raises `IntakeError`."""
    path = f"/{quote(doi, safe='/')}"
    record = client.ask_json(DATACITE, path, f"DOI {doi}", read, accept="application/vnd.api+json")
    told = f"{ARXIV_DOI}{record.ids['arxiv']}" if "arxiv" in record.ids else record.ids.get("doi", "")
    if told.lower() != doi.lower():
        raise BadAnswer(f"DataCite answers with another paper ({told}) when asked for {doi}")
    return record


def read(answer: dict) -> Record:
    """The record of an answer. Raises `BadAnswer`."""
    data = answer.get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    if not isinstance(attributes, dict):
        raise BadAnswer(unknown_form(DATACITE, "data.attributes"))
    title = next((t for item in rows(attributes, "titles") if (t := title_of(item.get("title")))), "")
    authors = tuple(name for item in rows(attributes, "creators") if (name := _name(item)))
    doi = plain(attributes.get("doi")).lower()
    if not (title and authors and doi):
        raise BadAnswer(unknown_form(DATACITE, "title, creators or doi"))
    abstract = next((plain(d.get("description")) for d in rows(attributes, "descriptions") if d.get("descriptionType") == "Abstract"), "")
    year = attributes.get("publicationYear")
    ids, notes, place = {"doi": doi}, (), None
    if doi.startswith(ARXIV_DOI):
        arxiv = doi.removeprefix(ARXIV_DOI)
        if not ID.match(arxiv):
            raise BadAnswer(unknown_form(DATACITE, "arXiv id"))
        ids, year = {"arxiv": arxiv}, arxiv_year(arxiv)
        notes = ("DataCite does not tell whether the paper was withdrawn",)
    else:
        container = attributes.get("container")
        printed_place = plain(container.get("title")) if isinstance(container, dict) else ""
        place = Place(printed_place or plain(attributes.get("publisher")))
    published = next(
        (
            plain(item.get("relatedIdentifier")).lower()
            for item in rows(attributes, "relatedIdentifiers")
            if item.get("relationType") == "IsVersionOf" and item.get("relatedIdentifierType") == "DOI"
        ),
        None,
    )
    return Record(
        source="DataCite", title=title, authors=authors, year=int(year) if str(year).isdigit() else None, place=place, ids=ids,
        links=links_in(abstract), abstract=abstract, published_as=published, sources=("DataCite",), notes=notes,
    )  # fmt: skip


def rows(record: dict, name: str) -> list[dict]:
    """The objects of a list in an answer; whatever else stands there is left out."""
    found = record.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _name(item: dict) -> Name | None:
    if item.get("nameType") == "Organizational":
        text = plain(item.get("name"))
        return Name(literal=text) if text else None
    if item.get("familyName"):
        return person(item.get("givenName"), item.get("familyName"))
    return printed(item.get("name"))
