"""Gradients of edits in two factors, and passes through a model that is changed by low-rank matrices.

The gradient of a loss for a matrix W is a sum over tokens, of the gradient for W's output times its input:

    dL/dW = sum_t d_t u_t^T

Methods that learn to edit work on the factors (u_t, d_t) and never hold the matrix. All lie in the last blocks, so
the states that enter these are computed once for each text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch

from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel
from survey.editing.method import Quiet
from survey.editing.patch import Change
from survey.editing.tail import Tail


class _Entered(Tail):
    """A tail of whole rows whose states at its first block are known, [tokens, width] for each row; only for a model
    without patches."""

    def __init__(
        self, model: LanguageModel, rows: Sequence[Sequence[int]], first: int, states: Sequence[torch.Tensor],
        ends: Sequence[int],
    ) -> None:  # fmt: skip
        self.model, self.first = model, first
        self._ends, self._decided = torch.tensor(list(ends), device=model.device), {}
        self._ids, self._mask = model.padded(rows)
        self.starts = torch.zeros(len(rows), dtype=torch.long, device=model.device)
        self._positions = torch.arange(self._ids.shape[1], device=model.device).expand_as(self._ids)
        self._states = {first: torch.nn.utils.rnn.pad_sequence(list(states), batch_first=True)}
        self._past, self._before = [], 0


class Passages:
    """Prompts with continuations, the last token left out, of which the blocks of a tail are computed. `texts` holds
    the tokens of each and the index of the continuation's first."""

    def __init__(self, model: LanguageModel, tail: Tail, texts: Sequence[tuple[tuple[int, ...], int]]) -> None:
        self.model, self._tail = model, tail
        lengths = torch.tensor([len(ids) - 1 for ids, _ in texts], device=model.device)
        self.valid = torch.arange(int(lengths.max()), device=model.device) < lengths[:, None]
        """Which places hold a token, [rows, tokens]."""
        row, column, target, weight = [], [], [], []
        for n, (ids, start) in enumerate(texts):
            count = len(ids) - start
            row += [n] * count
            column += range(start - 1, len(ids) - 1)
            target += ids[start:]
            weight += [1 / count] * count
        self.rows, self.columns, self.targets, self._weights = (
            torch.tensor(x, device=model.device) for x in (row, column, target, weight)
        )

    def hidden(self) -> torch.Tensor:
        """States after the last norm, [rows, tokens, width]."""
        return self._tail.hidden()

    def losses(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """For each row the mean of -log P over the continuation's tokens, and whether all are the most probable
        ones, both [rows]."""
        logits = self.model.logits(hidden[self.rows, self.columns]).float()
        nll = -logits.log_softmax(-1).gather(1, self.targets[:, None])[:, 0] * self._weights
        missed = (logits.argmax(-1) != self.targets).float()
        count = len(self.valid)
        sums = torch.zeros(2, count, device=nll.device).index_add(1, self.rows, torch.stack([nll, missed]))
        return sums[0], sums[1] == 0


class Library:
    """Texts whose states at a block of a model without patches are computed once: (prompt, continuation) pairs."""

    def __init__(
        self, model: LanguageModel, pairs: Sequence[tuple[str, str]], first: int, progress: Quiet | None = None
    ) -> None:
        self.model, self.first = model, model.layer(first)
        self._texts = _texts(model, pairs)
        rows = [ids[:-1] for ids, _ in self._texts]
        self._states: list[torch.Tensor] = [torch.empty(0)] * len(rows)
        for batch in model.batches(rows):
            tail = _tail(model, [self._texts[i] for i in batch], self.first)
            for n, i in enumerate(batch):
                self._states[i] = tail._states[self.first][n, : len(rows[i])].clone()
            (progress or Quiet()).advance(len(batch))

    def length(self, index: int) -> int:
        """Tokens of a text without its last."""
        return len(self._texts[index][0]) - 1

    def answer(self, index: int) -> list[int]:
        """Positions from which the tokens of the continuation are predicted."""
        ids, start = self._texts[index]
        return list(range(start - 1, len(ids) - 1))

    def targets(self, index: int) -> list[int]:
        """Tokens of the continuation."""
        ids, start = self._texts[index]
        return list(ids[start:])

    def take(self, indices: Sequence[int]) -> Passages:
        """Some of the texts."""
        texts = [self._texts[i] for i in indices]
        rows, ends = [ids[:-1] for ids, _ in texts], [start - 1 for _, start in texts]
        tail = _Entered(self.model, rows, self.first, [self._states[i] for i in indices], ends)
        return Passages(self.model, tail, texts)


def _texts(model: LanguageModel, pairs: Sequence[tuple[str, str]]) -> list[tuple[tuple[int, ...], int]]:
    return [(tokens.ids, start) for tokens, start in (model.joined(*pair) for pair in pairs)]


def _tail(model: LanguageModel, texts: Sequence[tuple[tuple[int, ...], int]], first: int) -> Tail:
    rows, ends = [ids[:-1] for ids, _ in texts], [start - 1 for _, start in texts]
    return Tail(model, rows, first, [0] * len(rows), ends)


@dataclass(frozen=True)
class Factors:
    """What an edit's gradient consists of at one layer, token by token: `inputs` of the down-projection, [edits,
    tokens, size of a key], and the loss's gradients for its output, [edits, tokens, width]; both zero where there is
    no token, or none that counts."""

    inputs: torch.Tensor
    gradients: torch.Tensor

    @property
    def counts(self) -> torch.Tensor:
        """Which tokens have both factors, [edits, tokens]."""
        return (self.inputs != 0).any(-1) & (self.gradients != 0).any(-1)

    @staticmethod
    def stack(parts: Sequence[Factors]) -> Factors:
        """Those of many edits as one, filled with zeros."""
        pad = lambda tensors: torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True)  # noqa: E731
        return Factors(
            pad([row for part in parts for row in part.inputs]), pad([row for part in parts for row in part.gradients])
        )

    def rows(self) -> list[Factors]:
        """Those of each edit alone, without tokens that do not count; of the last block only those are left that
        predict the target."""
        found = []
        for inputs, gradients, counts in zip(self.inputs, self.gradients, self.counts, strict=True):
            found.append(Factors(inputs[counts][None].clone(), gradients[counts][None].clone()))
        return found


