"""biblatex for LuaLaTeX or XeLaTeX with biber: Unicode as it is, dates in ISO form."""

from __future__ import annotations

import re

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy
from survey.formats import bibtex, common

# Braces have names, since biber counts those of `\{`, too.
_SPECIAL = {"\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def encode(text: str) -> str:
    """Escape what TeX would read as a command; letters stay as they are."""
    text = re.sub(r'"([^"]*)"', r"“\1”", text)
    return re.sub(r"[\\{}&%$#_~^]", lambda m: _SPECIAL.get(m[0], f"\\{m[0]}"), text)


def entry(paper: Paper, taxonomy: Taxonomy) -> str:
    """One entry, with a final newline."""
    kind, fields = bibtex.entry_fields(paper, taxonomy, encode)
    month = common.month(paper, taxonomy)
    fields["date"] = f"{paper.year}-{month:02}" if month else str(paper.year)
    del fields["year"]
    if "journal" in fields:
        fields["journaltitle"] = fields.pop("journal")
    if "address" in fields:
        fields["location"] = fields.pop("address")
    if paper.status:
        fields["addendum"] = fields.pop("note")
    if paper.ids.arxiv:
        fields["eprint"] = paper.ids.arxiv
        fields["eprinttype"] = "arxiv"
    return bibtex.render("online" if kind == "misc" else kind, paper.key, fields)
