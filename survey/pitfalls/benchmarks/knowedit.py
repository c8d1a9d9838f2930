"""KnowEdit (Zhang et al. 2024, 2401.01286): WikiData_recent, WikiData_counterfact, ZsRE and WikiBio.

A record holds `prompt`, `subject` and `target_new`, mostly `ground_truth` and a rephrasing, and dictionaries of
questions under `portability` and `locality`. WikiBio's holds `text`, `labels` and `concept` instead. Right is any text
within a question's `ground_truth`, which is a text, a list, or a list of lists. The prompt of WikiBio may name its
subject more than once; the edit's subject is the last. The parts ConvSent and Sanitation are no edits of facts and are
not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.fields import Broken, Fields, flat
from survey.pitfalls.benchmarks.format import CaseFormat, asked, has, once
from survey.pitfalls.case import Case, Question

ROLES = {
    "portability": {"Subject_Aliasing": "alias", "Reasoning": "one-hop", "Logical_Generalization": "logical"},
    "locality": {"Relation_Specificity": "relation", "Forgetfulness": "preservation"},
}


def _tells(record: Mapping[str, Any]) -> bool:
    grouped = isinstance(record.get("portability"), dict) or isinstance(record.get("locality"), dict)
    return grouped and (has(record, "prompt", "target_new", "subject") or has(record, "text", "labels", "concept"))


def _case(record: Fields, index: int, _: None) -> Case:
    bio = "concept" in record
    subject = record.text("concept" if bio else "subject")
    old = flat(record.value["ground_truth"], "ground_truth")[0] if record.value.get("ground_truth") else None
    edit = Edit(
        once(record.text("text" if bio else "prompt"), subject), subject, record.text("labels" if bio else "target_new"), old
    )
    questions: dict[str, list[Question]] = {}
    for group, roles in ROLES.items():
        if group not in record:
            continue
        inner = record.inner(group)
        for name in inner.value:
            if name not in roles:
                record.left_out.append(f"{group}.{name} is not known")
                continue
            for question in inner.inners(name):
                _add(questions, roles[name], question, record)
    # Both spellings are published.
    wordings = record.texts("rephrase_prompt") + record.texts("rephrase")
    questions["paraphrase"] = list(asked(wordings, [edit.target], edit.was))
    return Case(
        record.id("case_id") or str(index),
        (edit,),
        {role: tuple(q) for role, q in questions.items()},
        part="wikibio" if bio else None,
    )


def _add(questions: dict[str, list[Question]], role: str, question: Fields, record: Fields) -> None:
    try:
        prompt, answers = question.text("prompt"), flat(question.get("ground_truth"), question.path + "ground_truth")
    except Broken as error:
        record.left_out.append(f"{error}; the question is left out")
    else:
        questions.setdefault(role, []).append(Question(prompt, answers))


FORMAT = CaseFormat("knowedit", "KnowEdit", _tells, _case)
