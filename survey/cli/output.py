"""How the command line speaks: colours, tables, and errors without a traceback."""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}


def styled(text: str, *styles: str, stream=None) -> str:
    """`text` in colour where the stream is a terminal that wants colours (NO_COLOR is heeded)."""
    stream = stream or sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\033[{';'.join(_COLOURS[s] for s in styles)}m{text}\033[0m"


# Control, format (which turn the direction of writing, or are invisible), surrogates, line ends.
_STEERING = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])


def printable(text: str) -> str:
    """`text` on one line, with every character shown that would steer a terminal or turn the
    direction of writing: what comes from an entry may never do either."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _STEERING else c for c in text
    )


def printable_lines(text: str) -> str:
    """The same for text of several lines, whose ends stay."""
    return "\n".join(printable(line.removesuffix("\r")) for line in text.split("\n"))


def as_json(value: object) -> str:
    """`value` as JSON for people and programs, what would steer a terminal escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    return "".join(json.dumps(c)[1:-1] if c != "\n" and unicodedata.category(c) in _STEERING else c for c in text)


def width() -> int:
    """Columns to fill: the terminal's, or plenty where there is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 160


def shown_width(text: str) -> int:
    """Columns that `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def shortened(text: str, columns: int) -> str:
    """`text` cut to so many columns, with an ellipsis where something was cut."""
    if shown_width(text) <= columns:
        return text
    while text and shown_width(text) > columns - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def padded(text: str, columns: int) -> str:
    return text + " " * max(0, columns - shown_width(text))


def plural(number: int, word: str) -> str:
    """`1 paper`, `2 papers`, `3 entries`."""
    if number == 1:
        return f"1 {word}"
    return f"{number:,} {word[:-1]}ies" if word.endswith("y") else f"{number:,} {word}s"


def told(error: Exception) -> str | None:
    """The message for an error that the user can do something about, fit for a terminal, else None."""
    from survey.collection import QueryError
    from survey.errors import UserError
    from survey.files import CollectionError

    if isinstance(error, (QueryError, CollectionError, UserError)):
        return printable_lines(str(error))
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return printable_lines(f"{place}{error.strerror or error}")
    return None
