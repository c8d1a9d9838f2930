"""The most memory that a process held, and errors that say that there is none."""

from __future__ import annotations

import mmap
import sys

import pytest

from survey.pitfalls.runs.memory import Peak, out_of_memory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can begin to count anew")
def test_a_peak_is_what_was_held_since_it_began_to_count():
    size = 200_000_000
    before = Peak().bytes()
    peak = Peak()
    # New pages from the system: the allocator may have freed ones of earlier tests at hand, which are resident already.
    with mmap.mmap(-1, size) as held:
        for page in range(0, size, mmap.PAGESIZE):
            held[page] = 1
    assert before + 0.9 * size < peak.bytes() < before + 1.5 * size
    # What was held and let go before does not count.
    assert Peak().bytes() < before + 0.5 * size


def test_a_system_that_does_not_count_has_no_number(monkeypatch, tmp_path):
    from survey.pitfalls.runs import memory

    monkeypatch.setattr(memory, "_SELF", tmp_path / "nowhere")
    assert Peak().bytes() is None


@pytest.mark.parametrize(
    "error, out",
    [
        (MemoryError(), True), (RuntimeError("CUDA out of memory. Tried to allocate"), True), (RuntimeError("shapes do not match"), False),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True), (ValueError("out of memory"), False),
    ],
)  # fmt: skip
def test_errors_of_memory_are_told_from_others(error, out):
    assert out_of_memory(error) is out
