"""A case of a benchmark: the edits it makes, and the questions it asks about what they change.

Every loader turns its file into cases, and every probe reads cases; neither knows of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from survey.editing.edit import Edit
from survey.errors import UserError

# What a question is asked for. Probes name the roles that they need; a case has those that its benchmark knows.
ROLES = {
    "paraphrase": "the edited fact in other words: right is the new object",
    "neighbour": "another subject of the same relation: right is what the unedited model should say, mostly the old object",
    "unrelated": "a question that has nothing to do with the edit, such as zsRE's: right is its own answer",
    "distract": "a neighbour's prompt behind the edited statement, where a benchmark words it itself",
    "alias": "the edited fact about another name of the subject: right is the new object",
    "reverse": "from the new object back to the subject",
    "one-hop": "what follows from the new object and one fact more, which stands in `needs`",
    "multi-hop": "what follows from a chain of facts, of which edits changed some",
    "hop": "each single fact of such a chain, as it is after the edits",
    "relation": "other relations of the subject: right is what it was",
    "logical": "RippleEdits: what follows by a property of the relation, such as its symmetry",
    "composition-1": "RippleEdits: a hop that starts at the new object",
    "composition-2": "RippleEdits: a hop that leads to the edited subject",
    "subject-aliasing": "RippleEdits: the edited fact about another name of the subject",
    "preservation": "RippleEdits: other right objects of the edited relation",
    "relation-specificity": "RippleEdits: other relations of the subject",
    "objects": "a question with several right answers, all of them in `answers`, the edited one first",
    "explicit-new": "the second edit's fact, asked by its own prompt",
    "explicit-old": "what it makes obsolete, asked by the same prompt",
    "implicit-new": "the second edit's fact, asked through the first edit's relation",
    "implicit-old": "what it makes obsolete, the first edit's fact, asked by its prompt",
    "tied": "the fact that ties two composed edits, and that neither should touch",
    "reasoning": "a question that needs reasoning over the edited fact",
    "describe": "the beginning of a text about the subject; `answers` are reference texts about the new object",
    "begin": "such a beginning where no reference texts are at hand: the new object stands in `answers`",
    "essence": "texts about the subject that the model should find as probable as before, in `answers`",
}


@dataclass(frozen=True)
class Question:
    """A prompt and what may follow it.

    prompt: text without a blank at its end, which an answer continues.
    answers: any of these is right; the first is the one whose probability is taken.
    against: the answer whose probability the first one is compared with, where there is one.
    needs: questions that the unedited model must answer right for this one to count.
    others: the same question in other words; `whole` tells whether any or all of them must be right.
    """

    prompt: str
    answers: tuple[str, ...]
    against: str | None = None
    needs: tuple[Question, ...] = ()
    others: tuple[Question, ...] = ()
    whole: Literal["any", "all"] = "any"

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise CaseError("the prompt of a question is empty")
        if not self.answers or not all(isinstance(a, str) and a.strip() for a in self.answers):
            raise CaseError(f"an answer to {self.prompt!r} is missing or empty")


class CaseError(UserError, ValueError):
    """A case that cannot be asked."""


@dataclass(frozen=True)
class Case:
    """One record of a benchmark.

    id: what the file calls it, or its index.
    edits: made one after the other. Mostly one; a conflict or a round trip has two, and a probe then sees the model
        before, between and after.
    questions: by role, one of `ROLES`.
    together: the edits are made at once instead, and a probe sees the model before and after.
    part: which part of its benchmark the case belongs to, such as `composite` or `3-hop`.
    """

    id: str
    edits: tuple[Edit, ...]
    questions: Mapping[str, tuple[Question, ...]] = field(default_factory=dict)
    relation: str | None = None
    together: bool = False
    part: str | None = None

    def __post_init__(self) -> None:
        if not self.edits:
            raise CaseError("there is no edit")
        if unknown := set(self.questions) - set(ROLES):
            raise CaseError(f"there is no role {sorted(unknown)[0]!r}")
        asked = {role: tuple(questions) for role, questions in self.questions.items() if questions}
        object.__setattr__(self, "questions", MappingProxyType(asked))

    def __hash__(self) -> int:
        return hash((self.id, self.edits))

    def __reduce__(self):
        return Case, (self.id, self.edits, dict(self.questions), self.relation, self.together, self.part)

    @property
    def edit(self) -> Edit:
        """The first edit."""
        return self.edits[0]

    def __getitem__(self, role: str) -> tuple[Question, ...]:
        """The questions of a role; none where the benchmark has none."""
        if role not in ROLES:
            raise KeyError(role)
        return self.questions.get(role, ())

    def among(self, others: Iterable[Edit]) -> Case:
        """The case in a sequence with other edits: without the questions whose answer one of those changes.

        A neighbour that is edited itself, or a fact that a consequence needs, is no test of this edit any more. An edit changes
        a question that ends with its prompt, or that names its subject and is answered by what it replaces; what hangs together
        in other ways, questions do not tell. A chain of which one hop is lost is not asked at all.
        """
        others = [edit for edit in others if edit not in self.edits]
        if not others:
            return self
        ends = re.compile(rf"(?:^|\W)(?:{'|'.join(re.escape(edit.text) for edit in others)})$")
        named = [(re.compile(rf"\b{re.escape(edit.subject)}\b"), edit.was) for edit in others if edit.was]

        def changed(question: Question) -> bool:
            return any(
                ends.search(q.prompt) or any(was in q.answers and subject.search(q.prompt) for subject, was in named)
                for q in (question, *question.others, *question.needs)
            )

        kept = {role: tuple(q for q in questions if not changed(q)) for role, questions in self.questions.items()}
        if len(kept.get("hop", ())) < len(self["hop"]) or len(kept.get("multi-hop", ())) < len(self["multi-hop"]):
            kept["hop"] = kept["multi-hop"] = ()
        return replace(self, questions=kept)

    @property
    def distracted(self) -> tuple[Question, ...]:
        """The neighbours' questions behind the edited statement (Hoelscher-Obermaier et al. 2023, N+)."""
        if "distract" in self.questions:
            return self.questions["distract"]
        said = f"{self.edit.text} {self.edit.target}. "
        return tuple(Question(said + q.prompt, q.answers, q.against, q.needs) for q in self["neighbour"])
