"""Methods that are not ours: of an installed package, or of a file.

    find("toy")                  an entry point of the group `survey.methods`, named as the method's id
    find("path/to/toy.py:toy")   a name in a file

The name stands for a `Method`, made by `@method(...)`, or for a class with

    Config                                       a dataclass, best one that derives from `survey.editing.method.Config`
    edit(self, model, edits, config, run)        returns a `Patch`, and leaves the model as it was
    id, paper, batch, whole, presets, Training   as the arguments of `@method`; all may be missing

Nothing is imported before it is asked for, and no file is ever run because a patch names it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import re
import sys
import traceback
from pathlib import Path
from typing import Any

from survey.editing.edit import EditError
from survey.editing.method import METHODS, Method
from survey.editing.patch import Patch

GROUP = "survey.methods"
_FILE = re.compile(r"(?P<path>.+\.py):(?P<name>[^:/\\]*)", re.IGNORECASE)
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# Words of the command line that a method cannot be called.
_RESERVED = ("all", "test", "unedited")

loaded: dict[str, Method] = {}
"""Methods that were found in this process, by id."""
_files: dict[tuple[Path, str], Method] = {}
_modules: dict[Path, Any] = {}


def in_file(text: str) -> bool:
    """Whether a text names a file rather than an id."""
    return bool(_FILE.fullmatch(text)) or text.lower().endswith(".py")


def canonical(text: str) -> str:
    """The text as another process understands it wherever it works: with the whole path of a file."""
    found = _FILE.fullmatch(text)
    return f"{Path(found['path']).expanduser().resolve()}:{found['name']}" if found else text


def of_file(text: str) -> Method:
    """The method of `path/to/file.py:NAME`. Raises `EditError`, in one line, for whatever is wrong with it."""
    found = _FILE.fullmatch(text)
    if not found or not found["name"]:
        raise EditError(f"{text}: say which method of the file is meant: {text.rstrip(':')}:NAME")
    path, name = Path(found["path"]).expanduser().resolve(), found["name"]
    if (path, name) not in _files:
        if not path.is_file():
            raise EditError(f"{found['path']}: there is no such file")
        known = dict(Patch.KINDS)
        module = _module(path, found["path"])
        _kinds_are_new(known, found["path"])
        if not hasattr(module, name):
            there = [key for key, value in vars(module).items() if isinstance(value, Method) and not key.startswith("_")]
            raise EditError(f"{found['path']}: it has no {name} (methods in it: {', '.join(there) or 'none'})")
        made = adapted(getattr(module, name), text, _kebab(name))
        other = loaded.get(made.id)
        if other is not None:
            raise EditError(f"{text}: {other.module} has a method {made.id}, too: give this one another id")
        _files[path, name] = loaded[made.id] = made
    return _files[path, name]


def entry_points() -> dict[str, list]:
    """Entry points of methods by name, unloaded; two packages may claim the same one."""
    from importlib import metadata

    found: dict[str, list] = {}
    for point in metadata.entry_points(group=GROUP):
        same = found.setdefault(point.name, [])
        if point.value not in [other.value for other in same]:
            same.append(point)
    return dict(sorted(found.items()))


def of_package(id: str) -> Method | None:
    """The method of an entry point, or None where none has this name. Raises `EditError`, in one line, for one that is
    broken."""
    if id in loaded:
        return loaded[id]
    points = entry_points().get(id, [])
    if not points:
        return None
    told = [f"{point.value} of {point.dist.name if point.dist else 'a package'}" for point in points]
    if len(points) > 1:
        raise EditError(f"several packages have a method {id} ({', '.join(told)}): uninstall all but one")
    where = f"entry point {id} ({told[0]})"
    known = dict(Patch.KINDS)
    try:
        thing = points[0].load()
    except (Exception, SystemExit) as error:
        raise EditError(f"{where}: it cannot be imported: {_short(error)}; repair or uninstall the package") from None
    _kinds_are_new(known, where)
    made = adapted(thing, where, id)
    if made.id != id:
        raise EditError(f"{where}: the method calls itself {made.id}: both names must be the same")
    loaded[id] = made
    return made


def adapted(thing: Any, where: str, id: str) -> Method:
    """A `Method` of what a name stands for. Raises `EditError`, which begins with `where`."""
    made = thing if isinstance(thing, Method) else _of_class(thing, where, id)
    if not isinstance(made.id, str) or not _ID.fullmatch(made.id) or made.id in _RESERVED:
        raise EditError(f"{where}: {made.id!r} is no id for a method: lower-case letters, digits and single hyphens, such as my-method")
    if made.id in METHODS:
        raise EditError(f"{where}: {made.id} is a method of this package: give yours another id")
    if not isinstance(made.config, type) or not dataclasses.is_dataclass(made.config):
        raise EditError(f"{where}: its Config is no dataclass (begin with survey.editing.method.Config)")
    if not callable(made.function):
        raise EditError(f"{where}: its edit cannot be called")
    if not isinstance(made.presets, dict) or not all(isinstance(values, dict) for values in made.presets.values()):
        raise EditError(f"{where}: its presets are no dictionary of dictionaries")
    if made.train is not None:
        from survey.editing.learning import Training

        if not (isinstance(made.train, type) and issubclass(made.train, Training)):
            raise EditError(f"{where}: what it must learn is no class that derives from survey.editing.learning.Training")
    try:
        for preset in (None, *made.presets):
            made.configure(preset)
    except Exception as error:
        raise EditError(f"{where}: its Config or a preset cannot be used: {_short(error)}") from None
    return made


def _of_class(thing: Any, where: str, id: str) -> Method:
    if not isinstance(thing, type):
        raise EditError(f"{where}: this is neither a method, made by @method(...), nor a class with Config and edit, but {type(thing).__name__}")
    for part in ("Config", "edit"):
        if not hasattr(thing, part):
            raise EditError(f"{where}: the class has no {part}: it needs Config and edit(self, model, edits, config, run)")
    try:
        itself = thing()
    except Exception as error:
        raise EditError(f"{where}: the class cannot be made without arguments: {_short(error)}") from None
    return Method(
        getattr(thing, "id", id), getattr(thing, "paper", ""), bool(getattr(thing, "batch", False)),
        bool(getattr(thing, "whole", False)), thing.Config, getattr(thing, "presets", {}), itself.edit, thing.__module__,
        getattr(thing, "Training", None),
    )  # fmt: skip


def provenance(method: Method) -> dict[str, str] | None:
    """Where a method that is not ours comes from, so that results can say it: a file by name and hash, or a package by
    name and version. None for ours."""
    if method.id in METHODS:
        return None
    for (path, name), other in _files.items():
        if other is method:
            return {"file": f"{path.name}:{name}", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    [point] = entry_points().get(method.id, [None])
    if point is None or point.dist is None:
        return {"module": method.module}
    return {"package": point.dist.name, "version": point.dist.version, "object": point.value}


def spelled(id: str) -> str:
    """How a command names a method: by its file where it comes from one."""
    return next((f"{path}:{name}" for (path, name), method in _files.items() if method.id == id), id)


def _module(path: Path, told: str) -> Any:
    """A file as a module, run once in a process."""
    if path not in _modules:
        name = f"survey_method_{path.stem}_{hashlib.blake2b(str(path).encode(), digest_size=6).hexdigest()}"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # Dataclasses look for their module there.
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            if isinstance(error, SyntaxError) and error.filename == str(path):
                line = error.lineno
            else:
                line = next((f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == str(path)), None)
            raise EditError(f"{told}{f':{line}' if line else ''}: the file cannot be run: {_short(error)}") from None
        _modules[path] = module
    return _modules[path]


def _kinds_are_new(known: dict[str, type], where: str) -> None:
    """Refuse a kind of patch whose name was taken, and give the name back to the one that had it."""
    taken = [kind for kind, made in known.items() if Patch.KINDS.get(kind) is not made]
    Patch.KINDS.update(known)
    if taken:
        raise EditError(f"{where}: a kind of patch is called {taken[0]!r} already: give yours another `kind`")


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).replace("_", "-").lower()


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
