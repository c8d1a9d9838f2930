"""Verdicts on what the survey says: its statements against what was measured here.

`statements()` reads survey/collection/taxonomy/statements.yaml; `judge` compares a statement with a summary. Nothing is
decided by hand: the same file and the same numbers give the same verdict.

Means decide. Beside them stands how sure they are: a comparison is close where the 95 % intervals leave it open, and a
verdict that hangs on close comparisons is given narrowly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
# The score in per cent of the unedited model's. Its interval pairs what both models answer to the same items.
PERCENT = "downstream-score"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(_Part):
    """One measured number."""

    pitfall: str
    metric: str
    task: str = ""


class Scores(_Part):
    """A set of numbers that are read in the same way. `collapsed` is what a model without a number is given, in the mean with
    those that have one."""

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


class Span(NamedTuple):
    """A 95 % interval, read as the number is read."""

    low: float
    high: float


class Evidence(NamedTuple):
    """One number that a verdict rests on, and how it was read. A collapsed model has no interval, nor has a number that
    came without one."""

    cell: Cell
    reading: float
    span: Span | None = None


class Compared(NamedTuple):
    """One comparison: what was found, what it was held against, and whether it came out as the survey says.

    `span` and `bound_span` are the intervals of both sides, None where a side has none.
    """

    who: tuple[str, ...]
    scores: str
    edits: tuple[int, ...]
    reading: str
    found: float
    relation: str
    bound: float
    against: tuple[str, ...]
    true: bool
    span: Span | None = None
    bound_span: Span | None = None

    @property
    def close(self) -> bool:
        """Whether the intervals leave open how this comes out: they hold the bound, or they overlap."""
        found = self.span or Span(self.found, self.found)
        bound = self.bound_span or Span(self.bound, self.bound)
        if self.span is None and self.bound_span is None:
            return False
        return found.low <= bound.high and bound.low <= found.high


class Verdict(NamedTuple):
    """What the numbers say of a statement, and the numbers. `reason` stands where there is no yes or no."""

    statement: Statement
    verdict: str
    reason: str
    compared: tuple[Compared, ...]
    evidence: tuple[Evidence, ...]

    @property
    def deciding(self) -> tuple[Compared, ...]:
        """The comparisons that the verdict hangs on: all of them where it holds, those that came out otherwise where it does not."""
        return self.compared if self.verdict == HOLDS else tuple(one for one in self.compared if not one.true)

    @property
    def narrow(self) -> bool:
        """Whether the verdict could be otherwise within the intervals.

        One close comparison is enough where all must come out; where it does not hold, one clear exception settles it.
        """
        close = [one.close for one in self.deciding]
        return any(close) if self.verdict == HOLDS else bool(close) and all(close)


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

    def compared(left: list[Evidence], right: list[Evidence], against: Sequence[str]) -> Compared:
        found = fmean(e.reading for e in left)
        bound = fmean(e.reading for e in right) if claim.bound is None else claim.bound
        who = tuple(dict.fromkeys(e.cell.method for e in left))
        edits = tuple(sorted({e.cell.edits for e in left}))
        return Compared(
            who, claim.scores, edits, scores.reading, found, claim.relation, bound, tuple(against), _true(found, claim.relation, bound),
            _span(left), _span(right),
        )  # fmt: skip

    left = side(claim.methods)
    if claim.bound is not None:
        for some in [[e] for e in left] if claim.each else [left]:
            yield compared(some, [], ()), some
    else:
        for others in [[m] for m in claim.than] if claim.each else [claim.than]:
            right = side(others)
            yield compared(left, right, others), left + right


def _span(evidence: Sequence[Evidence]) -> Span | None:
    """The interval of a mean: from the mean of the lower ends to that of the upper ones.

    It is rather too wide, since not all numbers err in the same direction. A number without an interval is taken as it is.
    """
    if not any(e.span for e in evidence):
        return None
    spans = [e.span or Span(e.reading, e.reading) for e in evidence]
    return Span(fmean(one.low for one in spans), fmean(one.high for one in spans))


def _true(found: float, relation: str, bound: float) -> bool:
    return {"below": found < bound, "above": found > bound, "at least": found >= bound}[relation]


def _read(
    method: str, claim: Claim, scores: Scores, summary: Summary, chances: Mapping[str, float]
) -> Iterator[Evidence]:
    """The numbers of one method that a claim asks for. Raises `_Missing`."""
    for asked in scores.of:
        cells = {c.edits: c for c in _cells(summary, method, scores.kind, asked)}
        percent = {c.edits: c for c in _cells(summary, method, scores.kind, asked.model_copy(update={"metric": PERCENT}))}
        edits = (max(cells, default=0),) if claim.edits == "last" else claim.edits
        for n in edits:
            if n not in cells:
                raise _Missing(_missing(method, asked, n, bool(summary)))
            read = _reading(cells[n], scores, chances)
            ends = _ends(cells[n], percent.get(n) if scores.reading == "kept" else None)
            span = Span(*map(read, ends)) if ends else None
            if span and scores.reading == "times" and cells[n].dead:
                span = _open(cells[n])
            yield Evidence(cells[n], read(cells[n].value), span)


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


def _ends(cell: Cell, percent: Cell | None) -> tuple[float, float] | None:
    """The ends of a number's interval; of a task's score, those of its change against the unedited model where they are known.

    The unedited model answered the same items, so that its luck with them is no reason to doubt what an edit changed.
    """
    if cell.value is None or cell.low is None or cell.high is None:
        return None
    if percent and cell.unedited and None not in (percent.value, percent.low, percent.high):
        of = cell.unedited / 100
        if abs(percent.value * of - cell.value) < 1e-3:
            return percent.low * of, percent.high * of
    return cell.low, cell.high


def _open(cell: Cell) -> Span | None:
    """The interval of multiples where some models have collapsed: it knows no upper end. The lower one is that of the living
    where one draw of models in forty or more would hold no others."""
    if (1 - cell.dead) ** cell.of < 0.025 or cell.low is None or cell.unedited is None:
        return None
    return Span(cell.low / cell.unedited, float("inf"))


def _weighed(living: float, lost: float, dead: float) -> float:
    """The mean of models that have a number and of those that have none, which are given one."""
    return living * (1 - dead) + lost * dead if dead else living


def _reading(cell: Cell, scores: Scores, chances: Mapping[str, float]) -> Callable[[float | None], float]:
    """How a claim reads the values of a cell. A collapsed model has kept nothing, and its perplexity knows no bound; where
    only some have collapsed, they count in the mean as many as they are."""
    if scores.reading == "value":
        return lambda value: scores.collapsed if value is None else _weighed(value, scores.collapsed, cell.dead)
    if cell.unedited is None:
        raise _Missing(f"the unedited model's {cell.metric} is missing")
    unedited = cell.unedited
    if scores.reading == "times":
        return lambda value: float("inf") if value is None or cell.dead else value / unedited
    chance = chances.get(cell.task, 0.0)
    if cell.unedited - chance < ROOM:
        raise _NoRoom(f"the unedited model scores {cell.unedited:.3g} in {cell.task}, and guessing {chance:.3g}: there is nothing to lose")
    # Whoever no longer guesses as well as chance has no less than nothing left.
    return lambda value: _weighed(max(0.0, (chance if value is None else value) - chance) / (unedited - chance), 0.0, cell.dead)
