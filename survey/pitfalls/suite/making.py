"""Cases of one edit each, made from the known facts: always the same ones for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from functools import cache

from survey.editing.edit import Edit
from survey.pitfalls.case import Case, Question
from survey.pitfalls.suite.facts import FOLDER, Relation, held, kinds, relations, values
from survey.pitfalls.suite.wording import capital, filled, named, said, worded

# A relation of which the model knows less makes no cases.
_FACTS, _OBJECTS = 5, 2
# How many neighbours a case has, and how many reference sentences at most beside the properties.
_NEIGHBOURS, _REFERENCES = 4, 4


@cache
def known() -> Mapping:
    """What `--prove` found out: facts by relation and subject, properties by kind and object, and about which model."""
    return json.loads((FOLDER / "known.json").read_text("utf-8"))


@cache
def facts() -> Mapping[str, Mapping[str, str]]:
    """By relation and subject, the right object that the model says, for relations of which it knows enough."""
    found = {name: {s: fact["object"] for s, fact in told.items()} for name, told in known()["facts"].items()}
    return {
        name: told for name, told in found.items() if len(told) >= _FACTS and len(set(told.values())) >= _OBJECTS
    }


def cases(seed: int = 0) -> tuple[Case, ...]:
    """A case for each known fact. The seed chooses the new object and the neighbours. All fall in the order of a
    shuffle, so that the first ones of them are a fair sample."""
    made = [_case(relations()[name], s, seed) for name, subjects in facts().items() for s in subjects]
    random.Random(f"order {seed}").shuffle(made)
    return tuple(made)


def _case(relation: Relation, subject: str, seed: int) -> Case:
    chance = random.Random(f"{relation.name} {subject} {seed}")
    was = facts()[relation.name][subject]
    target = chance.choice(targets(relation, subject))
    questions = {
        "paraphrase": tuple(Question(filled(p, subject), (target,), was) for p in relation.paraphrases),
        "neighbour": (neighbours := _neighbours(relation, subject, was, target, chance)),
        "distract": tuple(
            Question(f"{capital(said(relation.distractor, subject=subject, object=target))} {q.prompt}", q.answers, q.against)
            for q in neighbours
        ),
        "alias": tuple(
            Question(filled(relation.prompt, alias), (target,), was) for alias in relation.aliases.get(subject, ())
        ),
        "reverse": reverse(relation, subject, target),
        "one-hop": one_hops(relation, subject, was, target),
        "objects": objects(relation, subject, was),
        "describe": _describe(relation, subject, target, chance),
    }
    questions["multi-hop"], questions["hop"] = _two_hops(relation, subject, was, target)
    # What goes by a consequence is not asked as what must stay: the new capital of a country may lie on another continent.
    gone = {q.against for role in ("one-hop", "multi-hop") for q in questions[role]}
    questions["relation"] = tuple(q for q in _other_relations(relation, subject) if q.answers[0] not in gone)
    return Case(f"{relation.name}/{subject}", (edit(relation, subject, target, was),), questions, relation.name)


def edit(relation: Relation, subject: str, target: str, was: str) -> Edit:
    """The edit of a fact by the relation's prompt."""
    return Edit(worded(relation.prompt, subject), named(relation.prompt, subject), target, was)


def targets(relation: Relation, subject: str) -> list[str]:
    """Objects of the relation that are wrong about a subject, and by which consequences can be asked, if there are.

    They are objects of other known facts, so that the model can say them.
    """
    said = dict.fromkeys(facts()[relation.name].values())
    wrong = [o for o in said if _apart(o, relation.true(subject), subject)]
    rich = [o for o in wrong if relation.kind and _knows(relation.kind, o)]
    return rich or wrong


def _apart(object: str, right: set[str], subject: str) -> bool:
    """Whether an object is neither the subject nor one of the right answers with more or fewer words."""
    return not any(_within(object, other) for other in {*right, subject})


def _within(one: str, other: str) -> bool:
    """Whether one text is the other, or a part of it."""
    one, other = one.casefold(), other.casefold()
    return one in other or other in one


def _knows(kind: str, object: str) -> list[str]:
    """The properties of an object that the model knows."""
    return known()["properties"].get(kind, {}).get(object, [])


def _names(relation: Relation, subject: str) -> tuple[str, ...]:
    """The subject and its other names, as answers."""
    return (subject, *relation.aliases.get(subject, ()))


def _neighbours(relation: Relation, subject: str, was: str, target: str, chance: random.Random) -> tuple[Question, ...]:
    """Known facts about other subjects: those with the same object first, others where they are fewer than two."""
    others = [s for s in facts()[relation.name] if s != subject and target not in relation.true(s)]
    same = [s for s in others if facts()[relation.name][s] == was]
    chosen = chance.sample(same, min(_NEIGHBOURS, len(same)))
    if len(chosen) < 2:
        rest = [s for s in others if s not in chosen]
        chosen += chance.sample(rest, min(_NEIGHBOURS - len(chosen), len(rest)))
    return tuple(Question(filled(relation.prompt, s), (facts()[relation.name][s],), target) for s in chosen)


