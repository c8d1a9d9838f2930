"""What a proof rests on: a hash of everything that it asks the model, so that one sees which part of it is out of date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from survey.pitfalls.suite.facts import Relation, kinds, relations, values
from survey.pitfalls.suite.sets import task, task_ids
from survey.pitfalls.suite.wording import filled

PROPERTIES = "properties"


def basis() -> dict[str, dict[str, str]]:
    """16 hexadecimal digits for the facts of each relation, for all properties, and for each task set."""
    return {
        "facts": {name: _facts(relation) for name, relation in relations().items()},
        PROPERTIES: {PROPERTIES: _hash([[question, value] for question, value in properties().values()])},
        "tasks": {id: _hash(repr(task(id))) for id in task_ids()},
    }


def changed(proof: Mapping[str, Any]) -> dict[str, set[str]]:
    """By part of the proof, what is asked otherwise today: relations, `properties`, task sets."""
    then = proof.get("basis", {})
    return {
        part: {name for name, digits in now.items() if then.get(part, {}).get(name) != digits}
        for part, now in basis().items()
    }


def properties() -> dict[tuple[str, str, str], tuple[str, str]]:
    """By kind, object and property: how it is asked, and its value."""
    return {
        (kind, object, name): (filled(kinds()[kind][name].ask, object), value)
        for kind, objects in values().items()
        for object, found in objects.items()
        for name, value in found.items()
    }


def _facts(relation: Relation) -> str:
    wordings = (relation.prompt, *relation.paraphrases)
    asked = [
        [[filled(wording, subject) for wording in wordings], right, sorted(relation.true(subject))]
        for subject, right in relation.right.items()
    ]
    return _hash([asked, relation.objects])


def _hash(thing: object) -> str:
    return hashlib.blake2b(json.dumps(thing, ensure_ascii=False).encode(), digest_size=8).hexdigest()
