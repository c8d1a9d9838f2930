"""Requests in words."""

from __future__ import annotations

import pytest

from survey.editing.edit import Edit, EditError
from survey.errors import UserError


@pytest.mark.parametrize("prompt, text, end", [
    ("{} is in", "The Louvre is in", 10),
    ("Where is {}", "Where is The Louvre", 19),
    ("I saw {} in", "I saw The Louvre in", 16),
    ("I saw The Louvre in", "I saw The Louvre in", 16),
    ("{} is in  \n", "The Louvre is in", 10),
])  # fmt: skip
def test_the_subject_stands_in_its_place(prompt, text, end):
    edit = Edit(prompt, "The Louvre", "London")
    assert edit.text == text
    assert edit.subject_end == end
    assert edit.text[: edit.subject_end].endswith("The Louvre")
    assert edit.prompt.count("{}") == 1


def test_blanks_around_parts_do_not_count():
    edit = Edit("{} is in ", " The Louvre\n", " London ", was=" Paris ")
    assert (edit.prompt, edit.subject, edit.target, edit.was) == ("{} is in", "The Louvre", "London", "Paris")
    assert Edit("{} is in", "Rome", "Oslo", was="  ").was is None
    assert edit == Edit("{} is in", "The Louvre", "London", "Paris")


def test_a_subject_may_hold_braces():
    edit = Edit("{} is", "set {} of", "empty")
    assert edit.text == "set {} of is"
    assert edit.text[: edit.subject_end] == "set {} of"


@pytest.mark.parametrize("parts, message", [
    (("", "Rome", "Oslo"), "the prompt is empty"),
    (("{} is", "", "Oslo"), "the subject is empty"),
    (("{} is", " \t", "Oslo"), "the subject is empty"),
    (("{} is", "Rome", ""), "the target is empty"),
    (("{} is", "Rome", "  "), "the target is empty"),
    ((None, "Rome", "Oslo"), "the prompt must be text, not NoneType"),
    (("{} is", 3, "Oslo"), "the subject must be text, not int"),
    (("{} is", "Rome", ["Oslo"]), "the target must be text, not list"),
    (("{} is", "Rome", "Oslo", 5), "`was` must be text, not int"),
    (("{} and {}", "Rome", "Oslo"), "2 places for the subject"),
    (("Paris is", "Rome", "Oslo"), "'Rome' does not occur in the prompt 'Paris is': write {}"),
    (("Rome in Rome", "Rome", "Oslo"), "'Rome' occurs 2 times"),
])  # fmt: skip
def test_what_cannot_be_asked(parts, message):
    with pytest.raises(EditError) as caught:
        Edit(*parts)
    assert message in str(caught.value)
    assert isinstance(caught.value, UserError)
    assert isinstance(caught.value, ValueError)


def test_an_edit_cannot_be_changed_and_can_be_a_key():
    edit = Edit("{} is", "Rome", "Oslo")
    with pytest.raises(AttributeError):
        edit.target = "Paris"
    assert {edit: 1}[Edit("Rome is", "Rome", "Oslo")] == 1
