"""The facts of the suite as they are written: relations, and what follows from their objects.

`facts/<relation>.yaml` holds wordings and facts, `kinds.yaml` the properties that objects of a kind have, `values.yaml`
those properties, and `also.yaml` what else is right about them. Nothing here knows a model: which of the facts it knows
is in `known.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Property:
    """A property of objects of a kind.

    ask: how the fact is asked, with {} for the object. say: the fact as a sentence, with {value}.
    leads: the kind that the value belongs to, where it has properties itself.
    """

    ask: str
    say: str
    leads: str | None = None


@dataclass(frozen=True)
class Relation:
    """Wordings of a relation, with {} where the subject stands, and its facts.

    right: by subject, the right objects. Where there are several, each is as right as the others, so that an edit of one
        leaves the others right.
    also: by subject, what is right besides, mostly the object under another name; it is never a target.
    aliases: by subject, its other names.
    kind: the kind of the objects, by which consequences are asked; one_hop: a prompt by property; two_hop: a prompt
        by two properties with a dot between.
    reverse: a prompt with {object}, which the subject continues. inverse: the same in other words, where an object has
        one subject only.
    apart: relations whose facts hang together with those of this one, so that an edit may change them; it holds both ways.
    symmetric: who is the object of a subject has it as an object, too.
    distractor: a sentence with {subject} and {object}. describe: the beginning of a text.
    """

    name: str
    prompt: str
    paraphrases: tuple[str, ...]
    right: Mapping[str, tuple[str, ...]]
    also: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, tuple[str, ...]]
    reverse: str
    inverse: tuple[str, ...]
    distractor: str
    describe: str
    kind: str | None
    one_hop: Mapping[str, str]
    two_hop: Mapping[str, str]
    apart: tuple[str, ...]
    symmetric: bool = False

    @property
    def objects(self) -> tuple[str, ...]:
        """All objects that are right for some subject, in the file's order."""
        return tuple(dict.fromkeys(o for objects in self.right.values() for o in objects))

    def true(self, subject: str) -> set[str]:
        """Everything that is right about a subject."""
        return {*self.right[subject], *self.also.get(subject, ())}

    def owners(self, object: str) -> set[str]:
        """The subjects about which an object is right."""
        return {subject for subject in self.right if object in self.true(subject)}

    def reversed(self) -> Relation:
        """The inverse relation: its subjects are the objects of this one."""
        turned = [wording.replace("{object}", "{}") for wording in (self.reverse, *self.inverse)]
        return replace(self, name=f"{self.name} reversed", prompt=turned[0], paraphrases=tuple(turned[1:]))


@cache
def relations() -> Mapping[str, Relation]:
    """All relations by name."""
    return {path.stem: _relation(path) for path in sorted((FOLDER / "facts").glob("*.yaml"))}


def _relation(path: Path) -> Relation:
    written = yaml.safe_load(path.read_text("utf-8"))
    right = {subject: (object,) for object, subjects in written.get("facts", {}).items() for subject in subjects}
    right |= {subject: tuple(objects) for subject, objects in written.get("right", {}).items()}
    right |= {subject: (*right[subject], *objects) for subject, objects in written.get("more", {}).items()}
    several = lambda name: {subject: tuple(names) for subject, names in written.get(name, {}).items()}  # noqa: E731
    return Relation(
        path.stem, written["prompt"], tuple(written["paraphrases"]), right, several("also"), several("aliases"),
        written["reverse"], tuple(written.get("inverse", ())), written["distractor"], written["describe"],
        written.get("object"), written.get("one-hop", {}), written.get("two-hop", {}),
        tuple(written.get("apart", ())), written.get("symmetric", False),
    )  # fmt: skip


@cache
def kinds() -> Mapping[str, Mapping[str, Property]]:
    """The properties of each kind of objects, by name."""
    written = yaml.safe_load((FOLDER / "kinds.yaml").read_text("utf-8"))
    return {kind: {name: Property(**parts) for name, parts in found.items()} for kind, found in written.items()}


@cache
def values() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """By kind and object, the values of its properties."""
    return yaml.safe_load((FOLDER / "values.yaml").read_text("utf-8"))


@cache
def also() -> Mapping[str, Mapping[str, Mapping[str, list[str]]]]:
    """By kind and object, what is right of its properties besides `values`."""
    return yaml.safe_load((FOLDER / "also.yaml").read_text("utf-8"))


def held(kind: str, object: str, property: str) -> tuple[str, ...]:
    """Everything that is right as a property of an object, the value first that is asked for; nothing where that is not
    known, or disputed."""
    value = values().get(kind, {}).get(object, {}).get(property)
    return ((value,) if value else ()) + tuple(also().get(kind, {}).get(object, {}).get(property, ()))


@cache
def digest() -> str:
    """A name for the state of all facts, 16 hexadecimal digits."""
    content = hashlib.blake2b(digest_size=8)
    for path in sorted(FOLDER.rglob("*.yaml")):
        if path.parent.name != "tasks":
            content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()
