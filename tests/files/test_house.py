from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from survey.errors import UserError
from survey.files.comments import beside, comments_of
from survey.files.house import house_format, rewrite
from survey.files.load import PACKAGE
from survey.files.reader import YamlProblem, read_yaml
from survey.files.writer import dump, scalar
from tests.entries import make_entry
from tests.files.records import lines, records

AUTHORS = "authors: [Ann Author, Bob Writer]\n"


def test_the_whole_collection_is_in_house_format():
    for path in sorted((PACKAGE.parent / "papers").glob("*/*.yaml")):
        text = path.read_bytes().decode("utf-8")
        assert house_format(text) == text, path


def test_fields_get_their_order_and_their_comments_go_along():
    text = """\
# yaml-language-server: $schema=../../docs/schema/paper.json

# printed on the title page
year: 2022   # of the proceedings

# as the authors write it
title: 'Editing: # is no comment here'  # checked
"""
    assert house_format(text) == """\
# yaml-language-server: $schema=../../docs/schema/paper.json
# as the authors write it
title: "Editing: # is no comment here"  # checked
# printed on the title page
year: 2022  # of the proceedings
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # A list whose items have comments has a line for each, otherwise it has one.
        ("authors:\n- Ann Author\n- Bob Writer  # second\n", "authors:\n  - Ann Author\n  - Bob Writer  # second\n"),
        ("authors:\n  - Ann Author\n  - Bob Writer\n", AUTHORS),
        ("authors:\n  # equal\n  - Ann Author\n", "authors:\n  # equal\n  - Ann Author\n"),
        ("authors: [Ann Author, # first\n  Bob Writer]\n", "authors:\n  - Ann Author  # first\n  - Bob Writer\n"),
        ("authors: [Ann Author,\n  # second\n  Bob Writer # two\n  ]\n", "authors:\n  - Ann Author\n  # second\n  - Bob Writer  # two\n"),
        # What is said of the whole list is no reason to break it.
        ("authors: [Ann Author,\n  Bob Writer]   # all\n", "authors: [Ann Author, Bob Writer]  # all\n"),
        ("authors: # all\n- Ann Author\n", "authors: [Ann Author]  # all\n"),
        ("venue: acl\nkinds:\n  # none known\n  []\n", "venue: acl\n# none known\nkinds: []\n"),
        # At the end of a list
        ("kinds:\n  - method\n  # - tool\nvenue: acl\n", "venue: acl\nkinds:\n  - method\n  # - tool\n"),
        ("kinds: [method,\n  # - tool\n]\n", "kinds:\n  - method\n  # - tool\n"),
        ("kinds: [method]\n  # of venue\nvenue: acl\n", "# of venue\nvenue: acl\nkinds: [method]\n"),
        # Records and mappings
        (
            "pitfalls:\n- id: cost  # a\n  # b\n  stance: shows\n  basis: title # c\n",
            "pitfalls:\n  # a\n  # b\n  - {id: cost, stance: shows, basis: title}  # c\n",
        ),
        (
            "pitfalls:\n- {id: cost, stance: shows, basis: title} # \"slow\"\n",
            "pitfalls:\n  - {id: cost, stance: shows, basis: title}  # \"slow\"\n",
        ),
        ("links: {code: https://a.org/b, # dead\n  data: https://a.org/c}\n", "links:\n  code: https://a.org/b  # dead\n  data: https://a.org/c\n"),
        ("proposes:\n  methods:\n    - rome # new\n    - memit\n", "proposes:\n  methods:\n    - rome  # new\n    - memit\n"),
        ("annotated:\n  basis: title # a\n  # b\n  on: 2026-11-22 # c\n", "# a\n# b\nannotated: {basis: title, on: 2026-11-22}  # c\n"),
        # Running text
        ("summary: >-  # ours\n  One\n  two. # text\n", 'summary: "One two. # text"  # ours\n'),
        ("summary: |\n  One\n  two.\n\n# end\n", "summary: One two.\n# end\n"),
        ("summary: >-\n    One\n  # of note\nnote: x\n", "summary: One\n# of note\nnote: x\n"),
        ("note:\n  # why\n  because\n", "# why\nnote: because\n"),
        # At the end
        ("venue: acl\n\n\n# one\n\n  # two", "venue: acl\n# one\n# two\n"),
        ("---\nvenue: acl\n...\n# one", "venue: acl\n# one\n"),
        # An empty field says nothing, but its comment does.
        ("venue: acl\nlinks: {}\npitfalls: []  # none in the abstract\n", "venue: acl\npitfalls: []  # none in the abstract\n"),
        # Whatever a person's editor does
        ("\ufeffvenue: acl\r\nyear: 2022 # a\r\n", "year: 2022  # a\nvenue: acl\n"),
        ("venue:\tacl\t# a", "venue: acl  # a\n"),
        ('title: "a\\u2028b\\x85 c"  # d\n', 'title: "a\\u2028b\\u0085 c"  # d\n'),
        ("# only\nvenue: acl\n", "# only\nvenue: acl\n"),
        ("{venue: acl, # a\n year: 2022} # b\n# c\n", "year: 2022  # b\nvenue: acl  # a\n# c\n"),
        # Unknown fields are kept, after ours.
        ("nonsense: {a: [1, true, {}], 'b: c': []} # x\nvenue: acl\n", 'venue: acl\nnonsense: {a: [1, true, {}], "b: c": []}  # x\n'),
        ("nonsense: []\nannotated: {on: tomorrow, by: me}\n", "annotated: {on: tomorrow, by: me}\nnonsense: []\n"),
    ],
)
def test_every_comment_stays_with_what_it_is_about(before, after):
    assert house_format(before) == after
    assert house_format(after) == after


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("title: [\n", "2:1: Y101"), ("title: x\ntitle: y\n", "2:1: Y102"), ("year: 1.5\n", "1:7: Y103"), ("a: &b c\n", "1:4: Y104"),
        ("a: \x07\n", "1:4: Y105"), ("- a\n", "1:1: S103 expected a mapping of fields, found a list"), ("a\n", "1:1: S103"), ("5\n", "1:1: S103"),
        ("", "1:1: Y101"), ("# nothing\n", "1:1: Y101"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_not_touched(text, place):
    with pytest.raises(YamlProblem) as caught:
        house_format(text)
    assert str(caught.value).startswith(place)


def test_what_cannot_be_written_is_told():
    """A name longer than YAML allows on one line."""
    with pytest.raises(UserError, match="cannot be written"):
        rewrite("venue: acl\n", {"venue": "acl", "x" * 2000: "y"})
    with pytest.raises(UserError, match="cannot be written"):
        rewrite("venue: acl\n", {"venue": "acl", "title": "\ud800"})


# Another record in the place of the old one


TAGGED = """\
# head
title: Old Title  # as printed
kinds:
  - method  # "we propose"
  - analysis  # "we analyse"
