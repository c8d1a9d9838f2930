"""What an edit breaks, measured, as the pages show it: one number for each method and pitfall, and all of them."""

from __future__ import annotations

import shlex
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
from survey.site.curves import figure, listed, lost
from survey.site.recorded import Edit

HEADLINES = TAXONOMY / "headlines.yaml"
KINDS = {"single": "each fact alone", "pair": "two edits of a case", "sequence": "a sequence"}
# A change of this many doublings of a ratio is as strong as a colour gets.
DOUBLINGS = 2.0
# Fewer cases than this say little: the number says so, and its colour is pale.
FEW = 6


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

    @property
    def few(self) -> bool:
        """Whether so few cases stand behind the number that it says little."""
        return self.cell is not None and self.cell.cases < FEW

    @property
    def strength(self) -> float:
        """How much of its hue the cell has, 0 to 1."""
        size = abs(self.change or 0.0)
        return 0.05 + 0.1 * size if self.few else 0.12 + 0.38 * size

    @property
    def hint(self) -> str:
        """The number with its interval, its cases and the unedited model's, in words."""
        if not self.cell:
            return self.reason
        return "; ".join(one for one in (figure(self.cell.value), lost(self.cell), interval(self.cell), f"over {over(self.cell)}", self._compared, self.after) if one)

    @property
    def _compared(self) -> str:
        if not self.direction or not self.cell or self.cell.unedited is None:
            return ""
        return f"{'the same as' if self.direction == 'same' else f'{self.direction} than'} the unedited model's {figure(self.cell.unedited)}"


def interval(cell: Cell) -> str:
    """`95 % interval 0.250 to 0.750`, "" where there is none."""
    return f"95 % interval {figure(cell.low)} to {figure(cell.high)}" if cell.low is not None and cell.high is not None else ""


def over(cell: Cell) -> str:
    """How much stands behind a number: `2 cases`, `20 items, 1 sequence`."""

    def counted(n: int, one: str) -> str:
        return f"{n} {one if n == 1 else one + 's'}"

    if not cell.task:
        return counted(cell.cases, "case")
    return f"{counted(cell.cases, 'item')}, {counted(cell.seeds, 'sequence' if cell.kind == 'sequence' else 'seed')}"


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


class End(NamedTuple):
    """The best or the worst number of a column as it is shown, and the methods that have it."""

    value: str
    methods: tuple[str, ...]


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

    def ends(self, pitfall: str) -> tuple[End, ...]:
        """The best and the worst number of a column among the methods measured here; one where all have the same."""
        shown = {method: one for method, one in self.column(pitfall).items() if one.cell}
        by: dict[str, list[str]] = {}
        for method, one in sorted(shown.items(), key=lambda item: _badness(item[1])):
            by.setdefault(figure(one.cell.value if one.cell else None), []).append(method)
        values = list(by)
        return tuple(End(value, tuple(by[value])) for value in dict.fromkeys([*values[:1], *values[-1:]]))

    def few(self, pitfall: str) -> str:
        """`2 cases` where so few stand behind every number of a column that they say little; "" where not behind all."""
        there = [one for one in self.column(pitfall).values() if one.cell]
        numbers = sorted({one.cell.cases for one in there}) if all(one.few for one in there) else []
        return f"{' or '.join(map(str, numbers))} {'case' if numbers == [1] else 'cases'}" if numbers else ""

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


def _badness(shown: Shown) -> float:
    """Higher is worse; a collapsed model is worst."""
    if not shown.cell or shown.cell.value is None:
        return float("inf")
    return shown.cell.value if shown.headline.better == "lower" else -shown.cell.value


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


def planned(head: Mapping[str, Any]) -> str:
    """What a run did for each of its seeds, as survey/pitfalls/runs/plan.py makes chains of edits of the same: `4 facts, each
    edited alone`, `a sequence of 40 edits, asked after 0, 20 and 40`. "" where the head does not say."""
    asked = [h for h in headlines() if h.pitfall in (head.get("pitfalls") or ())]
    edits, cases = sorted(head.get("edits") or ()), head.get("cases")
    alone = [h for h in asked if "single" in h.kinds]
    pairs = [h for h in asked if "pair" in h.kinds]
    tasks = [h for h in asked if h.task]
    said = []
    if 1 in edits and alone:
        facts = "1 fact, edited alone" if cases == 1 else f"{cases} facts, each edited alone"
        several = sum(not h.task and h.pitfall != "cost" for h in alone) > 1
        said.append(f"facts, each edited alone, until each pitfall is asked about in {cases}, as far as there are" if several else facts)
    # Tasks are asked of the unedited model in any case, and after one edit where they are not asked of facts edited alone.
    stops = [0] * bool(tasks) + [n for n in edits if n > 1 or (n == 1 and any(h not in alone for h in tasks))]
    if stops and len(pairs) < len(asked):
        made = f"a sequence of {stops[-1]} {'edit' if stops[-1] == 1 else 'edits'}, asked after {listed(stops)}"
        said.append(made if stops[-1] else "the unedited model")
    if pairs:
        said.append(f"up to {cases} {'pair' if cases == 1 else 'pairs'} of edits about {listed(h.label for h in pairs)}")
    return "; ".join(said)


def unfiled(command: Command, summary: Summary) -> tuple[str, ...]:
    """The methods that a command names and of which its folder holds no file."""
    try:
        words = shlex.split(command.command.replace("=", " "))
    except ValueError:
        return ()
    named = [words[n + 1] for n, word in enumerate(words[:-1]) if word == "--methods"]
    ids = [id.strip() for one in named for id in one.split(",")]
    held = {run.method for run in summary.runs}
    # `all` names none, and a method of somebody's own is called otherwise in its file.
    return tuple(id for id in ids if id and id != "all" and ":" not in id and id not in held)


def suite_hashes(summaries: Iterable[Summary]) -> list[str]:
    """The hashes of our own facts that runs asked about, each once, the oldest first. With more than one, they asked slightly
    different questions."""
    heads = sorted((run.head for one in summaries for run in one.runs), key=lambda head: str(head.get("date")))
    found = (head.get("benchmark") or {} for head in heads)
    return list(dict.fromkeys(one["sha256"] for one in found if one.get("id") == "suite" and one.get("sha256")))


# Live examples


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


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
    edits: tuple[Edit, ...]
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
