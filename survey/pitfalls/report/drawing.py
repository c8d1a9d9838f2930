"""Charts of a report as SVG within the page: widths in per cent, so that letters keep their size on any screen.

A value before the edit is a hollow bar, after it a full one; the number stands beside each.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

# Bars end at this per cent of the width, where their numbers begin.
_BARS = 74
_ROW, _BAR = 17, 10
# Characters that steer: control, format (which turn the direction of writing, or are invisible), surrogates, line ends.
_STEERING = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])


class Bar(NamedTuple):
    """One bar. share: 0 to 1, NaN for none. word: what stands behind it. kind: its class, `before`, `after` or `plain`."""

    share: float
    word: str
    kind: str


class Dot(NamedTuple):
    """A value with its interval on a scale from 0 to 1."""

    value: float
    low: float
    high: float
    word: str
    kind: str


def clean(text: object) -> str:
    """Text of a person or a model for a page: escaped, line ends as a sign, and a sign for what would steer or hide letters."""
    shown = "".join(
        "↵ " if c == "\n" else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _STEERING else c
        for c in str(text)
    )
    return escape(shown)


def short(text: str, columns: int) -> str:
    """So many columns of a text, with an ellipsis where something was cut; wide letters take two."""
    used = 0
    for at, c in enumerate(text):
        used += 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if used > columns:
            return text[: max(0, at - 1)] + "…"
    return text


def bars(rows: Sequence[tuple[str, Sequence[Bar]]], said: str) -> str:
    """Rows of a label and its bars; `said` is the chart in words, for those who do not see it."""
    out, y = [], 0
    for label, some in rows:
        if label:
            y += 16
            out.append(f'<text class="label" x="0" y="{y - 3}">{clean(short(label, 44))}</text>')
        for bar in some:
            out += _bar(bar, y)
            y += _ROW
        y += 6
    return _svg(out, y, said)


def _bar(bar: Bar, y: float) -> list[str]:
    share = 0.0 if math.isnan(bar.share) else min(1.0, max(0.0, bar.share))
    width = f"{share * _BARS:.2f}%"
    return [
        f'<rect class="ground" x="0" y="{y + 3}" width="{_BARS}%" height="{_BAR}"/>',
        f'<rect class="bar {bar.kind}" x="0" y="{y + 3}" width="{width}" height="{_BAR}"/>',
        f'<text class="value" x="100%" y="{y + 12}" text-anchor="end">{clean(bar.word)}</text>',
    ]


def dots(rows: Sequence[tuple[str, Sequence[Dot], float | None]], said: str) -> str:
    """Rows of a label, values with their intervals, and where guessing would be (None: nowhere)."""
    out, y = [], 0
    for label, some, chance in rows:
        y += 16
        out.append(f'<text class="label" x="0" y="{y - 3}">{clean(short(label, 44))}</text>')
        if chance is not None:
            x = f"{min(1.0, max(0.0, chance)) * _BARS:.2f}%"
            out.append(f'<line class="chance" x1="{x}" x2="{x}" y1="{y}" y2="{y + _ROW * len(some)}"/>')
        for dot in some:
            out += _dot(dot, y)
            y += _ROW
        y += 6
    return _svg(out, y, said)


def _dot(dot: Dot, y: float) -> list[str]:
    middle = y + 8
    found = [f'<line class="ground" x1="0" x2="{_BARS}%" y1="{middle}" y2="{middle}"/>']
    if not any(math.isnan(v) for v in (dot.value, dot.low, dot.high)):
        at = lambda v: f"{min(1.0, max(0.0, v)) * _BARS:.2f}%"  # noqa: E731
        found.append(f'<line class="range {dot.kind}" x1="{at(dot.low)}" x2="{at(dot.high)}" y1="{middle}" y2="{middle}"/>')
        found.append(f'<circle class="bar {dot.kind}" cx="{at(dot.value)}" cy="{middle}" r="5"/>')
    return [*found, f'<text class="value" x="100%" y="{y + 12}" text-anchor="end">{clean(dot.word)}</text>']


def _svg(parts: Iterable[str], height: float, said: str) -> str:
    return f'<svg role="img" aria-label="{clean(said)}" width="100%" height="{height:g}">{"".join(parts)}</svg>'
