"""What an edit breaks, measured, as the pages show it: one number for each method and pitfall, and all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import log2
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from survey.files import CollectionError, read_yaml
from survey.files.load import TAXONOMY, read_text
from survey.files.measured import Cell, Run, Summary, merged, read_result
from survey.files.submitted import Submission

HEADLINES = TAXONOMY / "headlines.yaml"
KINDS = {"single": "each fact alone", "pair": "two edits of a case", "sequence": "a sequence"}
# A change of this many doublings of a ratio is as strong as a colour gets.
DOUBLINGS = 2.0


class Headline(BaseModel):
    """The number that stands for a pitfall, as survey/collection/taxonomy/headlines.yaml explains it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pitfall: str
    label: str
    metric: str
    kinds: tuple[Literal["single", "pair", "sequence"], ...]
    better: Literal["higher", "lower"]
    scale: Literal["share", "times", "none"]
    says: str
    unit: str
    task: str = ""
    also: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def pitfalls(self) -> tuple[str, ...]:
        return (self.pitfall, *self.also)

    @property
    def told(self) -> str:
        """What the number is, in which unit, and which way is better: one line for a reader who has only the number."""
        return f"{self.says[:1].upper()}{self.says[1:]}. Unit: {self.unit}. {self.better.capitalize()} is better."

    def shows(self, cell: Cell) -> bool:
        """Whether the cell is one of the numbers of this pitfall that the tables show."""
        return cell.kind in self.kinds and cell.pitfall == self.pitfall and cell.metric in (self.metric, *self.beside)


@cache
def headlines(path: Path = HEADLINES) -> tuple[Headline, ...]:
    """One for each pitfall that can be measured. Raises `CollectionError` where the file is broken."""
    records, problems = read_yaml(read_text(path), limit=None)
    if problems:
        raise CollectionError(f"{path}:{problems[0]}")
    try:
        return tuple(Headline.model_validate(record) for record in records)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CollectionError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


class Shown(NamedTuple):
    """A cell of the matrix: a number, or why there is none.

    change: from -1 (as much worse than the unedited model as a colour can tell) to 1; None where nothing is compared.
    """

    headline: Headline
    cell: Cell | None
    reason: str
    change: float | None

    @property
    def direction(self) -> str:
        """`better`, `worse` or `same` than the unedited model, as far as the shown digits tell; "" where not compared."""
        if self.change is None:
            return ""
        return "same" if abs(self.change) < 0.005 else "better" if self.change > 0 else "worse"

    @property
    def after(self) -> str:
        """After what the number was taken."""
        return after(self.cell) if self.cell else ""


def after(cell: Cell) -> str:
    """1 edit, 2 edits of a case, a sequence of 10 edits."""
    if cell.kind == "sequence":
        return f"{cell.edits} in a row"
    return "two, a pair" if cell.kind == "pair" else "one alone"


def change(headline: Headline, cell: Cell) -> float | None:
    """How much better or worse than the unedited model, -1 to 1. A collapsed model is as bad as can be."""
    if headline.scale == "none":
        return None
    if cell.value is None:
        return -1.0
    if cell.unedited is None:
        return None
    if headline.scale == "times":
        if cell.value <= 0 or cell.unedited <= 0:
            return None
        found = log2(cell.value / cell.unedited) / DOUBLINGS
    else:
        found = cell.value - cell.unedited
    return max(-1.0, min(1.0, found if headline.better == "higher" else -found))


class Brought(NamedTuple):
    """A row of the matrix that others have submitted."""

    submission: Submission
    row: tuple[Shown, ...]


class Matrix(NamedTuple):
    """Methods by pitfalls. `empty` are pitfalls of which no method has a number; `brought` are rows of submitted results."""

    columns: tuple[Headline, ...]
    empty: tuple[Headline, ...]
    rows: Mapping[str, tuple[Shown, ...]]
    brought: tuple[Brought, ...] = ()

    def column(self, pitfall: str) -> dict[str, Shown]:
        """By method, what is shown of one pitfall."""
        place = self._place(pitfall)
        return {} if place is None else {method: row[place] for method, row in self.rows.items()}

    def submitted(self, pitfall: str) -> list[tuple[Submission, Shown]]:
        """What others have submitted of one pitfall, where there is a number."""
        place = self._place(pitfall)
        return [] if place is None else [(one.submission, one.row[place]) for one in self.brought if one.row[place].cell]

    def _place(self, pitfall: str) -> int | None:
        return next((n for n, h in enumerate(self.columns) if h.pitfall == pitfall), None)

    def span(self, pitfall: str) -> str:
        """After how many edits the numbers of a column were taken."""
        shown = [*self.column(pitfall).values(), *(one for _, one in self.submitted(pitfall))]
        return " / ".join(dict.fromkeys(s.after for s in shown if s.cell))


Numbers = Mapping[tuple[str, str, str, str], Mapping[int, Cell]]
"""The cells of one method by kind, pitfall, task and metric, and by number of edits."""


