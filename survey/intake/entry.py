"""From a record to an entry in the house's fields."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple

from survey.checks.ids import arxiv_year
from survey.collection.names import Name, split_name
from survey.collection.paper import ARTICLES, DOI_PATTERN, KEY_PATTERN, make_key
from survey.collection.taxonomy import Taxonomy
from survey.collection.text import fold
from survey.formats.common import protected_words
from survey.intake.errors import IntakeError
from survey.intake.record import Record


class Draft(NamedTuple):
    """An entry without its tags, and what could not be known."""

    record: dict
    unknown: tuple[str, ...]


def draft(found: Record, taxonomy: Taxonomy, venue: str | None = None) -> Draft:
    """The bibliographic part of an entry. `venue` is the person's own word for it.

    Raises `IntakeError` where the paper cannot be an entry.
    """
    place, unconfirmed = found.place, list(found.unconfirmed)
    ids = _ids(found)
    id, year = venue or (place.venue if place else None), found.year
    if venue:
        year = (place.year if place else None) or found.year
        unconfirmed = [field for field in unconfirmed if field not in ("venue", "year")]
    elif id is None:
        if place and place.printed and "arxiv" not in ids and "openreview" not in ids:
            raise IntakeError(
                f"{found.source} says that it came out in '{place.printed}', which taxonomy/venues.yaml does not list:"
                " name one of its ids (--venue on the command line), or add the venue there first"
            )
        if "arxiv" not in ids and "openreview" not in ids and not found.links.get("paper"):
            raise IntakeError(f"{found.source} names no venue and no preprint of '{found.title}': name the venue (--venue on the command line)")
        id = "arxiv"
        # A preprint's year is that of its id.
        year = arxiv_year(ids["arxiv"]) if "arxiv" in ids else year
    if year is None:
        raise IntakeError(f"{found.source} does not tell the year of '{found.title}'")
    preprint = id == "arxiv"
    record = {
        "title": found.title,
        "authors": [_author(name) for name in found.authors],
        "year": year,
        "venue": id,
        "volume": None if preprint else found.volume,
        "pages": None if preprint else found.pages,
        "ids": ids,
        "links": dict(found.links),
        "protect": [word for word in found.protect if word in found.title],
        "former_titles": list(found.former_titles),
        "unconfirmed": unconfirmed,
        "sources": list(found.sources),
    }
    if acronym := acronym_of(found.title, found.abstract):
        record["acronym"] = acronym
    unlisted = f"the place '{place.printed}' is not in taxonomy/venues.yaml" if place and place.printed and not place.venue and not venue else ""
    unknown = [
        unlisted,
        "venue (entered as a preprint)" if preprint and not unlisted else "",
        "arXiv id" if "arxiv" not in ids else "",
        "pages" if not preprint and taxonomy.venues[id].anthology and not found.pages else "",
        "code" if "code" not in found.links else "",
        "summary (yours to write)",
    ]
    return Draft({k: v for k, v in record.items() if v}, tuple(part for part in unknown if part))


def _ids(found: Record) -> dict[str, str]:
    """The ids in the order of the model; what has not the form of a DOI, and arXiv's own DOIs, are left out."""
    ids = {scheme: found.ids[scheme] for scheme in ("arxiv", "doi", "anthology", "openreview") if found.ids.get(scheme)}
    doi = ids.get("doi", "")
    if doi and (doi.startswith("10.48550/") or not re.match(DOI_PATTERN, doi)):
        del ids["doi"]
    if "anthology" not in ids and doi.startswith("10.18653/v1/"):
        ids["anthology"] = doi.removeprefix("10.18653/v1/")
        ids = {scheme: ids[scheme] for scheme in ("arxiv", "doi", "anthology", "openreview") if scheme in ids}
    return ids


def _author(name: Name) -> str | dict:
    """A name as an entry has it: plain where spaces split it rightly."""
    if name.literal:
        return name.literal if split_name(name.literal) == name else {"literal": name.literal}
    if split_name(name.printed) == name:
        return name.printed
    return {"given": name.given, "family": " ".join(p for p in (name.particle, name.family, name.suffix) if p)}


def acronym_of(title: str, abstract: str) -> str | None:
    """The name of the paper's own method, where title or abstract introduce it.

    >>> acronym_of("FooEdit: Editing at Night", "")
    'FooEdit'
    """
    head, colon, _ = title.partition(":")
    words = head.split()
    if colon and len(words) == 1 and protected_words(head):
        return head
    told = re.search(
        r"\b(?:propose|introduce|present|develop|design|call(?:ed)?|named|dubbed|termed)\b[^.]{0,80}?\(([A-Z][A-Za-z0-9+-]{1,14})\)", abstract
    ) or re.search(r"\b(?:[Ww]e (?:propose|introduce|present)|called|named|dubbed) (?:\\textbf\{)?([A-Z][A-Za-z0-9+-]{2,14})(?=[,. ])", abstract)
    name = told[1] if told else ""
    return name if name and protected_words(name) and not re.fullmatch(r"(LLMs?|PLMs?|MLLMs?|VLMs?|KE|ME|NLP|QA|KGs?|GPT.*)", name) else None


def free_key(record: dict, taken: Container[str]) -> str:
    """A key by the house rule that is nobody's yet: it runs on into the following words of the title.

    Raises `IntakeError` where no key is left.
    """
    author = record["authors"][0]
    name = split_name(author) if isinstance(author, str) else Name(given=author.get("given", ""), family=author.get("family", ""), literal=author.get("literal", ""))
    words = [re.sub(r"[^a-z0-9]", "", fold(word)) for word in record["title"].split()]
    words = [word for word in words if word]
    first = make_key(name, record["year"], record["title"])
    if not re.fullmatch(KEY_PATTERN, first):
        raise IntakeError(f"no key can be made of '{name.printed[:60]}' and '{record['title'][:60]}': Latin letters are needed, and not too many")
    while len(words) > 1 and words[0] in ARTICLES:
        words.pop(0)
    key = first
    for word in words[1:]:
        if key not in taken:
            return key
        key += word
    if key in taken or not re.fullmatch(KEY_PATTERN, key):
        raise IntakeError(f"every key that the title allows is taken, {key} the last: is it really another paper?")
    return key
