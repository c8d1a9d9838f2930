"""Whether results that somebody sent can be believed: provenance and plausibility, without running anything.

Only runs on our own facts can be looked through: their cases, their order and their questions are known here, and so is
what the unedited model answers. Nothing here needs torch, so that a pull request is checked in seconds.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from survey.errors import UserError
from survey.files import CollectionError, load_taxonomy
from survey.files.submitted import ABOUT, CHARACTERS, NAME, About, about
from survey.pitfalls.metrics.names import parts
from survey.pitfalls.runs.material import SUITE, material, task_digest
from survey.pitfalls.runs.plan import (
    COLLAPSE,
    FORGETTING,
    LANGUAGE_MODELLING,
    Chain,
    Plan,
    asked,
    chains,
)
from survey.pitfalls.runs.results import FORMAT
from survey.pitfalls.runs.summary import summarise

DEPTH = 12
OF_EDITS = {FORGETTING, "generalization"}
"""What is asked of an edit that could not be made."""
NEAR = 0.01
"""By how much two machines may differ in a number of the unedited model, relatively where it is above 1."""
FLIPPED = 0.01
"""In which share of the answers: where two tokens are as probable, rounding decides."""


@dataclass(frozen=True)
class Problem:
    """Something that must be explained or mended. `line` is 0 for a whole file."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Benchmark(_Part):
    id: str
    sha256: str
    cases: int


class _Task(_Part):
    """`sha256` is missing in files that were written before it was told."""

    name: str
    items: int = Field(ge=1)
    sha256: str | None = None


class _Head(_Part):
    """What the first line must say."""

    format: str
    method: str
    source: dict[str, str]
    settings: dict[str, str]
    preset: str | None
    pitfalls: list[str] = Field(min_length=1)
    edits: list[int] = Field(min_length=1, max_length=50)
    seeds: list[int] = Field(min_length=1, max_length=100)
    cases: int = Field(ge=1, le=10_000)
    batch: int = Field(ge=1)
    benchmark: _Benchmark
    tasks: dict[str, _Task]
    model: str
    fingerprint: str
    configuration: dict[str, Any]
    versions: dict[str, str]
    machine: str
    threads: int
    date: str = Field(pattern=r"^20\d\d-\d\d-\d\d$")
    command: str | None


def problems(folder: Path, root: Path) -> list[Problem]:
    """Everything that is wrong with a folder of submitted results; empty where all is well. `root` is the clone, whose own
    results are compared. Raises `UserError` where there is no such folder."""
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder")
    return list(_folder(folder, root))


def _folder(folder: Path, root: Path) -> Iterator[Problem]:
    if not NAME.fullmatch(folder.name):
        yield Problem(str(folder), 0, "the folder's name is made of lower-case letters, digits and single hyphens")
    try:
        who = about(folder)
    except (UserError, CollectionError) as error:
        path, _, message = str(error).partition(": ")
        yield Problem(path, 0, message)
        who = None
    found = sorted(folder.iterdir())
    results = [path for path in found if path.suffix == ".jsonl"]
    for path in found:
        if path.is_symlink() or not path.is_file():
            yield Problem(str(path), 0, "only plain files belong here")
        elif not (path in results or path.name in (ABOUT, "summary.json", "summary.csv")):
            yield Problem(str(path), 0, f"only {ABOUT}, METHOD.jsonl, summary.json and summary.csv belong here")
        elif not re.fullmatch(r"[\w.,=+-]{1,130}", path.name, re.ASCII):
            yield Problem(str(path), 0, "the name has other signs than letters, digits and . , = + - _")
        elif path.stat().st_size > 4 * CHARACTERS or len(path.read_bytes().decode("utf-8", "replace")) > CHARACTERS:
            yield Problem(str(path), 0, f"the file has more than {CHARACTERS:,} characters: measure fewer seeds, or fewer cases, in one folder")
        else:
            continue
        return
    if not results:
        yield Problem(str(folder), 0, "there are no results (METHOD.jsonl, as `survey measure -o DIR` writes it)")
        return
    whole = True
    for path in results:
        for problem in _file(path, who, root):
            whole = False
            yield problem
    if whole:
        yield from _summary(folder)


