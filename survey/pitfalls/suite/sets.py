"""The task sets of the suite, read from `tasks/<id>.yaml`."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from survey.errors import UserError
from survey.pitfalls.suite.facts import FOLDER
from survey.pitfalls.task import Item, Task


def task_ids() -> tuple[str, ...]:
    """The tasks that the suite has sets for."""
    return tuple(sorted(path.stem for path in (FOLDER / "tasks").glob("*.yaml")))


@cache
def task(id: str) -> Task:
    """A task set by its id. Raises `UserError` where the suite has none of this id."""
    if id not in task_ids():
        raise UserError(f"the suite has no task {id!r}: it has {', '.join(task_ids())}")
    written = yaml.safe_load((FOLDER / "tasks" / f"{id}.yaml").read_text("utf-8"))
    items = tuple(_item(f"{id}-{n}", item, written) for n, item in enumerate(written["items"]))
    return Task(id, written["name"], written["kind"], items, written.get("tokens", 20), written.get("chance"))


def _item(id: str, item: str | list[str], written: dict[str, Any]) -> Item:
    if isinstance(item, str):
        return Item(id, "", (item,))
    text, *answers = item
    prompt = written["template"].replace("{shown}", written["shown"]).replace("{text}", text)
    return Item(id, prompt, tuple(answers), tuple(written.get("choices", ())))
