"""One paper from the services: its record, a preprint followed to its published version."""

from __future__ import annotations

from dataclasses import replace

from survey.collection.taxonomy import Taxonomy
from survey.collection.text import fold
from survey.intake import acl_anthology, arxiv, crossref, datacite, openreview, venues
from survey.intake.client import Client
from survey.intake.errors import IntakeError, NotFound, Unavailable
from survey.intake.mentions import venue_in
from survey.intake.record import Place, Record, alike_titles, same_people
from survey.intake.source import Source, read_source


def look_up(client: Client, source: Source, taxonomy: Taxonomy) -> Record:
    """The record of a paper, its place mapped to the taxonomy. Raises `IntakeError`."""
    record = {"arxiv": _arxiv, "doi": _doi, "anthology": _anthology, "openreview": openreview.fetch}[source.kind](client, source.id)
    return settled(_followed(client, record), taxonomy)


def _arxiv(client: Client, id: str) -> Record:
    """arXiv itself, or DataCite while arXiv cannot be asked."""
    try:
        return arxiv.fetch(client, id)
    except Unavailable as error:
        try:
            found = datacite.fetch_arxiv(client, id)
        except (Unavailable, NotFound):
            raise error from None
        return replace(found, notes=(*found.notes, f"{str(error).partition(':')[0]}; DataCite was asked instead"))


def _doi(client: Client, doi: str) -> Record:
    """Crossref, or DataCite for DOIs that are registered there."""
    try:
        return crossref.fetch(client, doi)
    except NotFound as error:
        try:
            return datacite.fetch(client, doi)
        except NotFound:
            raise NotFound(f"neither Crossref nor DataCite has the DOI {doi}") from None
        except Unavailable:
            raise error from None


def _anthology(client: Client, id: str) -> Record:
    """The Anthology, or Crossref by the DOI that the ACL gives while the Anthology cannot be asked."""
    try:
        return acl_anthology.fetch(client, id)
    except Unavailable as error:
        try:
            found = crossref.fetch(client, f"10.18653/v1/{id}".lower())
        except (Unavailable, NotFound):
            raise error from None
        note = f"{str(error).partition(':')[0]}; Crossref was asked instead"
        return replace(found, ids={**found.ids, "anthology": id}, notes=(*found.notes, note))


# From the preprint to what was published


def _followed(client: Client, record: Record) -> Record:
    """The published version, where the source names it and the authors are the same people."""
    if not record.published_as or record.withdrawn:
        return record
    try:
        source = read_source(record.published_as)
        if source.kind == "arxiv":
            return record
        published = _anthology(client, source.id) if source.kind == "anthology" else _doi(client, source.id)
    except IntakeError as error:
        return _noted(record, f"{record.source} names the published version {record.published_as}, but {error}")
    people, titles = same_people(record.authors, published.authors), alike_titles(record.title, published.title)
    if people < 0.5 or (titles < 0.3 and people < 0.9):
        return _noted(record, f"{record.source} names {record.published_as} as the published version, but that is '{published.title}' by {published.authors[0].printed}: not followed")
    return merged(published, record)


def merged(published: Record, preprint: Record) -> Record:
    """One record of both: the published version's facts, and what only the preprint tells."""
    changed = fold(published.title) != fold(preprint.title)
    title = preprint.title if not changed and _better_cased(preprint.title, published.title) else published.title
    return replace(
        published,
        title=title,
        authors=published.authors,
        ids={**preprint.ids, **published.ids},
        links={**published.links, **preprint.links},
        abstract=preprint.abstract or published.abstract,
        comment=preprint.comment,
        withdrawn=published.withdrawn or preprint.withdrawn,
        former_titles=(preprint.title,) if changed else (),
        sources=tuple(dict.fromkeys((*preprint.sources, *published.sources))),
        notes=(*preprint.notes, *published.notes),
    )


def _better_cased(one: str, other: str) -> bool:
    """Whether a title keeps capitals that another spelling of it has lost."""
    return sum(c.isupper() for c in one) > sum(c.isupper() for c in other) and not one.isupper()


def _noted(record: Record, note: str) -> Record:
    return replace(record, notes=(*record.notes, note))


# Where it came out


def settled(record: Record, taxonomy: Taxonomy) -> Record:
    """The record with venue and year of the taxonomy, as well as its source tells them."""
    id = record.ids.get("anthology", "")
    if venue := venues.of_anthology(id, taxonomy):
        return replace(record, place=Place(record.place.printed if record.place else "", venue, int(id[:4])), year=int(id[:4]))
    place = venues.locate(record.place.printed, taxonomy, record.year) if record.place and record.place.printed else None
    if place and place.venue:
        if place.year and record.year and place.year != record.year and "arxiv" not in record.ids:
            record = _noted(record, f"the venue's name says {place.year}, the record {record.year}: the venue's year was taken")
        return replace(record, place=place, year=place.year or record.year)
    if "arxiv" in record.ids or record.source == "arXiv":
        # What authors say in a comment is weaker than what a publisher says.
        comment = venue_in(record.comment)
        said = venues.locate(comment, taxonomy) if comment else None
        if said and said.venue and said.year:
            note = f"the venue rests on arXiv's comment: '{comment}'"
            weak = tuple(dict.fromkeys((*record.unconfirmed, "venue")))
            return replace(record, place=said, year=said.year, unconfirmed=weak, notes=(*record.notes, note))
        if comment and not place:
            record = _noted(record, f"arXiv's comment says '{comment}', which names no venue and year that we list")
    return replace(record, place=place)
