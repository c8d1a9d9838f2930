"""zsRE in the form that Mitchell et al. 2021 (2110.11309) use for editing, and its extension by Yao et al. 2023.

A record holds the question `src` about `subject`, the new answer `alt`, the right `answers`, a `rephrase`, and an
unrelated question `loc` with `loc_ans`. The extension's files add one of `portability` (one hop), `inverse question`
and `alter_subject_question`.

The prompts are questions: an answer is what follows them behind a blank. The unrelated question gets the question mark
that it lacks in the file, as the evaluation of Meng et al. has it, and keeps its mark `nq question:`.
"""

from __future__ import annotations

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import CaseFormat, asked, has, once
from survey.pitfalls.case import Case, Question

_EXTENSION = ("portability", "inverse question", "alter_subject_question")


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
    if "portability" in record:
        hop = record.inner("portability")
        questions["one-hop"] = (Question(hop.text("New Question"), (hop.text("New Answer"),)),)
    return Case(record.id("case_id") or str(index), (edit,), questions)


FORMAT = CaseFormat("zsre", "zsRE", lambda r: has(r, "src", "alt", "subject"), _case)
