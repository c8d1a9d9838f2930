"""What the source of a method says of itself, read without running it.

The methods need torch, and what tells of them does not: docstrings, configuration, presets and
the `@method(...)` decorator are read from the syntax tree. What is wrong with a file comes back as
problems beside what could be read, since a check must tell all of it, and a page what it can.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import cleandoc
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
METHODS = "survey.editing.methods"

_NUMBERED = re.compile(r"\d+\. ")
_SECTION = re.compile(r"(Faithful|Deviates):$")


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps a file from being read. `path` is "" where there is no file at all."""

    message: str
    path: str = ""
    line: int = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of the configuration. `default` is its source text, None where it must be given."""

    name: str
    type: str
    default: str | None
    meaning: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Preset:
    """Published values: the settings that differ from the defaults, as source text."""

    name: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Implementation:
    """One method file. Lines count from 1 and frame the function that `@method` decorates.

    `id`, `paper` and `options` are what the decorator was given. With `problems`, whatever could
    not be read is empty; `parsed` is False where that is everything.
    """

    module: str
    path: str
    title: str = ""
    prose: tuple[str, ...] = ()
    faithful: tuple[str, ...] = ()
    deviates: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    presets: tuple[Preset, ...] = ()
    id: str = ""
    paper: str | None = None
    options: dict[str, object] = field(default_factory=dict)
    line: int = 1
    end: int = 1
    parsed: bool = True
    problems: tuple[Problem, ...] = ()


class Implementations:
    """The method files of a package. Each is parsed when it is asked for, and once."""

    def __init__(self, package: Path | None = None) -> None:
        """`package` is the folder of the package `survey`, the installed one by default."""
        self._package = package or PACKAGE
        self._read: dict[str, Implementation] = {}
        self._sources: dict[str, _Source | Problem] = {}

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Every module of methods by its full name; those that begin with _ are none."""
        names = sorted(p.stem for p in (self._package / "editing" / "methods").glob("*.py"))
        return tuple(f"{METHODS}.{name}" for name in names if not name.startswith("_"))

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """All that an answer may depend on, as (path, stat): methods, and what they inherit from."""
        for folder in (self._package / "editing", self._package / "editing" / "methods"):
            for path in sorted(folder.glob("*.py")):
                yield self._path(path), path.stat()

    def __getitem__(self, module: str) -> Implementation:
        """What that module says. Whatever is wrong with it is in `problems`; nothing is raised."""
        if module not in self._read:
            self._read[module] = self._implementation(module)
        return self._read[module]

    def _path(self, file: Path) -> str:
        return f"survey/{file.relative_to(self._package).as_posix()}"

    def _source(self, module: str) -> _Source | Problem:
        """The parsed file of a module below `survey`."""
        if module not in self._sources:
            self._sources[module] = self._parsed(module)
        return self._sources[module]

    def _parsed(self, module: str) -> _Source | Problem:
        file = self._package.joinpath(*module.split(".")[1:])
        package = file.is_dir()
        file = file / "__init__.py" if package else file.with_suffix(".py")
        path = self._path(file)
        try:
            text = file.read_bytes()
            return _Source(module, path, package, text, ast.parse(text))
        except OSError:
            return Problem(f"there is no file {path}")
        except SyntaxError as error:
            return Problem(f"this is no Python: {error.msg}", path, error.lineno or 1)
        except (ValueError, RecursionError, MemoryError) as error:  # null bytes, depth
            return Problem(f"this is no Python: {error}", path)

    def _implementation(self, module: str) -> Implementation:
        source = self._source(module)
        if isinstance(source, Problem):
            path = f"{module.replace('.', '/')}.py"
            return Implementation(module, path, parsed=False, problems=(source,))
        title, prose, sections = split_docstring(ast.get_docstring(source.tree) or "")
        found = Implementation(module, source.path, title, prose, **sections)
        for part in (self._decorated, self._configured):
            try:
                found = part(source, found)
            except _Unreadable as error:
                found = replace(found, problems=(*found.problems, error.args[0]))
        return found

    # The decorator

    def _decorated(self, source: _Source, found: Implementation) -> Implementation:
        calls = [
            (node, call)
            for node in source.tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
            for call in node.decorator_list
            if isinstance(call, ast.Call) and (_dotted(call.func) or [""])[-1] == "method"
        ]  # fmt: skip
        if len(calls) != 1:
            number = "more than one" if calls else "no"
            raise source.problem(f'{number} function has the decorator @method("...")')
        ((function, call),) = calls
        options, presets = {}, ()
        for keyword in call.keywords:
            if keyword.arg == "presets":
                presets = self._presets(source, keyword.value)
            elif keyword.arg == "train":
                options["train"] = True  # A class of the module, which is not run here.
            elif keyword.arg:
                options[keyword.arg] = source.literal(keyword.value, f"{keyword.arg}=")
        id = source.literal(call.args[0], "the id") if call.args else ""
        if not isinstance(id, str) or not id:
            raise source.problem("@method needs the id of the method as its first argument", call)
        return replace(
            found, id=id, paper=options.pop("paper", None), options=options, presets=presets,
            line=function.lineno, end=function.end_lineno,
        )  # fmt: skip

    def _presets(self, source: _Source, node: ast.expr) -> tuple[Preset, ...]:
        where, value = self._resolved(source, node)
        if not isinstance(value, ast.Dict):
            raise source.problem("presets= must be a literal {name: {setting: value}}", node)
        presets = []
        for name, values in where.items(value):
            if not isinstance(values, ast.Dict):
                raise where.problem(f"the preset {name} must be a literal {{setting: value}}", values)
            presets.append(Preset(name, {key: where.text(v) for key, v in where.items(values)}))
        return tuple(presets)

    # The configuration, with what it inherits

    def _configured(self, source: _Source, found: Implementation) -> Implementation:
        where, node = self._resolved(source, ast.Name("Config", lineno=1))
        if not isinstance(node, ast.ClassDef):
            raise source.problem("there is no class Config")
        return replace(found, settings=tuple(self._fields(where, node, ()).values()))

    def _fields(self, source: _Source, node: ast.ClassDef, seen: tuple[ast.ClassDef, ...]) -> dict[str, Setting]:
        """Fields as dataclasses order them: those of the bases first, each at its first place."""
        if node in seen:
            raise source.problem(f"the class {node.name} inherits from itself", node)
        fields: dict[str, Setting] = {}
        for base in reversed(node.bases):
            where, parent = self._resolved(source, base)
            if isinstance(parent, ast.ClassDef):
                fields |= self._fields(where, parent, (*seen, node))
            elif parent is None and source.names_ours(base):
                raise source.problem(f"{ast.unparse(base)}, which {node.name} inherits from, is not to be found", node)
        for item, after in zip(node.body, [*node.body[1:], None], strict=True):
            if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
                continue
            kind = ast.unparse(item.annotation)
            if "ClassVar" in kind:
                continue
            name = item.target.id
            meaning = _docstring(after)
            if not meaning and name in fields:
                meaning = fields[name].meaning
            fields[name] = Setting(name, kind.strip("'"), source.default(item.value), meaning, source.path, item.lineno)
        return fields

    # Names

    def _resolved(self, source: _Source, node: ast.expr, depth: int = 0) -> tuple[_Source, ast.AST | None]:
        """What a name or an attribute of a module stands for: (file, class or value), None if
        that lies outside our package or nowhere."""
        parts = _dotted(node)
        if parts is None:
            return source, node
        if depth > 8:
            raise source.problem(f"{ast.unparse(node)} leads in a circle")
        if len(parts) == 1 and (value := source.defined.get(parts[0])) is not None:
            return self._resolved(source, value, depth + 1) if isinstance(value, ast.expr) else (source, value)
        whole = ".".join([source.imported.get(parts[0], ""), *parts[1:]])
        module, _, name = whole.rpartition(".")
        if module.startswith("survey."):
            other = self._source(module)
            if isinstance(other, _Source):
                return self._resolved(other, ast.Name(name, lineno=1), depth + 1)
        return source, None


