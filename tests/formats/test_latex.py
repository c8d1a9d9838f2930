from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.formats.latex import _GREEK, _LETTERS, MATHS, decode, encode, preamble

# Every letter of Latin scripts that is made of letters and accents that we know.
_KNOWN = set("\u0300\u0301\u0302\u0303\u0308\u0304\u0307\u0306\u030c\u030b\u030a\u0327\u0328\u0323\u0331\u0309\u031b\u0326")
LATIN = [
    c for c in map(chr, range(0x20, 0x1F00))
    if c in _LETTERS or c in "đĐħĦ" or ((d := unicodedata.normalize("NFD", c))[0].isascii() and d[0].isalpha() and set(d[1:]) <= _KNOWN)
]  # fmt: skip


def test_all_of_vietnamese_polish_turkish_and_czech_is_there():
    for c in "ăâđêôơưảẫấầậắẳẵặếềểễệốồổỗộớờởỡợứừửữựỳỷỹỵĐƯỨ" "ąćęłńóśźż" "çğıİöşü" "áčďéěíňóřšťúůýžŘŠŽ" "őűșțāķņħ":
        assert c in LATIN, c
    assert len(LATIN) > 500


@given(st.text(st.sampled_from(LATIN) | st.sampled_from(" -.,;:!?'()/0123456789"), max_size=30))
def test_latin_letters_come_back(text):
    encoded = encode(text)
    assert encoded.isascii()
    assert decode(encoded) == unicodedata.normalize("NFC", text)
    assert not re.search(r"(?<!-)--|``|''|\?`|!`", text) or "'" in text


@given(st.text(st.sampled_from("\\{}&%$#_~^<>| ab…αΩ∞×²₂³→°≥éậ"), max_size=20))
def test_signs_come_back_and_braces_are_balanced(text):
    encoded = encode(text)
    assert encoded.isascii()
    assert _depths(encoded) and "\\{" not in encoded
    assert decode(encoded) == text


@pytest.mark.parametrize("text", ["a – b", "a—b", "“a” ‘b", "«a»"])
def test_dashes_and_quotes(text):
    assert decode(encode(text)) == text.replace("‘", "`").replace("«", "“").replace("»", "”")


def test_a_question_before_a_quote_is_no_spanish_one():
    assert encode("Why?‘So’ “Oh!”") == "Why?{}`So' ``Oh!''" and encode("¿Qué? ¡Sí!") == "?`Qu{\\'e}? !`S{\\'{\\i}}!"
    for text in ("¿Qué? ¡Sí!", "Why?‘So’"):
        assert decode(encode(text)) == text.replace("‘", "`").replace("’", "'")


def _depths(text: str) -> bool:
    depth = 0
    for c in text:
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    return depth == 0


@given(st.text(max_size=30))
def test_nothing_breaks_the_file(text):
    assert _depths(encode(text))


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("Plain text, 2022", "Plain text, 2022"),
        ("Schütze", r'Sch{\"u}tze'),
        ("Łukasz", r"{\L}ukasz"),
        ("i̇ í ì ĩ", r"{\.{\i}} {\'{\i}} {\`{\i}} {\~{\i}}"),
        ("ễ ậ ợ", r"{\~{\^e}} {\d{\^a}} {\d{\SurveyHorn{o}}}"),
        ("Straße", r"Stra{\ss}e"),
        ("50% & #1_a $", r"50\% \& \#1\_a \$"),
        ('"Facts"', "``Facts''"),
        ("a–b—c…", r"a--b---c{\ldots}"),
        ("A³E", r"A{$^3$}E"),
        ("λ", r"{$\lambda$}"),
        ("ﬁne Ⅳ", "fine IV"),
        ("知识 x", "知识 x"),
    ],
)
def test_encode(text, latex):
    assert encode(text) == latex


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"{\'E}cole {GPT}-3 \& Nguy{\~{\^e}}n", "École GPT-3 & Nguyễn"),
        (r"\'{e} \'e \' e {\'e} {\'{e}} {\'{\i}} \'\i{} \c{c} \c c \v S {\v{S}}", "é é é é é í í ç ç Š Š"),
        (r"{\o}re {\ss} \ss{} \aa", "øre ß ß å"),
        (r"\unknown{x}", r"\unknownx"),
        ("a~b -- c ``d''", "a\u00a0b – c “d”"),
        ("{{A}} {b", "A b"),
        (r"\'", ""),
    ],
)
def test_decode(latex, text):
    assert decode(latex) == text


def test_every_sign_we_know_comes_back():
    for sign in set(MATHS) - {"µ"} | set(_GREEK):
        assert decode(encode(f"x{sign}y")) == f"x{sign}y"


def test_only_the_commands_that_are_needed_are_defined():
    assert preamble(encode("Schütze")) == ""
    assert preamble(encode("Đặng Ưu")).count(r"\providecommand") == 2
    assert preamble(encode("ðŋ")).count(r"\providecommand") == 2
