"""A causal trace as an SVG file: a panel for each part, tokens by layers.

It stands alone: its colours follow the reader's colour scheme, and are the light ones in print. How strong an
effect is, is said by shade, by the number under the panel, and by each cell's title.
"""

from __future__ import annotations

from html import escape

from survey.cli.edit_text import plain, plain_token
from survey.cli.output import shortened, shown_width
from survey.cli.trace_text import NAMES, largest, signed

CELL, ROW, GAP = 8, 20, 34
LABEL_SIZE = 7.2  # Width of a letter of a label, about.
TOP, BELOW = 84, 66
# By part: in light and in dark; the site's hues.
HUES = {"block": ("#0063a0", "#6fb9ee"), "mlp": ("#00714f", "#4fc99f"), "attention": ("#b34700", "#f59a5c")}


def svg(trace) -> str:
    """The drawing as text."""
    parts = list(trace.restored)
    layers = trace.restored[parts[0]].shape[2]
    labels = [shortened(plain_token(text).strip() or plain_token(text), 24) for text in trace.tokens]
    left = 30 + LABEL_SIZE * max(map(shown_width, labels))
    panel = max(CELL * layers, 190 if len(parts) > 1 else 480)
    cell = panel / layers
    height = TOP + ROW * len(labels) + BELOW
    width = left + len(parts) * panel + (len(parts) - 1) * GAP + 16
    heading = f"{plain(trace.prompt)} → {plain(trace.target)}"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" '
        'role="img" aria-labelledby="trace-title trace-desc" font-family="system-ui, sans-serif" font-size="13">',
        f'<title id="trace-title">Causal trace: {escape(heading)}</title>',
        f'<desc id="trace-desc">{escape(_described(trace, parts))}</desc>',
        _style(parts),
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text x="16" y="24" font-size="15" font-weight="600">{escape(shortened(heading, int(width / 8.2)))}</text>',
        f'<text class="quiet" x="16" y="43">{escape(shortened(_numbers(trace), int(width / 6.6)))}</text>',
    ]
    for n, label in enumerate(labels):
        y = TOP + ROW * n + 14
        marked = n in trace.subject_tokens
        weight = ' font-weight="600"' if marked else ""
        out.append(f'<text x="{left - 8:.1f}" y="{y}" text-anchor="end"{weight}>{escape(label)}{"*" if marked else ""}</text>')
    for n, part in enumerate(parts):
        out += _panel(trace, part, left + n * (panel + GAP), panel, cell)
    out.append("</svg>\n")
    return "\n".join(out)


def _style(parts: list[str]) -> str:
    def colours(which: int, ink: str, quiet: str, paper: str) -> str:
        hues = "".join(f".{part}{{fill:{HUES[part][which]}}}" for part in parts)
        return f"text{{fill:{ink}}}.quiet{{fill:{quiet}}}.paper{{fill:{paper}}}.frame{{fill:none;stroke:{ink}}}{hues}"

    light = colours(0, "#14181c", "#555b61", "#fff")
    dark = colours(1, "#e6e8ea", "#b4bac1", "#15181c")
    return f"<style>{light}@media screen and (prefers-color-scheme:dark){{{dark}}}</style>"


def _numbers(trace) -> str:
    corrupted = trace.corrupted.mean().item()
    return (
        f"{plain(trace.model)}: p {signed(trace.clean)}, with noise on the subject (*) {signed(corrupted)}; "
        f"total effect {signed(trace.total_effect)}"
    )


def _described(trace, parts: list[str]) -> str:
    said = " ".join(f"{_title(trace, part)}: {largest(trace, part)}." for part in parts)
    return f"Indirect effects by token (rows) and layer (columns). {_numbers(trace)}. {said}"


def _title(trace, part: str) -> str:
    return NAMES[part] + ("" if part == "block" or trace.window == 1 else f", {trace.window} layers")


def _panel(trace, part: str, x: float, panel: float, cell: float) -> list[str]:
    effect = trace.effect(part).tolist()
    most, token, layer = trace.largest(part)
    bottom = TOP + ROW * len(effect)
    out = [f'<g><text x="{x:.1f}" y="{TOP - 12}" font-weight="600">{escape(_title(trace, part))}</text>']
    for n, row in enumerate(effect):
        word = escape(plain_token(trace.tokens[n]).strip())
        for at, value in enumerate(row):
            shade = max(0.0, value / most) if most > 0 else 0.0
            out.append(
                f'<rect class="{part}" x="{x + at * cell:.1f}" y="{TOP + ROW * n + 1}" width="{cell + 0.1:.1f}" '
                f'height="{ROW - 2}" fill-opacity="{shade:.2f}"><title>{word}, layer {at}: {signed(value)}</title></rect>'
            )
    out.append(
        f'<rect class="frame" x="{x - 0.5:.1f}" y="{TOP}" width="{panel + 1:.1f}" height="{bottom - TOP}" stroke-opacity=".45"/>'
    )
    if most > 0:
        out.append(
            f'<rect class="frame" x="{x + layer * cell - 1:.1f}" y="{TOP + ROW * token}" width="{cell + 2:.1f}" '
            f'height="{ROW}" stroke-width="1.6"/>'
        )
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100) if len(effect[0]) / s <= 8)
    for at in range(0, len(effect[0]), step):
        out.append(f'<text x="{x + (at + 0.5) * cell:.1f}" y="{bottom + 16}" text-anchor="middle">{at}</text>')
    # The scale: from nothing to the largest effect, which is framed above.
    end = x + panel
    out.append(f'<text class="quiet" x="{x:.1f}" y="{bottom + 36}">layer</text>')
    out.append(f'<text class="quiet" x="{x:.1f}" y="{bottom + 54}">effect: 0</text>')
    bar, start = 60, x + 62
    for n in range(10):
        out.append(
            f'<rect class="{part}" x="{start + n * bar / 10:.1f}" y="{bottom + 44}" width="{bar / 10 + 0.1:.1f}" height="11" '
            f'fill-opacity="{(n + 1) / 10:.1f}"/>'
        )
    word = f"{signed(most)}, layer {layer}"
    out.append(f'<text class="quiet" x="{min(start + bar + 6, end):.1f}" y="{bottom + 54}">{word}</text></g>')
    return out
