"""SAMSum: `dialogue`, and `summary`, the reference."""

from __future__ import annotations

from survey.pitfalls.benchmarks.fields import Fields
from survey.pitfalls.benchmarks.format import Example, TaskFormat, has


def _example(record: Fields) -> Example:
    # The published file ends its lines in the way of Windows.
    dialogue = "\n".join(record.text("dialogue").splitlines())
    summary = record.text("summary")
    return Example(f"{dialogue}\n\nSummary:", (summary,), summary)


FORMAT = TaskFormat(
    "samsum", "SAMSum", "summarisation", "summary", lambda r: has(r, "dialogue", "summary"), _example, tokens=60
)
