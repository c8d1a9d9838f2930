"""RippleEdits (Cohen et al. 2024, 2307.12976): edits, each with six lists of tests.

A record's `edit` is a whole statement (`prompt`) with the ids of its subject, relation and object, but without their
names. These are found in the file itself: a query that has an entity among its `target_ids` names it in its `answers`,
and the prompts of one relation differ in their subject only. Where that does not tell them apart, the record is broken.

A test has `test_queries`, of which one (OR) or all (AND) must be answered, and `condition_queries`, which must be
answered before the edit: they are the question's `needs`. Where a query has several answers, the published evaluation
wants each of them to be said, in any of its aliases; so each becomes a question. Aliases of one character that is no
digit are no answers, as there.

The fact that was right before stands in the edit's `previous_fact`; `original_fact` is read as well. An edit of a new fact
has neither.

`recent.json` and the others hold `Relation_Specifity`; the code that made them writes `Relation_Specificity`. Both are
read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import CaseFormat
from survey.pitfalls.benchmarks.reading import Beside, File
from survey.pitfalls.case import Case, Question

LISTS = {
    "Logical_Generalization": "logical",
    "Compositionality_I": "composition-1",
    "Compositionality_II": "composition-2",
    "Subject_Aliasing": "subject-aliasing",
    "Forgetfulness": "preservation",
    "Relation_Specifity": "relation-specificity",
    "Relation_Specificity": "relation-specificity",
}
_BEFORE = ("previous_fact", "original_fact")


class Names(NamedTuple):
    """What the whole file tells: names of entities by id, and what stands before and behind a relation's subject."""

    entities: dict[str, set[str]]
    frames: dict[str, tuple[str, str]]


def _tells(record: Mapping[str, Any]) -> bool:
    edit = record.get("edit")
    return isinstance(edit, dict) and "subject_id" in edit and any(name in record for name in LISTS)


def _prepare(file: File, beside: Beside) -> Names:
    entities: dict[str, set[str]] = defaultdict(set)
    prompts: dict[str, dict[str, str]] = defaultdict(dict)
    for query in _queries(file):
        for key, value in zip(_targets(query), _values(query), strict=False):
            entities[key].add(value)
        subject, relation, prompt = (query.get(k) for k in ("subject_id", "relation", "prompt"))
        plain = query.get("query_type") == "regular" and query.get("phrase") is None
        if plain and all(isinstance(x, str) for x in (subject, relation, prompt)):
            prompts[relation].setdefault(subject, prompt.strip())
    frames = {relation: frame for relation, found in prompts.items() if (frame := _frame(list(found.values())))}
    for relation, frame in frames.items():
        for subject, prompt in prompts[relation].items():
            entities[subject].add(_between(prompt, frame))
    return Names(dict(entities), frames)


def _queries(file: File) -> Iterator[dict[str, Any]]:
    """Every query of a file that is an object; what is broken is told where its record is read."""
    for _, record in file.records:
        tests = [t for name in LISTS for t in _list(record, name)]
        for test in tests:
            for query in [*_list(test, "test_queries"), *_list(test, "condition_queries")]:
                if isinstance(query, dict):
                    yield query


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _targets(query: dict[str, Any]) -> list[str]:
    name = "second_hop_target_ids" if query.get("query_type") == "two_hop" else "target_ids"
    return [t if isinstance(t, str) else "" for t in _list(query, name)]


def _values(query: dict[str, Any]) -> list[str]:
    values = [a.get("value") if isinstance(a, dict) else None for a in _list(query, "answers")]
    return [v.strip() if isinstance(v, str) else "" for v in values]


def _frame(prompts: list[str]) -> tuple[str, str] | None:
    """The words that prompts about different subjects share at both ends. None where they do not tell."""
    rows = [p.split(" ") for p in prompts]
    if len(rows) < 2:
        return None
    shortest = min(len(r) for r in rows)
    before = next((i for i in range(shortest) if len({r[i] for r in rows}) > 1), shortest)
    behind = next((i for i in range(shortest - before) if len({r[-1 - i] for r in rows}) > 1), shortest - before)
    if before + behind >= shortest or (not behind and not before):
        return None
    return " ".join(rows[0][:before]), " ".join(rows[0][len(rows[0]) - behind :])


def _between(prompt: str, frame: tuple[str, str]) -> str:
    return prompt.removeprefix(frame[0]).removesuffix(frame[1]).strip()


