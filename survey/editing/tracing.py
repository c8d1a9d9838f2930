"""Causal tracing: which states carry a fact from the subject to the answer (Meng et al. 2022).

Three kinds of runs (Meng et al. 2022):

- clean: the model reads the prompt and says the answer with probability p
- corrupted: noise is added to the embeddings of the subject's tokens, and p falls
- restored: a corrupted run in which the state of one part, layer and token is set to what it was in the clean
  run; how much of p comes back is the indirect effect of that state

A single feed-forward or attention output does little alone, so there a window of layers around the one that is
named is restored. All is averaged over draws of the noise.

The restored runs of a token share one pass. What lies before the token, or below the first restored layer, is as
in the corrupted run and comes from there; a run joins the pass where it begins to differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from transformers import DynamicCache

from survey.editing.edit import Edit, EditError
from survey.editing.language_model import LanguageModel
from survey.editing.method import Quiet
from survey.editing.tail import changed_output

PARTS = ("block", "mlp", "attention")
# Positions in one pass; more take memory and gain no speed.
_POSITIONS_AT_ONCE = 2048
# Rows of logits at once.
_LOGITS_AT_ONCE = 128


@dataclass(frozen=True, eq=False)
class Trace:
    """What was traced. Probabilities are length-normalised over the target's tokens."""

    model: str
    prompt: str
    """The prompt with the subject in its place."""
    subject: str
    target: str
    tokens: tuple[str, ...]
    """Pieces of the prompt."""
    subject_tokens: range
    """Indices of those that belong to the subject."""
    sigma: float
    """Standard deviation of the noise, in units of the embeddings."""
    noise: float
    """The same, in standard deviations of the embeddings."""
    window: int
    """Layers restored together, for `mlp` and `attention`."""
    seed: int
    clean: float
    """Probability of the target in the clean run."""
    corrupted: torch.Tensor
    """The same in the corrupted runs, [draws]."""
    restored: dict[str, torch.Tensor]
    """The same in the restored runs by part, [draws, tokens, layers]; the layer is the middle of a window."""

    @property
    def total_effect(self) -> float:
        """What the noise costs: p clean - p corrupted, averaged over draws."""
        return self.clean - self.corrupted.mean().item()

    def effect(self, part: str) -> torch.Tensor:
        """Indirect effects, p restored - p corrupted, averaged over draws, [tokens, layers]."""
        return (self.restored[part] - self.corrupted[:, None, None]).mean(0)

    def largest(self, part: str) -> tuple[float, int, int]:
        """The largest indirect effect of a part, with its token and layer."""
        effect = self.effect(part)
        at = int(effect.argmax())
        return effect.flatten()[at].item(), at // effect.shape[1], at % effect.shape[1]


@torch.no_grad()
def trace(
    model: LanguageModel,
    prompt: str,
    subject: str,
    target: str | None = None,
    *,
    noise: float = 3.0,
    draws: int = 10,
    window: int = 10,
    seed: int = 0,
    parts: Sequence[str] = PARTS,
    progress: Quiet | None = None,
) -> Trace:
    """Trace the states that make `model` continue `prompt` with `target` (None: with its most probable token).

    `prompt` holds `{}` where the subject stands, or the subject itself, as in `Edit`. `noise` is in standard
    deviations of the embeddings. `parts` are of `block` (hidden states), `mlp` (outputs of the feed-forward
    parts) and `attention`. Raises `EditError`.
    """
    progress = progress or Quiet()
    # Whatever the target, prompt and subject are read as those of an edit.
    edit = Edit(prompt, subject, "?" if target is None else target)
    _check(noise, draws, window, parts)
    case = _Case(model, edit, target is None)
    runs = _Runs(model, case, noise * embedding_deviation(model), draws, seed)
    restored, here = {}, range(case.subject.start, case.length)
    progress.start("Tracing", len(parts) * len(here))
    for part in parts:
        # Before the subject nothing is corrupted, so nothing can be restored.
        p = runs.corrupted[:, None, None].repeat(1, case.length, model.layers)
        for token in here:
            p[:, token] = runs.restored(part, token, 1 if part == "block" else window)
            progress.advance()
        restored[part] = p
    return Trace(
        model.name, edit.text, edit.subject, case.target, case.texts, case.subject, runs.sigma, noise,
        window, seed, runs.clean, runs.corrupted, restored,
    )  # fmt: skip


