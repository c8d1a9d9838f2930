"""Our own curves as HTML, in the look of the survey's charts: score by number of sequential edits, with whiskers.

Hues, dashes and markers are those of `charts`, so that a method looks the same beside the survey's chart. What was not
measured is no point and no line; a collapsed model, which has no number, is a cross at the edge of the chart. A line that
ends early bears its name at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

from survey.collection import Taxonomy
from survey.files.measured import Cell, Summary
from survey.site.charts import (
    BOTTOM,
    HEIGHT,
    LABEL_GAP,
    LEFT,
    MARKS,
    RIGHT,
    TOP,
    WIDTH,
    _lower,
    _marker,
    _scale,
    spread,
    survey_figures,
)

PERPLEXITY = "perplexity"
# Above this a perplexity says no more than that nothing is left.
MOST = 1e6


class Curve(NamedTuple):
    """What was measured of one method, by number of edits; `mark` is its place in the survey's chart."""

    method: str
    mark: int
    cells: tuple[Cell, ...]


def order() -> dict[str, int]:
    """The methods of the survey's charts, and which marker and dash each has there."""
    return {series.method: n for n, series in enumerate(survey_figures()[0].series)}


def curves(summary: Summary, task: str, metric: str) -> list[Curve]:
    """The measured sequences of a task, in the order of the survey's charts; other methods come last."""
    marks = order()
    found: dict[str, list[Cell]] = {}
    for cell in summary.cells:
        if (cell.kind, cell.task, cell.metric, cell.variant) == ("sequence", task, metric, ""):
            found.setdefault(cell.method, []).append(cell)
    names = sorted(found, key=lambda name: (marks.get(name, len(marks)), name))
    return [
        Curve(name, marks.get(name, len(marks) + n), tuple(sorted(found[name], key=lambda c: c.edits)))
        for n, name in enumerate(names)
    ]


def chart(summary: Summary, task: str, metric: str, taxonomy: Taxonomy, chance: float | None = None) -> str:
    """The chart of one task with its table, or a sentence where nothing was measured yet."""
    drawn = curves(summary, task, metric)
    name = _task_name(task, taxonomy)
    if not drawn:
        return (
            f'<figure class="survey-chart survey-chart--none" id="ours-{task}"><p>Measured here: <strong>{escape(name)}'
            "</strong> has not been measured yet, or its results are not published.</p></figure>"
        )
    last = max(curve.cells[-1].edits for curve in drawn)
    missing = [taxonomy.methods[m].name for m in order() if m not in {c.method for c in drawn}]
    return (
        f'<figure class="survey-chart" id="ours-{task}">\n{_svg(drawn, task, metric, taxonomy, chance)}\n'
        f"<figcaption><strong>{escape(name)}, measured here</strong>: {escape(_lower(taxonomy.metrics[metric].name))} of "
        f"{escape(_model(summary))} after a number of edits made one after another. {_read_as(drawn, metric, taxonomy, chance)}"
        + "".join(f" {escape(_name(c.method, taxonomy))} was measured up to {c.cells[-1].edits} edits only." for c in drawn if c.cells[-1].edits < last)
        + (f" Not measured: {escape(', '.join(missing))}." if missing else "")
        + f"</figcaption>\n{_table(drawn, task, metric, taxonomy)}\n</figure>"
    )


def _task_name(task: str, taxonomy: Taxonomy) -> str:
    return taxonomy.tasks[task].name if task in taxonomy.tasks else task.replace("-", " ").capitalize()


def _model(summary: Summary) -> str:
    return str(next((run.head.get("model") for run in summary.runs), "") or "the model")


def _name(method: str, taxonomy: Taxonomy) -> str:
    return taxonomy.methods[method].name if method in taxonomy.methods else method