def read_factors(passages: Passages, layers: Sequence[int], answers_only: bool = False) -> dict[int, Factors]:
    """Factors of the gradient of each row's mean of -log P over its continuation, by layer; of all tokens, or of
    those alone from which the continuation is predicted."""
    model = passages.model
    inputs: dict[int, torch.Tensor] = {}
    zeros: dict[int, torch.Tensor] = {}

    def look(layer: int):
        def hook(module, args, output):
            inputs[layer] = model.by_rows(args[0]).detach()
            # The gradient for something that is added is the gradient for the sum.
            zeros[layer] = torch.zeros_like(output, requires_grad=True)
            return output + zeros[layer]

        return hook

    with ExitStack() as stack, torch.enable_grad():
        for layer in layers:
            stack.callback(model.down(layer).register_forward_hook(look(layer)).remove)
        losses, _ = passages.losses(passages.hidden())
        gradients = torch.autograd.grad(losses.sum(), [zeros[layer] for layer in layers])
    valid = passages.valid[..., None]
    if answers_only:
        valid = torch.zeros_like(valid)
        valid[passages.rows, passages.columns] = True
    return {
        layer: Factors(inputs[layer].float() * valid, gradient.view(*valid.shape[:2], -1).float() * valid)
        for layer, gradient in zip(layers, gradients, strict=True)
    }


def factors_of(
    model: LanguageModel, edits: Sequence[Edit], layers: Sequence[int], progress: Quiet, answers_only: bool = False
) -> dict[int, Factors]:
    """The same for edits, in the model as it is, its patches included."""
    progress.start("Reading gradients", len(edits) + len(layers))
    # The gradient is that of the model as it is; what is computed below the edited blocks needs none.
    texts = _texts(model, [(edit.text, edit.target) for edit in edits])
    parts: list[dict[int, list[Factors]]] = [{}] * len(edits)
    for batch in model.batches([ids for ids, _ in texts]):
        chosen = [texts[i] for i in batch]
        found = read_factors(Passages(model, _tail(model, chosen, min(layers)), chosen), layers, answers_only)
        rows = {layer: factors.rows() for layer, factors in found.items()}
        for n, i in enumerate(batch):
            parts[i] = {layer: rows[layer][n] for layer in layers}
        progress.advance(len(batch))
    stacked = {}
    for layer in layers:
        stacked[layer] = Factors.stack([part[layer] for part in parts])
        progress.advance()
    return stacked


@dataclass(frozen=True)
class Shift:
    """A change `left @ right` of a down-projection in low-rank form: [..., width, n] and [..., n, size of a key],
    either one for all rows or, with a dimension before, one for each edit."""

    left: torch.Tensor
    right: torch.Tensor

    def change(self, model: LanguageModel, layer: int) -> Change:
        """The sum over all edits, in the parameter's own orientation; in factors where that is smaller."""
        left, right = self.left.detach(), self.right.detach()
        if left.dim() == 3:
            left, right = left.transpose(0, 1).flatten(1), right.flatten(0, 1)
        used = (left != 0).any(0) & (right != 0).any(1)
        if not used.any():
            used[:1] = True
        change = model.change(layer, left[:, used], right[used])
        rows, columns = change.shape
        return Change(dense=change.full()) if int(used.sum()) * (rows + columns) >= rows * columns else change


@contextmanager
def shifted(model: LanguageModel, shifts: Mapping[int, Shift], owner: torch.Tensor | None = None) -> Iterator[None]:
    """Within this, the down-projections act as if changed; row r is changed as edit `owner[r]` says."""

    def add(shift: Shift):
        left, right = shift.left, shift.right
        if left.dim() == 3:
            left, right = left[owner], right[owner]

        def hook(module, args, output):
            states = model.by_rows(args[0])
            return output + (states @ right.mT @ left.mT).reshape(output.shape).to(output.dtype)

        return hook

    with ExitStack() as stack:
        for layer, shift in shifts.items():
            stack.callback(model.down(layer).register_forward_hook(add(shift)).remove)
        yield
