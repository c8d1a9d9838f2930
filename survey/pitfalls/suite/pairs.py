"""Cases of two edits: conflicts, of which the second edit makes the first obsolete, and round trips."""

from __future__ import annotations

import random
from collections.abc import Iterator

from survey.pitfalls.case import Case, Question
from survey.pitfalls.suite.facts import Relation, relations
from survey.pitfalls.suite.making import edit, facts, objects, targets
from survey.pitfalls.suite.wording import filled

# A fact (s, whole, o) that follows from a tied fact (s, first, m) and a fact (m, second, o).
_COMPOSED = (
    ("landmark_city", "city_country", "landmark_country"),
    ("country_capital", "city_continent", "country_continent"),
    ("product_company", "company_country", "product_country"),
)


def conflicts(seed: int = 0) -> tuple[Case, ...]:
    """Conflicts of the three sorts of Li et al. 2023 (2310.02129). The sort is the case's `part`.

    coverage: the same fact is edited twice, o to o1 and then to o2. Both edits have the same prompt, so that there is no
        implicit question, which would be the explicit one again.
    reverse: (s, r, o to o1), and then by the inverse relation (o1, r', s to s2), so that o1 belongs to s2 now.
    composite: with the fact (s, r, m) untouched, (s, r1, o to o1) and then (m, r2, o1 to o2), from which
        (s, r1, o2) follows; (s, r, m) is the tied fact.
    """
    made = [*_coverage(seed), *_reverse(seed), *_composite(seed)]
    random.Random(f"conflicts {seed}").shuffle(made)
    return tuple(made)


def _question(relation: Relation, subject: str, right: str, against: str | None = None) -> Question:
    wordings = tuple(Question(filled(p, subject), (right,), against) for p in relation.paraphrases)
    return Question(filled(relation.prompt, subject), (right,), against, others=wordings)


def _coverage(seed: int) -> Iterator[Case]:
    for name, subjects in facts().items():
        relation = relations()[name]
        for subject, was in subjects.items():
            wrong = targets(relation, subject)
            if len(wrong) < 2:
                continue
            first, second = random.Random(f"coverage {name} {subject} {seed}").sample(wrong, 2)
            new, old = _question(relation, subject, second, first), _question(relation, subject, first, second)
            yield Case(
                f"coverage/{name}/{subject}",
                (edit(relation, subject, first, was), edit(relation, subject, second, first)),
                {"explicit-new": (new,), "explicit-old": (old,)},
                name,
                part="coverage",
            )


def _reverse(seed: int) -> Iterator[Case]:
    for name, subjects in facts().items():
        relation = relations()[name]
        if not relation.inverse:
            continue
        back = relation.reversed()
        for subject, was in subjects.items():
            chance = random.Random(f"reverse {name} {subject} {seed}")
            first = chance.choice(targets(relation, subject))
            owners = relation.owners(first)
            others = [s for s in subjects if s not in {subject, *owners} and s.casefold() not in first.casefold()]
            other = chance.choice(others)
            yield Case(
                f"reverse/{name}/{subject}",
                (edit(relation, subject, first, was), edit(back, first, other, subject)),
                {
                    "explicit-new": (_question(back, first, other, subject),),
                    "explicit-old": (_question(back, first, subject, other),),
                    "implicit-new": (_question(relation, other, first, facts()[name][other]),),
                    "implicit-old": (_question(relation, subject, first, was),),
                },
                name,
                part="reverse",
            )


def _composite(seed: int) -> Iterator[Case]:
    for tied, second, whole in _COMPOSED:
        r, r2, r1 = (relations()[name] for name in (tied, second, whole))
        for subject, middle in facts().get(tied, {}).items():
            was = facts().get(second, {}).get(middle)
            if was is None or facts().get(whole, {}).get(subject) != was:
                continue
            wrong = [o for o in targets(r1, subject) if o in targets(r2, middle)]
            if len(wrong) < 2:
                continue
            old, new = random.Random(f"composite {whole} {subject} {seed}").sample(wrong, 2)
            yield Case(
                f"composite/{whole}/{subject}",
                (edit(r1, subject, old, was), edit(r2, middle, new, old)),
                {
                    "explicit-new": (_question(r2, middle, new, old),),
                    "explicit-old": (_question(r2, middle, old, new),),
                    "implicit-new": (_question(r1, subject, new, old),),
                    "implicit-old": (_question(r1, subject, old, new),),
                    "tied": (_question(r, subject, middle),),
                },
                whole,
                part="composite",
            )


def round_trips(seed: int = 0) -> tuple[Case, ...]:
    """A known fact is edited from o to o* and back to o. Those with several right objects, by whose probabilities
    damage shows best, carry them all in the role `objects` and come first (`part` is `several`, else `one`)."""
    made = []
    for name, subjects in facts().items():
        relation = relations()[name]
        for subject, was in subjects.items():
            away = random.Random(f"round trip {name} {subject} {seed}").choice(targets(relation, subject))
            right = objects(relation, subject, was)
            answers = right[0].answers if right else (was,)
            part = "several" if right else "one"
            wordings = tuple(Question(filled(p, subject), answers, away) for p in relation.paraphrases)
            question = Question(filled(relation.prompt, subject), answers, away, others=wordings)
            made.append(
                Case(
                    f"{part}/{name}/{subject}",
                    (edit(relation, subject, away, was), edit(relation, subject, was, away)),
                    {"objects": (question,)},
                    name,
                    part=part,
                )
            )
    random.Random(f"round trips {seed}").shuffle(made)
    return tuple(sorted(made, key=lambda case: case.part == "one"))
