"""JSON lines: the whole entry, one object a line, fields as in the YAML file."""

from __future__ import annotations

import json

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy


def record(paper: Paper) -> dict:
    """The entry as a JSON-ready record, empty fields left out, the key first."""
    fields = paper.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
    return {"key": paper.key, **fields}


def entry(paper: Paper, taxonomy: Taxonomy) -> str:
    """One object on one line."""
    return json.dumps(record(paper), ensure_ascii=False)
