"""Places where steps are done: what is told when there are none."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from survey.errors import UserError
from survey.pitfalls import runs
from survey.pitfalls.runs import engines, measure
from survey.pitfalls.runs.engines import Local, Ray, Step
from survey.pitfalls.runs.plan import Chain, Plan
from survey.pitfalls.runs.results import read
from tests.pitfalls.runs.conftest import case

CHAIN = Chain("rome", 0, "all", "sequence", (case(0),), (0,))


def ended(engine) -> list:
    """What a step gives, or raises."""
    try:
        engine.submit(Step(CHAIN, 0))
        while not (found := engine.finished(1)):
            pass
        return found
    finally:
        engine.close()


@pytest.fixture
def nowhere(tmp_path) -> Plan:
    return Plan(("rome",), ("generalization",), (1,), model=str(tmp_path / "no-model"))


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two processors."""
    ray = pytest.importorskip("ray", reason="the engine ray is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


def test_a_process_that_cannot_begin_tells_why(nowhere):
    with pytest.raises(UserError, match=r"could not begin: .*no-model") as caught:
        ended(Local(nowhere, (), 1, 1))
    assert "memory" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_package_that_is_missing_is_told(monkeypatch, nowhere):
    def missing(*_):
        raise ImportError("no module named x")

    monkeypatch.setattr(engines, "Worker", missing)
    place = engines.Place(nowhere, (), 1)
    with pytest.raises(UserError, match="could not begin: ImportError: no module named x"):
        place.step(CHAIN, 0, None)


def die(signal_or_code: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL) if signal_or_code < 0 else os._exit(signal_or_code)


@pytest.mark.parametrize("code, message", [(-9, "ended from outside, perhaps because memory ran out"), (3, "ended by itself with code 3")])
def test_how_a_process_was_lost_is_told(monkeypatch, nowhere, code, message):
    monkeypatch.setattr(engines, "_begin", die)
    engine = Local(nowhere, (), 1, 1)
    engine._pool._initargs = (code,)
    with pytest.raises(UserError, match=f"{message}.*goes on where this one stopped"):
        ended(engine)


def test_a_step_for_a_pool_that_is_broken_is_told_alike(monkeypatch, nowhere):
    monkeypatch.setattr(engines, "_begin", die)
    engine = Local(nowhere, (), 2, 1)
    engine._pool._initargs = (3,)
    engine.submit(Step(CHAIN, 0))
    for process in engine._processes.values():
        process.join()
    with pytest.raises(UserError, match="ended by itself with code 3"):
        for _ in range(1000):
            engine.submit(Step(CHAIN, 0))
    engine.close()


def test_a_place_of_a_cluster_that_cannot_begin_tells_why(cluster, nowhere):
    with pytest.raises(UserError, match=r"could not begin: .*no-model"):
        ended(Ray(nowhere, (), 1, 1))


def test_a_machine_without_this_package_tells_why(cluster, nowhere, monkeypatch):
    class Other:
        def __init__(self, *_):
            raise ModuleNotFoundError("No module named 'survey'")

        def step(self, *_):
            pass

    monkeypatch.setattr(engines, "Place", Other)
    with pytest.raises(UserError, match=r"cannot measure: .*No module named 'survey'"):
        ended(Ray(nowhere, (), 1, 1))


@pytest.mark.parametrize("workers, threads, room", [(3, 1, 2), (2, 2, 1), (1, 3, 0), (None, 3, 0)])
def test_more_workers_than_a_cluster_has_room_for_are_refused(cluster, nowhere, workers, threads, room):
    with pytest.raises(UserError, match=rf"room for {room} workers of {threads} threads \(processors of its machines: 2\)"):
        Ray(nowhere, (), workers, threads)
    assert cluster.is_initialized()  # It belongs to somebody else.


def test_without_a_number_every_processor_of_a_cluster_works(cluster, nowhere):
    engine = Ray(nowhere, (), None, 1)
    engine.close()
    assert (engine.workers, engine.threads) == (2, 1)


def test_a_run_on_too_small_a_cluster_ends_at_once(cluster, plan_of, material, tmp_path):
    with pytest.raises(UserError, match=r"room for 2 workers of 1 threads.*3 are wanted"):
        measure(plan_of(pitfalls=("generalization",), edits=(1,)), material, tmp_path, engine="ray", workers=3)


def test_each_step_tells_its_threads(plan_of, material, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "processors", lambda: 2)
    plan = plan_of(pitfalls=("general-abilities.collapse",), edits=(0,))
    measure(plan, material, tmp_path, workers=1)
    [path] = measure(replace(plan, seeds=(0, 1)), material, tmp_path, workers=2)
    head, steps = read(path)
    assert head["threads"] == 2
    assert {step[-1]["chain"]: step[-1]["threads"] for step in steps} == {"0/sequence/all": 2, "1/sequence/all": 1}
    assert not any("threads" in row for step in steps for row in step[:-1])
