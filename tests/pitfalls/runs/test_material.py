"""What a run asks about, where other task sets than our own are named."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from survey.errors import UserError
from survey.pitfalls import suite
from survey.pitfalls.runs import measure
from survey.pitfalls.runs.material import OWN_TASKS, task_digest
from survey.pitfalls.runs.material import material as material_of
from survey.pitfalls.runs.plan import COLLAPSE, DOWNSTREAM, OTHER_TASK, Plan
from survey.pitfalls.task import Item

RECORDS = {
    "gsm8k": {"question": "A box holds 2 balls. How many do 3 boxes hold?", "answer": "3 * 2 = 6\n#### 6"},
    "nli": {"sentence1": "It rains.", "sentence2": "It is wet.", "label": "entailment"},
    "sst2": {"sentence": "a fine film", "label": 1},
    "me-ppl": {"Text": "The river is long, and people live beside it.", "Corpus": "ours"},
}


@pytest.fixture
def named(tmp_path):
    """Files of task sets by name."""

    def make(*names: str) -> list[str]:
        for name in names:
            (tmp_path / f"{name}.json").write_text(json.dumps([RECORDS[name.partition("_")[0]]]))
        return [str(tmp_path / f"{name}.json") for name in names]

    return make


def asked(files: list[str], *pitfalls: str, heard=None, **more) -> list[str]:
    """Names of the tasks of a run; what is said goes to `heard`."""
    said = [] if heard is None else heard
    found = material_of(Plan(("rome",), pitfalls, (2,)), tasks=files, say=said.append, **more)
    assert heard is not None or not said
    return [task.name for task in found.tasks]


LANGUAGE_MODELLING = suite.task("language-modelling").name
OURS = [suite.task(id).name for id in OWN_TASKS]


def test_without_a_name_all_tasks_are_ours():
    assert asked([], COLLAPSE, DOWNSTREAM) == [*OURS, LANGUAGE_MODELLING]


def test_perplexity_is_measured_on_our_texts_unless_others_are_named(named):
    assert asked(named("gsm8k"), COLLAPSE, DOWNSTREAM) == ["GSM8K", LANGUAGE_MODELLING]
    assert asked(named("gsm8k", "me-ppl"), COLLAPSE, DOWNSTREAM) == ["GSM8K", "ME-PPL"]
    assert asked(named("gsm8k"), DOWNSTREAM) == ["GSM8K"]


def test_texts_alone_leave_our_other_tasks(named):
    assert asked(named("me-ppl"), COLLAPSE, DOWNSTREAM) == [*OURS, "ME-PPL"]
    assert asked(named("me-ppl"), COLLAPSE) == ["ME-PPL"]


def test_an_unrelated_task_has_choices(named):
    assert asked(named("gsm8k", "sst2"), OTHER_TASK) == ["GSM8K", "SST-2"]
    with pytest.raises(UserError, match=r"locality\.other-task needs a task whose answers are choices.*: GSM8K$"):
        asked(named("gsm8k"), OTHER_TASK)
    heard = []
    assert asked(named("gsm8k"), OTHER_TASK, DOWNSTREAM, heard=heard) == ["GSM8K"]
    assert len(heard) == 1 and heard[0].endswith("GSM8K; it is not measured")
    with pytest.raises(UserError, match="choices"):
        asked(named("gsm8k"), OTHER_TASK, DOWNSTREAM, strict=True)


def test_a_set_that_nothing_is_measured_on_is_refused(named):
    with pytest.raises(UserError, match=r"gsm8k\.json: .*general-abilities\.downstream.*not measured"):
        asked(named("gsm8k"), COLLAPSE)
    with pytest.raises(UserError, match=r"me-ppl\.json: .*general-abilities\.collapse, which is not measured"):
        asked(named("me-ppl"), DOWNSTREAM)
    with pytest.raises(UserError, match="none of them is measured"):
        asked(named("gsm8k"), "generalization")


def test_two_sets_for_one_task_are_refused(named):
    with pytest.raises(UserError, match=r"gsm8k\.json and .*gsm8k_more\.json are both sets for the task reasoning"):
        asked(named("gsm8k", "gsm8k_more"), DOWNSTREAM)
    assert asked(named("gsm8k", "nli"), DOWNSTREAM) == ["GSM8K", "Natural language inference"]


def test_a_hash_tells_all_that_a_task_asks():
    task = suite.task("sentiment-analysis")
    first, *others = task.items
    other = [
        replace(task, items=tuple(others)), replace(task, items=(*others, first)), replace(task, tokens=task.tokens + 1), replace(task, kind="short"),
        replace(task, items=(replace(first, prompt=f"{first.prompt}!"), *others)), replace(task, items=(Item(first.id, first.prompt, first.choices, first.choices), *others)),
    ]  # fmt: skip
    assert len({task_digest(one) for one in [task, *other]}) == len(other) + 1
    assert task_digest(task) == task_digest(replace(task, name="another name", items=tuple(task.items)))


def test_a_run_on_other_items_does_not_go_on_in_the_file(plan_of, material, tmp_path):
    """As many items of a task with the same name."""
    plan = plan_of(pitfalls=("general-abilities.collapse",), edits=(0,))
    [path] = measure(plan, material, tmp_path, workers=1)
    task = material.tasks[-1]
    other = replace(task, items=(*task.items[1:], replace(task.items[0], answers=("Another text, which nobody has read.",))))
    with pytest.raises(UserError, match=r"other tasks\.language-modelling\.sha256"):
        measure(plan, replace(material, tasks=(*material.tasks[:-1], other)), tmp_path, workers=1)
    assert measure(plan, material, tmp_path, workers=1) == [path]
