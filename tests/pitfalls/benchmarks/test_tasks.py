"""Downstream sets: how items are asked, with and without demonstrations, and what is told."""

from __future__ import annotations

import pytest

from survey.errors import UserError
from survey.pitfalls.benchmarks import read_task
from survey.pitfalls.task import Item
from tests.pitfalls.benchmarks.records import TASKS, written


def item(tmp_path, name) -> Item:
    task, _ = read_task(written(tmp_path, TASKS[name]))
    [only] = task.items
    return only


def test_each_set_is_asked_in_a_plain_way(tmp_path):
    assert item(tmp_path, "gsm8k") == Item("0", "Question: Anna has 3 boxes of 400 pens. How many pens?\nAnswer:", ("1200",))
    assert item(tmp_path, "boolq") == Item(
        "0", "Rome is the capital of Italy.\nQuestion: is rome in italy? Answer yes or no.\nAnswer:", ("yes",), ("yes", "no")
    )
    assert item(tmp_path, "natural_questions") == Item("0", "Question: who built the museum?\nAnswer:", ("Anna Bell", "A. Bell"))
    assert item(tmp_path, "nli") == Item(
        "0", 'Anna sleeps.\nQuestion: Does it follow that "Anna is awake."? Answer yes or no.\nAnswer:', ("no",), ("yes", "no")
    )
    assert item(tmp_path, "samsum") == Item("0", "Anna: Tea?\nBen: Yes!\n\nSummary:", ("Ben wants tea.",))
    assert item(tmp_path, "sst2") == Item("0", "Review: a fine film\nSentiment:", ("positive",), ("positive", "negative"))
    assert item(tmp_path, "me-ppl") == Item("0", "", (" Anna wrote a book.",))


def test_a_choice_has_the_chance_of_guessing(tmp_path):
    assert read_task(written(tmp_path, TASKS["sst2"]))[0].chance == 0.5
    assert read_task(written(tmp_path, TASKS["gsm8k"]))[0].chance is None


def reviews(n):
    return [{"sentence": f"film {i}", "label": i % 2} for i in range(n)]


def test_demonstrations_are_the_first_records_and_are_not_asked(tmp_path):
    task, _ = read_task(written(tmp_path, reviews(5)), demonstrations=2, limit=2)
    shown = "Review: film 0\nSentiment: negative\n\nReview: film 1\nSentiment: positive\n\n"
    assert [(i.id, i.prompt) for i in task.items] == [(str(n), f"{shown}Review: film {n}\nSentiment:") for n in (2, 3)]


def test_a_demonstration_of_gsm8k_shows_the_steps_without_the_calculators_marks(tmp_path):
    task, _ = read_task(written(tmp_path, TASKS["gsm8k"] * 2), demonstrations=1)
    assert task.items[0].prompt.startswith("Question: Anna has 3 boxes of 400 pens. How many pens?\nAnswer: 3 * 400 = 1200 pens.\nThe answer is 1200.\n\n")


def test_broken_records_are_told_and_are_no_demonstrations(tmp_path):
    path = written(tmp_path, [{"sentence": "x", "label": -1}, *reviews(3), {"sentence": "y"}])
    task, problems = read_task(path, demonstrations=1)
    assert [i.id for i in task.items] == ["2", "3"]
    assert [str(p) for p in problems] == [
        f"{path}: record 0: the label is '-1', not positive or negative, nor 1 or 0",
        f"{path}: record 4: no label",
    ]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("gsm8k", {"answer": "1200 #### many"}, "does not end with #### and a number"),
        ("boolq", {"answer": "yes"}, "answer must be true or false, not text"),
        ("natural_questions", {"answer": []}, "no answer"),
        ("nli", {"label": "neutral"}, "the label is 'neutral', not entailment or not_entailment"),
        ("samsum", {"summary": ""}, "summary is empty"),
        ("me-ppl", {"Text": "  "}, "Text is empty"),
    ],
)
def test_what_is_broken_is_told(tmp_path, name, change, message):
    path = written(tmp_path, [*TASKS[name], {**TASKS[name][0], **change}])
    task, [problem] = read_task(path, format=name)
    assert len(task.items) == 1 and problem.index == 1 and message in problem.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"demonstrations": 3}, "3 of 3 usable records as demonstrations leave none"),
        ({"demonstrations": -1}, "no fewer than 0"),
        ({"limit": 0}, "at least one item"),
    ],
)
def test_numbers_that_leave_nothing_to_ask_are_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        read_task(written(tmp_path, reviews(3)), **options)


def test_texts_have_no_demonstrations(tmp_path):
    with pytest.raises(UserError, match="texts have no demonstrations"):
        read_task(written(tmp_path, TASKS["me-ppl"] * 2), demonstrations=1)
