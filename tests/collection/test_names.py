from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.collection.names import PARTICLES, Name, split_name
from survey.collection.paper import Author


@pytest.mark.parametrize(
    ("printed", "given", "particle", "family", "suffix"),
    [
        ("Kevin Meng", "Kevin", "", "Meng", ""),
        ("Robert L. Logan IV", "Robert L.", "", "Logan", "IV"),
        ("Martin Luther King, Jr.", "Martin Luther", "", "King", "Jr."),
        ("Sammy Davis jr", "Sammy", "", "Davis", "jr"),
        ("Laurens van der Maaten", "Laurens", "van der", "Maaten", ""),
        ("Ludwig von Beethoven", "Ludwig", "von", "Beethoven", ""),
        ("Juan de la Cruz III", "Juan", "de la", "Cruz", "III"),
        ("Nicola De Cao", "Nicola De", "", "Cao", ""),
        ("Eduard van", "Eduard", "", "van", ""),
        ("Yu-Chiang Frank Wang", "Yu-Chiang Frank", "", "Wang", ""),
        ("J. R. R. Tolkien", "J. R. R.", "", "Tolkien", ""),
        ("Nguyễn Thị Hồng", "Nguyễn Thị", "", "Hồng", ""),
    ],
)
def test_split(printed, given, particle, family, suffix):
    assert split_name(printed) == Name(given, particle, family, suffix)


@pytest.mark.parametrize("single", ["Plato", "  OpenAI ", "IV"])
def test_a_single_word_is_kept_whole(single):
    assert split_name(single) == Name(literal=single.strip())
    assert split_name(single).sorting == single.strip()


def test_a_suffix_alone_is_no_suffix():
    """The check N505 tells of it: nothing is guessed here."""
    assert split_name("Robert IV") == Name("Robert", "", "IV")


def test_what_the_entry_says_is_not_split():
    assert Author(given="Nicola", family="De Cao").name == Name(given="Nicola", family="De Cao")
    assert Author(literal="The BigScience Workshop").name.printed == "The BigScience Workshop"
    assert Author(given="Plato").name == Name(literal="Plato")
    assert Author(family="Plato").name.printed == "Plato"


@pytest.mark.parametrize(("name", "filed"), [("Laurens van der Maaten", "Maaten"), ("Robert Logan IV", "Logan"), ("OpenAI", "OpenAI")])
def test_the_part_that_sorts(name, filed):
    assert split_name(name).sorting == filed


_words = st.one_of(
    st.sampled_from([*sorted(PARTICLES), "Jr.", "IV", "II", "J.", "O'Brien", "Jean-Luc", "Łukasz", "Nguyễn"]),
    st.text(st.characters(categories=["Lu", "Ll"]), min_size=1, max_size=8),
)


@given(st.lists(_words, min_size=1, max_size=6))
def test_splitting_loses_nothing(words):
    name = split_name("  ".join(words))
    assert name.printed == " ".join(words)
    assert split_name(name.printed) == name
    if len(words) > 1:
        assert name.given and name.family and not name.literal
