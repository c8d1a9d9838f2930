"""BoolQ: `passage`, `question`, and `answer`, which is true or false."""

from __future__ import annotations

from survey.pitfalls.benchmarks.fields import Broken, Fields, kind
from survey.pitfalls.benchmarks.format import Example, TaskFormat, has

CHOICES = ("yes", "no")


def _example(record: Fields) -> Example:
    answer = record.get("answer")
    if not isinstance(answer, bool):
        raise Broken(f"answer must be true or false, not {kind(answer)}")
    question = record.text("question").removesuffix("?").rstrip()
    right = "yes" if answer else "no"
    return Example(f"{record.text('passage')}\nQuestion: {question}? Answer yes or no.\nAnswer:", (right,), right)


FORMAT = TaskFormat(
    "boolq", "BoolQ", "closed-domain-qa", "choice", lambda r: has(r, "passage", "question", "answer"), _example, CHOICES
)