def _case(record: Fields, index: int, names: Names) -> Case:
    fields = record.inner("edit")
    edit = _edit(fields, names)
    questions: dict[str, tuple[Question, ...]] = {}
    for name, role in LISTS.items():
        for test in record.inners(name):
            try:
                questions[role] = (*questions.get(role, ()), _question(test))
            except Broken as error:
                record.left_out.append(f"{error}; the test is left out")
    return Case(str(index), (edit,), questions, fields.maybe("relation"), part=record.maybe("example_type"))


def _edit(fields: Fields, names: Names) -> Edit:
    statement = fields.text("prompt").removesuffix(".").strip()
    relation = fields.maybe("relation") or ""
    known = names.entities.get(fields.text("subject_id"), set())
    ends = [t for t in names.entities.get(fields.text("target_id"), ()) if t and statement.endswith(f" {t}")]
    if ends:
        target = max(ends, key=_longest)
        prompt = statement.removesuffix(target).strip()
        subjects = [s for s in known if s and re.search(rf"(?<!\w){re.escape(s)}(?!\w)", prompt)]
        subject = max(subjects, key=_longest) if subjects else _framed(prompt, names.frames.get(relation))
    else:
        subject, target = _split(statement, names.frames.get(relation), known)
        prompt = statement.removesuffix(target).strip()
    if not subject or not target:
        raise Broken(
            f"the file does not tell what in {statement!r} is the subject and what the object: "
            f"no other prompt of {relation or 'its relation'} shows it, and no answer names them"
        )
    start = prompt.rfind(subject)
    prompt = f"{prompt[:start]}{{}}{prompt[start + len(subject) :]}"
    return Edit(prompt, subject, target, _was(fields, prompt.replace("{}", subject)))


def _longest(name: str) -> tuple[int, str]:
    """Sorts by length, and the same way each time."""
    return len(name), name


def _framed(prompt: str, frame: tuple[str, str] | None) -> str:
    fits = frame and prompt.startswith(frame[0]) and prompt.endswith(frame[1])
    return _between(prompt, frame) if fits else ""


def _split(statement: str, frame: tuple[str, str] | None, known: set[str]) -> tuple[str, str]:
    """Subject and object by the relation's frame. Nothing where the words between them occur more than once."""
    if not frame or not frame[1] or not statement.startswith(frame[0]):
        return "", ""
    rest = statement.removeprefix(frame[0]).strip()
    for subject in sorted(known, key=_longest, reverse=True):
        if subject and rest.startswith(f"{subject} {frame[1]} "):
            return subject, rest.removeprefix(f"{subject} {frame[1]} ").strip()
    parts = rest.split(f" {frame[1]} ")
    return (parts[0].strip(), parts[1].strip()) if len(parts) == 2 else ("", "")


def _was(fields: Fields, prompt: str) -> str | None:
    for name in _BEFORE:
        if name not in fields:
            continue
        before = fields.inner(name).text("prompt").removesuffix(".").strip()
        if before.startswith(f"{prompt} "):
            return before.removeprefix(prompt).strip()
    return None


def _question(test: Fields) -> Question:
    whole = "all" if test.value.get("test_condition") == "AND" else "any"
    if test.value.get("test_condition") not in ("AND", "OR"):
        raise Broken(f"{test.path}test_condition must be AND or OR")
    queries = test.inners("test_queries")
    if not queries:
        raise Broken(f"no {test.path}test_queries")
    needs = tuple(q for c in test.inners("condition_queries") for q in _each(c))
    each = [_each(q) for q in queries]
    if len(each) == 1:
        whole = "all"
    elif whole == "any" and any(len(e) > 1 for e in each):
        raise Broken(f"{test.path}test_queries: any of several questions that have several answers each cannot be asked")
    first, *others = (q for e in each for q in e)
    return Question(first.prompt, first.answers, needs=needs, others=tuple(others), whole=whole if others else "any")


def _each(query: Fields) -> list[Question]:
    """One question for each answer that must be said."""
    found = []
    for answer in query.inners("answers"):
        names = [answer.value.get("value"), *_list(answer.value, "aliases")]
        usable = [n.strip() for n in names if isinstance(n, str) and (len(n.strip()) > 1 or n.strip().isdigit())]
        if not usable:
            raise Broken(f"{answer.path}value: there is no usable answer")
        found.append(Question(query.text("prompt"), tuple(dict.fromkeys(usable))))
    if not found:
        raise Broken(f"no {query.path}answers")
    return found


FORMAT = CaseFormat("rippleedits", "RippleEdits", _tells, _case, _prepare)