def _read_as(drawn: Sequence[Curve], metric: str, taxonomy: Taxonomy, chance: float | None) -> str:
    seeds = max(cell.seeds for curve in drawn for cell in curve.cells)
    fewer = [f"{escape(_name(curve.method, taxonomy))} {told}" for curve in drawn if (told := _fewer(curve, seeds))]
    told = f"Whiskers are 95 % intervals over {seeds} {'sequence' if seeds == 1 else 'sequences'}{''.join(f'; of {one}' for one in fewer)}. The dotted line is the unedited model"
    told += f", the dashed one guessing ({chance:.3g})." if chance else "."
    if metric == PERPLEXITY:
        told += f" The axis is logarithmic and ends at {MOST:,.0f} at most; a cross at its top is a model that has collapsed or lies above it."
    return told


def _fewer(curve: Curve, seeds: int) -> str:
    """Over how many sequences a method was asked where others were asked over `seeds`: `over 2 at 30 and 40 edits`; "" where
    it has as many everywhere."""
    stops: dict[int, list[int]] = {}
    for cell in curve.cells:
        stops.setdefault(cell.seeds, []).append(cell.edits)
    if list(stops) == [seeds]:
        return ""
    if len(stops) == 1:
        return f"over {curve.cells[0].seeds}"
    return ", ".join(f"over {n} at {listed(edits)} edits" for n, edits in sorted(stops.items()) if n < seeds)


def listed(words: Iterable[object]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *others, last = [str(word) for word in words]
    return f"{', '.join(others)} and {last}" if others else last


class _Axis(NamedTuple):
    """Where values stand, and which of them are marked."""

    y: Callable[[float | None], float]
    marks: tuple[tuple[float, str], ...]
    top: float


def _axis(cells: Iterable[Cell], metric: str) -> _Axis:
    values = [v for cell in cells for v in (cell.value, cell.low, cell.high, cell.unedited) if v is not None]
    if metric == PERPLEXITY:
        low = floor(log10(max(1.0, min(values, default=1.0))))
        high = max(low + 1, ceil(log10(min(MOST, max(values, default=10.0)))))
        span = BOTTOM - TOP

        def logarithmic(value: float | None) -> float:
            if value is None or value > 10**high:
                return TOP
            return BOTTOM - span * (log10(max(value, 10**low)) - low) / (high - low)

        # Numbers of more digits do not fit beside the axis.
        return _Axis(logarithmic, tuple((logarithmic(10**n), f"{10**n:,}" if n < 5 else f"10{'⁰¹²³⁴⁵⁶⁷⁸⁹'[n]}") for n in range(low, high + 1)), 10**high)
    top, step = _scale(max([*values, 1e-6]))

    def linear(value: float | None) -> float:
        return BOTTOM if value is None else BOTTOM - (BOTTOM - TOP) * value / top

    return _Axis(linear, tuple((linear(n * step), f"{n * step:.4g}") for n in range(round(top / step) + 1)), top)


def _svg(drawn: Sequence[Curve], task: str, metric: str, taxonomy: Taxonomy, chance: float | None) -> str:
    cells = [cell for curve in drawn for cell in curve.cells]
    axis = _axis(cells, metric)
    stops = sorted({cell.edits for cell in cells} | {0})
    last = stops[-1] or 1

    def x(edits: int) -> float:
        return LEFT + (RIGHT - LEFT) * edits / last

    unedited = next((cell.unedited for cell in cells if cell.unedited is not None), None)
    labels = _labels(drawn, axis, last)
    name = f"ours-{task}"
    title = f"{_task_name(task, taxonomy)}, measured here: {_lower(taxonomy.metrics[metric].name)} by number of sequential edits"
    lines = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-title {name}-desc" font-family="inherit" '
        'font-size="15" fill="currentColor" style="width:100%;max-width:40rem;height:auto">',
        f'<title id="{name}-title">{escape(title)}</title>',
        f'<desc id="{name}-desc">{escape(_described(drawn, taxonomy))}</desc>',
        f'<text x="4" y="16" font-weight="600">{escape(taxonomy.metrics[metric].name)}</text>',
    ]
    for at, text in axis.marks:
        lines.append(
            f'<path d="M{LEFT} {at:.1f}H{RIGHT}" stroke="currentColor" opacity=".18"/>'
            f'<text x="{LEFT - 8}" y="{at + 5:.1f}" text-anchor="end" font-size="{15 if len(text) < 6 else 11}">{text}</text>'
        )
    lines += [f'<text x="{x(n):.1f}" y="{BOTTOM + 22}" text-anchor="middle">{n}</text>' for n in stops]
    lines.append(f'<text x="{(LEFT + RIGHT) / 2:.0f}" y="{BOTTOM + 42}" text-anchor="middle">sequential edits</text>')
    for level, dash, said in ((unedited, "1 4", "unedited model"), (chance or None, "7 4", "guessing")):
        if level is not None:
            lines.append(
                f'<path class="survey-chart__level" d="M{LEFT} {axis.y(level):.1f}H{RIGHT}" stroke="currentColor" stroke-dasharray="{dash}" '
                f'stroke-width="1.4" opacity=".75"><title>{said}: {figure(level)}</title></path>'
            )
    lines += [_line(curve, taxonomy, x, axis, labels[curve.method], curve.cells[-1].edits == last) for curve in drawn]
    return "\n".join([*lines, "</svg>"])


