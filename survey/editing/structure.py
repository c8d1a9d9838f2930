"""Where the parts of a transformer are, found by what they are and not by the model's name."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from survey.editing.edit import EditError


class ArchitectureError(EditError):
    """A network that is not the kind of transformer that can be edited here."""


@dataclass(frozen=True)
class Structure:
    """Names of the parts of a decoder, one for each block where there are many."""

    blocks: tuple[str, ...]
    attentions: tuple[str, ...]
    downs: tuple[str, ...]
    """Down-projections: the last matrix of each feed-forward part, the memory that is edited."""
    ups: tuple[str, ...]
    """The first matrix of each feed-forward part, which reads what enters it."""


def is_conv1d(module: nn.Module) -> bool:
    """GPT-2's linear layer, which keeps its weight transposed."""
    return type(module).__name__ == "Conv1D" and hasattr(module, "nf")


def matrix(module: nn.Module) -> torch.Tensor:
    """The weight of a linear layer as [out, in], a view that writes through."""
    return module.weight.T if is_conv1d(module) else module.weight


def _linears(module: nn.Module, prefix: str, skip: str):
    for name, child in module.named_children():
        path = f"{prefix}.{name}"
        if path == skip:
            continue
        if isinstance(child, nn.Linear) or is_conv1d(child):
            yield path, child
        else:
            yield from _linears(child, path, skip)


def find_structure(network: nn.Module) -> Structure:
    """Find blocks, attention parts and down-projections. Raises `ArchitectureError`.

    The blocks are the longest list of modules of one class. In each, the attention is the part whose
    class is called so, and the down-projection is the one linear layer outside it that ends in the
    width of the hidden states.
    """
    lists = [
        (name, part) for name, part in network.named_modules()
        if isinstance(part, nn.ModuleList) and len({type(block) for block in part}) == 1
    ]  # fmt: skip
    if not lists:
        raise ArchitectureError(f"{type(network).__name__} has no list of blocks, so nothing here can edit it")
    name, found = max(lists, key=lambda item: len(item[1]))
    head = network.get_output_embeddings()
    if head is None:
        raise ArchitectureError(f"{type(network).__name__} is not a causal language model: it has no output head")
    width = matrix(head).shape[1] if not hasattr(network.config, "word_embed_proj_dim") else network.config.hidden_size
    blocks, attentions, downs, ups = [], [], [], []
    for i, block in enumerate(found):
        path = f"{name}.{i}"
        attention = [
            f"{path}.{child}" for child, part in block.named_children() if "attention" in type(part).__name__.lower()
        ]
        if len(attention) != 1:
            raise ArchitectureError(f"block {path} has {len(attention)} attention parts, and one is needed")
        linears = list(_linears(block, path, attention[0]))
        candidates = [(where, part) for where, part in linears if matrix(part).shape[0] == width]
        if len(candidates) != 1:
            kind = "a mixture of experts, perhaps" if len(candidates) > 1 else "an unknown feed-forward part"
            raise ArchitectureError(
                f"block {path} has {len(candidates)} down-projections ({kind}), and one is needed"
            )
        blocks.append(path)
        attentions.append(attention[0])
        downs.append(candidates[0][0])
        ups.append(next((where for where, _ in linears if where != downs[-1]), downs[-1]))
    return Structure(tuple(blocks), tuple(attentions), tuple(downs), tuple(ups))
