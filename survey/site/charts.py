"""Charts as HTML: the survey's figures, the map of pitfalls by strategies, the papers by year.

Every function returns the same bytes for the same input. Hues come from the CSS variables
`--survey-family-<id>`, so that the charts follow the reader's colour scheme; a dash pattern, a
marker shape and a label say the same without colour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import NamedTuple
from urllib.parse import quote_plus

from survey.collection import Collection, Taxonomy
from survey.files import CollectionError, load_taxonomy, read_yaml
from survey.files.load import TAXONOMY, read_text

FIGURES = TAXONOMY / "survey-figures.yaml"


# The survey's figures


class Series(NamedTuple):
    """One line of a chart: a method, its values, and which of them were read by eye."""

    method: str
    values: tuple[float, ...]
    approximate: tuple[bool, ...]


class Figure(NamedTuple):
    """One chart of the survey as data."""

    task: str
    metric: str
    source: str
    note: str
    edits: tuple[int, ...]
    series: tuple[Series, ...]


@lru_cache(1)
def survey_figures() -> tuple[Figure, ...]:
    """Return the survey's four charts as they stand in the taxonomy. Raises `CollectionError`."""
    records, problems = read_yaml(read_text(FIGURES), limit=None)
    # Decimals are text to the strict reader; here, and only here, they are meant.
    if problems := [problem for problem in problems if problem.code != "Y103"]:
        raise CollectionError(f"{FIGURES}:{problems[0]}")
    return tuple(_figure(record) for record in records)


def _figure(record: dict) -> Figure:
    series = tuple(
        Series(row["method"], tuple(map(float, row["values"])), tuple(row["approximate"]))
        for row in record["series"]
    )
    return Figure(**{**record, "edits": tuple(record["edits"]), "series": series})


def survey_charts(base: str = "../../") -> dict[str, str]:
    """Return the HTML of the survey's charts by task; `base` leads from the page to the root."""
    taxonomy = load_taxonomy()
    return {figure.task: _chart(figure, taxonomy, base) for figure in survey_figures()}


def _chart(figure: Figure, taxonomy: Taxonomy, base: str) -> str:
    task, metric = taxonomy.tasks[figure.task].name, taxonomy.metrics[figure.metric].name
    return (
        f'<figure class="survey-chart" id="chart-{figure.task}">\n'
        f"{_lines(figure, taxonomy)}\n"
        f"<figcaption><strong>{escape(task)}</strong>: {escape(_lower(metric))} after a number of "
        f"edits made one after another. {escape(figure.source)}. A hollow marker is an approximate value. "
        f"{escape(figure.note)}</figcaption>\n"
        f"{_data(figure, taxonomy, base)}\n"
        "</figure>"
    )


