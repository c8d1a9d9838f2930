"""D: the same paper twice."""

from __future__ import annotations

from collections import Counter, defaultdict

from survey.checks.registry import Entry, Finding, Severity, Taxonomy, collection_rule
from survey.collection.paper import Paper
from survey.collection.query import normal_id
from survey.collection.text import fold


@collection_rule("D401", "same-id")
def same_id(entries: list[Entry], taxonomy: Taxonomy):
    """Two entries have the same arXiv id, DOI, Anthology or OpenReview id.

    Either they are one paper (merge them, and keep the other key in `former_keys`), or one of
    the two ids was copied from a neighbouring line.
    """
    seen: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        for scheme, value in entry.paper.ids.items():
            # OpenReview ids differ in case; the others do not.
            id = (scheme, value if scheme == "openreview" else normal_id(value))
            # The DOIs of the ACL hold the Anthology id.
            if scheme == "doi" and id[1].startswith("10.18653/v1/"):
                id = ("anthology", id[1].removeprefix("10.18653/v1/"))
            if id in seen and seen[id] is not entry:
                yield entry.path, Finding("D401", f"{seen[id].path} has the same {scheme} id", ("ids", scheme), other=seen[id].path)
            seen.setdefault(id, entry)


def _title(paper: Paper) -> str:
    return fold(paper.title).replace(" ", "")


@collection_rule("D402", "same-title")
def same_title(entries: list[Entry], taxonomy: Taxonomy):
    """Two entries have the same title, capitals and punctuation aside; former titles count."""
    seen: dict[str, Entry] = {}
    for entry in entries:
        for title in {_title(entry.paper), *(fold(t).replace(" ", "") for t in entry.paper.former_titles)}:
            other = seen.setdefault(title, entry)
            if other is not entry:
                yield entry.path, Finding("D402", f"{other.path} has the same title", ("title",), other=other.path)


# Words that say nothing about which paper on this subject it is.
COMMON = frozenset(
    "a an the of in on for to and or with via by from at as is are be can do does how what why when "
    "not towards toward through into under beyond using large language model models llm llms "
    "knowledge editing edit edits".split()
)


@collection_rule("D403", "similar-title", Severity.WARNING)
def similar_title(entries: list[Entry], taxonomy: Taxonomy):
    """Two entries with similar titles and common authors: perhaps preprint and publication.

    Titles change on publication, so they are compared by their rare words; different papers
    that share an acronym have other authors, and are not confused. Two papers of one group that
    really are two say so by `related`, or by an id of the same kind each.
    """
    words = [frozenset(fold(e.paper.title).split()) - COMMON for e in entries]
    frequency = Counter(word for title in words for word in title)
    holders = defaultdict(list)
    for i, title in enumerate(words):
        # The three rarest words: similar titles share at least one of them.
        for word in sorted(title, key=lambda w: (frequency[w], w))[:3]:
            if frequency[word] <= 50:
                holders[word].append(i)
    compared = set()
    for group in holders.values():
        for n, i in enumerate(group):
            for j in group[n + 1 :]:
                if (i, j) in compared:
                    continue
                compared.add((i, j))
                if not _akin(words[i], words[j]):
                    continue
                one, two = entries[i].paper, entries[j].paper
                common = _common_authors(one, two)
                # The same authors may have changed more of the title on publication.
                alike = common >= 0.8 or (common >= 0.5 and _alike(words[i], words[j]))
                if alike and _may_be_one(one, two, taxonomy.venues):
                    other = entries[i]
                    message = f"similar to '{other.paper.title}' ({other.path})"
                    yield entries[j].path, Finding("D403", message, ("title",), other=other.path)


def _akin(one: frozenset, other: frozenset) -> bool:
    common = len(one & other)
    return common >= 2 and common * 2 >= min(len(one), len(other))


def _alike(one: frozenset, other: frozenset) -> bool:
    common = len(one & other)
    return common >= 0.6 * min(len(one), len(other)) and common * 2 >= len(one | other)


def _common_authors(one: Paper, other: Paper) -> float:
    """Share of the shorter author list that stands in the other one, too."""
    ours = {fold(name.printed) for name in one.names}
    theirs = {fold(name.printed) for name in other.names}
    return len(ours & theirs) / min(len(ours), len(theirs))


def _may_be_one(one: Paper, other: Paper, venues) -> bool:
    if any(r.key == b.key for a, b in ((one, other), (other, one)) for r in a.related):
        return False
    # Two ids of the same kind are two papers, as far as anyone can tell.
    schemes = {scheme for scheme, _ in one.ids.items()} & {scheme for scheme, _ in other.ids.items()}
    if schemes & {"arxiv", "doi", "anthology"}:
        return False
    # What stands in two proceedings is two papers; preprints and workshop papers come again.
    return any(venues[p.venue].type in ("preprint", "workshop") for p in (one, other) if p.venue in venues)
