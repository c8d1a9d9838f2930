"""The benchmarks' own published files, read into cases and tasks.

    from survey.pitfalls.benchmarks import read, read_task

    benchmark = read("conflictedit-reverse.json")
    task, problems = read_task("sst2.jsonl", limit=100, demonstrations=2)

Each format is a module here, and one line in `CASES` or `TASKS`. A record that cannot be used is told, with its file and
its index, and left out; nothing is left out silently.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from survey.editing.edit import EditError
from survey.errors import UserError
from survey.pitfalls.benchmarks import (
    conflictedit,
    counterfact,
    knowedit,
    mquake,
    recoe,
    rippleedits,
    roundedit,
    zsre,
)
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import CaseFormat, Example, TaskFormat
from survey.pitfalls.benchmarks.reading import FOLDER, Beside, File, Problem, load, located
from survey.pitfalls.benchmarks.tasks import (
    boolq,
    gsm8k,
    me_ppl,
    natural_questions,
    nli,
    samsum,
    sst2,
)
from survey.pitfalls.case import Case, CaseError
from survey.pitfalls.task import Item, Task

__all__ = ["CASES", "FOLDER", "TASKS", "Benchmark", "Problem", "read", "read_task"]

# A record is of the first format that tells it; so the more particular stands first.
CASES = {
    f.id: f
    for f in (
        mquake.FORMAT, counterfact.PLUS, counterfact.FORMAT, zsre.FORMAT, rippleedits.FORMAT, conflictedit.FORMAT,
        roundedit.FORMAT, recoe.FORMAT, knowedit.FORMAT,
    )
}  # fmt: skip
TASKS = {
    f.id: f
    for f in (
        gsm8k.FORMAT, boolq.FORMAT, natural_questions.FORMAT, nli.FORMAT, samsum.FORMAT, sst2.FORMAT, me_ppl.FORMAT,
    )
}  # fmt: skip

# So many records at the beginning tell a file's format; one alone may be broken.
_LOOKED_AT = 20


@dataclass(frozen=True)
class Benchmark:
    """A file of cases, read.

    id: the format's, one of `CASES`.
    sha256: of the file. beside: name and sha256 of each file that lay beside it and was read along.
    problems: what could not be used: whole records, and parts of records that are cases all the same.
    missing: what is not measured, or not as it should be, since the file or what lies beside it does not tell; a sentence
        for each.
    """

    id: str
    name: str
    path: Path
    sha256: str
    cases: tuple[Case, ...]
    problems: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()
    beside: tuple[tuple[str, str], ...] = ()

    @property
    def skipped(self) -> int:
        """How many records are no cases."""
        return sum(p.skipped for p in self.problems)

    @property
    def digest(self) -> str:
        """A hash of everything that was read: the file's own where nothing lay beside it."""
        if not self.beside:
            return self.sha256
        return hashlib.sha256("\n".join([self.sha256, *(f"{n} {h}" for n, h in self.beside)]).encode()).hexdigest()


def read(path_or_name: str | os.PathLike, *, format: str | None = None, strict: bool = False) -> Benchmark:
    """The cases of a file, or of a name in the folder that `SURVEY_BENCHMARKS` names.

    format: one of `CASES`; told by the first records where it is not given.
    strict: whether one problem refuses the whole file.
    Raises `UserError` where the file cannot be read, is of no known format, or holds no usable record.
    """
    file = load(located(path_or_name))
    known = _format(file, format, CASES, TASKS, "read_task")
    beside = Beside(file)
    context = known.prepare(file, beside)
    problems, cases, seen = list(file.problems), [], {}
    for index, raw in file.records:
        left_out: list[str] = []
        try:
            case = known.case(Fields(raw, left_out=left_out), index, context)
            if case.id in seen:
                raise Broken(f"the id {case.id} is that of record {seen[case.id]} already")
        except (Broken, EditError, CaseError) as error:
            problems.append(Problem(file.path, index, str(error)))
            continue
        seen[case.id] = index
        problems += [Problem(file.path, index, text, skipped=False) for text in left_out]
        cases.append(case)
    told = _told(file, problems, len(cases), strict)
    along = tuple((f.path.name, f.sha256) for f in beside.files)
    return Benchmark(
        known.id, known.name, file.path, file.sha256, tuple(cases), told, (*beside.missing, *_untold(cases)), along
    )


