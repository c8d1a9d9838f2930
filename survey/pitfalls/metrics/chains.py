"""MQuAKE and RippleEdits: chains of facts, and tests that run only if their conditions held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from survey.pitfalls.metrics.shares import mean
from survey.pitfalls.metrics.texts import mentioned


def edit_wise_success(right: Iterable[bool]) -> float:
    """`edit-wise-success`: E over single edits of 1[f_e(x_e) = o*], 0 to 1, higher is better.

    Source: Zhong et al. 2023 (2305.14795), section 4.1.
    """
    return mean(map(bool, right))


def instance_wise_accuracy(right: Iterable[bool]) -> bool | None:
    """`instance-wise-accuracy`: 1[all single hops of the chain are right]; its mean is 0 to 1, higher is better.

    None for no hops. Source: Zhong et al. 2023, section 4.1. Only instances whose chain was known before the edit count.
    """
    found = [bool(r) for r in right]
    return all(found) if found else None


def multi_hop_accuracy(questions: Iterable[Sequence[bool]]) -> float:
    """`multi-hop-accuracy`: E over questions of 1[any of its wordings, there are three, is answered right], 0 to 1, higher is better.

    questions: whether each wording is answered right, of the questions whose chain the unedited model knows.
    Source: Zhong et al. 2023, section 4.1. Three tries are easier than one.
    """
    return mean(any(right) for right in questions)


def multi_hop_accuracy_compat(questions: Iterable[Sequence[bool]]) -> float:
    """`multi-hop-accuracy.compat`: only the first wording, as DeepEdit's notebook asks."""
    return mean(bool(right[0]) for right in questions)


def _passed(passed: Iterable[bool]) -> float:
    """Passed / (passed + failed); NaN where none was run."""
    return mean(map(bool, passed))


def logical_generalization(passed: Iterable[bool]) -> float:
    """`logical-generalization`: passed / (passed + failed) of tests on what follows by the relation's logic, 0 to 1, higher is better.

    passed: of the tests that were run, because their conditions held before the edit; `.counted` is the share of those, without
    which the score means little. Source: Cohen et al. 2024 (2307.12976), section 3, LG.
    Variants of all six: the published code looks for an alias anywhere in the text it gets back, which includes the
    prompt, and inside of words (`texts.mentioned_compat`).
    """
    return _passed(passed)


def compositionality_1(passed: Iterable[bool]) -> float:
    """`compositionality-1`: the same for a hop that starts at the new object (CI). Source: Cohen et al. 2024; 0 to 1, higher is better."""
    return _passed(passed)


def compositionality_2(passed: Iterable[bool]) -> float:
    """`compositionality-2`: the same for a hop that leads to the subject (CII). Source: Cohen et al. 2024; 0 to 1, higher is better."""
    return _passed(passed)


def subject_aliasing(passed: Iterable[bool]) -> float:
    """`subject-aliasing`: the same for other names of the subject (SA). Source: Cohen et al. 2024; 0 to 1, higher is better."""
    return _passed(passed)


def preservation(passed: Iterable[bool]) -> float:
    """`preservation`: the same for other right objects of the relation (PV; "Forgetfulness" in the files). Source: Cohen et al. 2024; 0 to 1, higher is better."""
    return _passed(passed)


def relation_specificity(passed: Iterable[bool]) -> float:
    """`relation-specificity`: the same for other relations of the subject (RS; "Relation_Specifity" in the files). Source: Cohen et al. 2024; 0 to 1, higher is better."""
    return _passed(passed)


def fact_recall(facts: Iterable[tuple[str, str]], reasoning: str) -> float:
    """`fact-recall`: share of the edited facts that a question needs which the written reasoning states, 0 to 1, higher is better.

    facts: subject and new object of each. One is recalled where both stand in the text, as whole words: an object alone may
    come from elsewhere. What the question needs besides the edits is not looked for.
    Source: after Hua et al. 2024 (2401.17585), whose way of counting we have not seen.
    """
    return mean(mentioned((subject,), reasoning) and mentioned((object,), reasoning) for subject, object in facts)
