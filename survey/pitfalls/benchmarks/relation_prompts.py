"""ConflictEdit's and RoundEdit's files of prompts: for each relation, other words for it.

The papers' probabilities are means over the prompt of a record and these.
"""

from __future__ import annotations

from collections.abc import Callable

from survey.errors import UserError
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.reading import Beside, File
from survey.pitfalls.case import Question

Prompts = dict[str, tuple[str, ...]]


def prompts_from(name: str) -> Callable[[File, Beside], Prompts]:
    """What reads the prompts from the file of this name that lies beside the records."""

    def prepare(file: File, beside: Beside) -> Prompts:
        prompts = beside.file(name, "every question is asked in one wording only")
        if prompts is None:
            return {}
        path, [(_, raw), *_] = prompts.path, prompts.records
        try:
            fields = Fields(raw)
            found = {relation: tuple(fields.texts(relation)) for relation in raw}
        except Broken as error:
            raise UserError(f"{path}: {error}") from None
        for relation, texts in found.items():
            if bad := [p for p in texts if p.count("{}") != 1]:
                raise UserError(f"{path}: {relation}: the subject's place {{}} is not there once in {bad[0]!r}")
        return found

    return prepare


def worded(prompt: str, relation: str, subject: str, answers: tuple[str, ...], against: str | None, prompts: Prompts) -> Question:
    """A question by the record's own prompt, with the relation's other prompts as `others`."""
    place = lambda p: p.replace("{}", subject)  # noqa: E731
    own = place(prompt)
    others = tuple(Question(place(p), answers, against) for p in prompts.get(relation, ()) if place(p) != own)
    return Question(own, answers, against, others=others)
