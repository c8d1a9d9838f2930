"""From a filled form to an entry, by a job that may write nothing.

What the submitter is told is a headline and lines; whoever posts it escapes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from survey.checks.registry import Entry, Finding, Severity
from survey.checks.run import check_text, check_together
from survey.collection import Collection, Paper, Taxonomy
from survey.collection.text import fold, nearest
from survey.errors import UserError
from survey.files.house import house_format
from survey.files.load import entry_files, load_collection, load_taxonomy, read_text
from survey.files.reader import YamlProblem, locate
from survey.intake.errors import IntakeError
from survey.intake.handover import BadHandover
from survey.intake.issue_form import CORRECT, SUBMIT, Filled, recognise

if TYPE_CHECKING:
    from survey.intake.add import Proposal

FILE = "submission.json"
VERSION = 1
TOLD = 20
"""Problems that are told at once."""


@dataclass(frozen=True)
class Submission:
    """What a form asks for. With `text` it is the entry that would stand at `path`; without, it is
    a `problem` for the submitter, or, where that is empty too, a request that a person must answer.
    `lines` tell more: the problems one by one, or what the entry lacks.
    """

    issue: int
    kind: str
    path: str = ""
    text: str = ""
    problem: str = ""
    lines: tuple[str, ...] = ()

    def record(self) -> dict:
        """As it is handed to the job that publishes."""
        return {"version": VERSION, **asdict(self), "lines": list(self.lines)}


Propose = Callable[[Filled, Collection], "Proposal"]


def of_event(event: dict, root: Path, propose: Propose | None = None) -> Submission | None:
    """What the issue of this event asks for, or None where it is no form that we answer.

    Raises `BadHandover` where the event is of no issue, and `CollectionError`.
    """
    issue, body = _issue(event)
    filled = recognise(body)
    if filled is None or filled.form not in (SUBMIT, CORRECT):
        return None
    if filled.lacking:
        told = ", ".join(f"“{label}”" for label in filled.lacking)
        return Submission(issue, filled.form.name, problem="Something is missing in the form.", lines=(f"Please answer {told}.",))
    if filled.form is CORRECT:
        return _correction(issue, filled, root)
    try:
        return _new(issue, (propose or _proposed)(filled, load_collection(root)), root)
    except IntakeError as error:
        return Submission(issue, SUBMIT.name, problem="The paper could not be entered.", lines=(str(error),))


def _issue(event: dict) -> tuple[int, str]:
    issue = event.get("issue")
    if not isinstance(issue, dict) or type(issue.get("number")) is not int or issue["number"] < 1 or "pull_request" in issue:
        raise BadHandover("the event is of no issue")
    body = issue.get("body")
    return issue["number"], body if isinstance(body, str) else ""


# A new paper


def _proposed(filled: Filled, collection: Collection) -> Proposal:
    """The entry that the intake makes of the form. What was typed is never taken for a file."""
    from survey.intake import add, bibtex
    from survey.intake.client import Client
    from survey.intake.source import read_source

    source = filled["source"]
    if not source:
        wanted = add.Wanted("the form", None, _described(filled), "the issue form")
    elif re.search(r"@\s*\w+\s*[{(]", source):
        found = list(bibtex.entries(source))
        if len(found) != 1:
            many = f"{len(found)} entries" if found else "no entry"
            raise IntakeError(f"the BibTeX holds {many}: please open one issue for each paper, or use `survey add` for a whole file")
        wanted = add.Wanted("the BibTeX", None, found[0], "the issue form")
    else:
        lines = [line for line in source.splitlines() if line.strip()]
        if len(lines) != 1:
            raise IntakeError("there is more than one line: please give one id or address, and open one issue for each paper")
        wanted = add.Wanted(lines[0].strip(), read_source(lines[0]))
    return add.propose(wanted, collection, Client())


def _described(filled: Filled):
    """The fields for papers without an id, as an entry of BibTeX."""
    from survey.intake.bibtex import Entry, several

    missing = [name for name in ("title", "authors", "year", "venue") if not filled[name]]
    if missing:
        raise IntakeError(f"there is no id, and no {', no '.join(missing)}: an entry needs the one or the others")
    authors = [a.strip() for a in re.split(r"\n|;| and ", filled["authors"]) if a.strip()]
    if double := next((a for a in authors if several(a, alone=True)), ""):
        raise IntakeError(f"'{double[:60]}' looks like several authors: please write each on a line of its own, given name first")
    fields = {"title": filled["title"], "author": " and ".join(authors), "year": filled["year"], "booktitle": filled["venue"], "url": filled["link"]}
    return Entry("form", "inproceedings", {k: v for k, v in fields.items() if v}, 1)


def _new(issue: int, proposal: Proposal, root: Path) -> Submission:
    if proposal.match:
        key, why = proposal.match.key, proposal.match.why
        sure = "is" if proposal.match.sure else "may be"
        lines = [f"It {sure} {key}, which {why}." if proposal.match.sure else f"It {sure} {key}: it {why}."]
        lines += [f"The source would add {change}." for change in proposal.changes]
        lines += [f"The source contradicts the entry: {conflict}." for conflict in proposal.conflicts]
        lines.append("If something of the entry is wrong, please use the form for corrections; if it is another paper, say so here.")
        return Submission(issue, SUBMIT.name, problem="We have this paper already.", lines=tuple(lines))
    if errors := problems(root, {proposal.path: proposal.text}):
        return Submission(issue, SUBMIT.name, problem="The entry that came out is not right.", lines=told(errors))
    lines = [f"Not known, left out: {', '.join(proposal.unknown)}."] if proposal.unknown else []
    lines += [f"{note[:1].upper()}{note[1:]}." for note in proposal.notes]
    return Submission(issue, SUBMIT.name, proposal.path, proposal.text, lines=tuple(lines))


# A correction


def _correction(issue: int, filled: Filled, root: Path) -> Submission:
    collection = load_collection(root)
    key = re.sub(r"^.*/|\.yaml$|/$", "", filled["key"].strip().strip("`").rstrip("/"))
    if key not in collection:
        guess = nearest(key[:100], list(collection))
        more = (f"Did you mean {guess}?",) if guess else ("The key stands on the page of the paper, such as meng2022locating.",)
        return Submission(issue, CORRECT.name, problem="There is no entry of that key.", lines=(f"The form names {key!r}.", *more))
    old = collection[key]
    path = f"papers/{old.year}/{old.key}.yaml"
    text = filled["entry"]
    if not text:
        return Submission(issue, CORRECT.name, path)
    text = _house(text + "\n")
    if text == read_text(root / path):
        return Submission(issue, CORRECT.name, problem="The corrected entry is the entry as it is.", lines=("Nothing would change.",))
    entry, _ = check_text(path, text, load_taxonomy())
    changed: dict[str, str | None] = {path: text}
    if entry.paper and entry.paper.year != old.year:
        # A preprint that came out later moves to the folder of its year.
        path = f"papers/{entry.paper.year}/{old.key}.yaml"
        changed = dict.fromkeys(changed) | {path: text}
    if entry.paper and not same_paper(old, entry.paper):
        lines = (f"{key} is “{old.title}”; the correction shares neither title nor id with it.", "A key never changes its meaning: another paper is a new entry.")
        return Submission(issue, CORRECT.name, problem="This would make the entry another paper.", lines=lines)
    if errors := problems(root, changed):
        return Submission(issue, CORRECT.name, problem="The corrected entry is not right yet.", lines=told(errors))
    return Submission(issue, CORRECT.name, path, text)


def _house(text: str) -> str:
    """The entry in the house format; one that cannot be read stays as it is, and the check tells why."""
    try:
        return house_format(text)
    except (UserError, YamlProblem):
        return text


def same_paper(old: Paper, new: Paper) -> bool:
    """Whether a corrected entry is still about the same paper: one id or one title is the same."""
    if {*old.ids.items()} & {*new.ids.items()}:
        return True
    titles = ({fold(t) for t in (p.title, *p.former_titles)} for p in (old, new))
    return bool(set.intersection(*titles))


# What is wrong with an entry


def problems(root: Path, changed: dict[str, str | None]) -> list[Finding]:
    """The errors among `findings`."""
    return [f for f in findings(root, changed) if f.severity is Severity.ERROR]


def findings(root: Path, changed: dict[str, str | None]) -> list[Finding]:
    """All that the check says of these entries among the others below `root`, in the order of place.

    None in place of a text takes the entry away.
    """
    taxonomy = load_taxonomy()
    found, entries = [], []
    for path, text in changed.items():
        if text is not None:
            entry, own = check_text(path, text, taxonomy)
            found += own
            entries += [entry] if entry.paper else []
    others = _others(root, changed, taxonomy)
    for f in check_together([*others, *entries], taxonomy):
        if f.path in changed or f.other in changed:
            # Told at the entry that is new, whichever came first.
            path, other = (f.path, f.other) if f.path in changed else (f.other, f.path)
            found.append(_placed(f, path, other, changed[path] or ""))
    return sorted(found, key=lambda f: (f.path, f.line, f.column, f.code))


def _others(root: Path, changed: dict, taxonomy: Taxonomy) -> list[Entry]:
    paths = [path for path, _ in entry_files(root) if path.endswith(".yaml") and path not in changed]
    papers = load_collection(root)
    return [Entry(path, Path(path).stem, {}, papers[Path(path).stem]) for path in paths if Path(path).stem in papers]


def _placed(finding: Finding, path: str, other: str, text: str) -> Finding:
    same = path == finding.path
    message = finding.message if same else finding.message.replace(path, other)
    line, column = locate(text, finding.where) if finding.where and same else (1, 1)
    return replace(finding, path=path, other=other, message=message, line=line, column=column)


def told(found: list[Finding]) -> tuple[str, ...]:
    """Findings for a person who sees the entry in a form: by line, with what to do."""
    lines = [f"Line {f.line}: {f.message} ({f.code})" + (f": {f.hint}" if f.hint else "") for f in found[:TOLD]]
    return (*lines, f"And {len(found) - TOLD} more.") if len(found) > TOLD else tuple(lines)
