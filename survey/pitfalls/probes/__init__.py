"""A probe for every pitfall of the survey: what a case's questions tell about it.

    PROBES["generalization.paraphrase"].score(case, states)

`states` are answers of the model (`survey.pitfalls.asking`): unedited first, edited last, and for pairs of edits the model
between them in the middle. The unedited model's own scores are those of `(before,) * len(states)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from survey.pitfalls.case import Case
from survey.pitfalls.probes import abilities, generalization, locality, pairs, ripple
from survey.pitfalls.probes.reading import Scores, States

__all__ = ["BY_TASKS", "PROBES", "Probe"]


@dataclass(frozen=True)
class Probe:
    """How one pitfall is measured on a case.

    pitfall: an id of taxonomy/pitfalls.yaml.
    roles: any of these questions must be there; none: the edit itself is enough.
    states: how many it compares: 2, or 3 for a pair of edits.
    metrics: the names that `score` returns, each time all of them, with None for what does not count.
    """

    pitfall: str
    roles: tuple[str, ...]
    states: int
    metrics: tuple[str, ...]
    score: Callable[[Case, States], Scores]

    def usable(self, case: Case) -> bool:
        """Whether the case has what it takes."""
        if self.states == 3 and (len(case.edits) != 2 or case.together):
            return False
        return not self.roles or any(case[role] for role in self.roles)


_PROBES = (
    Probe("generalization", (), 2, generalization.EDIT, generalization.edit),
    Probe("generalization.paraphrase", ("paraphrase",), 2, generalization.PARAPHRASE, generalization.paraphrase),
    Probe("generalization.aliasing", ("alias", "subject-aliasing"), 2, generalization.ALIASING, generalization.aliasing),
    Probe("generalization.reversal", ("reverse",), 2, generalization.REVERSAL, generalization.reversal),
    Probe("generalization.one-hop", ("one-hop",), 2, generalization.ONE_HOP, generalization.one_hop),
    Probe("generalization.multi-hop", ("multi-hop", "hop", "reasoning"), 2, generalization.MULTI_HOP, generalization.multi_hop),
    Probe("generalization.logical", ("logical",), 2, generalization.LOGICAL, generalization.logical),
    Probe("generalization.conflict", ("explicit-new", "implicit-new"), 3, pairs.CONFLICT, pairs.conflict),
    Probe("locality", ("unrelated",), 2, locality.UNRELATED, locality.unrelated),
    Probe("locality.neighbourhood", ("neighbour",), 2, locality.NEIGHBOURHOOD, locality.neighbourhood),
    Probe("locality.distortion", ("objects",), 3, pairs.DISTORTION, pairs.distortion),
    Probe("locality.relation", ("relation", "essence"), 2, locality.RELATION, locality.relation),
    Probe("locality.distraction", ("distract", "neighbour"), 2, locality.DISTRACTION, locality.distraction),
    Probe("locality.ripple", ripple.ROLES, 2, ripple.RIPPLE, ripple.ripple),
    Probe("general-abilities.forgetting", (), 2, abilities.FORGETTING, abilities.forgetting),
    Probe("general-abilities.fluency", ("describe", "begin"), 2, abilities.FLUENCY, abilities.write),
)

PROBES: Mapping[str, Probe] = MappingProxyType({probe.pitfall: probe for probe in _PROBES})

# Pitfalls that no case can show: they are measured by tasks (`survey.pitfalls.tasks`), with these metrics.
BY_TASKS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "locality.other-task": ("other-task", "accuracy"),
    "general-abilities.collapse": ("perplexity",),
    "general-abilities.downstream": ("downstream-score", "solve-rate", "accuracy", "exact-match", "rouge", "f1"),
})  # fmt: skip
