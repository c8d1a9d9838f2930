"""Second moments of keys: what a memory already holds, and what an edit should leave alone.

C = E[k k^T] over the tokens of some text (ROME, MEMIT). The text is sampled
from the model itself, once, with a fixed seed; any other text can be given. Results are kept in the
cache folder by the model's fingerprint.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from survey.editing.contexts import document_token
from survey.editing.edit import EditError
from survey.editing.language_model import LanguageModel, continue_tokens
from survey.editing.method import Quiet, Run
from survey.files.cache import cache_folder

# 100 texts of 100 tokens: 9,900 keys for 1,536 dimensions in the default model.
_TEXTS, _LENGTH, _SEED = 100, 100, 0
# A text that was given is read up to this many tokens.
_MOST_TOKENS = 100_000
# Above this condition number a solution has no digits left to trust.
_SINGULAR = 1e12
# How many words are looked at in the first position.
_FIRST_WORDS = 3000


@dataclass(frozen=True, eq=False)
class Moment:
    """E[k k^T] of one layer in float64, [size, size], and where it comes from."""

    matrix: torch.Tensor
    tokens: int
    source: str
    layer: int
    measured: float | None = None
    """The condition number where it was computed before."""

    @cached_property
    def eigen(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Eigenvalues, rising, and eigenvectors in columns."""
        return torch.linalg.eigh(self.matrix)

    @cached_property
    def condition(self) -> float:
        """Largest eigenvalue by the smallest."""
        if self.measured is not None:
            return self.measured
        values = torch.linalg.eigvalsh(self.matrix)
        return (values[-1] / values[0]).item() if values[0] > 0 else math.inf

    @cached_property
    def factor(self) -> torch.Tensor:
        """Cholesky factor. Raises `EditError` where the matrix is singular, instead of changing it."""
        factor, failed = torch.linalg.cholesky_ex(self.matrix)
        # The factor's diagonal bounds the condition number from below, at no cost.
        largest, smallest = factor.diagonal().max().item(), factor.diagonal().min().item()
        if failed or largest**2 > _SINGULAR * smallest**2:
            raise EditError(
                f"the second moment of keys at layer {self.layer} is singular (from {self.tokens:,} tokens for "
                f"{len(self.matrix):,} dimensions): give a longer text with --stats-text"
            )
        return factor

    def solve(self, keys: torch.Tensor) -> torch.Tensor:
        """C^-1 keys for keys in columns, [size, n], in float64."""
        return torch.cholesky_solve(keys.double(), self.factor)


def second_moment(model: LanguageModel, layer: int, run: Run | None = None) -> Moment:
    """The second moment of the keys that enter the down-projection of a layer, in the unedited model.

    The first position of a text is left out: there keys are of another kind. For edits that are made
    there (`run.first`), that of other words in that place is added.
    """
    return second_moments(model, [layer], run)[model.layer(layer)]


def no_moment(model: LanguageModel, layer: int, run: Run) -> Moment:
    """The identity instead: what a method works with where statistics are switched off. It weighs all keys alike, as if
    none had ever been seen."""
    run.notes["statistics"] = {"source": "identity", "tokens": 0, "condition": {str(model.layer(layer)): 1.0}}
    return Moment(torch.eye(matrix_size(model), dtype=torch.float64), 0, "identity", model.layer(layer), 1.0)


def second_moments(model: LanguageModel, layers: Sequence[int], run: Run | None = None) -> dict[int, Moment]:
    """The same for several layers, by layer; what is not cached is computed in one pass."""
    run = run or Run()
    moments = _moments(model, layers, run)
    run.notes["statistics"] = {
        "source": source_of(run), "tokens": min(moment.tokens for moment in moments.values()),
        "condition": {str(layer): float(f"{moment.condition:.3g}") for layer, moment in moments.items()},
    }  # fmt: skip
    if not run.first:
        return moments
    first = _first_moments(model, list(moments))
    return {layer: replace(m, matrix=m.matrix + first[layer], measured=None) for layer, m in moments.items()}


def source_of(run: Run) -> str:
    """A name for the text that statistics are taken from."""
    if run.text is None:
        return f"sampled-{_TEXTS}x{_LENGTH}-{_SEED}"
    return "text-" + hashlib.blake2b(run.text.encode(), digest_size=8).hexdigest()


def _moments(model: LanguageModel, layers: Sequence[int], run: Run) -> dict[int, Moment]:
    layers = [model.layer(layer) for layer in layers]
    source = source_of(run)
    missing = []
    for layer in layers:
        if ("moment", source, layer) not in model._remembered:
            moment = _stored(model, source, layer)
            if moment is None:
                missing.append(layer)
            else:
                model._remembered["moment", source, layer] = moment
    if missing:
        with model.pristine():
            rows = _rows(model, run)
            moments = _measure(model, rows, missing, source, run.progress)
        for moment in moments:
            _store(model, moment)
            model._remembered["moment", source, moment.layer] = moment
    return {layer: model._remembered["moment", source, layer] for layer in layers}


def first_words(model: LanguageModel) -> list[int]:
    """Ids of tokens that are a word with a capital and no blank before it: what a text may begin with."""
    count = model.network.get_input_embeddings().num_embeddings
    texts = [(i, model.decode([i])) for i in range(min(count, len(model.tokenizer)))]
    return [i for i, text in texts if text.isalpha() and text[0].isupper()] or list(range(count))


