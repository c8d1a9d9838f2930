"""What other programs read: the Atom feed, the JSON Schema, whole-collection downloads, search."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from survey.collection import Collection
from survey.collection.taxonomy import SECTIONS
from survey.formats import FORMATS
from survey.site import links
from survey.site.charts import survey_figures

# Beyond this many papers the theme's own search becomes slow, and the explorer is the place.
SEARCHED_PAPERS = 1000


def write(collection: Collection, site: Path, url: str) -> None:
    """Write the feed, the schema, and the collection in every format."""
    data = site / "data"
    data.mkdir(exist_ok=True)
    for form in FORMATS.values():
        with open(data / f"papers.{form.extension}", "w", encoding="utf-8", newline="") as file:
            file.writelines(form.write(collection.values(), collection.taxonomy))
    (site / "feed.xml").write_text(atom(collection, url), "utf-8")
    schema = site / "schema"
    schema.mkdir(exist_ok=True)
    (schema / "paper.schema.json").write_text(paper_schema(collection), "utf-8")
    figures = [{**f._asdict(), "series": [s._asdict() for s in f.series]} for f in survey_figures()]
    (data / "survey-figures.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1), "utf-8")


def atom(collection: Collection, url: str, limit: int = 50) -> str:
    """The latest entries as an Atom feed (RFC 4287)."""
    latest = list(collection.values())[:limit]
    updated = max((str(p.annotated.on) for p in latest), default="1970-01-01")
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        "<title>Editing Pitfalls: latest papers</title>",
        f"<id>{escape(url)}</id>",
        f'<link href="{escape(url)}"/>',
        f'<link rel="self" href="{escape(url)}feed.xml"/>',
        f"<updated>{updated}T00:00:00Z</updated>",
    ]
    for paper in latest:
        address = escape(url + links.paper(paper.key))
        authors = "".join(f"<author><name>{escape(n.printed)}</name></author>" for n in paper.names)
        summary = f"<summary>{escape(paper.summary)}</summary>" if paper.summary else ""
        lines.append(
            f'<entry><title>{escape(paper.title)}</title><id>{address}</id><link href="{address}"/>'
            f"<updated>{paper.annotated.on}T00:00:00Z</updated>{authors}{summary}</entry>"
        )
    return "\n".join([*lines, "</feed>", ""])


def paper_schema(collection: Collection) -> str:
    """The JSON Schema of an entry, with the taxonomy's ids, so that editors can complete them."""
    from survey.collection.paper import Paper

    schema = Paper.model_json_schema(by_alias=True)
    t = collection.taxonomy
    ids = {section: list(getattr(t, section)) for section in SECTIONS}
    schema["properties"]["venue"] = {**schema["properties"]["venue"], "enum": ids["venues"]}
    schema["properties"]["venue"].pop("pattern", None)
    parts = schema["$defs"]
    for part, field, section in (
        ("Proposes", "methods", "methods"), ("Proposes", "families", "families"),
        ("Proposes", "benchmarks", "benchmarks"), ("Studies", "methods", "methods"),
        ("Studies", "benchmarks", "benchmarks"),
    ):  # fmt: skip
        parts[part]["properties"][field]["items"] = {"type": "string", "enum": ids[section]}
    parts["PitfallTag"]["properties"]["id"] = {"type": "string", "enum": ids["pitfalls"]}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def extend_search(collection: Collection, site: Path) -> None:
    """Let the theme's search find our pages, too, while there are not too many of them."""
    path = site / "search" / "search_index.json"
    if not path.exists():
        return
    index = json.loads(path.read_text("utf-8"))
    t = collection.taxonomy
    for section in links.FOLDERS:
        for term in getattr(t, section).values():
            text = " ".join([term.definition, *term.aliases])
            index["docs"].append({"location": links.term(section, term.id), "title": escape(term.name), "text": escape(text), "boost": 2})
    if len(collection) <= SEARCHED_PAPERS:
        for paper in collection.values():
            text = ", ".join(n.printed for n in paper.names)
            index["docs"].append({"location": links.paper(paper.key), "title": escape(paper.title), "text": escape(text)})
    path.write_text(json.dumps(index, ensure_ascii=False, separators=(",", ":")), "utf-8")
