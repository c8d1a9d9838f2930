"""How well two annotators agree who tagged the same entries by the guide, independently."""

from __future__ import annotations

from typing import NamedTuple

FACETS = ("kinds", "families", "methods", "benchmarks", "pitfalls", "stances")


class Agreement(NamedTuple):
    """Agreement on one facet over all entries."""

    facet: str
    labels: int  # labels given, both annotators together
    positive: float  # positive specific agreement: 2 |A and B| / (|A| + |B|), 0 to 1
    kappa: float  # Cohen's kappa over all pairs of entry and label in use
    same: float  # share of entries whose label sets are equal


def agreement(first: dict[str, dict], second: dict[str, dict]) -> list[Agreement]:
    """Compare two sets of annotations: entry key -> facet -> list of labels.

    Source of the measures: Cohen 1960 (kappa); positive specific agreement after Fleiss 1975.
    Raises `ValueError` if the two did not annotate the same entries.
    """
    if first.keys() != second.keys():
        raise ValueError(f"annotated by one only: {sorted(first.keys() ^ second.keys())}")
    return [_on_facet(facet, first, second) for facet in FACETS]


def _on_facet(facet: str, first: dict, second: dict) -> Agreement:
    pairs = [(set(first[k].get(facet, ())), set(second[k].get(facet, ()))) for k in first]
    labels = set().union(*(a | b for a, b in pairs))
    both = sum(len(a & b) for a, b in pairs)
    ours, theirs = sum(len(a) for a, _ in pairs), sum(len(b) for _, b in pairs)
    decisions = len(labels) * len(pairs)
    if not decisions:
        return Agreement(facet, 0, 1.0, 1.0, 1.0)
    observed = (decisions - (ours - both) - (theirs - both)) / decisions
    chance = (ours * theirs + (decisions - ours) * (decisions - theirs)) / decisions**2
    return Agreement(
        facet,
        ours + theirs,
        2 * both / (ours + theirs),
        1.0 if chance == 1 else (observed - chance) / (1 - chance),
        sum(a == b for a, b in pairs) / len(pairs),
    )