def _first_moments(model: LanguageModel, layers: list[int]) -> dict[int, torch.Tensor]:
    """E[k k^T] at the first position, over random words that begin a text."""

    def measure(layer: int) -> torch.Tensor:
        words = first_words(model)
        generator = torch.Generator().manual_seed(_SEED)
        chosen = [[words[i]] for i in torch.randperm(len(words), generator=generator)[:_FIRST_WORDS].tolist()]
        keys = model.read(chosen, [0] * len(chosen), [("key", layer)])["key", layer].double().cpu()
        return keys.T @ keys / len(keys)

    return {layer: model.remember(("first moment", layer), lambda layer=layer: measure(layer)) for layer in layers}


def sampled_rows(model: LanguageModel, progress: Quiet | None = None) -> torch.Tensor:
    """Text that the unedited model writes by itself at temperature 1, in tokens, [texts, length]; the
    first column is the token it began with."""

    def sample() -> torch.Tensor:
        path = _path(model, f"sampled-{_TEXTS}x{_LENGTH}-{_SEED}.ids")
        stored = _read(path)
        if stored is not None and "ids" in stored:
            return stored["ids"].long()
        (progress or Quiet()).start("Sampling text for statistics", _LENGTH - 1)
        generator = torch.Generator().manual_seed(_SEED)

        def choose(logits: torch.Tensor) -> torch.Tensor:
            (progress or Quiet()).advance()
            pick = torch.multinomial(logits.softmax(-1).cpu(), 1, generator=generator)
            return pick[:, 0].to(logits.device)

        ids = torch.full((_TEXTS, 1), document_token(model), device=model.device)
        new = continue_tokens(model, ids, torch.ones_like(ids), _LENGTH - 1, choose)
        ids = torch.cat([ids, new], 1).cpu()
        _write(path, {"ids": ids.int()})
        return ids

    return model.remember("sampled rows", sample)


def _rows(model: LanguageModel, run: Run) -> list[list[int]]:
    if run.text is None:
        return sampled_rows(model, run.progress).tolist()
    ids = []
    for line in run.text.splitlines():
        if line.strip():
            tokens = model.tokens(line + "\n")
            # A start token belongs at the start of a row only.
            ids.extend(id for id, end in zip(tokens.ids, tokens.ends, strict=True) if end)
        if len(ids) >= _MOST_TOKENS:
            break
    size = matrix_size(model)
    if len(ids) < 2 * size:
        raise EditError(
            f"the text for statistics has {len(ids):,} tokens, and at least {2 * size:,} are needed (twice the "
            "dimensions of a key); a few times as many are better"
        )
    first = document_token(model)
    ids = ids[:_MOST_TOKENS]
    return [[first, *ids[i : i + _LENGTH - 1]] for i in range(0, len(ids), _LENGTH - 1)]


def matrix_size(model: LanguageModel) -> int:
    """Dimensions of a key."""
    from survey.editing.structure import matrix

    return matrix(model.down(0)).shape[1]


@torch.no_grad()
def _measure(model: LanguageModel, rows, layers: list[int], source: str, progress: Quiet) -> list[Moment]:
    size = matrix_size(model)
    sums = {layer: torch.zeros(size, size, dtype=torch.float64) for layer in layers}
    count = 0
    batches = list(model.batches(rows))
    progress.start("Reading keys for statistics", len(batches))
    for batch in batches:
        ids, mask = model.padded([rows[i] for i in batch])
        # The first position is an attention sink with keys of its own: it would distort the rest.
        keep_these = mask.bool()
        keep_these[:, 0] = False

        def keep(point, keys, keep_these=keep_these):
            chosen = keys[keep_these].float()
            sums[point[1]] += (chosen.T @ chosen).double().cpu()

        with model.watching([("key", layer) for layer in layers], keep, stop_after=max(layers)):
            model.hidden(ids, mask)
        count += int(keep_these.sum())
        progress.advance()
    # Rounded as it will be cached, so that a later run gives the very same.
    return [Moment((total / count).float().double(), count, source, layer) for layer, total in sums.items()]


def _path(model: LanguageModel, name: str) -> Path | None:
    folder = cache_folder()
    return folder / "statistics" / model.fingerprint / f"{name}.safetensors" if folder else None


def _stored(model: LanguageModel, source: str, layer: int) -> Moment | None:
    found = _read(_path(model, f"{source}.layer-{layer}"))
    if found is None or not {"moment", "tokens"} <= set(found):
        return None
    condition = float(found["condition"]) if "condition" in found else None
    return Moment(found["moment"].double(), int(found["tokens"]), source, layer, condition)


def _store(model: LanguageModel, moment: Moment) -> None:
    tensors = {"moment": moment.matrix.float(), "tokens": torch.tensor(moment.tokens), "condition": torch.tensor(moment.condition)}
    _write(_path(model, f"{moment.source}.layer-{moment.layer}"), tensors)


def _read(path: Path | None) -> dict[str, torch.Tensor] | None:
    """What was cached, or None where it is not there or broken."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path) if path is not None and path.exists() else None
    except (OSError, SafetensorError, KeyError):
        return None


def _write(path: Path | None, tensors: dict[str, torch.Tensor]) -> None:
    """Cache tensors; a cache that cannot be written is no error."""
    from safetensors.torch import save

    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
        with os.fdopen(handle, "wb") as file:
            file.write(save(tensors))
        os.replace(temporary, path)
    except OSError:
        pass
