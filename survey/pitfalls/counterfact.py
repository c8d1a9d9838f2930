"""CounterFact in its extended form: its records with one rephrasing and one neighbour, and a model's scores on them.

A record has `prompt`, `subject`, `target_new`, `ground_truth`, one rephrasing (`rephrase_prompt`) and one
prompt about a neighbour (`locality_prompt`), whose right answer is the old object. Scores are those of
Meng et al. 2022 (2202.05262) with length-normalised probabilities; beside each comparison of two
probabilities stands the share of exact answers, since the comparison alone says little where a model does
not know the old fact.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel
from survey.errors import UserError
from survey.pitfalls.benchmarks import read
from survey.pitfalls.benchmarks.reading import located
from survey.pitfalls.case import Case


@dataclass(frozen=True)
class Record:
    """One fact to be changed, with what should change along and what should not."""

    case: int | str
    edit: Edit
    rephrase: str
    neighbour: str


def read_records(path_or_name: str | os.PathLike) -> tuple[list[Record], list[str]]:
    """Usable records of a file, and for each other one a line that says what is wrong with it.

    Usable is a case of CounterFact with one rephrasing and one neighbour, whose subject occurs once in its prompt. Raises
    `UserError` where the file cannot be read, or holds no usable record.
    """
    found = read(path_or_name, format="counterfact")
    records, problems = [], list(map(str, found.problems))
    for case in found.cases:
        if wrong := _unusable(case):
            problems.append(f"{found.path}: case {case.id}: {wrong}")
        else:
            [rephrasing], [neighbour] = case["paraphrase"], case["neighbour"]
            records.append(Record(_number(case.id), case.edit, rephrasing.prompt, neighbour.prompt))
    if not records:
        raise UserError(f"{problems[0]} (no record is usable)")
    return records, problems


def _unusable(case: Case) -> str | None:
    """What keeps a case from being asked here, if anything does."""
    if (times := case.edit.text.count(case.edit.subject)) != 1:
        return f"the subject occurs {times} times in the prompt, and once is needed"
    rephrasings, neighbours = len(case["paraphrase"]), len(case["neighbour"])
    if (rephrasings, neighbours) != (1, 1):
        return f"one rephrasing and one neighbour are asked here, not {rephrasings} and {neighbours} (`survey measure` asks them all)"
    return None


def _number(id: str) -> int | str:
    """An id as it stands in files of results: a number, if the file of records calls it so."""
    return int(id) if id.isdecimal() and str(int(id)) == id else id


def described(model: LanguageModel, file: str | os.PathLike, records: Sequence[Record]) -> dict[str, Any]:
    """What a run on some records of a file says of itself: model, file, cases, versions, machine and day."""
    import torch
    import transformers

    from survey import __version__

    file = located(file)
    return {
        "model": model.name, "fingerprint": model.fingerprint, "file": file.name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "records": [r.case for r in records], "seed": 0,
        "versions": {
            "editing-pitfalls": __version__, "torch": torch.__version__.partition("+")[0],
            "transformers": transformers.__version__, "python": platform.python_version(),
        },
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


# Whether each holds for one record, by the names that the probes have for it (`survey.pitfalls.metrics.names`).
METRICS = {
    "efficacy-score": "new target more probable than the old, on the prompt",
    "reliability.forced": "every token of the new target is the most probable one, on the prompt",
    "paraphrase-score": "new target more probable than the old, on the rephrasing",
    "generalization.forced": "every token of the new target is the most probable one, on the rephrasing",
    "neighbourhood-score": "old target more probable than the new, on the neighbour's prompt",
    "neighbourhood-score.kept": "the same, among records where it held before the edit",
    "locality.next-token": "the most probable next token of the neighbour's prompt is what it was",
}


@dataclass(frozen=True)
class Observation:
    """What a model says on the prompts of one record."""

    values: dict[str, bool]
    next_token: int


def observe(model: LanguageModel, records: Sequence[Record]) -> list[Observation]:
    """Score the model as it is now on each record, in a few passes for all of them."""
    pairs = [
        (prompt, target)
        for r in records
        for prompt in (r.edit.text, r.rephrase, r.neighbour)
        for target in (r.edit.target, r.edit.was)
    ]
    found = model.target_log_probabilities(pairs)
    tokens = model.next_logits([r.neighbour for r in records]).argmax(-1).tolist()
    observations = []
    for i, token in enumerate(tokens):
        (new, said), (old, _), (p_new, p_said), (p_old, _), (n_new, _), (n_old, _) = found[6 * i : 6 * i + 6]
        values = {
            "efficacy-score": bool(new.mean() > old.mean()),
            "reliability.forced": bool(said.all()),
            "paraphrase-score": bool(p_new.mean() > p_old.mean()),
            "generalization.forced": bool(p_said.all()),
            "neighbourhood-score": bool(n_old.mean() > n_new.mean()),
        }
        observations.append(Observation(values, token))
    return observations


def compare(after: Observation, before: Observation) -> dict[str, bool | None]:
    """All metrics for one record; `neighbourhood-score.kept` is None where it did not hold before."""
    held = before.values["neighbourhood-score"]
    return {
        **after.values,
        "neighbourhood-score.kept": after.values["neighbourhood-score"] if held else None,
        "locality.next-token": after.next_token == before.next_token,
    }
