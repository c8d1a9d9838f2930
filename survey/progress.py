"""Progress of long work: one line on stderr, where that is a terminal; elsewhere nothing, or now and then a line.

    with Progress(93_000_000, "Fetching the model") as progress:
        for block in blocks:
            progress.advance(len(block))
"""

from __future__ import annotations

import shutil
import sys
import time

_BETWEEN = 0.1  # Seconds between two drawings.


class Progress:
    """A line with bar, amount, speed and time left; without a total: the time that has passed.

    total: how much there is to do, or None where nobody knows.
    unit: "B" for bytes, else the name of what is counted ("step").
    every: seconds between the lines where there is no terminal; None tells nothing there.
    """

    def __init__(self, total: float | None, label: str, unit: str = "B", *, every: float | None = None, stream=None) -> None:
        self.total, self.label, self.unit, self._every = total, label, unit, every
        self.done = 0
        self._moved = 0  # Without what was there before, which says nothing about the speed.
        self._stream = sys.stderr if stream is None else stream
        # A notebook or a closed stderr has no terminal; asking a closed stream is an error.
        self._open = bool(self._stream) and not self._stream.closed
        self._shown = self._open and self._stream.isatty()
        self._drawn = 0.0
        self._start = time.monotonic()
        self._first: float | None = None

    def __enter__(self) -> Progress:
        self._start = self._told = time.monotonic()
        self._draw()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self._draw(last=True)
        if self._shown:
            print(file=self._stream, flush=True)

    def advance(self, amount: float = 1, *, fresh: bool = True) -> None:
        """So much more is done (0 only draws again). Not `fresh`: it was done in an earlier run, or
        is taken back, and says nothing about the speed."""
        self.done += amount
        if fresh and amount > 0:
            if self._first is None:
                self._first = time.monotonic()  # What came before was waiting, or one step's time.
            else:
                self._moved += amount
        if time.monotonic() - self._drawn >= _BETWEEN:
            self._draw()

    def line(self, columns: int, *, last: bool = False) -> str:
        """What stands in the terminal now, in at most so many columns; 0: without a bar, however long it is."""
        seconds = time.monotonic() - self._start
        if self.total is None:
            parts = [self.label] + ([amount(self.done, self.unit)] if self.done else [])
            return "  ".join([*parts, duration(seconds)])[: columns or None]
        share = min(1.0, self.done / self.total) if self.total else 1.0
        of = f"{amount(self.done, self.unit)} of {amount(self.total, self.unit)}"
        parts = [self.label, f"{share:4.0%}", of]
        working = time.monotonic() - (self._first or 0)
        if self._moved > 0 and working > 0.5:
            speed = self._moved / working
            parts.append(f"{amount(speed, self.unit)}/s")
            parts.append(duration(seconds) if last else f"{duration((self.total - self.done) / speed)} left")
        text = "  ".join(parts)
        room = min(30, columns - len(text) - 2)
        if room >= 8:
            full = round(share * room)
            parts.insert(1, "█" * full + "░" * (room - full))
            text = "  ".join(parts)
        return text[: columns or None]

    def _draw(self, *, last: bool = False) -> None:
        if not self._shown:
            if self._every is not None and self._open and time.monotonic() - self._told >= self._every:
                self._told = time.monotonic()
                print(self.line(0), file=self._stream, flush=True)
            return
        self._drawn = time.monotonic()
        # One column stays free: some terminals wrap at the last one.
        text = self.line(shutil.get_terminal_size().columns - 1, last=last)
        try:
            self._stream.write(f"\r\033[K{text}")
        except UnicodeEncodeError:  # A terminal without these blocks.
            self._stream.write("\r\033[K" + text.translate({0x2588: "#", 0x2591: "."}))
        self._stream.flush()


def amount(number: float, unit: str = "B") -> str:
    """`93.1 MB`, `1.08 GB`, `12 steps`."""
    if unit != "B":
        rounded = f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"
        return f"{rounded} {unit}" + ("" if rounded == "1" else "s")
    for name in ("B", "kB", "MB", "GB"):
        if abs(number) < 999.5 or name == "GB":
            break
        number /= 1000
    return f"{number:.0f} {name}" if name == "B" else f"{number:.3g} {name}"


def duration(seconds: float) -> str:
    """`8 s`, `2 min 5 s`, `1 h 10 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
