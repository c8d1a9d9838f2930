"""CounterFact in its extended form: read records, and score a model on them.

A record has `prompt`, `subject`, `target_new`, `ground_truth`, one rephrasing (`rephrase_prompt`) and one
prompt about a neighbour (`locality_prompt`), whose right answer is the old object. Scores are those of
Meng et al. 2022 (2202.05262) with length-normalised probabilities; beside each comparison of two
probabilities stands the share of exact answers, since the comparison alone says little where a model does
not know the old fact.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.errors import UserError

_FIELDS = ("prompt", "subject", "target_new", "ground_truth", "rephrase_prompt", "locality_prompt")


@dataclass(frozen=True)
class Record:
    """One fact to be changed, with what should change along and what should not."""

    case: int
    edit: Edit
    rephrase: str
    neighbour: str


def read_records(path: str | os.PathLike) -> tuple[list[Record], list[str]]:
    """Usable records of a file, and for each other one a line that says what is wrong with it.

    Usable is a record whose fields are all there and whose subject occurs once in its prompt. Raises
    `UserError` where the file is no list of records.
    """
    path = Path(path)
    try:
        items = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{path}: this is no JSON: {error}") from None
    if not isinstance(items, list):
        raise UserError(f"{path}: a list of records is expected")
    records, problems = [], []
    for i, item in enumerate(items):
        missing = [f for f in _FIELDS if not isinstance(item, dict) or not isinstance(item.get(f), str) or not item[f].strip()]
        if missing:
            problems.append(f"{path}: record {i}: no {', '.join(missing)}")
            continue
        try:
            if item["prompt"].count(item["subject"]) != 1:
                raise EditError("the subject does not occur exactly once in the prompt")
            prompt = item["prompt"].replace(item["subject"], "{}")
            edit = Edit(prompt, item["subject"], item["target_new"], item["ground_truth"])
        except EditError as error:
            problems.append(f"{path}: record {i}: {error}")
            continue
        case = item.get("case_id", i)
        records.append(Record(case, edit, item["rephrase_prompt"].rstrip(), item["locality_prompt"].rstrip()))
    return records, problems


def described(model: LanguageModel, file: str | os.PathLike, records: Sequence[Record]) -> dict[str, Any]:
    """What a run on some records of a file says of itself: model, file, cases, versions, machine and day."""
    import torch
    import transformers

    from survey import __version__

    return {
        "model": model.name, "fingerprint": model.fingerprint, "file": Path(file).name,
        "sha256": hashlib.sha256(Path(file).read_bytes()).hexdigest(), "records": [r.case for r in records], "seed": 0,
        "versions": {
            "editing-pitfalls": __version__, "torch": torch.__version__.partition("+")[0],
            "transformers": transformers.__version__, "python": platform.python_version(),
        },
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


# Whether each holds for one record; ids of taxonomy/metrics.yaml where they are listed there.
METRICS = {
    "efficacy-score": "new target more probable than the old, on the prompt",
    "efficacy-exact": "every token of the new target is the most probable one, on the prompt",
    "paraphrase-score": "new target more probable than the old, on the rephrasing",
    "paraphrase-exact": "every token of the new target is the most probable one, on the rephrasing",
    "neighbourhood-score": "old target more probable than the new, on the neighbour's prompt",
    "neighbourhood-kept": "the same, among records where it held before the edit",
    "neighbourhood-unchanged": "the most probable next token of the neighbour's prompt is what it was",
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
            "efficacy-exact": bool(said.all()),
            "paraphrase-score": bool(p_new.mean() > p_old.mean()),
            "paraphrase-exact": bool(p_said.all()),
            "neighbourhood-score": bool(n_old.mean() > n_new.mean()),
        }
        observations.append(Observation(values, token))
    return observations


def compare(after: Observation, before: Observation) -> dict[str, bool | None]:
    """All metrics for one record; `neighbourhood-kept` is None where it did not hold before."""
    held = before.values["neighbourhood-score"]
    return {
        **after.values,
        "neighbourhood-kept": after.values["neighbourhood-score"] if held else None,
        "neighbourhood-unchanged": after.next_token == before.next_token,
    }


def share(values: Sequence[bool]) -> tuple[float, float, float]:
    """Share that is true with Wilson's interval of 95 %. NaN for nothing at all."""
    n = len(values)
    if not n:
        return math.nan, math.nan, math.nan
    p, z = sum(values) / n, 1.959964
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return p, max(0.0, middle - half), min(1.0, middle + half)
