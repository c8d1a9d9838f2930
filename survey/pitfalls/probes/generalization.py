"""Does the edit hold: itself, in other words, under other names, backwards, and in what follows from it?"""

from __future__ import annotations

from collections.abc import Sequence

from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics import METRICS
from survey.pitfalls.metrics.chains import (
    edit_wise_success,
    fact_recall,
    instance_wise_accuracy,
    multi_hop_accuracy,
    multi_hop_accuracy_compat,
)
from survey.pitfalls.metrics.shares import generalization, locality, reliability, token_accuracy
from survey.pitfalls.metrics.texts import free_running_exact_match, mentioned
from survey.pitfalls.probes.reading import (
    Scores,
    States,
    among,
    answered,
    beside,
    counts,
    exact,
    exact_each,
    facts,
    likelihood,
    names,
    next_tokens,
    of,
    over,
    pair,
    said,
    said_each,
    text,
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
    nexts = [next_tokens(state, questions) for state in (states[0], states[-1])]
    return {
        f"{name}-score": of(METRICS[f"{name}-score"], pairs),
        f"{name}-magnitude": of(METRICS[f"{name}-magnitude"], pairs),
        f"{name}-score.unchanged": of(locality, *nexts),
    }


def edit(case: Case, states: States) -> Scores:
    """The edit's own prompt: does the edited model answer with the new object?"""
    questions, after = facts(case), states[-1]
    texts = [(q.answers, text(after, q).text) for q in questions]
    return {
        **_ranked("efficacy", questions, states),
        "reliability.forced": of(reliability, [exact(after, q) for q in questions]),
        "reliability.generated": of(reliability, [mentioned(a, t) for a, t in texts]),
        "token-accuracy": of(token_accuracy, [likelihood(after, q).right for q in questions]),
        "free-running-exact-match": over([free_running_exact_match(a, t) for a, t in texts]),
    }


def paraphrase(case: Case, states: States) -> Scores:
    """The same question in other words."""
    questions, after = case["paraphrase"], states[-1]
    return {
        **_ranked("paraphrase", questions, states),
        "generalization.forced": of(generalization, [exact(after, q) for q in questions]),
        "generalization.generated": of(generalization, [said(after, q) for q in questions]),
        "generalization.tokens": of(token_accuracy, [likelihood(after, q).right for q in questions]),
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
    known = count[: len(questions)]
    generated = among([said_each(after, q) for q in questions], known)
    scores: Scores = {
        "instance-wise-accuracy.forced": instance_wise_accuracy([exact(after, q) for q in hops]),
        "instance-wise-accuracy.generated": instance_wise_accuracy([said(after, q) for q in hops]),
        "edit-wise-success.forced": of(edit_wise_success, [exact(after, q) for q in own]),
        "edit-wise-success.generated": of(edit_wise_success, [said(after, q) for q in own]),
    }
    if not all(count):
        scores |= {name: None for name in scores if name.startswith("instance-wise")}
    scores |= beside("multi-hop-accuracy", questions, states, known)
    edited = [(edit.subject, edit.target) for edit in case.edits]
    forced = among([exact_each(after, q) for q in questions], known)
    scores |= {
        "multi-hop-accuracy.forced": of(multi_hop_accuracy, forced),
        "multi-hop-accuracy.generated": of(multi_hop_accuracy, generated),
        "multi-hop-accuracy.compat": of(multi_hop_accuracy_compat, generated),
        **answered("qa-accuracy", case["reasoning"], states),
        "fact-recall.mentioned": over([fact_recall(edited, text(after, q, REASONING).text) for q in case["reasoning"]]),
    }
    return {name: scores[name] for name in MULTI_HOP}
