"""Natural Questions, open: `question`, and `answer` (or `answers`), a list of which any is right."""

from __future__ import annotations

from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import Example, TaskFormat


def _example(record: Fields) -> Example:
    answers = record.texts("answer") or record.texts("answers")
    if not answers:
        raise Broken("no answer")
    question = record.text("question").removesuffix("?").rstrip()
    return Example(f"Question: {question}?\nAnswer:", tuple(dict.fromkeys(answers)), answers[0])


FORMAT = TaskFormat(
    "natural_questions",
    "Natural Questions",
    "open-domain-qa",
    "short",
    lambda r: isinstance(r.get("question"), str)
    and (isinstance(r.get("answer"), list) or isinstance(r.get("answers"), list)),
    _example,
)
