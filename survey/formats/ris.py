"""RIS, for reference managers. Format: the tags of the RefMan specification."""

from __future__ import annotations

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy
from survey.formats import common


def entry(paper: Paper, taxonomy: Taxonomy) -> str:
    """One record, ended by its ER line."""
    published = common.publication(paper, taxonomy)
    kind = {"journal": "JOUR", "preprint": "UNPB"}.get(published.venue.type, "CPAPER")
    lines = [("TY", kind), ("ID", paper.key), ("TI", paper.title)]
    for n in paper.names:
        family = f"{n.particle} {n.family}" if n.particle else n.family
        parts = [n.literal or family, *(p for p in (n.given, n.suffix) if p)]
        lines.append(("AU", ", ".join(parts)))
    month = published.month
    lines += [("PY", str(paper.year)), ("DA", f"{paper.year}/{month:02}//" if month else f"{paper.year}///")]
    if kind != "UNPB":
        lines.append(("T2", published.title))
    lines.append(("VL", published.volume))
    if paper.pages:
        start, _, end = paper.pages.partition("-")
        lines += [("SP", start), ("EP", end)]
    lines += [("CY", published.address), ("PB", "arXiv" if kind == "UNPB" else published.venue.publisher)]
    lines += [("DO", paper.ids.doi), ("UR", paper.url)]
    if paper.ids.arxiv:
        lines.append(("M1" if kind != "UNPB" else "AN", f"arXiv:{paper.ids.arxiv}"))
    return "".join(f"{tag}  - {value}\n" for tag, value in lines if value) + "ER  - \n"
