"""The comments of an entry, and what each of them belongs to.

YAML readers throw comments away. Here they are found where no token of YAML stands, and each is
tied to the field or list item that it is about, so that the house format can put it there again.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import yaml
from yaml.cyaml import CParser

from survey.files.reader import compose

# A place inside an entry: names of fields and indices of items, such as ("pitfalls", 0).
Where = tuple


class Comment(NamedTuple):
    """One comment. `side` is where it stands: `above` what it belongs to, `beside` it at the end
    of the line, or `below` the last item of it."""

    where: Where
    side: str
    text: str


@dataclass(frozen=True)
class Comments:
    """The comments of one entry: at its top, inside in their order, and at its end."""

    head: tuple[str, ...] = ()
    inside: tuple[Comment, ...] = ()
    foot: tuple[str, ...] = ()

    def all(self) -> list[str]:
        """Every comment as it is written, sorted."""
        return sorted((*self.head, *(c.text for c in self.inside), *self.foot))

    def at(self, where: Where) -> list[Comment]:
        """The comments that belong to this very place."""
        return [c for c in self.below(where) if c.where == where]

    def below(self, where: Where) -> list[Comment]:
        """The comments that belong to what stands at this place, or to something within it."""
        return self._below.get(where, [])

    @cached_property
    def _below(self) -> dict[Where, list[Comment]]:
        found = defaultdict(list)
        for comment in self.inside:
            for depth in range(1, len(comment.where) + 1):
                found[comment.where[:depth]].append(comment)
        return dict(found)

    def moved(self, before: object, after: object) -> Comments:
        """The same for an entry that now says `after`: comments follow what they belong to, an
        item is recognised by its value, and where the item has gone, its comment goes with it."""
        follow = _Follow(before, after)
        places = [(comment, follow.place(comment.where)) for comment in self.inside]
        return replace(self, inside=tuple(c._replace(where=w) for c, w in places if w is not None))


def beside(notes: dict[Where, str]) -> Comments:
    """Comments at the ends of lines, by place: `{("pitfalls", 0): '"side effects"'}`."""
    return Comments(inside=tuple(Comment(where, "beside", f"# {_one_line(note)}") for where, note in notes.items()))


def _one_line(note: str) -> str:
    """A note as it may stand in a comment, whoever wrote it."""
    return " ".join("".join(c if c.isprintable() else " " for c in note).split())


# Finding


@dataclass(frozen=True, slots=True)
class _Unit:
    """A field with its value, or an item of a list, and where it begins and ends in the text."""

    where: Where
    start: int
    end: int
    block: bool  # Its value is a collection with one line for each item.
    parent: _Unit | None


def comments_of(text: str) -> Comments:
    """The comments of an entry, whose lines end in `\\n` alone. Raises `YamlProblem`."""
    node = compose(text)
    units = list(_units(node, None, text)) if node else []
    return _Reader(text, units).comments()


_BREAK = re.compile("[\n\x85\u2028\u2029]")  # What ends a line, and a comment, for libyaml.
_COMMENT = re.compile("#[^\n\x85\u2028\u2029]*")


class _Reader:
    """Finds the comments of a text. All searches are by halving, since a stranger may have written
    thousands of items and thousands of comments."""

    def __init__(self, text: str, units: list[_Unit]) -> None:
        self._text = text
        self._units = units  # Each before what it holds, so in the order of their starts.
        self._starts = [u.start for u in units]
        self._ending: dict[int, list[_Unit]] = defaultdict(list)
        for unit in units:
            self._ending[unit.end].append(unit)
        self._ends = sorted(self._ending)
        self._lines = [0, *(m.end() for m in _BREAK.finditer(text))]

    def comments(self) -> Comments:
        found = [(m.start(), m[0].rstrip()) for m in _found(self._text)]
        first = self._starts[0] if self._starts else len(self._text)
        # What stands right above the first field belongs to it, if a blank line sets it apart.
        blank = max((m.start() for m in re.finditer(r"\n[ \t]*(?=\n)", self._text[:first])), default=first)
        head = [(at, comment) for at, comment in found if at < blank]
        inside, foot = [], []
        for at, comment in found[len(head) :]:
            place = self._place(at)
            if place:
                inside.append(Comment(*place, comment))
            else:
                foot.append(comment)
        return Comments(tuple(c for _, c in head), tuple(inside), tuple(foot))

    def _line(self, at: int) -> int:
        return bisect_right(self._lines, at) - 1

    def _column(self, at: int) -> int:
        return at - self._lines[self._line(at)]

    def _place(self, at: int) -> tuple[Where, str] | None:
        """What the comment belongs to, and on which side; None for the end of the entry."""
        before = self._text[self._lines[self._line(at)] : at]
        alone = not before.strip(" \t-")
        return (None if alone else self._beside(at)) or self._above(at)

    def _ended(self, at: int) -> list[_Unit]:
        """What ends last before the comment: an item, and all whose last item it is."""
        index = bisect_right(self._ends, at) - 1
        return self._ending[self._ends[index]] if index >= 0 else []

    def _begun(self, at: int) -> _Unit | None:
        index = bisect_left(self._starts, at) - 1
        return self._units[index] if index >= 0 else None

    def _around(self, at: int) -> _Unit | None:
        """The innermost unit that the comment stands in."""
        unit = self._begun(at)
        while unit and unit.end <= at:
            unit = unit.parent
        return unit

    def _following(self, at: int) -> _Unit | None:
        """The next unit; of several that begin there, the outermost."""
        index = bisect_right(self._starts, at)
        return self._units[index] if index < len(self._units) else None

    def _beside(self, at: int) -> tuple[Where, str] | None:
        line = self._line(at)
        ended = self._ended(at)
        if ended and self._line(ended[0].end) == line:
            return ended[-1].where, "beside"  # Of a list that ends with its item, the item.
        around = self._around(at)
        return (around.where, "beside") if around else None

    def _above(self, at: int) -> tuple[Where, str] | None:
        around, following = self._around(at), self._following(at)
        if around and not (following and following.start < around.end):
            return around.where, "below"
        # After the last item of a list, and as far to the right as the items, it belongs there.
        begun = self._begun(at)
        lists = [u for u in self._ended(at) if u.block and self._column(u.start) < self._column(at)]
        if lists and begun.start < lists[-1].end:
            return lists[-1].where, "below"
        return (following.where, "above") if following else None


def _found(text: str) -> Iterable[re.Match]:
    """Every comment: what begins with # where no token of YAML stands."""
    parser, end = CParser(text), 0
    try:
        while parser.check_token():
            token = parser.get_token()
            start = token.start_mark.index
            if start >= end:
                yield from _COMMENT.finditer(text, end, start)
            if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
                # The line of the sign may end in a comment; all that follows is text.
                yield from re.compile(r"(?<=[ \t])#[^\n\x85\u2028\u2029]*").finditer(text, start, _line_end(text, start))
            end = max(end, token.end_mark.index)
    finally:
        parser.dispose()
    yield from _COMMENT.finditer(text, end)


