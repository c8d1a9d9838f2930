"""KnowEdit (Zhang et al. 2024, 2401.01286): WikiData_recent, WikiData_counterfact, ZsRE and WikiBio.

A record holds `prompt`, `subject` and `target_new`, mostly `ground_truth` and a rephrasing, and named questions under
`portability` and `locality` (`groups`). WikiBio's holds `text`, `labels` and `concept` instead. The prompt of WikiBio may
name its subject more than once; the edit's subject is the last. The parts ConvSent and Sanitation are no edits of facts
and are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.fields import Fields, flat
from survey.pitfalls.benchmarks.format import CaseFormat, asked, has, once
from survey.pitfalls.benchmarks.groups import grouped, merged
from survey.pitfalls.case import Case


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
    # Both spellings are published.
    wordings = record.texts("rephrase_prompt") + record.texts("rephrase")
    questions = merged({"paraphrase": asked(wordings, [edit.target], edit.was)}, grouped(record, edit))
    return Case(record.id("case_id") or str(index), (edit,), questions, part="wikibio" if bio else None)


FORMAT = CaseFormat("knowedit", "KnowEdit", _tells, _case)
