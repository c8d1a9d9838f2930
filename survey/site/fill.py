"""Complete the pages that mkdocs has built: citations, links to terms, placeholders, formulas."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from html import escape, unescape

from survey.collection import Collection, Paper
from survey.site import links

_CITATION = re.compile(r"\[(@[a-z0-9]+(?:; ?@[a-z0-9]+)*)\]")
_TERM = re.compile(r"\[\[([a-z]+):([^\]\n]+)\]\]")
_PLACE = re.compile(r'<div data-survey="([a-z]+)"(?: data-name="([^"]*)")?>\s*</div>')
_MATHS = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', re.S)
_TABLE = re.compile(r"<table>(.*?)</table>", re.S)
# Where markup is shown instead of meant.
_LITERAL = re.compile(r"(<(?:pre|code|script|style)\b.*?</(?:pre|code|script|style)>)", re.S)


class FillError(ValueError):
    """A hand-written page names something that does not exist."""


def short_citation(paper: Paper) -> str:
    """Meng et al. 2022."""
    names = [f"{n.particle} {n.sorting}".strip() for n in paper.names]
    who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    return f"{who} {paper.year}"


@lru_cache(4096)
def formula(tex: str, block: bool = False) -> str:
    """TeX as MathML, which browsers draw themselves. Raises `FillError`."""
    from latex2mathml.converter import convert

    try:
        drawn = convert(tex, display="block" if block else "inline")
    except Exception as error:  # the converter raises many kinds
        raise FillError(f"the formula {tex!r} cannot be drawn: {error}") from None
    # What is too wide is scrolled, by keyboard too.
    return f'<div class="formula" role="group" tabindex="0" aria-label="Formula">{drawn}</div>' if block else drawn


def fill(html: str, collection: Collection, base: str, places: dict[str, Callable[[str, str], str]]) -> str:
    """Return the page complete. `base` leads to the root; `places` makes what stands in a
    placeholder from its name and base. Raises `FillError`."""

    def place(match: re.Match) -> str:
        if match[1] not in places:
            raise FillError(f"there is no placeholder '{match[1]}'")
        return places[match[1]](match[2] or "", base)

    def cited(match: re.Match) -> str:
        return "".join(["(", "; ".join(citation(key.strip(" @"), collection, base) for key in match[1].split(";")), ")"])

    def maths(match: re.Match) -> str:
        tex = unescape(match[2]).strip()
        return formula(tex[2:-2].strip(), match[1] == "div")

    if 'class="arithmatex"' in html:
        html = _MATHS.sub(maths, html)
    if "[@" in html or "[[" in html:
        parts = _LITERAL.split(html)
        for i in range(0, len(parts), 2):
            parts[i] = _CITATION.sub(cited, parts[i])
            parts[i] = _TERM.sub(lambda m: term(m[1], unescape(m[2]), collection, base), parts[i])
        html = "".join(parts)
    html = _TABLE.sub(r'<div class="survey-scroll" role="group" tabindex="0" aria-label="Table"><table class="plain">\1</table></div>', html)
    # Last, since what entries say is never markup of ours.
    return _PLACE.sub(place, html)


def citation(key: str, collection: Collection, base: str) -> str:
    """A link such as Meng et al. 2022, with the title on hovering."""
    if key not in collection:
        raise FillError(f"there is no entry {key}")
    paper = collection[key]
    return f'<a class="cite" href="{base}{links.paper(paper.key)}" title="{escape(paper.title)}">{escape(short_citation(paper))}</a>'


def term(kind: str, id: str, collection: Collection, base: str) -> str:
    """A link to a term, by its name, or to the explorer with the number of papers."""
    if kind == "papers":
        number = len(collection.search(id))
        return f'<a href="{base}{escape(links.search(id))}">{number} {"paper" if number == 1 else "papers"}</a>'
    section = links.SECTION_OF.get(kind)
    terms = getattr(collection.taxonomy, section) if section else {}
    if id not in terms:
        raise FillError(f"there is no {kind} '{id}'")
    return f'<a href="{base}{links.term(section, id)}">{escape(terms[id].name)}</a>'
