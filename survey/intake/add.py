"""From a source to a file below `papers/`: looked up, drafted, compared with what is there, written."""

from __future__ import annotations

import datetime
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from survey.checks import Finding
from survey.checks.links import link_host, link_kind, link_tail
from survey.checks.registry import similar_term
from survey.checks.run import check_text
from survey.collection import Collection, Name, Paper, Taxonomy
from survey.collection.paper import paper_from
from survey.files.comments import beside
from survey.files.load import PACKAGE, load_collection, load_taxonomy
from survey.files.reader import MAX_BYTES
from survey.files.writer import dump
from survey.intake import bibtex, duplicates
from survey.intake.client import Client
from survey.intake.entry import draft, free_key
from survey.intake.errors import BadAnswer, IntakeError, NotFound, Unavailable, Withdrawn
from survey.intake.lookup import look_up, settled
from survey.intake.record import Record, alike_titles, same_people
from survey.intake.source import Source, read_source
from survey.intake.suggest import Suggestion, suggest
from survey.intake.venues import locate

MAX_SOURCES = 500
_SCOPE = re.compile(
    r"\bedit(?:s|ed|ing|or|ors|able)?\b|\bunlearn|\bknowledge (?:update|updating|injection|neurons?|conflict|erasure|removal)|\bmodel (?:repair|patch|surgery)", re.I
)


@dataclass(frozen=True)
class Proposal:
    """What would be written for one source: a new entry, or an update of the one that it is.

    `text` is the whole file, `findings` is what `survey check` says of it. `match` names the entry
    that the paper is already, `old` its path, `changes` what an update would add to it, `conflicts`
    where the two contradict each other; `draft` and `found` are what the source says.
    """

    source: str
    key: str
    path: str
    text: str
    record: dict
    paper: Paper
    findings: tuple[Finding, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    match: duplicates.Match | None = None
    old: str = ""
    changes: tuple[duplicates.Change, ...] = ()
    conflicts: tuple[duplicates.Change, ...] = ()
    draft: dict | None = None
    found: Record | None = None


@dataclass(frozen=True)
class Options:
    """What the person decides: the venue, and that a similar title is another paper."""

    venue: str | None = None
    another: bool = False


@dataclass(frozen=True)
class Wanted:
    """One paper to be added: its name in messages, its id, or an entry of a BibTeX file; or the
    `problem` of a line that is neither."""

    name: str
    source: Source | None = None
    entry: bibtex.Entry | None = None
    origin: str = ""
    problem: str = ""


def wanted(text: str) -> list[Wanted]:
    """What a person asks for: an id or address, a .bib file, or `-` for standard input, which holds
    BibTeX or one id a line. What is none of these has a `problem`. Raises `IntakeError` for a file
    that is not there or holds nothing."""
    if text == "-":
        return _in_text(sys.stdin.buffer.read(bibtex.MAX_CHARACTERS + 1), "standard input")
    path = Path(text)
    if (text.lower().endswith(".bib") and not re.match(r"https?://", text)) or (path.is_file() and "\0" not in text):
        if not path.is_file():
            raise IntakeError(f"there is no file {text}")
        with open(path, "rb") as file:
            return _in_text(file.read(bibtex.MAX_CHARACTERS + 1), path.name)
    return [_of_line(text, text, "; BibTeX is taken from a .bib file, or from `survey add -`")]


def _of_line(line: str, name: str, more: str = "") -> Wanted:
    try:
        return Wanted(line, read_source(line))
    except IntakeError as error:
        return Wanted(line, problem=f"{'' if name == line else f'{name}: '}{error}{more}")


def _in_text(data: bytes, origin: str) -> list[Wanted]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Old files of BibTeX are often in Latin-1, in which every byte is a letter.
        text = data.decode("latin-1")
    if re.search(r"@\s*\w+\s*[{(]", text):
        found = [Wanted(f"{origin}:{entry.line}", None, entry, origin) for entry in bibtex.entries(text)]
    else:
        lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1)]
        lines = [(n, line) for n, line in lines if line and not line.startswith("#")]
        if len(lines) > MAX_SOURCES:
            raise IntakeError(f"{origin} holds more than {MAX_SOURCES} lines: give a smaller part of it")
        found = [_of_line(line, f"{origin}:{n}") for n, line in lines]
    if not found:
        raise IntakeError(f"{origin} holds no BibTeX entry and no id")
    return found


