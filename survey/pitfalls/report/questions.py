"""What a report asks about one edit: lines of several kinds, those that the person names first.

Nothing here knows a model. Which facts of the suite belong to an edit is found by its words: the relation has the same
wording, or knows the subject with the old answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from survey.editing.edit import Edit, EditError
from survey.pitfalls.case import Case, Question
from survey.pitfalls.suite import cases
from survey.pitfalls.suite.facts import Relation, relations
from survey.pitfalls.suite.making import facts, one_hops, reverse
from survey.pitfalls.suite.wording import filled, named

Source = Literal["yours", "suite", "made"]

# What a group of lines is for, and what should become of its answers: `new` (the right answer comes with the edit), `same`
# (the right answer is what it was), or None, where only the person can say.
GROUPS: dict[str, Literal["new", "same"] | None] = {
    "paraphrase": "new",
    "consequence": "new",
    "neighbour": "same",
    "distract": "same",
    "relation": "same",
    "about": None,
    "target": None,
    "was": None,
}

FACTS = 120
"""How many facts about other things are asked."""
WORDS, MORE_WORDS, FEW_WORDS = 20, 30, 8
"""Tokens that the model may say: as a rule, where a name is looked for, and for each of many facts."""
_NEIGHBOURS = 8

# Sentences of our own that have nothing to do with any edit, and openings that leave a statement what it is.
_BEFORE = ("It rained for most of the afternoon, and nobody went out. ", "The two friends had not met for many years. ")
_OPENINGS = ("As most people know, ", "My teacher told us that ")
_ARTICLES = ("the ", "a ", "an ")


@dataclass(frozen=True)
class Line:
    """One prompt. right: the answer that is right after the edit; None: nobody knows. against: the answer it competes with.
    source: whose prompt it is. relation: the suite's, for one of its facts."""

    prompt: str
    right: str | None = None
    against: str | None = None
    source: Source = "made"
    relation: str | None = None


@dataclass(frozen=True)
class Named:
    """Prompts that the person names. Each may hold {} for the subject."""

    probes: tuple[str, ...] = ()
    paraphrases: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("probe", "paraphrase", "neighbour"):
            if any(not text.strip() for text in getattr(self, f"{name}s")):
                raise EditError(f"a {name} is empty")


def within(text: str) -> str:
    """A text as it stands within a sentence: its first word, where that is an article, begins small."""
    return text[0].lower() + text[1:] if text.casefold().startswith(_ARTICLES) else text


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def bare(name: str) -> str:
    """A name without its article, to compare and to look for."""
    for article in _ARTICLES:
        if name.casefold().startswith(article):
            return name[len(article) :].strip() or name
    return name


def _same(one: str, other: str) -> bool:
    return bare(one).casefold() == bare(other).casefold()


def found_in_suite(edit: Edit) -> tuple[Relation | None, str | None]:
    """The suite's relation that an edit belongs to, and the subject as the suite writes it where the fact is known; None
    for each that is not found."""
    by_name = relations()
    for name, known in facts().items():
        if edit.prompt in (by_name[name].prompt, *by_name[name].paraphrases):
            return by_name[name], _subject(known, edit)
    for name, known in facts().items():
        subject = _subject(known, edit)
        if subject and edit.was and any(_same(edit.was, right) for right in by_name[name].true(subject)):
            return by_name[name], subject
    return None, None


def _subject(known, edit: Edit) -> str | None:
    return next((subject for subject in known if _same(subject, edit.subject)), None)


def names(edit: Edit) -> tuple[str, ...]:
    """The subject's names to look for in texts."""
    relation, subject = found_in_suite(edit)
    also = relation.aliases.get(subject, ()) if relation and subject else ()
    return tuple(dict.fromkeys(bare(name) for name in (edit.subject, *also)))


def lines(edit: Edit, yours: Named) -> dict[str, tuple[Line, ...]]:
    """The lines about an edit by group, each prompt once and never the edit's own; groups without any are left out."""
    from survey.editing.report import probes_for

    relation, subject = found_in_suite(edit)
    neighbours = _neighbours(edit, yours, relation)
    made = {
        "paraphrase": _paraphrases(edit, yours, relation, subject),
        "consequence": _consequences(edit, relation, subject),
        "neighbour": neighbours,
        "distract": [
            Line(f"{_capital(edit.text)} {edit.target}. {line.prompt}", line.right, edit.target, line.source)
            for line in neighbours
        ],
        "relation": _relation(edit, relation),
        "about": [
            *(Line(_with_subject(text, edit), source="yours") for text in yours.probes),
            *(Line(prompt) for prompt in probes_for([edit])[:2]),
        ],
        "target": [Line(prompt) for prompt in _of(edit.target)],
        "was": [Line(prompt) for prompt in _of(edit.was)] if edit.was else [],
    }
    return {group: tuple(kept) for group, some in made.items() if (kept := _once(some, edit.text))}