def _line_end(text: str, at: int) -> int:
    found = _BREAK.search(text, at)
    return found.start() if found else len(text)


def _units(node: yaml.Node, parent: _Unit | None, text: str) -> Iterable[_Unit]:
    """The fields and items below a node, each before what it holds."""
    if isinstance(node, yaml.MappingNode):
        children = [(key.value, key.start_mark.index, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(i, item.start_mark.index, item) for i, item in enumerate(node.value)]
    else:
        return
    for step, start, child in children:
        block = not isinstance(child, yaml.ScalarNode) and not child.flow_style
        where = (*parent.where, step) if parent else (step,)
        unit = _Unit(where, start, max(start, _end(child, text)), block, parent)
        yield unit
        yield from _units(child, unit, text)


def _end(node: yaml.Node, text: str) -> int:
    """Where the text of a node ends, without the line breaks that the parser counts in."""
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.ScalarNode):
        return start + len(text[start:end].rstrip())
    if node.flow_style or not node.value:
        return end
    last = node.value[-1]
    return _end(last[1] if isinstance(node, yaml.MappingNode) else last, text)


# Following


class _Follow:
    """Where each place of one record is in another."""

    def __init__(self, before: object, after: object) -> None:
        self._records = before, after
        self._pairs: dict[Where, dict[int, int]] = {}

    def place(self, where: Where) -> Where | None:
        """Where that is now, None if it has gone; what holds it, if that is no collection now."""
        before, after = self._records
        place = []
        for depth, step in enumerate(where):
            if isinstance(before, dict) and isinstance(after, dict):
                found = step if step in after else None
            elif isinstance(before, list) and isinstance(after, (list, tuple)):
                if where[:depth] not in self._pairs:
                    self._pairs[where[:depth]] = _pairs(before, list(after))
                found = self._pairs[where[:depth]].get(step)
            else:
                break
            if found is None:
                return None
            place.append(found)
            before, after = before[step], after[found]
        return tuple(place)


def _pairs(before: list, after: list) -> dict[int, int]:
    """Which item of the one list is which of the other: the same value, else the same id or key."""
    pairs: dict[int, int] = {}
    for name in (_value, _identity):
        free = defaultdict(deque)
        taken = set(pairs.values())
        for j, item in enumerate(after):
            if j not in taken:
                free[name(item)].append(j)
        for i, item in enumerate(before):
            if i not in pairs and (id := name(item)) is not None and free[id]:
                pairs[i] = free[id].popleft()
    return pairs


def _value(item: object) -> str:
    return json.dumps(item, sort_keys=True, default=str)


def _identity(item: object) -> str | None:
    id = (item.get("id") or item.get("key")) if isinstance(item, dict) else None
    return id if isinstance(id, str) else None
