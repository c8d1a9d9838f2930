"""The query language: one string, the same papers in the same order everywhere.

    method:rome,memit pitfall:locality year:2023.. -venue:arxiv has:code author:"Meng" ripple

A space is AND, a comma inside a field is OR, `-` negates, quotes hold phrases. Bare words search
title, authors, acronym, summary and tags, by the beginnings of words, accents and case folded.
`survey/site/assets/query.mjs` is the same language for the browser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from survey.collection.paper import ARXIV_PATTERN, ID_SCHEMES, Kind, Stance, Status
from survey.collection.taxonomy import Taxonomy
from survey.collection.text import fold, nearest, spelling

FIELDS = (
    "method", "family", "pitfall", "stance", "benchmark", "metric", "venue", "year", "author",
    "kind", "has", "key", "id", "status",
)  # fmt: skip
SYNONYMS = {"strategy": "family"}
KINDS = Kind.__args__
STANCES = Stance.__args__
HAS = (*ID_SCHEMES, "code", "project", "data", "summary", "related")
STATUSES = (*Status.__args__, "published", "preprint", "unconfirmed")

_SECTION = {
    "method": "methods", "family": "families", "pitfall": "pitfalls", "benchmark": "benchmarks",
    "metric": "metrics", "venue": "venues",
}  # fmt: skip
_WORDS = {"stance": STANCES, "kind": KINDS, "has": HAS, "status": STATUSES}
_YEAR = re.compile(r"([0-9]{4})?(\.\.)?([0-9]{4})?")


class QueryError(ValueError):
    """A query that cannot be read. `position` counts characters from 0."""

    def __init__(self, message: str, query: str, position: int) -> None:
        super().__init__(message)
        self.message, self.query, self.position = message, query, position

    def __str__(self) -> str:
        return f"{self.message}\n  {self.query}\n  {' ' * self.position}^"


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: any of `values` in `field`, or the words of a phrase where field is ''."""

    field: str
    values: tuple
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: all terms must hold. `str` of it is its canonical spelling."""

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str, taxonomy: Taxonomy) -> Query:
        """Read a query. Raises `QueryError` that points at the mistake."""
        return cls(tuple(_Parser(text, taxonomy).terms()))

    def __str__(self) -> str:
        return " ".join(_spell(term) for term in self.terms)


def _spell(term: Term) -> str:
    spelled = []
    for value in term.values:
        if term.field == "year":
            low, high = value
            value = f"{low}" if low == high else f"{low or ''}..{high or ''}"
        spelled.append(f'"{value}"' if re.search(r"[\s,:]", value) else value)
    field = f"{term.field}:" if term.field else ""
    return f"{'-' if term.negated else ''}{field}{','.join(spelled)}"


class _Parser:
    def __init__(self, text: str, taxonomy: Taxonomy) -> None:
        self.text, self.taxonomy, self.at = text, taxonomy, 0

    def error(self, message: str, position: int) -> QueryError:
        return QueryError(message, self.text, position)

    def terms(self):
        text = self.text
        while True:
            while self.at < len(text) and text[self.at].isspace():
                self.at += 1
            if self.at == len(text):
                return
            negated = text[self.at] == "-" and self.at + 1 < len(text) and text[self.at + 1] > " "
            self.at += negated
            start = self.at
            if text[start] == '"':
                words = fold(self.quoted())
                if words:
                    yield Term("", (words,), negated)
                continue
            while self.at < len(text) and not text[self.at].isspace() and text[self.at] not in ':"':
                self.at += 1
            word = text[start : self.at]
            if word.lower() in ("http", "https") and text.startswith("://", self.at):
                # A pasted address means the paper that stands there.
                while self.at < len(text) and not text[self.at].isspace():
                    self.at += 1
                yield Term("id", (normal_id(text[start : self.at]),), negated)
            elif self.at < len(text) and text[self.at] == ":":
                self.at += 1
                yield self.fielded(word, start, negated)
            elif words := fold(word):
                yield Term("", (words,), negated)

    def quoted(self) -> str:
        start = self.at
        end = self.text.find('"', start + 1)
        if end < 0:
            raise self.error("this quote is never closed", start)
        self.at = end + 1
        return self.text[start + 1 : end]

    def fielded(self, word: str, start: int, negated: bool) -> Term:
        name = word.lower()
        name = SYNONYMS.get(name, name)
        if name not in FIELDS:
            guess = nearest(name, [*FIELDS, *SYNONYMS])
            hint = f"did you mean {guess}:?" if guess else 'put it in quotes to search for words'
            raise self.error(f"there is no field '{word}:' ({hint})", start)
        values = []
        while True:
            begin = self.at
            if self.at < len(self.text) and self.text[self.at] == '"':
                value = self.quoted()
            else:
                while self.at < len(self.text) and not re.match(r'[\s,"]', self.text[self.at]):
                    self.at += 1
                value = self.text[begin : self.at]
            if not value.strip():
                raise self.error(f"{name}: needs a value", begin)
            values.append(self.value(name, value.strip(), begin))
            if self.at < len(self.text) and self.text[self.at] == ",":
                self.at += 1
                continue
            break
        return Term(name, tuple(dict.fromkeys(values)), negated)

    def value(self, field: str, value: str, position: int):
        if section := _SECTION.get(field):
            spellings = getattr(self.taxonomy, section).spellings
            if id := spellings.get(spelling(value)):
                return id
            guess = nearest(spelling(value), list(spellings))
            hint = f" (did you mean {spellings[guess]}?)" if guess else ""
            raise self.error(f"there is no {field} '{value}'{hint}", position)
        if words := _WORDS.get(field):
            if value.lower() in words:
                return value.lower()
            raise self.error(f"{field}: is one of {', '.join(words)}", position)
        if field == "year":
            match = _YEAR.fullmatch(value)
            if not match or not (match[1] or match[3]) or (match[1] and match[3] and not match[2]):
                raise self.error("a year looks like 2023, 2022..2024, 2023.. or ..2021", position)
            low = int(match[1]) if match[1] else None
            high = int(match[3]) if match[3] else None
            return (low, high) if match[2] else (low, low)
        if field == "author":
            return fold(value) or value.lower()
        if field == "id":
            return normal_id(value)
        return value.lower()


_ARXIV = re.compile(ARXIV_PATTERN)


@lru_cache(4096)
def normal_id(value: str) -> str:
    """Strip what people paste around an id: scheme, address, version; lower case.

    >>> normal_id("https://arxiv.org/abs/2202.05262v3")
    '2202.05262'
    """
    value = value.strip().lower().rstrip("/")
    value = re.sub(
        r"^(https?://)?(www\.|dx\.)?(arxiv\.org/(abs|pdf)/|doi\.org/|aclanthology\.org/"
        r"|openreview\.net/(forum|pdf)\?id=|arxiv:|doi:)",
        "",
        value,
    )
    value = value.removesuffix(".pdf")
    bare = re.sub(r"v[0-9]+$", "", value)
    return bare if _ARXIV.match(bare) else value