def propose(
    asked: Wanted, collection: Collection, client: Client, options: Options = Options(), taken: frozenset[str] = frozenset()
) -> Proposal:
    """What would be written for one paper; nothing is. `taken` are keys that others will have.
    Raises `IntakeError`."""
    taxonomy = collection.taxonomy
    if options.venue and options.venue not in taxonomy.venues:
        guess = locate(options.venue, taxonomy).venue
        hint = f"did you mean {guess}?" if guess else similar_term(options.venue, taxonomy.venues.spellings)
        raise IntakeError(f"there is no venue '{options.venue}' in taxonomy/venues.yaml{f' ({hint})' if hint else ''}")
    if asked.problem:
        raise IntakeError(f"{asked.problem}{_as_key(asked.name, collection)}")
    found = _of_bibtex(asked, client, collection) if asked.entry else _looked_up(asked.source, client, collection)
    found = replace(found, authors=known_names(found.authors, collection))
    drafted = draft(found, taxonomy, options.venue)
    bad = _bad_links(drafted.record, taxonomy)
    if bad:
        drafted.record["links"] = {k: v for k, v in drafted.record["links"].items() if k not in bad}
        found = replace(found, notes=(*found.notes, *(f"the {kind} link was left out: {why}" for kind, why in bad.items())))
    if match := _match(drafted.record, collection, options):
        return _update(asked.name, found, drafted.record, match, collection)
    if found.withdrawn:
        raise Withdrawn(f"{asked.name} has been withdrawn ({_short(found.withdrawn)}): it is no paper for the collection")
    record, suggestions = tagged(drafted.record, found, taxonomy)
    key = free_key(record, taken | _taken(collection))
    path = f"papers/{record['year']}/{key}.yaml"
    text = with_words(record, suggestions)
    if len(text) > MAX_BYTES:
        raise IntakeError(f"the entry of {asked.name} would be longer than {MAX_BYTES // 1024} KiB")
    entry, findings = check_text(path, text, taxonomy)
    notes = list(found.notes)
    if entry.paper is None:
        raise BadAnswer(f"{found.source} tells something that no entry can hold: {findings[0].message}")
    if not _SCOPE.search(f"{found.title} {found.abstract}"):
        notes.append("neither title nor abstract speaks of editing or updating knowledge: is it in the scope of the tagging guide?")
    return Proposal(
        asked.name, key, path, text, record, entry.paper, tuple(findings), tuple(suggestions), drafted.unknown, tuple(notes)
    )


def _as_key(name: str, collection: Collection) -> str:
    return f"; it is the key of an entry that is here: `survey show {name}`" if name in collection else ""


def _looked_up(source: Source, client: Client, collection: Collection) -> Record:
    try:
        return look_up(client, source, collection.taxonomy)
    except Unavailable as error:
        # That it is here can be told without anybody's help.
        known = next((p.key for p in collection.values() if getattr(p.ids, source.kind) == source.id), None)
        if known is None:
            raise
        raise Unavailable(f"{error} ({source.id} is here already: {known})") from None


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."


def _of_bibtex(asked: Wanted, client: Client, collection: Collection) -> Record:
    """What a BibTeX entry says, mended by the service of its id where that tells of the same paper."""
    record = bibtex.record(asked.entry, f"BibTeX ({asked.origin})")
    taxonomy, source = collection.taxonomy, bibtex.best_source(record.ids)
    if not source:
        return _alone(record, "the BibTeX has no id, so no service confirms it", taxonomy)
    try:
        found = look_up(client, source, taxonomy)
    except (Unavailable, NotFound, BadAnswer) as error:
        return _alone(record, f"{error}; the facts are those of the BibTeX alone", taxonomy)
    if alike_titles(found.title, record.title) < 0.4 and same_people(found.authors, record.authors) < 0.5:
        raise IntakeError(f"{source.id} is the id of another paper, '{found.title}' by {found.authors[0].printed}: mend the id")
    return _completed(found, settled(record, taxonomy))


