"""Which facts of the suite a model knows: it is asked, and what it says is written down.

A fact is known where every token of its object is the most probable one behind the edit's prompt, and no other object
of the relation that is not right itself is as probable. Whether the model also knows it in other words, and what it
says when it may speak freely, is written down beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from survey.pitfalls.asking import Continuation, Next, Said, answer
from survey.pitfalls.suite.basis import basis, changed
from survey.pitfalls.suite.basis import properties as asked_properties
from survey.pitfalls.suite.facts import Relation, relations
from survey.pitfalls.suite.sets import task, task_ids
from survey.pitfalls.suite.wording import filled

if TYPE_CHECKING:
    from survey.editing.language_model import LanguageModel

_SAID = 8


def prove(model: LanguageModel, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the model knows: by relation and subject the facts, by kind and object the properties, by task its score.

    before: an older proof with the same model; what it asked as it is asked today is taken from it.
    """
    from survey.pitfalls.suite.proving import prove_task

    before = before or {}
    anew = changed(before)
    facts = {name: proved(model, r) if name in anew["facts"] else before["facts"].get(name) for name, r in relations().items()}
    return {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "basis": basis(),
        "facts": {name: found for name, found in facts.items() if found},
        "properties": properties(model) if anew["properties"] else before["properties"],
        "tasks": {id: prove_task(model, task(id)) if id in anew["tasks"] else before["tasks"][id] for id in task_ids()},
    }


def proved(model: LanguageModel, relation: Relation, subjects: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """The known facts of a relation by subject, or those about some subjects."""
    asked = {s: filled(relation.prompt, s) for s in (subjects or relation.right)}
    told = answer(model, [Continuation(asked[s], o) for s in asked for o in relation.right[s]])
    known = {}
    for subject, prompt in asked.items():
        right = [o for o in relation.right[subject] if told[Continuation(prompt, o)].exact]
        if right:
            known[subject] = max(right, key=lambda o: told[Continuation(prompt, o)].log_p)
    rivals = _rivals(model, relation, known, asked, told)
    wordings = {s: [filled(p, s) for p in relation.paraphrases] for s in known}
    told |= answer(
        model,
        [Continuation(asked[s], o) for s in known for o in rivals[s]]
        + [Continuation(p, o) for s, o in known.items() for p in wordings[s]]
        + [Said(asked[s], _SAID) for s in known],
    )
    found = {}
    for subject, object in known.items():
        p = told[Continuation(asked[subject], object)].p
        if any(told[Continuation(asked[subject], o)].p >= p for o in rivals[subject]):
            continue
        found[subject] = {
            "object": object,
            "p": round(p, 4),
            "paraphrases": [told[Continuation(w, object)].exact for w in wordings[subject]],
            "said": told[Said(asked[subject], _SAID)].text.strip(),
        }
    return found


def _rivals(model: LanguageModel, relation: Relation, known, asked, told) -> dict[str, list[str]]:
    """By subject, wrong objects that may be as probable as the right one.

    A continuation of n tokens, the first of probability q, has at most a length-normalised probability of q^(1/n); what
    is less probable even so need not be asked.
    """
    found: dict[str, list[str]] = {}
    next_token = answer(model, [Next(asked[s]) for s in known])
    for subject, object in known.items():
        prompt = asked[subject]
        log_p, least = next_token[Next(prompt)].log_p, told[Continuation(prompt, object)].log_p
        found[subject] = []
        for other in relation.objects:
            tokens, start = model.joined(prompt, other)
            bound = log_p[tokens.ids[start]].item() / (len(tokens) - start)
            if other not in relation.true(subject) and bound >= least:
                found[subject].append(other)
    return found


def properties(model: LanguageModel) -> dict[str, dict[str, list[str]]]:
    """By kind and object, the properties that the model knows: every token of the value is the most probable one."""
    asked = {key: Continuation(*question) for key, question in asked_properties().items()}
    told = answer(model, asked.values())
    known: dict[str, dict[str, list[str]]] = {}
    for (kind, object, name), ask in asked.items():
        if told[ask].exact:
            known.setdefault(kind, {}).setdefault(object, []).append(name)
    return known