class _Unreadable(Exception):
    """Carries a `Problem` to where problems are gathered."""


@dataclass(slots=True)
class _Source:
    """A parsed module: what it defines and imports by name, and the text of its expressions."""

    module: str
    path: str
    package: bool
    bytes: bytes
    tree: ast.Module
    defined: dict[str, ast.AST] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.bytes.removeprefix(b"\xef\xbb\xbf").splitlines()
        for node in self.tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                self.defined[node.name] = node
            elif isinstance(node, ast.Assign):
                self.defined |= {t.id: node.value for t in node.targets if isinstance(t, ast.Name)}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                self.defined[node.target.id] = node.value
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.imported[alias.asname or name] = name
            elif isinstance(node, ast.ImportFrom):
                start = self._start(node)
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = f"{start}.{alias.name}"

    def _start(self, node: ast.ImportFrom) -> str:
        """The module that `from ... import` names, dots at its beginning resolved."""
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        parts = parts[: len(parts) - node.level + self.package]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def names_ours(self, node: ast.expr) -> bool:
        """Whether a name should be found here or in our package."""
        head = (_dotted(node) or [""])[0]
        return self.imported.get(head, "survey" if head != "object" else "").split(".")[0] == "survey"

    def problem(self, message: str, node: ast.AST | None = None) -> _Unreadable:
        """What to raise where this file cannot be read."""
        return _Unreadable(Problem(message, self.path, node.lineno if node else 1))

    def literal(self, node: ast.expr, what: str) -> object:
        """The value of a literal; `what` names it in the problem that is raised otherwise."""
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, RecursionError):
            raise self.problem(f"{what} must be a literal, not {ast.unparse(node)}", node) from None

    def items(self, node: ast.Dict) -> Iterator[tuple[str, ast.expr]]:
        """The items of a literal dictionary whose keys are text."""
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise self.problem("presets must be written out, with names in quotes", value)
            yield key.value, value

    def text(self, node: ast.expr) -> str:
        """An expression as it was written, on one line."""
        if node.lineno != node.end_lineno:
            return ast.unparse(node)
        return self.lines[node.lineno - 1][node.col_offset : node.end_col_offset].decode("utf-8", "replace")

    def default(self, node: ast.expr | None) -> str | None:
        """The default of a field. For `field(...)` it is what that makes of each new object."""
        if not isinstance(node, ast.Call) or (_dotted(node.func) or [""])[-1] != "field":
            return self.text(node) if node is not None else None
        given = {k.arg: k.value for k in node.keywords}
        if "default" in given:
            return self.text(given["default"])
        factory = given.get("default_factory")
        if isinstance(factory, ast.Lambda):
            return self.text(factory.body)
        return f"{self.text(factory)}()" if factory is not None else None


