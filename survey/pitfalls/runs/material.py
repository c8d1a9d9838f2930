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
TEXT = "text"
"""The kind of sets whose perplexity is measured."""


def material(plan: Plan, benchmark: str = SUITE, tasks: Sequence[str] = (), *, strict: bool = False, say=print) -> Material:
    """Cases and tasks of a run. Records that cannot be used are told to `say`, or refused where `strict`.

    benchmark: `suite`, or a file or name that `survey.pitfalls.benchmarks` reads. tasks: files or names of sets, instead of
    our own: sets of texts instead of our texts, others instead of our other ones. Raises `UserError`.
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
        if gone := sum(problem.skipped for problem in found.problems):
            cases = "1 case is" if len(found.cases) == 1 else f"{len(found.cases)} cases are"
            say(f"{found.path}: {gone} left out of the records, which are counted from 0; {cases} used")
        pairs = tuple(case for case in found.cases if _paired(case))
        cases = tuple(case for case in found.cases if not _paired(case))
        digest = found.digest
    return Material(benchmark if benchmark == SUITE else found.id, digest, cases, tuple(pairs), tuple(_tasks(plan, tasks, strict, say)))


def _paired(case: Case) -> bool:
    """Whether the edits of a case are made one after the other, and asked about in between."""
    return len(case.edits) > 1 and not case.together


def _tasks(plan: Plan, names: Sequence[str], strict: bool, say) -> list[Task]:
    """The tasks that the pitfalls of a plan need, each with so many items at most."""
    from survey.pitfalls import suite

    wanted = set(plan.pitfalls)
    if names and not wanted & {DOWNSTREAM, OTHER_TASK, COLLAPSE}:
        raise UserError(f"tasks are asked about {DOWNSTREAM}, {OTHER_TASK} or {COLLAPSE}, and none of them is measured")
    named = _named(plan, names, strict, say)
    found = [task for task in named if task.kind != TEXT]
    if found:
        _classified(plan, found, strict, say)
    else:
        ids = OWN_TASKS if DOWNSTREAM in wanted else (UNRELATED,) if OTHER_TASK in wanted else ()
        found = [suite.task(id) for id in ids]
    texts = [task for task in named if task.kind == TEXT]
    found += texts or ([suite.task(LANGUAGE_MODELLING)] if COLLAPSE in wanted else [])
    if plan.items is not None:
        found = [replace(task, items=task.items[: plan.items]) for task in found]
    return found


def _named(plan: Plan, names: Sequence[str], strict: bool, say) -> list[Task]:
    """The sets that somebody named. Raises `UserError` for one that nothing is measured on, and for two that could not be
    told apart in the results."""
    from survey.pitfalls.benchmarks import read_task

    found: dict[str, tuple[str, Task]] = {}
    for name in names:
        task, problems = read_task(name, strict=strict)
        for problem in problems:
            say(problem)
        if task.kind == TEXT and COLLAPSE not in plan.pitfalls:
            raise UserError(f"{name}: texts are there for {COLLAPSE}, which is not measured")
        if task.kind != TEXT and not plan.tasks:
            raise UserError(f"{name}: this task is there for {DOWNSTREAM} and {OTHER_TASK}, which are not measured")
        if task.id in found:
            raise UserError(f"{found[task.id][0]} and {name} are both sets for the task {task.id}: measure one after the other, in two folders")
        found[task.id] = name, task
    return [task for _, task in found.values()]


def _classified(plan: Plan, named: Sequence[Task], strict: bool, say) -> None:
    """Say where an unrelated task was asked for and none of the named sets can be it. Raises `UserError` where nothing else is
    measured on them, or where `strict`."""
    if OTHER_TASK not in plan.pitfalls or any(task.kind == "choice" for task in named):
        return
    message = f"{OTHER_TASK} needs a task whose answers are choices, and none of those named is one: {', '.join(task.name for task in named)}"
    if strict or DOWNSTREAM not in plan.pitfalls:
        raise UserError(message)
    say(f"{message}; it is not measured")


def task_digest(task: Task) -> str:
    """A hash of everything that decides what a task asks, and how the answers are scored."""
    told = [task.kind, task.tokens, [[item.id, item.prompt, item.answers, item.choices] for item in task.items]]
    return _hash(told)


def _digest(cases: Sequence[Case]) -> str:
    """A hash of cases."""
    told = [[case.id, [list(vars(edit).values()) for edit in case.edits], {role: [repr(q) for q in asked] for role, asked in case.questions.items()}] for case in cases]
    return _hash(told)


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
