"""The papers together: looking up, searching, relations and neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from survey.collection.paper import Paper
from survey.collection.query import Query, Term, normal_id
from survey.collection.taxonomy import Taxonomy
from survey.collection.text import ascii_slug, fold

INVERSES = {
    "extends": "extended-by",
    "corrects": "corrected-by",
    "supersedes": "superseded-by",
    "reproduces": "reproduced-by",
    "fails-to-reproduce": "not-reproduced-by",
    "refutes": "refuted-by",
    "same-benchmark": "same-benchmark",
}


class Relation(NamedTuple):
    """A link between two entries, seen from `source`; `stated` is False for an inverse."""

    source: str
    relation: str
    target: str
    basis: str
    note: str | None
    stated: bool


class Facets(NamedTuple):
    """What a paper can be found by, every implied tag included; each sorted, without doubles."""

    method: tuple[str, ...]
    family: tuple[str, ...]
    pitfall: tuple[str, ...]
    stance: tuple[str, ...]
    benchmark: tuple[str, ...]
    metric: tuple[str, ...]
    venue: tuple[str, ...]
    kind: tuple[str, ...]
    has: tuple[str, ...]
    status: tuple[str, ...]
    key: tuple[str, ...]
    id: tuple[str, ...]


def _order(paper: Paper) -> tuple:
    """Newest first: by year of publication, then by first appearance, then by key."""
    arxiv = paper.ids.arxiv or ""
    arxiv = arxiv if arxiv[:1].isdigit() else ""
    number = tuple(-int(part) for part in arxiv.split(".")) if arxiv else (0, 0)
    return (-paper.year, number, paper.key)


class Collection(Mapping[str, Paper]):
    """Papers by key, in the order that every list of them has: newest first."""

    def __init__(self, papers: list[Paper], taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._papers = {paper.key: paper for paper in sorted(papers, key=_order)}

    def __getitem__(self, key: str) -> Paper:
        if key in self._papers:
            return self._papers[key]
        return self._papers[self._former[key]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._papers)

    def __len__(self) -> int:
        return len(self._papers)

    @cached_property
    def _former(self) -> dict[str, str]:
        return {old: p.key for p in self.values() for old in p.former_keys}

    # Searching

    def search(self, query: str | Query) -> list[Paper]:
        """Papers that satisfy the query, newest first. Raises `QueryError`."""
        if isinstance(query, str):
            query = Query.parse(query, self.taxonomy)
        # Cheap conditions first; the order of the terms does not change the result.
        terms = sorted(query.terms, key=lambda term: term.field in ("", "author"))
        return [p for p in self.values() if all(self._holds(term, p) for term in terms)]

    def _holds(self, term: Term, paper: Paper) -> bool:
        return self._matches(term, paper) != term.negated

    def _matches(self, term: Term, paper: Paper) -> bool:
        field, values = term.field, term.values
        if field == "":
            return f" {values[0]}" in self._text[paper.key]
        if field == "author":
            names = self._authors[paper.key]
            return any(f" {value}" in names for value in values)
        if field == "year":
            return any(
                (low is None or paper.year >= low) and (high is None or paper.year <= high)
                for low, high in values
            )
        held = getattr(self.facets[paper.key], field)
        return any(value in held for value in values)

    @cached_property
    def _authors(self) -> dict[str, str]:
        return {p.key: _lines(n.printed for n in p.names) for p in self.values()}

    @cached_property
    def _text(self) -> dict[str, str]:
        return {p.key: _lines(self.searched_text(p)) for p in self.values()}

    def searched_text(self, paper: Paper) -> list[str]:
        """What bare words are looked up in, a phrase never reaching across two items."""
        lines = [paper.title, *paper.former_titles, *(n.printed for n in paper.names)]
        lines += [text for text in (paper.acronym, paper.summary) if text]
        return lines + self.tag_names(paper)

    def tag_names(self, paper: Paper) -> list[str]:
        """Names of the paper's tags, as a reader may type them."""
        t, facets = self.taxonomy, self.facets[paper.key]
        names = [t.venues[v].name for v in facets.venue if v in t.venues]
        for section, field in (
            ("methods", "method"), ("families", "family"), ("pitfalls", "pitfall"),
            ("benchmarks", "benchmark"),
        ):  # fmt: skip
            terms = getattr(t, section)
            names += [terms[id].name for id in terms if id in getattr(facets, field)]
        return names + [kind for kind in paper.kinds]

    @cached_property
    def facets(self) -> dict[str, Facets]:
        """What each paper is found by, implied tags included."""
        return {paper.key: self._facets(paper) for paper in self.values()}

    def _facets(self, p: Paper) -> Facets:
        t = self.taxonomy
        methods = {*p.proposes.methods, *p.studies.methods}
        families = {*p.proposes.families, *(t.methods[m].family for m in methods if m in t.methods)}
        benchmarks = {*p.proposes.benchmarks, *p.studies.benchmarks}
        metrics = {m for b in benchmarks if b in t.benchmarks for m in t.benchmarks[b].metrics}
        metrics |= {m.id for m in t.metrics.values() if p.key in m.papers}
        has = {scheme for scheme, _ in p.ids.items()} | {kind for kind, _ in p.links.items()}
        has |= {name for name in ("summary", "related") if getattr(p, name)}
        if self.relations.get(p.key):
            has.add("related")
        status = {"preprint" if p.preprint else "published"}
        status |= {p.status} if p.status else set()
        status |= {"unconfirmed"} if p.unconfirmed else set()
        found = Facets(
            method=methods,
            family=families,
            pitfall={x for tag in p.pitfalls for x in t.with_parents(tag.id)},
            stance={tag.stance for tag in p.pitfalls},
            benchmark=benchmarks,
            metric=metrics,
            venue=(p.venue,),
            kind=p.kinds,
            has=has,
            status=status,
            key=(p.key, *p.former_keys),
            id={normal_id(value) for _, value in p.ids.items()},
        )
        # Tuples, since thousands of small sets are large.
        return Facets(*(tuple(sorted(set(values))) for values in found))

    # Between papers

    @cached_property
    def relations(self) -> dict[str, list[Relation]]:
        """Relations by entry, with the inverses of those that other entries state."""
        found: dict[str, list[Relation]] = {}
        for paper in self.values():
            for r in paper.related:
                forth = Relation(paper.key, r.relation, r.key, r.basis, r.note, True)
                back = Relation(r.key, INVERSES[r.relation], paper.key, r.basis, r.note, False)
                found.setdefault(paper.key, []).append(forth)
                found.setdefault(r.key, []).append(back)
        return found

    @cached_property
    def authors(self) -> dict[str, list[Paper]]:
        """Papers by the author's address on the site; spellings that fold alike are one."""
        found: dict[str, list[Paper]] = {}
        for paper in self.values():
            for slug in dict.fromkeys(ascii_slug(n.printed) for n in paper.names):
                found.setdefault(slug, []).append(paper)
        return found

    def similar(self, paper: Paper, limit: int = 5) -> list[tuple[Paper, list[str]]]:
        """Papers that share tags and authors, rarest first, each with what it shares."""
        weight, shared = {}, {}
        for trait in self._traits(paper):
            holders = self._holders.get(trait, ())
            for key in holders:
                if key != paper.key:
                    weight[key] = weight.get(key, 0) + 1 / len(holders)
                    shared.setdefault(key, []).append(trait)
        best = sorted(weight, key=lambda key: (-weight[key], key))[:limit]
        return [(self[key], shared[key]) for key in best]

    def _traits(self, paper: Paper) -> list[str]:
        f = self.facets[paper.key]
        traits = [
            f"{field}:{value}"
            for field in ("method", "pitfall", "benchmark")
            for value in getattr(f, field)
        ]
        return traits + [f"author:{ascii_slug(n.printed)}" for n in paper.names]

    @cached_property
    def _holders(self) -> dict[str, list[str]]:
        """Papers by trait, for traits that several have, but not so many that they tell nothing."""
        found: dict[str, list[str]] = {}
        for paper in self.values():
            for trait in self._traits(paper):
                keys = found.setdefault(trait, [])
                if len(keys) <= 60 and (not keys or keys[-1] != paper.key):
                    keys.append(paper.key)
        return {trait: keys for trait, keys in found.items() if 1 < len(keys) <= 60}


def _lines(texts) -> str:
    """Folded texts, each behind a newline and a space, so that ` word` finds beginnings only."""
    return "\n".join(f" {fold(text)}" for text in texts)