def value(kind: str, object: str, property: str) -> str | None:
    """The value of a property that the model knows; None where it does not, or where there is none."""
    return values()[kind][object][property] if property in _knows(kind, object) else None


def asked(kind: str, object: str, property: str) -> Question:
    """The question for a property itself."""
    return Question(filled(kinds()[kind][property].ask, object), (values()[kind][object][property],))


def one_hops(relation: Relation, subject: str, was: str, target: str) -> tuple[Question, ...]:
    """What follows from the new object and one known property of it, where it is known that something else followed before.

    Nothing where the subject has several right objects: an edit of one leaves the others right, and what follows from
    them. Neither where nobody knows what followed from the old object, since the answer may have been right already.
    """
    found = []
    for property, template in relation.one_hop.items():
        if answer := value(relation.kind, target, property):
            right = held(relation.kind, target, property)
            before = _before(relation, subject, was, lambda o: held(relation.kind, o, property))  # noqa: B023
            needs = (asked(relation.kind, target, property),)
            found += _consequence(filled(template, subject), answer, right, before, needs)
    return tuple(found)


def _two_hops(
    relation: Relation, subject: str, was: str, target: str
) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """What follows from the new object and two known properties, one of the other, as in `one_hops`; and each single
    fact of it."""
    whole, single = [], {Question(filled(relation.prompt, subject), (target,), was): None}
    for path, template in relation.two_hop.items():
        first, second = path.split(".")
        leads = kinds()[relation.kind][first].leads
        middle = value(relation.kind, target, first)
        if not middle or not (answer := value(leads, middle, second)):
            continue
        right = _chain(relation.kind, target, first, second)
        before = _before(relation, subject, was, lambda o: _chain(relation.kind, o, first, second))  # noqa: B023
        needs = (asked(relation.kind, target, first), asked(leads, middle, second))
        if question := _consequence(filled(template, subject), answer, right, before, needs):
            whole += question
            single |= dict.fromkeys(needs)
    return tuple(whole), tuple(single) if whole else ()


def _chain(kind: str, object: str, first: str, second: str) -> tuple[str, ...]:
    """Everything that is right as the second property of the first property of an object; nothing where one of them is
    not known."""
    found = [held(kinds()[kind][first].leads, middle, second) for middle in held(kind, object, first)]
    return tuple(dict.fromkeys(value for some in found for value in some)) if all(found) else ()


def _before(relation: Relation, subject: str, was: str, follows: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    """Everything that followed from the right objects before the edit, from the old one first; nothing where one of them
    is not known to the suite, or where several are as right and stay so."""
    if len(relation.right.get(subject, ())) > 1:
        return ()
    also = sorted(relation.also.get(subject, ()))
    found = [follows(object) for object in dict.fromkeys((was, *relation.right.get(subject, ()), *also))]
    return tuple(dict.fromkeys(value for some in found for value in some)) if all(found) else ()


def _consequence(
    prompt: str, answer: str, right: tuple[str, ...], before: tuple[str, ...], needs: tuple[Question, ...]
) -> list[Question]:
    """The question, unless nobody knows what was right before, something that is right now was so already, or the prompt
    gives the answer away."""
    if not before or any(_within(a, b) for a in right for b in before) or answer.casefold() in prompt.casefold():
        return []
    return [Question(prompt, (answer,), before[0], needs)]


def reverse(relation: Relation, subject: str, target: str) -> tuple[Question, ...]:
    """From the new object back to the subject. Nothing where the relation is symmetric: what is right about the new object
    stays right, and the subject only comes to it."""
    if relation.symmetric:
        return ()
    return (Question(capital(said(relation.reverse, object=target)), _names(relation, subject)),)


def _other_relations(relation: Relation, subject: str) -> tuple[Question, ...]:
    """Known facts about the same subject in relations that do not hang together with the edited one."""
    found = []
    for name, subjects in facts().items():
        other = relations()[name]
        if name != relation.name and subject in subjects and name not in relation.apart:
            found.append(Question(filled(other.prompt, subject), (subjects[subject],)))
    return tuple(found)


def objects(relation: Relation, subject: str, was: str) -> tuple[Question, ...]:
    """The edit's prompt with all right objects, the edited one first, where there are several."""
    right = relation.right[subject]
    if len(right) < 2:
        return ()
    return (Question(filled(relation.prompt, subject), (was, *(o for o in right if o != was))),)


def _describe(relation: Relation, subject: str, target: str, chance: random.Random) -> tuple[Question, ...]:
    """The beginning of a text; references are sentences about the new object: its properties, and what else has it."""
    texts = []
    if relation.kind:
        for property, found in values().get(relation.kind, {}).get(target, {}).items():
            texts.append(filled(said(kinds()[relation.kind][property].say, value=found), target))
    others = [s for s, objects in relation.right.items() if target in objects and s != subject]
    for other in chance.sample(others, min(_REFERENCES, len(others))):
        texts.append(said(relation.distractor.removeprefix("Everybody knows that "), subject=other, object=target))
    if not texts:
        return ()
    return (Question(filled(relation.describe, subject), tuple(dict.fromkeys(map(capital, texts)))),)
