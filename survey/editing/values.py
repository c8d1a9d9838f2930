"""Optimise what a layer should say at the subject's last token, for many edits at once.

The objective is ROME's (Meng et al. 2022, with the weight decay of its code): the target
becomes probable behind every context, while what the model says about "{subject} is a" stays:

    mean over contexts of -log P(target) + kl * KL(P_delta || P) + weight_decay * |delta| / |start|^2

Each edit has a delta of its own, so a batch gives what its edits would give alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields

import torch

from survey.editing import method
from survey.editing.contexts import sample_contexts
from survey.editing.edit import Edit
from survey.editing.keys import read_subjects, stands_first
from survey.editing.language_model import LanguageModel
from survey.editing.method import Quiet
from survey.editing.tail import Tail, changed_output

# Positions recomputed in one pass; more take memory and gain no speed.
_POSITIONS_AT_ONCE = 256


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
    first_layer: int | None = 0
    """Block that is edited instead where the subject is the very first token: there, later blocks
    have an attention sink. None edits the usual blocks."""


@dataclass(frozen=True)
class Values:
    """What was found at each point: `start` and `delta`, [edits, points, width], and the last value of the
    objective for each edit."""

    start: torch.Tensor
    delta: torch.Tensor
    loss: torch.Tensor


@dataclass(frozen=True)
class Relaxation:
    """PMET's rule: where the target is the most probable token behind every context, its loss
    counts `weight`, and the edit is finished when the divergence is at most `divergence` nats."""

    weight: float
    divergence: float


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
    points: Sequence[str] = ("value",),
    relaxation: Relaxation | None = None,
    progress: Quiet | None = None,
) -> Values:
    """Find a delta for each edit and point of a layer: the down-projection's output ("value", as
    ROME does), the block's ("block", as MEMIT does), the attention's ("attention").

    `contexts` begins with "", see `prefixes`.
    """
    progress = progress or Quiet()
    key = (id(model), tuple(edits), layer, _settings(config), tuple(contexts), tuple(points), relaxation)
    if _shared is not None and not model.patches and key in _shared:
        return _shared[key]
    places = [(point, layer) for point in points]
    found = read_subjects(model, edits, contexts, places)
    start = torch.stack([found[place][:, 0] for place in places], 1)
    norm = start.norm(dim=2)
    # At the first position values are small, and a clamp by their norm would let nothing be learnt:
    # there the norm behind other texts counts.
    for i, edit in enumerate(edits):
        if len(contexts) > 1 and stands_first(model, edit):
            norm[i] = torch.stack([found[place][i, 1:].norm(dim=-1).mean() for place in places])
    delta = torch.zeros_like(start)
    loss = torch.zeros(len(edits))
    tasks = [_Task(model, edit, contexts) for edit in edits]
    progress.start("Optimising values", config.steps * len(edits))
    for group in _groups(tasks):
        search = _Search(model, [tasks[i] for i in group], layer, points, norm[group], config, relaxation)
        delta[group], loss[group] = search.run(progress)
    values = Values(start, delta, loss)
    if _shared is not None and not model.patches:
        _shared[key] = values
    return values


# What was found within `sharing`, or None outside.
_shared: dict | None = None


@contextmanager
def sharing() -> Iterator[None]:
    """Within this, what was found once for an unedited model is not searched again: for comparing methods
    that optimise the same values for the same edits."""
    global _shared
    _shared = {}
    try:
        yield
    finally:
        _shared = None


def _settings(config: Config) -> tuple:
    return tuple(getattr(config, field.name) for field in fields(Config))


class _Task:
    """The rows of one edit: contexts with the target, and what must stay."""

    def __init__(self, model: LanguageModel, edit: Edit, contexts: Sequence[str]) -> None:
        self.rows, self.starts, self.ends, self.picks, self.targets = [], [], [], [], []
        for prefix in contexts:
            tokens, first = model.joined(prefix + edit.text, edit.target)
            subject = model.subject_index(edit, prefix)
            # The last token of the target is predicted, never read.
            self.rows.append(tokens.ids[:-1])
            self.starts.append(subject)
            self.ends.append(first - 1)
            self.picks.append(list(range(first - 1 - subject, len(tokens) - 1 - subject)))
            self.targets.append(tokens.ids[first:])
        # What is said of "{subject} is a" is read at the subject, so a bare prompt that begins with the
        # subject says it already; other prompts need a row for it.
        essence = Edit("{} is a", edit.subject, edit.target)
        subject = model.subject_index(essence)
        row = model.tokens(essence.text).ids[: subject + 1]
        self.own_essence = self.rows[0][: subject + 1] != row
        if self.own_essence:
            self.rows.append(row)
            self.starts.append(subject)
            self.ends.append(subject)
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


class _Search:
    """Gradient descent for the edits of a group, each until it is finished."""

    def __init__(self, model, tasks, layer, points, norm, config: Config, relaxation) -> None:
        self.model, self.tasks, self.config, self.relaxation = model, tasks, config, relaxation
        parts = {"value": model.down, "block": model.block, "attention": model.attention}
        self.modules = [parts[point](layer) for point in points]
        self.norm = norm
        rows = [row for t in tasks for row in t.rows]
        starts, ends = [s for t in tasks for s in t.starts], [e for t in tasks for e in t.ends]
        self.tail = Tail(model, rows, layer, starts, ends)
        self.delta = torch.zeros(*norm.shape, model.width, device=model.device, requires_grad=True)
        self.essence: torch.Tensor | None = None

    def run(self, progress: Quiet) -> tuple[torch.Tensor, torch.Tensor]:
        """Delta and the last value of the objective for each edit."""
        config, count = self.config, len(self.tasks)
        losses = torch.zeros(count)
        plan = _Plan(self.tasks, list(range(count)), self.model.device)
        adam = torch.optim.Adam([self.delta], lr=config.lr)
        for step in range(config.steps):
            loss, finished = self.objective(plan)
            losses[plan.open] = loss.detach().cpu()
            still = plan.open[~finished].tolist()
            if step == config.steps - 1 or not still:
                break
            before = self.delta.detach().clone()
            adam.zero_grad()
            loss.sum().backward()
            adam.step()
            with torch.no_grad():
                longest = config.clamp * self.norm
                self.delta *= (longest / self.delta.norm(dim=2).clamp_min(1e-12)).clamp_max(1)[..., None]
                done = torch.ones(count, dtype=torch.bool)
                done[still] = False
                self.delta[done] = before[done]
            progress.advance(len(plan.open))
            if len(still) < len(plan.open):
                rows = [n for n, owner in enumerate(plan.owner.tolist()) if owner in set(still)]
                self.tail = self.tail.select(torch.tensor(rows))
                plan = _Plan(self.tasks, still, self.model.device)
        return self.delta.detach(), losses

    def objective(self, plan: _Plan) -> tuple[torch.Tensor, torch.Tensor]:
        """The objective for each open edit, and whether the edit is finished."""
        config, model = self.config, self.model
        with ExitStack() as stack:
            for n, module in enumerate(self.modules):

                def add(output, n=n):
                    delta = self.delta[plan.owner, n][:, None]
                    states = model.by_rows(output)
                    return torch.cat([states[:, :1] + delta, states[:, 1:]], 1).view(output.shape)

                stack.enter_context(changed_output(module, add))
            hidden = self.tail.hidden()
        log_p = model.logits(hidden[plan.rows, plan.columns]).float().log_softmax(-1)
        per_token = -log_p.gather(1, plan.targets[:, None])[:, 0] * plan.weight
        nll = torch.zeros(len(self.tasks), device=model.device).index_add(0, plan.edit, per_token)[plan.open]
        now = model.logits(hidden[plan.essence, 0]).float().log_softmax(-1)
        if self.essence is None:
            self.essence = now.detach()
        divergence = (now.exp() * (now - self.essence[plan.open])).sum(-1)
        size = self.delta[plan.open].norm(dim=2)
        decay = (size / self.norm[plan.open] ** 2).sum(1)
        rest = config.kl * divergence + config.weight_decay * decay
        loss = nll + rest
        finished = loss < config.stop
        if self.relaxation is not None:
            missed = (log_p.argmax(-1) != plan.targets).float()
            said = torch.zeros(len(self.tasks), device=model.device).index_add(0, plan.edit, missed)[plan.open] == 0
            loss = torch.where(said, self.relaxation.weight * nll, nll) + rest
            finished |= said & (divergence <= self.relaxation.divergence) & (size.amax(1) > 0)
        return loss, finished


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
            essence.append(len(owner) if t.own_essence else len(owner) - len(t.targets))
            if t.own_essence:
                owner.append(task)
        make = lambda values: torch.tensor(values, device=device)  # noqa: E731
        self.owner, self.essence, self.open = make(owner), make(essence), make(open_tasks)
        self.rows, self.columns, self.targets = make(rows), make(columns), make(targets)
        self.edit, self.weight = make(edits), make(weights)
