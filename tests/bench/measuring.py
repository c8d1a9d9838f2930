"""How long it takes to measure a sequence of edits, and where the time goes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.editing import Note
from tests.bench.report import Figure, seconds


def measuring() -> Iterator[Figure | Note]:
    """ROME, 40 edits, questions after 0, 10, 20, 30 and 40 of them, four tasks and perplexity, on the default model."""
    from survey.pitfalls.runs import Plan, measure
    from survey.pitfalls.runs.material import material
    from survey.pitfalls.runs.summary import summarise

    plan = Plan(("rome",), ("general-abilities.collapse", "general-abilities.downstream"), (0, 10, 20, 30, 40))
    with tempfile.TemporaryDirectory() as folder:
        took = seconds(lambda: measure(plan, material(plan), Path(folder)))
        [told] = summarise(Path(folder)).runs
    yield Figure("40 edits of ROME x 5 stops, four tasks and perplexity", took / 60, 15, "min", "the budget of issue and design: two cores")
    spent = sum(told.seconds.values())
    for part, part_seconds in told.seconds.items():
        yield Note(f"  {part_seconds / spent:.0%} of the workers' time: {part}", f"{part_seconds:.0f} s")
    yield Note("  of this: loading, writing, waiting", f"{max(0.0, took - spent):.0f} s")
