"""Does the edit hold: itself, in other words, under other names, backwards, and in what follows from it?"""

from __future__ import annotations

from collections.abc import Sequence

from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics.chains import (
    fact_recall,
    instance_wise_accuracy,
    multi_hop_accuracy_compat,
)
from survey.pitfalls.metrics.probabilities import efficacy_magnitude, efficacy_score
from survey.pitfalls.metrics.texts import free_running_exact_match, mentioned
from survey.pitfalls.probes.reading import (
    Scores,
    States,
    among,
    answered,
    counts,
    exact,
    facts,
    likelihood,
    names,
    over,
    pair,
    said,
    text,
    unchanged,
    wordings,
)

EDIT = (
    "efficacy-score", "efficacy-magnitude", "efficacy-score.unchanged",
    "reliability.forced", "reliability.generated", "token-accuracy", "free-running-exact-match",
)  # fmt: skip
PARAPHRASE = (
    "paraphrase-score", "paraphrase-magnitude", "paraphrase-score.unchanged",
    "generalization.forced", "generalization.generated", "generalization.tokens",
)  # fmt: skip


def _ranked(name: str, questions: Sequence[Question], states: States) -> Scores:
    """Score and magnitude of new object against old one, and the share of next tokens that stayed."""
    pairs = [p for p in [pair(states[-1], q) for q in questions] if p is not None]
    same = [unchanged(states, q) for q in questions]
    return {
        f"{name}-score": efficacy_score(pairs) if pairs else None,
        f"{name}-magnitude": efficacy_magnitude(pairs) if pairs else None,
        f"{name}-score.unchanged": over(same),
    }


def edit(case: Case, states: States) -> Scores:
    """The edit's own prompt: does the edited model answer with the new object?"""
    questions, after = facts(case), states[-1]
    texts = [(q.answers, text(after, q).text) for q in questions]
    return {
        **_ranked("efficacy", questions, states),
        "reliability.forced": over([exact(after, q) for q in questions]),
        "reliability.generated": over([mentioned(a, t) for a, t in texts]),
        "token-accuracy": over([likelihood(after, q).right for q in questions]),
        "free-running-exact-match": over([free_running_exact_match(a, t) for a, t in texts]),
    }


def paraphrase(case: Case, states: States) -> Scores:
    """The same question in other words."""
    questions, after = case["paraphrase"], states[-1]
    return {
        **_ranked("paraphrase", questions, states),
        "generalization.forced": over([exact(after, q) for q in questions]),
        "generalization.generated": over([said(after, q) for q in questions]),
        "generalization.tokens": over([likelihood(after, q).right for q in questions]),
    }


ALIASING = (*names("subject-replace"), *names("subject-aliasing"))


def aliasing(case: Case, states: States) -> Scores:
    """The edited fact under another name of the subject; RippleEdits has its own list of such tests."""
    return {
        **answered("subject-replace", case["alias"], states),
        **answered("subject-aliasing", case["subject-aliasing"], states),
    }


REVERSAL = names("reverse-relation")


def reversal(case: Case, states: States) -> Scores:
    """From the new object back to the subject."""
    return answered("reverse-relation", case["reverse"], states)


ONE_HOP = names("one-hop")


def one_hop(case: Case, states: States) -> Scores:
    """What follows from the new object and one fact that the unedited model knows."""
    return answered("one-hop", case["one-hop"], states)


LOGICAL = names("logical-generalization")


def logical(case: Case, states: States) -> Scores:
    """What follows from the edit by the logic of the relation."""
    return answered("logical-generalization", case["logical"], states)


REASONING = 100
"""Tokens in which a model may reason."""
MULTI_HOP = (
    *names("multi-hop-accuracy"), "multi-hop-accuracy.compat",
    "instance-wise-accuracy.forced", "instance-wise-accuracy.generated",
    "edit-wise-success.forced", "edit-wise-success.generated", *names("qa-accuracy"), "fact-recall.mentioned",
)  # fmt: skip


def multi_hop(case: Case, states: States) -> Scores:
    """Questions over a chain of facts. An instance counts where the unedited model knows what its questions need."""
    questions, hops, own = case["multi-hop"], case["hop"], facts(case)
    after = states[-1]
    count = [counts(states[0], q) for q in (*questions, *hops)]
    first = [
        multi_hop_accuracy_compat([mentioned(w.answers, text(after, w).text) for w in wordings(q)]) for q in questions
    ]
    forced, generated = [exact(after, q) for q in hops], [said(after, q) for q in hops]
    scores = {
        "instance-wise-accuracy.forced": instance_wise_accuracy(forced),
        "instance-wise-accuracy.generated": instance_wise_accuracy(generated),
        "edit-wise-success.forced": over([exact(after, q) for q in own]),
        "edit-wise-success.generated": over([said(after, q) for q in own]),
    }
    if not all(count):
        scores |= {name: None for name in scores if name.startswith("instance-wise")}
    return {
        **answered("multi-hop-accuracy", questions, states),
        "multi-hop-accuracy.compat": among(first, count[: len(questions)]),
        **scores,
        **answered("qa-accuracy", case["reasoning"], states),
        "fact-recall.mentioned": over([_recall(case, text(after, q, REASONING).text) for q in case["reasoning"]]),
    }


def _recall(case: Case, reasoning: str) -> float:
    """How many of the edited facts are stated, each by its subject and its new object."""
    return fact_recall(mentioned((edit.subject,), reasoning) and mentioned((edit.target,), reasoning) for edit in case.edits)
