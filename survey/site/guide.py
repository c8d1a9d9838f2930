"""What the tagging guide says of each tag, for the places where tags are chosen."""

from __future__ import annotations

import re
from html import escape

_ROW = re.compile(r"^\| `([a-z.-]+)` \| (.*) \|$", re.M)


def meanings(guide: str, heading: str) -> dict[str, str]:
    """The words of the table below a heading of docs/contributing/tagging.md, by tag.

    Raises `KeyError` where there is no such heading, or no table below it.
    """
    _, found, rest = guide.partition(f"\n## {heading}\n")
    rows = {tag: words.strip() for tag, words in _ROW.findall(re.split(r"\n## ", rest)[0])}
    if not found or not rows:
        raise KeyError(heading)
    return rows


def as_html(words: str) -> str:
    """A cell of the guide, which is Markdown, as HTML: code and emphasis are all it holds."""
    html = re.sub("`([^`]+)`", r"<code>\1</code>", escape(words, quote=False))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", html)


def as_text(words: str) -> str:
    """The same as plain text."""
    return words.replace("`", "").replace("*", "")
