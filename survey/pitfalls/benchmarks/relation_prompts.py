"""ConflictEdit's and RoundEdit's files of prompts: for each relation, other words for it.

The papers' probabilities are means over the prompt of a record and these.
"""

from __future__ import annotations

from survey.errors import UserError
from survey.pitfalls.benchmarks.fields import Broken, Fields
from survey.pitfalls.benchmarks.reading import File, load
from survey.pitfalls.case import Question

Prompts = dict[str, tuple[str, ...]]


def beside(name: str):
    """What reads the prompts from the file of this name that lies beside the records."""

    def prepare(file: File, missing: list[str]) -> Prompts:
        path = file.path.parent / name
        if not path.is_file():
            missing.append(f"no {name} beside the file: every question is asked in one wording only")
            return {}
        [(_, raw), *_] = load(path).records
        try:
            fields = Fields(raw)
            found = {relation: tuple(fields.texts(relation)) for relation in raw}
        except Broken as error:
            raise UserError(f"{path}: {error}") from None
        for relation, prompts in found.items():
            if bad := [p for p in prompts if p.count("{}") != 1]:
                raise UserError(f"{path}: {relation}: the subject's place {{}} is not there once in {bad[0]!r}")
        return found

    return prepare


def worded(prompt: str, relation: str, subject: str, answers: tuple[str, ...], against: str | None, prompts: Prompts) -> Question:
    """A question by the record's own prompt, with the relation's other prompts as `others`."""
    place = lambda p: p.replace("{}", subject)  # noqa: E731
    own = place(prompt)
    others = tuple(Question(place(p), answers, against) for p in prompts.get(relation, ()) if place(p) != own)
    return Question(own, answers, against, others=others)