studies: {methods: [rome]}  # from the tables
pitfalls:
  - {id: cost, stance: shows, basis: title}  # "slow"
  # told twice
  - {id: locality, stance: measures, basis: title}  # "side effects"
# end
"""


def test_comments_follow_their_items_into_a_new_record():
    record = {
        "title": "New Title",
        "kinds": ["benchmark", "method"],
        "pitfalls": [{"id": "locality", "stance": "mitigates", "basis": "abstract"}],
        "note": "new",
    }
    assert rewrite(TAGGED, record) == """\
# head
title: New Title  # as printed
kinds:
  - benchmark
  - method  # "we propose"
pitfalls:
  # told twice
  - {id: locality, stance: mitigates, basis: abstract}  # "side effects"
note: new
# end
"""


def test_of_equal_ids_the_equal_item_keeps_its_comment():
    text = "pitfalls:\n  - {id: cost, stance: shows}  # one\n  - {id: cost, stance: denies}  # two\n"
    record = {"pitfalls": [{"id": "cost", "stance": "denies"}, {"id": "cost", "stance": "measures"}]}
    assert rewrite(text, record) == (
        "pitfalls:\n  - {id: cost, stance: denies}  # two\n  - {id: cost, stance: measures}  # one\n"
    )


def test_a_list_that_becomes_a_word_keeps_its_comments():
    assert rewrite("note:\n  - a  # one\n  # two\n", {"note": "b"}) == "# two\nnote: b  # one\n"


def test_a_new_entry_can_be_written_with_comments():
    record = make_entry(pitfalls=[{"id": "cost", "stance": "shows", "basis": "title"}])
    text = dump(record, beside({("pitfalls", 0): '"slow"', ("kinds", 0): "a\nb"}))
    assert '  - {id: cost, stance: shows, basis: title}  # "slow"\n' in text
    assert "kinds:\n  - method  # a b\n" in text
    assert read_yaml(text) == (record, [])


@settings(max_examples=100)
@given(st.text(max_size=30))
def test_no_note_breaks_the_entry_that_it_stands_in(note):
    record = make_entry()
    assert read_yaml(dump(record, beside({("kinds", 0): note, ("title",): f"\x07\u2028\ud800{note}"}))) == (record, [])


# Entries as people write them: any layout, comments anywhere


class Wild:
    """Writes a record in a layout that hypothesis chooses, and remembers what its comments are about."""

    def __init__(self, draw) -> None:
        self.draw = draw
        self.number = 0
        self.items: list[tuple[str, str]] = []  # (item, comment beside it)
        self.fields: list[tuple[str, str]] = []  # (name, comment beside it)

    def chance(self, of: int = 3) -> bool:
        return self.draw(st.integers(1, of)) == 1

    def comment(self) -> str:
        self.number += 1
        return f"# c{self.number}{self.draw(st.sampled_from(['', ' x: y', ' - a', ' # b', ' [', ' }', ' é', chr(9) + '|']))}"

    def alone(self, indent: int) -> list[str]:
        return [" " * indent + self.comment()] if self.chance(4) else []

    def ended(self, line: str) -> tuple[str, str]:
        if not self.chance():
            return line, ""
        comment = self.comment()
        return f"{line}{self.draw(st.sampled_from([' ', '   ', chr(9)]))}{comment}", comment

    def field(self, name: str, value, indent: int = 0) -> list[str]:
        shown = self.alone(indent)
        start = " " * indent
        if isinstance(value, dict) and self.chance(2):
            head, _ = self.ended(f"{start}{name}:")
            return [*shown, head, *(line for k, v in value.items() for line in self.field(k, v, indent + 3))]
        if isinstance(value, list) and (form := self.draw(st.sampled_from(["one line", "block", "lines"]))) != "one line":
            return [*shown, *(self.block if form == "block" else self.lines)(name, value, indent)]
        if isinstance(value, str) and len(value) > 20 and not re.search(r"[^ -~]|  ", value) and self.chance(2):
            sign, _ = self.ended(f"{start}{name}: >-")
            return [*shown, sign, f"{start}  {value}"]
        line, comment = self.ended(f"{start}{name}: {self.flow(value)}")
        if comment and indent == 0:
            self.fields.append((name, comment))
        return [*shown, line]

    def block(self, name: str, items: list, indent: int) -> list[str]:
        lines, step = [self.ended(f"{' ' * indent}{name}:")[0]], self.draw(st.integers(0, 2))
        start = " " * (indent + step)
        for item in items:
            lines += self.alone(indent + step)
            if isinstance(item, dict) and self.chance(2):
                pairs = [f"{k}: {self.flow(v)}" for k, v in item.items()]
                for lead, pair in zip(["- ", *["  "] * len(pairs)], pairs, strict=False):
                    lines.append(self.ended(f"{start}{lead}{pair}")[0])
            else:
                lines.append(self.item(f"{start}- {self.flow(item)}", item))
        return lines + (self.alone(indent + step) if step else [])

    def lines(self, name: str, items: list, indent: int) -> list[str]:
        lines = [self.ended(f"{' ' * indent}{name}: [")[0]]
        for item in items:
            lines += self.alone(indent + 1)
            lines.append(self.item(f"{' ' * (indent + 1)}{self.flow(item)},", item))
        lines += self.alone(indent + 1)
        return [*lines, self.ended(f"{' ' * (indent + 1)}]")[0]]

    def item(self, line: str, item) -> str:
        line, comment = self.ended(line)
        if comment and isinstance(item, str):
            self.items.append((item, comment))
        return line

    def flow(self, value) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{k}: {self.flow(v)}" for k, v in value.items()) + " }"
        if isinstance(value, list):
            return "[" + ",  ".join(map(self.flow, value)) + "]"
        return scalar(value, flow=True)


@st.composite
def wild_entries(draw):
    record = draw(records)
    wild = Wild(draw)
    out = wild.alone(0)
    for name in draw(st.permutations(list(record))):
        out += [""] * wild.chance() + wild.field(name, record[name])
    out += wild.alone(0) + wild.alone(2)
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = draw(st.sampled_from(["", "", "\ufeff"])) + end.join(out) + (end if wild.chance(2) else "")
    return record, text, wild


FEW = settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))


@FEW
@given(wild_entries())
def test_no_comment_is_lost_and_nothing_changes_however_an_entry_is_laid_out(example):
    record, text, wild = example
    assert read_yaml(text) == (record, []), "the example itself is sound"
    house = house_format(text)
    assert read_yaml(house) == (record, [])
    assert house_format(house) == house
    numbers = re.findall(r"# c(\d+)", house)
    assert sorted(map(int, numbers)) == list(range(1, wild.number + 1)), "each comment once"
    bare = "".join(f"{line}\n" for line in house.splitlines() if not re.match(r"\s*# c\d", line))
    if wild.number == 0:
        assert house == dump(record)
    for item, comment in wild.items:
        assert f"- {scalar(item)}  {comment}\n" in bare
    for name, comment in wild.fields:
        assert re.search(rf"^{name}:.*  {re.escape(comment)}$", bare, re.M)


@FEW
@given(wild_entries(), st.data())
def test_a_comment_goes_only_with_its_item(example, data):
    record, text, _ = example
    several = [name for name, value in record.items() if isinstance(value, list) and len(value) > 1]
    assume(several)
    name = data.draw(st.sampled_from(several))
    index = data.draw(st.integers(0, len(record[name]) - 1))
    fewer = {**record, name: [item for i, item in enumerate(record[name]) if i != index]}
    house = rewrite(text, fewer)
    assert read_yaml(house) == (fewer, [])
    assert rewrite(house, fewer) == house
    kept = set(re.findall(r"# c(\d+)", house))
    gone = [c for c in comments_of(house_format(text)).inside if re.match(r"# c(\d+)", c.text)[1] not in kept]
    assert all(c.where[:1] == (name,) and len(c.where) > 1 for c in gone)
    places = {c.where[1] for c in gone}
    assert len(places) <= 1, "comments of one item at most"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(lines, st.sampled_from(["a: b", "- c", "  - d # e", "# f", "x: [", "]", "g: >-", "   h", "{i: j}", ""])), max_size=8))
def test_any_text_is_put_right_or_refused(parts):
    text = "\n".join(parts)
    try:
        house = house_format(text)
    except (YamlProblem, UserError):
        return
    assert house_format(house) == house
    assert comments_of(house).all() == comments_of(text).all()
