"""Strict YAML: what a person wrote is what we get, or an error with line and column.

YAML 1.1 turns `2305.10` into a float, `no` into False and `12:30` into 750, and keeps the last of
two equal keys. Here a plain scalar is text unless it is an integer, `true`, `false` or a date kept
as text; anything that another YAML reader would take for something else must be in quotes.
Nodes come from libyaml; the construction is ours, and shorter than the general one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import yaml
from yaml.cyaml import CParser

from survey.files.mistakes import explain

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8

# libyaml composes by recursion, without a guard: what could overflow the stack is measured before.
_OPENERS = ("[", "{", "- ", "? ", "-\t", "?\t")
_SAFE_DEPTH = 500

# What the resolver below answers for every scalar without an explicit tag.
_PLAIN, _QUOTED, _COLLECTION = "plain", "quoted", "collection"

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?\Z")
# Plain scalars that YAML 1.1 or 1.2 readers take for numbers, truth values, nothing or times.
NUMBER = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*|(?:[0-9][0-9_]*)?\.[0-9_]+|[0-9][0-9_]*\.[0-9_]*)"
    r"(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
)
TIME = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[Tt ].*")
TRUTH = frozenset("y Y yes Yes YES n N no No NO on On ON off Off OFF True TRUE False FALSE".split())
NOTHING = frozenset(["", "~", "null", "Null", "NULL"])
COMMANDS = frozenset(["=", "<<"])
_SUSPECT_START = frozenset("0123456789+-.yYnNoOtTfF~=<")


@dataclass(unsafe_hash=True)  # Not frozen: Python writes the traceback into what is raised.
class YamlProblem(Exception):
    """One place where a file is not what we read. `line` and `column` count from 1."""

    code: str
    message: str
    line: int
    column: int
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.code} {self.message}"


class _Loader(CParser):
    """libyaml's parser and composer, with a resolver that leaves scalars alone."""

    def resolve(self, kind, value, implicit):
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return _COLLECTION

    def descend_resolver(self, *_):
        pass

    def ascend_resolver(self):
        pass


def _at(mark, code: str, message: str, hint: str = "") -> YamlProblem:
    return YamlProblem(code, message, mark.line + 1, mark.column + 1, hint)


def compose(text: str, limit: int | None = MAX_BYTES) -> yaml.Node | None:
    """Return the node tree of a single document. Raises `YamlProblem`."""
    if limit and len(text) > limit:
        raise YamlProblem("Y104", f"the file is longer than {limit // 1024} KiB", 1, 1)
    try:
        if sum(map(text.count, _OPENERS)) > _SAFE_DEPTH:
            _refuse_depth(text)
        parser = _Loader(text)
        try:
            return parser.get_single_node()
        finally:
            parser.dispose()
    except yaml.MarkedYAMLError as error:
        told = explain(text, error, CParser)
        raise YamlProblem("Y101", told.message, told.line, told.column, told.hint) from None
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes.
        before = text.encode()[: error.position].decode(errors="ignore")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"character U+{error.character:04X} is not allowed"
        raise YamlProblem("Y105", message, line, column) from None
    except (RecursionError, ValueError) as error:
        raise YamlProblem("Y101", str(error), 1, 1) from None


def _refuse_depth(text: str) -> None:
    parser, depth = _Loader(text), 0
    try:
        while parser.check_event():
            event = parser.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _SAFE_DEPTH:
                    raise _at(event.start_mark, "Y104", "nested too deeply")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        parser.dispose()


def read_yaml(
    text: str, limit: int | None = MAX_BYTES
) -> tuple[object, list[YamlProblem]]:
    """Return the document and every problem found in it; None where it cannot be read at all.

    `limit` bounds the length in characters, since entries come from strangers.
    """
    try:
        node = compose(text, limit)
    except YamlProblem as problem:
        return None, [problem]
    if node is None:
        return None, [YamlProblem("Y101", "the file is empty", 1, 1)]
    problems: list[YamlProblem] = []
    if "&" in text or "*" in text:
        # Anchors leave no trace in nodes, so they are looked for where they could be.
        problems += _anchors(text)
        if problems:
            return None, problems
    return _construct(node, problems, 0), problems


def _anchors(text: str) -> list[YamlProblem]:
    parser = _Loader(text)
    try:
        while parser.check_event():
            event = parser.get_event()
            if getattr(event, "anchor", None) is not None:
                hint = "write the value out"
                return [_at(event.start_mark, "Y104", "anchors and aliases are not used here", hint)]
    finally:
        parser.dispose()
    return []


def _construct(node: yaml.Node, problems: list[YamlProblem], depth: int):
    if depth > MAX_DEPTH:
        problems.append(_at(node.start_mark, "Y104", "nested too deeply"))
        return None
    tag = node.tag
    if tag is _PLAIN:
        value = node.value
        # Most scalars are words: one look at the first letter settles them.
        if value and value[0] not in _SUSPECT_START and value not in NOTHING:
            return value
        return _plain(node, value, problems)
    if tag is _QUOTED:
        if not node.style:
            problems.append(_at(node.start_mark, "Y101", "the tag ! is not used here"))
        return node.value
    if tag is not _COLLECTION:
        problems.append(_at(node.start_mark, "Y101", f"the tag {tag} is not used here"))
        return None
    if type(node) is yaml.MappingNode:
        record: dict = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if type(key) is not str or key_node.tag not in (_PLAIN, _QUOTED):
                problems.append(_at(key_node.start_mark, "Y101", "a key must be one word"))
                continue
            if key in record:
                hint = "keep one of the two"
                problems.append(_at(key_node.start_mark, "Y102", f"'{key}' stands here twice", hint))
                continue
            record[key] = _construct(value_node, problems, depth + 1)
        return record
    return [_construct(item, problems, depth + 1) for item in node.value]


def _plain(node: yaml.Node, value: str, problems: list[YamlProblem]):
    if _INTEGER.match(value):
        return int(value)
    if value == "true" or value == "false":
        return value == "true"
    if value in NOTHING:
        problems.append(
            _at(node.start_mark, "Y103", "there is no value here", "leave the field out")
        )
        return None
    if _DATE.match(value):
        return value
    kind = (
        "a truth value" if value in TRUTH
        else "a number" if NUMBER.match(value)
        else "a time" if TIME.match(value)
        else "a command" if value in COMMANDS
        else None
    )  # fmt: skip
    if kind:
        shown = value if len(value) <= 40 else f"{value[:40]}…"
        hint = f'write "{value}"' if shown is value else "put it in quotes"
        problems.append(_at(node.start_mark, "Y103", f"YAML reads {shown} as {kind}", hint))
    return value


def locate(text: str, path: tuple) -> tuple[int, int]:
    """Line and column, from 1, of the value at `path` (keys and indices) or of what holds it."""
    node = _node_at(text, path)
    return (node.start_mark.line + 1, node.start_mark.column + 1) if node else (1, 1)


@lru_cache(1)
def _tree(text: str) -> yaml.Node | None:
    """Many places of one text are asked for, one after the other."""
    try:
        return compose(text)
    except YamlProblem:
        return None


def _node_at(text: str, path: tuple) -> yaml.Node | None:
    node = _tree(text)
    for step in path:
        child = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    # A field whose value has no text of its own is shown at its name.
                    child = value if value.start_mark.line == key.start_mark.line else key
                    if step != path[-1]:
                        child = value
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            child = node.value[step] if step < len(node.value) else None
        if child is None:
            return node
        node = child
    return node
