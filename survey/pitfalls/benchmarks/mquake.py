"""MQuAKE (Zhong et al. 2023, 2305.14795), counterfactual (CF) and temporal (T).

A record holds one or several edits in `requested_rewrite`, which are made together, three wordings of a question whose
answer follows from all of them, and the single facts of the chain before (`single_hops`) and after (`new_single_hops`).
A question counts where the unedited model knows the chain before: these facts are its `needs`. Single facts are asked by
their `cloze`.
"""

from __future__ import annotations

from survey.editing.edit import Edit
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.format import CaseFormat, asked, once
from survey.pitfalls.case import Case, Question


def _case(record: Fields, index: int, _: None) -> Case:
    rewrites = record.inners("requested_rewrite")
    edits = tuple(_edit(r) for r in rewrites)
    if not edits:
        raise Broken("requested_rewrite is empty")
    before, after = record.inners("single_hops"), record.inners("new_single_hops")
    if not before or not after:
        raise Broken(f"no {'new_' if before else ''}single_hops")
    known = tuple(_hop(h) for h in before)
    first, *others = record.texts("questions") or [""]
    if not first:
        raise Broken("no questions")
    right, was = _answers(record, "new_answer"), _answers(record, "answer")
    ask = lambda prompt, more=(): Question(prompt, right, was[0], known, more)  # noqa: E731
    olds = [k.answers[0] for k in known] if len(before) == len(after) else [None] * len(after)
    questions = {
        "paraphrase": tuple(q for r, e in zip(rewrites, edits, strict=True) for q in asked(r.texts("question"), [e.target], e.was)),
        "hop": tuple(_hop(h, old) for h, old in zip(after, olds, strict=True)),
        "multi-hop": (ask(first, tuple(ask(o) for o in others)),),
    }
    name = record.id("case_id") or str(index)
    return Case(name, edits, questions, rewrites[0].maybe("relation_id"), together=True, part=f"{len(after)}-hop")


def _edit(rewrite: Fields) -> Edit:
    subject = rewrite.text("subject")
    new, old = rewrite.inner("target_new").text("str"), rewrite.inner("target_true").text("str")
    return Edit(once(rewrite.text("prompt"), subject), subject, new, old)


def _answers(record: Fields, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([record.text(name), *record.texts(f"{name}_alias")]))


def _hop(hop: Fields, old: str | None = None) -> Question:
    answers = _answers(hop, "answer")
    return Question(hop.text("cloze"), answers, old if old not in answers else None)


FORMAT = CaseFormat("mquake", "MQuAKE", lambda r: isinstance(r.get("requested_rewrite"), list), _case)
