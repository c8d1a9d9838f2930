"""T-Patcher: one neuron for each wrong token.

The last feed-forward part gets new neurons that stay silent on everything but the mistake. Let q be what enters
it where the model predicts a token that it has wrong; the neuron of that token has a key k, a bias b and a
value v:

    out(x) = FFN(x) + relu(x^T k + b) v

At first k = q / |q|^2 and b = 0, so that the neuron's activation on the mistake is 1, and v = 0. Then k, b and v
are trained so that the target becomes probable, the neuron goes on firing on the mistake, and it does not fire
on a memory of other text:

    -log P(target) + a * mean exp(-(q^T k + b)) + m * mean (exp(s - beta) + exp(s - (q^T k + b) + gamma))

Here s are the 1,000 largest activations, before the ReLU, of the neuron over the tokens of the memory.

Faithful:
- one neuron for each wrong token, in the last block; its place, the start of its key and bias, and the three parts of
  the objective with the published weights of the first two, beta = -3 and gamma = 3
- the value is trained through a factor (`value_scale`), as the published code does to let it grow fast

Deviates:
- the published models are BERT and BART; here the neurons lie beside a gated feed-forward part, as ReLU neurons
- keys are trained in units of 1 / |q|, so that a step means the same whatever the size of states
- the value's factor is a constant 100 (published: it begins at 10 and is trained, too), and values start at zero
  (published: at random numbers)
- a learning rate of .02 (published: .01), no weight decay (.01), no schedule
- the firing term is the mean over all neurons of an edit (published: over the 5 that fire least); the 1,000 largest
  activations are those of each neuron (published: of all neurons of an edit together)
- the memory is text that the model samples itself; a second silence term of the same form and weight holds the
  edit's own prompt about other subjects (`others`), since the published memory holds training queries that are
  like the mistakes; without it neurons answer to half of the neighbours. The weight is 1 (published: 5 and 10)
- a fixed number of steps, all mistakes of a batch at once, and edits of a batch know nothing of each other (published:
  one edit after the other, each with the mistakes of the earlier ones in the memory), so that one can be taken out
- as many neurons as there are wrong tokens, and one for the least probable token where none is wrong

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from survey.editing import method as base
from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.neurons import NeuronPatch, beside, entering
from survey.editing.others import others
from survey.editing.statistics import sampled_rows
from survey.editing.wordings import Wordings, groups


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of T-Patcher."""

    layer: int = -1
    """Block whose feed-forward part gets neurons, counted from 0, or from the last (-1)."""
    steps: int = 60
    """Steps of training."""
    lr: float = 0.02
    """Learning rate of Adam for keys (in units of 1 / |q|), biases and values."""
    value_scale: float = 100.0
    """Factor of the trained numbers of a value: it learns so many times faster."""
    fire: float = 1.0
    """Weight a of firing on the mistake."""
    silence: float = 1.0
    """Weight m of staying silent on the memory."""
    beta: float = -3.0
    """Activation, before the ReLU, below which the memory costs little."""
    gamma: float = 3.0
    """By how much the mistake's activation should exceed the memory's."""
    loudest: int = 1000
    """How many of the memory's tokens count for each neuron: those with the largest activations."""
    others: int = 12
    """To how many other subjects the prompt is put, for states that the neurons must not answer to; 0 for the
    memory alone, at most 12."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loudest < 1:
            raise EditError(f"loudest must be at least 1, not {self.loudest}")
        if not 0 <= self.others <= 12:
            raise EditError(f"others must be from 0 to 12, not {self.others}")


PRESETS = {}


@method("t-patcher", paper="huang2023transformerpatcher", batch=True, presets=PRESETS)
def t_patcher(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> NeuronPatch:
    layer = model.layer(config.layer)
    memory = model.remember(("states entering", layer), lambda: memory_states(model, layer, run))
    parts = []
    run.progress.start("Training neurons", config.steps * len(edits))
    for group in groups(len(edits)):
        parts.append(_train(model, [edits[i] for i in group], layer, memory, config, run))
    patch = parts[0]
    for part in parts[1:]:
        patch = patch + part
    return patch


def memory_states(model: LanguageModel, layer: int, run: Run) -> torch.Tensor:
    """What enters the feed-forward part over the model's own text, [tokens, width], first positions left out."""
    rows, found = sampled_rows(model, run.progress).tolist(), []
    entering(model, layer, rows, lambda batch, states: found.append(states[:, 1:].flatten(0, 1).float()))
    return torch.cat(found)


