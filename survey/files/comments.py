"""The comments of an entry, and what each of them belongs to.

YAML readers throw comments away. Here they are found where no token of YAML stands, and each is
tied to the field or list item that it is about, so that the house format can put it there again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
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
        return [c for c in self.inside if c.where == where]

    def below(self, where: Where) -> list[Comment]:
        """The comments that belong to what stands at this place, or to something within it."""
        return [c for c in self.inside if c.where[: len(where)] == where]

    def moved(self, before: object, after: object) -> Comments:
        """The same for an entry that now says `after`: comments follow what they belong to, an
        item is recognised by its value, and where the item has gone, its comment goes with it."""
        places = [(c, _place(c.where, before, after)) for c in self.inside]
        return replace(self, inside=tuple(c._replace(where=w) for c, w in places if w is not None))


def beside(notes: dict[Where, str]) -> Comments:
    """Comments at the ends of lines, by place: `{("pitfalls", 0): '"side effects"'}`."""
    return Comments(inside=tuple(Comment(w, "beside", f"# {' '.join(n.split())}") for w, n in notes.items()))


# Finding


class _Unit(NamedTuple):
    """A field with its value, or an item of a list, and where it begins and ends in the text."""

    where: Where
    start: int
    end: int
    block: bool  # Its value is a collection with one line for each item.


def comments_of(text: str) -> Comments:
    """The comments of an entry, whose lines end in `\\n` alone. Raises `YamlProblem`."""
    node = compose(text)
    units = list(_units(node, (), text)) if node else []
    return _Reader(text, units).comments()


_BREAK = re.compile("[\n\x85\u2028\u2029]")  # What ends a line, and a comment, for libyaml.
_COMMENT = re.compile("#[^\n\x85\u2028\u2029]*")


class _Reader:
    def __init__(self, text: str, units: list[_Unit]) -> None:
        self._text = text
        self._units = units
        self._lines = [0, *(m.end() for m in _BREAK.finditer(text))]

    def comments(self) -> Comments:
        found = [(m.start(), m[0].rstrip()) for m in _found(self._text)]
        first = min((u.start for u in self._units), default=len(self._text))
        head = [(at, comment) for at, comment in found if at < first]
        # What stands right above the first field belongs to it, if a blank line sets it apart.
        while head and not re.search(r"\n[ \t]*\n", self._text[head[-1][0] : first]):
            head.pop()
        if not head:
            head = [(at, comment) for at, comment in found if at < first]
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

    def _beside(self, at: int) -> tuple[Where, str] | None:
        line = self._line(at)
        ended = [u for u in self._units if u.end <= at and self._line(u.end) == line]
        if ended:
            last = max(u.end for u in ended)
            ended = [u for u in ended if u.end == last]
            # A field that begins and ends here goes before its value; of longer ones, the inner.
            here = [u for u in ended if self._line(u.start) == line]
            unit = min(here, key=lambda u: len(u.where)) if here else max(ended, key=lambda u: len(u.where))
            return unit.where, "beside"
        around = self._around(at)
        return (around.where, "beside") if around else None

    def _around(self, at: int) -> _Unit | None:
        around = [u for u in self._units if u.start < at < u.end]
        return max(around, key=lambda u: len(u.where), default=None)

    def _above(self, at: int) -> tuple[Where, str] | None:
        around = self._around(at)
        following = min((u for u in self._units if u.start > at), key=lambda u: (u.start, len(u.where)), default=None)
        if around and not (following and following.start < around.end):
            return around.where, "below"
        # After the last item of a list, and as far to the right as the items, it belongs there.
        end = max((u.end for u in self._units if u.end <= at), default=-1)
        begun = max((u.start for u in self._units if u.start < at), default=-1)
        lists = [u for u in self._units if u.block and begun < u.end == end and self._column(u.start) < self._column(at)]
        if lists:
            return max(lists, key=lambda u: len(u.where)).where, "below"
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


def _units(node: yaml.Node, where: Where, text: str) -> Iterable[_Unit]:
    """The fields and items below a node, each before what it holds."""
    if isinstance(node, yaml.MappingNode):
        children = [(key.value, key.start_mark.index, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(i, item.start_mark.index, item) for i, item in enumerate(node.value)]
    else:
        return
    for step, start, child in children:
        block = not isinstance(child, yaml.ScalarNode) and not child.flow_style
        yield _Unit((*where, step), start, max(start, _end(child, text)), block)
        yield from _units(child, (*where, step), text)


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


def _place(where: Where, before: object, after: object) -> Where | None:
    """Where that is now; the place of what holds it, if that is no collection any more."""
    place = []
    for step in where:
        if isinstance(before, dict) and isinstance(after, dict):
            found = step if step in after else None
        elif isinstance(before, list) and isinstance(after, (list, tuple)):
            found = _pairs(before, list(after)).get(step)
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
    free = list(range(len(after)))
    for same in (lambda a, b: a == b, lambda a, b: _identity(a) is not None and _identity(a) == _identity(b)):
        for i, item in enumerate(before):
            if i not in pairs and (j := next((j for j in free if same(item, after[j])), None)) is not None:
                pairs[i] = j
                free.remove(j)
    return pairs


def _identity(item: object) -> object:
    return (item.get("id") or item.get("key")) if isinstance(item, dict) else None
