"""Only one process writes a file of results."""

from __future__ import annotations

import subprocess
import sys

import pytest

from survey.errors import UserError
from survey.pitfalls.runs import lock, measure
from survey.pitfalls.runs.lock import only_writer
from survey.pitfalls.runs.results import Results
from tests.pitfalls.runs.test_results import HEAD, step

HOLDER = """
import sys
from pathlib import Path
from survey.pitfalls.runs.lock import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that writes rome.jsonl."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "rome.jsonl")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_file_that_another_process_writes_is_refused_until_it_ends(holder, tmp_path):
    path = tmp_path / "rome.jsonl"
    with pytest.raises(UserError, match=r"rome\.jsonl: another run is writing"), only_writer(path):
        pass
    with only_writer(tmp_path / "memit.jsonl"):
        pass
    holder.communicate("end\n")
    with only_writer(path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_process_that_was_killed_holds_nothing(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert [path.name for path in tmp_path.iterdir()] == [".rome.jsonl.lock"]
    with only_writer(tmp_path / "rome.jsonl"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_file_is_free_again_after_a_failure(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyError), only_writer(tmp_path / "rome.jsonl"):
            raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_lock_that_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    """The owner before ended between the opening of its file and the locking of it."""
    path, tried = tmp_path / ".rome.jsonl.lock", []
    attempt = lock._try

    def late(file):
        tried.append(file)
        if len(tried) == 1:
            path.unlink()
        return attempt(file)

    monkeypatch.setattr(lock, "_try", late)
    with only_writer(tmp_path / "rome.jsonl"):
        assert path.exists() and len(tried) == 2


def test_where_there_are_no_locks_a_run_goes_on_without(tmp_path, monkeypatch):
    import errno

    def none(file):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(lock, "_try", none)
    with only_writer(tmp_path / "rome.jsonl"), only_writer(tmp_path / "rome.jsonl"):
        pass


def test_two_runs_do_not_write_the_same_file(plan_of, material, tmp_path):
    plan = plan_of(pitfalls=("generalization",), edits=(1,), cases=1)
    [path] = measure(plan, material, tmp_path, workers=1)
    text = path.read_text("utf-8") + '{"kind": "case", "the other run is'
    path.write_text(text, "utf-8")
    with only_writer(path), pytest.raises(UserError, match="another run is writing"):
        measure(plan, material, tmp_path, workers=1)
    assert path.read_text("utf-8") == text
    measure(plan, material, tmp_path, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


def test_patches_of_another_method_stay(tmp_path):
    rome, memit = Results(tmp_path, HEAD), Results(tmp_path, {**HEAD, "method": "memit"})
    rome.add(step(1), b"one", last=False)
    memit.add(step(1), b"two", last=False)
    rome.add(step(2), None, last=True)
    assert (rome.patch("0/sequence/all", 1), memit.patch("0/sequence/all", 1)) == (None, b"two")
