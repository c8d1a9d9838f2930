"""Fields of a record: what is there, and how it is said that something is not."""

from __future__ import annotations

import pytest

from survey.pitfalls.benchmarks.fields import Broken, Fields, flat

RECORD = Fields({"a": " x ", "e": " ", "n": 3, "t": True, "z": None, "l": ["p ", "q"], "o": {"s": {"str": ""}}, "os": [{"a": 1}, 2], "h": "\ud800"})


def test_texts_come_without_blanks_around_them():
    assert (RECORD.text("a"), RECORD.raw("a"), RECORD.texts("l"), RECORD.texts("a")) == ("x", " x ", ["p", "q"], ["x"])
    assert RECORD.maybe("missing") is None and RECORD.texts("missing") == [] and RECORD.inners("missing") == []
    assert (RECORD.id("n"), RECORD.id("a"), RECORD.id("z")) == ("3", " x ", None)


@pytest.mark.parametrize(
    ("take", "message"),
    [
        (lambda r: r.text("missing"), "no missing"),
        (lambda r: r.text("z"), "no z"),
        (lambda r: r.text("e"), "e is empty"),
        (lambda r: r.text("n"), "n must be text, not number"),
        (lambda r: r.text("t"), "t must be text, not true or false"),
        (lambda r: r.text("h"), "h holds half of a character"),
        (lambda r: r.maybe("n"), "n must be text, not number"),
        (lambda r: r.texts("os"), "os[0] must be text, not object"),
        (lambda r: r.inner("o").inner("s").text("str"), "o.s.str is empty"),
        (lambda r: r.inner("o").inner("x"), "no o.x"),
        (lambda r: r.inner("l"), "l must be an object, not list"),
        (lambda r: r.inners("o"), "o must be a list, not object"),
        (lambda r: r.inners("os"), "os[1] must be an object, not number"),
        (lambda r: r.id("t"), "t must be a number or text, not true or false"),
        (lambda r: Fields(["x"]), "the record must be an object, not list"),
        (lambda r: flat([["a"], [2]], "g"), "g must be text, not number"),
        (lambda r: flat([[], []], "g"), "g is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(take, message):
    with pytest.raises(Broken) as raised:
        take(RECORD)
    assert str(raised.value) == message


def test_nested_answers_become_one_list_in_their_order():
    assert flat([["yes", "y "], "no", [["yes"]]], "g") == ("yes", "y", "no")
    assert flat("one", "g") == ("one",)
