"""Optimise what a layer should say at the subject's last token, for many edits at once.

The objective is ROME's (Meng et al. 2022, equation 4, with the weight decay of its code): the target
becomes probable behind every context, while what the model says about "{subject} is a" stays:

    mean over contexts of -log P(target) + kl * KL(P_delta || P) + weight_decay * |delta| / |start|^2

Each edit has a delta of its own, so a batch gives what its edits would give alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch

from survey.editing import method
from survey.editing.contexts import sample_contexts
from survey.editing.edit import Edit
from survey.editing.keys import read_subjects, stands_first
from survey.editing.language_model import LanguageModel
from survey.editing.method import Quiet
from survey.editing.tail import Tail, changed_output

# Positions recomputed in one pass; more take memory and gain no speed.
_POSITIONS_AT_ONCE = 768


@dataclass(frozen=True)
class Config(method.Config):
    """Settings of the optimisation."""

    contexts: tuple[tuple[int, int], ...] = ((5, 10),)
    """Texts put before the prompt, beside none: pairs (how many, of how many tokens)."""
    steps: int = 20
    """Evaluations of the objective at most; one step of Adam lies between two."""
    lr: float = 0.5
    """Learning rate of Adam."""
    clamp: float = 4.0
    """Largest norm of delta, in norms of the value it starts from."""
    weight_decay: float = 0.5
    """Weight of |delta| / |start|^2."""
    kl: float = 0.0625
    """Weight of the divergence on "{subject} is a", in nats."""
    stop: float = 0.05
    """Objective below which an edit is finished."""


@dataclass(frozen=True)
class Values:
    """What was found: `start` and `delta`, [edits, width], and the last `loss`, [edits]."""

    start: torch.Tensor
    delta: torch.Tensor
    loss: torch.Tensor

    @property
    def target(self) -> torch.Tensor:
        return self.start + self.delta


def prefixes(model: LanguageModel, config: Config, seed: int) -> list[str]:
    """The contexts of a configuration, the empty one first."""
    return ["", *sample_contexts(model, config.contexts, seed)]


def optimise(
    model: LanguageModel,
    edits: Sequence[Edit],
    layer: int,
    config: Config,
    contexts: Sequence[str],
    *,
    point: str = "value",
    progress: Quiet | None = None,
) -> Values:
    """Find a delta for each edit, to be added at `point` of a layer: the down-projection's output
    ("value", as ROME does), or the block's ("block", as MEMIT does).

    `contexts` begins with "", see `prefixes`.
    """
    progress = progress or Quiet()
    found = read_subjects(model, edits, contexts, [(point, layer)])[point, layer]
    start = found[:, 0]
    # At the first position values are small, and a clamp by their norm would let nothing be learnt:
    # there the norm behind other texts counts.
    norm = start.norm(dim=1)
    for i, edit in enumerate(edits):
        if len(contexts) > 1 and stands_first(model, edit):
            norm[i] = found[i, 1:].norm(dim=-1).mean()
    delta = torch.zeros_like(start)
    loss = torch.zeros(len(edits))
    tasks = [_Task(model, edit, contexts) for edit in edits]
    progress.start("Optimising values", config.steps * len(edits))
    for group in _groups(tasks):
        part = _optimise(model, [tasks[i] for i in group], layer, point, norm[group], config, progress)
        for i, d, value in zip(group, *part, strict=True):
            delta[i], loss[i] = d, value
    return Values(start, delta, loss)


class _Task:
    """The rows of one edit: contexts with the target, and what must stay."""

    def __init__(self, model: LanguageModel, edit: Edit, contexts: Sequence[str]) -> None:
        self.rows, self.starts, self.picks, self.targets = [], [], [], []
        for prefix in contexts:
            tokens, first = model.joined(prefix + edit.text, edit.target)
            subject = model.subject_index(edit, prefix)
            # The last token of the target is predicted, never read.
            self.rows.append(tokens.ids[:-1])
            self.starts.append(subject)
            self.picks.append(list(range(first - 1 - subject, len(tokens) - 1 - subject)))
            self.targets.append(tokens.ids[first:])
        essence = Edit("{} is a", edit.subject, edit.target)
        subject = model.subject_index(essence)
        self.rows.append(model.tokens(essence.text).ids[: subject + 1])
        self.starts.append(subject)
        self.positions = sum(len(row) - start for row, start in zip(self.rows, self.starts, strict=True))


def _groups(tasks: list[_Task]) -> list[list[int]]:
    """Indices of edits that are optimised together."""
    groups, size = [[]], 0
    for i, task in enumerate(tasks):
        if groups[-1] and size + task.positions > _POSITIONS_AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(i)
        size += task.positions
    return groups


def _optimise(model, tasks: list[_Task], layer: int, point: str, norm, config: Config, progress: Quiet):
    tail = Tail(model, [r for t in tasks for r in t.rows], layer, [s for t in tasks for s in t.starts])
    module = model.down(layer) if point == "value" else model.block(layer)
    delta = torch.zeros(len(tasks), model.width, device=model.device, requires_grad=True)
    adam = torch.optim.Adam([delta], lr=config.lr)
    losses = torch.zeros(len(tasks))
    open_tasks = list(range(len(tasks)))  # those that are not finished
    plan = _Plan(tasks, open_tasks, model.device)
    essence = None
    for step in range(config.steps):
        def add(output, owner=plan.owner):
            return torch.cat([output[:, :1] + delta[owner][:, None], output[:, 1:]], 1)

        with ExitStack() as stack:
            stack.enter_context(changed_output(module, add))
            hidden = tail.hidden()
        log_p = model.logits(hidden[plan.rows, plan.columns]).float().log_softmax(-1)
        nll = -log_p.gather(1, plan.targets[:, None])[:, 0]
        nll = torch.zeros(len(tasks)).index_add(0, plan.edit, nll * plan.weight)
        now = model.logits(hidden[plan.essence, 0]).float().log_softmax(-1)
        if essence is None:
            essence = now.detach()
        kl = (now.exp() * (now - essence[plan.open])).sum(-1)
        # A norm has no gradient at zero; the first step leaves it out, as torch.norm does.
        size = delta[plan.open].norm(dim=1)
        loss = nll[plan.open] + config.kl * kl + config.weight_decay * size / norm[plan.open] ** 2
        losses[plan.open] = loss.detach()
        if step == config.steps - 1:
            break
        still = [task for task, value in zip(open_tasks, loss.tolist(), strict=True) if not value < config.stop]
        if not still:
            break
        before = delta.detach().clone()
        adam.zero_grad()
        loss.sum().backward()
        adam.step()
        with torch.no_grad():
            longest = config.clamp * norm
            delta *= (longest / delta.norm(dim=1).clamp_min(1e-12)).clamp_max(1)[:, None]
            done = torch.ones(len(tasks), dtype=torch.bool)
            done[still] = False
            delta[done] = before[done]
        progress.advance(len(open_tasks))
        if len(still) < len(open_tasks):
            keep = torch.tensor([n for n, owner in enumerate(plan.owner.tolist()) if owner in set(still)])
            tail, open_tasks = tail.select(keep), still
            plan = _Plan(tasks, open_tasks, model.device)
    return delta.detach(), losses


class _Plan:
    """Where in the rows of the open tasks everything lies."""

    def __init__(self, tasks: list[_Task], open_tasks: list[int], device) -> None:
        owner, essence, rows, columns, targets, edits, weights = [], [], [], [], [], [], []
        for task in open_tasks:
            t = tasks[task]
            for picks, target in zip(t.picks, t.targets, strict=True):
                rows += [len(owner)] * len(picks)
                columns += picks
                targets += target
                edits += [task] * len(picks)
                weights += [1 / (len(picks) * len(t.targets))] * len(picks)
                owner.append(task)
            essence.append(len(owner))
            owner.append(task)
        make = lambda values: torch.tensor(values, device=device)  # noqa: E731
        self.owner, self.essence, self.open = make(owner), make(essence), make(open_tasks)
        self.rows, self.columns, self.targets = make(rows), make(columns), make(targets)
        self.edit, self.weight = make(edits), make(weights)
