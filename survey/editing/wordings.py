"""Edits in words, and how improbable a model finds their targets: what methods train against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel
from survey.editing.tail import Tail

# Edits whose rows are trained in one pass; more take memory and gain no speed.
_AT_ONCE = 40


def groups(count: int, size: int = _AT_ONCE) -> Iterator[range]:
    """Numbers of edits that are trained together."""
    for first in range(0, count, size):
        yield range(first, min(first + size, count))


class Wordings:
    """Each edit behind each context with its target, as rows of tokens from block `first` on.

    Rows are ordered by edit, then by context; `owner` tells the edit of each row, `ends` the position of its
    prompt's last token. They are recomputed from position `starts[i]` on: 0 where nothing else is said, and the
    prompt's last token where `late` is set.
    """

    def __init__(
        self,
        model: LanguageModel,
        edits: Sequence[Edit],
        first: int,
        contexts: Sequence[str] = ("",),
        *,
        late: bool = False,
        starts: Sequence[int] | None = None,
    ) -> None:
        self.model = model
        joined = [model.joined(prefix + edit.text, edit.target) for edit in edits for prefix in contexts]
        # The last token of a target is predicted, never read.
        self.rows = [tokens.ids[:-1] for tokens, _ in joined]
        self.ends = [start - 1 for _, start in joined]
        self.targets = [tokens.ids[start:] for tokens, start in joined]
        self.owner = torch.arange(len(edits), device=model.device).repeat_interleave(len(contexts))
        self.starts = list(starts) if starts is not None else [end if late else 0 for end in self.ends]
        self.tail = Tail(model, self.rows, first, self.starts, self.ends)
        row, column = [], []
        for n, target in enumerate(self.targets):
            row += [n] * len(target)
            column += range(self.ends[n] - self.starts[n], self.ends[n] - self.starts[n] + len(target))
        as_tensor = lambda values: torch.tensor(values, device=model.device)  # noqa: E731
        self.row, self.column = as_tensor(row), as_tensor(column)
        """Where each token of a target is predicted, in the columns of `tail`."""
        self.wanted = as_tensor([id for target in self.targets for id in target])
        lengths = as_tensor([float(len(target)) for target in self.targets])
        self._weight = 1 / (lengths[self.row] * len(contexts))

    def log_probabilities(self) -> torch.Tensor:
        """Log-probabilities of all tokens where targets are predicted, [tokens of targets, vocabulary]."""
        hidden = self.tail.hidden()
        return self.model.logits(hidden[self.row, self.column]).float().log_softmax(-1)

    def losses(self) -> torch.Tensor:
        """For each edit the mean over contexts and target tokens of -log P, [edits]."""
        surprise = -self.log_probabilities().gather(1, self.wanted[:, None])[:, 0] * self._weight
        count = int(self.owner[-1]) + 1
        return torch.zeros(count, device=surprise.device).index_add(0, self.owner[self.row], surprise)
