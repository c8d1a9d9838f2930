"""BibTeX for the classic styles: ASCII LaTeX, months as macros, capitals protected."""

from __future__ import annotations

from survey.collection.names import Name
from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy
from survey.formats import common, latex


def entry(paper: Paper, taxonomy: Taxonomy) -> str:
    """One entry, with a final newline."""
    published = common.publication(paper, taxonomy)
    kind, fields = entry_fields(paper, published, latex.encode)
    if published.month:
        fields["month"] = common.MONTHS[published.month - 1]
    if paper.preprint and paper.ids.arxiv:
        fields["eprint"] = paper.ids.arxiv
        fields["archiveprefix"] = "arXiv"
    text = render(kind, paper.key, fields)
    return latex.preamble(text) + text


def entry_fields(paper: Paper, published: common.Publication, encode) -> tuple[str, dict[str, str]]:
    """Type and fields that BibTeX and biblatex share; `encode` writes text for the engine."""
    venue = published.venue
    fields = {
        "title": "".join(
            [f"{{{encode(piece)}}}" if keep else encode(piece) for piece, keep in common.protected(paper)]
        ),
        "author": authors(paper.names, encode),
    }
    if venue.type == "preprint":
        kind = "misc"
    elif venue.type == "journal":
        kind = "article"
        fields["journal"] = encode(published.title)
    else:
        kind = "inproceedings"
        fields["booktitle"] = encode(published.title)
        if venue.series:
            fields["series"] = encode(venue.series)
    if published.volume:
        fields["volume"] = encode(published.volume)
    if paper.pages:
        fields["pages"] = paper.pages.replace("-", "--")
    fields["year"] = str(paper.year)
    if published.address:
        fields["address"] = encode(published.address)
    if venue.publisher:
        fields["publisher"] = encode(venue.publisher)
    # Plain: hyperref, url and biblatex read these two as they stand.
    if paper.ids.doi:
        fields["doi"] = paper.ids.doi
    if url := paper.url:
        fields["url"] = url
    if paper.status:
        fields["note"] = encode(paper.status.capitalize())
    return kind, fields


def authors(names: tuple[Name, ...], encode) -> str:
    """All names, joined by `and`."""
    plain = []
    for n in names:
        given, particle, family, suffix, literal = n
        if particle or suffix or literal or not given:
            break
        plain.append(f"{family}, {given}")
    else:
        # Most lists hold plain letters only, and need no closer look at each name.
        joined = " and ".join(plain)
        if encode(joined) == joined:
            return joined
    return " and ".join([name(n, encode) for n in names])


def name(n: Name, encode) -> str:
    """A name as `particle Family, Suffix, Given`, which leaves nothing to guess."""
    if n.literal:
        return f"{{{encode(n.literal)}}}"
    if not (n.particle or n.suffix):
        return f"{encode(n.family)}, {encode(n.given)}" if n.given else encode(n.family)
    # A capital particle or a double name is one family name: braces would break sorting.
    parts = [f"{encode(n.particle)} {encode(n.family)}" if n.particle else encode(n.family)]
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


