"""What the methods reached when they were measured, as the command line and the site show it.

`measured.json` is made by `python -m survey.pitfalls.comparison` from the runs below docs/results; the summaries
below docs/results in the folders of `FOLDERS` are written by `survey measure`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from survey.files.load import CollectionError

PATH = Path(__file__).parent.parent / "editing" / "measured.json"
TASKS = Path(__file__).parent.parent / "pitfalls" / "suite" / "tasks"


class Folder(NamedTuple):
    """A folder of docs/results that `survey measure` fills. `answers` names the statements that are tested by it: the
    `run` of survey/collection/taxonomy/statements.yaml."""

    name: str
    title: str
    answers: str


FOLDERS = (
    Folder("pitfalls", "Facts edited alone", "pitfalls"),
    Folder("rare", "Facts of which few have such questions, edited alone, of methods that were asked about few facts", "pitfalls"),
    Folder("pairs", "Two edits of a case", "pitfalls"),
    Folder("sequences", "Ten edits in a row, and tasks", "pitfalls"),
    Folder("survey", "The survey's experiment", "survey"),
)
"""In the order in which they win where more than one has a number. What is not there is left out."""


Result = TypeVar("Result", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Share(_Part):
    """A share of records, with Wilson's interval of 95 %."""

    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)


class Scores(_Part):
    """Shares by the name of their metric (`survey.pitfalls.metrics.names`), over so many records."""

    records: int
    shares: dict[str, Share]


class Runs(_Part):
    """Records edited one by one (`single`), and all in one batch (`together`)."""

    single: Scores | None = None
    together: Scores | None = None


class Measured(Runs):
    """One method. What was never measured is None.

    `changes` is the kind of its patch, `seconds` the time of one edit, `memory` the most bytes that the whole
    process of such an edit held, `restored` whether every parameter was afterwards bit for bit what it was.
    `training` is the time in seconds of what it must learn first. `variants` are runs with other settings, which
    their names tell.
    """

    changes: str | None = None
    seconds: float | None = None
    memory: int | None = None
    restored: bool | None = None
    training: float | None = None
    variants: dict[str, Runs] = {}


class Comparison(_Part):
    """All methods, and the model as it is without an edit."""

    model: str
    unedited: Scores | None = None
    methods: dict[str, Measured] = {}

    def __getitem__(self, method: str) -> Measured:
        return self.methods.get(method, Measured())


@cache
def measured(path: Path = PATH) -> Comparison:
    """What was measured."""
    return Comparison.model_validate_json(path.read_bytes())


class _Made(BaseModel):
    """A part of what a program wrote: what it says besides is no concern of the site."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Cell(_Made):
    """One metric of one method after so many edits, as `survey.pitfalls.runs.summary.Cell` explains it.

    `value` is None where the model has collapsed and there is no number; where only some have, it is that of the others.
    """

    method: str
    variant: str = ""
    kind: Literal["single", "sequence", "pair"]
    edits: int = Field(ge=0)
    pitfall: str
    task: str = ""
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unedited: float | None = None
    cases: int = Field(ge=0)
    seeds: int = Field(ge=0)
    collapsed: int = 0
    models: int = 1

    @property
    def of(self) -> int:
        """Of how many the collapsed ones are counted: models where a task was asked, scores of cases otherwise."""
        return max(self.models if self.task else self.cases, self.collapsed)

    @property
    def dead(self) -> float:
        """The share that has collapsed, 1 where there is no number."""
        return 1.0 if self.value is None else self.collapsed / max(1, self.of)


class Run(_Made):
    """What one file of results says of itself, and the seconds that each part of the run took."""

    file: str
    head: dict[str, Any]
    seconds: dict[str, float] = {}
    edits: int = 0
    failed: int = 0

    @property
    def method(self) -> str:
        return str(self.head.get("method", ""))


class Summary(_Made):
    """The results of a folder: `docs/results/<name>/summary.json`. Empty where there is none."""

    name: str = ""
    runs: tuple[Run, ...] = ()
    cells: tuple[Cell, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cells)


def merged(summaries: Iterable[Summary], name: str = "") -> Summary:
    """Several summaries as one. What was measured of one method at all numbers of edits is taken whole, from the first that has it."""
    found: dict[tuple[str, ...], list[Cell]] = {}
    runs: list[Run] = []
    for one in summaries:
        here: dict[tuple[str, ...], list[Cell]] = {}
        for cell in one.cells:
            here.setdefault((cell.method, cell.variant, cell.kind, cell.pitfall, cell.task, cell.metric), []).append(cell)
        found |= {number: cells for number, cells in here.items() if number not in found}
        runs += one.runs
    return Summary(name=name, runs=tuple(runs), cells=tuple(cell for cells in found.values() for cell in cells))


def read_result(root: Path, path: str, kind: type[Result]) -> Result | None:
    """A file below docs/results, None where it is not there. Raises `CollectionError` with the file and the place where it
    is none of its kind."""
    file = root / "docs" / "results" / path
    if not file.exists():
        return None
    try:
        return kind.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise CollectionError(f"docs/results/{path}: {where or 'the file'}: {first['msg']}") from None


def summary(root: Path, name: str) -> Summary:
    """The summary that lies below docs/results, without a cell where nothing was measured yet.

    Raises `CollectionError` with the file and the place where it is no such summary.
    """
    return (read_result(root, f"{name}/summary.json", Summary) or Summary()).model_copy(update={"name": name})


def published(root: Path) -> dict[str, Summary]:
    """The summaries of `FOLDERS` that were measured, by name, in that order. Raises `CollectionError` for a broken one."""
    found = {folder.name: summary(root, folder.name) for folder in FOLDERS}
    return {name: one for name, one in found.items() if one}


def answering(summaries: Mapping[str, Summary]) -> dict[str, Summary]:
    """By the `run` of a statement, what it is tested by: all folders that answer it, as one summary."""
    return {
        run: merged((summaries[f.name] for f in FOLDERS if f.answers == run and f.name in summaries), run)
        for run in dict.fromkeys(folder.answers for folder in FOLDERS)
    }


@cache
def chances(folder: Path = TASKS) -> dict[str, float]:
    """The score of guessing in each task set of our own, where its file names one."""
    found = {path.stem: re.search(r"(?m)^chance: ([0-9.]+)$", path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))}
    return {task: float(match[1]) for task, match in found.items() if match}