def _lower(name: str) -> str:
    """A name as it stands within a sentence: acronyms keep their capitals."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


# Geometry of a chart, in units of its view box. On a narrow screen a unit is about 0.75 pixels.
WIDTH, HEIGHT = 480, 330
LEFT, RIGHT, TOP, BOTTOM = 52, 376, 34, 282
LABEL_GAP = 18
# By order in the figure: marker, and dash pattern of the line. Lines that coincide show both.
MARKS = (
    ("circle", ""), ("diamond", "3 7"), ("triangle", ""), ("square", "9 4"),
    ("down", "2 4"), ("hexagon", "12 4 2 4"),
)  # fmt: skip


def _lines(figure: Figure, taxonomy: Taxonomy) -> str:
    task, metric = taxonomy.tasks[figure.task].name, taxonomy.metrics[figure.metric].name
    top, step = _scale(max(v for series in figure.series for v in series.values))
    last = figure.edits[-1] or 1

    def x(edits: float) -> float:
        return LEFT + (RIGHT - LEFT) * edits / last

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * value / top

    ends = spread([y(series.values[-1]) for series in figure.series], LABEL_GAP, TOP, BOTTOM)
    drawn = [
        _series(series, figure.edits, taxonomy, n, x, y, end)
        for n, (series, end) in enumerate(zip(figure.series, ends, strict=True))
    ]
    name = f"chart-{figure.task}"
    return "\n".join([
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-title {name}-desc" '
        'font-family="inherit" font-size="15" fill="currentColor" '
        'style="width:100%;max-width:40rem;height:auto">',
        f'<title id="{name}-title">{escape(task)}: {escape(_lower(metric))} by number of '
        "sequential edits</title>",
        f'<desc id="{name}-desc">{escape(_described(figure, taxonomy))}</desc>',
        *_axes(figure, metric, top, step, x, y),
        *drawn,
        "</svg>",
    ])  # fmt: skip


def _scale(highest: float) -> tuple[float, float]:
    """Top and step of an axis from 0 that holds `highest`, with at most five steps."""
    size = 1.0
    while size > highest:
        size /= 10
    for step in (size / 5, size / 2, size, size * 2):
        if highest <= 5 * step:
            break
    steps = 1
    while steps * step < highest:
        steps += 1
    return steps * step, step


def _axes(figure: Figure, metric: str, top: float, step: float, x, y) -> Iterable[str]:
    yield f'<text x="4" y="16" font-weight="600">{escape(metric)}</text>'
    for n in range(round(top / step) + 1):
        at = y(n * step)
        yield (
            f'<path d="M{LEFT} {at:.1f}H{RIGHT}" stroke="currentColor" opacity=".18"/>'
            f'<text x="{LEFT - 8}" y="{at + 5:.1f}" text-anchor="end">{n * step:.4g}</text>'
        )
    for edits in figure.edits:
        yield f'<text x="{x(edits):.1f}" y="{BOTTOM + 22}" text-anchor="middle">{edits}</text>'
    yield (
        f'<text x="{(LEFT + RIGHT) / 2:.0f}" y="{BOTTOM + 42}" text-anchor="middle">'
        "sequential edits</text>"
    )


def _series(series: Series, edits, taxonomy: Taxonomy, n: int, x, y, label: float) -> str:
    """A line with its markers and the name of its method, the name at height `label`."""
    method = taxonomy.methods[series.method]
    hue = f"var(--survey-family-{method.family},currentColor)"
    shape, dash = MARKS[n % len(MARKS)]
    points = [(x(e), y(v)) for e, v in zip(edits, series.values, strict=True)]
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    parts = [f'<path d="{path}" fill="none" stroke="{hue}" stroke-width="2.4"{dashed}/>']
    rows = zip(points, edits, series.values, series.approximate, strict=True)
    for (a, b), count, value, rough in rows:
        fill = "var(--md-default-bg-color,#fff)" if rough else hue
        said = f"{method.name}, {count} edits: {_value(value, rough)}"
        parts.append(
            f'<path d="{_marker(shape, a, b)}" fill="{fill}" stroke="{hue}" stroke-width="1.8">'
            f"<title>{escape(said)}</title></path>"
        )
    end = points[-1][1]
    parts.append(
        f'<path d="M{RIGHT + 7} {end:.1f}L{RIGHT + 18} {label:.1f}" stroke="{hue}" fill="none"/>'
        f'<path d="{_marker(shape, RIGHT + 25, label)}" fill="{hue}"/>'
        f'<text class="survey-chart__label" x="{RIGHT + 34}" y="{label + 5:.1f}">'
        f"{escape(method.name)}</text>"
    )
    return f'<g data-method="{series.method}">' + "".join(parts) + "</g>"


def _marker(shape: str, x: float, y: float) -> str:
    """The outline of a marker around a point."""
    if shape == "circle":
        return f"M{x - 5:.1f} {y:.1f}a5 5 0 1 0 10 0a5 5 0 1 0-10 0z"
    corners = {
        "diamond": ((0, -6), (6, 0), (0, 6), (-6, 0)),
        "triangle": ((0, -6), (6, 5), (-6, 5)),
        "square": ((-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)),
        "down": ((0, 6), (6, -5), (-6, -5)),
        "hexagon": ((-3, -5), (3, -5), (6, 0), (3, 5), (-3, 5), (-6, 0)),
    }[shape]
    return "M" + "L".join(f"{x + a:.1f} {y + b:.1f}" for a, b in corners) + "z"


def spread(heights: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move heights apart to at least `gap`, in their order and as little as that takes.

    Equal heights keep the order of the list; the result lies between `low` and `high`
    where there is room.
    """
    order = sorted(range(len(heights)), key=lambda n: (heights[n], n))
    placed: list[float] = []
    for n in order:
        placed.append(max(heights[n], placed[-1] + gap) if placed else max(heights[n], low))
    limit = high
    for n in reversed(range(len(placed))):
        placed[n] = min(placed[n], limit)
        limit = placed[n] - gap
    found = [0.0] * len(heights)
    for n, height in zip(order, placed, strict=True):
        found[n] = height
    return found