def _check(noise: float, draws: int, window: int, parts: Sequence[str]) -> None:
    if not 0 < noise < float("inf"):
        raise EditError(f"the noise must be a number above 0, not {noise}")
    if draws < 1:
        raise EditError(f"at least one draw of the noise is needed, not {draws}")
    if window < 1:
        raise EditError(f"a window holds at least one layer, not {window}")
    if not parts:
        raise EditError(f"name a part to trace: {', '.join(PARTS)}")
    for part in parts:
        if part not in PARTS:
            raise EditError(f"there is no part {part!r}: choose from {', '.join(PARTS)}")


@torch.no_grad()
def embedding_deviation(model: LanguageModel) -> float:
    """Standard deviation of the entries of all tokens' embeddings, as they leave the embedding layer."""
    embed = model.network.get_input_embeddings()
    total, squares, count = 0.0, 0.0, 0
    for ids in torch.arange(embed.num_embeddings, device=model.device).split(8192):
        states = embed(ids).double()
        total, squares, count = total + states.sum(), squares + states.square().sum(), count + states.numel()
    return (squares / count - (total / count) ** 2).sqrt().item()


class _Case:
    """The prompt with its target, in tokens."""

    def __init__(self, model: LanguageModel, edit: Edit, free: bool) -> None:
        if free:
            tokens = model.tokens(edit.text)
            self.length = len(tokens)
            self.answer = [int(model.next_logits([edit.text])[0].argmax())]
            self.target = model.decode(self.answer).strip() or repr(model.decode(self.answer))
        else:
            tokens, self.length = model.joined(edit.text, edit.target)
            self.answer = list(tokens.ids[self.length :])
            self.target = edit.target
        # The last token of the target is predicted, never read.
        self.ids = [*tokens.ids[: self.length], *self.answer[:-1]]
        start = edit.subject_end - len(edit.subject)
        self.subject = range(tokens.token_at(start + 1), tokens.last_token_at(edit.subject_end) + 1)
        if self.subject.stop > self.length:
            raise EditError(f"the end of the prompt and the target {edit.target!r} share a token, and cannot be told apart")
        begins = (0, *tokens.ends)
        # A start token has no text, nor have the later pieces of a character that is many tokens.
        self.texts = tuple(
            edit.text[begins[i] : tokens.ends[i]] or (model.tokenizer.decode([tokens.ids[i]]) if tokens.ends[i] == 0 else "…")
            for i in range(self.length)
        )


