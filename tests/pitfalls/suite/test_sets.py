"""The suite's task sets: enough items, short, apart from the facts, and within the model's reach."""

from __future__ import annotations

import pytest

from survey.errors import UserError
from survey.pitfalls.suite import facts, known, task, task_ids

IDS = {"sentiment-analysis", "reasoning", "open-domain-qa", "summarisation", "language-modelling"}


def test_the_five_tasks_are_there():
    assert set(task_ids()) == IDS
    with pytest.raises(UserError, match="it has language-modelling, open-domain-qa"):
        task("chess")


def test_their_ids_are_those_of_the_taxonomy(taxonomy):
    assert IDS - {"language-modelling"} <= set(taxonomy.tasks)
    for id in IDS - {"language-modelling"}:
        assert task(id).name == taxonomy.tasks[id].name


@pytest.mark.parametrize("id", sorted(IDS))
def test_items_are_enough_and_apart(id):
    items = task(id).items
    assert 40 <= len(items) <= (70 if id == "language-modelling" else 60)
    assert len({item.id for item in items}) == len(items)
    assert len({(item.prompt, item.answers if not item.prompt else ()) for item in items}) == len(items)
    for item in items:
        assert item.prompt == item.prompt.strip() and all(isinstance(a, str) and a == a.strip() for a in item.answers)
        assert "{" not in item.prompt
        # A word is about one and a third tokens, and a prompt has less than 150.
        assert len(item.prompt.split()) <= 105, item.prompt


def test_both_labels_are_as_frequent():
    shares = [sum(item.answers == (label,) for item in task("sentiment-analysis").items) for label in ("positive", "negative")]
    assert shares[0] == shares[1]


def test_no_answer_is_right_for_most_word_problems():
    from survey.pitfalls.suite.proving import most_frequent

    share = most_frequent(task("reasoning"))
    assert share < 0.2 and task("reasoning").chance == pytest.approx(share, abs=1e-4)


def test_questions_name_no_subject_of_the_facts():
    subjects = {s.casefold().removeprefix("the ") for r in facts.relations().values() for s in r.right}
    words = {s for s in subjects if len(s) > 2}
    for item in task("open-domain-qa").items:
        asked = item.prompt.rpartition("Question: ")[2].removesuffix("\nAnswer:").casefold()
        padded = f" {asked.replace('?', ' ').replace(',', ' ')} "
        assert not [w for w in words if f" {w} " in padded], asked


@pytest.mark.parametrize("id", sorted(IDS))
def test_the_default_model_was_clearly_better_than_chance(id):
    proof = known()["tasks"][id]
    assert proof["items"] == len(task(id).items), "prove it again: python -m survey.pitfalls.suite --prove"
    if id == "language-modelling":
        assert proof["high"] < proof["chance"]
    else:
        assert proof["low"] > proof["chance"]
        assert task(id).chance in (None, proof["chance"])