def _value(value: float, rough: bool = False) -> str:
    return f"{'~' if rough else ''}{value:.4f}".removesuffix("0")


def _described(figure: Figure, taxonomy: Taxonomy) -> str:
    """The chart in one sentence a method: first and last value."""
    return " ".join(
        f"{taxonomy.methods[s.method].name} goes from {_value(s.values[0])} at {figure.edits[0]} "
        f"edits to {_value(s.values[-1])} at {figure.edits[-1]}."
        for s in figure.series
    )


def _data(figure: Figure, taxonomy: Taxonomy, base: str) -> str:
    """The values as a table that opens, and a link to them as a file."""
    head = "".join(f'<th scope="col">{edits}</th>' for edits in figure.edits)
    rows = "\n".join(
        f'<tr><th scope="row">{escape(taxonomy.methods[s.method].name)}</th>'
        + "".join(
            f"<td>{_value(value, rough)}</td>"
            for value, rough in zip(s.values, s.approximate, strict=True)
        )
        + "</tr>"
        for s in figure.series
    )
    task = escape(taxonomy.tasks[figure.task].name)
    metric = escape(taxonomy.metrics[figure.metric].name)
    return (
        "<details><summary>Values</summary>\n"
        f'<div class="survey-scroll" role="region" tabindex="0" aria-label="{task}: values">'
        f"<table><caption>{metric} by number of edits; ~ read by eye</caption>\n"
        f'<thead><tr><th scope="col">Method</th>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>\n"
        f'<p><a href="{base}data/survey-figures.json" download>All four charts as data (JSON)</a>'
        "</p>\n</details>"
    )


# The map of pitfalls by strategies


def matrix(collection: Collection, base: str) -> str:
    """Return pitfalls by strategies as a table whose numbers link to the papers behind them.

    Each group of pitfalls is one table body; a checkbox, which needs no script, opens the finer
    points. Where the style sheet is missing, all rows show.
    """
    taxonomy = collection.taxonomy
    counts = pairs(collection)
    most = max((counts[f, p] for p in taxonomy.pitfalls for f in taxonomy.families), default=0)
    head = "".join(
        f'<th scope="col" title="{escape(family.definition)}">{escape(family.name)}</th>'
        for family in taxonomy.families.values()
    )
    bodies = "\n".join(
        "<tbody>\n"
        + "\n".join(_row(id, collection, counts, most, base) for id in group)
        + "\n</tbody>"
        for group in _groups(taxonomy)
    )
    return (
        '<div class="survey-scroll" role="region" tabindex="0" aria-label="Pitfalls by strategies">'
        '<table class="survey-matrix">\n'
        "<caption>Papers by pitfall and strategy. A paper counts in every row and column that it "
        "is tagged with; papers that name no strategy count under “all” only.</caption>\n"
        f'<thead><tr><th scope="col">Pitfall</th>{head}<th scope="col">All</th></tr></thead>\n'
        f"{bodies}\n</table></div>"
    )


def pairs(collection: Collection) -> Counter[tuple[str, str]]:
    """Count papers by (family, pitfall), implied tags included; '' is any family."""
    counts: Counter[tuple[str, str]] = Counter()
    for facets in collection.facets.values():
        for pitfall in facets.pitfall:
            counts["", pitfall] += 1
            counts.update((family, pitfall) for family in facets.family)
    return counts


