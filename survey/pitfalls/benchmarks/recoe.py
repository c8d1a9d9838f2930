"""ReCoE (Hua et al. 2024, 2401.17585): questions that need reasoning over edited facts.

The form of its published files could not be looked at, and is not guessed here. What is read is a plain form of our
own, into which they are brought: a record holds `edits`, a list of {prompt, subject, target_new, and, if known,
ground_truth}, the `question`, its `answer` after the edits (a text, or a list of which any is right), and, if known,
`old_answer`, `scheme` (superlative, comparative, sorting, counting, aggregation or subtraction) and `facts`, a list of
{prompt, answer} that the question needs besides. The edits are made together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.fields import Broken, Fields, flat
from survey.pitfalls.benchmarks.format import CaseFormat, has, once
from survey.pitfalls.case import Case, Question

SCHEMES = ("superlative", "comparative", "sorting", "counting", "aggregation", "subtraction")


def _tells(record: Mapping[str, Any]) -> bool:
    return has(record, "edits", "question", "answer") and "triples" not in record


def _case(record: Fields, index: int, _: None) -> Case:
    edits = tuple(_edit(e) for e in record.inners("edits"))
    if not edits:
        raise Broken("there is no edit")
    scheme = record.maybe("scheme")
    if scheme is not None and scheme not in SCHEMES:
        raise Broken(f"the scheme is {scheme!r}, and {', '.join(SCHEMES)} are known")
    facts = tuple(Question(f.text("prompt"), flat(f.get("answer"), f.path + "answer")) for f in record.inners("facts"))
    question = Question(record.text("question"), flat(record.get("answer"), "answer"), record.maybe("old_answer"), facts)
    return Case(record.id("id") or str(index), edits, {"reasoning": (question,)}, together=True, part=scheme)


def _edit(fields: Fields) -> Edit:
    subject = fields.text("subject")
    return Edit(once(fields.text("prompt"), subject), subject, fields.text("target_new"), fields.maybe("ground_truth"))


FORMAT = CaseFormat("recoe", "ReCoE", _tells, _case)
