"""Where steps are done: in processes of this machine, or on the machines of a Ray cluster.

An engine has `workers` places. `submit` gives a step to a place that is free; `finished` waits for steps that are done.
Both engines run the same `Worker`, with the same number of threads, so that they give the same results.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from survey.errors import UserError
from survey.pitfalls.runs.plan import Chain, Plan
from survey.pitfalls.runs.worker import Outcome, Worker
from survey.pitfalls.task import Task


@dataclass(frozen=True)
class Step:
    """A chain up to its stop `number`, on top of the patch of the stop before."""

    chain: Chain
    number: int
    patch: bytes | None = None


class Engine(Protocol):
    """What runs steps."""

    workers: int

    def submit(self, step: Step) -> None:
        """Begin a step. At most `workers` are under way at once."""

    def finished(self, seconds: float) -> list[tuple[Step, Outcome]]:
        """Steps that are done, after at most so many seconds. Raises `UserError` where a worker is lost, and whatever
        a step raised."""

    def close(self) -> None:
        """Stop at once, whatever is under way."""


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Local:
    """Processes on this machine, each with its own model."""

    def __init__(self, plan: Plan, tasks: Sequence[Task], workers: int, threads: int) -> None:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        self.workers = workers
        self._running: dict[Any, Step] = {}
        self._pool = ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(plan, tasks, threads)
        )

    def submit(self, step: Step) -> None:
        self._running[self._pool.submit(_do, step)] = step

    def finished(self, seconds: float) -> list[tuple[Step, Outcome]]:
        from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait

        done, _ = wait(self._running, seconds, FIRST_COMPLETED)
        try:
            return [(self._running.pop(future), future.result()) for future in done]
        except BrokenExecutor:
            raise UserError(
                "a process that measured was ended from outside, perhaps because memory ran out: the same command goes on where "
                "this one stopped (--workers 1 takes less memory)"
            ) from None

    def close(self) -> None:
        for process in list((self._pool._processes or {}).values()):
            process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)


_worker: Worker | None = None


def _begin(plan: Plan, tasks: Sequence[Task], threads: int) -> None:
    """In a new process: get a model. An interrupt is for the process that waits, which ends this one; where that process
    was killed, this one ends by itself instead of working for nobody."""
    import multiprocessing
    import threading

    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    _worker = Worker(plan, tasks, threads)


def _do(step: Step) -> Outcome:
    return _worker.step(step.chain, step.number, step.patch)


class Ray:
    """Actors of a Ray cluster: of the one at `address`, or of one that is begun on this machine."""

    def __init__(self, plan: Plan, tasks: Sequence[Task], workers: int | None, threads: int, address: str | None = None) -> None:
        try:
            import ray
        except ImportError:
            raise UserError("the engine ray needs one package more: pip install 'editing-pitfalls[ray]'") from None

        self._ray = ray
        self._mine = not ray.is_initialized()
        if self._mine:
            room = {} if address else {"num_cpus": max(workers or 0, processors())}
            try:
                ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="ERROR", configure_logging=False, **room)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise UserError(f"there is no Ray cluster at {address or 'this machine'}: {str(error).splitlines()[0]}") from None
        total = int(ray.cluster_resources().get("CPU", 1))
        self.workers = max(1, workers or total // threads)
        actor = ray.remote(Worker)
        self._free = [actor.options(num_cpus=threads).remote(plan, tuple(tasks), threads) for _ in range(self.workers)]
        self._running: dict[Any, tuple[Step, Any]] = {}

    def submit(self, step: Step) -> None:
        place = self._free.pop()
        self._running[place.step.remote(step.chain, step.number, step.patch)] = (step, place)

    def finished(self, seconds: float) -> list[tuple[Step, Outcome]]:
        done, _ = self._ray.wait(list(self._running), timeout=seconds)
        found = []
        for ref in done:
            step, place = self._running.pop(ref)
            self._free.append(place)
            try:
                found.append((step, self._ray.get(ref)))
            except self._ray.exceptions.RayActorError:
                raise UserError("a machine of the Ray cluster was lost: the same command goes on where this one stopped") from None
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause if isinstance(error.cause, Exception) else error from None
        return found

    def close(self) -> None:
        for place in [*self._free, *(place for _, place in self._running.values())]:
            self._ray.kill(place)
        if self._mine:
            self._ray.shutdown()
