"""One step of a chain: make the edits up to the next stop, and ask what became of everything.

A step takes the patch of the step before and gives the patch for the next, both as bytes, so that any worker, on this
machine or another, can take a chain on, and so that a run that was killed goes on with the same bits as one that was
not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from survey.pitfalls import tasks
from survey.pitfalls.asking import Ask, Next, State, answer, wanted
from survey.pitfalls.case import Case
from survey.pitfalls.probes import PROBES
from survey.pitfalls.runs.plan import COLLAPSE, FORGETTING, Chain, Plan
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
        patch = self._read(data) if data else None
        made = self._edit(chain, chain.cases[before:now], patch, chain.cases[:now])
        clock = time.perf_counter()
        rows = self._cases(chain, now, made.patch)
        questions, clock = time.perf_counter() - clock, time.perf_counter()
        rows += self._tasks(chain, now, made.patch)
        seconds = {"edits": made.seconds, "questions": questions, "tasks": time.perf_counter() - clock}
        return self._outcome(chain, now, made, rows, seconds)

    def _pair(self, chain: Chain) -> Outcome:
        """A case with two edits, asked before, between and after."""
        from survey.editing.method import find

        [case] = chain.cases
        probes = [PROBES[id] for id in self.plan.pitfalls if id in PROBES and PROBES[id].states == 3 and PROBES[id].usable(case)]
        asks = [wanted(probe.score, case, states=3) for probe in probes]
        first, *others = case.edits
        one = self._make(chain, [first], None)
        clock = time.perf_counter()
        between = self._edited(one.patch, (ask for three in asks for ask in three[1]))
        questions = time.perf_counter() - clock
        two = self._make(chain, list(case.edits) if find(chain.method).whole else others, one.patch)
        clock = time.perf_counter()
        after = self._edited(two.patch, (ask for three in asks for ask in three[2]))
        before = self.unedited(ask for three in asks for state in three for ask in state)
        scores = {p.pitfall: _beside(p.score(case, (before, between, after)), p.score(case, (before, before, before))) for p in probes}
        row = {"kind": "case", "case": case.id, "relation": case.relation, "age": 0, "scores": scores}
        made = _Made(two.patch, one.seconds + two.seconds, one.made + two.made, (*one.failed, *two.failed))
        seconds = {"edits": made.seconds, "questions": questions + time.perf_counter() - clock, "tasks": 0.0}
        return self._outcome(chain, len(case.edits), made, [row], seconds)

    def _outcome(self, chain: Chain, now: int, made: _Made, rows: list[dict], seconds: dict[str, float]) -> Outcome:
        """All lines of a step, the last with what was done to the model."""
        last = {
            "kind": "edits", "made": made.made, "failed": [list(f) for f in made.failed],
            "bytes": made.patch.bytes if made.patch else 0,
            "relative_norm": made.patch.relative_norm(self.model) if made.patch else 0.0,
            "seconds": {name: round(value, 3) for name, value in seconds.items()}, "lines": len(rows) + 1,
        }  # fmt: skip
        step = {"seed": chain.seed, "chain": chain.name, "edits": now}
        return Outcome(tuple(plain({**step, **row}) for row in [*rows, last]), self._bytes(made.patch) if made.patch else None)

    # Edits

    def _edit(self, chain: Chain, new: Sequence[Case], patch, every: Sequence[Case]) -> _Made:
        from survey.editing.method import find

        if find(chain.method).whole and len(new):  # It works on the sum of all edits, not on what is there.
            return self._make(chain, [edit for case in every for edit in case.edits], None)
        return self._make(chain, [edit for case in new for edit in case.edits], patch)

    def _make(self, chain: Chain, edits: Sequence, patch) -> _Made:
        """Edits on top of a patch. One that cannot be made is a result: the rest goes on without it."""
        from survey.editing.method import find
        from survey.editing.session import compute

        method, failed, made = find(chain.method), [], 0
        size = len(edits) if method.whole else self.plan.batch if method.batch else 1
        start = time.perf_counter()
        for at in range(0, len(edits), max(size, 1)):
            some = edits[at : at + size]
            if patch is not None and not method.whole:
                self.model.apply(patch)
            try:
                new = compute(
                    chain.method, self.model, some, seed=chain.seed, batch=self.plan.batch if method.batch else None,
                    preset=self.plan.preset, text=self.plan.text, **self.plan.settings.get(chain.method, {}),
                )  # fmt: skip
            except MemoryError:
                raise
            except Exception as error:  # Whatever a method does, above all on a model that it broke before.
                why = (str(error).strip().splitlines() or ["no message"])[0][:200]
                failed += [(edit.subject, f"{type(error).__name__}: {why}") for edit in some]
                continue
            finally:
                self.model.restore()
            made += len(some)
            patch = new if patch is None or method.whole else patch + new
        return _Made(patch, time.perf_counter() - start, made, tuple(failed))

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
        state = self._unedited.pop(key, None) or answer(self.model, key)
        self._unedited[key] = state  # The last used is the last to go.
        while len(self._unedited) > 1 and sum(isinstance(a, Next) for asked in self._unedited for a in asked) > _DISTRIBUTIONS:
            del self._unedited[next(iter(self._unedited))]
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
            (place, case, PROBES[id])
            for place, case in enumerate(chain.cases[:now])
            for id in self.plan.pitfalls
            if id in PROBES and PROBES[id].states == 2 and PROBES[id].usable(case)
            and (id != FORGETTING or place < now - 1)
            and (id in (FORGETTING, "generalization") or made.issuperset(case.edits))
        ]  # fmt: skip
        asks = [wanted(probe.score, case, states=2) for _, case, probe in work]
        before = self.unedited(ask for two in asks for state in two for ask in state)
        after = self._edited(patch, (ask for two in asks for ask in two[1]))
        rows: dict[int, dict] = {}
        for place, case, probe in work:
            row = rows.setdefault(
                place, {"kind": "case", "case": case.id, "relation": case.relation, "age": now - 1 - place, "scores": {}}
            )
            row["scores"][probe.pitfall] = _beside(probe.score(case, (before, after)), probe.score(case, (before, before)))
        return list(rows.values())

    def _tasks(self, chain: Chain, now: int, patch) -> list[dict]:
        """Tasks at the stops of a sequence; perplexity, which is cheap, after every edit."""
        rows = []
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
    """What became of some edits: `failed` tells the subject and why."""

    patch: Any
    seconds: float
    made: int
    failed: tuple[tuple[str, str], ...] = ()


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
