"""The curated vocabulary: what an entry can be tagged with, and where it can be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from survey.collection.text import spelling

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$")]


class Term(BaseModel):
    """What every term of the taxonomy has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    name: str
    definition: str = ""
    papers: tuple[str, ...] = Field((), description="Keys of the founding entries.")
    aliases: tuple[str, ...] = ()


class Family(Term):
    """A strategy of editing, of the survey or a baseline."""

    group: Literal["parameter-modifying", "parameter-preserving", "baseline"]
    survey: bool = False


class Method(Term):
    full_name: str | None = None
    family: Id
    survey: bool = False
    update: str | None = Field(None, description="The update rule in TeX, without dollars.")
    implementation: str | None = Field(
        None, pattern=r"^survey\.editing\.methods\.[a-z][a-z0-9_]*$",
        description="The module that runs it here, if one does.",
    )  # fmt: skip


class Pitfall(Term):
    survey: bool = False
    example: str | None = None
    metrics: tuple[Id, ...] = ()

    @property
    def parent(self) -> str | None:
        """Id of the pitfall that this one implies."""
        head, dot, _ = self.id.rpartition(".")
        return head if dot else None


class Measures(BaseModel):
    """Metrics that a benchmark offers for one pitfall."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pitfall: Id
    metrics: tuple[Id, ...]


class Benchmark(Term):
    survey: bool = False
    measures: tuple[Measures, ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(m for part in self.measures for m in part.metrics)


class Metric(Term):
    formula: str | None = Field(None, description="In TeX, without dollars.")
    direction: Literal["higher", "lower"] | None = None
    range: str | None = None
    variants: tuple[str, ...] = ()


class Task(Term):
    metric: Id | None = None
    datasets: tuple[str, ...] = ()


class Edition(BaseModel):
    """One year of a venue, where it differs from the rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    booktitle: str | None = None
    address: str | None = None
    month: Annotated[int, Field(ge=1, le=12)] | None = None
    volume: str | None = None


_NO_EDITION = Edition()


class Venue(Term):
    type: Literal["conference", "findings", "workshop", "journal", "preprint"]
    full_name: str
    booktitle: str | None = Field(None, description="With {year} where the year stands.")
    publisher: str | None = None
    series: str | None = None
    anthology: tuple[str, ...] = Field((), description="Volumes in ids of the ACL Anthology.")
    printed: tuple[str, ...] = Field((), description="Other names in proceedings and at services.")
    years: dict[int, Edition] = Field({}, description="Years in which it took place, if listed.")

    def edition(self, year: int) -> Edition:
        return self.years.get(year, _NO_EDITION)

    def booktitle_of(self, year: int) -> str:
        """The title of the proceedings, or of the journal, of that year."""
        rule = self.edition(year).booktitle or self.booktitle or self.full_name
        return rule.replace("{year}", str(year))


T = TypeVar("T", bound=Term)


class Terms(Mapping[str, T], Generic[T]):
    """Terms by id, in the order of their file."""

    def __init__(self, terms: list[T]) -> None:
        self._terms = {term.id: term for term in terms}

    def __getitem__(self, id: str) -> T:
        return self._terms[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Every id, name and alias as `spelling` folds it, with the id it means; ids win over aliases."""
        found: dict[str, str] = {}
        for term in self._terms.values():
            for alias in term.aliases:
                found.setdefault(spelling(alias), term.id)
        for term in self._terms.values():
            found[spelling(term.name)] = term.id
        for id in self._terms:
            found[spelling(id)] = id
        found.pop("", None)
        return found


class Taxonomy(BaseModel):
    """All terms. `files.load_taxonomy` reads it."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    families: Terms[Family]
    methods: Terms[Method]
    pitfalls: Terms[Pitfall]
    benchmarks: Terms[Benchmark]
    metrics: Terms[Metric]
    tasks: Terms[Task]
    venues: Terms[Venue]

    def with_parents(self, pitfall: str) -> tuple[str, ...]:
        """A pitfall and all that it implies, itself first."""
        found = [pitfall]
        while "." in found[-1]:
            found.append(found[-1].rpartition(".")[0])
        return tuple(found)


# The terms of each file, and the model that checks them.
SECTIONS: dict[str, type[Term]] = {
    "families": Family,
    "methods": Method,
    "pitfalls": Pitfall,
    "benchmarks": Benchmark,
    "metrics": Metric,
    "tasks": Task,
    "venues": Venue,
}
