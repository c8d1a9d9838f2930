"""What a run asks about: our own facts and tasks, or the records of a benchmark's file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from survey.errors import UserError
from survey.pitfalls.case import Case
from survey.pitfalls.runs.plan import (
    COLLAPSE,
    DOWNSTREAM,
    LANGUAGE_MODELLING,
    OTHER_TASK,
    Material,
    Plan,
)
from survey.pitfalls.task import Task

SUITE = "suite"
"""Name of our own facts."""
OWN_TASKS = ("sentiment-analysis", "reasoning", "open-domain-qa", "summarisation")
"""The tasks of the survey's charts, in our own small sets."""
UNRELATED = "sentiment-analysis"
"""The task that stands for an unrelated one."""


def material(plan: Plan, benchmark: str = SUITE, tasks: Sequence[str] = (), *, strict: bool = False, say=print) -> Material:
    """Cases and tasks of a run. Records that cannot be used are told to `say`, or refused where `strict`.

    benchmark: `suite`, or a file or name that `survey.pitfalls.benchmarks` reads. tasks: files or names of downstream
    sets, instead of our own. Raises `UserError`.
    """
    if benchmark == SUITE:
        from survey.pitfalls import suite

        cases, pairs = tuple(suite.cases()), (*suite.conflicts(), *suite.round_trips())
        digest = _digest([*cases, *pairs])
    else:
        from survey.pitfalls.benchmarks import read

        found = read(benchmark, strict=strict)
        for problem in (*found.problems, *found.missing):
            say(problem)
        pairs = tuple(case for case in found.cases if _paired(case))
        cases = tuple(case for case in found.cases if not _paired(case))
        digest = found.digest
    return Material(benchmark if benchmark == SUITE else found.id, digest, cases, tuple(pairs), tuple(_tasks(plan, tasks, strict, say)))


def _paired(case: Case) -> bool:
    """Whether the edits of a case are made one after the other, and asked about in between."""
    return len(case.edits) > 1 and not case.together


def _tasks(plan: Plan, names: Sequence[str], strict: bool, say) -> list[Task]:
    """The tasks that the pitfalls of a plan need, each with so many items at most."""
    wanted = set(plan.pitfalls)
    found: list[Task] = []
    if names and not wanted & {DOWNSTREAM, OTHER_TASK, COLLAPSE}:
        raise UserError(f"tasks are asked about {DOWNSTREAM}, {OTHER_TASK} or {COLLAPSE}, and none of them is measured")
    if names:
        from survey.pitfalls.benchmarks import read_task

        for name in names:
            task, problems = read_task(name, strict=strict)
            for problem in problems:
                say(problem)
            found.append(task)
    else:
        from survey.pitfalls import suite

        ids = OWN_TASKS if DOWNSTREAM in wanted else (UNRELATED,) if OTHER_TASK in wanted else ()
        found += [suite.task(id) for id in ids]
        if COLLAPSE in wanted:
            found.append(suite.task(LANGUAGE_MODELLING))
    if plan.items is not None:
        found = [replace(task, items=task.items[: plan.items]) for task in found]
    return found


def _digest(cases: Sequence[Case]) -> str:
    """A hash of cases."""
    told = [[case.id, [list(vars(edit).values()) for edit in case.edits], {role: [repr(q) for q in asked] for role, asked in case.questions.items()}] for case in cases]
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
