"""The questions that records carry by name under `portability` and `locality`, as EasyEdit and KnowEdit have them.

A name holds a question {prompt, ground_truth} or a list of such. Right is any text within `ground_truth`, which is a text,
a list, or a list of lists. A question may also hold lists of prompts and of their answers, one for each.

Names mean the same in any case, with or without what joins their words. Where the extension of CounterFact and zsRE by
Yao et al. 2023 has one question under `portability`, the answer to `New Question` is `New Answer`; `Recalled Relation` is a
triple that nobody worded as a question. What has no role here is left out, and told with its number of questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.fields import Broken, Fields, flat, kind
from survey.pitfalls.case import Question

_ROLES = {
    "portability": {
        "one-hop": ("One Hop", "Reasoning"),
        "alias": ("Subject Replace", "Subject Aliasing", "Synonym"),
        "reverse": ("Reversed Relation",),
        "logical": ("Logical Generalization",),
        "composition-1": ("Compositionality I",),
        "composition-2": ("Compositionality II",),
    },
    "locality": {
        "relation": ("Relation Specificity", "Relation Specifity", "Other Attribution", "Other Relations"),
        "preservation": ("Forgetfulness", "Preservation"),
        "neighbour": ("Neighborhood", "Neighbourhood"),
        "distract": ("Distracting", "Distract Neighbor", "Distract Neighbour"),
    },
}
_OF_ONE = ("New Question", "New Answer", "Recalled Relation")


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


_BY_NAME = {group: {_plain(n): role for role, names in roles.items() for n in names} for group, roles in _ROLES.items()}


def grouped(record: Fields, edit: Edit, neighbour: str = "neighbour") -> dict[str, tuple[Question, ...]]:
    """The questions of a record's groups by role. What is broken or has no role here goes to `left_out`.

    neighbour: the role of what is named a neighbour.
    """
    found: dict[str, list[Question]] = {}
    for group, roles in _BY_NAME.items():
        if group not in record:
            continue
        try:
            inner = record.inner(group)
        except Broken as error:
            record.left_out.append(f"{error}; it is left out")
            continue
        for name, value in inner.value.items():
            if group == "portability" and name in _OF_ONE:
                continue
            role = roles.get(_plain(name))
            if role is None:
                _unknown(record, f"{group}.{name}", value)
                continue
            role = neighbour if role == "neighbour" else role
            against = edit.target if role in ("neighbour", "distract") else None
            found.setdefault(role, []).extend(_questions(inner, name, against))
        if group == "portability" and any(name in inner for name in _OF_ONE):
            found.setdefault("one-hop", []).extend(_one(inner))
    return {role: tuple(questions) for role, questions in found.items()}


def merged(own: Mapping[str, tuple[Question, ...]], more: Mapping[str, tuple[Question, ...]]) -> dict[str, tuple[Question, ...]]:
    """The questions of both by role, without those of `more` that are there already."""
    found = dict(own)
    for role, questions in more.items():
        there = found.get(role, ())
        found[role] = (*there, *(q for q in questions if q not in there))
    return found


def _unknown(record: Fields, name: str, value: Any) -> None:
    count = len(value) if isinstance(value, list) else int(value is not None)
    if count:
        what = "its question is" if count == 1 else f"its {count} questions are"
        record.left_out.append(f"{name} is not known; {what} left out")


def _questions(group: Fields, name: str, against: str | None) -> Iterator[Question]:
    value = group.value[name]
    listed = value if isinstance(value, list) else [value] if value is not None else []
    for i, one in enumerate(listed):
        path = f"{group.path}{name}[{i}]." if isinstance(value, list) else f"{group.path}{name}."
        try:
            for prompt, answers in _asked(Fields(one, path)):
                yield Question(prompt, answers, against)
        except Broken as error:
            group.left_out.append(f"{error}; the question is left out")


def _asked(question: Fields) -> list[tuple[str, tuple[str, ...]]]:
    """Each prompt of a question with its answers."""
    name = f"{question.path}ground_truth"
    prompts, truth = question.get("prompt"), question.get("ground_truth")
    if prompts == []:
        raise Broken(f"{question.path}prompt is empty")
    if not isinstance(prompts, list):
        return [(question.text("prompt"), flat(truth, name))]
    if len(prompts) == 1:
        return [(question.texts("prompt")[0], flat(truth, name))]
    if not isinstance(truth, list) or len(truth) != len(prompts):
        raise Broken(f"{name} must be a list of {len(prompts)}, one for each prompt, not {_size(truth)}")
    return [(p, flat(t, f"{name}[{i}]")) for i, (p, t) in enumerate(zip(question.texts("prompt"), truth, strict=True))]


def _size(value: Any) -> str:
    return f"of {len(value)}" if isinstance(value, list) else kind(value)


def _one(group: Fields) -> Iterator[Question]:
    try:
        yield Question(group.text("New Question"), (group.text("New Answer"),))
    except Broken as error:
        group.left_out.append(f"{error}; the question is left out")
