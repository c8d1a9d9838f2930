"""ME-PPL (Yang et al. 2024, 2402.09656): short texts of several corpora, `Text` and `Corpus`, for perplexity.

A text is kept as it stands, with the blank that many begin with.
"""

from __future__ import annotations

from survey.pitfalls.benchmarks.fields import Fields
from survey.pitfalls.benchmarks.format import Example, TaskFormat, has


def _example(record: Fields) -> Example:
    return Example("", (record.raw("Text"),), "")


FORMAT = TaskFormat("me-ppl", "ME-PPL", "language-modelling", "text", lambda r: has(r, "Text", "Corpus"), _example)