def matrix(summaries: Iterable[Summary], methods: Iterable[str], submissions: Iterable[Submission] = ()) -> Matrix:
    """The matrix of these methods, and of others that were measured. Of several summaries the first that has a number wins.

    Submitted results have rows of their own, whatever their method is called.
    """
    measured: dict[str, list[Cell]] = {}
    for cell in merged(summaries).cells:
        if not cell.variant:
            measured.setdefault(cell.method, []).append(cell)
    rows = {method: _row(measured.get(method, [])) for method in dict.fromkeys([*methods, *measured])}
    brought = [(one, _row(submitted_cells(one))) for one in submissions]
    everything = [*rows.values(), *(row for _, row in brought)]
    filled = [n for n, _ in enumerate(headlines()) if any(row[n].cell for row in everything)]
    return Matrix(
        tuple(headlines()[n] for n in filled),
        tuple(h for n, h in enumerate(headlines()) if n not in filled),
        {method: tuple(row[n] for n in filled) for method, row in rows.items()},
        tuple(Brought(one, tuple(row[n] for n in filled)) for one, row in brought),
    )


def submitted_cells(submission: Submission) -> list[Cell]:
    """The numbers of the method that was submitted: without changed settings, or with the first settings where it has no others."""
    cells = [cell for cell in submission.summary.cells if cell.method == submission.about.method]
    settings = min((cell.variant for cell in cells), default="")
    return [cell for cell in cells if cell.variant == settings]


def _row(cells: Sequence[Cell]) -> list[Shown]:
    numbers: dict[tuple[str, str, str, str], dict[int, Cell]] = {}
    for cell in cells:
        if cell.edits:
            numbers.setdefault((cell.kind, cell.pitfall, cell.task, cell.metric), {})[cell.edits] = cell
    return [_shown(headline, numbers) for headline in headlines()]


def _shown(headline: Headline, numbers: Numbers) -> Shown:
    for kind in headline.kinds:
        for pitfall in headline.pitfalls:
            found = numbers.get((kind, pitfall, headline.task, headline.metric))
            if found:
                cell = found[max(found)]
                return Shown(headline, cell, "", change(headline, cell))
    return Shown(headline, None, "this was not measured of the method" if numbers else "the method was not measured yet", None)


class Row(NamedTuple):
    """A row of the full table. `source` is the folder of docs/results; `submission` stands where others have measured."""

    headline: Headline
    cell: Cell
    source: str
    submission: Submission | None = None

    @property
    def first(self) -> bool:
        """Whether it is of the metric that stands for the pitfall, and not one beside it."""
        return self.cell.metric == self.headline.metric


def table(summaries: Iterable[Summary], submissions: Iterable[Submission] = ()) -> list[Row]:
    """The rows of the full table: the headline metrics and those beside them, by pitfall, task, metric, method."""
    order = {h.pitfall: n for n, h in enumerate(headlines())}
    by = {h.pitfall: h for h in headlines()}
    found = [(cell, one.name, None) for one in summaries for cell in one.cells]
    found += [(cell, one.folder, one) for one in submissions for cell in submitted_cells(one)]
    rows = [Row(by[c.pitfall], c, *origin) for c, *origin in found if c.pitfall in by and c.edits and by[c.pitfall].shows(c)]

    def place(row: Row) -> tuple:
        c = row.cell
        return (order[c.pitfall], c.task, c.metric != row.headline.metric, c.metric, row.submission is not None, c.method, c.variant, c.kind, c.edits)

    return sorted(rows, key=place)


class Command(NamedTuple):
    """Runs that one command made on one machine and day: what they share, and the files."""

    command: str
    head: Mapping[str, Any]
    runs: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        return sum(sum(run.seconds.values()) for run in self.runs)


def commands(summary: Summary) -> list[Command]:
    """The runs of a summary by the command that made them, and by the facts that they asked about."""
    found: dict[tuple, list[Run]] = {}
    for run in summary.runs:
        found.setdefault(tuple(repr(run.head.get(k)) for k in ("command", "date", "versions", "machine", "fingerprint", "benchmark")), []).append(run)
    return [Command(str(runs[0].head.get("command") or ""), runs[0].head, tuple(runs)) for runs in found.values()]


def suite_hashes(summaries: Iterable[Summary]) -> list[str]:
    """The hashes of our own facts that runs asked about, each once, the oldest first. With more than one, they asked slightly
    different questions."""
    heads = sorted((run.head for one in summaries for run in one.runs), key=lambda head: str(head.get("date")))
    found = (head.get("benchmark") or {} for head in heads)
    return list(dict.fromkeys(one["sha256"] for one in found if one.get("id") == "suite" and one.get("sha256")))


# Live examples


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Asked(_Part):
    """An edit that was asked for."""

    prompt: str
    subject: str
    target: str
    was: str | None = None

    @property
    def text(self) -> str:
        return self.prompt.replace("{}", self.subject)


class Said(_Part):
    """A prompt, and what the model itself said before and after."""

    prompt: str
    right: tuple[str, ...] = ()
    wants: Literal["change", "stay"]
    before: str
    after: str
    shows: bool


class Example(_Part):
    """A pitfall as it happened once: docs/results/examples/<pitfall>.json."""

    pitfall: str
    method: str
    chosen: str
    tried: int
    edits: tuple[Asked, ...]
    said: tuple[Said, ...]
    model: str
    seed: int
    command: str
    recorded: str
    versions: Mapping[str, str] = {}


def example(root: Path, pitfall: str) -> Example | None:
    """The recorded example of a pitfall, None where there is none. Raises `CollectionError` with the file."""
    found = read_result(root, f"examples/{pitfall}.json", Example)
    if found and found.pitfall != pitfall:
        raise CollectionError(f"docs/results/examples/{pitfall}.json is an example of {found.pitfall}")
    return found
