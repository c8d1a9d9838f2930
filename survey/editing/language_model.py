"""A language model as the editing methods see it: texts in, probabilities and states out.

Texts are cut into tokens here, one by one and without the tokenizer's own padding, so that its padding
side, its speed and the order of a batch cannot change a result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import torch
from torch import nn

from survey.editing.edit import Edit, EditError
from survey.editing.structure import ArchitectureError, find_structure, is_conv1d, matrix

if TYPE_CHECKING:
    from survey.editing.patch import Change, Patch

# Tokens in one forward pass; more would not be faster and only take memory.
_TOKENS_AT_ONCE = 2048


@dataclass(frozen=True)
class Tokens:
    """A text in tokens: their ids, and for each the place in the text, in characters, where it ends."""

    ids: tuple[int, ...]
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def token_at(self, end: int) -> int:
        """Index of the first token that holds the character before `end`."""
        return next(i for i, e in enumerate(self.ends) if e >= end)

    def last_token_at(self, end: int) -> int:
        """Index of the last one: a character that is no letter of the alphabet may be many tokens."""
        at = self.token_at(end)
        return max(i for i, e in enumerate(self.ends) if i == at or e == end)


@dataclass
class Reading:
    """What a patch with a memory may ask of the pass that runs: `mask` tells the tokens of each row from its
    filling, [rows, columns]; `ends` is the column of each prompt's last token, [rows]. What is behind it is a
    continuation, given or made, and looks up nothing by itself.

    `decided` holds what a patch decided for each row, by patch. Passes that carry on with cached states have
    `started` set: they see later tokens only, and what was decided holds for them.
    """

    mask: torch.Tensor
    ends: torch.Tensor
    decided: dict[object, torch.Tensor] = field(default_factory=dict)
    started: bool = False

    def prompt(self) -> torch.Tensor:
        """Which columns are tokens of the prompt, [rows, columns]; none where the pass has `started`."""
        columns = torch.arange(self.mask.shape[1], device=self.mask.device)
        return self.mask & (columns <= self.ends[:, None])


class _Stop(Exception):
    """Ends a forward pass whose rest is not needed."""


class LanguageModel:
    """A causal transformer of Hugging Face with its tokenizer, frozen and in evaluation mode."""

    def __init__(self, network: nn.Module, tokenizer, name: str = "") -> None:
        self.network = network.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.name = name or getattr(network.config, "_name_or_path", "") or type(network).__name__
        self.structure = find_structure(network)
        self.patches: list[Patch] = []
        self._pristine: dict[str, torch.Tensor] = {}
        self._remembered: dict[object, object] = {}
        self._handles: list = []
        self.reading: Reading | None = None
        self.tokens = lru_cache(8192)(self.tokens)
        self._check_head()

    def __repr__(self) -> str:
        applied = f", {len(self.patches)} patches applied" if self.patches else ""
        return f"<LanguageModel {self.name}: {self.layers} blocks, width {self.width}{applied}>"

    # The parts

    @property
    def layers(self) -> int:
        """How many blocks there are."""
        return len(self.structure.blocks)

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    @cached_property
    def width(self) -> int:
        """Size of a hidden state."""
        return matrix(self.down(0)).shape[0]

    @cached_property
    def parameters(self) -> dict[str, nn.Parameter]:
        """Parameters by name, a shared one only once."""
        return dict(self.network.named_parameters())

    def block(self, layer: int) -> nn.Module:
        return self.network.get_submodule(self.structure.blocks[self.layer(layer)])

    def attention(self, layer: int) -> nn.Module:
        return self.network.get_submodule(self.structure.attentions[self.layer(layer)])

    def down(self, layer: int) -> nn.Module:
        """The down-projection of a block: the matrix that most methods edit."""
        return self.network.get_submodule(self.structure.downs[self.layer(layer)])

    def up(self, layer: int) -> nn.Module:
        """A matrix that reads what enters the feed-forward part of a block."""
        return self.network.get_submodule(self.structure.ups[self.layer(layer)])

    def down_name(self, layer: int) -> str:
        """Name of the down-projection's weight among the parameters."""
        return self.structure.downs[self.layer(layer)] + ".weight"

    def layer(self, layer: int) -> int:
        """`layer` counted from 0; negative numbers count from the last. Raises `EditError`."""
        if not -self.layers <= layer < self.layers:
            raise EditError(f"there is no layer {layer}: {self.name} has layers 0 to {self.layers - 1}")
        return layer % self.layers

    def sorted_layers(self, layers: Iterable[int]) -> list[int]:
        """Layers counted from 0, rising, each once. Raises `EditError` where there is none."""
        found = sorted({self.layer(layer) for layer in layers})
        if not found:
            raise EditError("name at least one layer to edit")
        return found

    # Tokens

    def tokens(self, text: str) -> Tokens:
        """Cut `text` into tokens, with the start token where the model has one."""
        if getattr(self.tokenizer, "is_fast", False):
            found = self.tokenizer(text, return_offsets_mapping=True)
            ids, ends = found["input_ids"], [end for _, end in found["offset_mapping"]]
        else:
            ids = self.tokenizer(text)["input_ids"]
            special = set(self.tokenizer.all_special_ids)
            texts = [self.tokenizer.decode([i for i in ids[: n + 1] if i not in special]) for n in range(len(ids))]
            # A slow tokenizer tells no places; decoding ever more tokens does, blanks at the start apart.
            lost = len(text) - len(texts[-1]) if texts else 0
            ends = [len(t) + lost if t else 0 for t in texts]
        # A token after the text, such as an end mark, is not part of it.
        while len(ids) > 1 and ends[-1] == 0:
            ids, ends = ids[:-1], ends[:-1]
        return Tokens(tuple(ids), tuple(ends))

    def joined(self, prompt: str, continuation: str) -> tuple[Tokens, int]:
        """Tokens of `prompt` and `continuation`, joined by a blank, and the index of the first
        token of the continuation. Raises `EditError` where one of both is empty."""
        if not prompt or not continuation:
            raise EditError("a prompt and a continuation are needed, and one of them is empty")
        tokens = self.tokens(f"{prompt} {continuation}")
        return tokens, tokens.token_at(len(prompt) + 1)

    def subject_index(self, edit: Edit, prefix: str = "") -> int:
        """Index of the subject's last token in `prefix` + the edit's prompt."""
        return self.tokens(prefix + edit.text).last_token_at(len(prefix) + edit.subject_end)

    def begins_without_mark(self) -> bool:
        """Whether a text's own first token stands at the first position: no start token is put before."""
        tokens = self.tokens("a")
        return tokens.ends[0] > 0

    def decode(self, ids: Iterable[int]) -> str:
        return self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def padded(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of ids filled at the right: ids and mask, both [rows, longest]."""
        longest = max(map(len, rows))
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[i, : len(row)] = 1
        return ids.to(self.device), mask.to(self.device)

    # Passes

    def hidden(self, ids: torch.Tensor, mask: torch.Tensor, reading: Reading | None = None, **more) -> torch.Tensor:
        """States after the last norm, [rows, tokens, width]; the head is left to `logits`. Rows without a
        `reading` are prompts as a whole."""
        more.setdefault("use_cache", False)
        self._shape = ids.shape
        self.reading = reading or self.whole(mask[:, -ids.shape[1] :])
        try:
            return self.network.base_model(input_ids=ids, attention_mask=mask, **more).last_hidden_state
        finally:
            self.reading = None

    @staticmethod
    def whole(mask: torch.Tensor) -> Reading:
        """Rows that are nothing but a prompt."""
        columns = torch.arange(mask.shape[1], device=mask.device)
        return Reading(mask.bool(), (mask * columns).argmax(1))

    def by_rows(self, states: torch.Tensor) -> torch.Tensor:
        """States within a pass as [rows, tokens, size]; OPT's feed-forward parts have all tokens in one list."""
        return states.reshape(*self._shape, states.shape[-1])

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits of states after the last norm."""
        logits = self.network.get_output_embeddings()(hidden)
        cap = getattr(self.network.config.get_text_config(), "final_logit_softcapping", None)
        return logits if cap is None else torch.tanh(logits / cap) * cap

    @torch.no_grad()
    def _check_head(self) -> None:
        ids = torch.arange(3, device=self.device)[None]
        mine = self.logits(self.hidden(ids, torch.ones_like(ids)))
        theirs = self.network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        if not torch.allclose(mine, theirs, rtol=1e-3, atol=1e-3 * theirs.abs().max().item()):
            raise ArchitectureError(f"{type(self.network).__name__} does something unknown between its states and logits")

    def batches(self, rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Indices of rows of like length, so many at once as a pass should hold."""
        batch: list[int] = []
        for i in sorted(range(len(rows)), key=lambda i: len(rows[i])):
            if batch and (len(batch) + 1) * len(rows[i]) > _TOKENS_AT_ONCE:
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    @torch.no_grad()
    def target_log_probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """For each (prompt, continuation): log-probability of every token of the continuation under
        teacher forcing, and whether it is the most probable one, both [tokens]."""
        prompts = self.asked([prompt for prompt, _ in pairs])
        joined = [self.joined(prompt, continuation) for prompt, (_, continuation) in zip(prompts, pairs, strict=True)]
        # A last token is predicted and never read, so that one pass serves all that could stand there.
        wanted: dict[tuple[tuple[int, ...], int], list[int]] = {}
        for i, (tokens, start) in enumerate(joined):
            wanted.setdefault((tokens.ids[:-1], start), []).append(i)
        rows = [ids for ids, _ in wanted]
        found: list = [None] * len(pairs)
        for batch in self.batches(rows):
            ids, mask = self.padded([rows[n] for n in batch])
            starts = [list(wanted)[n][1] for n in batch]
            hidden = self.hidden(ids, mask, Reading(mask.bool(), torch.tensor(starts, device=self.device) - 1))
            for place, (n, start) in enumerate(zip(batch, starts, strict=True)):
                logits = self.logits(hidden[place, start - 1 : len(rows[n])]).float()
                log_p, best = logits.log_softmax(-1), logits.argmax(-1)
                for i in wanted[rows[n], start]:
                    target = torch.tensor(joined[i][0].ids[start:], device=self.device)
                    found[i] = (log_p.gather(1, target[:, None])[:, 0].cpu(), (best == target).cpu())
        return found

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Probability of each continuation after its prompt, length-normalised: the geometric mean
        over its tokens, as CounterFact's evaluation does."""
        return [log_p.mean().exp().item() for log_p, _ in self.target_log_probabilities(pairs)]

    def probability(self, prompt: str, continuation: str) -> float:
        return self.probabilities([(prompt, continuation)])[0]

    @torch.no_grad()
    def next_logits(self, prompts: Sequence[str]) -> torch.Tensor:
        """Logits of the token after each prompt, [prompts, vocabulary]."""
        rows = [self.tokens(prompt).ids for prompt in self.asked(prompts)]
        found: list = [None] * len(rows)
        for batch in self.batches(rows):
            ids, mask = self.padded([rows[i] for i in batch])
            hidden = self.hidden(ids, mask)
            last = mask.sum(1) - 1
            for i, logits in zip(batch, self.logits(hidden[torch.arange(len(batch)), last]), strict=True):
                found[i] = logits.float()
        return torch.stack(found)

    def most_probable(self, prompt: str, count: int = 5) -> list[tuple[str, float]]:
        """The most probable next tokens with their probabilities."""
        top = self.next_logits([prompt])[0].softmax(-1).topk(count)
        return [(self.decode([i]), p) for i, p in zip(top.indices.tolist(), top.values.tolist(), strict=True)]

    @torch.no_grad()
    def generate(self, prompt: str | Sequence[str], tokens: int = 20) -> str | list[str]:
        """Greedy continuation of so many tokens, without the prompt."""
        texts = [text for text, _ in self.continued([prompt] if isinstance(prompt, str) else prompt, tokens)]
        return texts[0] if isinstance(prompt, str) else texts

    def continued(self, prompts: Sequence[str], tokens: int = 20) -> list[tuple[str, bool]]:
        """Greedy continuations of so many tokens, without the prompts, and for each whether the model's numbers were
        numbers all the way: after an edit that broke it they may not be."""
        given = list(prompts)
        others: list[str | None] = [None] * len(given)
        for patch in self.patches:
            others = [new if new is not None else old for old, new in zip(others, patch.answers(self, given), strict=True)]
        mine = [text for text, other in zip(given, others, strict=True) if other is None]
        said = iter(self._continued(self.asked(mine), tokens) if mine else [])
        return [next(said) if other is None else (other, True) for other in others]

    def _continued(self, prompts: Sequence[str], tokens: int) -> list[tuple[str, bool]]:
        """Greedy continuations of what is read as it is, and whether their numbers are numbers."""
        rows = [self.tokens(p).ids for p in prompts]
        longest = max(map(len, rows))
        # Filled at the left, since the new tokens follow at the right; the mask hides the filling.
        ids = torch.tensor([[0] * (longest - len(r)) + list(r) for r in rows], device=self.device)
        mask = torch.tensor([[0] * (longest - len(r)) + [1] * len(r) for r in rows], device=self.device)
        sound = torch.ones(len(rows), dtype=torch.bool, device=self.device)

        def choose(logits: torch.Tensor) -> torch.Tensor:
            # The largest of no numbers says nothing, and a sum of logits is no number where one of them is none.
            sound.logical_and_(~logits.sum(-1).isnan())
            return logits.argmax(-1)

        made = continue_tokens(self, ids, mask, tokens, choose)
        ends = self.end_ids
        texts = []
        for row in made.tolist():
            stop = next((n for n, id in enumerate(row) if id in ends), len(row))
            texts.append(self.decode(row[:stop]))
        return list(zip(texts, sound.tolist(), strict=True))

    @cached_property
    def end_ids(self) -> set[int]:
        """Ids that end a text."""
        ends = self.network.generation_config.eos_token_id
        ends = [ends] if isinstance(ends, int) else list(ends or [])
        if self.tokenizer.eos_token_id is not None:
            ends.append(self.tokenizer.eos_token_id)
        return set(ends)

    @torch.no_grad()
    def read(
        self, rows: Sequence[Sequence[int]], positions: Sequence[int], points: Sequence[tuple[str, int]]
    ) -> dict[tuple[str, int], torch.Tensor]:
        """States at one position of each row. A point is a part and a layer: `key` (what enters the
        down-projection), `value` (what leaves it), `block` (what leaves the block), `attention`.
        Returns [rows, size] for each point, in float32; nothing after the last point is computed."""
        found = {point: [None] * len(rows) for point in points}
        last = max(layer for _, layer in points)
        for batch in self.batches(rows):
            ids, mask = self.padded([rows[i] for i in batch])
            where = torch.tensor([positions[i] for i in batch], device=self.device)
            every = torch.arange(len(batch), device=self.device)

            def keep(point, tensor, every=every, where=where, batch=batch):
                for i, state in zip(batch, tensor[every, where].float(), strict=True):
                    found[point][i] = state

            with self.watching(points, keep, stop_after=last):
                self.hidden(ids, mask)
        return {point: torch.stack(states) for point, states in found.items()}

    @contextmanager
    def watching(self, points, keep, stop_after: int | None = None) -> Iterator[None]:
        """Call `keep(point, states)` with [rows, tokens, size] whenever a pass reaches a point; end the pass after
        block `stop_after`."""
        handles = []

        def first(output):
            return output[0] if isinstance(output, tuple) else output

        def stop(*_):
            raise _Stop

        try:
            for point in points:
                part, layer = point
                if part == "key":
                    hook = self.down(layer).register_forward_pre_hook(lambda m, args, p=point: keep(p, self.by_rows(args[0])))
                else:
                    module = {"value": self.down, "block": self.block, "attention": self.attention}[part](layer)
                    hook = module.register_forward_hook(lambda m, args, out, p=point: keep(p, self.by_rows(first(out))))
                handles.append(hook)
            if stop_after is not None:
                handles.append(self.block(stop_after).register_forward_hook(stop))
            with suppress(_Stop):
                yield
        finally:
            for handle in handles:
                handle.remove()

    # Patches

    def asked(self, prompts: Sequence[str]) -> list[str]:
        """The prompts as the model gets to read them: patches may put something before them."""
        prompts = list(prompts)
        for patch in self.patches:
            prompts = patch.rewrite(self, prompts)
        return prompts

    def attach(self, module: nn.Module, hook, *, before: bool = False) -> None:
        """Let a patch see and change what leaves a module (`hook(module, args, output)`), or what enters it
        (`before`: `hook(module, args)`), until the patch is taken off."""
        register = module.register_forward_pre_hook if before else module.register_forward_hook
        self._handles.append(register(hook))

    def change(self, layer: int, left: torch.Tensor, right: torch.Tensor) -> Change:
        """The change `left @ right` of a down-projection, [width, n] and [n, size of a key]."""
        from survey.editing.patch import Change

        left, right = left.float(), right.float()
        if is_conv1d(self.down(layer)):
            left, right = right.T, left.T
        return Change(left.contiguous(), right.contiguous())

    def apply(self, patch: Patch) -> None:
        """Put a patch on top of those that are applied. Raises `PatchError` where it does not fit."""
        patch.check(self)
        patch.write(self)
        self.patches.append(patch)

    def remove(self, patch: Patch) -> None:
        """Take a patch off again, bit for bit, wherever in the pile it lies."""
        at = max(i for i, p in enumerate(self.patches) if p is patch)
        rest = self.patches[:at] + self.patches[at + 1 :]
        self.restore()
        for other in rest:
            self.apply(other)

    def restore(self) -> None:
        """Take all patches off: every parameter is bit for bit what it was."""
        for handle in self._handles:
            handle.remove()
        self._handles, self.patches = [], []
        for name, value in self._pristine.items():
            self.parameters[name].data.copy_(value)
        self._pristine = {}

    @contextmanager
    def pristine(self) -> Iterator[LanguageModel]:
        """The model without its patches, for a while."""
        patches = self.patches[:]
        self.restore()
        try:
            yield self
        finally:
            for patch in patches:
                self.apply(patch)

    def writable(self, name: str) -> torch.Tensor:
        """A parameter that is about to be changed; its first state is kept for `restore`."""
        parameter = self.parameters[name].data
        if name not in self._pristine:
            self._pristine[name] = parameter.clone()
        return parameter

    def original(self, name: str) -> torch.Tensor:
        """A parameter as it was before any patch."""
        return self._pristine.get(name, self.parameters[name].data)

    @property
    def fingerprint(self) -> str:
        """A hash of all parameters without patches, 32 hexadecimal digits."""
        if "fingerprint" not in self._remembered:
            digest = hashlib.blake2b(digest_size=16)
            for name in sorted(self.parameters):
                value = self.original(name)
                digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
                digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy())
            self._remembered["fingerprint"] = digest.hexdigest()
        return self._remembered["fingerprint"]

    def remember(self, key: object, make):
        """`make()`, or what it gave the last time for this key. For what depends on the unedited model alone."""
        if key not in self._remembered:
            with self.pristine():
                self._remembered[key] = make()
        return self._remembered[key]


