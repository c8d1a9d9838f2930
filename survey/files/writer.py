"""The house format of an entry: fixed order, short collections on one line, 88 columns."""

from __future__ import annotations

import json
import re
import textwrap

import yaml

from survey.collection.paper import Paper
from survey.files.comments import Comment, Comments
from survey.files.reader import compose, read_yaml

WIDTH = 88
NO_COMMENTS = Comments()
ORDER = [field.alias or name for name, field in Paper.model_fields.items()]
NEEDS_QUOTES = re.compile(r"""^[\s\-?:,\[\]{}#&*!|>'"%@`=<]|: |:$| #|\s$|[\x00-\x1f\x7f\u0085\u2028\u2029]""")
FLOW_SPECIAL = re.compile(r"[,?\[\]{}]")  # PyYAML ends a word at a question mark, too.
NUMBER_LIKE = re.compile(r"[0-9.]+\Z|[0-9]{4}-[0-9]")
FOLDED = ("summary", "note")
BLOCKS = ("pitfalls", "related")  # one record a line, however short
_NAME = re.compile("[a-z_]+")
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
UNFOLDABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def scalar(value: str | int, flow: bool = False) -> str:
    """A value as YAML, in quotes only where another reader would misread it."""
    if isinstance(value, int):
        return json.dumps(value)
    plain = not (NEEDS_QUOTES.search(value) or (flow and FLOW_SPECIAL.search(value)))
    if plain and read_yaml(value) == (value, []) and not NUMBER_LIKE.match(value):
        return value
    # JSON's quotes are YAML's, but for characters that stand in no YAML file.
    return UNPRINTABLE.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(value, ensure_ascii=False))


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else scalar(name, flow=True)


def _flow(value, where: tuple = ()) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)}: {_flow(v, (*where, k))}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    if where == ("annotated", "on") and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value)):
        return str(value)  # A date: plain, as every YAML reader knows it.
    return scalar(value, flow=True)


def _field(where: tuple, value, comments: Comments) -> list[str]:
    name = _key(where[-1])
    if isinstance(value, str):
        if where[-1] in FOLDED:
            value = prose(value) if len(where) == 1 else value
            lines = textwrap.wrap(value, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
            long = len(lines) > 1 or len(value) > WIDTH - len(name) - 2
            if long and " ".join(lines) == value and not UNFOLDABLE.search(value):
                return _noted([f"{name}: >-", *(f"  {line}" for line in lines)], comments.below(where))
        return _noted([f"{name}: {scalar(value)}"], comments.below(where))
    if where == ("annotated",) and isinstance(value, dict):
        value = {**{k: value[k] for k in ("basis", "on") if k in value}, **value}
    flow = f"{name}: {_flow(value, where)}"
    if not value or isinstance(value, int) or where == ("annotated",):
        return _noted([flow], comments.below(where))
    records = isinstance(value, (list, tuple)) and any(isinstance(item, dict) for item in value)
    here, within = comments.at(where), comments.below(where)
    last = [c.text for c in here if c.side == "below"]
    if not last and len(here) == len(within) and len(flow) <= WIDTH and not (records and name in BLOCKS):
        return _noted([flow], here)
    if isinstance(value, dict):
        lines = [line for k, v in value.items() for line in _field((*where, k), v, comments)]
    else:
        lines = [line for i, item in enumerate(value) for line in _item((*where, i), item, comments)]
    block = [f"{name}:", *(f"  {line}" for line in [*lines, *last])]
    return _noted(block, [c for c in here if c.side != "below"])


def _item(where: tuple, item, comments: Comments) -> list[str]:
    text = scalar(item) if isinstance(item, str) else _flow(item)
    return _noted([f"- {text}"], comments.below(where))


def _noted(lines: list[str], comments: list[Comment]) -> list[str]:
    """The lines of a field or item with its comments; there is room for one beside it."""
    ends = [i for i, comment in enumerate(comments) if comment.side == "beside"][-1:]
    above = [comment.text for i, comment in enumerate(comments) if i not in ends]
    first = "  ".join([lines[0], *(comments[i].text for i in ends)])
    return [*above, first, *lines[1:]]


def prose(value: str) -> str:
    """Running text with single spaces, since its lines are broken anew; a bare blank stays."""
    return re.sub(r"[ \t\n\r\f\v]+", " ", value).strip(" ") or value


def dump(record: dict, comments: Comments = NO_COMMENTS) -> str:
    """Return an entry in the house format. Empty fields are left out, unless a comment stands by."""
    lines = list(comments.head)
    for name in [*ORDER, *(name for name in record if name not in ORDER)]:
        value = record.get(name)
        if value is None or (name in ORDER and says_nothing(value) and not comments.below((name,))):
            continue
        lines += _field((name,), value, comments)
    return "\n".join([*lines, *comments.foot]) + "\n"


def says_nothing(value) -> bool:
    """Whether a field with this value says as much as one that is not there."""
    return value in (None, "", [], {}, ())


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
