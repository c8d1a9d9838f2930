"""One entry of the collection, as the YAML file says it."""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from survey.collection.names import Name, split_name
from survey.collection.text import fold

Kind = Literal["method", "benchmark", "analysis", "application", "survey", "tool", "position"]
Stance = Literal["shows", "measures", "mitigates", "denies"]
Basis = Literal["title", "abstract", "readme", "full-text"]
RelationKind = Literal[
    "extends", "corrects", "supersedes", "reproduces", "fails-to-reproduce", "refutes",
    "same-benchmark",
]
Status = Literal["withdrawn", "retracted"]

# With bounds, since a key is the name of a file.
KEY_PATTERN = r"^[a-z]{1,60}[0-9]{4}[a-z0-9]{1,120}$"
ARXIV_PATTERN = r"^([0-9]{4}\.[0-9]{4,5}|[a-z-]+(\.[A-Z]{2})?/[0-9]{7})$"
DOI_PATTERN = r"^10\.[0-9]{4,9}/[^\s{}\\\"]+$"
ANTHOLOGY_PATTERN = r"^([0-9]{4}\.[a-z0-9_]+-[a-z0-9_]+\.[0-9]+|[A-Z][0-9]{2}-[0-9]{4})$"
OPENREVIEW_PATTERN = r"^[A-Za-z0-9_-]{9,14}$"
URL_PATTERN = r"^https?://[^\s<>\"{}|\\^`]+$"

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^\S(.*\S)?$")]
Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
Url = Annotated[str, StringConstraints(pattern=URL_PATTERN, max_length=500)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Author(_Record):
    """A name that cannot be split by its spaces alone, or that has an ORCID."""

    given: Line | None = None
    family: Line | None = None
    literal: Line | None = Field(None, description="A collaboration, printed as it stands.")
    orcid: Annotated[str, StringConstraints(pattern=r"^(\d{4}-){3}\d{3}[\dX]$")] | None = None

    @property
    def name(self) -> Name:
        if self.literal or not self.family:
            return Name(literal=self.literal or self.given or "")
        return Name(given=self.given or "", family=self.family)


class Ids(_Record):
    """Identifiers, without addresses around them and without a version."""

    arxiv: Annotated[str, StringConstraints(pattern=ARXIV_PATTERN)] | None = Field(
        None, description='Such as "2202.05262", in quotes: YAML reads a bare one as a number.'
    )
    doi: Annotated[str, StringConstraints(pattern=DOI_PATTERN)] | None = None
    anthology: Annotated[str, StringConstraints(pattern=ANTHOLOGY_PATTERN)] | None = Field(
        None, description="ACL Anthology id, such as 2023.emnlp-main.296."
    )
    openreview: Annotated[str, StringConstraints(pattern=OPENREVIEW_PATTERN)] | None = Field(
        None, description="OpenReview forum id."
    )

    def items(self) -> list[tuple[str, str]]:
        """The identifiers that are there, as (scheme, value)."""
        return [(s, v) for s in ID_SCHEMES if (v := getattr(self, s))]


ID_SCHEMES = ("arxiv", "doi", "anthology", "openreview")


class Links(_Record):
    """Addresses of what belongs to the paper; the paper itself is reached by its ids."""

    code: Url | None = None
    project: Url | None = None
    data: Url | None = None
    paper: Url | None = Field(None, description="Where the paper stands, if it has no id.")

    def items(self) -> list[tuple[str, str]]:
        """The links that are there, as (kind, address)."""
        return [(k, v) for k in LINK_KINDS if (v := getattr(self, k))]


LINK_KINDS = ("code", "project", "data", "paper")


class Proposes(_Record):
    """What the paper brings into the world."""

    methods: tuple[Tag, ...] = Field((), description="Ids of taxonomy/methods.yaml.")
    families: tuple[Tag, ...] = Field(
        (), description="Strategy of the paper's own method, where that has no id yet."
    )
    benchmarks: tuple[Tag, ...] = Field((), description="Ids of taxonomy/benchmarks.yaml.")


class Studies(_Record):
    """What the paper evaluates, analyses, attacks or extends."""

    methods: tuple[Tag, ...] = ()
    benchmarks: tuple[Tag, ...] = ()


class PitfallTag(_Record):
    """What the paper says about one pitfall."""

    id: Tag = Field(description="Id of taxonomy/pitfalls.yaml; it implies its parent.")
    stance: Stance
    basis: Basis = Field(description="What the annotator read.")
    note: Line | None = None


class Related(_Record):
    """A link to another entry; the inverse is made by the program."""

    key: Key
    relation: RelationKind = Field(alias="as")
    basis: Basis
    note: Line | None = None


class Annotation(_Record):
    """What the annotation of the entry rests on, and when it was made."""

    basis: Basis
    on: date


class Paper(_Record):
    """One paper. `year` and `venue` are those of the published version."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Paper on knowledge editing")

    title: Line
    authors: Annotated[tuple[Line | Author, ...], Field(min_length=1)]
    year: Annotated[int, Field(strict=True, ge=1990, le=2100)]
    venue: Tag = Field(description="Id of taxonomy/venues.yaml; `arxiv` for preprints.")
    acronym: Line | None = Field(None, description="Name of the paper's own method or benchmark.")
    booktitle: Line | None = Field(None, description="Only where it differs from the venue's.")
    volume: Line | None = None
    pages: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:]+(-[A-Za-z0-9.:]+)?$")] | None = None
    published: Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] | None = Field(
        None, description="Year and month, where the venue does not tell it: 2022-12."
    )
    ids: Ids = Ids()
    links: Links = Links()
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)]
    proposes: Proposes = Proposes()
    studies: Studies = Studies()
    pitfalls: tuple[PitfallTag, ...] = ()
    summary: Text | None = Field(None, description="One or two sentences of our own.")
    related: tuple[Related, ...] = ()
    status: Status | None = None
    protect: tuple[Line, ...] = Field((), description="Words whose capitals BibTeX must keep.")
    official_typo: tuple[Line, ...] = Field(
        (), description="Words of the official title that look like mistakes, and are printed so."
    )
    former_titles: tuple[Line, ...] = Field((), description="Titles of earlier versions.")
    former_keys: tuple[Key, ...] = ()
    unconfirmed: tuple[Literal["authors", "title", "venue", "year", "ids", "tags"], ...] = Field(
        (), description="Fields that rest on a single weak source; `tags` that a program suggested."
    )
    note: Text | None = None
    annotated: Annotation
    sources: Annotated[tuple[Line, ...], Field(min_length=1)]

    # Set by whoever knows the file: the key is the file's name, never a field of it.
    _key: str = ""

    @property
    def key(self) -> str:
        """The citation key, which is also the file's name."""
        return self._key

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """The authors, split."""
        return tuple(a.name if isinstance(a, Author) else split_name(a) for a in self.authors)

    @property
    def weak_fields(self) -> tuple[str, ...]:
        """Bibliographic fields that rest on a single weak source."""
        return tuple(field for field in self.unconfirmed if field != "tags")

    @property
    def tags_suggested(self) -> bool:
        """Whether kinds and tags were suggested by a program, and nobody has confirmed them yet."""
        return "tags" in self.unconfirmed

    @property
    def preprint(self) -> bool:
        return self.venue == "arxiv"

    @property
    def url(self) -> str | None:
        """The address of the published version, else of the preprint, else None."""
        ids = self.ids
        if ids.anthology:
            return f"https://aclanthology.org/{ids.anthology}/"
        if ids.doi:
            return f"https://doi.org/{ids.doi}"
        if ids.openreview:
            return f"https://openreview.net/forum?id={ids.openreview}"
        if ids.arxiv:
            return f"https://arxiv.org/abs/{ids.arxiv}"
        return self.links.paper

    def __repr__(self) -> str:
        return f"<Paper {self.key}>"


def paper_from(record: dict, key: str) -> Paper:
    """Validate a record as read from YAML. Raises `pydantic.ValidationError`."""
    paper = Paper.model_validate(record)
    object.__setattr__(paper, "_key", key)
    return paper


ARTICLES = frozenset(["a", "an", "the"])


def make_key(author: Name, year: int, title: str) -> str:
    """Return the key that the house rule gives: family name, year, first word of the title.

    >>> make_key(split_name("Kevin Meng"), 2022, "Locating and Editing Factual Associations")
    'meng2022locating'
    """
    family = fold(f"{author.particle} {author.sorting}").replace(" ", "")
    words = [re.sub(r"[^a-z0-9]", "", fold(word)) for word in title.split()]
    words = [word for word in words if word]
    while len(words) > 1 and words[0] in ARTICLES:
        words.pop(0)
    return f"{re.sub(r'[^a-z]', '', family)}{year}{words[0] if words else ''}"
