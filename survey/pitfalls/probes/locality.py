"""Does everything else stay: neighbours, unrelated questions, other relations, and neighbours behind the edited statement?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from survey.pitfalls.asking import Continuation, Next, Passage
from survey.pitfalls.case import Case, Question
from survey.pitfalls.metrics.distributions import neighbourhood_kl, neighbourhood_kl_compat
from survey.pitfalls.metrics.losses import essence
from survey.pitfalls.metrics.probabilities import kept, neighbourhood_magnitude, neighbourhood_score
from survey.pitfalls.metrics.shares import (
    distract_neighbour,
    locality,
    other_attribution,
    recorded_locality,
)
from survey.pitfalls.probes.reading import (
    Scores,
    States,
    exact,
    likelihood,
    next_tokens,
    of,
    over,
    said,
    texts,
)

NEIGHBOURHOOD = (
    "neighbourhood-score", "neighbourhood-magnitude", "neighbourhood-score.kept", "neighbourhood-score.exact",
    "locality.next-token", "locality.generated", "neighbourhood-kl", "neighbourhood-kl.compat",
)  # fmt: skip
DISTRACTION = (
    "neighbourhood-score.distracted", "neighbourhood-magnitude.distracted", "neighbourhood-score.distracted-kept",
    "neighbourhood-score.distracted-exact", "distract-neighbour.next-token", "distract-neighbour.generated",
    "neighbourhood-kl.distracted", "neighbourhood-kl.distracted-compat",
)  # fmt: skip


def _neighbours(case: Case, questions: Sequence[Question], states: States, stay: Callable[..., float]) -> tuple:
    """Score, magnitude, share kept, share exact, next tokens kept, texts kept, divergence in nats and as published.

    stay: the metric's function that compares the answers before and after.
    """
    before, after = states[0], states[-1]
    ps = []
    for state in (before, after):
        new = [state[Continuation(q.prompt, q.against or case.edit.target)].p for q in questions]
        ps.append([(n, likelihood(state, q).p) for n, q in zip(new, questions, strict=True)])
    held, holds = ([old > new for new, old in pairs] for pairs in ps)
    nexts = [(before[Next(q.prompt)], after[Next(q.prompt)]) for q in questions]
    return (
        of(neighbourhood_score, ps[1]),
        of(neighbourhood_magnitude, ps[1]),
        kept(held, holds) if any(held) else None,
        over([exact(after, q) for q in questions]),
        of(stay, [b.top for b, _ in nexts], [None if a.top < 0 else a.top for _, a in nexts]),
        of(stay, texts(before, questions), texts(after, questions)),
        over([neighbourhood_kl(b.log_p, a.log_p) for b, a in nexts]),
        over([neighbourhood_kl_compat(b.log_p, a.log_p) for b, a in nexts]),
    )


def neighbourhood(case: Case, states: States) -> Scores:
    """Other subjects of the same relation, for which the old object is right."""
    return dict(zip(NEIGHBOURHOOD, _neighbours(case, case["neighbour"], states, locality), strict=True))


def distraction(case: Case, states: States) -> Scores:
    """The same behind the edited statement. Both models read it, so that it distracts the unedited one, too."""
    return dict(zip(DISTRACTION, _neighbours(case, case.distracted, states, distract_neighbour), strict=True))


UNRELATED = ("locality.next-token", "locality.generated", "locality.recorded", "locality.kept")


def unrelated(case: Case, states: States) -> Scores:
    """Questions that have nothing to do with the edit."""
    questions, before, after = case["unrelated"], states[0], states[-1]
    return {
        "locality.next-token": of(locality, next_tokens(before, questions), next_tokens(after, questions)),
        "locality.generated": of(locality, texts(before, questions), texts(after, questions)),
        "locality.recorded": of(recorded_locality, [likelihood(after, q).right for q in questions]),
        "locality.kept": _kept(questions, states),
    }


def _kept(questions: Sequence[Question], states: States) -> float | None:
    """Share of the answers that were said before the edit and still are."""
    held, holds = ([said(state, q) for q in questions] for state in (states[0], states[-1]))
    return kept(held, holds) if any(held) else None


RELATION = (
    "other-attribution.next-token", "other-attribution.generated", "other-attribution.forced", "other-attribution.kept", "essence",
)  # fmt: skip


def relation(case: Case, states: States) -> Scores:
    """Other relations of the subject, and texts about it."""
    questions, before, after = case["relation"], states[0], states[-1]
    losses = [states[-1][Passage(t)] for q in case["essence"] for t in q.answers]
    return {
        "other-attribution.next-token": of(other_attribution, next_tokens(before, questions), next_tokens(after, questions)),
        "other-attribution.generated": of(other_attribution, texts(before, questions), texts(after, questions)),
        "other-attribution.forced": over([exact(states[-1], q) for q in questions]),
        "other-attribution.kept": _kept(questions, states),
        "essence": essence((loss.nll, loss.tokens) for loss in losses) if losses else None,
    }
