"""BibTeX files of people and publishers, with the usual mess."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import NamedTuple

from survey.collection.names import Name
from survey.collection.paper import URL_PATTERN
from survey.intake.errors import IntakeError
from survey.intake.mentions import links_in
from survey.intake.record import Place, Record
from survey.intake.source import Source, read_source
from survey.intake.text import (
    CAPITAL_PARTICLES,
    from_latex,
    kept_capitals,
    pages_of,
    person,
    plain,
    printed,
    title_of,
)

MAX_CHARACTERS = 4 * 1024 * 1024
MAX_ENTRIES = 500
MAX_FIELD = 20_000
_NO_PAPER = frozenset(["proceedings", "book", "booklet", "manual", "software", "online", "electronic", "www", "collection", "conference_proceedings"])


class Entry(NamedTuple):
    """One entry as it stands: `fields` with lower-case names, `line` counted from 1."""

    key: str
    type: str
    fields: dict[str, str]
    line: int
    problem: str = ""


def entries(text: str) -> Iterator[Entry]:
    """The entries of a file in their order; what cannot be read is an entry with a `problem`.

    Raises `IntakeError` where the text is too long or has too many.
    """
    import bibtexparser

    if len(text) > MAX_CHARACTERS:
        raise IntakeError(f"the BibTeX is longer than {MAX_CHARACTERS // 1024 // 1024} MB: give a smaller part of it")
    if text.count("@") > 20 * MAX_ENTRIES:
        raise IntakeError("the BibTeX holds too many @: give a smaller part of it")
    if _depth(text) > 100:
        raise IntakeError("the BibTeX nests braces too deeply: one is not closed, perhaps")
    # The parser tells every oddity to the log; what matters is told by us.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_quiet)
    try:
        library = bibtexparser.parse_string(text.replace("\r\n", "\n").replace("\r", "\n"))
    except Exception as error:  # the parser raises many kinds
        raise IntakeError(f"the BibTeX cannot be read: {str(error)[:200] or type(error).__name__}") from None
    finally:
        logging.getLogger().removeFilter(_quiet)
    found: list[Entry] = []
    for block in library.blocks:
        line = (block.start_line or 0) + 1
        kind = type(block).__name__
        if kind == "Entry":
            fields = {f.key.lower(): str(f.value)[:MAX_FIELD] for f in block.fields}
            found.append(Entry(str(block.key), block.entry_type.lower(), fields, line))
        elif "Duplicate" in kind:
            inner = getattr(block, "ignore_error_block", None)
            key = str(getattr(inner, "key", "") or getattr(block, "key", ""))
            found.append(Entry(key, "", {}, line, "stands twice, or has a field twice: keep one of the two"))
        elif "Failed" in kind or "Error" in kind:
            found.append(Entry("", "", {}, line, "cannot be read: a brace, a quote or a comma is missing, perhaps"))
    if len(found) > MAX_ENTRIES:
        raise IntakeError(f"the BibTeX has {len(found)} entries, more than {MAX_ENTRIES}: give a smaller part of it")
    yield from found


def _quiet(record: logging.LogRecord) -> bool:
    return "bibtexparser" not in record.pathname


def _depth(text: str) -> int:
    depth = deepest = 0
    for c in re.findall(r"\\.|[{}]|\n@", text, re.S):
        if c == "{":
            depth += 1
            deepest = max(deepest, depth)
        elif c == "}":
            depth = max(0, depth - 1)
        elif c == "\n@":
            depth = 0
    return deepest


def record(entry: Entry, origin: str, trusted: bool = False) -> Record:
    """What one entry says of its paper; `origin` names the file. A publisher is `trusted` to write
    names as BibTeX wants them. Raises `IntakeError`."""
    if entry.problem:
        raise IntakeError(f"entry {entry.key or '?'} {entry.problem}")
    if entry.type in _NO_PAPER:
        raise IntakeError(f"{entry.key} is @{entry.type}, and no paper")
    fields = entry.fields
    title = title_of(fields.get("title", ""))
    if not title:
        raise IntakeError(f"{entry.key} has no title")
    try:
        authors, whole = people(fields.get("author", ""), trusted)
    except IntakeError as error:
        raise IntakeError(f"{entry.key}: {error}") from None
    if not authors:
        raise IntakeError(f"{entry.key} has no author")
    ids = _ids(fields)
    place = _place(fields)
    year = next((int(m[0]) for name in ("year", "date") if (m := re.search(r"\b(19|20)\d\d\b", fields.get(name, "")))), None)
    return Record(
        source=origin, title=title, authors=authors, year=year, place=place, ids=ids,
        links=_links(fields, ids),
        pages=pages_of(fields.get("pages")),
        volume=plain(fields.get("volume"), latex=True) or None if entry.type == "article" and place else None,
        protect=kept_capitals(fields.get("title", ""), title),
        abstract=plain(fields.get("abstract"), latex=True), sources=(origin,),
        unconfirmed=() if whole else ("authors",),
        notes=() if whole else ("the list of authors ends in 'and others': it is not whole",),
    )  # fmt: skip


def people(text: str, trusted: bool = False) -> tuple[tuple[Name, ...], bool]:
    """The names of an `author` field, and whether the list is whole (no `and others`).

    Raises `IntakeError` for what looks like several people without an `and` between them.
    """
    names, whole, parts = [], True, _split(text)
    for part in parts:
        bare = re.sub(r",?\s*\bet\.? al\.?$", "", part, flags=re.I)
        if bare != part or part.lower() == "others":
            part, whole = bare, False
        if part.lower() in ("others", ""):
            continue
        if len(part) > 300 or (not trusted and several(part, len(parts) == 1)):
            shown = part if len(part) <= 60 else f"{part[:57]}..."
            raise IntakeError(f"'{shown}' looks like several authors: write `and` between two of them, and a comma only in `Family, Given`")
        if re.fullmatch(r"\{[^{}]*\}", part):
            # Braces around all of it: a collaboration, or one word.
            names.append(Name(literal=plain(from_latex(part), latex=True)))
        elif name := _name(part):
            names.append(name)
    return tuple(names), whole


def several(part: str, alone: bool) -> bool:
    """Whether a name is several: `Meng, Kevin; Bau, David`, `A B & C D`, `A B, C D, E F`; and, where it
    stands `alone`, `Kevin Meng, David Bau`, which between other names is one with a double name."""
    bare = re.sub(r"\{[^{}]*\}", "x", re.sub(r"\\[^\s{}]", "", part))
    halves = [half.split() for half in bare.split(",")]
    if re.search(r"[;&]", re.sub(r"\{[^{}]*\}", "x", part)) or len(halves) > 3:
        return True
    if len(halves) == 3:
        return re.fullmatch(r"(jr|sr|ii|iii|iv)\.?", " ".join(halves[1]), re.I) is None
    if len(halves) == 2 and alone:
        family, given = halves
        whole = all(len(word) > 1 and word[0].isupper() and not word.endswith(".") for word in (*family, *given))
        return len(family) > 1 and len(given) > 1 and whole and family[0] not in CAPITAL_PARTICLES
    return False


def _split(text: str) -> list[str]:
    """The text cut at every `and` that stands outside braces."""
    parts, depth, current = [], 0, []
    for word in " ".join(text.split()).split(" "):
        if depth == 0 and word.lower() == "and":
            parts.append(" ".join(current))
            current = []
            continue
        depth += word.count("{") - word.count("}")
        current.append(word)
    parts.append(" ".join(current))
    return [part for part in parts if part]


def _name(part: str) -> Name | None:
    """One name, as BibTeX reads it: `First von Last`, `von Last, First`, `von Last, Jr, First`."""
    halves = [half.strip() for half in _commas(part)]
    if len(halves) == 3:
        return person(halves[2], f"{halves[0]} {plain(halves[1])}")
    if len(halves) == 2:
        family = halves[0]
        if re.fullmatch(r"\{[^{}]*\}", family):
            given, whole = plain(halves[1], latex=True), plain(family, latex=True)
            return Name(given=given, family=whole) if given else Name(literal=whole)
        return person(halves[1], family)
    # A family name of several words, kept together: Nicola {De Cao}.
    if match := re.fullmatch(r"(.*\S)\s+\{([^{}\\]+ [^{}\\]+)\}", part):
        return Name(given=plain(match[1], latex=True), family=plain(match[2], latex=True))
    return printed(re.sub(r"[{}]", "", part) if "\\" not in part else part)


def _commas(part: str) -> list[str]:
    found, depth = [""], 0
    for c in part:
        depth += (c == "{") - (c == "}")
        if c == "," and depth == 0:
            found.append("")
        else:
            found[-1] += c
    return found


def _ids(fields: dict[str, str]) -> dict[str, str]:
    """Every id that the fields hold, in the scheme it belongs to; the first of a scheme counts."""
    found: dict[str, str] = {}
    texts = [fields.get("doi", ""), fields.get("url", ""), fields.get("ee", ""), fields.get("howpublished", "")]
    eprint = fields.get("eprint", "").strip()
    if eprint and fields.get("archiveprefix", fields.get("eprinttype", "arxiv")).lower() == "arxiv":
        texts.insert(0, f"arxiv:{eprint}" if not eprint.lower().startswith("arxiv") else eprint)
    for name in ("journal", "note", "number", "volume", "publisher"):
        # arXiv preprint arXiv:2202.05262; CoRR, abs/2202.05262
        if match := re.search(r"(?:arxiv:|abs/)\s*([a-z-]+/\d{7}|\d{4}\.\d{4,5})(?:v\d+)?", fields.get(name, ""), re.I):
            texts.append(f"arxiv:{match[1]}")
    for text in texts:
        text = re.sub(r"\\url\{([^}]*)\}", r"\1", text).strip().strip("{}").replace("\\_", "_")
        try:
            source = read_source(text)
        except IntakeError:
            continue
        # A bare word in `url` is no OpenReview id.
        if source.kind != "openreview" or "openreview.net" in text:
            found.setdefault(source.kind, source.id)
    if match := re.fullmatch(r"10\.18653/v1/(.+)", fields.get("doi", "").strip().strip("{}"), re.I):
        found.setdefault("anthology", match[1])
    if "anthology" in found and "doi" not in found and (doi := plain(fields.get("doi")).strip("{}")):
        found["doi"] = re.sub(r"^https?://(dx\.)?doi\.org/", "", doi).lower()
    return found


def _links(fields: dict[str, str], ids: dict[str, str]) -> dict[str, str]:
    found = links_in(" ".join(fields.get(name, "") for name in ("code", "howpublished", "note", "abstract")))
    url = re.sub(r"\\url\{([^}]*)\}", r"\1", fields.get("url", "")).strip().replace("\\_", "_")
    url = f"https://{url}" if url.startswith("www.") else url
    # Where no id leads to the paper, its address does.
    return {**found, "paper": url} if not ids and re.match(URL_PATTERN, url) else found


def _place(fields: dict[str, str]) -> Place | None:
    text = plain(fields.get("booktitle") or fields.get("journal") or fields.get("journaltitle"), latex=True)
    if re.match(r"(arxiv|corr|computing research repository|ssrn|biorxiv)\b", text, re.I) or len(text) < 2:
        return None
    return Place(text)


def best_source(ids: dict[str, str]) -> Source | None:
    """The id under which a service knows most: the publisher's before the preprint's."""
    for kind in ("anthology", "doi", "openreview", "arxiv"):
        if kind in ids:
            return Source(kind, ids[kind])
    return None


