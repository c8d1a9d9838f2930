"""Names stand in prompts as people write them."""

from __future__ import annotations

import pytest

from survey.pitfalls.suite.wording import filled, named, said, worded


@pytest.mark.parametrize(
    ("prompt", "name", "text"),
    [
        ("A {} is a", "elephant", "An elephant is a"),
        ("A {} is a", "tiger", "A tiger is a"),
        ("The baby of a {} is called a", "owl", "The baby of an owl is called a"),
        ("In physics, a {} lasts", "hour", "In physics, an hour lasts"),
        ("In physics, a {} lasts", "unit", "In physics, a unit lasts"),
        ("It is a {}", "European city", "It is a European city"),
        ("The {} is a", "ant", "The ant is a"),
        ("Panama {} is", "owl", "Panama owl is"),
        ("{} is in", "the Louvre", "The Louvre is in"),
    ],
)
def test_a_name_gets_its_article_and_its_capital_letter(prompt, name, text):
    assert filled(prompt, name) == text
    assert worded(prompt, name).replace("{}", named(prompt, name)) == text


def test_the_article_of_another_name_is_taken_back():
    assert filled(worded("A {} works", "actress"), "nurse") == "A nurse works"


def test_each_name_has_its_own_place():
    assert said("a {subject} is a {object}", subject="ant", object="insect") == "an ant is an insect"
    assert said("a {subject} is a {object}", subject="carp", object="fish") == "a carp is a fish"
