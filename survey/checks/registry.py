"""What a rule is, and the list of all of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from survey.collection.paper import Paper
from survey.collection.taxonomy import Taxonomy


class Severity(str, Enum):
    """`error` fails the check, `warning` asks for a look, `info` is only told."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. `where` is the place inside the entry, such as ("ids", "arxiv").

    `fix` is the text that `survey check --fix` puts there, only where that is certainly right.
    `line` and `column` count from 1 and are 0 until `run` has looked them up.
    """

    code: str
    message: str
    where: tuple = ()
    hint: str = ""
    fix: str | None = None
    path: str = ""
    line: int = 0
    column: int = 0
    other: str = ""  # the path of the second entry, where a finding is about two

    @property
    def severity(self) -> Severity:
        return RULES[self.code].severity


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as the rules see it: `paper` is None where the schema is not satisfied."""

    path: str
    key: str
    record: object
    paper: Paper | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule. `check` is None for what the reader and the schema find themselves."""

    code: str
    name: str
    severity: Severity
    scope: str
    explanation: str
    check: Callable | None

    @property
    def summary(self) -> str:
        """The first sentence of the explanation."""
        return self.explanation.partition("\n\n")[0].replace("\n", " ")


RULES: dict[str, Rule] = {}

Found = Iterator[Finding]

YEAR = re.compile(r"(?:19|20)[0-9]{2}$")


def entry_rule(code: str, name: str, severity: Severity = Severity.ERROR):
    """Register `check(paper, entry, taxonomy) -> findings`, run on each valid entry alone."""
    return _register(code, name, severity, "entry")


def collection_rule(code: str, name: str, severity: Severity = Severity.ERROR):
    """Register `check(entries, taxonomy) -> (path, finding)`, run on all valid entries."""
    return _register(code, name, severity, "collection")


def taxonomy_rule(code: str, name: str, severity: Severity = Severity.ERROR):
    """Register `check(taxonomy, implementations) -> (path, finding)`, run where the package's own
    sources are: on what the taxonomy says of the methods that run here."""
    return _register(code, name, severity, "taxonomy")


def _register(code: str, name: str, severity: Severity, scope: str):
    def register(function):
        if code in RULES:
            raise ValueError(f"{code} is taken by {RULES[code].name}")
        RULES[code] = Rule(code, name, severity, scope, inspect.cleandoc(function.__doc__), function)
        return function

    return register


def built_in(code: str, name: str, explanation: str, severity: Severity = Severity.ERROR) -> None:
    """Register a rule that the reader or the schema applies."""
    RULES[code] = Rule(code, name, severity, "file", inspect.cleandoc(explanation), None)


def similar_ids(tag: str, known) -> str:
    """A hint that names the id somebody probably meant, or ''."""
    from survey.collection.text import nearest

    guess = nearest(tag, list(known))
    return f"did you mean {guess}?" if guess else ""


def similar_term(tag: str, spellings: dict[str, str]) -> str:
    """The same for a term of the taxonomy, which may be spelled in several ways, and with a year."""
    from survey.collection.text import nearest, spelling

    words = " ".join(word for word in spelling(tag).split() if not YEAR.match(word))
    guess = words if words in spellings else nearest(tag, list(spellings))
    return f"did you mean {spellings[guess]}?" if guess else ""


def shown(value) -> str:
    """A value as messages show it: quoted, and cut where it is long."""
    text = repr(value) if not isinstance(value, str) else f"'{value}'"
    return text if len(text) <= 60 else text[:57] + "..."


__all__ = [
    "RULES", "Entry", "Finding", "Found", "Rule", "Severity", "Taxonomy", "built_in",
    "collection_rule", "entry_rule", "shown", "similar_ids", "similar_term", "taxonomy_rule",
]  # fmt: skip