def other_states(model: LanguageModel, edits: Sequence[Edit], layer: int, count: int) -> list[torch.Tensor]:
    """What enters at the end of each edit's prompt about up to so many other subjects, [subjects, width] for each."""
    texts = [others(edit, count) for edit in edits]
    rows = [model.tokens(text).ids for some in texts for text in some]
    found = torch.zeros(len(rows), model.width, device=model.device)

    def keep(batch: list[int], states: torch.Tensor) -> None:
        for i, state in zip(batch, states, strict=True):
            found[i] = state[len(rows[i]) - 1].float()

    entering(model, layer, rows, keep)
    return list(found.split([len(some) for some in texts]))


def mistakes(words: Wordings) -> torch.Tensor:
    """Which tokens of the targets get a neuron: those that the model has wrong, or each edit's least probable one."""
    with torch.no_grad():
        log_p = words.log_probabilities()
        wrong = log_p.argmax(-1) != words.wanted
        p = log_p.gather(1, words.wanted[:, None])[:, 0]
        edit = words.owner[words.row]
        for n in range(int(words.owner[-1]) + 1):
            of_edit = (edit == n).nonzero()[:, 0]
            if not wrong[of_edit].any():
                wrong[of_edit[p[of_edit].argmin()]] = True
    return wrong


def _train(model, edits, layer: int, memory: torch.Tensor, config: Config, run: Run) -> NeuronPatch:
    words = Wordings(model, edits, layer, late=layer == model.layers - 1)
    # Queries are read by the same passes that train, at the same places.
    seen: list[torch.Tensor] = []
    with torch.no_grad(), beside(model, layer, lambda x: seen.append(model.by_rows(x)) or torch.zeros_like(x)):
        words.tail.hidden()
    wrong = mistakes(words)
    query = seen[0][words.row, words.column][wrong].float()
    owners = words.owner[words.row[wrong]]
    size = query.norm(dim=1, keepdim=True)
    # Each neuron belongs to the rows of its edit only; in training those of other edits are not there.
    mine = (words.owner[:, None] == owners).float()[:, None]

    key = (query / size).requires_grad_(True)
    bias = torch.zeros(len(query), device=query.device, requires_grad=True)
    value = torch.zeros_like(query, requires_grad=True)
    share = 1 / torch.bincount(owners)[owners].float()
    adam = torch.optim.Adam([key, bias, value], lr=config.lr)
    top = min(config.loudest, len(memory))
    if any(others(edit, config.others) for edit in edits):
        states = other_states(model, edits, layer, config.others)
        like = torch.nn.utils.rnn.pad_sequence(states, batch_first=True)[owners]
        # An edit may have fewer other subjects than were asked for.
        counts = torch.tensor([len(some) for some in states], device=like.device)[owners]
        filled = torch.arange(like.shape[1], device=like.device) >= counts[:, None]
        scale = like.shape[1] / counts.clamp_min(1)
    else:
        like = None

    def add(x: torch.Tensor) -> torch.Tensor:
        strength = (model.by_rows(x) @ (key / size).T + bias).relu() * mine
        return (strength @ (config.value_scale * value)).view(x.shape)

    for _ in range(config.steps):
        adam.zero_grad()
        with beside(model, layer, add):
            loss = words.losses().sum()
        on_mistake = (query * key / size).sum(1) + bias
        loud = ((key / size) @ memory.T + bias[:, None]).topk(top, dim=1, sorted=False).values
        fire = (-on_mistake).exp()
        silence = _heard(loud, on_mistake, config)
        if like is not None:
            strength = (like * (key / size)[:, None]).sum(2) + bias[:, None]
            silence = silence + scale * _heard(strength.masked_fill(filled, -torch.inf), on_mistake, config)
        (loss + (share * (config.fire * fire + config.silence * silence)).sum()).backward()
        adam.step()
        run.progress.advance(len(edits))
    parts = (key / size, bias, config.value_scale * value)
    keys, bias, values = (part.detach().cpu().contiguous() for part in parts)
    return NeuronPatch({}, layer, "relu", keys, bias, values, owners.cpu())


def _heard(strength: torch.Tensor, on_mistake: torch.Tensor, config: Config) -> torch.Tensor:
    """What it costs each neuron to answer to other states, from its activations there, [neurons, states]."""
    return ((strength - config.beta).exp() + (strength - on_mistake[:, None] + config.gamma).exp()).mean(1)
