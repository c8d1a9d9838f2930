"""Facts that a method can learn to edit, written for this project.

Each file of `relations` holds the wordings of a relation and subjects by their object; `sentences.yaml` holds
unrelated text. No subject is one of those that the benchmarks edit, so nothing that is measured was learnt.

Beginnings of unrelated text stand before half of the rephrasings and half of the neighbours' prompts: were they before
one kind only, a method could learn to tell both by their style.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from survey.editing.edit import Edit

_FOLDER = Path(__file__).parent
# One object in so many is kept for validation, with all its subjects.
_SHARE = 9
# How many rephrasings and neighbours an example has; half of both follow a sentence.
_REPHRASINGS, _NEIGHBOURS = 4, 4


@dataclass(frozen=True)
class Relation:
    """Wordings, which hold {} where the subject stands and end before the object, and subjects by object."""

    name: str
    prompts: tuple[str, ...]
    facts: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Neighbour:
    """A prompt about another subject of the same true object, and that object."""

    prompt: str
    subject: str
    answer: str


@dataclass(frozen=True)
class Example:
    """A fact to change: `edit`, its target a wrong object of the relation; the same in other words; and what must
    stay as it is."""

    edit: Edit
    rephrasings: tuple[str, ...]
    neighbours: tuple[Neighbour, ...]
    relation: str


@cache
def relations() -> tuple[Relation, ...]:
    """All relations, by name."""
    found = []
    for path in sorted((_FOLDER / "relations").glob("*.yaml")):
        content = yaml.safe_load(path.read_text("utf-8"))
        facts = {object: tuple(subjects) for object, subjects in content["facts"].items()}
        found.append(Relation(path.stem, tuple(content["prompts"]), facts))
    return tuple(found)


@cache
def sentences() -> tuple[str, ...]:
    """Unrelated text to put before a prompt."""
    return tuple(yaml.safe_load((_FOLDER / "sentences.yaml").read_text("utf-8")))


@cache
def digest() -> str:
    """A name for the state of all facts and sentences, 16 hexadecimal digits."""
    content = hashlib.blake2b(repr((_SHARE, _REPHRASINGS, _NEIGHBOURS)).encode(), digest_size=8)
    for path in sorted(_FOLDER.rglob("*.yaml")):
        content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()


@cache
def _kept() -> frozenset[str]:
    """Subjects of the validation part."""
    found = set()
    for relation in relations():
        for object, subjects in relation.facts.items():
            number = hashlib.blake2b(f"{relation.name} {object}".encode(), digest_size=4).digest()
            if int.from_bytes(number, "big") % _SHARE == 0:
                found |= {subject.casefold() for subject in subjects}
    return frozenset(found)


def part_of(subject: str) -> Literal["train", "validation"]:
    """Where a subject belongs, in whatever relation and with whatever seed."""
    return "validation" if subject.casefold() in _kept() else "train"


def examples(
    seed: int = 0, without: Collection[str] = (), part: Literal["train", "validation", "all"] = "train"
) -> list[Example]:
    """An example for each fact whose subject belongs to `part`, in random order; the same ones for the same seed.

    `without` leaves out subjects, whatever their case. Neighbours belong to the same part, and a fact that has none
    is left out: of the validation part nothing is seen in training.
    """
    skipped = {subject.casefold() for subject in without}
    chance = random.Random(f"{seed} {part}")
    found = []
    for relation in relations():
        for object, subjects in relation.facts.items():
            ours = [s for s in subjects if s.casefold() not in skipped and part in ("all", part_of(s))]
            if len(ours) > 1:
                found += [_example(relation, subject, object, ours, chance) for subject in ours]
    chance.shuffle(found)
    return found


def _filled(prompt: str, subject: str) -> tuple[str, str]:
    """The prompt with the subject in its place, and the subject as it is written there."""
    if prompt.startswith("{}"):
        subject = subject[0].upper() + subject[1:]
    return prompt.replace("{}", subject), subject


def _example(relation: Relation, subject: str, object: str, subjects: list[str], chance: random.Random) -> Example:
    prompt, *wordings = chance.sample(relation.prompts, len(relation.prompts))
    target = chance.choice([other for other in relation.facts if other != object])

    def begun(texts: list[str]) -> list[str]:
        """The texts, every second one behind a sentence or two."""
        behind = [" ".join(chance.sample(sentences(), chance.choice((1, 1, 2)))) + " " for _ in texts[::2]]
        return [behind[n // 2] + text if n % 2 == 0 else text for n, text in enumerate(texts)]

    rephrasings = begun([_filled(wording, subject)[0] for wording in wordings[:_REPHRASINGS]])
    others = [other for other in subjects if other != subject]
    about = [_filled(chance.choice(relation.prompts), chance.choice(others)) for _ in range(_NEIGHBOURS)]
    texts = begun([text for text, _ in about])
    neighbours = tuple(Neighbour(text, other, object) for text, (_, other) in zip(texts, about, strict=True))
    edit = Edit(prompt, _filled(prompt, subject)[1], target, object)
    return Example(edit, tuple(rephrasings), neighbours, relation.name)
