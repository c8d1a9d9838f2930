"""A small collection that exists nowhere else, full of names and tags that are easy to get wrong."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from survey.collection import Collection, Taxonomy
from survey.collection.paper import paper_from
from survey.collection.taxonomy import SECTIONS, Terms

HERE = Path(__file__).parent


@lru_cache(1)
def made_up() -> Collection:
    """The collection of tests/made_up.json, with a taxonomy of its own."""
    data = json.loads((HERE / "made_up.json").read_text(encoding="utf-8"))
    sections = {
        name: Terms([model.model_validate(record) for record in data["taxonomy"][name]])
        for name, model in SECTIONS.items()
    }
    papers = [paper_from(record, key) for key, record in data["papers"].items()]
    return Collection(papers, Taxonomy(**sections))


def query_cases() -> list[dict]:
    """Queries, and what each must find or how it must fail."""
    return json.loads((HERE / "query_cases.json").read_text(encoding="utf-8"))
