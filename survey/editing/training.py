"""Gradient descent on the wording of edits, shared by the methods that fine-tune."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel, Reading
from survey.editing.method import Quiet
from survey.editing.tail import Tail


def descend(
    model: LanguageModel,
    edits: Sequence[Edit],
    parameters: Sequence[torch.nn.Parameter],
    first: int | None,
    *,
    lr: float,
    steps: int,
    stop: float,
    progress: Quiet,
    after_step: Callable[[], None] = lambda: None,
) -> float:
    """Make the targets probable behind their prompts: Adam on `parameters`, which lie in block `first` or later,
    or anywhere where it is None.

    The loss is the mean over edits of the mean over target tokens of -log P, each token read with
    those before it. Ends after so many steps, or once the loss is below `stop`. Returns the last loss.
    """
    joined = [model.joined(edit.text, edit.target) for edit in edits]
    rows = [tokens.ids[:-1] for tokens, _ in joined]
    ends = [start - 1 for _, start in joined]
    if first is None:
        ids, mask = model.padded(rows)
        hidden = lambda: model.hidden(ids, mask, Reading(mask.bool(), torch.tensor(ends, device=model.device)))  # noqa: E731
    else:
        hidden = Tail(model, rows, first, [0] * len(rows), ends).hidden
    row, column, target, weight = [], [], [], []
    for n, (tokens, start) in enumerate(joined):
        count = len(tokens) - start
        row += [n] * count
        column += range(start - 1, len(tokens) - 1)
        target += tokens.ids[start:]
        weight += [1 / (count * len(edits))] * count
    row, column, target, weight = (torch.tensor(x, device=model.device) for x in (row, column, target, weight))
    for parameter in parameters:
        parameter.requires_grad_(True)
    adam = torch.optim.Adam(parameters, lr=lr)
    progress.start("Training", steps)
    try:
        for _ in range(steps):
            adam.zero_grad()
            log_p = model.logits(hidden()[row, column]).float().log_softmax(-1)
            loss = -(log_p.gather(1, target[:, None])[:, 0] * weight).sum()
            if loss.item() < stop:
                break
            loss.backward()
            adam.step()
            with torch.no_grad():
                after_step()
            progress.advance()
    finally:
        for parameter in parameters:
            parameter.requires_grad_(False)
            parameter.grad = None
    return loss.item()
