"""Texts of services become plain Unicode, names are split as they are printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.collection import Name
from survey.intake.text import kept_capitals, person, plain, printed, title_of


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("  Two\n   lines ", "Two lines"), ("A &amp; B", "A & B"), ("A &amp;lt;i&amp;gt; B", "A <i> B"), ("<i>In</i> vivo", "In vivo"),
        ("<jats:p>One.</jats:p><jats:p>Two.</jats:p>", "One. Two."), ("a < b > c", "a < b > c"), ("x\u00ady\u200bz\u202e", "xyz"),
        ("a\x00b\x07", "ab"), ("e\u0301", "é"), (None, ""), (7, ""), (["x"], ""), ("\ud800", ""),
    ],
)  # fmt: skip
def test_markup_is_taken_off(given_text, expected):
    assert plain(given_text) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("{GPT} and {B}ayes", "GPT and Bayes"), (r"Sch{\"a}rli \& Co", "Schärli & Co"), ("Editing $A^3$ Times", "Editing A^3 Times"),
        ("``Quoted'' and “curly”", '"Quoted" and "curly"'), ("It's", "It's"), ("Ends in a stop.", "Ends in a stop"), ("Why?", "Why?"), ("More...", "More..."),
        ("ROME : A", "ROME: A"), ("Costs 5$", "Costs 5$"), ("50% {LLM}", "50% LLM"), ("A -- B", "A – B"), ("Unclosed {brace", "Unclosed brace"),
        ("Q&A -- Search & Edit", "Q&A – Search & Edit"), ("if a<b and c>d", "if a<b and c>d"), ("From $5 to $10: edits", "From $5 to $10: edits"),
        (r"\texttt{a_b} edits", "a_b edits"), ("EDITING FACTS IN GPT-2 AND LLMS", "Editing Facts in GPT-2 and LLMs"),
        ("EDITING THE MIND OF GIANTS: AN IN-DEPTH EXPLORATION", "Editing the Mind of Giants: An In-Depth Exploration"), ("ROME", "ROME"),
    ],
)  # fmt: skip
def test_titles_read_as_the_house_writes_them(title, expected):
    assert title_of(title) == expected


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("A {B}ayesian View of {GPT}", ("Bayesian",)), ("{The Whole Title}", ()), ("{R}e{FACT}: Editing", ()), ("Plain", ()),
        ("The {E}nglish {C}hannel", ("English", "Channel")), (r"{\'E}cole", ()),
    ],
)  # fmt: skip
def test_capitals_in_braces_are_kept(latex, expected):
    assert kept_capitals(latex, title_of(latex)) == expected


@pytest.mark.parametrize(
    ("given_name", "family", "expected"),
    [
        ("Kevin", "Meng", Name("Kevin", "", "Meng")), ("Maarten", "de Rijke", Name("Maarten", "de", "Rijke")), ("Maarten de", "Rijke", Name("Maarten", "de", "Rijke")),
        ("Nicola", "De Cao", Name("Nicola", "", "De Cao")), ("Robert L.", "Logan IV", Name("Robert L.", "", "Logan", "IV")),
        ("Hichem", "Ammar Khodja", Name("Hichem", "", "Ammar Khodja")), ("", "Aristotle", Name(literal="Aristotle")), ("Plato", "", Name(literal="Plato")),
        (r"J{\"o}rg", "Müller", Name("Jörg", "", "Müller")), (None, None, None), ("Ludwig", "van Beethoven", Name("Ludwig", "van", "Beethoven")),
    ],
)  # fmt: skip
def test_names_in_two_parts(given_name, family, expected):
    assert person(given_name, family) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kevin Meng", Name("Kevin", "", "Meng")), ("Meng, Kevin", Name("Kevin", "", "Meng")), ("De Cao, Nicola", Name("Nicola", "", "De Cao")),
        ("Nicola De Cao", Name("Nicola", "", "De Cao")), ("Linh Van Ngo", Name("Linh Van", "", "Ngo")), ("Quoc V. Le", Name("Quoc V.", "", "Le")),
        ("Van Nguyen", Name("Van", "", "Nguyen")), ("Logan, Jr.", Name(literal="Logan Jr.")), ("van der Maaten, Laurens", Name("Laurens", "van der", "Maaten")),
        ("", None), ("  ", None), (None, None),
    ],
)  # fmt: skip
def test_names_in_one_part(text, expected):
    assert printed(text) == expected


@given(st.text())
def test_no_text_is_too_strange(text):
    title = title_of(text)
    assert title == " ".join(title.split()) and not any(ord(c) < 32 for c in title)
    name = printed(text)
    assert name is None or name.printed