def _once(some: Sequence[Line], own: str) -> list[Line]:
    kept = {own: None}
    return [kept.setdefault(line.prompt, line) for line in some if line.prompt not in kept]


def _with_subject(text: str, edit: Edit) -> str:
    return text.rstrip().replace("{}", named(text, edit.subject))


def _paraphrases(edit: Edit, yours: Named, relation: Relation | None, subject: str | None) -> list[Line]:
    """The person's wordings, those of the suite's relation, and the edit's own prompt behind other words."""
    written = subject or within(edit.subject)
    wordings = (relation.prompt, *relation.paraphrases) if relation else ()
    own = within(edit.text)
    return [
        *(Line(_with_subject(text, edit), edit.target, edit.was, "yours") for text in yours.paraphrases),
        *(Line(filled(wording, written), edit.target, edit.was, "suite") for wording in wordings),
        *(Line(opening + own, edit.target, edit.was) for opening in _OPENINGS),
        *(Line(sentence + edit.text, edit.target, edit.was) for sentence in _BEFORE),
    ]


def _consequences(edit: Edit, relation: Relation | None, subject: str | None) -> list[Line]:
    """What follows from the new answer, as far as the suite knows it, and the way back to the subject."""
    if relation is None or edit.target not in relation.objects:
        return []
    written = subject or within(edit.subject)
    found: tuple[Question, ...] = one_hops(relation, written, edit.was or "", edit.target)
    back = reverse(relation, bare(edit.subject), edit.target)
    return [Line(q.prompt, q.answers[0], q.against, "suite") for q in (*found, *back)]


def _neighbours(edit: Edit, yours: Named, relation: Relation | None) -> list[Line]:
    """The person's, and the edit's own prompt about other subjects of the suite: those with the same answer first."""
    found = [Line(text.rstrip(), None, edit.target, "yours") for text in yours.neighbours]
    if relation is None:
        return found
    known = facts()[relation.name]
    others = [s for s in known if not _same(s, edit.subject) and edit.target not in relation.true(s)]
    others.sort(key=lambda s: known[s] != edit.was)  # Stable: otherwise as the file has them.
    same = sum(known[s] == edit.was for s in others)
    # Some that share the answer, and some that do not.
    chosen = others[: min(same, _NEIGHBOURS - 3)] + others[same:]
    found += [
        Line(filled(edit.prompt, s), known[s], edit.target, "suite", relation.name)
        for s in chosen[:_NEIGHBOURS]
    ]
    return found


def _relation(edit: Edit, relation: Relation | None) -> list[Line]:
    """Other facts that the suite knows about the subject, apart from those that hang together with the edited one."""
    skipped = {relation.name, *relation.apart} if relation else set()
    return [
        Line(filled(relations()[name].prompt, subject), known[subject], None, "suite", name)
        for name, known in facts().items()
        if name not in skipped and (subject := _subject(known, edit))
        and not (relation is None and edit.was and any(_same(edit.was, r) for r in relations()[name].true(subject)))
    ]  # fmt: skip


def _of(thing: str) -> list[str]:
    """Beginnings of texts about an answer, of whatever kind it is."""
    return [
        f"{_capital(thing)} is", f"{_capital(thing)} is known for", f"When people hear of {thing}, they think of",
        f"The most important thing to know about {thing} is", f"Here is a short text about {thing}. {_capital(thing)}",
    ]  # fmt: skip


def other_facts(edits: Sequence[Edit], taken: set[str], count: int = FACTS) -> tuple[Line, ...]:
    """Facts of the suite about other subjects, the same ones for every edit as far as they may be asked."""
    found = []
    for case in cases():
        if len(found) == count:
            break
        if not _touches(case, edits) and case.edit.text not in taken:
            # An edit's new answer may be right here.
            true = relations()[case.relation].true(case.id.split("/", 1)[1])
            against = None if any(_same(edits[0].target, right) for right in true) else edits[0].target
            found.append(Line(case.edit.text, case.edit.was, against, "suite", case.relation))
    return tuple(found)


def _touches(case: Case, edits: Sequence[Edit]) -> bool:
    return any(_same(case.edit.subject, edit.subject) for edit in edits)

