"""SST-2: `sentence`, and `label`, which is positive or negative, or 1 or 0 for these, as GLUE numbers them."""

from __future__ import annotations

from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import Example, TaskFormat, has

CHOICES = ("positive", "negative")
_LABELS = {"positive": "positive", "negative": "negative", "1": "positive", "0": "negative"}


def _example(record: Fields) -> Example:
    label = record.id("label")
    if label not in _LABELS:
        # GLUE's test part has -1 everywhere: its labels are not published.
        raise Broken("no label" if label is None else f"the label is {label!r}, not positive or negative, nor 1 or 0")
    return Example(f"Review: {record.text('sentence')}\nSentiment:", (_LABELS[label],), _LABELS[label])


FORMAT = TaskFormat(
    "sst2", "SST-2", "sentiment-analysis", "choice", lambda r: has(r, "sentence", "label"), _example, CHOICES
)
