"""The house format of an entry: fixed order, short collections on one line, 88 columns."""

from __future__ import annotations

import json
import re
import textwrap

import yaml

from survey.collection.paper import Paper
from survey.files.reader import compose, read_yaml
from survey.files.storage import create_file, locked, move_file, write_file

__all__ = [
    "ORDER", "WIDTH", "create_file", "dump", "locked", "move_file", "replace_scalar", "scalar", "write_file",
]  # fmt: skip

WIDTH = 88
ORDER = [field.alias or name for name, field in Paper.model_fields.items()]
_NEEDS_QUOTES = re.compile(r"""^[\s\-?:,\[\]{}#&*!|>'"%@`=<]|: |:$| #|\s$|[\x00-\x1f\x7f\u0085\u2028\u2029]""")
_FLOW_SPECIAL = re.compile(r"[,?\[\]{}]")  # PyYAML ends a word at a question mark, too.
_FOLDED = ("summary", "note")


def scalar(value: str | int, flow: bool = False) -> str:
    """A value as YAML, in quotes only where another reader would misread it."""
    if isinstance(value, int):
        return str(value)
    plain = not (_NEEDS_QUOTES.search(value) or (flow and _FLOW_SPECIAL.search(value)))
    if plain and read_yaml(value) == (value, []) and not re.match(r"[0-9.]+\Z|[0-9]{4}-[0-9]", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _flow(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return scalar(value, flow=True)


def _field(name: str, value) -> list[str]:
    if isinstance(value, str):
        if name in _FOLDED:
            lines = textwrap.wrap(value, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
            if len(lines) > 1 or len(value) > WIDTH - len(name) - 2:
                return [f"{name}: >-", *(f"  {line}" for line in lines)]
        return [f"{name}: {scalar(value)}"]
    if isinstance(value, int):
        return [f"{name}: {value}"]
    if name == "annotated":
        # `on` is a date: plain, as every YAML reader knows it.
        return [f"annotated: {{basis: {value['basis']}, on: {value['on']}}}"]
    flow = f"{name}: {_flow(value)}"
    records = isinstance(value, list) and any(isinstance(item, dict) for item in value)
    if len(flow) <= WIDTH and not (records and name in ("pitfalls", "related")):
        return [flow]
    if isinstance(value, dict):
        return [f"{name}:", *(f"  {line}" for k, v in value.items() for line in _field(k, v))]
    return [f"{name}:", *(f"  - {_flow(item) if not isinstance(item, str) else scalar(item)}" for item in value)]


def dump(record: dict) -> str:
    """Return an entry in the house format. Empty fields are left out."""
    lines = []
    for name in ORDER:
        if record.get(name) not in (None, "", [], {}, ()):
            lines += _field(name, record[name])
    return "\n".join(lines) + "\n"


def replace_scalar(text: str, path: tuple, value: str) -> str:
    """Return `text` with the scalar at `path` replaced, everything else untouched.

    Raises `KeyError` if there is no scalar at that place.
    """
    if text.startswith("\ufeff"):  # libyaml does not count the mark at the beginning.
        return text[0] + replace_scalar(text[1:], path, value)
    node, flow = compose(text), False
    for step in path:
        flow = flow or bool(getattr(node, "flow_style", False))
        if isinstance(node, yaml.MappingNode):
            node = next((v for k, v in node.value if k.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            node = None
        if node is None:
            raise KeyError(path)
    if not isinstance(node, yaml.ScalarNode) or node.style in ("|", ">"):
        raise KeyError(path)
    return text[: node.start_mark.index] + scalar(value, flow) + text[node.end_mark.index :]
