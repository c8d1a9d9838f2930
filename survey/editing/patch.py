"""What a method produces: a patch that can be applied, taken off, saved, shared and looked at.

A patch file is a safetensors file: tensors, and a header of plain text. Nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from survey.editing.edit import Edit
from survey.errors import UserError

if TYPE_CHECKING:
    from survey.editing.language_model import LanguageModel

FORMAT = "editing-patch/1"


class PatchError(UserError):
    """A patch that cannot be read, or does not fit the model."""


@dataclass(frozen=True)
class Change:
    """The change of one parameter, in the parameter's own orientation: `left @ right` with
    [rows, n] and [n, columns], or `dense` in the parameter's shape. Float32."""

    left: torch.Tensor | None = None
    right: torch.Tensor | None = None
    dense: torch.Tensor | None = None

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        return {name: t for name in ("left", "right", "dense") if (t := getattr(self, name)) is not None}

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.dense.shape) if self.dense is not None else (self.left.shape[0], self.right.shape[1])

    def full(self) -> torch.Tensor:
        return self.dense if self.dense is not None else self.left @ self.right

    def norm(self) -> float:
        """Frobenius norm."""
        if self.dense is not None:
            return self.dense.double().norm().item()
        left, right = self.left.double(), self.right.double()
        return ((left.T @ left) * (right @ right.T)).sum().clamp_min(0).sqrt().item()

    def __add__(self, other: Change) -> Change:
        if self.dense is None and other.dense is None:
            rank = self.left.shape[1] + other.left.shape[1]
            if rank * sum(self.shape) < self.shape[0] * self.shape[1]:
                return Change(torch.cat([self.left, other.left], 1), torch.cat([self.right, other.right], 0))
        return Change(dense=self.full() + other.full())


@dataclass(eq=False)
class Patch:
    """Common to all kinds of patches. `about` says where it comes from: method, settings, edits, seed."""

    kind: ClassVar[str] = ""
    about: dict[str, Any] = field(default_factory=dict)

    KINDS: ClassVar[dict[str, type[Patch]]] = {}

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        if cls.kind:
            Patch.KINDS[cls.kind] = cls

    def check(self, model: LanguageModel) -> None:
        """Raise `PatchError` where the patch does not fit the model."""

    def write(self, model: LanguageModel) -> None:
        """Put the patch into the model; `model.apply` calls it, and the model takes parameters and hooks
        (`model.writable`, `model.attach`) back by itself."""

    def rewrite(self, model: LanguageModel, prompts: list[str]) -> list[str]:
        """What the model shall read instead of these prompts."""
        return prompts

    def answers(self, model: LanguageModel, prompts: list[str]) -> list[str | None]:
        """What somebody else than the model has to say behind prompts; None where it is for the model to go on."""
        return [None] * len(prompts)

    def listed(self) -> list[dict[str, Any]]:
        """What the patch holds, one item for each edit, with what its kind knows about it."""
        return [{"edit": edit} for edit in self.edits]

    def without(self, numbers: Iterable[int]) -> Patch:
        """The patch without some of its edits, by number from 0. Raises `PatchError` where edits cannot be told
        apart any more."""
        raise PatchError(
            f"{self.about.get('method', 'this method')} writes all its edits into the same numbers, and one of them "
            "cannot be taken out: make the patch again without it"
        )

    def tensors(self) -> dict[str, torch.Tensor]:
        """Everything to be saved, by name."""
        return {}

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> Patch:
        raise TypeError(f"{cls.__name__} does not say how it is read")

    def relative_norm(self, model: LanguageModel) -> float | None:
        """The largest ||dW|| / ||W|| among the changed parameters; None where none is changed."""
        return None

    @property
    def bytes(self) -> int:
        """Size of the tensors."""
        return sum(t.numel() * t.element_size() for t in self.tensors().values())

    @property
    def edits(self) -> list[Edit]:
        """The edits that the patch was made for."""
        return _edits(self.about)


