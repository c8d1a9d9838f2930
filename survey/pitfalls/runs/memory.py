"""Memory: the most that this process held, as the operating system counts it, and whether an error says that there is none left."""

from __future__ import annotations

from pathlib import Path

_SELF = Path("/proc/self")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error is about memory of the machine, which is no result of a method. torch has none of its own for it."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error).lower() for words in ("out of memory", "can't allocate memory"))
    )


class Peak:
    """Counts from when it is made. Only Linux can begin to count anew; elsewhere there is no number."""

    def __init__(self) -> None:
        try:
            (_SELF / "clear_refs").write_text("5")
            self._counts = True
        except OSError:
            self._counts = False

    def bytes(self) -> int | None:
        """The largest resident size since then."""
        if not self._counts:
            return None
        for line in (_SELF / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return None
