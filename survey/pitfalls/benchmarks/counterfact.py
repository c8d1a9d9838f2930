"""CounterFact (Meng et al. 2022, 2202.05262), its extension by Yao et al. 2023 (2305.13172), and CounterFact+.

The original record holds `requested_rewrite` with `prompt`, `subject`, `target_new.str` and `target_true.str`,
`paraphrase_prompts`, `neighborhood_prompts`, `attribute_prompts` and `generation_prompts`. No score is made of
`attribute_prompts`, about subjects for which the new object is right anyway, and they are not read. The texts with which
generations are compared lie in a file of their own, attribute_snippets.json, which is read where it lies beside.

The flat record of the extension holds one rephrasing and one neighbour. Its files on portability and locality keep the
original record and add one of `portability` (one hop), `alternative_subject`, `distracting_neighborhood_prompts` and
`unrelated_relation`. Either may carry named questions under `portability` and `locality` instead, as EasyEdit has them.

CounterFact+ (Hoelscher-Obermaier et al. 2023, 2305.17553) puts the edited statement before each neighbour's prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from survey.editing.edit import Edit
from survey.errors import UserError
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import CaseFormat, asked, has, once
from survey.pitfalls.benchmarks.groups import grouped, merged
from survey.pitfalls.benchmarks.reading import Beside, File
from survey.pitfalls.case import Case, Question

_SNIPPETS = "attribute_snippets.json"
# By relation and object: names of subjects, with texts about them.
Snippets = dict[str, dict[str, list[tuple[str | None, str]]]]


def _original(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("requested_rewrite"), dict)


def _flat(record: Mapping[str, Any]) -> bool:
    return has(record, "prompt", "target_new", "rephrase_prompt", "locality_prompt")


def _prepare(file: File, beside: Beside) -> Snippets:
    if not any(isinstance(r, dict) and r.get("generation_prompts") for _, r in file.records):
        return {}
    without = (
        "prompts for free generation have no reference texts, so that fluency can be measured, "
        "consistency and essence cannot"
    )
    snippets = beside.file(_SNIPPETS, without)
    return _by_relation(snippets) if snippets else {}


def _by_relation(file: File) -> Snippets:
    """The published file: for a relation and an object, `samples` of texts with their subjects' names."""
    found: Snippets = {}
    for index, raw in file.records:
        try:
            record = Fields(raw)
            of = found.setdefault(record.text("relation_id"), {}).setdefault(record.text("target_id"), [])
            of += [(s.maybe("name"), s.text("text")) for s in record.inners("samples")]
        except Broken as error:
            raise UserError(f"{file.path}: record {index}: {error}") from None
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
        "paraphrase": asked(record.texts("paraphrase_prompts", needed=True), [edit.target], edit.was),
        "neighbour": asked(record.texts("neighborhood_prompts", needed=True), [edit.was], edit.target),
        **_generation(record, edit, snippets.get(relation, {}).get(new.id("id"), [])),
    }
    return Case(record.id("case_id") or str(index), (edit,), merged(questions, _extended(record, edit)), relation)


def _generation(record: Fields, edit: Edit, snippets: list[tuple[str | None, str]]) -> dict[str, tuple[Question, ...]]:
    prompts = record.texts("generation_prompts")
    if not snippets:
        return {"begin": asked(prompts, [edit.target])}
    essence = [text for name, text in snippets if name == edit.subject]
    return {
        "describe": asked(prompts, dict.fromkeys(text for _, text in snippets)),
        "essence": asked([edit.subject], essence) if essence else (),
    }


def _extended(record: Fields, edit: Edit) -> dict[str, tuple[Question, ...]]:
    found = {}
    if distracting := record.texts("distracting_neighborhood_prompts"):
        found["distract"] = asked(distracting, [edit.was], edit.target)
    if other := record.maybe("alternative_subject"):
        found["alias"] = asked([edit.prompt.replace("{}", other)], [edit.target], edit.was)
    if "unrelated_relation" in record:
        relation = record.inner("unrelated_relation")
        found["relation"] = (Question(relation.text("question"), (relation.text("object"),)),)
    return merged(found, grouped(record, edit))


def _flat_case(record: Fields, index: int) -> Case:
    subject, old = record.text("subject"), record.text("ground_truth")
    edit = Edit(once(record.text("prompt"), subject), subject, record.text("target_new"), old)
    neighbour = (record.maybe("locality_ground_truth") or old,)
    questions = {
        "paraphrase": asked(record.texts("rephrase_prompt", needed=True), [edit.target], edit.was),
        "neighbour": asked(record.texts("locality_prompt", needed=True), neighbour, edit.target),
    }
    return Case(record.id("case_id") or str(index), (edit,), merged(questions, _extended(record, edit)))


def _plus(record: Fields, index: int, snippets: Snippets) -> Case:
    case = _case(record, index, snippets)
    return replace(case, questions={**case.questions, "distract": case.distracted})


FORMAT = CaseFormat("counterfact", "CounterFact", lambda r: _original(r) or _flat(r), _case, _prepare)
PLUS = CaseFormat(
    "counterfact-plus",
    "CounterFact+",
    lambda r: _original(r) and has(r, "distracting_neighborhood_prompts"),
    _plus,
    _prepare,
)
