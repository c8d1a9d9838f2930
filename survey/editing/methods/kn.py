"""Knowledge Neurons: find the neurons that express a fact, and rewrite what they say.

A neuron is one entry of what enters a down-projection, at the token that predicts the answer. Its attribution
is the integral of the gradient of the old answer's probability while the neuron's layer is scaled from
zero to its activation a:

    Attr_i = a_i / m * sum over s = 1..m of dP(answer | s/m a) / da_i

Neurons above a share of the largest attribution are a prompt's coarse set; those that many prompts of the same fact
share are its knowledge neurons. To update the fact, the column of the down-projection that belongs to
each neuron loses the embedding of the old answer and gains that of the new one:

    w_i <- w_i - lambda1 e(old) + lambda2 e(new)

Faithful:
- integrated gradients with a Riemann sum, threshold relative to the largest attribution, refinement by
  sharing among prompts, and the rewriting of columns with embeddings of first tokens
- the answer is the edit's `was`, or what the model itself says where that is not given; an answer of many
  tokens is attributed token by token, teacher-forced, and averaged

Deviates:
- the prompts that share a fact are the bare one and ones behind sampled texts, where the paper has
  rewordings; toolkits pass a single prompt, which turns the refinement off
- neurons of gated feed-forward parts are the entries that enter the down-projection
- `lambda1` and `lambda2` are multiples of the norm of the changed column, and embeddings are normalised: their
  norms differ from model to model, and the paper's factor 2 means nothing by itself

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from survey.editing import method as base
from survey.editing.contexts import sample_contexts
from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.method import Run, method
from survey.editing.patch import WeightPatch
from survey.editing.structure import matrix
from survey.editing.tail import Tail


@dataclass(frozen=True)
class Config(base.Config):
    """Settings of Knowledge Neurons."""

    contexts: tuple[tuple[int, int], ...] = ((5, 10),)
    """Texts put before the prompt, beside none, to get prompts that share the fact: pairs (how many, of how
    many tokens)."""
    integration_steps: int = 20
    """Steps m of the Riemann sum."""
    threshold: float = 0.2
    """Share of the largest attribution above which a neuron belongs to a prompt's coarse set."""
    shared: float = 0.5
    """Share of prompts whose coarse sets must hold a neuron."""
    lambda1: float = 1.0
    """How much of the old answer is taken out, in norms of the changed column."""
    lambda2: float = 1.0
    """How much of the new answer is put in, in norms of the changed column."""
    erase: bool = False
    """Only erase the fact: set the columns to zero and write nothing."""


PRESETS = {"gpt2-xl": {"threshold": 0.2, "shared": 0.4}, "gpt-j": {"threshold": 0.1, "shared": 0.4}}


@method("kn", paper="dai2022knowledge", batch=False, presets=PRESETS)
def kn(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> WeightPatch:
    [edit] = edits
    if model.network.get_input_embeddings().weight.shape[1] != model.width:
        raise EditError(f"kn writes embeddings into neurons, and in {model.name} they are not as wide as hidden states")
    prompts = [p + edit.text for p in ("", *sample_contexts(model, config.contexts, run.seed))]
    answer = edit.was or model.generate(edit.text, 3).strip().split("\n")[0]
    if not answer:
        raise EditError(f"the model says nothing after {edit.text!r}, so give the old answer with --was")
    neurons = find_neurons(model, prompts, answer, config, run)

    def token(text: str) -> torch.Tensor:
        tokens, start = model.joined(edit.text, text)
        vector = model.network.get_input_embeddings().weight[tokens.ids[start]].detach().float()
        return vector / vector.norm().clamp_min(1e-12)

    old, new = token(answer), token(edit.target)
    changes = {}
    for layer in sorted({layer for layer, _ in neurons}):
        weight = matrix(model.down(layer)).detach().float()
        chosen = torch.tensor([i for at, i in neurons if at == layer], device=weight.device)
        columns = weight[:, chosen]
        if config.erase:
            left = -columns
        else:
            left = columns.norm(dim=0) * (config.lambda2 * new - config.lambda1 * old)[:, None]
        right = torch.zeros(len(chosen), weight.shape[1], device=weight.device)
        right[torch.arange(len(chosen)), chosen] = 1
        changes[model.down_name(layer)] = model.change(layer, left, right)
    return WeightPatch({"neurons": [list(neuron) for neuron in neurons]}, changes)


def find_neurons(
    model: LanguageModel, prompts: Sequence[str], answer: str, config: Config, run: Run
) -> list[tuple[int, int]]:
    """The knowledge neurons of a fact as (layer, index): those that enough prompts share, at least one."""
    coarse = []
    attributions = attribute(model, prompts, answer, config.integration_steps, run)
    for attribution in attributions:
        limit = config.threshold * attribution.max()
        coarse.append({tuple(place) for place in (attribution > limit).nonzero().tolist()})
    count = {neuron: sum(neuron in some for some in coarse) for neuron in set().union(*coarse)}
    found = sorted(neuron for neuron, times in count.items() if times > config.shared * len(prompts))
    if not found:
        # No neuron is shared by enough prompts: the one with the largest mean attribution stands for the fact.
        mean = attributions.mean(0)
        best = int(mean.argmax())
        found = [(best // mean.shape[1], best % mean.shape[1])]
    return found


def attribute(model: LanguageModel, prompts: Sequence[str], answer: str, steps: int, run: Run) -> torch.Tensor:
    """Attribution of every neuron for the probability of `answer` after each prompt, [prompts, layers,
    neurons], in probability; averaged over the tokens of the answer."""
    joined = [model.joined(prompt, answer) for prompt in prompts]
    count = min(len(tokens) - start for tokens, start in joined)
    total = torch.zeros(len(prompts), model.layers, matrix(model.down(0)).shape[1])
    scales = torch.arange(1, steps + 1, device=model.device)[:, None] / steps
    every = torch.arange(len(prompts)).repeat_interleave(steps)
    run.progress.start("Attributing to neurons", model.layers * count)
    for n in range(count):
        rows = [tokens.ids[: start + n] for tokens, start in joined]
        wanted = torch.tensor([tokens.ids[start + n] for tokens, start in joined], device=model.device)
        # Only the position that predicts the token is recomputed, from each layer on.
        tail = Tail(model, rows, 0, [len(row) - 1 for row in rows])
        for layer in range(model.layers):
            kept: list[torch.Tensor] = []

            def scaled(module, args, kept=kept):
                whole = model.by_rows(args[0])[::steps, 0].detach()
                kept.append(whole)
                kept.append((whole[:, None] * scales).flatten(0, 1).requires_grad_(True))
                return (kept[1].view(args[0].shape),)

            handle = model.down(layer).register_forward_pre_hook(scaled)
            try:
                hidden = tail.later(layer).select(every).hidden()
            finally:
                handle.remove()
            p = model.logits(hidden[:, 0]).float().softmax(-1).gather(1, wanted.repeat_interleave(steps)[:, None])
            (gradient,) = torch.autograd.grad(p.sum(), kept[1])
            mean = gradient.view(len(prompts), steps, -1).mean(1)
            total[:, layer] += (kept[0] * mean).float().cpu() / count
            run.progress.advance()
    return total
