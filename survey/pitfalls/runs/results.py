"""Files of a run: one of JSON lines for each method, and the patches of sequences that are under way.

The first line of DIR/METHOD.jsonl says what was run. Then come steps, each with its lines together; the last line of a
step is of kind `edits` and counts them, so that what was cut off by a kill is found and done again, and nothing else is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from survey.errors import UserError

FORMAT = "editing-measurement/1"
# What must be the same for a run to go on in a file.
DECISIVE = (
    "format", "method", "source", "settings", "preset", "statistics", "trained", "pitfalls", "edits", "batch", "added", "model",
    "fingerprint", "benchmark", "tasks",
)  # fmt: skip
# What may only grow: more seeds and more cases leave those that were measured as they are.
GROWING = {"seeds": lambda old, new: set(old) <= set(new), "cases": lambda old, new: old <= new}


class Results:
    """The file of one method, which grows by whole steps."""

    def __init__(self, folder: Path, head: dict[str, Any]) -> None:
        """Begin a file, or go on with one of the same run. Raises `UserError` for a file of another run."""
        self.path = place(folder, head)
        self._patches = folder / ".patches" / file_name(head)
        self.head = json.loads(json.dumps(head))
        self.done: set[tuple[str, int]] = set()
        if not self.path.exists():
            _replace(self.path, [self.head])
            return
        old, steps = read(self.path, whole=False)
        for field in (*DECISIVE, *GROWING):
            goes_on = GROWING.get(field, lambda old, new: old == new)
            if not goes_on(old.get(field), self.head.get(field)):
                where, there, now = _difference(field, old.get(field), self.head.get(field))
                raise UserError(
                    f"{self.path} holds a run with other {where} ({_short(there)}, now {_short(now)}): "
                    "name another folder with -o, or delete the file"
                )
        # What was said of the machine and the day is that of the first part.
        self.head = {**old, **{field: self.head[field] for field in GROWING}}
        self.done = {(step[-1]["chain"], step[-1]["edits"]) for step in steps}
        _replace(self.path, [self.head, *(line for step in steps for line in step)])

    def add(self, rows: Sequence[dict[str, Any]], patch: bytes | None, last: bool) -> bool:
        """Write a step, and keep its patch where the chain goes on. A step that is there already is not written again; tells
        whether it was new."""
        chain, edits = rows[-1]["chain"], rows[-1]["edits"]
        new = (chain, edits) not in self.done
        if not last:
            self._patches.mkdir(parents=True, exist_ok=True)
            target = self._patch(chain, edits)
            target.with_suffix(".new").write_bytes(patch or b"")
            os.replace(target.with_suffix(".new"), target)
        if new:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(f"{_line(row)}\n" for row in rows))
                file.flush()
                os.fsync(file.fileno())
            self.done.add((chain, edits))
        for old in self._patches.glob(f"{_name(chain)}.*.safetensors"):
            if last or old != self._patch(chain, edits):
                old.unlink()
        with suppress(OSError):  # They are not empty, or the run of another method has removed them.
            self._patches.rmdir()
            self._patches.parent.rmdir()
        return new

    def patch(self, chain: str, edits: int) -> bytes | None:
        """The patch of a step that is done, empty where no edit could be made; None where it is lost."""
        path = self._patch(chain, edits)
        return path.read_bytes() if path.exists() else None

    def _patch(self, chain: str, edits: int) -> Path:
        return self._patches / f"{_name(chain)}.{edits}.safetensors"


def place(folder: Path, head: dict[str, Any]) -> Path:
    """Where the results of a run of one method stand in a folder."""
    return folder / f"{file_name(head)}.jsonl"


def file_name(head: dict[str, Any]) -> str:
    """Name of a method's file, with the settings that were changed."""
    changed = ",".join(f"{name}={value}" for name, value in sorted(head["settings"].items()))
    name = head["method"] + (f".{head['preset']}" if head.get("preset") else "") + (f".{changed}" if changed else "")
    return _name(name)[:120]


def read(path: Path, *, whole: bool = True) -> tuple[dict[str, Any], list[list[dict[str, Any]]]]:
    """The head of a file and its complete steps. Where not `whole`, a step that was cut off at the end is left out.

    Raises `UserError` with the line for a file that is no such run, or holds a step twice.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or 'this is no text'}") from None
    head = _parsed(path, 1, lines[0])
    if head.get("format") != FORMAT:
        raise UserError(f"{path}: this is no measurement of format {FORMAT} (`survey measure` makes one)")
    steps: list[list[dict]] = []
    block: list[dict] = []
    seen: dict[tuple[str, int], int] = {}
    for number, text in enumerate(lines[1:], 2):
        if not text and number == len(lines):
            break
        try:
            row = _parsed(path, number, text)
        except UserError:
            if whole or number < len(lines):
                raise
            break
        block.append(row)
        if row.get("kind") == "edits":
            if row.get("lines") != len(block):
                raise UserError(f"{path}:{number}: a step of {row.get('lines')} lines has {len(block)}")
            chain, edits = row.get("chain"), row.get("edits")
            if not isinstance(chain, str) or not isinstance(edits, int):
                raise UserError(f"{path}:{number}: this step does not tell its chain and its number of edits")
            if (first := seen.setdefault((chain, edits), number)) != number:
                raise UserError(
                    f"{path}:{number}: the step {chain} after {edits} edits stands there twice (it ends in line {first}, too): "
                    "delete one of them with all its lines"
                )
            steps.append(block)
            block = []
    if whole and block:
        raise UserError(f"{path}: the last step is not complete: run the same command again")
    return head, steps


def files(folder: Path) -> Iterator[Path]:
    """The results of a folder, by name. Raises `UserError` where there are none."""
    found = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if not found:
        raise UserError(f"{folder}: there are no results (`survey measure -o {folder}` writes some)")
    yield from found


def _parsed(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
        if isinstance(row, dict):
            return row
    except (ValueError, RecursionError):
        pass
    raise UserError(f"{path}:{number}: this is no line of a measurement")


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def _replace(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a file whole or not at all."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        file.write("".join(f"{_line(row)}\n" for row in rows))
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def _name(text: str) -> str:
    """A text as a part of a file name."""
    import hashlib
    import re

    safe = re.sub(r"[^\w.,=+-]", "_", text)
    return safe if len(safe) < 100 else f"{safe[:80]}-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"


def _difference(name: str, old: Any, new: Any) -> tuple[str, Any, Any]:
    """The first part of two values that is not the same: its name, and both."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                return _difference(f"{name}.{key}", old.get(key), new.get(key))
    return name, old, new


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 60 else f"{text[:57]}..."
