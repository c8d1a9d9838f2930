"""Beginnings of texts that are put before an edit's prompt, so that it holds in any context."""

from __future__ import annotations

import re

import torch

from survey.editing.language_model import LanguageModel, continue_tokens

# MEMIT's first words. Left to begin by itself, a small model writes no prose.
STARTERS = ("The", "Therefore", "Because", "I", "You")
_TOP_K = 5


def document_token(model: LanguageModel) -> int:
    """The token that separates documents, with which a text begins."""
    tokenizer = model.tokenizer
    known = tokenizer.get_vocab().get("<|endoftext|>")
    for id in (known, tokenizer.bos_token_id, tokenizer.eos_token_id):
        if id is not None:
            return id
    return 0


def sample_contexts(model: LanguageModel, contexts: tuple[tuple[int, int], ...], seed: int) -> list[str]:
    """Return texts that end in ". ", sampled once from the unedited model.

    `contexts` holds pairs (how many, of how many tokens). Each begins with one of MEMIT's starters in
    turn and goes on with one of the five most probable tokens at a time.
    """
    return model.remember(
        ("contexts", contexts, seed), lambda: [t for count, length in contexts for t in _sample(model, count, length, seed)]
    )


def _sample(model: LanguageModel, count: int, length: int, seed: int) -> list[str]:
    generator = torch.Generator().manual_seed(seed * 1000 + length)
    texts = []
    for i in range(count):
        starter = STARTERS[i % len(STARTERS)]
        # Behind the token that separates documents a starter begins a sentence; alone, junk follows it.
        first = [document_token(model)] if model.begins_without_mark() else []
        ids = torch.tensor([[*first, *model.tokens(starter).ids]], device=model.device)

        def choose(logits: torch.Tensor) -> torch.Tensor:
            top = logits.topk(_TOP_K)
            pick = torch.multinomial(top.values.softmax(-1).cpu(), 1, generator=generator).to(logits.device)
            return top.indices.gather(1, pick)[:, 0]

        new = continue_tokens(model, ids, torch.ones_like(ids), length, choose)[0].tolist()
        text = re.sub(r"[\s{}]+", " ", starter + model.decode(new)).strip()
        texts.append(text + ". ")
    return texts
