"""CounterFact (Meng et al. 2022, 2202.05262), its extension by Yao et al. 2023 (2305.13172), and CounterFact+.

The original record holds `requested_rewrite` with `prompt`, `subject`, `target_new.str` and `target_true.str`,
`paraphrase_prompts`, `neighborhood_prompts`, `attribute_prompts` and `generation_prompts`. The texts with which
generations are compared lie in a file of their own, attribute_snippets.json, which is read where it lies beside.

The flat record of the extension holds one rephrasing and one neighbour. Its files on portability and locality keep the
original record and add one of `portability` (one hop), `alternative_subject`, `distracting_neighborhood_prompts` and
`unrelated_relation`.

CounterFact+ (Hoelscher-Obermaier et al. 2023, 2305.17553) puts the edited statement before each neighbour's prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from survey.editing.edit import Edit
from survey.errors import UserError
from survey.pitfalls.benchmarks.fields import Fields
from survey.pitfalls.benchmarks.format import CaseFormat, asked, has, once
from survey.pitfalls.benchmarks.reading import File, load
from survey.pitfalls.case import Case, Question

_SNIPPETS = "attribute_snippets.json"
# Relation, object, and then texts with the names of their subjects.
Snippets = dict[str, dict[str, list[dict[str, Any]]]]


def _original(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("requested_rewrite"), dict)


def _flat(record: Mapping[str, Any]) -> bool:
    return has(record, "prompt", "target_new", "rephrase_prompt", "locality_prompt")


def _prepare(file: File, missing: list[str]) -> Snippets:
    if not any(isinstance(r, dict) and r.get("generation_prompts") for _, r in file.records):
        return {}
    path = file.path.parent / _SNIPPETS
    if not path.is_file():
        missing.append(
            f"no {_SNIPPETS} beside the file: prompts for free generation have no reference texts, "
            "so that fluency can be measured, consistency and essence cannot"
        )
        return {}
    return _by_relation(path)


def _by_relation(path) -> Snippets:
    """The published file: a list of {relation_id, target_id, name, text} under any of two shapes."""
    found: Snippets = {}
    for _, raw in load(path).records:
        items = raw.get("samples", [raw]) if isinstance(raw, dict) else None
        if not isinstance(items, list) or not all(isinstance(i, dict) for i in items):
            raise UserError(f"{path}: records with `relation_id`, `target_id` and `samples` are expected")
        relation, target = raw.get("relation_id"), raw.get("target_id")
        if not isinstance(relation, str) or not isinstance(target, str):
            raise UserError(f"{path}: records with `relation_id`, `target_id` and `samples` are expected")
        found.setdefault(relation, {}).setdefault(target, []).extend(items)
    return found


def _case(record: Fields, index: int, snippets: Snippets) -> Case:
    if not _original(record.value):
        return _flat_case(record, index)
    rewrite = record.inner("requested_rewrite")
    new, old = rewrite.inner("target_new"), rewrite.inner("target_true")
    edit = Edit(
        once(rewrite.text("prompt"), rewrite.text("subject")), rewrite.text("subject"), new.text("str"), old.text("str")
    )
    relation = rewrite.maybe("relation_id")
    questions = {
        "paraphrase": asked(record.texts("paraphrase_prompts"), [edit.target], edit.was),
        "neighbour": asked(record.texts("neighborhood_prompts"), [edit.was], edit.target),
        "attribute": asked(record.texts("attribute_prompts"), [edit.target], edit.was),
        "distract": asked(record.texts("distracting_neighborhood_prompts"), [edit.was], edit.target),
        **_generation(record, edit, snippets.get(relation, {}).get(new.value.get("id"), [])),
        **_extended(record, edit),
    }
    return Case(record.id("case_id") or str(index), (edit,), questions, relation)


def _generation(record: Fields, edit: Edit, items: list[dict[str, Any]]) -> dict[str, tuple[Question, ...]]:
    prompts = record.texts("generation_prompts")
    read = lambda some: tuple(dict.fromkeys(i["text"] for i in some if isinstance(i.get("text"), str) and i["text"].strip()))  # noqa: E731
    texts = read(items)
    if not texts:
        return {"begin": asked(prompts, [edit.target])}
    essence = read([i for i in items if i.get("name") == edit.subject])
    return {
        "describe": asked(prompts, texts),
        "essence": (Question(edit.subject, essence),) if essence else (),
    }


def _extended(record: Fields, edit: Edit) -> dict[str, tuple[Question, ...]]:
    found = {}
    if "portability" in record:
        hop = record.inner("portability")
        found["one-hop"] = (Question(hop.text("New Question"), (hop.text("New Answer"),)),)
    if other := record.maybe("alternative_subject"):
        found["alias"] = asked([edit.prompt.replace("{}", other)], [edit.target], edit.was)
    if "unrelated_relation" in record:
        relation = record.inner("unrelated_relation")
        found["relation"] = (Question(relation.text("question"), (relation.text("object"),)),)
    return found


def _flat_case(record: Fields, index: int) -> Case:
    subject, old = record.text("subject"), record.text("ground_truth")
    edit = Edit(once(record.text("prompt"), subject), subject, record.text("target_new"), old)
    neighbour = (record.maybe("locality_ground_truth") or old,)
    questions = {
        "paraphrase": asked(record.texts("rephrase_prompt"), [edit.target], edit.was),
        "neighbour": asked(record.texts("locality_prompt"), neighbour, edit.target),
    }
    return Case(record.id("case_id") or str(index), (edit,), questions)


def _plus(record: Fields, index: int, snippets: Snippets) -> Case:
    case = _case(record, index, snippets)
    if case["distract"]:
        return case
    return replace(case, questions={**case.questions, "distract": case.distracted})


FORMAT = CaseFormat("counterfact", "CounterFact", lambda r: _original(r) or _flat(r), _case, _prepare)
PLUS = CaseFormat(
    "counterfact-plus",
    "CounterFact+",
    lambda r: _original(r) and has(r, "distracting_neighborhood_prompts"),
    _plus,
    _prepare,
)