def _untold(cases: Sequence[Case]) -> Iterator[str]:
    """What a benchmark's records do not tell of their edits and questions."""
    edits = [edit for case in cases for edit in case.edits]
    if new := sum(edit.was is None for edit in edits):
        yield f"{_of(new, len(edits), 'edit')} without what was right before: the new answer is not compared with it (efficacy-score, paraphrase-score)"
    hops = [question for case in cases for question in case["one-hop"]]
    if bare := sum(not question.needs for question in hops):
        yield (
            f"{_of(bare, len(hops), 'one-hop question')} without a question for the second fact: "
            "counted whether or not the unedited model knows that fact"
        )


def _of(some: int, all: int, what: str) -> str:
    return f"{some} of {all} {what}{'s' * (all > 1)}"


def read_task(
    path_or_name: str | os.PathLike,
    *,
    format: str | None = None,
    limit: int | None = None,
    demonstrations: int = 0,
    strict: bool = False,
) -> tuple[Task, tuple[Problem, ...]]:
    """The items of a file, or of a name in the folder that `SURVEY_BENCHMARKS` names, and what could not be used.

    limit: how many items at most. demonstrations: how many of the first usable records stand, answered, before each
    prompt; these are not asked. For `format` and `strict`, and what is raised, see `read`.
    """
    file = load(located(path_or_name))
    known = _format(file, format, TASKS, CASES, "read")
    problems, examples = list(file.problems), []
    for index, raw in file.records:
        try:
            examples.append((index, known.example(Fields(raw))))
        except Broken as error:
            problems.append(Problem(file.path, index, str(error)))
    told = _told(file, problems, len(examples), strict)
    if (limit is not None and limit < 1) or demonstrations < 0:
        raise UserError(f"{file.path}: at least one item, and no fewer than 0 demonstrations, can be asked for")
    if known.kind == "text" and demonstrations:
        raise UserError(f"{file.path}: texts have no demonstrations")
    if len(examples) <= demonstrations:
        raise UserError(f"{file.path}: {demonstrations} of {len(examples)} usable records as demonstrations leave none")
    shown = "".join(f"{e.prompt} {e.shown}\n\n" for _, e in examples[:demonstrations])
    asked = examples[demonstrations:][:limit]
    items = tuple(_item(i, e, shown, known) for i, e in asked)
    return Task(known.task, known.name, known.kind, items, known.tokens, known.chance), told


def _item(index: int, example: Example, shown: str, known: TaskFormat) -> Item:
    return Item(str(index), shown + example.prompt, example.answers, known.choices)


F = TypeVar("F", CaseFormat, TaskFormat)


def _format(file: File, asked: str | None, here: dict[str, F], there: dict, other: str) -> F:
    """The format that is asked for, or that most of the first records are told by."""
    known = f"known are {', '.join(here)}"
    if asked is not None:
        if asked in here:
            return here[asked]
        hint = f"; {other} reads {asked}" if asked in there else ""
        raise UserError(f"{file.path}: there is no format {asked!r} here{hint}; {known}")
    first = [r for _, r in file.records[:_LOOKED_AT] if isinstance(r, dict)]
    if found := _likeliest(first, here):
        return found
    if found := _likeliest(first, there):
        raise UserError(f"{file.path}: this is {found.name}; {other} reads it")
    keys = f", with {', '.join(list(map(str, first[0]))[:8])}" if first else ", which are no objects"
    raise UserError(f"{file.path}: the records{keys}, are of no known format; {known}")


def _likeliest(records: Sequence[dict], formats: dict[str, F]) -> F | None:
    votes = {id: 0 for id in formats}
    for record in records:
        if found := next((f.id for f in formats.values() if f.tells(record)), None):
            votes[found] += 1
    best = max(votes, key=lambda id: votes[id])
    return formats[best] if votes[best] else None


def _told(file: File, problems: list[Problem], usable: int, strict: bool) -> tuple[Problem, ...]:
    """The problems in the file's order. Raises `UserError` where they are too many to go on."""
    told = tuple(sorted(problems, key=lambda p: p.index))
    if told and strict:
        more = f" (and {rest} more problem{'s' * (rest > 1)})" if (rest := len(told) - 1) else ""
        raise UserError(f"{told[0]}{more}")
    if not usable:
        raise UserError(f"{told[0]} (no record is usable)")
    return told