def _file(path: Path, who: About | None, root: Path) -> Iterator[Problem]:
    rows: list[dict[str, Any]] = []
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        yield Problem(str(path), 0, "this is no text in UTF-8")
        return
    if not text.endswith("\n"):
        yield Problem(str(path), 0, "the last line is cut off")
        return
    for number, line in enumerate(text[:-1].split("\n"), 1):
        try:
            rows.append(_strict(line))
        except ValueError as error:
            yield Problem(str(path), number, f"no strict JSON: {error}")
            return
    try:
        head = _Head.model_validate(rows[0])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        yield Problem(str(path), 1, f"{'.'.join(map(str, first['loc'])) or 'the head'}: {first['msg']}")
        return
    at = len(rows)
    try:
        yield from (Problem(str(path), 1, message) for message in _head(head, rows[0], who, root))
        if head.benchmark.id != SUITE or head.benchmark.sha256 != _suite_hash():
            return  # What was asked is not known here.
        steps: list[list[dict[str, Any]]] = [[]]
        for at, row in enumerate(rows[1:], 2):
            for message in _row(row, head):
                yield Problem(str(path), at, message)
                return
            steps[-1].append(row)
            if row["kind"] == "edits":
                if row["lines"] != len(steps[-1]):
                    yield Problem(str(path), at, f"the step has {len(steps[-1])} lines, and says {row['lines']}")
                    return
                steps.append([])
        if steps.pop():
            yield Problem(str(path), at, "the last step is not complete")
            return
        yield from (Problem(str(path), 0, message) for message in _plan(head, rows[0], steps))
        yield from (Problem(str(path), 0, message) for message in _unedited(head, steps, root))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        yield Problem(str(path), at, f"this is no line of a measurement ({type(error).__name__}: {error})")
    except UserError as error:
        yield Problem(str(path), 1, f"no run can have this plan: {error}")