class _Runs:
    """The clean run and the corrupted ones, and from them any restored ones."""

    def __init__(self, model: LanguageModel, case: _Case, sigma: float, draws: int, seed: int) -> None:
        self.model, self.case, self.sigma, self.draws = model, case, sigma, draws
        embed = model.network.get_input_embeddings()
        ids = torch.tensor([case.ids], device=model.device)
        generator = torch.Generator().manual_seed(seed)
        noise = sigma * torch.randn(draws, len(case.subject), embed(ids).shape[-1], generator=generator)

        def corrupt(states: torch.Tensor) -> torch.Tensor:
            states = states.clone()
            states[1:, case.subject.start : case.subject.stop] += noise.to(states)
            return states

        # The first row is the clean run, the others are the corrupted ones.
        count, self._cache = draws + 1, DynamicCache()
        self._clean: dict[tuple[str, int], torch.Tensor] = {}
        self._entering: list[torch.Tensor] = []

        def keep(point: tuple[str, int], states: torch.Tensor) -> None:
            self._clean[point] = states[0].clone()
            if point[0] == "block":
                self._entering.append(states[1:].clone())

        points = [(part, layer) for layer in range(model.layers) for part in ("block", "value", "attention")]
        ids = ids.expand(count, -1)
        with ExitStack() as stack:
            stack.enter_context(changed_output(embed, corrupt))
            stack.enter_context(
                _before(model.block(0), lambda states: self._entering.append(states[1:].clone()) or states)
            )
            stack.enter_context(model.watching(points, keep))
            hidden = model.hidden(ids, torch.ones_like(ids), past_key_values=self._cache, use_cache=True)
        p = self._probabilities(hidden, 0)
        self.clean, self.corrupted = p[0].item(), p[1:]

    def _probabilities(self, hidden: torch.Tensor, start: int) -> torch.Tensor:
        """Probability of the target for rows of states that begin at position `start`, [rows], in float64."""
        answer, found = torch.tensor(self.case.answer, device=hidden.device), []
        for states in hidden[:, self.case.length - 1 - start :].split(_LOGITS_AT_ONCE):
            # As a plain matrix: a product of three dimensions that lie apart in memory is far slower.
            logits = self.model.logits(states.flatten(0, 1)).float()
            wanted = logits.gather(1, answer.repeat(len(states))[:, None])[:, 0]
            found.append((wanted - logits.logsumexp(-1)).view(len(states), -1).double().mean(1).exp().cpu())
        return torch.cat(found)

    def restored(self, part: str, token: int, window: int) -> torch.Tensor:
        """Probability of the target where one token's state is restored at each layer in turn, [draws, layers]."""
        size = max(1, _POSITIONS_AT_ONCE // (self.draws * (len(self.case.ids) - token)))
        layers = range(self.model.layers)
        return torch.cat([self._pass(part, token, window, layers[i : i + size]) for i in layers[::size]], 1)

    def _pass(self, part: str, token: int, window: int, middles: range) -> torch.Tensor:
        """The same for some of the layers, in one pass over the positions from `token` on.

        Row 0 is only there for the model to begin with. Behind it come the runs by layer and draw, the lower
        layers first, each from the block before which it begins to differ from the corrupted run.
        """
        model, draws = self.model, self.draws
        # Of each middle: the layers that are restored, and the block that its runs enter first.
        if part == "block":
            spans = [range(middle, middle + 1) for middle in middles]
            joins = [middle + 1 for middle in middles]
        else:
            spans = [
                range(max(0, middle - window // 2), min(model.layers, middle + (window + 1) // 2)) for middle in middles
            ]
            joins = [span.start for span in spans]

        def joining(block: int) -> torch.Tensor:
            """States of the runs that join before a block."""
            states = self._entering[block][:, token:].repeat(joins.count(block), 1, 1)
            if part == "block":
                states[:, 0] = self._clean["block", block - 1][token]
            return states

        def rows(layer: int) -> slice:
            """The rows in which the output of a layer is restored."""
            inside = [n for n, span in enumerate(spans) if layer in span]
            return slice(1 + draws * inside[0], 1 + draws * (inside[-1] + 1)) if inside else slice(0)

        def counted(block: int) -> int:
            """Rows that enter a block."""
            return 1 + draws * sum(join <= block for join in joins)

        cache = None
        if token:
            cache = DynamicCache()
            for layer, kept in enumerate(self._cache.layers):
                times = (counted(layer) - 1) // draws
                # Row 0 takes the first corrupted run's.
                past = (
                    torch.cat([x[1:2, :, :token], x[1:, :, :token].repeat(times, 1, 1, 1)]) for x in (kept.keys, kept.values)
                )
                cache.update(*past, layer)
        ids = torch.tensor([self.case.ids[token:]], device=model.device)
        positions = torch.arange(token, len(self.case.ids), device=model.device)[None]
        with ExitStack() as stack:
            for block in range(model.layers):
                if block in joins:
                    stack.enter_context(
                        _before(model.block(block), lambda states, b=block: torch.cat([states, joining(b)]))
                    )
                if part != "block" and any(block in span for span in spans):
                    module = model.down(block) if part == "mlp" else model.attention(block)
                    clean = self._clean["value" if part == "mlp" else "attention", block][token]

                    def restore(output, block=block, clean=clean):
                        states = output.reshape(counted(block), -1, output.shape[-1]).clone()
                        states[rows(block), 0] = clean
                        return states.view(output.shape)

                    stack.enter_context(changed_output(module, restore))
            if model.layers in joins:
                last = model.layers
                stack.enter_context(
                    changed_output(model.block(last - 1), lambda states: torch.cat([states, joining(last)]))
                )
            hidden = model.hidden(
                ids, torch.ones(1, len(self.case.ids), dtype=torch.long, device=model.device),
                position_ids=positions, past_key_values=cache, use_cache=cache is not None,
            )  # fmt: skip
        return self._probabilities(hidden[1:], token).view(len(middles), draws).T


@contextmanager
def _before(block: torch.nn.Module, change) -> Iterator[None]:
    """Replace the states that enter a block by `change(states)` for a while."""

    def hook(module, args, kwargs):
        if args:
            return (change(args[0]), *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": change(kwargs["hidden_states"])}

    handle = block.register_forward_pre_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