def _dotted(node: ast.AST) -> list[str] | None:
    """a.b.c -> [a, b, c], and None for any other expression."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else None


def _docstring(node: ast.stmt | None) -> str:
    """The text below a field, on one line."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split())
    return ""


def split_docstring(text: str) -> tuple[str, tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return title, paragraphs, and the items of `Faithful:` and `Deviates:` of a docstring.

    Numbered steps are paragraphs of their own, and so are formulas, which keep their four blanks.
    Items begin with `- `; lines that go on are indented. A section ends where the next begins, or
    at a paragraph that is no item.
    """
    paragraphs: list[str] = []
    sections: dict[str, list[str]] = {"faithful": [], "deviates": []}
    section: list[str] | None = None
    fresh = True  # whether the next line begins something new
    for line in cleandoc(text).splitlines():
        if not line.strip():
            fresh = True
        elif match := _SECTION.match(line):
            section, fresh = sections[match[1].lower()], True
        elif section is not None and line.startswith("- "):
            section.append(line[2:].strip())
            fresh = False
        elif section and (line.startswith(" ") or not fresh):
            section[-1] += f" {line.strip()}"
        elif fresh or not paragraphs or _NUMBERED.match(line):
            section = None
            # What is set off by four blanks is a formula, and stays set off.
            paragraphs.append(line.rstrip() if line.startswith("    ") else line.strip())
            fresh = False
        else:
            paragraphs[-1] += f" {line.strip()}"
    title, *prose = paragraphs or [""]
    return title, tuple(prose), {name: tuple(items) for name, items in sections.items()}