def _labels(drawn: Sequence[Curve], axis: _Axis, last: int) -> dict[str, float]:
    """How high the name of each method stands: in the margin, or a little above the end of a line that ends early."""
    heights: dict[str, float] = {}
    for stop in {curve.cells[-1].edits for curve in drawn}:
        there = [curve for curve in drawn if curve.cells[-1].edits == stop]
        above = 0 if stop == last else 14
        ends = spread([axis.y(curve.cells[-1].value) - above for curve in there], LABEL_GAP, TOP, BOTTOM)
        heights |= {curve.method: end for curve, end in zip(there, ends, strict=True)}
    return heights


def _line(curve: Curve, taxonomy: Taxonomy, x: Callable[[int], float], axis: _Axis, label: float, whole: bool) -> str:
    """A line with markers, whiskers and the name of its method, which stands in the margin only where the line goes there."""
    method = taxonomy.methods.get(curve.method)
    hue = f"var(--survey-family-{method.family},currentColor)" if method else "currentColor"
    name = method.name if method else curve.method
    shape, dash = MARKS[curve.mark % len(MARKS)]
    points = [(x(cell.edits), axis.y(cell.value)) for cell in curve.cells]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    parts = [f'<path d="M{"L".join(f"{a:.1f} {b:.1f}" for a, b in points)}" fill="none" stroke="{hue}" stroke-width="2.4"{dashed}/>']
    for (a, b), cell in zip(points, curve.cells, strict=True):
        if cell.low is not None and cell.high is not None and cell.high > cell.low:
            # Methods stand beside each other where their whiskers would lie on one another.
            at = a + (curve.mark - 2.5) * 1.6
            parts.append(f'<path class="survey-chart__whisker" d="M{at:.1f} {axis.y(cell.low):.1f}V{axis.y(cell.high):.1f}" stroke="{hue}" stroke-width="1.2"/>')
        said = f"{name}, {cell.edits} edits: {told(cell)}"
        lost = cell.value is None or (axis.marks[-1][0] == b and cell.value > axis.top)
        outline = f"M{a - 5:.1f} {b - 5:.1f}l10 10m0-10l-10 10" if lost else _marker(shape, a, b)
        parts.append(f'<path d="{outline}" fill="{hue}" stroke="{hue}" stroke-width="1.8"><title>{escape(said)}</title></path>')
    end = points[-1]
    if whole:
        parts.append(
            f'<path d="M{end[0] + 7:.1f} {end[1]:.1f}L{RIGHT + 18} {label:.1f}" stroke="{hue}" fill="none"/>'
            f'<path d="{_marker(shape, RIGHT + 25, label)}" fill="{hue}"/>'
            f'<text class="survey-chart__label" x="{RIGHT + 34}" y="{label + 5:.1f}">{escape(name)}</text>'
        )
    else:
        # The outline in the colour of the page keeps the name apart from lines that pass behind it.
        parts.append(
            f'<text class="survey-chart__label" x="{end[0] + 9:.1f}" y="{label + 5:.1f}" paint-order="stroke" stroke-width="4" '
            f'stroke-linejoin="round" stroke="var(--md-default-bg-color,#fff)">{escape(name)}</text>'
        )
    return f'<g data-method="{escape(curve.method)}">{"".join(parts)}</g>'


