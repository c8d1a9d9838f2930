"""CSL-JSON, for pandoc, Zotero and every CSL processor."""

from __future__ import annotations

import json

from survey.collection.names import Name
from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy
from survey.formats import common

_TYPES = {"journal": "article-journal", "preprint": "article"}


def entry(paper: Paper, taxonomy: Taxonomy) -> str:
    """One item as a JSON object."""
    return json.dumps(item(paper, taxonomy), ensure_ascii=False, indent=1)


def item(paper: Paper, taxonomy: Taxonomy) -> dict:
    """The item as CSL's data model has it."""
    published = common.publication(paper, taxonomy)
    venue, month = published.venue, published.month
    fields = {
        "id": paper.key,
        "type": _TYPES.get(venue.type, "paper-conference"),
        "title": paper.title,
        "author": [_name(n) for n in paper.names],
        "issued": {"date-parts": [[paper.year, month] if month else [paper.year]]},
        "container-title": None if paper.preprint else published.title,
        "collection-title": venue.series,
        "volume": published.volume,
        "page": paper.pages,
        "event-place": published.address,
        "publisher": "arXiv" if paper.preprint else venue.publisher,
        "number": f"arXiv:{paper.ids.arxiv}" if paper.preprint and paper.ids.arxiv else None,
        "DOI": paper.ids.doi,
        "URL": paper.url,
        "status": paper.status,
    }
    return {name: value for name, value in fields.items() if value}


def _name(n: Name) -> dict:
    if n.literal:
        return {"literal": n.literal}
    parts = {"family": n.family, "given": n.given, "non-dropping-particle": n.particle, "suffix": n.suffix}
    return {name: value for name, value in parts.items() if value}
