"""What a pull request changes, as one comment that people read: by a job that may write, of main's code.

The entries come from a job that ran whatever the pull request holds. They are parsed and checked
anew here, and shown as text of strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from survey.checks.registry import Finding, Severity
from survey.checks.run import check_text
from survey.collection import Collection, Paper
from survey.collection.text import ascii_slug
from survey.files.load import load_collection, read_text
from survey.formats import FORMATS
from survey.formats.jsonl import record as record_of
from survey.intake.github import changed as bundle
from survey.intake.github.api import GitHub, remark
from survey.intake.github.submission import findings as findings_of
from survey.intake.handover import BadHandover
from survey.intake.markdown import capped, code, fence, link, plain

MARKER = "<!-- survey:preview -->"
CARD = 14_000
"""Characters that one entry may take, so that a few fit in any case."""
_FIELDS = 30
_LONG = 6000


class Places(NamedTuple):
    """Addresses of what is ours: the files on the main branch, and the site."""

    files: str
    site: str = ""

    def of(self, paper: Paper) -> str:
        """The page of an entry on the site, or its file where no site is known."""
        return f"{self.site}papers/{paper.key}/" if self.site else f"{self.files}papers/{paper.year}/{paper.key}.yaml"


def render(changes: bundle.Changes, root: Path, places: Places) -> str:
    """The comment, without its marker. Nothing in it comes alive but links of ours and to ids."""
    main = load_collection(root)
    texts = {c.path: c.text for c in changes.entries}
    before = {c.path: _before(root, c.path) for c in changes.entries}
    # An entry that moved to another year is one change.
    moved = {Path(p).stem for p, t in texts.items() if t is not None}
    found = findings_of(root, texts)
    papers = {p: check_text(p, t, main.taxonomy)[0].paper for p, t in texts.items() if t is not None}
    new = [p for p in papers.values() if p]
    gone = {Path(p).stem for p in texts}
    collection = Collection([*(p for k, p in main.items() if k not in gone), *new], main.taxonomy)
    shown = [c for c in changes.entries if c.text is not None or Path(c.path).stem not in moved]
    cards = [_card(c.path, c.text, before, main, papers.get(c.path), collection, [f for f in found if f.path == c.path], places) for c in shown]
    if changes.left_out:
        cards.append(f"{changes.left_out} more files are changed, and not shown here.")
    head = _head(len(shown), found)
    return capped([head, *cards], "{} more entries do not fit into a comment. `survey github preview` shows them on your machine.")


def _head(number: int, found: list[Finding]) -> str:
    counts = [f"{n} {word}{'s' if n > 1 else ''}" for s, word in _WORDS.items() if (n := sum(f.severity is s for f in found))]
    told = ", ".join(counts) or "no problems"
    return f"### Preview of {number} changed {'entry' if number == 1 else 'entries'}: {told}"


_WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def _before(root: Path, path: str) -> str | None:
    place = root / path
    return read_text(place) if place.is_file() and not place.is_symlink() else None


def _card(
    path: str, text: str | None, before: dict[str, str | None], main: Collection, paper: Paper | None, collection: Collection,
    found: list[Finding], places: Places,
) -> str:  # fmt: skip
    """One entry: what it is, what is wrong with it, what it changes, and what is like it."""
    key = Path(path).stem
    old = main.get(key)
    state = "taken away" if text is None else "new" if old is None else "changed"
    parts = [f"#### {code(key)} ({state})"]
    if text is None:
        parts.append(_left_behind(key, collection))
    else:
        if paper:
            parts.append(_bibliography(paper, main))
        parts.append(_problems(found))
        if old:
            parts += _difference(old, paper, before.get(f"papers/{old.year}/{old.key}.yaml"), text)
        if paper:
            parts += [_tags(paper, main), *_similar(paper, collection, main, places), _bibtex(paper, main)]
        else:
            parts.append("It cannot be shown as a paper until these are mended.")
    parts = [part for part in parts if part]
    return capped(parts, "(the rest of this entry is too long to show)", CARD)


def _left_behind(key: str, collection: Collection) -> str:
    """What becomes of the key of an entry that is taken away, and what still refers to it."""
    kept = collection.get(key)
    t = collection.taxonomy
    # Relations follow a former key; the taxonomy names keys that entries have.
    rows = [f"- {code(p.key)}: {r.relation}" for p in collection.values() for r in p.related if r.key == key and not kept]
    for section in ("families", "methods", "pitfalls", "benchmarks", "metrics", "venues"):
        rows += [f"- taxonomy/{section}.yaml: founding paper of {code(term.id)}" for term in getattr(t, section).values() if key in term.papers]
    if len(rows) > _FIELDS:
        rows[_FIELDS:] = [f"- and {len(rows) - _FIELDS} more"]
    told = f"The key is kept by {code(kept.key)}." if kept else f"No entry keeps the key: list {code(key)} in `former_keys` of what replaced it."
    return told + ("\n\n**What still refers to it**\n" + "\n".join(rows) if rows else "")


def _bibliography(paper: Paper, main: Collection) -> str:
    venue = main.taxonomy.venues.get(paper.venue)
    where = venue.full_name if venue else paper.venue
    names = [n.printed for n in paper.names]
    people = ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "")
    status = f" ({paper.status})" if paper.status else ""
    lines = [f"**{plain(paper.title, 500)}**", plain(people, 1500), f"{plain(where)}, {paper.year}{status}"]
    ids = [link(f"{_SCHEME[scheme]} {value}", _ADDRESS[scheme].format(value)) for scheme, value in paper.ids.items()]
    links = [f"{kind}: {code(url, 500)}" for kind, url in paper.links.items()]
    lines += [" · ".join([*ids, *links])] if ids or links else []
    if paper.summary:
        lines.append(f"> {plain(paper.summary, 1200)}")
    return "  \n".join(lines[:4]) + "".join(f"\n\n{line}" for line in lines[4:])


_SCHEME = {"arxiv": "arXiv", "doi": "DOI", "anthology": "ACL Anthology", "openreview": "OpenReview"}
_ADDRESS = {
    "arxiv": "https://arxiv.org/abs/{}", "doi": "https://doi.org/{}",
    "anthology": "https://aclanthology.org/{}/", "openreview": "https://openreview.net/forum?id={}",
}  # fmt: skip


def _problems(found: list[Finding]) -> str:
    lines = [
        f"- {_WORDS[f.severity]} in line {f.line}: {plain(f.message)} ({f.code}" + (f", {plain(f.hint)})" if f.hint else ")")
        for f in found[:_FIELDS]
    ]
    if len(found) > _FIELDS:
        lines.append(f"- and {len(found) - _FIELDS} more")
    return "\n".join(lines)


def _difference(old: Paper, new: Paper | None, before: str | None, text: str) -> Iterator[str]:
    """What a correction changes, field by field."""
    if new is None:
        return
    rows = []
    ours, theirs = record_of(old), record_of(new)
    for field in dict.fromkeys([*ours, *theirs]):
        if ours.get(field) != theirs.get(field):
            rows.append(f"- {field}: {_value(ours.get(field))} → {_value(theirs.get(field))}")
    if rows:
        yield "**What changes**\n" + "\n".join(rows)
    elif before is not None and before != text:
        yield "**What changes**\n- the layout or a comment, and no field"
    else:
        yield "**What changes**\n- nothing against the main branch"


def _value(value: object) -> str:
    if value in (None, "", [], {}, ()):
        return "nothing"
    return code(_shown(value), 400)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_shown(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(map(_shown, value)) + "]" if isinstance(value, (list, tuple)) else str(value)


def _tags(paper: Paper, main: Collection) -> str:
    t = main.taxonomy
    rows = [f"- kinds: {', '.join(paper.kinds)}"]
    for verb in ("proposes", "studies"):
        for field, ids in getattr(paper, verb):
            if ids:
                section = getattr(t, field)
                names = [section[i].name if i in section else f"{i} (unknown)" for i in ids]
                rows.append(f"- {verb} {field}: {plain(', '.join(names), 800)}")
    rows += [f"- pitfall {code(tag.id)}: {tag.stance}, by {tag.basis}" for tag in paper.pitfalls[:_FIELDS]]
    mark = "**Tags, suggested by words of title and abstract, not confirmed yet**" if paper.tags_suggested else "**Tags**"
    return mark + "\n" + "\n".join(rows)


def _similar(paper: Paper, collection: Collection, main: Collection, places: Places) -> Iterator[str]:
    rows = []
    for other, traits in collection.similar(paper):
        shared = ", ".join(_shared(trait, paper, main) for trait in traits[:6]) + (", …" if len(traits) > 6 else "")
        # One that comes with the same pull request is not on the main branch yet.
        title = link(other.title, places.of(other)) if other.key in main else plain(other.title)
        rows.append(f"- {title} ({other.year}): {plain(shared)}")
    if rows:
        yield "**Similar papers**\n" + "\n".join(rows)


def _shared(trait: str, paper: Paper, main: Collection) -> str:
    """The name of what two papers share: an author, or a term of the taxonomy."""
    field, _, value = trait.partition(":")
    if field == "author":
        return next((n.printed for n in paper.names if ascii_slug(n.printed) == value), value)
    terms = getattr(main.taxonomy, f"{field}s")
    return terms[value].name if value in terms else value


def _bibtex(paper: Paper, main: Collection) -> str:
    try:
        text = FORMATS["bibtex"].entry(paper, main.taxonomy)
    except KeyError:  # a venue that the taxonomy does not have
        return ""
    if len(text) > _LONG:
        return f"The BibTeX has {len(text):,} characters, and is not shown."
    return f"<details><summary>BibTeX</summary>\n\n{fence(text, 'bibtex')}\n\n</details>"


# Where it is posted


def post(github: GitHub, event: dict, changes: bundle.Changes, root: Path, places: Places) -> str:
    """Leave the comment, or change ours. Returns what was done, for the log of the job.

    The pull request is found by what GitHub says of the run, never by what the run handed over.
    """
    number = pull_request(github, event)
    if number is None:
        return "no open pull request stands where this run was started: nothing to do"
    if not changes.entries and not changes.left_out:
        written = remark(github, number, MARKER, "No entry is changed any more.", only_update=True)
    else:
        written = remark(github, number, MARKER, render(changes, root, places))
    return f"preview of pull request {number} {'written' if written else 'is as it was'}"


def pull_request(github: GitHub, event: dict) -> int | None:
    """The open pull request whose newest commit a finished run has looked at, or None.

    Raises `BadHandover` where the event is of no run of a pull request.
    """
    run = event.get("workflow_run")
    if not isinstance(run, dict) or run.get("event") != "pull_request":
        raise BadHandover("the event is of no run for a pull request")
    head, branch, source = run.get("head_sha"), run.get("head_branch"), run.get("head_repository")
    owner = source.get("owner") if isinstance(source, dict) else None
    login = owner.get("login") if isinstance(owner, dict) else None
    if not (isinstance(head, str) and re.fullmatch(r"[0-9a-f]{40}", head) and isinstance(branch, str)):
        raise BadHandover("the event names no commit")
    if not isinstance(login, str):
        return None  # The fork has gone.
    for pull in github.all("/pulls", state="open", head=f"{login}:{branch}"):
        tip, base = pull.get("head") or {}, pull.get("base") or {}
        into = (base.get("repo") or {}).get("full_name")
        if tip.get("sha") == head and into == github.repository:
            return int(pull["number"])
    return None
