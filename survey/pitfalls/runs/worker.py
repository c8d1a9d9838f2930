"""One step of a chain: make the edits up to the next stop, and ask what became of everything.

A step takes the patch of the step before and gives the patch for the next, both as bytes, so that any worker, on this
machine or another, can take a chain on, and so that a run that was killed goes on with the same bits as one that was
not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from survey.editing.edit import Edit
from survey.pitfalls import tasks
from survey.pitfalls.asking import Ask, Continuation, Next, State, answer, wanted
from survey.pitfalls.case import Case
from survey.pitfalls.probes.pairs import COVERAGE, OF_EDITS, alone, coverage
from survey.pitfalls.probes.reading import facts
from survey.pitfalls.runs.memory import Peak, out_of_memory
from survey.pitfalls.runs.passes import counted
from survey.pitfalls.runs.plan import COLLAPSE, CONFLICT, FORGETTING, Chain, Plan, asked
from survey.pitfalls.task import Task

# Whole distributions of the unedited model that are kept for the next chains; each takes 200 kB in the default model.
_DISTRIBUTIONS = 500


@dataclass(frozen=True)
class Outcome:
    """Of one step: lines for the results, the last of kind `edits`, and the patch so far (None: no edit was made)."""

    rows: tuple[dict[str, Any], ...]
    patch: bytes | None


class Worker:
    """Holds a model, and does steps."""

    def __init__(self, plan: Plan, task_sets: Sequence[Task], threads: int = 1) -> None:
        import torch

        from survey.editing.loading import load_model

        torch.set_num_threads(threads)
        self.plan, self.tasks = plan, tuple(task_sets)
        self.model = load_model(plan.model)
        self._unedited: dict[tuple[Ask, ...], State] = {}

    def step(self, chain: Chain, number: int, data: bytes | None) -> Outcome:
        """Make the edits between two stops of a chain, and ask."""
        from survey.editing.method import find

        find(chain.method)  # The patch may be of a kind that only the method's own file knows.
        if chain.kind == "pair":
            return self._pair(chain)
        before, now = (chain.stops[number - 1] if number else 0), chain.stops[number]
        made = self._make(chain, chain.cases[before:now], self._read(data) if data else None, before=chain.cases[:before])
        clock = time.perf_counter()
        rows = self._cases(chain, now, made.patch)
        questions, clock = time.perf_counter() - clock, time.perf_counter()
        rows += self._tasks(chain, now, made.patch)
        return self._outcome(chain, now, made, rows, questions, time.perf_counter() - clock)

    def _pair(self, chain: Chain) -> Outcome:
        """A case with two edits, asked before, between and after."""
        [(_, case, _), *_] = work = asked(self.plan, chain, 1)
        probes = [probe for *_, probe in work]
        asks = [wanted(probe.score, case, states=3) for probe in probes]
        one, two = (replace(case, edits=edits) for edits in (case.edits[:1], case.edits[1:]))
        first = self._make(chain, [one], None)
        clock = time.perf_counter()
        between = self._edited(first.patch, (ask for three in asks for ask in three[1]))
        questions = time.perf_counter() - clock
        second = self._make(chain, [two], first.patch, before=[one])
        clock = time.perf_counter()
        after = self._edited(second.patch, (ask for three in asks for ask in three[2]))
        before = self.unedited(ask for three in asks for state in three for ask in state)
        scores = {p.pitfall: _beside(p.score(case, (before, between, after)), p.score(case, (before, before, before))) for p in probes}
        questions += time.perf_counter() - clock
        made = first.then(second)
        if made.made < len(case.edits):  # Where nothing was done, nothing is damaged: that is no merit of the method.
            scores = {id: {name: pair for name, pair in found.items() if name.startswith(OF_EDITS)} for id, found in scores.items()}
        if CONFLICT in scores and case.part == COVERAGE:
            only = self._make(chain, [alone(case)], None)
            clock = time.perf_counter()
            own = wanted(coverage, case, states=2)
            # Without the edit it is the unedited model that is asked.
            was = self.unedited(ask for state in own for ask in state)
            scores[CONFLICT] |= _beside(coverage(case, (was, self._edited(only.patch, own[1]))), coverage(case, (was, was)))
            questions += time.perf_counter() - clock
            made = replace(made, seconds=made.seconds + only.seconds)
        return self._outcome(chain, len(case.edits), made, [{**_told(case), "age": 0, "scores": scores}], questions)

    def _outcome(self, chain: Chain, now: int, made: _Made, rows: list[dict], questions: float, tasks: float = 0.0) -> Outcome:
        """All lines of a step, the last with what was done to the model."""
        seconds = {"edits": made.seconds, "questions": questions + made.questions, "tasks": tasks}
        last = {
            "kind": "edits", "made": made.made, "failed": [list(f) for f in made.failed],
            "bytes": made.patch.bytes if made.patch else 0,
            "relative_norm": made.patch.relative_norm(self.model) if made.patch else 0.0,
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
            "processor": [round(value, 3) for value in made.processor], "memory": made.memory,
            "passes": [list(each) for each in made.passes],
            **({} if made.learnt is None else {"learnt": list(made.learnt)}), "lines": len(rows) + 1,
        }  # fmt: skip
        step = {"seed": chain.seed, "chain": chain.name, "edits": now}
        return Outcome(tuple(plain({**step, **row}) for row in [*rows, last]), self._bytes(made.patch) if made.patch else None)

    # Edits

    def _make(self, chain: Chain, cases: Sequence[Case], patch, *, before: Sequence[Case] = ()) -> _Made:
        """The edits of cases, on top of the patch of those before. One that cannot be made is a result: the rest goes on
        without it. In a sequence each case is asked right after its edits, so that what is forgotten later is told from what
        was never learnt."""
        from survey.editing.method import find
        from survey.editing.session import compute

        method = find(chain.method)
        ask = chain.kind == "sequence" and FORGETTING in self.plan.pitfalls and not method.whole
        made = _Made(patch, learnt=() if ask else None)
        batches = list(_batches(cases, self.plan.batch, method.batch))
        if method.whole and cases:  # It works on the sum of all edits, not on what is there.
            batches, made = [[edit for case in (*before, *cases) for edit in case.edits]], replace(made, patch=None)
        old = {edit for case in before for edit in case.edits} if method.whole else set()
        for some in batches:
            fresh = [edit for edit in some if edit not in old]
            if made.patch is not None and not self.plan.added:
                self.model.apply(made.patch)
            clock, processor = time.perf_counter(), time.process_time()
            peak = Peak()
            new, failed = None, ()
            try:
                with counted(self.model) as passes:
                    new = compute(
                        chain.method, self.model, some, seed=chain.seed, preset=self.plan.preset, text=self.plan.text,
                        batch=(self.plan.batch if method.whole else len(some)) if method.batch else None,
                        **self.plan.settings.get(chain.method, {}),
                    )  # fmt: skip
            except Exception as error:  # Whatever a method does, above all on a model that it broke before.
                if out_of_memory(error):
                    raise
                why = (str(error).strip().splitlines() or ["no message"])[0][:200]
                failed = tuple((edit.subject, f"{type(error).__name__}: {why}") for edit in fresh)
            finally:
                self.model.restore()
            used = time.process_time() - processor
            count = 0 if new is None else len(fresh)
            one = _Made(
                new if new is None or made.patch is None else made.patch + new, time.perf_counter() - clock, count, failed,
                (used / len(some),) * count, ((passes.forward / len(some), passes.backward / len(some)),) * count, peak.bytes(), made.learnt,
            )  # fmt: skip
            made = made.then(one)
            if ask and new is not None:
                clock = time.perf_counter()
                made = replace(made, learnt=(*made.learnt, *self._learnt(made.patch, [c for c in cases if set(c.edits) & set(some)])))
                made = replace(made, questions=made.questions + time.perf_counter() - clock)
        return made

    def _learnt(self, patch, cases: Sequence[Case]) -> list[str]:
        """The cases whose edits the model now answers with, token for token."""
        asks = {case.id: [Continuation(q.prompt, q.answers[0]) for q in facts(case)] for case in cases}
        state = self._edited(patch, (ask for some in asks.values() for ask in some))
        return [id for id, some in asks.items() if all(state[ask].exact for ask in some)]

    def _bytes(self, patch) -> bytes:
        from survey.editing.patch import save

        with TemporaryDirectory() as folder:
            path = Path(folder) / "patch.safetensors"
            save(patch, path, self.model)
            return path.read_bytes()

    def _read(self, data: bytes):
        from survey.editing.patch import load

        with TemporaryDirectory() as folder:
            path = Path(folder) / "patch.safetensors"
            path.write_bytes(data)
            return load(path, self.model)

    # Questions

    def unedited(self, asks: Iterable[Ask]) -> State:
        """Answers of the unedited model, kept for the next method that asks the same.

        All of them are asked together, never only those that are new: how numbers are rounded depends on what is computed
        with them, and a run that was killed should give what one would that was not.
        """
        key = tuple(dict.fromkeys(asks))
        if key in self._unedited:
            return self._unedited[key]
        state = answer(self.model, key)
        # Every method goes through the cases in the same order: were the oldest answers thrown out, none would be found again.
        if sum(isinstance(ask, Next) for asked in (key, *self._unedited) for ask in asked) <= _DISTRIBUTIONS:
            self._unedited[key] = state
        return state

    def _edited(self, patch, asks: Iterable[Ask]) -> State:
        if patch is None:
            return self.unedited(asks)
        self.model.apply(patch)
        try:
            return answer(self.model, asks)
        finally:
            self.model.restore()

    def _cases(self, chain: Chain, now: int, patch) -> list[dict]:
        """Every probe on every case. Of one whose edit could not be made only the edit itself is asked, which fails: that
        nothing else has changed is no merit of the method."""
        made = set(patch.edits) if patch is not None else set()
        work = [
            (place, case, probe) for place, case, probe in asked(self.plan, chain, now)
            if probe.pitfall in (FORGETTING, "generalization") or made.issuperset(case.edits)
        ]  # fmt: skip
        asks = [wanted(probe.score, case, states=2) for _, case, probe in work]
        before = self.unedited(ask for two in asks for state in two for ask in state)
        after = self._edited(patch, (ask for two in asks for ask in two[1]))
        rows: dict[int, dict] = {}
        for place, case, probe in work:
            row = rows.setdefault(place, {**_told(case), "age": now - 1 - place, "scores": {}})
            row["scores"][probe.pitfall] = _beside(probe.score(case, (before, after)), probe.score(case, (before, before)))
        return list(rows.values())

    def _tasks(self, chain: Chain, now: int, patch) -> list[dict]:
        """Tasks at the stops of a sequence; perplexity, which is cheap, after every edit. Nothing where no edit could be made: that
        the model can what it could is no merit of the method."""
        rows = []
        if now and patch is None:
            return rows
        for task in self.tasks:
            if task.kind == "text":
                if COLLAPSE not in self.plan.pitfalls:
                    continue
            elif not self.plan.tasks or chain.kind != "sequence":
                continue
            asks = [wanted(tasks.score, task, item, states=1)[0] for item in task.items]
            state = self._edited(patch, (ask for some in asks for ask in some))
            scores = [tasks.score(task, item, (state,)) for item in task.items]
            rows.append({"kind": "task", "task": task.id, "scores": {name: [s[name] for s in scores] for name in scores[0]}})
        return rows


@dataclass(frozen=True)
class _Made:
    """What became of some edits.

    seconds: on the clock; questions: besides, for asking what was learnt. failed: subject and why. processor: processor seconds of each edit, of all threads together.
    passes: of the base model for each edit, forwards and backwards. memory: the most bytes that the process held meanwhile. learnt: cases whose edits held when they were just made; None
    where that is not asked.
    """

    patch: Any
    seconds: float = 0.0
    made: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    processor: tuple[float, ...] = ()
    passes: tuple[tuple[float, float], ...] = ()
    memory: int | None = None
    learnt: tuple[str, ...] | None = None
    questions: float = 0.0

    def then(self, next: _Made) -> _Made:
        """Both, one after the other."""
        return _Made(
            self.patch if next.patch is None else next.patch, self.seconds + next.seconds, self.made + next.made,
            (*self.failed, *next.failed), (*self.processor, *next.processor), (*self.passes, *next.passes),
            max((m for m in (self.memory, next.memory) if m is not None), default=None), next.learnt,
            self.questions + next.questions,
        )  # fmt: skip


def _batches(cases: Sequence[Case], size: int, many: bool) -> Iterator[list[Edit]]:
    """Edits that are made at once: `size` of them, or those of a case that belong together, where a method can make many."""
    some: list[Edit] = []
    for case in cases:
        for edits in [case.edits] if case.together and many else [[edit] for edit in case.edits]:
            if some and len(some) + len(edits) > (size if many else 1):
                yield some
                some = []
            some = [*some, *edits]
    if some:
        yield some


def _told(case: Case) -> dict[str, Any]:
    """How a line names its case."""
    return {"kind": "case", "case": case.id, "relation": case.relation, **({} if case.part is None else {"part": case.part})}


def _beside(edited: dict[str, Any], unedited: dict[str, Any]) -> dict[str, list]:
    """Each score with what the same questions give on the unedited model; what does not count for the case is left out, so
    that null in a file means that the model has collapsed."""
    return {name: [value, unedited.get(name)] for name, value in edited.items() if value is not None}


def plain(value: Any) -> Any:
    """Numbers as JSON has them: six digits, and None for what is no number."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None