def _strict(line: str) -> dict[str, Any]:
    """A line as JSON defines it: no name twice, no NaN, not deep. Raises `ValueError`."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in items}) < len(items):
            raise ValueError("a name stands twice in one object")
        return dict(items)

    def constant(name: str) -> None:
        raise ValueError(f"{name} is no number of JSON")

    def number(text: str) -> float:
        if not math.isfinite(float(text)):
            raise ValueError(f"{text} is too large for a number")
        return float(text)

    try:
        row = json.loads(line, object_pairs_hook=pairs, parse_constant=constant, parse_float=number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError("a line is an object")
    level: list[Any] = [row]
    for _ in range(DEPTH):
        level = [v for value in level if isinstance(value, dict | list) for v in (value.values() if isinstance(value, dict) else value)]
        if not level:
            return row
    raise ValueError("nested too deeply")


def _head(head: _Head, raw: dict[str, Any], who: About | None, root: Path) -> Iterator[str]:
    """What is wrong with the first line."""
    from survey.editing.method import METHODS

    if head.format != FORMAT:
        yield f"the format is {head.format!r}, and {FORMAT} is read here"
    if head.method in METHODS:
        yield f"{head.method} is one of our methods: what is submitted is yours, under an id of its own"
    if who is not None and head.method != who.method:
        yield f"the method is {head.method}, and {ABOUT} says {who.method}"
    if set(head.source) not in ({"file", "sha256"}, {"package", "version", "object"}):
        yield "source must tell the file and its sha256, or package, version and object: measure with the method in a file, or installed"
    elif "sha256" in head.source and not re.fullmatch(r"[0-9a-f]{64}", head.source["sha256"]):
        yield "source.sha256 is no hash"
    if who is not None and head.source.get("version", who.version) != who.version:
        yield f"version {head.source['version']} of the package was measured, and {ABOUT} says {who.version}"
    if raw.get("statistics") is not None:
        yield "statistics of keys come from a text of one's own: measure without --stats-text, so that others can do it again"
    known = _known(root)
    if head.fingerprint not in known:
        yield f"no model of ours has the fingerprint {head.fingerprint} (known: {', '.join(sorted(set(known.values()))) or 'none, no results lie here'})"
    if head.benchmark.id != SUITE:
        yield f"only runs on our own facts can be checked, and this one is on {head.benchmark.id}: measure without --benchmark"
    elif head.benchmark.sha256 != _suite_hash():
        yield "the facts are not those of this version (benchmark.sha256): measure again with the project as it is"
    for name in ("editing-pitfalls", "torch", "transformers", "python"):
        if not re.fullmatch(r"\d+\.\d+[\w.+-]{0,30}", head.versions.get(name, "")):
            yield f"versions.{name} is missing, or no version"


def _row(row: dict[str, Any], head: _Head) -> Iterator[str]:
    """What is wrong with a line by itself. Raises `KeyError`, `TypeError`."""
    if row["seed"] not in head.seeds or not isinstance(row["edits"], int) or row["kind"] not in ("case", "task", "edits"):
        yield "seed, edits or kind are not those of the plan"
        return
    if row["kind"] == "edits":
        numbers = [row["made"], row["bytes"], row["lines"], *row["seconds"].values()]
        if not all(_number(n) and n >= 0 for n in numbers) or set(row["seconds"]) != {"edits", "questions", "tasks"}:
            yield "made, bytes, lines or seconds are no numbers from 0 on"
        if not isinstance(row.get("threads", 1), int) or row.get("threads", 1) < 1:
            yield "threads is no number from 1 on"
        if row["relative_norm"] is not None and not (_number(row["relative_norm"]) and row["relative_norm"] >= 0):
            yield "relative_norm is no number from 0 on"
        pair = lambda value: isinstance(value, list) and len(value) == 2 and all(_number(n) and n >= 0 for n in value)  # noqa: E731
        for name, told, right in (
            ("processor", "seconds from 0 on", lambda value: _number(value) and value >= 0),
            ("passes", "pairs of numbers from 0 on", pair),
        ):
            each = row.get(name, [])
            if not isinstance(each, list) or not all(map(right, each)):
                yield f"{name} is no list of {told}"
            elif name in row and len(each) != row["made"]:
                yield f"{name} has {len(each)} numbers, and {row['made']} edits were made"
        if (memory := row.get("memory")) is not None and (not isinstance(memory, int) or isinstance(memory, bool) or memory < 1):
            yield "memory is no number of bytes from 1 on, nor null"
        learnt = row.get("learnt", [])
        if not isinstance(learnt, list) or not all(isinstance(id, str) for id in learnt):
            yield "learnt is no list of cases"
        return
    if row["kind"] == "case":
        scores = [(name, pair) for found in row["scores"].values() for name, pair in found.items()]
        if not all(isinstance(pair, list) and len(pair) == 2 for _, pair in scores):
            yield "a score is no pair of the edited and the unedited value"
            return
    else:
        scores = list(row["scores"].items())
        items = head.tasks[row["task"]].items
        if not all(isinstance(values, list) and len(values) == items for _, values in scores):
            yield f"a score of {row['task']} has not one value for each of its {items} items"
            return
    for name, values in scores:
        if (message := _value(name, values)) is not None:
            yield message
            return


def _value(name: str, values: list[Any]) -> str | None:
    """What cannot be true of the values of a metric, or None."""
    try:
        metric, variant = parts(name)
    except ValueError:
        return f"there is no metric {name!r}"
    term = load_taxonomy().metrics.get(metric)
    if term is None:
        return f"there is no metric {name!r}"
    least, most = _range(term.range)
    for value in values:
        if value is None:
            continue
        if not isinstance(value, bool) and not _number(value):
            return f"{name} is no number: {json.dumps(value)[:40]}"
        if isinstance(value, bool):
            continue
        if variant == "length" and not (value >= 1 and value == int(value)):
            return f"{name} is no number of tokens: {value}"
        if variant == "nll" and value < 0:
            return f"{name} is below 0, and perplexity below 1: {value}"
        if variant not in ("length", "nll") and metric == "perplexity" and value < 1:
            return f"{name} is below 1: {value}"
        if variant not in ("length", "nll") and not least <= value <= most:
            return f"{name} lies outside of {term.range}: {value}"
    return None


def _range(text: str | None) -> tuple[float, float]:
    """The least and the greatest value that a metric can have, as the taxonomy tells its range ("0 to 1")."""
    text = (text or "").partition(",")[0].replace("log 2", "0.69315")
    if found := re.fullmatch(r"(-?[\d.]+) to ([\d.]+)", text):
        return float(found[1]), float(found[2])
    if found := re.fullmatch(r"([\d.]+) and above", text):
        return float(found[1]), math.inf
    found = re.fullmatch(r"at most ([\d.]+)", text)
    return -math.inf, float(found[1]) if found else math.inf


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plan(head: _Head, raw: dict[str, Any], steps: list[list[dict[str, Any]]]) -> Iterator[str]:
    """What the plan asks for and is not there, or is there and was not asked for. Raises `UserError`."""
    plan = Plan(
        (head.method,), tuple(head.pitfalls), tuple(head.edits), tuple(head.seeds), head.cases, head.batch, head.model,
        {head.method: head.settings} if head.settings else {}, head.preset,
    )  # fmt: skip
    asked = material(plan)
    if set(plan.pitfalls) != set(head.pitfalls):
        yield "pitfalls names parents, where `survey measure` writes their children"
        return
    kinds = {task.id: task for task in asked.tasks}
    for id, task in head.tasks.items():
        if id not in kinds or task.items > len(kinds[id].items):
            yield f"the task {id} with {task.items} items is not ours"
            return
        if task.sha256 not in (None, task_digest(replace(kinds[id], items=kinds[id].items[: task.items]))):
            yield f"the items of the task {id} are not those of this version (tasks.{id}.sha256): measure again with the project as it is"
            return
    if missing := sorted(set(kinds) - set(head.tasks)):
        yield f"the task {missing[0]} is missing, which these pitfalls need"
        return
    wanted = {(chain.name, _edits(chain, stop)): (chain, stop) for chain in chains(plan, asked, head.method) for stop in chain.stops}
    count = Counter((step[-1]["chain"], step[-1]["edits"]) for step in steps)
    for chain, edits in wanted:
        if count[chain, edits] != 1:
            yield f"the step {chain} after {edits} edits is there {count[chain, edits]} times, and belongs there once"
            return
    if more := sorted(set(count) - set(wanted)):
        yield f"the step {more[0][0]} after {more[0][1]} edits does not belong to this plan"
        return
    unmade: dict[str, dict[int, list[str]]] = defaultdict(dict)
    for step in steps:
        unmade[step[-1]["chain"]][step[-1]["edits"]] = [subject for subject, _ in step[-1]["failed"]]
    for step in steps:
        chain, stop = wanted[step[-1]["chain"], step[-1]["edits"]]
        last = step[-1]
        if any((row["chain"], row["edits"], row["seed"]) != (last["chain"], last["edits"], chain.seed) for row in step):
            yield f"a line of the step {chain.name} is of another one"
            return
        if last["made"] + len(last["failed"]) > sum(len(case.edits) for case in chain.cases[:stop]):
            yield f"the step {chain.name} after {last['edits']} edits made more edits than it has"
            return
        if strangers := sorted(set(last.get("learnt", ())) - _just_edited(plan, chain, stop)):
            yield f"the step {chain.name} after {last['edits']} edits cannot tell whether {strangers[0]} was learnt: it does not edit it, or does not ask"
            return
        expected = _cases(plan, chain, stop)
        failed = {subject for n, subjects in unmade[chain.name].items() if n <= last["edits"] for subject in subjects}
        if last["failed"] and not last["made"]:  # Of a method that makes all edits anew at once, none is there any more.
            failed |= {edit.subject for case in chain.cases[:stop] for edit in case.edits}
        for case in chain.cases[:stop] if chain.kind != "pair" else ():
            if failed & {edit.subject for edit in case.edits} and case.id in expected and _found(step, case.id) != expected[case.id]:
                expected[case.id] &= OF_EDITS
        ids = Counter(row["case"] for row in step if row["kind"] == "case")
        for id in {**ids, **expected}:
            if ids[id] != bool(expected.get(id)) or _found(step, id) != expected.get(id):
                why = "" if ids[id] != 1 or id not in expected else ", which has other pitfalls"
                yield f"the step {chain.name} after {last['edits']} edits does not hold every case of the plan once: {id}{why}"
                return
        tasks = [row["task"] for row in step if row["kind"] == "task"]
        due = [id for id in kinds if _asked(plan, chain, id)]
        if sorted(tasks) != sorted(due):
            yield f"the step {chain.name} after {last['edits']} edits has the tasks {tasks}, and {due} belong there"
            return


def _edits(chain: Chain, stop: int) -> int:
    return len(chain.cases[0].edits) if chain.kind == "pair" else stop


def _found(step: list[dict[str, Any]], case: str) -> set[str]:
    """The pitfalls that a step tells of a case."""
    return {pitfall for row in step if row["kind"] == "case" and row["case"] == case for pitfall in row["scores"]}


def _just_edited(plan: Plan, chain: Chain, stop: int) -> set[str]:
    """The cases that a step may say of that they were learnt: those that it edits, where that is asked."""
    if chain.kind != "sequence" or FORGETTING not in plan.pitfalls:
        return set()
    before = max((other for other in chain.stops if other < stop), default=0)
    return {case.id for case in chain.cases[before:stop]}


def _cases(plan: Plan, chain: Chain, stop: int) -> dict[str, set[str]]:
    """The pitfalls that are asked about for each case of a step."""
    found: dict[str, set[str]] = {}
    for _, case, probe in asked(plan, chain, stop):
        found.setdefault(case.id, set()).add(probe.pitfall)
    return found


def _asked(plan: Plan, chain: Chain, task: str) -> bool:
    """Whether a task is asked in a step of this chain."""
    if chain.kind == "pair":
        return False
    if task == LANGUAGE_MODELLING:
        return COLLAPSE in plan.pitfalls
    return plan.tasks and chain.kind == "sequence"


def _unedited(head: _Head, steps: list[list[dict[str, Any]]], root: Path) -> Iterator[str]:
    """Where the unedited model answered otherwise than it answered us."""
    ours = _ours(root, head.fingerprint, head.benchmark.sha256)
    compared, other, first = 0, 0, ""
    for key, value in _answers(steps):
        if key in ours:
            compared += 1
            if not _near(value, ours[key]):
                other += 1
                first = first or f"{' '.join(map(str, key))} is {value}, and was {ours[key]} here"
    if other > FLIPPED * compared:
        yield f"the unedited model answered otherwise than here in {other} of {compared} values, such as: {first}"


def _answers(steps: list[list[dict[str, Any]]]) -> Iterator[tuple[tuple, Any]]:
    """What a run says of the unedited model. In a sequence a case is asked fewer questions the more edits are made beside it,
    so that its values belong to that step alone."""
    for step in steps:
        for row in step:
            if row["kind"] == "case":
                kind = row["chain"].split("/")[1]
                place = (row["chain"], row["edits"]) if kind == "sequence" else (kind,)
                for pitfall, found in row["scores"].items():
                    for metric, pair in found.items():
                        yield (*place, row["case"], pitfall, metric), pair[1]
            elif row["kind"] == "task" and row["edits"] == 0:
                for metric, values in row["scores"].items():
                    for item, value in enumerate(values):
                        yield ("task", row["task"], metric, item), value


def _near(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return abs(float(one) - float(other)) <= NEAR * max(1.0, abs(float(other)))


def _own_files(root: Path) -> list[Path]:
    """Results of this project: everything below docs/results but what others sent."""
    below = root / "docs" / "results"
    return [path for path in sorted(below.rglob("*.jsonl")) if "submitted" not in path.relative_to(below).parts]


@cache
def _known(root: Path) -> dict[str, str]:
    """Models by fingerprint that results of ours are about."""
    found = {}
    for path in _own_files(root):
        with path.open(encoding="utf-8") as file:
            try:
                head = json.loads(file.readline())
            except ValueError:
                continue
        if isinstance(head, dict) and head.get("fingerprint"):
            found[str(head["fingerprint"])] = str(head.get("model"))
    return found


@cache
def _ours(root: Path, fingerprint: str, sha256: str) -> dict[tuple, Any]:
    """What the unedited model answered us on the same facts."""
    from survey.pitfalls.runs.results import read

    found: dict[tuple, Any] = {}
    for path in _own_files(root):
        try:
            head, steps = read(path, whole=False)
        except UserError:
            continue  # Results of another kind.
        if head.get("fingerprint") == fingerprint and head["benchmark"]["sha256"] == sha256:
            found.update(_answers(steps))
    return found


@cache
def _suite_hash() -> str:
    return material(Plan(("x",), ("locality",))).sha256


def _summary(folder: Path) -> Iterator[Problem]:
    """Whether summary.json says what the lines say."""
    path = folder / "summary.json"
    if not path.is_file():
        yield Problem(str(path), 0, "there is no summary: `survey measure` writes it at the end")
        return
    try:
        told = json.loads(path.read_text("utf-8"))
        same = _alike(told, json.loads(json.dumps(summarise(folder).record())))
    except (ValueError, RecursionError, UserError, KeyError, TypeError) as error:
        yield Problem(str(path), 0, f"the summary cannot be read ({type(error).__name__})")
        return
    if not same:
        yield Problem(str(path), 0, f"the summary is not what the lines give: run `survey measure` again, with -o {folder}")


def _alike(one: Any, other: Any) -> bool:
    """Whether two summaries are equal up to rounding."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return _number(one) and _number(other) and math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-4)
    return one == other
