"""What a method is, and how it is found by name.

A method is a module of `survey.editing.methods` with a configuration and one function,

    @method("rome", paper="meng2022locating", batch=False, presets=PRESETS)
    def rome(model, edits, config, run) -> Patch: ...

The function leaves the model as it was. It may expect edits that were checked, and at least one. Methods of other
people are found by `survey.editing.foreign`.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from survey.editing.edit import EditError


@dataclass(frozen=True)
class Config:
    """What can be set for a method. Defaults work on the default model; presets hold what was
    published for others. Raises `EditError` for numbers that make no sense."""

    def __post_init__(self) -> None:
        for name in ("steps", "integration_steps", "rank"):
            if getattr(self, name, 1) < 1:
                raise EditError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("lr", "alpha", "epsilon", "clamp", "lambda_", "l2"):
            if not getattr(self, name, 1) > 0:
                raise EditError(f"{name} must be above 0, not {getattr(self, name)}")
        if any(count < 1 or length < 1 for count, length in getattr(self, "contexts", ())):
            raise EditError(f"contexts holds pairs of numbers from 1 on, not {self.contexts}")


class Quiet:
    """Progress that nobody sees. Others have the same two methods."""

    def start(self, label: str, total: int) -> None:
        """A piece of work of so many steps begins."""

    def advance(self, steps: int = 1) -> None:
        """So many steps of it are done."""


@dataclass(frozen=True)
class Run:
    """What a method gets beside its configuration."""

    seed: int = 0
    text: str | None = None
    """Text for statistics of keys; None lets the model sample its own."""
    progress: Quiet = field(default_factory=Quiet)
    first: bool = False
    """Whether the subjects are the very first tokens, and edited where that is possible."""
    batch: int | None = None
    """How many edits to make at once, for a method that makes a sequence itself."""
    notes: dict[str, Any] = field(default_factory=dict)
    """What a patch should say of how it came about."""


@dataclass(frozen=True)
class Method:
    """A method as `find` returns it."""

    id: str
    paper: str
    batch: bool
    """Whether it makes many edits at once; otherwise they are made one after the other."""
    whole: bool
    """Whether it wants all edits of a sequence, since it works on their sum."""
    config: type[Config]
    presets: dict[str, dict[str, Any]]
    function: Callable
    module: str
    train: type | None = None
    """What it must learn before it can edit, a class of `survey.editing.learning.Training`; None: nothing."""

    def configure(self, preset: str | None = None, **settings: Any) -> Config:
        """Defaults, changed by a preset, changed by settings; texts are taken for what a field
        holds ("5" for 5). Raises `EditError` for unknown names and values of another kind."""
        from survey.collection.text import nearest

        if preset is not None and preset not in self.presets:
            known = ", ".join(self.presets) or "none"
            raise EditError(f"{self.id} has no preset {preset!r} (there are: {known})")
        kinds = typing.get_type_hints(self.config)
        values = dict(self.presets[preset]) if preset else {}
        for name, value in settings.items():
            if name not in kinds:
                guess = nearest(name, list(kinds))
                hint = f"did you mean {guess}?" if guess else f"it has {', '.join(kinds)}"
                raise EditError(f"{self.id} has no setting {name!r} ({hint})")
            values[name] = _value(self.id, name, value, kinds[name])
        return self.config(**values)


def _value(method: str, name: str, value: Any, kind: Any) -> Any:
    """`value` as the field wants it."""
    import ast

    given = value
    if isinstance(value, str) and kind is not str:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            if value.lower() in ("true", "false", "none"):
                value = {"true": True, "false": False, "none": None}[value.lower()]
    value = _tuples(value)
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple and isinstance(value, int | float):
        value = (value,)

    def fits(value, kind) -> bool:
        origin, parts = typing.get_origin(kind), typing.get_args(kind)
        if origin is tuple:
            if not isinstance(value, tuple):
                return False
            if parts[-1] is Ellipsis:
                return all(fits(v, parts[0]) for v in value)
            return len(value) == len(parts) and all(map(fits, value, parts))
        if origin is typing.Literal:
            return value in parts
        if parts:
            return any(fits(value, part) for part in parts)
        if kind is float:
            return isinstance(value, int | float) and not isinstance(value, bool)
        if kind is int:
            return isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, kind)

    if not fits(value, kind):
        wanted = " or ".join(map(repr, parts)) if origin is typing.Literal else str(kind).replace("<class '", "").replace("'>", "")
        raise EditError(f"{name} of {method} must be {wanted}, not {given!r}")
    try:
        return float(value) if kind is float else value
    except OverflowError:
        raise EditError(f"{name} of {method} is too large for a number: {given!r}") from None


def _tuples(value: Any) -> Any:
    """Lists as tuples, which a configuration holds."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def method(
    id: str,
    *,
    paper: str = "",
    batch: bool,
    presets: dict[str, dict[str, Any]] | None = None,
    whole: bool = False,
    train: type | None = None,
):
    """Make a `Method` of a function. Its configuration is the class `Config` of the same module. Raises `EditError` where
    there is none."""

    def make(function: Callable) -> Method:
        config = inspect.unwrap(function).__globals__.get("Config")
        if config is None:
            raise EditError(f"{id} has no class Config in its module, above the function")
        return Method(id, paper, batch, whole, config, presets or {}, function, function.__module__, train)

    return make


# Ids of all methods: each has a file of its own.
METHODS: tuple[str, ...] = tuple(
    sorted(p.stem.replace("_", "-") for p in (Path(__file__).parent / "methods").glob("[a-z]*.py"))
)


def find(id: str) -> Method:
    """The method of this id, ours or of an installed package, or of `path/to/file.py:NAME`. Ours win over those of
    packages. Raises `EditError` where there is none, or where one that is not ours is broken."""
    from survey.collection.text import nearest

    wanted = id.lower().replace("_", "-")
    if wanted not in METHODS:
        from survey.editing import foreign  # Asked for only where it is none of ours.

        if foreign.in_file(id):
            return foreign.of_file(id)
        if (found := foreign.of_package(wanted)) is not None:
            return found
        guess = nearest(wanted, [*METHODS, *foreign.loaded, *foreign.entry_points()])
        raise EditError(
            f"there is no method {id!r} " + (f"(did you mean {guess}?)" if guess else "(`survey methods` lists them)")
        )
    name = wanted.replace("-", "_")
    return getattr(importlib.import_module(f"survey.editing.methods.{name}"), name)


def compute_base(base: str, caller: str, model, edits, run: Run):
    """The patch of another method with its defaults, for methods that change patches. The other makes
    all edits at once if it can, else one after the other. Raises `EditError`."""
    from survey.editing.session import compute

    if find(base).id in ("rect", "prune"):
        raise EditError(f"{caller} needs a method that edits by itself as its base, and {base} is none")
    return compute(base, model, edits, seed=run.seed, text=run.text, progress=run.progress, batch=run.batch)


def settings(config: Config) -> dict[str, Any]:
    """A configuration as plain values."""
    return dataclasses.asdict(config)


def checked(model, edits: Sequence) -> list:
    """The edits as a list. Raises `EditError` where there is none or one that is no `Edit`."""
    from survey.editing.edit import Edit

    edits = [edits] if isinstance(edits, Edit) else list(edits)
    if not edits:
        raise EditError("there is no edit to make")
    for edit in edits:
        if not isinstance(edit, Edit):
            raise EditError(f"an Edit is needed, not {edit!r}")
    return edits