def _alone(record: Record, note: str, taxonomy: Taxonomy) -> Record:
    """A record that nothing but somebody's file tells."""
    weak = tuple(dict.fromkeys((*record.unconfirmed, "authors", "title", "venue", "year")))
    return settled(replace(record, unconfirmed=weak, notes=(*record.notes, note)), taxonomy)


def _completed(found: Record, own: Record) -> Record:
    """What the service tells, and what only the file does; a venue of the file alone is not confirmed."""
    both = replace(
        found,
        ids={**own.ids, **found.ids},
        links={**own.links, **found.links},
        protect=tuple(word for word in own.protect if word in found.title),
        abstract=found.abstract or own.abstract,
        sources=(*found.sources, *own.sources),
    )
    if (found.place and found.place.venue) or not (own.place and own.place.venue):
        return both
    return replace(
        both, place=own.place, year=own.year, pages=own.pages, volume=own.volume,
        unconfirmed=(*both.unconfirmed, "venue"), notes=(*both.notes, "the venue rests on the BibTeX alone"),
    )  # fmt: skip


def known_names(names: tuple[Name, ...], collection: Collection) -> tuple[Name, ...]:
    """The names, those that the collection knows split as they are there: Nicola | De Cao."""
    known = {n.printed: n for paper in collection.values() for n in paper.names if " " in n.family or n.literal}
    return tuple(known.get(name.printed, name) for name in names)


def _taken(collection: Collection) -> set[str]:
    return {key for paper in collection.values() for key in (paper.key, *paper.former_keys)}


def _bad_links(record: dict, taxonomy: Taxonomy) -> dict[str, str]:
    """Links that no entry may have, and why: they say something of the source, and nothing needed."""
    paper = _valid(record)
    return {f.where[1]: f.message for rule in (link_kind, link_tail, link_host) for f in rule(paper, None, taxonomy)}


def _match(record: dict, collection: Collection, options: Options) -> duplicates.Match | None:
    match = duplicates.find(_valid(record), collection)
    return None if match and options.another and not match.sure else match


def _valid(record: dict) -> Paper:
    """The paper of a draft, which has no tags yet. Raises `BadAnswer`."""
    from pydantic import ValidationError

    from survey.checks.schema import explain

    try:
        return paper_from({**record, "kinds": ["analysis"], "annotated": {"basis": "title", "on": "2026-01-01"}}, "new2026paper")
    except ValidationError as error:
        raise BadAnswer(f"the source tells something that no entry can hold: {explain(error, load_taxonomy())[0].message}") from None


def _update(name: str, found: Record, drafted: dict, match: duplicates.Match, collection: Collection) -> Proposal:
    """The entry that the paper is already, with what this source adds to it as it is now."""
    from survey.formats.jsonl import record as record_of

    paper = collection[match.key]
    old = {k: v for k, v in record_of(paper).items() if k != "key"}
    new = duplicates.update(old, drafted, found)
    path = f"papers/{new.record['year']}/{paper.key}.yaml"
    text = dump(new.record)
    entry, findings = check_text(path, text, collection.taxonomy)
    return Proposal(
        name, paper.key, path, text, new.record, entry.paper or paper, tuple(findings), notes=found.notes,
        match=match, old=f"papers/{paper.year}/{paper.key}.yaml", changes=new.changes, conflicts=new.conflicts,
        draft=drafted, found=found,
    )  # fmt: skip


# Tags


def tagged(record: dict, found: Record, taxonomy: Taxonomy) -> tuple[dict, list[Suggestion]]:
    """The entry with suggested tags, marked as such, and the suggestions with their words."""
    basis = "abstract" if found.abstract else "title"
    suggestions = suggest(found.title, found.abstract, taxonomy, record.get("acronym", ""))
    tags: dict = {"kinds": []}
    for s in suggestions:
        part, _, field = s.field.partition(".")
        if s.field == "kinds":
            tags["kinds"].append(s.value)
        elif s.field == "pitfalls":
            tags.setdefault("pitfalls", []).append({"id": s.value, "stance": s.stance, "basis": basis})
        else:
            tags.setdefault(part, {}).setdefault(field, []).append(s.value)
    unconfirmed = [*record.get("unconfirmed", ()), "tags"]
    annotated = {"basis": basis, "on": str(_today())}
    return {**record, **tags, "unconfirmed": unconfirmed, "annotated": annotated}, suggestions


