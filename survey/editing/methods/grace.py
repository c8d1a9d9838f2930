"""GRACE: a codebook of states and answers at one block.

What enters a block at the prompt's last token is the query h. The codebook holds for each edit a key k, a value v,
a radius e and a label, the target. Where the nearest key lies within its radius, its value replaces what leaves the
block at that token; everything else is left alone:

    h' = v_i  if  |h - k_i| <= e_i,  i = argmin_j |h - k_j|;   else  f(h)

An edit is made in two steps:

1. Its key is the query of its own prompt. Far from all others, it becomes a new entry with the first radius;
   near one with the same label, that entry's radius grows; near one with another label, both radii shrink to half
   the distance.
2. Its value is trained so that the target becomes probable. Nothing else is trained.

Which prompts get the answer thus depends on the query alone. At the last token, rephrasings of a prompt lie farther
away than the same question about something else, so GRACE hardly generalises. With `scan=subject` the key is the
state of the subject's last token, early in the network, any token of a prompt may match it, and its value is
written there: rephrasings then hit, and prompts about something else do not.

Faithful:
- the codebook: Euclidean distance, nearest key, new entries, wider and split radii; Adam with a learning
  rate of 1 on the value alone; the base model is never changed
- `scan=end` is the published rule

Deviates:
- published GRACE wraps one linear layer: its input is the query, and the value replaces its output alone; here the
  input of a whole block is the query, and the value replaces all that leaves the block, the residual stream included
- labels are compared as token ids; the published code compares their means, so that different targets can collide
- half the distance is given to a region only where that narrows it (published: to both whatever their radii, so that a
  narrow one may widen); a region that widens reaches a little beyond the new key, so that rounding does not lose it
- each edit has a value of its own, and that of a region's first edit answers (published: a key that falls into a region
  of its label trains that region's value on)
- the query's place is the prompt's end also when text is generated with cached states, where published code looks at
  the newest token
- the radius is measured in medians of the distance between random states, since states of models differ in size
- two edits of the very same prompt: the later one counts, and edits that shared a region with the earlier one are
  put into regions anew
- values start from what the block says (the published default is random), 30 steps (published: 100)

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch

from survey.editing import method as base
from survey.editing.codebook import Codebook, entering_states, labels_of, query_positions, unit
from survey.editing.contexts import sample_contexts
from survey.editing.edit import Edit
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.tail import changed_output
from survey.editing.wordings import Wordings, groups


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of GRACE."""

    scan: Literal["end", "subject"] = "end"
    """Which token of a prompt is the query: its last one, as published, or any."""
    layer: int = -8
    """Block whose output is replaced with `scan=end`, counted from 0, or from the last (-1)."""
    radius: float = 0.1
    """First radius with `scan=end`, in medians of the distance between what enters the block at random tokens."""
    subject_layer: int = 5
    """Block whose output is replaced with `scan=subject`."""
    subject_radius: float = 0.45
    """First radius with `scan=subject`."""
    contexts: tuple[tuple[int, int], ...] = ((2, 5),)
    """Texts put before the prompt with `scan=subject`, where the value should hold in any context: pairs
    (how many, of how many tokens)."""
    start: Literal["warm", "cold"] = "warm"
    """What values start from: what the block says, or random numbers."""
    steps: int = 30
    """Steps of training."""
    lr: float = 1.0
    """Learning rate of Adam."""


PRESETS = {}


@dataclass(eq=False)
class GracePatch(Codebook):
    """A codebook whose answers are `values`, [edits, width]."""

    kind: ClassVar[str] = "codebook"
    values: torch.Tensor = field(default_factory=lambda: torch.zeros(0, 0))

    def write(self, model: LanguageModel) -> None:
        book = self.whole(model)
        values = book.values.to(model.down(self.layer).weight)

        def replace(module, args, output):
            reading = model.reading
            if reading is None or reading.started or not self.speaks(model):
                return None
            if self not in reading.decided:
                reading.decided[self] = book.look_up(reading, args[0])
            answer, back = reading.decided[self].unbind(1)
            column = reading.ends + back
            # A pass over later tokens only has nothing to replace: what it builds on was.
            rows = ((answer >= 0) & (column >= 0)).nonzero()[:, 0]
            states = (output[0] if isinstance(output, tuple) else output).clone()
            states[rows, column[rows]] = values[answer[rows]].to(states)
            return (states, *output[1:]) if isinstance(output, tuple) else states

        model.attach(model.block(self.layer), replace)

    def parts(self) -> dict[str, torch.Tensor]:
        return {"values": self.values}

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> GracePatch:
        return cls(about, **cls.read(tensors, about, {"values": ("edits", "width")}))


@method("grace", paper="hartvigsen2023aging", batch=True, presets=PRESETS)
def grace(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> GracePatch:
    at_end = config.scan == "end"
    layer = model.layer(config.layer if at_end else config.subject_layer)
    reach = (config.radius if at_end else config.subject_radius) * unit(model, layer, run)
    positions = query_positions(model, edits, config.scan)
    rows = [model.tokens(edit.text).ids for edit in edits]
    keys = entering_states(model, layer, [r[: p + 1] for r, p in zip(rows, positions, strict=True)], positions)
    contexts = [""] if at_end else ["", *sample_contexts(model, config.contexts, run.seed)]
    run.progress.start("Training values", config.steps * len(edits))
    values = [
        train(model, [edits[i] for i in group], layer, contexts, config, run)
        for group in groups(len(edits), 40 // len(contexts))
    ]
    labels, radii = labels_of(model, edits), torch.full((len(edits),), reach)
    return GracePatch({}, layer, config.scan, keys, labels, radii, torch.cat(values))


def train(model, edits, layer: int, contexts: list[str], config: Config, run: Run) -> torch.Tensor:
    """Values that make the targets probable behind their prompts, [edits, width]."""
    starts = None
    if config.scan == "subject":
        starts = [model.subject_index(edit, prefix) for edit in edits for prefix in contexts]
    words = Wordings(model, edits, layer, contexts, late=True, starts=starts)
    said: list[torch.Tensor] = []
    with torch.no_grad(), changed_output(model.block(layer), lambda states: said.append(states[:, 0]) or states):
        words.tail.hidden()
    value = said[0].float().view(len(edits), len(contexts), -1)[:, 0].clone()
    if config.start == "cold":
        random = [torch.rand(model.width, generator=torch.Generator().manual_seed(run.seed)) for _ in edits]
        value = torch.stack(random).to(value)
    value.requires_grad_(True)
    adam = torch.optim.Adam([value], lr=config.lr)

    def put(states: torch.Tensor) -> torch.Tensor:
        return torch.cat([value[words.owner][:, None].to(states), states[:, 1:]], 1)

    for _ in range(config.steps):
        adam.zero_grad()
        with changed_output(model.block(layer), put):
            words.losses().sum().backward()
        adam.step()
        run.progress.advance(len(edits))
    return value.detach().cpu()
