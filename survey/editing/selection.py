"""Which edits of a patch stay when some are taken out, and what every patch checks of the tensors it is read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from survey.editing.patch import Patch, PatchError


def remaining(patch: Patch, numbers: Iterable[int], count: int) -> tuple[list[int], dict[str, Any]]:
    """Numbers of the edits that stay, and what the patch then says of itself. Raises `PatchError`."""
    gone = set(numbers)
    if wrong := sorted(n for n in gone if not 0 <= n < count):
        raise PatchError(f"the patch holds edits 0 to {count - 1}, and there is no edit {wrong[0]}")
    stay = [n for n in range(count) if n not in gone]
    about = dict(patch.about)
    if "edits" in about:
        about["edits"] = [about["edits"][n] for n in stay]
    return stay, about


def described(patch: Patch, notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The edits of a patch, each with what is known of it."""
    return [{"edit": edit, **note} for edit, note in zip(patch.edits, notes, strict=True)]


def need(tensors: Mapping[str, torch.Tensor], sizes: Mapping[str, tuple[int | str, ...]]) -> dict[str, int]:
    """Check that just these tensors are there. A size is a number, or a name that stands for the same number
    everywhere; a name of tensor that begins with "?" may be missing, and one that begins with "#" holds whole
    numbers. Returns what the names stand for. Raises `PatchError`."""
    found: dict[str, int] = {}
    names = {name.lstrip("?#") for name in sizes}
    if unknown := sorted(set(tensors) - names):
        raise PatchError(f"the patch holds an unknown tensor {unknown[0]!r}")
    for given, shape in sizes.items():
        name = given.lstrip("?#")
        if name not in tensors:
            if "?" in given:
                continue
            raise PatchError(f"the patch is incomplete: it has no {name}")
        tensor = tensors[name]
        if tensor.is_floating_point() == ("#" in given):
            raise PatchError(f"{name} of the patch holds {'no whole' if '#' in given else 'no floating-point'} numbers")
        wanted = [found.setdefault(size, n) if isinstance(size, str) else size for size, n in zip(shape, tensor.shape, strict=False)]
        if tensor.dim() != len(shape) or list(tensor.shape) != wanted:
            raise PatchError(f"{name} of the patch has the shape {list(tensor.shape)}, which does not fit the rest")
    return found


def owned(tensors: Mapping[str, torch.Tensor], names: Iterable[str], count: int, least: int) -> None:
    """Check that tensors of numbers name one of so many things. Raises `PatchError`."""
    for name in names:
        tensor = tensors[name]
        if tensor.numel() and not (least <= int(tensor.min()) and int(tensor.max()) < count):
            raise PatchError(f"{name} of the patch names something that it does not hold")