def figure(value: float | None) -> str:
    """A number in the digits that tell something: 0.123, 1.00, 12.3, 1,234; `collapsed` where there is none."""
    if value is None:
        return "collapsed"
    size = abs(value)
    if size >= 1e6:
        return f"{value:.1e}"
    return f"{value:,.0f}" if size >= 999.5 else f"{value:#.3g}".rstrip(".") if size >= 1 else f"{value:.3f}"


def told(cell: Cell) -> str:
    """A number with its interval, and how many have none."""
    if cell.value is None:
        return f"collapsed ({cell.collapsed or cell.of} of {cell.of} without a number)"
    between = f" ({figure(cell.low)} to {figure(cell.high)})" if cell.low is not None and cell.high is not None else ""
    return figure(cell.value) + between + (f", {lost(cell)}" if lost(cell) else "")


def lost(cell: Cell) -> str:
    """How many have collapsed where others have not, `3 of 60 collapsed`; "" where all or none have."""
    return f"{cell.collapsed} of {cell.of} collapsed" if cell.value is not None and cell.collapsed else ""


def _described(drawn: Sequence[Curve], taxonomy: Taxonomy) -> str:
    def name(id: str) -> str:
        return taxonomy.methods[id].name if id in taxonomy.methods else id

    return " ".join(
        f"{name(c.method)} goes from {figure(c.cells[0].value)} at {c.cells[0].edits} edits to {figure(c.cells[-1].value)} at {c.cells[-1].edits}."
        for c in drawn
    )


def _table(drawn: Sequence[Curve], task: str, metric: str, taxonomy: Taxonomy) -> str:
    """The values as a table that opens."""
    stops = sorted({cell.edits for curve in drawn for cell in curve.cells})
    head = "".join(f'<th scope="col">{n}</th>' for n in stops)
    rows = []
    for curve in drawn:
        by: Mapping[int, Cell] = {cell.edits: cell for cell in curve.cells}
        method = taxonomy.methods.get(curve.method)
        cells = "".join(f"<td>{_value(by[n]) if n in by else '<span class=number>not measured</span>'}</td>" for n in stops)
        rows.append(f'<tr><th scope="row">{escape(method.name if method else curve.method)}</th>{cells}</tr>')
    name = escape(_task_name(task, taxonomy))
    return (
        "<details><summary>Values</summary>\n"
        f'<div class="survey-scroll" role="region" tabindex="0" aria-label="{name}, measured here: values"><table>'
        f"<caption>{escape(taxonomy.metrics[metric].name)} by number of edits, with 95 % intervals</caption>\n"
        f'<thead><tr><th scope="col">Method</th>{head}</tr></thead>\n<tbody>\n' + "\n".join(rows) + "\n</tbody></table></div>\n</details>"
    )


def _value(cell: Cell) -> str:
    between = f' <span class="number">{figure(cell.low)}–{figure(cell.high)}</span>' if cell.low is not None and cell.high is not None else ""
    return figure(cell.value) + between + (f' <span class="number">{lost(cell)}</span>' if lost(cell) else "")
