from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.collection.text import ascii_slug, fold, nearest


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Schlötterer: GPT-3's “beliefs”", "schlotterer gpt 3 s beliefs"),
        ("Łukasz Świątek", "lukasz swiatek"),
        ("Đặng Nguyễn", "dang nguyen"),
        ("İlker ışık", "ilker isik"),
        ("Straße ØRSTED Æsir œuvre Þór", "strasse orsted aesir oeuvre thor"),
        ("A³E H₂O ﬁne", "a3e h2o fine"),
        ("naïve\u0301  --  a_b", "naive a b"),
        ("μ µ", "mu mu"),
        ("知识 编辑", "知识 编辑"),
        ("", ""),
        ("…—!", ""),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text):
    once = fold(text)
    assert fold(once) == once
    assert once == once.strip() and "  " not in once


@given(st.text())
def test_a_slug_is_an_address(text):
    assert set(ascii_slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_slug():
    assert ascii_slug("Nicola De Cao") == "nicola-de-cao"
    assert ascii_slug("Jörg Schlötterer") == "jorg-schlotterer"


@pytest.mark.parametrize(("word", "meant"), [("methud", "method"), ("METHOD", "method"), ("zzz", None), ("", None)])
def test_nearest(word, meant):
    assert nearest(word, ["method", "family", "venue"]) == meant
