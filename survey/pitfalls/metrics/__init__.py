"""Every metric of the survey's table and the surrogate ones, as pure functions on plain numbers and texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from survey.pitfalls.metrics import (
    chains,
    conflicts,
    distributions,
    losses,
    probabilities,
    shares,
    texts,
)
from survey.pitfalls.metrics.names import VARIANTS, Variant, direction, parts

__all__ = ["COMPAT", "METRICS", "VARIANTS", "Variant", "direction", "parts"]

# The function of each id in taxonomy/metrics.yaml; its docstring names the id first, and gives formula and source. Probes, tasks
# and the summary of results call them, so that what is tested is what measures.
METRICS: Mapping[str, Callable[..., Any]] = MappingProxyType({
    "reliability": shares.reliability,
    "generalization": shares.generalization,
    "locality": shares.locality,
    "efficacy-score": probabilities.efficacy_score,
    "efficacy-magnitude": probabilities.efficacy_magnitude,
    "paraphrase-score": probabilities.paraphrase_score,
    "paraphrase-magnitude": probabilities.paraphrase_magnitude,
    "neighbourhood-score": probabilities.neighbourhood_score,
    "neighbourhood-magnitude": probabilities.neighbourhood_magnitude,
    "neighbourhood-kl": distributions.neighbourhood_kl,
    "overall-score": probabilities.overall_score,
    "fluency": texts.fluency,
    "consistency": texts.consistency,
    "essence": losses.essence,
    "token-accuracy": shares.token_accuracy,
    "free-running-exact-match": texts.free_running_exact_match,
    "subject-replace": shares.subject_replace,
    "reverse-relation": shares.reverse_relation,
    "one-hop": shares.one_hop,
    "other-attribution": shares.other_attribution,
    "distract-neighbour": shares.distract_neighbour,
    "other-task": losses.other_task,
    "logical-generalization": chains.logical_generalization,
    "compositionality-1": chains.compositionality_1,
    "compositionality-2": chains.compositionality_2,
    "subject-aliasing": chains.subject_aliasing,
    "preservation": chains.preservation,
    "relation-specificity": chains.relation_specificity,
    "edit-wise-success": chains.edit_wise_success,
    "instance-wise-accuracy": chains.instance_wise_accuracy,
    "multi-hop-accuracy": chains.multi_hop_accuracy,
    "conflict-score": conflicts.conflict_score,
    "conflict-magnitude": conflicts.conflict_magnitude,
    "success-score": conflicts.success_score,
    "tied-fact-damage": conflicts.tied_fact_damage,
    "distortion": distributions.distortion,
    "ignore-rate": distributions.ignore_rate,
    "failure-rate": distributions.failure_rate,
    "qa-accuracy": shares.qa_accuracy,
    "fact-recall": chains.fact_recall,
    "perplexity": losses.perplexity,
    "downstream-score": losses.downstream_score,
    "solve-rate": shares.solve_rate,
    "accuracy": shares.accuracy,
    "exact-match": texts.exact_match,
    "rouge": texts.rouge,
    "f1": texts.f1,
})  # fmt: skip

# What published code computes in place of the published formula, or in place of what its name says. Of RippleEdits' six only the
# match is that of the published code: how long a text it lets the model say, by an error, is not (`texts.mentioned_compat`).
COMPAT: Mapping[str, Callable[..., Any]] = MappingProxyType({
    "neighbourhood-kl": distributions.neighbourhood_kl_compat,
    "distortion": distributions.distortion_compat,
    "conflict-magnitude": conflicts.conflict_magnitude_compat,
    "multi-hop-accuracy": chains.multi_hop_accuracy_compat,
    "token-accuracy": shares.token_accuracy_compat,
    "logical-generalization": texts.mentioned_compat,
    "compositionality-1": texts.mentioned_compat,
    "compositionality-2": texts.mentioned_compat,
    "subject-aliasing": texts.mentioned_compat,
    "preservation": texts.mentioned_compat,
    "relation-specificity": texts.mentioned_compat,
})  # fmt: skip
