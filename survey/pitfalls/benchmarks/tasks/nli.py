"""Natural language inference in two classes, as RTE has it: `sentence1`, `sentence2` and `label`.

The label is `entailment` or `not_entailment`, or 0 or 1 for these, as the data sets of GLUE number them.
"""

from __future__ import annotations

from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import Example, TaskFormat, has

CHOICES = ("yes", "no")
_LABELS = {"entailment": "yes", "not_entailment": "no", "0": "yes", "1": "no"}


def _example(record: Fields) -> Example:
    label = record.id("label")
    if label not in _LABELS:
        raise Broken("no label" if label is None else f"the label is {label!r}, not entailment or not_entailment")
    premise, hypothesis = record.text("sentence1"), record.text("sentence2")
    prompt = f"{premise}\nQuestion: Does it follow that \"{hypothesis}\"? Answer yes or no.\nAnswer:"
    return Example(prompt, (_LABELS[label],), _LABELS[label])


FORMAT = TaskFormat(
    "nli",
    "Natural language inference",
    "natural-language-inference",
    "choice",
    lambda r: has(r, "sentence1", "sentence2", "label"),
    _example,
    CHOICES,
)
