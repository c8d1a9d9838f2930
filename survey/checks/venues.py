"""V: year and venue."""

from __future__ import annotations

import re

from survey.checks.registry import Entry, Finding, Found, Taxonomy, entry_rule, shown, similar_term
from survey.collection.paper import Paper
from survey.collection.text import spelling


@entry_rule("V701", "unknown-venue")
def unknown_venue(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """The venue is no id of taxonomy/venues.yaml.

    Ids are lower case, without spaces and without the year: `neurips`, `findings-emnlp`.
    """
    if paper.venue not in taxonomy.venues:
        yield no_venue(paper.venue, taxonomy)


def no_venue(word: str, taxonomy: Taxonomy) -> Finding:
    """A word that is no id of a venue, told with the id that was probably meant."""
    hint = similar_term(word, printed_names(taxonomy)) or "write an id of taxonomy/venues.yaml, such as neurips"
    return Finding("V701", f"unknown venue {shown(word)}", ("venue",), hint)


def printed_names(taxonomy: Taxonomy) -> dict[str, str]:
    """Every name that a venue goes by, in print too, folded, with its id."""
    found = dict(taxonomy.venues.spellings)
    for venue in taxonomy.venues.values():
        for name in (*venue.printed, venue.full_name):
            found.setdefault(spelling(name), venue.id)
    return found


@entry_rule("V702", "venue-year")
def venue_year(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """The venue did not take place in that year, as far as the taxonomy lists its years."""
    venue = taxonomy.venues.get(paper.venue)
    if venue and venue.years and paper.year not in venue.years:
        years = ", ".join(map(str, sorted(venue.years)))
        hint = "add the year to taxonomy/venues.yaml if it took place"
        yield Finding("V702", f"{venue.name} has no {paper.year} (known: {years})", ("year",), hint)


ANTHOLOGY = re.compile(r"([0-9]{4})\.([a-z0-9_]+-[a-z0-9_]+)\.[0-9]+$")


@entry_rule("V703", "anthology-contradicts")
def anthology_contradicts(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """The ACL Anthology id names another venue or year than the entry.

    The id holds both: 2022.findings-emnlp.4 is Findings of EMNLP 2022, not EMNLP 2022. A DOI of
    the ACL repeats the id.
    """
    for scheme, value in (("anthology", paper.ids.anthology), ("doi", paper.ids.doi)):
        if not value:
            continue
        value = value.removeprefix("10.18653/v1/")
        match = ANTHOLOGY.match(value)
        if not match:
            continue
        if scheme == "doi" and paper.ids.anthology and value.lower() != paper.ids.anthology:
            message = f"the DOI is of {value}, the Anthology id is {paper.ids.anthology}"
            yield Finding("V703", message, ("ids", "doi"))
            continue
        year, volume = int(match[1]), match[2]
        venue = taxonomy.venues.get(paper.venue)
        if year != paper.year:
            yield Finding("V703", f"{value} is of {year}, the entry of {paper.year}", ("ids", scheme))
        elif venue and volume not in venue.anthology:
            right = [v.name for v in taxonomy.venues.values() if volume in v.anthology]
            hint = f"the id belongs to {right[0]}" if right else "add the volume to taxonomy/venues.yaml"
            yield Finding("V703", f"{value} is not of {venue.name}", ("venue",), hint)


@entry_rule("V704", "published-preprint")
def published_preprint(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """A preprint has no pages, volume or Anthology id: then it was published, and has a venue."""
    if paper.preprint:
        for where, value in (
            (("ids", "anthology"), paper.ids.anthology), (("pages",), paper.pages),
            (("volume",), paper.volume), (("booktitle",), paper.booktitle),
        ):  # fmt: skip
            if value:
                yield Finding("V704", f"a preprint with {where[-1]} {value}", where, "name the venue")
        if not (paper.ids.arxiv or paper.ids.openreview or paper.links.paper):
            yield Finding("V704", "a preprint without an arXiv id", ("venue",))


@entry_rule("V705", "redundant-booktitle")
def redundant_booktitle(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """`booktitle` is only for what differs from the venue's own."""
    venue = taxonomy.venues.get(paper.venue)
    if venue and paper.booktitle and paper.booktitle == venue.booktitle_of(paper.year):
        yield Finding("V705", "the booktitle is the venue's own", ("booktitle",), "leave it out")


@entry_rule("V706", "published-date")
def published_date(paper: Paper, entry: Entry, taxonomy: Taxonomy) -> Found:
    """`published` and `year` name the same year."""
    if paper.published and not paper.published.startswith(str(paper.year)):
        message = f"published in {paper.published}, but the year is {paper.year}"
        yield Finding("V706", message, ("published",))
