"""ConflictEdit (Li et al. 2023, 2310.02129): two edits, of which the second makes the first obsolete.

A record holds two `edits`, made one after the other, each with `relation` (`prompt`), `subject`, `object` and
`new_object`, besides the `triples` of the rule that ties them. By `type`:

- reverse: the second edit is about the first one's new object, by the inverse relation.
- composite: two of the rule's facts are edited; the third, in `prerequisites`, should stay (role `tied`).
- coverage: the same fact is changed twice. Where both edits have the same prompt, as in all published records, there is no
  implicit pair, which would be the explicit one again.

What is compared, as the published evaluation has it: `implicit-old` is the first edit's fact by its own prompt;
`implicit-new` is what must hold instead of it, asked by the first edit's relation. The explicit pair is asked by the
second edit's prompt: its new object, and the object that the first edit made right there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import CaseFormat
from survey.pitfalls.benchmarks.relation_prompts import Prompts, prompts_from, worded
from survey.pitfalls.case import Case

TYPES = ("reverse", "composite", "coverage")


def _tells(record: Mapping[str, Any]) -> bool:
    edits = record.get("edits")
    return "triples" in record and isinstance(edits, list) and all(isinstance(e, dict) and "new_object" in e for e in edits)


def edit_of(fields: Fields) -> tuple[Edit, str]:
    """An edit of this format and its relation's id."""
    relation = fields.inner("relation")
    prompt = relation.text("prompt")
    if prompt.count("{}") != 1:
        raise Broken(f"the subject's place {{}} is not there once in the prompt {prompt!r}")
    label = lambda name: fields.inner(name).text("label")  # noqa: E731
    return Edit(prompt, label("subject"), label("new_object"), label("object")), relation.text("id")


def _case(record: Fields, index: int, prompts: Prompts) -> Case:
    part = record.text("type")
    if part not in TYPES:
        raise Broken(f"the type is {part!r}, and {', '.join(TYPES)} are known")
    found = [edit_of(e) for e in record.inners("edits")]
    if len(found) != 2:
        raise Broken(f"there are {len(found)} edits, and two are needed")
    (first, relation), (second, other) = found

    def ask(prompt: str, relation: str, subject: str, answer: str, against: str | None = None):
        return (worded(prompt, relation, subject, (answer,), against, prompts),)

    old = first.subject if part == "reverse" else first.target
    questions = {
        "explicit-new": ask(second.prompt, other, second.subject, second.target, old),
        "explicit-old": ask(second.prompt, other, second.subject, old, second.target),
    }
    if part == "reverse":
        questions["implicit-new"] = ask(first.prompt, relation, second.target, first.target)
    elif first.text != second.text:
        questions["implicit-new"] = ask(first.prompt, relation, first.subject, second.target)
    if "implicit-new" in questions:
        questions["implicit-old"] = ask(first.prompt, relation, first.subject, first.target)
    questions["tied"] = tuple(_tied(record, i, prompts) for i in _prerequisites(record))
    if part == "composite" and not questions["tied"]:
        raise Broken("no prerequisites")
    return Case(str(index), (first, second), questions, relation, part=part)


def _prerequisites(record: Fields) -> list[int]:
    found = record.value.get("prerequisites") or []
    count = len(record.inners("triples"))
    if not isinstance(found, list) or not all(type(i) is int and 0 <= i < count for i in found):
        raise Broken(f"prerequisites must be indices of the {count} triples, not {found!r}")
    return found


def _tied(record: Fields, i: int, prompts: Prompts):
    triple = record.inners("triples")[i]
    relation, subject = triple.inner("relation"), triple.inner("subject").text("label")
    answer = triple.inner("object").text("label")
    return worded(relation.text("prompt"), relation.text("id"), subject, (answer,), None, prompts)


FORMAT = CaseFormat("conflictedit", "ConflictEdit", _tells, _case, prompts_from("conflict_prompts.json"))
