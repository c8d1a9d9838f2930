"""The study of ROME's collapse as tables: what `python -m survey.pitfalls.collapse` measured, part by part."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from survey.files.measured import Cell, summary
from survey.site.curves import lost

FOLDER = "rome"
PARTS = {
    "ordinary-text": "Ordinary subjects, statistics measured on text",
    "ordinary-identity": "Ordinary subjects, the identity for statistics",
    "added-text": "Ordinary subjects, statistics measured on text, each edit made on the unedited model and all added up",
    "added-identity": "The same, the identity for statistics",
    "first-usual-block": "One-token subjects that begin the text, the published block",
    "first-block-0": "One-token subjects that begin the text, block 0",
}
"""Parts in the order of the page, with their headings."""
TEXTS = {
    "language-modelling": "our own texts", "in-statistics": "texts in the statistics", "beside-statistics": "texts like these, not in them",
}  # fmt: skip


class Row(NamedTuple):
    """One method after so many edits. `times` tells by text set the perplexity in multiples of the unedited model's."""

    method: str
    edits: str
    kept: str
    times: dict[str, str]
    over: str


def parts(root: Path) -> list[tuple[str, str, list[Row]]]:
    """(model, part, rows) of everything that was measured. Raises `CollectionError` for a broken file."""
    found = []
    base = root / "docs" / "results" / FOLDER
    models = sorted(path.name for path in base.iterdir() if path.is_dir()) if base.is_dir() else []
    # The default model first.
    for model in sorted(models, key=lambda name: not name.startswith("smollm2")):
        for part in PARTS:
            rows = _rows(summary(root, f"{FOLDER}/{model}/{part}").cells)
            if rows:
                found.append((model, part, rows))
    return found


def _rows(cells: tuple[Cell, ...]) -> list[Row]:
    rows = []
    # Of a method that has edited nothing yet there is nothing to tell.
    edited = {c.method for c in cells if c.edits}
    cells = tuple(c for c in cells if c.method in edited)
    for method, kind, edits in sorted({(c.method, c.kind, c.edits) for c in cells}, key=lambda k: (k[0] != "rome", k[1] == "sequence", k[2])):
        here = [c for c in cells if (c.method, c.kind, c.edits) == (method, kind, edits)]
        times = {c.task: _times(c) for c in here if c.metric == "perplexity"}
        kept = next((c for c in here if c.metric == "reliability.forced"), None)
        seeds = max(c.seeds for c in here)
        rows.append(Row(
            method, f"{edits}, each alone" if kind == "single" else str(edits), f"{kept.value:.2f}" if kept and kept.value is not None else "",
            {text: times.get(text, "") for text in TEXTS}, f"{seeds} seed{'s' if seeds > 1 else ''}",
        ))  # fmt: skip
    return rows


def _times(cell: Cell) -> str:
    """`94.1 (×1.02)`, `366,410 (×7,000)`, or that nothing is left."""
    if cell.value is None:
        return "collapsed"
    value = f"{cell.value:,.1f}" if cell.value < 999.95 else f"{cell.value:,.0f}" if cell.value < 1e6 else f"{cell.value:.1e}"
    value = f"{value} (×{_ratio(cell.value / cell.unedited)})" if cell.unedited else value
    return f"{value}, {lost(cell)}" if lost(cell) else value


def _ratio(times: float) -> str:
    """Three digits that tell something; thousands are written out."""
    rounded = float(f"{times:.3g}")
    return f"{rounded:.3g}" if rounded < 1000 else f"{rounded:,.0f}" if rounded < 1e6 else f"{rounded:.1e}"
