"""Where steps are done: in processes of this machine, or on the machines of a Ray cluster.

An engine has `workers` places. `submit` gives a step to a place that is free; `finished` waits for steps that are done.
Both engines run the same `Worker`, with the same number of threads, so that they give the same results. Where the numbers
of threads differ, results do in their last digits.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from survey.errors import UserError
from survey.pitfalls.runs.memory import out_of_memory
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
    """What runs steps. `threads` is how many each worker has."""

    workers: int
    threads: int

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


class Place:
    """A worker, or why there is none. What is raised while a process begins is lost on the way; what a step raises is not."""

    def __init__(self, plan: Plan, tasks: Sequence[Task], threads: int) -> None:
        self._worker: Worker | None = None
        self._failure: UserError | None = None
        try:
            self._worker = Worker(plan, tasks, threads)
        except Exception as error:
            if out_of_memory(error):
                self._failure = UserError("there is no memory for another model: try fewer --workers")
                return
            why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            self._failure = UserError(f"a process that should measure could not begin: {why}")

    def step(self, chain: Chain, number: int, patch: bytes | None) -> Outcome:
        """Do a step. Raises `UserError` where this place could not begin or memory runs out, and whatever the step raises."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._worker.step(chain, number, patch)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise UserError(
                f"memory ran out in {chain.name} of {chain.method}: the same command goes on where this one stopped (--workers 1 takes less memory)"
            ) from None


class Local:
    """Processes on this machine, each with its own model."""

    def __init__(self, plan: Plan, tasks: Sequence[Task], workers: int, threads: int) -> None:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        self.workers, self.threads = workers, threads
        self._running: dict[Any, Step] = {}
        self._processes: dict[int, Any] = {}
        self._pool = ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(plan, tasks, threads)
        )

    def submit(self, step: Step) -> None:
        from concurrent.futures import BrokenExecutor

        try:
            self._running[self._pool.submit(_do, step)] = step
        except BrokenExecutor:
            raise self._lost() from None
        self._processes |= self._pool._processes  # A pool that is broken forgets them.

    def finished(self, seconds: float) -> list[tuple[Step, Outcome]]:
        from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait

        done, _ = wait(self._running, seconds, FIRST_COMPLETED)
        try:
            return [(self._running.pop(future), future.result()) for future in done]
        except BrokenExecutor:
            raise self._lost() from None

    def _lost(self) -> UserError:
        """What became of the process that is missing."""
        why = "was ended from outside, perhaps because memory ran out (--workers 1 takes less)"
        for process in self._processes.values():
            process.join(10)  # The pool ends all others.
            if process.exitcode is not None and process.exitcode > 0:
                why = f"ended by itself with code {process.exitcode}, and what it said stands above"
        return UserError(f"a process that measured {why}: the same command goes on where this one stopped")

    def close(self) -> None:
        if self._running:  # Processes that wait end by themselves, and tidy up.
            for process in self._processes.values():
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)


_place: Place | None = None


def _begin(plan: Plan, tasks: Sequence[Task], threads: int) -> None:
    """In a new process: get a model. An interrupt is for the process that waits, which ends this one; where that process
    was killed, this one ends by itself instead of working for nobody."""
    import multiprocessing
    import threading

    global _place
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    _place = Place(plan, tasks, threads)


def _do(step: Step) -> Outcome:
    return _place.step(step.chain, step.number, step.patch)


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
        try:
            self.workers, self.threads = self._room(workers, threads), threads
        except UserError:
            self._leave()
            raise
        actor = ray.remote(Place)
        self._free = [actor.options(num_cpus=threads).remote(plan, tuple(tasks), threads) for _ in range(self.workers)]
        self._running: dict[Any, tuple[Step, Any]] = {}

    def _room(self, workers: int | None, threads: int) -> int:
        """How many workers there will be. Raises `UserError` where the cluster has no room for as many as are wanted: Ray would
        wait for it forever."""
        machines = [int(node["Resources"].get("CPU", 0)) for node in self._ray.nodes() if node["Alive"]]
        places = sum(count // threads for count in machines)  # The threads of a worker share one machine.
        if not places or places < (workers or 1):
            told = ", ".join(map(str, machines)) or "none"
            raise UserError(
                f"the Ray cluster has room for {places} workers of {threads} threads (processors of its machines: {told}), and "
                f"{workers or 1} are wanted: leave --workers out for one on each processor"
            )
        return workers or places

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
            except self._ray.exceptions.RayActorError as error:
                if getattr(error, "actor_init_failed", False):  # Above all where this package is not installed there.
                    why = (str(error).strip().splitlines() or ["it does not say why"])[-1].strip()
                    raise UserError(f"a machine of the Ray cluster cannot measure: {why}") from None
                raise UserError("a machine of the Ray cluster was lost: the same command goes on where this one stopped") from None
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause if isinstance(error.cause, Exception) else error from None
        return found

    def close(self) -> None:
        for place in [*self._free, *(place for _, place in self._running.values())]:
            self._ray.kill(place)
        self._leave()

    def _leave(self) -> None:
        if self._mine:
            self._ray.shutdown()
