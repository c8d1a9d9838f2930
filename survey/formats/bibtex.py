"""BibTeX for the classic styles: ASCII LaTeX, months as macros, capitals protected."""

from __future__ import annotations

from survey.collection.names import Name
from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy
from survey.formats import common, latex


def entry(paper: Paper, taxonomy: Taxonomy) -> str:
    """One entry, with a final newline."""
    kind, fields = entry_fields(paper, taxonomy, latex.encode)
    month = common.month(paper, taxonomy)
    if month:
        fields["month"] = common.MONTHS[month - 1]
    if paper.preprint and paper.ids.arxiv:
        fields["eprint"] = paper.ids.arxiv
        fields["archiveprefix"] = "arXiv"
    text = render(kind, paper.key, fields)
    return latex.preamble(text) + text


def entry_fields(paper: Paper, taxonomy: Taxonomy, encode) -> tuple[str, dict[str, str]]:
    """Type and fields that BibTeX and biblatex share; `encode` writes text for the engine."""
    venue = common.venue_of(paper, taxonomy)
    fields = {
        "title": "".join(
            f"{{{encode(piece)}}}" if keep else encode(piece)
            for piece, keep in common.protected(paper)
        ),
        "author": " and ".join(name(n, encode) for n in paper.names),
    }
    if venue.type == "preprint":
        kind = "misc"
    elif venue.type == "journal":
        kind = "article"
        fields["journal"] = encode(common.booktitle(paper, taxonomy))
    else:
        kind = "inproceedings"
        fields["booktitle"] = encode(common.booktitle(paper, taxonomy))
        if venue.series:
            fields["series"] = encode(venue.series)
    if volume := common.volume(paper, taxonomy):
        fields["volume"] = encode(volume)
    if paper.pages:
        fields["pages"] = paper.pages.replace("-", "--")
    fields["year"] = str(paper.year)
    if address := venue.edition(paper.year).address:
        fields["address"] = encode(address)
    if venue.publisher:
        fields["publisher"] = encode(venue.publisher)
    # Plain: hyperref, url and biblatex read these two as they stand.
    if paper.ids.doi:
        fields["doi"] = paper.ids.doi
    if paper.url:
        fields["url"] = paper.url
    if paper.status:
        fields["note"] = encode(paper.status.capitalize())
    return kind, fields


def name(n: Name, encode) -> str:
    """A name as `particle Family, Suffix, Given`, which leaves nothing to guess."""
    if n.literal:
        return f"{{{encode(n.literal)}}}"
    family = encode(n.family)
    # A capital particle or a double name is one family name: braces would break sorting.
    parts = [f"{encode(n.particle)} {family}" if n.particle else family]
    if n.suffix:
        parts.append(encode(n.suffix))
    if n.given:
        parts.append(encode(n.given))
    return ", ".join(parts)


def render(kind: str, key: str, fields: dict[str, str]) -> str:
    """The entry as text; months are macros, everything else stands in braces."""
    lines = [f"@{kind}{{{key},"]
    for field, value in fields.items():
        lines.append(f"  {field} = {value}," if field == "month" else f"  {field} = {{{value}}},")
    return "\n".join(lines) + "\n}\n"