@torch.no_grad()
def continue_tokens(model: LanguageModel, ids: torch.Tensor, mask: torch.Tensor, count: int, choose) -> torch.Tensor:
    """New tokens after rows that end at the right, [rows, count]; `choose` takes logits [rows,
    vocabulary] and returns ids [rows]. Each token is computed once, with cached keys and values."""
    from transformers.cache_utils import Cache, DynamicLayer

    class Room(DynamicLayer):
        """Keys and values of a layer in room for all tokens: joining ever longer pieces would take twice the memory."""

        def update(self, keys, values, *_, **__):
            if not self.is_initialized:
                self.lazy_initialization(keys, values)
                length = ids.shape[1] + count
                self._keys = keys.new_empty(*keys.shape[:2], length, keys.shape[3])
                self._values = values.new_empty(*values.shape[:2], length, values.shape[3])
            old = self.get_seq_length()
            new = old + keys.shape[2]
            self._keys[:, :, old:new], self._values[:, :, old:new] = keys, values
            self.keys, self.values = self._keys[:, :, :new], self._values[:, :, :new]
            return self.keys, self.values

    cache, made = Cache(layer_class_to_replicate=Room), []
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    reading = model.whole(mask)
    for _ in range(count):
        hidden = model.hidden(ids, mask, reading, position_ids=positions, past_key_values=cache, use_cache=True)
        reading.started = True
        ids = choose(model.logits(hidden[:, -1]).float())[:, None]
        made.append(ids)
        mask = torch.cat([mask, torch.ones_like(ids)], 1)
        positions = positions[:, -1:] + 1
    return torch.cat(made, 1)
