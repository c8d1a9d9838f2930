"""The line that shows how far something is."""

from __future__ import annotations

import io

import pytest

from survey import progress
from survey.progress import Progress, amount, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """`clock.now` is the time; `clock.now += 1` lets a second pass."""

    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_nothing_without_a_terminal():
    out = io.StringIO()
    with Progress(10, "Work", stream=out) as bar:
        bar.advance(10)
    assert out.getvalue() == ""


def test_long_work_tells_a_line_now_and_then_where_there_is_no_terminal(clock):
    out = io.StringIO()
    with Progress(10, "Work", "step", every=60, stream=out) as bar:
        for _ in range(5):
            clock.now += 20
            bar.advance(1)
    assert out.getvalue() == "Work   30%  3 steps of 10 steps  0.1 steps/s  2 min 20 s left\n"


def test_a_closed_stream_is_no_error():
    out = Terminal()
    out.close()
    with Progress(10, "Work", stream=out) as bar:
        bar.advance(10)


def test_one_line_in_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    out = Terminal()
    with Progress(10, "Work", "step", stream=out) as bar:
        bar.advance(10)
    text = out.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    drawn = text.rstrip("\n").split("\r\033[K")[1:]
    assert "0%  0 steps of 10 steps" in drawn[0]
    assert "100%  10 steps of 10 steps" in drawn[-1]
    assert max(map(len, drawn)) < 60


def test_speed_counts_only_what_was_done_now(clock):
    bar = Progress(10_000_000, "Fetching")
    bar.advance(5_000_000, fresh=False)
    clock.now += 60  # Waiting for the first byte is not slowness.
    bar.advance(1)
    clock.now += 1
    bar.advance(1_000_000)
    line = bar.line(100)
    assert " 60%  6 MB of 10 MB  1 MB/s  4 s left" in line
    assert line.startswith("Fetching  " + "█" * 18 + "░" * 12)
    bar.advance(-6_000_001, fresh=False)
    assert "  0%  0 B of 10 MB" in bar.line(100)


def test_without_a_total_the_time_is_shown(clock):
    bar = Progress(None, "Converting")
    clock.now += 75
    bar.advance(0)
    assert bar.line(80) == "Converting  1 min 15 s"


@pytest.mark.parametrize("columns", [5, 20, 40, 80, 200])
def test_it_fits(clock, columns):
    bar = Progress(10_000_000, "A label of some length")
    bar.advance(1)
    clock.now += 2
    bar.advance(3_000_000)
    assert len(bar.line(columns)) <= columns


def test_nothing_to_do_is_done():
    assert "100%" in Progress(0, "Work").line(80)


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (0, "B", "0 B"), (999, "B", "999 B"), (1000, "B", "1 kB"), (92_871_040, "B", "92.9 MB"),
        (999_600, "B", "1 MB"), (541_619_073, "B", "542 MB"), (1_105_797_238, "B", "1.11 GB"),
        (1, "step", "1 step"), (2, "step", "2 steps"), (1.5, "step", "1.5 steps"), (12_000, "step", "12,000 steps"),
    ],
)  # fmt: skip
def test_amounts(number, unit, text):
    assert amount(number, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (4200, "1 h 10 min"), (-1, "0 s")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