@dataclass(eq=False)
class WeightPatch(Patch):
    """Changes of parameters, and `kept`: tensors that the method wants to see again when it is used
    on top of this patch (AlphaEdit's keys of earlier edits)."""

    kind: ClassVar[str] = "weights"
    changes: dict[str, Change] = field(default_factory=dict)
    kept: dict[str, torch.Tensor] = field(default_factory=dict)

    def check(self, model: LanguageModel) -> None:
        for name, change in self.changes.items():
            if name not in model.parameters:
                raise PatchError(f"the patch changes {name}, which {model.name} does not have")
            if tuple(model.parameters[name].shape) != change.shape:
                raise PatchError(
                    f"the patch changes {name} as {list(change.shape)}, "
                    f"but in {model.name} it is {list(model.parameters[name].shape)}"
                )

    @torch.no_grad()
    def write(self, model: LanguageModel) -> None:
        for name, change in self.changes.items():
            parameter = model.writable(name)
            parameter.add_(change.full().to(parameter))

    def relative_norm(self, model: LanguageModel) -> float | None:
        norms = [
            change.norm() / model.original(name).double().norm().clamp_min(1e-30).item()
            for name, change in self.changes.items()
        ]
        return max(norms, default=None)

    def tensors(self) -> dict[str, torch.Tensor]:
        found = {f"kept|{name}": tensor for name, tensor in self.kept.items()}
        for name, change in self.changes.items():
            found |= {f"{part}|{name}": tensor for part, tensor in change.tensors.items()}
        return found

    @classmethod
    def from_tensors(cls, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> WeightPatch:
        changes: dict[str, dict[str, torch.Tensor]] = {}
        kept = {}
        for name, tensor in tensors.items():
            part, bar, rest = name.partition("|")
            if bar and part == "kept":
                kept[rest] = tensor
            elif bar and part in ("left", "right", "dense"):
                changes.setdefault(rest, {})[part] = tensor
            else:
                raise PatchError(f"the patch holds an unknown tensor {name!r}")
        for name, parts in changes.items():
            if not all(part.is_floating_point() for part in parts.values()):
                raise PatchError(f"the change of {name} holds no floating-point numbers")
            if set(parts) not in ({"dense"}, {"left", "right"}):
                raise PatchError(f"the change of {name} is incomplete: it has only {', '.join(sorted(parts))}")
            if "left" in parts and (
                parts["left"].dim() != 2 or parts["right"].dim() != 2 or parts["left"].shape[1] != parts["right"].shape[0]
            ):
                raise PatchError(f"the factors of {name} do not fit each other")
        return cls(about, {name: Change(**parts) for name, parts in changes.items()}, kept)

    def __add__(self, other: WeightPatch) -> WeightPatch:
        """Both patches as one; what `other` keeps replaces what this one kept."""
        changes = dict(self.changes)
        for name, change in other.changes.items():
            changes[name] = changes[name] + change if name in changes else change
        return WeightPatch(about_both(self, other), changes, {**self.kept, **other.kept})


def save(patch: Patch, path: str | os.PathLike, model: LanguageModel) -> int:
    """Write a patch made for `model` to a file, whole or not at all. Returns its size in bytes."""
    return save_for(patch, path, {"fingerprint": model.fingerprint, "model": model.name})


def save_for(patch: Patch, path: str | os.PathLike, head: Mapping[str, Any]) -> int:
    """The same for the model that the header of another patch names, which need not be loaded."""
    from safetensors.torch import save as to_bytes

    from survey import __version__

    header = {
        "format": FORMAT, "kind": patch.kind, "about": json.dumps(patch.about, ensure_ascii=False),
        "fingerprint": head["fingerprint"], "model": head["model"], "made_by": f"editing-pitfalls {__version__}",
    }  # fmt: skip
    tensors = {name: t.detach().cpu().contiguous() for name, t in patch.tensors().items()}
    data = to_bytes(tensors, {**header, "digest": _digest(tensors)})
    path = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise PatchError(f"{path}: the patch cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise PatchError(f"{path}: the patch cannot be written: {error.strerror}") from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return len(data)


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def header(path: str | os.PathLike) -> dict[str, Any]:
    """The text part of a patch file: format, kind, about, fingerprint, model. Raises `PatchError`."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= 100_000_000:
                raise PatchError(f"{path}: this is no patch file (its first bytes are no safetensors header)")
            text = file.read(length) if 8 + length <= size else b""
    except OSError as error:
        raise PatchError(f"{path}: {error.strerror}") from None
    if not text:
        raise PatchError(f"{path}: this is no patch file, or it ends within its header: it was cut off after {size} bytes")
    try:
        items = json.loads(text)
        about = items.pop("__metadata__")
        ends = [int(item["data_offsets"][1]) for item in items.values()]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError):
        raise PatchError(f"{path}: this is no patch file: its header cannot be read") from None
    expected = 8 + length + max(ends, default=0)
    if size < expected:
        raise PatchError(f"{path}: the file was cut off: {size:,} of {expected:,} bytes are there; fetch it again")
    if not isinstance(about, Mapping) or not str(about.get("format", "")).startswith("editing-patch/"):
        raise PatchError(f"{path}: this safetensors file holds no patch: `survey edit ... --save FILE` makes one")
    if about["format"] != FORMAT:
        raise PatchError(f"{path}: its format is {about['format']}, and this version reads {FORMAT}: update the package")
    try:
        return {**about, "about": dict(json.loads(about["about"]))}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PatchError(f"{path}: the description of the patch cannot be read") from None


def load(path: str | os.PathLike, model: LanguageModel | None = None) -> Patch:
    """Read a patch that was made for `model`; without one, only to look at it. Raises `PatchError` for a file
    that is broken, or one that was made for a model with another fingerprint."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from survey.editing.method import METHODS

    head = header(path)
    kind = str(head.get("kind"))
    if kind not in Patch.KINDS:
        _ask_method(head["about"].get("method"))
    if kind not in Patch.KINDS:
        by = head["about"].get("method")
        hint = f": load the method {by} first, which made it (install its package, or name its file with --from)" if by and by not in METHODS else ""
        raise PatchError(f"{path}: patches of kind {head.get('kind')!r} are unknown to this version{hint}")
    if model is not None and head.get("fingerprint") != model.fingerprint:
        raise PatchError(
            f"{path}: the patch was made for {head.get('model')} (fingerprint {head.get('fingerprint')}), "
            f"and {model.name} has {model.fingerprint}: load the model it was made for (--model)"
        )
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise PatchError(f"{path}: the patch cannot be read: {error}") from None
    try:
        _edits(head["about"])
    except (TypeError, ValueError, UserError):
        raise PatchError(f"{path}: the edits that the patch names cannot be read") from None
    try:
        patch = Patch.KINDS[kind].from_tensors(tensors, head["about"])
        if model is not None:
            patch.check(model)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise PatchError(f"{path}: the patch does not hold what its kind, {kind}, should hold") from error
    if head.get("digest") != _digest(tensors):
        raise PatchError(f"{path}: the file was damaged: its numbers are not those that were saved; fetch it again")
    return patch


def _ask_method(id: Any) -> None:
    """Import a method: what it makes may be a kind of patch that was not known before. A file is not run because a patch
    names it, only what is installed."""
    from survey.editing.edit import EditError
    from survey.editing.foreign import in_file
    from survey.editing.method import find

    if isinstance(id, str) and not in_file(id):
        with suppress(EditError):
            find(id)


def _edits(about: Mapping[str, Any]) -> list[Edit]:
    """The edits that a patch names. Raises `TypeError`, `EditError`."""
    edits = about.get("edits", [])
    if not isinstance(edits, list):
        raise TypeError("edits come as a list")
    return [Edit(**edit) for edit in edits]


def about_both(one: Patch, other: Patch) -> dict[str, Any]:
    """What the sum of two patches says of itself: what the first one does, with the edits, and the notes on each, of
    both."""
    lists = [name for name in ("edits", "memory") if name in one.about or name in other.about]
    return {**one.about, **{name: [*one.about.get(name, []), *other.about.get(name, [])] for name in lists}}


def about(method: str, edits, seed: int, settings) -> dict[str, Any]:
    """What a patch says of itself."""
    return {"method": method, "edits": [asdict(edit) for edit in edits], "seed": seed, "settings": settings}
