"""Runs: methods x pitfalls x numbers of edits x seeds, measured and written as they go.

    plan = Plan(methods=("rome", "memit"), pitfalls=("locality",), edits=(1,))
    measure(plan, material(plan), Path("results"))

`plan` says what is measured, `worker` does a step of it, `engines` say where, `results` keeps what came out, `lock` sees to
it that only one run writes a file, `summary` makes means and intervals of it.
"""

from __future__ import annotations

import platform
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from survey.errors import UserError
from survey.pitfalls.runs.engines import Engine, Local, Ray, Step, processors
from survey.pitfalls.runs.lock import only_writer
from survey.pitfalls.runs.material import task_digest
from survey.pitfalls.runs.plan import Chain, Material, Plan, chains, described
from survey.pitfalls.runs.results import FORMAT, Results, place

__all__ = ["Material", "Plan", "head", "measure"]


def head(plan: Plan, material: Material, method: str, model, threads: int) -> dict[str, Any]:
    """What a file of results says of itself: what was run, on what, with what. Raises `EditError` for a method that must
    be trained first and was not."""
    import torch
    import transformers

    from survey import __version__
    from survey.editing import foreign
    from survey.editing.learning import provenance
    from survey.editing.method import find, settings

    found = find(method)
    config = found.configure(plan.preset, **plan.settings.get(method, {}))
    said = described(plan, material, method)
    for task in material.tasks:
        said["tasks"][task.id]["sha256"] = task_digest(task)
    return {
        "format": FORMAT, **said, "method": found.id, "source": foreign.provenance(found), "model": model.name, "fingerprint": model.fingerprint,
        "configuration": settings(config), "trained": provenance(method, model, config) if found.train else None,
        "versions": {
            "editing-pitfalls": __version__, "torch": torch.__version__.partition("+")[0],
            "transformers": transformers.__version__, "python": platform.python_version(),
        },
        "machine": f"{platform.machine()}, {processors()} processors", "threads": threads,
        "date": time.strftime("%Y-%m-%d"), "command": shlex.join(["survey", *sys.argv[1:]]) if sys.argv[0].endswith("survey") else None,
    }  # fmt: skip


def measure(
    plan: Plan,
    material: Material,
    folder: Path,
    *,
    engine: str = "local",
    workers: int | None = None,
    address: str | None = None,
    progress: Any = None,
    begin: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Measure what is not measured yet, and return the files of results, one for each method.

    `begin(done, total)` hears how many edits and stops there are, `progress.advance(n)` when some are done. Raises
    `UserError`; what was written stays, and the same call goes on where this one ended. While it lasts no other process
    may write the same files.

    Each worker has an equal share of the processors as its threads. How numbers are rounded depends on these: a run that goes
    on with another number of workers can differ in its last digits from one that did not. A file's first line tells the
    threads of its first part, the last line of each step those of the step.
    """
    from survey.editing.loading import load_model

    model = load_model(plan.model)
    work = {method: chains(plan, material, method) for method in plan.methods}
    if not any(work.values()):
        raise UserError(f"{material.benchmark} asks nothing about {', '.join(plan.pitfalls)} after {', '.join(map(str, plan.edits))} edits")
    cpus = processors()
    # A cluster has as many places as it has processors; which is for the engine to find out.
    places = workers or (None if engine == "ray" else min(cpus, sum(map(len, work.values()))))
    threads = max(1, cpus // places) if places else 1
    heads = {method: head(plan, material, method, model, threads) for method in work}
    del model  # The workers have their own.
    folder.mkdir(parents=True, exist_ok=True)
    if len({head["method"] for head in heads.values()}) < len(heads):
        raise UserError("a method is named twice")
    with ExitStack() as held:
        for said in heads.values():
            held.enter_context(only_writer(place(folder, said)))
        results = {method: Results(folder, heads[method]) for method in work}
        weight = lambda chain, n: chain.stops[n] - (chain.stops[n - 1] if n else 0) + 1  # noqa: E731
        total = done = 0
        waiting: list[Step] = []
        for method, found in work.items():
            for chain in found:
                start = 0
                while start < len(chain.stops) and (chain.name, _edits(chain, start)) in results[method].done:
                    done += weight(chain, start)
                    start += 1
                total += sum(weight(chain, n) for n in range(len(chain.stops)))
                if start < len(chain.stops):
                    waiting.append(_resumed(chain, start, results[method]))
        begin(done, total)
        waiting.reverse()
        if waiting:
            make = Local if engine == "local" else Ray
            more = {"address": address} if engine == "ray" else {}
            _run(make(plan, material.tasks, places, threads, **more), waiting, results, lambda step: progress and progress.advance(weight(step.chain, step.number)), progress)
    return [found.path for found in results.values()]


def _edits(chain: Chain, number: int) -> int:
    """The number of edits that a step's lines carry."""
    return len(chain.cases[0].edits) if chain.kind == "pair" else chain.stops[number]


def _resumed(chain: Chain, start: int, results: Results) -> Step:
    """The first step that is missing; where the patch before it is lost, the chain is made again from its beginning, which
    gives the same edits, and only what is missing is written."""
    if start == 0 or chain.stops[start - 1] == 0:
        return Step(chain, start)
    patch = results.patch(chain.name, chain.stops[start - 1])
    return Step(chain, 0) if patch is None else Step(chain, start, patch)


def _run(engine: Engine, waiting: list[Step], results: dict[str, Results], advance: Callable[[Step], Any], progress: Any) -> None:
    """Do all steps, each chain in its order, and write every step as it ends."""
    running = 0
    try:
        while waiting or running:
            while waiting and running < engine.workers:
                engine.submit(waiting.pop())
                running += 1
            for step, outcome in engine.finished(0.5):
                running -= 1
                last = step.number == len(step.chain.stops) - 1
                *rows, end = outcome.rows
                if results[step.chain.method].add([*rows, {**end, "threads": engine.threads}], outcome.patch, last):
                    advance(step)
                if not last:
                    waiting.append(Step(step.chain, step.number + 1, outcome.patch))
            if progress is not None:
                progress.advance(0)
    finally:
        engine.close()
