"""zsRE in the form that Mitchell et al. 2021 (2110.11309) use for editing, and its extension by Yao et al. 2023.

A record holds the question `src` about `subject`, the new answer `alt`, the right `answers`, a `rephrase`, and an
unrelated question `loc` with `loc_ans`. The extension's files add one of `portability` (one hop), `inverse question`
and `alter_subject_question`. Named questions under `portability` and `locality`, as EasyEdit has them, are read, too;
what it names zsRE's neighbourhood are unrelated questions such as `loc`.

The prompts are questions: an answer is what follows them behind a blank. The unrelated question gets the question mark
that it lacks in the file, as the evaluation of Meng et al. has it, and keeps its mark `nq question:`.
"""

from __future__ import annotations

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import CaseFormat, asked, has, once
from survey.pitfalls.benchmarks.groups import grouped, merged
from survey.pitfalls.case import Case

_EXTENSION = ("portability", "locality", "inverse question", "alter_subject_question")


def _case(record: Fields, index: int, _: None) -> Case:
    answers = record.texts("answers")
    if not answers:
        raise Broken("no answers")
    subject = record.text("subject")
    edit = Edit(once(record.text("src"), subject), subject, record.text("alt"), answers[0])
    extended = any(name in record for name in _EXTENSION)
    questions = {
        "paraphrase": asked(record.texts("rephrase", needed=not extended), [edit.target], edit.was),
        "alias": asked(record.texts("alter_subject_question"), [edit.target], edit.was),
        "reverse": asked(record.texts("inverse question"), [subject]),
    }
    if "loc" in record or not extended:
        unrelated = record.text("loc")
        questions["unrelated"] = asked(
            [unrelated if unrelated.endswith("?") else unrelated + "?"], [record.text("loc_ans")]
        )
    return Case(record.id("case_id") or str(index), (edit,), merged(questions, grouped(record, edit, neighbour="unrelated")))


FORMAT = CaseFormat("zsre", "zsRE", lambda r: has(r, "src", "alt", "subject"), _case)
