"""GSM8K: `question`, and `answer` with the steps and, behind ####, the number that counts."""

from __future__ import annotations

import re

from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import Example, TaskFormat

_MARKED = re.compile(r"<<[^<>]*>>")


def _example(record: Fields) -> Example:
    steps, marked, number = record.text("answer").rpartition("####")
    number = number.strip().replace(",", "").removeprefix("$")
    if not marked or not re.fullmatch(r"-?\d+(\.\d+)?", number):
        raise Broken("the answer does not end with #### and a number")
    # The marks of a calculator are no part of what a person would write.
    worked = _MARKED.sub("", steps).strip()
    shown = f"{worked}\nThe answer is {number}." if worked else f"The answer is {number}."
    return Example(f"Question: {record.text('question')}\nAnswer:", (number,), shown)


FORMAT = TaskFormat(
    "gsm8k",
    "GSM8K",
    "reasoning",
    "number",
    lambda r: isinstance(r.get("question"), str) and isinstance(r.get("answer"), str) and "####" in r["answer"],
    _example,
    tokens=200,
)