def _groups(taxonomy: Taxonomy) -> list[list[str]]:
    """Pitfalls with their children, the survey's first; the order of the file otherwise."""
    groups = [list(ids) for _, ids in groupby(taxonomy.pitfalls, lambda id: id.split(".")[0])]
    return sorted(groups, key=lambda group: not taxonomy.pitfalls[group[0]].survey)


def _row(id: str, collection: Collection, counts: Counter, most: int, base: str) -> str:
    taxonomy = collection.taxonomy
    pitfall = taxonomy.pitfalls[id]
    name, children = escape(pitfall.name), sum(p.parent == id for p in taxonomy.pitfalls.values())
    if children:
        name = (
            f'<label><input type="checkbox" aria-label="{name}: show {children} finer points"> '
            f"{name}</label>"
        )
    cells = "".join(
        _cell(counts[family, id], family, id, collection, most, base)
        for family in taxonomy.families
    )
    row = '<tr class="survey-child">' if pitfall.parent else "<tr>"
    return (
        f'{row}<th scope="row" title="{escape(pitfall.definition)}">{name}</th>{cells}'
        f"{_cell(counts['', id], '', id, collection, 0, base)}</tr>"
    )


def _cell(n: int, family: str, pitfall: str, collection: Collection, most: int, base: str) -> str:
    """A number that links to its papers, shaded by the root of its share of the largest."""
    taxonomy = collection.taxonomy
    query = f"family:{family} pitfall:{pitfall}" if family else f"pitfall:{pitfall}"
    address = f"{base}papers/?q={quote_plus(query, safe=':')}"
    what = taxonomy.pitfalls[pitfall].name
    if parent := taxonomy.pitfalls[pitfall].parent:
        what = f"{taxonomy.pitfalls[parent].name}, {_lower(what)}"
    who = taxonomy.families[family].name if family else "all strategies"
    said = escape(f"{n} {'paper' if n == 1 else 'papers'}: {what}; {who}")
    shade = f' style="--n:{0.45 * (n / most) ** 0.5:.2f}"' if most and n else ""
    zero = "" if n else ' class="survey-zero"'
    return f'<td{shade}><a href="{address}" aria-label="{said}"{zero}>{n}</a></td>'


# Papers by year


def timeline(collection: Collection, base: str) -> str:
    """Return papers by year as bars that link to the pages of the years."""
    years = Counter(paper.year for paper in collection.values())
    if not years:
        return ""
    span = range(min(years), max(years) + 1)
    pitch, height, most = 46, 80, max(years.values())
    bars = "\n".join(
        _bar(year, years[year], n * pitch, height, most, base) for n, year in enumerate(span)
    )
    width = pitch * len(span)
    return (
        f'<svg class="survey-timeline" viewBox="0 0 {width} {height + 42}" role="group" '
        f'aria-label="Papers by year of publication" font-family="inherit" font-size="13" '
        f'fill="currentColor" style="width:100%;max-width:{width * 1.3:.0f}px;height:auto">\n'
        f"{bars}\n</svg>"
    )


def _bar(year: int, n: int, x: int, height: int, most: int, base: str) -> str:
    """One year: count, bar and year, as one link where there are papers."""
    tall = height * n / most
    top = 20 + height - tall
    drawn = (
        f'<rect x="{x + 5}" y="{top:.1f}" width="36" height="{tall:.1f}" opacity=".55"/>'
        f'<text x="{x + 23}" y="{top - 5:.1f}" text-anchor="middle">{n}</text>'
        f'<text x="{x + 23}" y="{height + 36}" text-anchor="middle">{year}</text>'
    )
    if not n:
        return f"<g>{drawn}</g>"
    said = f"{year}: {n} {'paper' if n == 1 else 'papers'}"
    return f'<a href="{base}years/{year}/" aria-label="{said}">{drawn}</a>'
