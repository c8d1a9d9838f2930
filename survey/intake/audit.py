"""What an audit of the whole collection found: as data, as text, and as Markdown for the living issue.

Audits read what strangers answer, so their reports pass from the job that made them to the job that
posts them as data, and are read again as data from a stranger.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from survey.collection.paper import KEY_PATTERN
from survey.intake import handover
from survey.intake.handover import BadHandover
from survey.intake.markdown import capped, code, plain

VERSION = 1
_MOST = 20_000
_SIZE = 16 * 1024 * 1024
_LONGEST = 1000
"""Characters that a report keeps of one value; what servers answer and sources say may be longer."""


class Group(NamedTuple):
    """A kind of finding. Only a `problem` keeps the issue open and makes the command fail."""

    title: str
    advice: str
    problem: bool = True


LINKS = {
    "dead": Group("Dead links", "Nothing is there any more: look for where it went, or take the link out."),
    "moved": Group("Moved links", "The address leads on for good: write the new one, where it is the same thing."),
    "malformed": Group("Malformed links", "No address that a reader's browser could follow."),
    "private": Group("Links into private networks", "They lead to an address that is not public, and were not followed."),
    "failing": Group("Links that fail", "The server did not answer, twice: it may be back, or gone for good."),
    "blocked": Group("Links that only people may follow", "The server refuses programs; that says nothing of the link.", False),
}
DRIFT = {
    "another-paper": Group("Ids of another paper", "The source has another paper under this id: mend the id."),
    "withdrawn": Group("Withdrawn or retracted", "Give the entry its `status`, and say in `note` who tells it."),
    "published": Group("Published meanwhile", "The source names a publication: `--update` follows it."),
    "title": Group("Other titles", "The source has another title under the same authors: write the one of the publication, and keep the other in `former_titles`."),
    "authors": Group("Other authors", "The source lists other authors, or in another order: write those of the publication."),
    "gone": Group("Unknown ids", "The source does not know the id: mend it."),
}
AUDITS = {"links": LINKS, "drift": DRIFT}


@dataclass(frozen=True)
class Found:
    """One finding: the entry and its field, what stands there, what was found, and what to do."""

    kind: str
    key: str
    field: str
    said: str
    found: str
    command: str = ""


@dataclass(frozen=True)
class Report:
    """The outcome of an audit. `notes` tell what could not be looked at, which is then not `complete`."""

    audit: str
    checked: int
    rows: tuple[Found, ...]
    on: str
    complete: bool = True
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Found, ...]:
        """What somebody should do something about."""
        return tuple(row for row in self.rows if AUDITS[self.audit][row.kind].problem)

    def grouped(self) -> Iterator[tuple[Group, list[Found]]]:
        """Findings by kind, in the order of what matters most."""
        for kind, group in AUDITS[self.audit].items():
            if rows := [row for row in self.rows if row.kind == kind]:
                yield group, rows

    def record(self) -> dict:
        rows = [{name: _cut(value) for name, value in asdict(row).items()} for row in self.rows]
        return {"version": VERSION, **asdict(self), "rows": rows}


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"


def today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def read(path: Path) -> Report:
    """A report that another job has written. Raises `BadHandover`."""
    found = handover.read(path, _SIZE)
    audit, rows = found.get("audit"), found.get("rows")
    if found.get("version") != VERSION or audit not in AUDITS or not isinstance(rows, list) or len(rows) > _MOST:
        raise BadHandover(f"{path.name} is no report of an audit")
    on = handover.text(found, "on", 10)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", on) or type(found.get("complete")) is not bool:
        raise BadHandover(f"{path.name} tells no day, or not whether it is complete")
    return Report(audit, handover.number(found, "checked"), tuple(_row(audit, row) for row in rows), on, found["complete"], handover.lines(found, "notes"))


def _row(audit: str, row: object) -> Found:
    if not isinstance(row, dict) or row.get("kind") not in AUDITS[audit]:
        raise BadHandover("a finding is of no known kind")
    values = {name: _cut(handover.text(row, name, _SIZE)) for name in ("key", "field", "said", "found", "command")}
    if not re.match(KEY_PATTERN, values["key"]):
        raise BadHandover("a finding names no entry")
    return Found(row["kind"], **values)


# For people


def text(report: Report) -> str:
    """The report for a terminal: one finding a line."""
    lines = []
    for group, rows in report.grouped():
        lines.append(f"{group.title} ({len(rows)}). {group.advice}")
        for row in rows:
            lines.append(f"  {row.key} {row.field}: {_clean(row.said)}" + (f" -> {_clean(row.found)}" if row.found else ""))
            lines += [f"    {_clean(row.command)}"] if row.command else []
        lines.append("")
    lines += [f"note: {_clean(note)}" for note in report.notes]
    return "\n".join([*lines, _sum(report)])


def _clean(value: str) -> str:
    """Without the characters that would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in value)


def _sum(report: Report) -> str:
    number = len(report.findings)
    one, many, done = {"links": ("address", "addresses", "visited"), "drift": ("record", "records", "compared")}[report.audit]
    told = "nothing to do" if not number else f"{number:,} to look at"
    return f"{report.checked:,} {one if report.checked == 1 else many} {done}: {told}"


def markdown(reports: list[Report], limit: int) -> str:
    """The reports as the body of an issue. What servers answered is shown, and never comes alive."""
    parts = []
    for report in reports:
        heading = {"links": "Links", "drift": "Drift against the sources"}[report.audit]
        parts.append(f"## {heading}\n\n{report.on}: {_sum(report)}.")
        parts += [f"> {plain(note, 500)}" for note in report.notes]
        for group, rows in report.grouped():
            parts.append(f"### {group.title} ({len(rows)})\n\n{group.advice}")
            parts += ["\n".join(_lines(rows[start : start + 20])) for start in range(0, len(rows), 20)]
    parts.append("<sub>Written by `survey github issue` from `survey audit`; it is brought up to date every week, and closed when nothing is left.</sub>")
    return capped(parts, "And more than fits here: `survey audit` shows all of it.", limit)


def _lines(rows: list[Found]) -> Iterator[str]:
    for row in rows:
        found = f" → {code(row.found, 500)}" if row.found else ""
        command = f"  \n  {code(row.command, 300)}" if row.command else ""
        yield f"- **{row.key}** {plain(row.field, 60)}: {code(row.said, 500)}{found}{command}"
