"""biblatex for LuaLaTeX or XeLaTeX with biber: Unicode as it is, dates in ISO form."""

from __future__ import annotations

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy
from survey.formats import bibtex, common
from survey.formats.latex import MATHS

# Braces have names, since biber counts those of `\{`, too. Few fonts for text have Greek and signs.
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{c: f"\\{c}" for c in "&%$#_"}, **{sign: f"{{${command}$}}" for sign, command in MATHS.items()},
}  # fmt: skip
_TABLE = str.maketrans(_SPECIAL)


def encode(text: str) -> str:
    """Escape what TeX would read as a command; letters stay as they are."""
    return common.paired(text).translate(_TABLE)


def entry(paper: Paper, taxonomy: Taxonomy) -> str:
    """One entry, with a final newline."""
    published = common.publication(paper, taxonomy)
    kind, fields = bibtex.entry_fields(paper, published, encode)
    month = published.month
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