def _today() -> datetime.date:
    """The day of the annotation; SOURCE_DATE_EPOCH fixes it for output that must not change."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date() if epoch.isdigit() else datetime.date.today()


def with_words(record: dict, suggestions: list[Suggestion]) -> str:
    """The entry as a file, the words that led to each suggestion in a comment behind it."""
    words: dict[tuple, list[str]] = {}
    for s in suggestions:
        where = (s.field.partition(".")[0],)
        if s.field == "pitfalls":
            ids = [(tag["id"], tag["stance"]) for tag in record["pitfalls"]]
            where = ("pitfalls", ids.index((s.value, s.stance)))
        words.setdefault(where, []).append(f'"{few(s.words)}"' if s.words else "no word decides this")
    return dump(record, beside({where: ", ".join(dict.fromkeys(told)) for where, told in words.items()}))


def few(words: str) -> str:
    """At most seven words of an abstract, which is not ours to store."""
    parts = " ".join(words.split()).split(" ")
    return " ".join(parts) if len(parts) <= 7 else f"{' '.join(parts[:3])} … {' '.join(parts[-3:])}"


# Writing


def with_comments(root: Path, proposal: Proposal) -> Proposal:
    """An update whose text has the comments of the file that is there."""
    from survey.files.house import rewrite
    from survey.files.load import read_text

    old = proposal.old
    return replace(proposal, text=rewrite(read_text(root / old), proposal.record)) if old else proposal


def write(root: Path, proposal: Proposal, options: Options = Options()) -> Proposal:
    """Write a new entry, or the update of an old one, and return what was written.

    While others add to the same clone they wait for each other, and what they have written
    meanwhile is looked at again. Raises `IntakeError` where the paper has come in meanwhile.
    """
    from survey.files.storage import create_file, locked, move_file, write_file

    if PACKAGE in (root, *root.parents):
        raise IntakeError("the collection here is part of the installed package: run this inside a clone of the project")
    with locked(root):
        collection = load_collection(root)
        if proposal.match:
            if proposal.key not in collection:
                raise IntakeError(f"{proposal.source} was to be merged into {proposal.key}, which has gone meanwhile")
            # Somebody may have changed the entry while its source was asked.
            proposal = _update(proposal.source, proposal.found, proposal.draft, proposal.match, collection)
            proposal = with_comments(root, proposal)
            if not proposal.changes:
                return proposal
            if proposal.path == proposal.old:
                write_file(root / proposal.path, proposal.text)
            else:
                move_file(root / proposal.old, root / proposal.path, proposal.text)
            return proposal
        match = duplicates.find(proposal.paper, collection)
        if match and (match.sure or not options.another):
            raise IntakeError(f"{proposal.source} has been added meanwhile: {match.key} {match.why}")
        key = free_key(proposal.record, _taken(collection))
        proposal = replace(proposal, key=key, path=f"papers/{proposal.record['year']}/{key}.yaml")
        create_file(root / proposal.path, proposal.text)
    return proposal


def propose_all(
    asked: list[Wanted], collection: Collection, client: Client, options: Options = Options(), begun: Callable[[int], None] = lambda n: None
) -> Iterator[tuple[Wanted, Proposal | IntakeError]]:
    """Proposals, or what went wrong, one by one; two of one call that are the same paper are told."""
    seen: dict[str, str] = {}
    taken: frozenset[str] = frozenset()
    for number, item in enumerate(asked):
        begun(number)
        try:
            proposal = propose(item, collection, client, options, taken)
            ids = [f"{scheme} {value.lower()}" for scheme, value in proposal.paper.ids.items()] + [proposal.paper.title.lower()]
            if twin := next((seen[id] for id in ids if id in seen), None):
                raise IntakeError(f"the same paper as {twin}" if item.entry else f"{item.name} is the same paper as {twin}")
            seen |= dict.fromkeys(ids, item.name)
            taken |= {proposal.key}
            yield item, proposal
        except IntakeError as error:
            # A file has many entries, so each of them is named.
            yield item, type(error)(f"{item.name}: {error}") if item.entry else error
