"""Markdown for GitHub out of texts by strangers: everything is shown, and nothing comes alive.

Entities keep a sign from meaning anything to Markdown and HTML. GitHub looks for mentions, numbers
of issues, addresses and emoji afterwards, in the finished text; there a space of no width keeps
the two halves apart. Code needs neither, but a fence that its content cannot close.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

LIMIT = 65_536
"""Characters that GitHub takes in the body of an issue, a pull request or a comment."""

APART = "\u200b"
# Signs that mean something wherever they stand, and those that do at an edge of a word or of a line.
_SIGNS = re.compile(r"[#$&*+<=>@\[\\\]^_`{|}~]|:(?!\s|$)|(?<!\w)-|-(?!\w)|(?<=\d)[.)](?!\w)")
# Where a letter that follows would make a mention, an issue, an address, an emoji of it.
_JOINS = re.compile(r"[@#:](?=\S)|(?i:\bGH-(?=\d)|\bwww(?=\.))")
_HASH = re.compile(r"\b[0-9a-f]{7,}\b")
_SPACES = re.compile(r"\s+")


def one_line(text: object, limit: int = 300) -> str:
    """The text on one line, without characters that cannot be seen, cut where it is longer.

    >>> one_line("a\\n\\tb\\u202e")
    'a b'
    """
    text = _SPACES.sub(" ", str(text))
    text = "".join(c for c in text if unicodedata.category(c)[0] != "C" and unicodedata.category(c) not in ("Zl", "Zp")).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def plain(text: object, limit: int = 300) -> str:
    """The text as it stands, on one line, with no meaning for Markdown, HTML or GitHub.

    >>> plain("*Facts* by @me")
    '&#42;Facts&#42; by &#64;\\u200bme'
    """
    text = _apart(one_line(text, limit))
    return _SIGNS.sub(lambda m: f"&#{ord(m[0])};", text)


def title(text: object, limit: int = 200) -> str:
    """The text as part of a title or a commit message, where entities stay what they are.

    Neither mentions nor numbers, nor commands such as `[skip ci]`, are left in it.
    """
    return re.sub(r"[\[`]", lambda m: m[0] + APART, _apart(one_line(text, limit)))


def _apart(text: str) -> str:
    """The text with nothing in it that GitHub would link: names of commits, too."""
    text = _HASH.sub(lambda m: APART.join(re.findall(".{1,4}", m[0])), text)
    return _JOINS.sub(lambda m: m[0] + APART, text)


def code(text: object, limit: int = 300) -> str:
    """The text as a piece of code in a line."""
    text = one_line(text, limit)
    if not text:
        return ""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    # One space on each side is taken off again, and keeps a tick at the edge apart.
    return f"{ticks} {text} {ticks}" if "`" in text else f"{ticks}{text}{ticks}"


def fence(text: str, language: str = "") -> str:
    """The text as a block of code, which no run of ticks in it can end."""
    text = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text).replace("\x00", "")
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def link(text: object, address: str) -> str:
    """A link to an address that is ours or made of a checked id, never one that an entry chose."""
    return f"[{plain(text)}](<{quote(address, safe=SAFE)}>)"


SAFE = "/:?#=;,.~_%+-"
"""Signs that an address keeps: none that Markdown or HTML could read."""


def capped(parts: list[str], more: str, limit: int = LIMIT - 1500) -> str:
    """As many of the parts as fit, with empty lines between them; `more` tells of the rest.

    `more` holds `{}` for the number of parts that were left out.
    """
    shown, size = [], 0
    for number, part in enumerate(parts):
        size += len(part) + 2
        if size > limit:
            shown.append(more.format(len(parts) - number))
            break
        shown.append(part)
    return "\n\n".join(shown)
