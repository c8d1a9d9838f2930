"""Tags suggested by words of title and abstract: deterministic, with the words that led to each.

The rules are data, `suggestions.yaml`; `survey/site/assets/tagging.mjs` reads the same. A suggestion
is where a person starts, never a fact: the entry marks it until somebody has confirmed it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from survey.collection.taxonomy import Taxonomy
from survey.files.load import read_text
from survey.files.reader import read_yaml

RULES = Path(__file__).parent / "suggestions.yaml"
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"“(])")
LIMIT = 20_000
"""Characters of a title and of an abstract that are looked at."""
# Words that name a method and mean something else in other texts.
AMBIGUOUS = frozenset(["ke", "kn", "lora", "ft", "fine-tuning", "prune", "rect", "melo", "ice", "ike", "wise", "grace", "mend"])


class Suggestion(NamedTuple):
    """A tag, and the words that led to it. `field` is its place in the entry, such as
    `proposes.families`; `stance` is that of a pitfall."""

    field: str
    value: str
    words: str
    stance: str = ""


@lru_cache(1)
def rules() -> dict:
    """The rules as they stand in the file."""
    record, problems = read_yaml(read_text(RULES), limit=None)
    if problems:
        raise ValueError(f"{RULES}: {problems[0]}")
    return record


def suggest(title: str, abstract: str, taxonomy: Taxonomy, acronym: str = "") -> list[Suggestion]:
    """Suggested tags, in the order of the entry's fields; one kind at least."""
    title, abstract = title[:LIMIT], abstract[:LIMIT]
    found = _kinds(title, abstract)
    kinds = [s.value for s in found]
    if "method" in kinds:
        found += _families(title, abstract)
    found += _named(title, abstract, taxonomy, acronym)
    return found + _pitfalls(title, abstract, kinds)


def _first(patterns: list[str], text: str) -> str:
    """The words that the first fitting pattern finds, or ''."""
    for pattern in patterns:
        if match := re.search(pattern, text, re.I):
            return " ".join(match[0].split())
    return ""


def _kinds(title: str, abstract: str) -> list[Suggestion]:
    found = []
    for rule in rules()["kinds"]:
        words = _first(rule["title"], title) or (_first(rule["abstract"], abstract) if abstract else "")
        if words:
            found.append(Suggestion("kinds", rule["kind"], words))
            if rule.get("alone"):
                return found
    # The finding of a paper that offers something is usually about its own offer.
    offers = [s for s in found if s.value in ("method", "benchmark", "tool")]
    if offers:
        found = [s for s in found if s.value != "analysis" or _first(_rule("analysis")["title"], title)]
    return found or [Suggestion("kinds", "analysis", "")]


def _rule(kind: str) -> dict:
    return next(rule for rule in rules()["kinds"] if rule["kind"] == kind)


def _families(title: str, abstract: str) -> list[Suggestion]:
    """The strategy that most words speak for; two are rarely a paper's own."""
    best: tuple[int, Suggestion] | None = None
    text = f"{title}. {abstract}"
    for rule in rules()["families"]:
        hits = sum(len(re.findall(pattern, text, re.I)) for pattern in rule["words"])
        if hits and (best is None or hits > best[0]):
            best = hits, Suggestion("proposes.families", rule["family"], _first(rule["words"], text))
    return [best[1]] if best else []


def _named(title: str, abstract: str, taxonomy: Taxonomy, acronym: str) -> list[Suggestion]:
    """Methods and benchmarks of the taxonomy that the text names, the paper's own left out."""
    text, found = f"{title}. {abstract}", []
    for section in ("methods", "benchmarks"):
        for term in getattr(taxonomy, section).values():
            for name in (term.name, *term.aliases):
                if len(name) < 3 or name == acronym:
                    continue
                # Names in capitals are looked for as they are; whatever is an ordinary word, too.
                match = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w+]|-[a-z])", text)
                ordinary = name.lower() in AMBIGUOUS and not name.isupper()
                if match and not ordinary and not name.islower():
                    found.append(Suggestion(f"studies.{section}", term.id, match[0]))
                    break
    return found


def _pitfalls(title: str, abstract: str, kinds: list[str]) -> list[Suggestion]:
    """Pitfalls whose words stand in a sentence with those of a stance; finer ones imply their parents."""
    found: dict[tuple[str, str], Suggestion] = {}
    sentences = [title, *SENTENCE.split(abstract)] if abstract else [title]
    for sentence in sentences:
        stance = _stance(sentence, kinds, sentence is title)
        if not stance:
            continue
        for rule in rules()["pitfalls"]:
            words = _first(rule["words"], sentence)
            if words:
                found.setdefault((rule["id"], stance), Suggestion("pitfalls", rule["id"], words, stance))
    finer = {(id.rpartition(".")[0], stance) for id, stance in found}
    return [s for (id, stance), s in found.items() if (id, stance) not in finer]


def _stance(sentence: str, kinds: list[str], is_title: bool) -> str:
    for rule in rules()["stances"]:
        if not set(rule["kinds"]).isdisjoint(kinds) and _first(rule["words"], sentence):
            return rule["stance"]
    # A title names its subject without a verb.
    if is_title:
        first = {"benchmark": "measures", "method": "mitigates", "application": "mitigates", "analysis": "shows"}
        return next((first[kind] for kind in kinds if kind in first), "")
    return ""
