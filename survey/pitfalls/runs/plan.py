"""What a run measures: methods x pitfalls x numbers of edits x seeds, and the chains of edits that it takes.

A chain is a piece of work that nothing else waits for: one method, one seed, some cases, and the numbers of edits after
which questions are asked (its stops). Chains are of three kinds:

sequence: all cases one after the other, asked at several stops; a run has one for each method and seed.
single:   one case alone.
pair:     a case with two edits, asked before, between and after (conflicts, round trips).
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from survey.errors import UserError
from survey.pitfalls.case import Case
from survey.pitfalls.probes import PROBES, Probe
from survey.pitfalls.task import Task

# Pitfalls that are measured on the model as a whole, not on cases.
COLLAPSE, DOWNSTREAM, OTHER_TASK = "general-abilities.collapse", "general-abilities.downstream", "locality.other-task"
FORGETTING, CONFLICT = "general-abilities.forgetting", "generalization.conflict"
COST = "cost"
WHOLE = (COLLAPSE, DOWNSTREAM, OTHER_TASK)
"""Asked of tasks."""
MEASURED = tuple(sorted({*PROBES, *WHOLE, COST}))
"""Ids of everything that can be measured."""
LANGUAGE_MODELLING = "language-modelling"


@dataclass(frozen=True)
class Plan:
    """What to measure.

    edits: after how many edits to ask; 1 stands for each fact alone, more for one sequence a seed, 0 for none.
    cases: for each seed, of how many facts edited alone to ask about each pitfall, and how many pairs of edits to make for each. A fact is asked
        about every pitfall that it has questions for.
    batch: how many edits of a sequence a method makes at once, where it can; a batch ends where questions are asked.
    added: every edit of a sequence is made on the unedited model, and the changes are added up.
    settings: of each method, fields of its configuration.
    items: how many items of each task to ask at most; None for all.
    """

    methods: tuple[str, ...]
    pitfalls: tuple[str, ...]
    edits: tuple[int, ...] = (1,)
    seeds: tuple[int, ...] = (0,)
    cases: int = 20
    batch: int = 1
    model: str = "smollm2-135m-instruct"
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    preset: str | None = None
    text: str | None = None
    items: int | None = None
    added: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "pitfalls", chosen(self.pitfalls))
        object.__setattr__(self, "edits", tuple(sorted(set(self.edits))))
        if not self.methods:
            raise UserError("name at least one method")
        if len(set(self.methods)) < len(self.methods):
            raise UserError("a method is named twice")
        if not self.edits or min(self.edits) < 0:
            raise UserError("the numbers of edits are whole numbers from 0 on")
        if not self.seeds or self.cases < 1 or self.batch < 1:
            raise UserError("at least one seed, one case and a batch of one are needed")
        for method in set(self.settings) - set(self.methods):
            raise UserError(f"settings are given for {method}, which is not measured")

    @property
    def tasks(self) -> bool:
        """Whether anything is asked of tasks other than language modelling."""
        return bool({DOWNSTREAM, OTHER_TASK} & set(self.pitfalls))


def chosen(pitfalls: Sequence[str]) -> tuple[str, ...]:
    """Ids of what is measured for the pitfalls that were named; a parent stands for its children, `all` for everything, and
    one behind a `-` is left out. Raises `UserError`."""
    from survey.collection.text import nearest

    found: set[str] = set()
    for name in sorted(pitfalls, key=lambda name: name.startswith("-")):
        leave_out, name = name.startswith("-"), name.removeprefix("-")
        ids = {id for id in MEASURED if name in ("all", id) or id.startswith(f"{name}.")}
        if not ids:
            guess = nearest(name, list(MEASURED))
            hint = f"did you mean {guess}?" if guess else f"there are {', '.join(MEASURED)}"
            raise UserError(f"{name} is no pitfall that can be measured ({hint})")
        found = found - ids if leave_out else found | ids
    if not found:
        raise UserError("name at least one pitfall")
    return tuple(sorted(found))


@dataclass(frozen=True)
class Material:
    """What a run asks about: cases of one benchmark and tasks."""

    benchmark: str
    sha256: str
    cases: tuple[Case, ...]
    pairs: tuple[Case, ...]
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Chain:
    """One method on some cases. `stops` are the numbers of cases after whose edits questions are asked."""

    method: str
    seed: int
    id: str
    kind: Literal["sequence", "single", "pair"]
    cases: tuple[Case, ...]
    stops: tuple[int, ...]

    @property
    def name(self) -> str:
        """A name that no other chain of the method has."""
        return f"{self.seed}/{self.kind}/{self.id}"


def chains(plan: Plan, material: Material, method: str) -> list[Chain]:
    """The work that a plan means for one method, the longest first. Raises `UserError` where there are too few cases."""
    found = []
    cased = [id for id in plan.pitfalls if id in PROBES]
    alone = [id for id in cased if PROBES[id].states == 2 and id != FORGETTING]
    paired = [id for id in cased if PROBES[id].states == 3]
    for seed in plan.seeds:
        order = list(material.cases)
        random.Random(f"cases {seed}").shuffle(order)
        longer = tuple(n for n in plan.edits if n > 1)
        stops = ((0,) if set(plan.pitfalls) & set(WHOLE) else ()) + ((1,) if plan.tasks and 1 in plan.edits else ()) + longer
        if stops and set(plan.pitfalls) - set(paired):
            if max(stops) > len(order):
                raise UserError(f"{material.benchmark} has {len(order)} usable cases, and a sequence of {max(stops)} {'edit' if max(stops) == 1 else 'edits'} was asked for")
            found.append(Chain(method, seed, "all", "sequence", tuple(order[: max(stops)]), stops))
        if 1 in plan.edits and (alone or {COLLAPSE, COST} & set(plan.pitfalls)):
            single = _drawn(order, alone, plan.cases) if alone else order[: plan.cases]
            found += [Chain(method, seed, case.id, "single", (case,), (1,)) for case in single]
        pairs = {case.id: case for id in paired for case in _pairs(material, id, seed)[: plan.cases]}
        found += [Chain(method, seed, case.id, "pair", (case,), (1,)) for case in pairs.values()]
    return found


def _drawn(cases: Sequence[Case], pitfalls: Sequence[str], number: int) -> Iterator[Case]:
    """Cases in their order, until each pitfall can be asked about in so many of them, as far as there are. One that only
    asks what enough others ask is not worth an edit."""
    left = dict.fromkeys(pitfalls, number)
    for case in cases:
        told = [id for id in pitfalls if PROBES[id].usable(case)]
        if any(left[id] > 0 for id in told):
            yield case
            for id in told:
                left[id] -= 1


def asked(plan: Plan, chain: Chain, now: int) -> list[tuple[int, Case, Probe]]:
    """What is asked of cases after `now` of a chain: each case by its place, without the questions that other edits of the
    chain change, and the probes that it is asked for. What a later edit replaces is not forgotten."""
    if chain.kind == "sequence" and now == 1:
        return []  # Facts are edited alone for that.
    cases = chain.cases[:now]
    every = [edit for case in cases for edit in case.edits]
    last = {edit.text: place for place, case in enumerate(cases) for edit in case.edits}
    states = 3 if chain.kind == "pair" else 2
    found = []
    for place, case in enumerate(case.among(every) for case in cases):
        old = place < now - 1 and all(last[edit.text] == place for edit in case.edits)
        found += [
            (place, case, PROBES[id]) for id in plan.pitfalls
            if id in PROBES and PROBES[id].states == states and PROBES[id].usable(case) and (id != FORGETTING or old)
        ]  # fmt: skip
    return found


def _pairs(material: Material, pitfall: str, seed: int) -> list[Case]:
    """Pairs of edits that show a pitfall, in random order, from each part of the benchmark in turn; questions with several
    right answers first, since with one there is nothing to distort."""
    pairs = [case for case in material.pairs if PROBES[pitfall].usable(case)]
    random.Random(f"pairs {seed}").shuffle(pairs)
    seen: Counter[str | None] = Counter()
    turns = []
    for case in pairs:
        turns.append((not any(len(question.answers) > 1 for question in case["objects"]), seen[case.part], case))
        seen[case.part] += 1
    return [case for *_, case in sorted(turns, key=lambda turn: turn[:2])]


def described(plan: Plan, material: Material, method: str) -> dict[str, Any]:
    """The part of a plan that decides the results of one method, as plain values."""
    return {
        "method": method, "settings": plan.settings.get(method, {}), "preset": plan.preset, "pitfalls": list(plan.pitfalls),
        "edits": list(plan.edits), "seeds": list(plan.seeds), "cases": plan.cases, "batch": plan.batch, **({"added": True} if plan.added else {}),
        "statistics": plan.text and {"sha256": hashlib.sha256(plan.text.encode()).hexdigest(), "characters": len(plan.text)},
        "benchmark": {"id": material.benchmark, "sha256": material.sha256, "cases": len(material.cases)},
        "tasks": {task.id: {"name": task.name, "items": len(task.items)} for task in material.tasks},
    }  # fmt: skip
