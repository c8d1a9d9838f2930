"""Verdicts on what the survey says: its statements against what was measured here.

`statements()` reads survey/collection/taxonomy/statements.yaml; `judge` compares a statement with a summary. Nothing is
decided by hand: the same file and the same numbers give the same verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from survey.files import CollectionError, read_yaml
from survey.files.load import TAXONOMY, read_text
from survey.files.measured import Cell, Summary

STATEMENTS = TAXONOMY / "statements.yaml"
HOLDS, FAILS, UNTESTABLE, UNMEASURED = "holds here", "does not hold here", "not testable at this size", "not measured yet"
# A task on which the unedited model is hardly better than guessing has nothing to lose.
ROOM = 0.1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(_Part):
    """One measured number."""

    pitfall: str
    metric: str
    task: str = ""


class Scores(_Part):
    """A set of numbers that are read in the same way. `collapsed` is what a model without a number is given."""

    kind: Literal["single", "sequence", "pair"]
    reading: Literal["value", "kept", "times"]
    collapsed: float = 0
    of: tuple[Asked, ...]


class Claim(_Part):
    """The mean of a set over methods and numbers of edits, against a bound or the mean of other methods.

    each: with a bound, every single number is asked; with other methods, the mean of each of them.
    """

    scores: str
    methods: tuple[str, ...]
    edits: tuple[int, ...] | Literal["last"]
    relation: Literal["below", "above", "at least"]
    bound: float | None = None
    than: tuple[str, ...] = ()
    each: bool = False

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: dict) -> dict:
        return {("relation" if name == "is" else name): value for name, value in values.items()}

    @model_validator(mode="after")
    def _one_side(self) -> Claim:
        if (self.bound is None) == (not self.than):
            raise ValueError("a claim has either a bound or other methods to compare with")
        return self


class Statement(_Part):
    """What the survey says, in our words, and how it is tested. `run` names the folders of docs/results that answer it:
    `answers` in survey/files/measured.py."""

    id: str
    says: str
    where: str
    run: str
    why: str
    claims: tuple[Claim, ...] = ()
    untestable: str = ""
    unmeasured: str = ""

    @model_validator(mode="after")
    def _tested_or_not(self) -> Statement:
        if [bool(self.claims), bool(self.untestable), bool(self.unmeasured)].count(True) != 1:
            raise ValueError("a statement has claims, or a reason why it cannot be tested, or why it was not")
        return self


class Statements(_Part):
    """The file."""

    scores: dict[str, Scores]
    statements: tuple[Statement, ...]

    @model_validator(mode="after")
    def _known(self) -> Statements:
        for statement in self.statements:
            for claim in statement.claims:
                if claim.scores not in self.scores:
                    raise ValueError(f"{statement.id}: there are no scores {claim.scores!r}")
        return self


class Evidence(NamedTuple):
    """One number that a verdict rests on, and how it was read."""

    cell: Cell
    reading: float


class Compared(NamedTuple):
    """One comparison: what was found, what it was held against, and whether it came out as the survey says."""

    who: tuple[str, ...]
    scores: str
    edits: tuple[int, ...]
    reading: str
    found: float
    relation: str
    bound: float
    against: tuple[str, ...]
    true: bool


class Verdict(NamedTuple):
    """What the numbers say of a statement, and the numbers. `reason` stands where there is no yes or no."""

    statement: Statement
    verdict: str
    reason: str
    compared: tuple[Compared, ...]
    evidence: tuple[Evidence, ...]


@cache
def statements(path: Path = STATEMENTS) -> Statements:
    """The statements, and the sets of scores that they are tested by. Raises `CollectionError`."""
    record, problems = read_yaml(read_text(path), limit=None)
    if problems:
        raise CollectionError(f"{path}:{problems[0]}")
    try:
        return Statements.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CollectionError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def judged(
    found: Statements, measured: Mapping[str, Summary], chances: Mapping[str, float], run: str | None = None
) -> list[Verdict]:
    """A verdict for each statement, of one run only where it is named, in the order of the file."""
    return [judge(s, found.scores, measured[s.run], chances) for s in found.statements if run in (None, s.run)]


def judge(statement: Statement, scores: Mapping[str, Scores], summary: Summary, chances: Mapping[str, float]) -> Verdict:
    """The verdict on one statement.

    It holds where every comparison comes out as the survey says, and does not hold where one does not. What is missing
    in the summary is not measured yet; a score that is hardly above chance without an edit makes it not testable.
    """
    if statement.untestable:
        return Verdict(statement, UNTESTABLE, statement.untestable, (), ())
    if statement.unmeasured:
        return Verdict(statement, UNMEASURED, statement.unmeasured, (), ())
    compared: list[Compared] = []
    evidence: dict[Cell, Evidence] = {}
    try:
        for claim in statement.claims:
            for one, used in _comparisons(claim, scores[claim.scores], summary, chances):
                compared.append(one)
                evidence |= {e.cell: e for e in used}
    except _Missing as missing:
        return Verdict(statement, UNMEASURED, str(missing), (), ())
    except _NoRoom as reason:
        return Verdict(statement, UNTESTABLE, str(reason), (), ())
    verdict = HOLDS if all(one.true for one in compared) else FAILS
    return Verdict(statement, verdict, "", tuple(compared), tuple(evidence.values()))


class _Missing(Exception):
    """Something that a claim needs is not in the summary."""


class _NoRoom(Exception):
    """A score that nothing can be lost of."""


def _comparisons(
    claim: Claim, scores: Scores, summary: Summary, chances: Mapping[str, float]
) -> Iterator[tuple[Compared, list[Evidence]]]:
    def side(methods: Sequence[str]) -> list[Evidence]:
        return [e for method in methods for e in _read(method, claim, scores, summary, chances)]

    def compared(left: list[Evidence], bound: float, against: Sequence[str]) -> Compared:
        found = fmean(e.reading for e in left)
        who = tuple(dict.fromkeys(e.cell.method for e in left))
        edits = tuple(sorted({e.cell.edits for e in left}))
        return Compared(
            who, claim.scores, edits, scores.reading, found, claim.relation, bound, tuple(against), _true(found, claim.relation, bound)
        )

    left = side(claim.methods)
    if claim.bound is not None:
        for some in [[e] for e in left] if claim.each else [left]:
            yield compared(some, claim.bound, ()), some
    else:
        for others in [[m] for m in claim.than] if claim.each else [claim.than]:
            right = side(others)
            yield compared(left, fmean(e.reading for e in right), others), left + right


def _true(found: float, relation: str, bound: float) -> bool:
    return {"below": found < bound, "above": found > bound, "at least": found >= bound}[relation]


def _read(
    method: str, claim: Claim, scores: Scores, summary: Summary, chances: Mapping[str, float]
) -> Iterator[Evidence]:
    """The numbers of one method that a claim asks for. Raises `_Missing`."""
    for asked in scores.of:
        cells = {c.edits: c for c in _cells(summary, method, scores.kind, asked)}
        edits = (max(cells, default=0),) if claim.edits == "last" else claim.edits
        for n in edits:
            if n not in cells:
                raise _Missing(_missing(method, asked, n, bool(summary)))
            yield Evidence(cells[n], _reading(cells[n], scores, chances))


def _cells(summary: Summary, method: str, kind: str, asked: Asked) -> list[Cell]:
    """Cells of the method as it is, without changed settings, after at least one edit."""
    return [
        c for c in summary.cells
        if (c.method, c.variant, c.kind, c.pitfall, c.metric, c.task) == (method, "", kind, asked.pitfall, asked.metric, asked.task)
        and c.edits
    ]  # fmt: skip


def _missing(method: str, asked: Asked, edits: int, some: bool) -> str:
    if not some:
        return "no results have been published yet"
    after = f" after {edits} edits" if edits else ""
    return f"there is no result of {method} for {asked.task or asked.pitfall}, {asked.metric},{after}".rstrip(",")


def _reading(cell: Cell, scores: Scores, chances: Mapping[str, float]) -> float:
    """A number as a claim reads it. A collapsed model has kept nothing, and its perplexity knows no bound."""
    if scores.reading == "value":
        return scores.collapsed if cell.value is None else cell.value
    if cell.unedited is None:
        raise _Missing(f"the unedited model's {cell.metric} is missing")
    if scores.reading == "times":
        return float("inf") if cell.value is None else cell.value / cell.unedited
    chance = chances.get(cell.task, 0.0)
    if cell.unedited - chance < ROOM:
        raise _NoRoom(f"the unedited model scores {cell.unedited:.3g} in {cell.task}, and guessing {chance:.3g}: there is nothing to lose")
    # Whoever no longer guesses as well as chance has no less than nothing left.
    return max(0.0, (chance if cell.value is None else cell.value) - chance) / (cell.unedited - chance)
