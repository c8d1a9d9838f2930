"""A tiny language model and a tiny benchmark to measure."""

from __future__ import annotations

import pytest

from survey.editing.edit import Edit
from survey.pitfalls.case import Case, Question
from survey.pitfalls.runs.plan import Material, Plan
from survey.pitfalls.task import Item, Task
from tests.editing.tiny import tiny_folder

PLACES = ("Rome", "Paris", "London", "Vienna", "Oslo")


def case(n: int) -> Case:
    subject, was, target = ("The museum", "The bridge", "The harbour", "The river", "The island")[n], PLACES[n], PLACES[n - 1]
    edit = Edit("{} is located in the city of", subject, target, was)
    return Case(f"case {n}", (edit,), {
        "paraphrase": (Question(f"People say: {subject} is in", (target,), was),),
        "neighbour": (Question("The boat is located in the city of", (was,), target),),
    }, "place")  # fmt: skip


def pair(n: int) -> Case:
    first = case(n).edit
    back = Edit(first.prompt, first.subject, first.was, first.target)
    return Case(f"pair {n}", (first, back), {"objects": (Question(first.text, (first.was, *PLACES[n + 1 : n + 2], "Vienna"),),)})


TASKS = (
    Task("sentiment-analysis", "tiny", "choice", tuple(Item(str(n), f"The city of {p} is", ("a city",), ("a city", "a boat")) for n, p in enumerate(PLACES))),
    Task("language-modelling", "tiny", "text", tuple(Item(str(n), "", (f"{p} is a city, and the people of {p} speak.",)) for n, p in enumerate(PLACES))),
)  # fmt: skip


@pytest.fixture(scope="session")
def material() -> Material:
    return Material("tiny", "0" * 64, tuple(map(case, range(5))), tuple(map(pair, range(3))), TASKS)


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory):
    return tiny_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def plan_of(tiny_path):
    """`plan_of(**fields)` is a plan for the tiny model that takes a second."""

    def make(**fields) -> Plan:
        settings = {"rome": {"layer": "1", "steps": "2", "contexts": "()"}, "memit": {"layers": "(1, 2)", "steps": "2", "contexts": "()"}}
        values = {"methods": ("rome",), "pitfalls": ("all",), "edits": (0, 1, 2, 4), "cases": 2, "model": str(tiny_path), **fields}
        return Plan(**values, settings={m: s for m, s in settings.items() if m in values["methods"]})

    return make


@pytest.fixture(scope="package", autouse=True)
def _own_cache(_own_environment, tmp_path_factory):
    """Statistics are kept for all tests of this folder, never where the person's are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURVEY_CACHE", str(tmp_path_factory.getbasetemp() / "cache-of-runs"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield
