"""RoundEdit (Li et al. 2023, 2310.02129): a fact with several right objects is edited, and edited back.

A record holds one `edit`, as ConflictEdit has them, and `true_objects`, with the edited one among them. The files
`easy` and `hard` differ in their choice of new objects only, and nothing in a record tells them apart.
"""

from __future__ import annotations

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.conflictedit import edit_of
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import CaseFormat, has
from survey.pitfalls.benchmarks.relation_prompts import Prompts, prompts_from, worded
from survey.pitfalls.case import Case


def _case(record: Fields, index: int, prompts: Prompts) -> Case:
    there, relation = edit_of(record.inner("edit"))
    back = Edit(there.prompt, there.subject, there.was or "", there.target)
    objects = list(dict.fromkeys(o.text("label") for o in record.inners("true_objects")))
    if back.target not in objects:
        raise Broken(f"the object {back.target!r} is not among true_objects")
    if len(objects) < 2:
        raise Broken("there is one right object only, and the others are what the round trip may harm")
    if there.target in objects:
        raise Broken(f"the new object {there.target!r} is among true_objects")
    answers = (back.target, *(o for o in objects if o != back.target))
    question = worded(there.prompt, relation, there.subject, answers, there.target, prompts)
    return Case(str(index), (there, back), {"objects": (question,)}, relation, part=record.maybe("type"))


FORMAT = CaseFormat(
    "roundedit", "RoundEdit", lambda r: has(r, "edit", "true_objects"), _case, prompts_from("round_prompts.json")
)
