"""Regular expressions of Python and of pydantic's Rust, written for JavaScript.

All three call different characters white space, digits or letters, so the classes are spelled out.
Only what our patterns use is translated; anything else is refused, so that no pattern changes its
meaning on the way.
"""

from __future__ import annotations

import re
from typing import Literal

_PYTHON_SPACE = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_RUST_SPACE = r"\t-\r\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORD = r"\p{L}\p{N}_"
_BOUNDARY = f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
# Letters, and letters and digits: the classes of ours that take characters out of another.
_IDIOMS = {r"[^\W\d_]": r"[\p{L}\p{Nl}\p{No}]", r"[^\W_]": r"[\p{L}\p{N}]"}
_SYNTAX = set("^$\\.*+?()[]{}|/")
_LITERAL = set("tnrfv")


def js_pattern(pattern: str, dialect: Literal["python", "rust"] = "python") -> str:
    """Return the source of the same pattern for `new RegExp(source, "u")`.

    Raises `ValueError` for what has no translation here.
    """
    space = _PYTHON_SPACE if dialect == "python" else _RUST_SPACE
    classes = {"s": space, "d": r"\p{Nd}", "w": _WORD}
    out, i, inside = [], 0, False
    while i < len(pattern):
        idiom = next((text for text in _IDIOMS if not inside and pattern.startswith(text, i)), None)
        if idiom:
            out.append(_IDIOMS[idiom])
            i += len(idiom)
            continue
        char = pattern[i]
        if char == "\\":
            piece, taken = _escape(pattern[i + 1 :], classes, inside)
            out.append(piece)
            i += 1 + taken
            continue
        if not " " <= char <= "~":
            char = f"\\u{{{ord(char):x}}}"
        elif inside:
            inside = char != "]"
        elif char == "[":
            inside = True
        elif char == ".":
            char = r"[^\n]"
        elif char == "$" and dialect == "python":
            char = r"(?=\n?$)"
        elif pattern.startswith("(?", i) and not re.match(r"\(\?(:|=|!|<=|<!)", pattern[i:]):
            raise ValueError(f"{pattern!r} has a group that JavaScript does not know")
        out.append(char)
        i += 1
    return "".join(out)


def _escape(rest: str, classes: dict[str, str], inside: bool) -> tuple[str, int]:
    """What stands for a backslash and the text after it, and how much of that text it takes."""
    char = rest[0]
    if char in "ux":
        length = 5 if char == "u" else 3
        return f"\\{rest[:length]}", length
    if char in classes:
        return (classes[char] if inside else f"[{classes[char]}]"), 1
    if char.lower() in classes and not inside:
        return f"[^{classes[char.lower()]}]", 1
    if char == "b" and not inside:
        return _BOUNDARY, 1
    if char == "Z" and not inside:
        return "$", 1
    if char in _SYNTAX or char in _LITERAL or (char == "-" and inside):
        return f"\\{char}", 1
    if char.isalnum():
        raise ValueError(f"\\{char} has no translation")
    return char, 1
