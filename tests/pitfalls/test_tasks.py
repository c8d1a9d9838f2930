"""Items of downstream tasks, scored by hand."""

from __future__ import annotations

import math

import pytest

from survey.files.load import load_taxonomy
from survey.pitfalls.asking import Continuation, Likelihood, Loss, Passage, Said, Text, steady
from survey.pitfalls.metrics import parts
from survey.pitfalls.task import Item, Task
from survey.pitfalls.tasks import MAIN, score
from tests.pitfalls.probes.cases import Answers, collapsed, p

NAN = math.nan
ITEMS = {
    "choice": Item("c", "The film is", ("good",), ("bad", "good", "ugly")),
    "number": Item("n", "Q: 3 and 4?\nA:", ("7",)),
    "short": Item("s", "Q: Who?\nA:", ("Ada Lovelace", "Lovelace")),
    "summary": Item("m", "A long text. In short:", ("the cat is on the mat",)),
    "text": Item("t", "", ("A text of its own.",)),
}


def task(kind: str) -> Task:
    return Task("sentiment-analysis", "A task", kind, (ITEMS[kind],), tokens=30)


def scored(kind: str, state) -> dict:
    return score(task(kind), ITEMS[kind], (state,))


def said(kind: str, text: str) -> dict:
    return scored(kind, Answers({Said(ITEMS[kind].prompt, 30): Text(text)}))


def chosen(*ps: float) -> bool:
    item = ITEMS["choice"]
    return scored("choice", Answers({Continuation(item.prompt, c): p(v) for c, v in zip(item.choices, ps, strict=True)}))["accuracy"]


@pytest.mark.parametrize("kind", ITEMS)
def test_a_task_asks_the_same_whatever_it_is_told(kind):
    assert steady(score, task(kind), ITEMS[kind], states=1)
    assert steady(score, task(kind), ITEMS[kind], states=2)


@pytest.mark.parametrize("kind", ITEMS)
def test_names_are_known(kind):
    names = scored(kind, collapsed())
    assert MAIN[kind] in names
    assert all(parts(name).metric in load_taxonomy().metrics for name in names)


def test_the_most_probable_choice_counts():
    assert chosen(0.2, 0.5, 0.3) is True
    assert chosen(0.5, 0.2, 0.3) is False
    assert chosen(0.4, 0.4, 0.1) is False  # a tie
    first = Item("f", "The film is", ("good",), ("good", "bad"))
    for even in (p(0.4), Likelihood(NAN, False, 0.0, 1)):
        assert score(Task("t", "A task", "choice", (first,)), first, (Answers(Continuation=even),)) == {"accuracy": False}
    assert chosen(0.0, 0.1, 0.0) is True


def test_a_longer_choice_is_not_worse_for_its_length():
    """`log_p` is a mean over tokens: three tokens of .5 each beat one of .4."""
    item = ITEMS["choice"]
    state = Answers({
        Continuation(item.prompt, "bad"): p(0.4), Continuation(item.prompt, "ugly"): p(0.1),
        Continuation(item.prompt, "good"): Likelihood(math.log(0.5), False, 0.0, 3),
    })  # fmt: skip
    assert scored("choice", state)["accuracy"] is True


def test_the_final_number_counts():
    assert said("number", " 3 + 4 = 7") == {"solve-rate": True}
    assert said("number", " 7\n\nQ: 8 and 9?\nA: 17") == {"solve-rate": True}
    assert said("number", " 34") == {"solve-rate": False}


def test_a_short_answer_ends_with_its_line():
    assert said("short", " Ada Lovelace.\nQ: And who else?") == {"exact-match": True, "exact-match.mentioned": True, "f1": 1}
    # In a sentence: mentioned, not equal. Words: it was ada lovelace; P = 2/4, R = 1, F1 = 2/3.
    found = said("short", " It was Ada Lovelace")
    assert found == {"exact-match": False, "exact-match.mentioned": True, "f1": pytest.approx(2 / 3)}
    assert said("short", " Byron\nAda Lovelace") == {"exact-match": False, "exact-match.mentioned": False, "f1": 0}
    assert said("short", "") == {"exact-match": False, "exact-match.mentioned": False, "f1": 0}


def test_a_summary_is_one_paragraph():
    found = said("summary", " the cat sat on the mat\n\nAnd then something else.")
    assert found == {
        "rouge": pytest.approx((5 / 6 + 3 / 5 + 5 / 6) / 3), "rouge.1": pytest.approx(5 / 6), "rouge.2": pytest.approx(3 / 5),
        "rouge.l": pytest.approx(5 / 6),
    }  # fmt: skip


def test_a_text_is_told_with_what_a_perplexity_is_summed_up_from():
    state = Answers({Passage(ITEMS["text"].answers[0]): Loss(6.0, 3)})
    assert scored("text", state) == {"perplexity": pytest.approx(math.e**2), "perplexity.nll": 6, "perplexity.length": 3}


def test_a_collapsed_model_gets_nothing_right():
    assert scored("choice", collapsed()) == {"accuracy": False}
    assert scored("number", collapsed()) == {"solve-rate": False}
    assert scored("short", collapsed()) == {"exact-match": False, "exact-match.mentioned": False, "f1": 0}
    assert set(scored("summary", collapsed()).values()) == {0}
    assert math.isnan(scored("text", collapsed())["perplexity"])


def test_the_main_metrics_are_those_of_the_taxonomy():
    kinds = {"sentiment-analysis": "choice", "reasoning": "number", "open-domain-qa": "short", "summarisation": "summary"}
    tasks = load_taxonomy().tasks
    assert {id: tasks[id].metric for id in kinds} == {id: MAIN[kind] for id, kind in kinds.items()}


def test_the_last_of_several_states_is_scored():
    right, wrong = (Answers({Said(ITEMS["number"].prompt, 30): Text(text)}) for text in (" 7", " 8"))
    assert score(task("number"), ITEMS["number"], (wrong, right)) == {"solve-rate": True}
    assert score(task("number"), ITEMS["number"], (right, wrong)) == {"solve-rate": False}
