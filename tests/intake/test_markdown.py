from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from survey.intake import markdown
from survey.intake.markdown import APART, capped, code, fence, link, one_line, plain, title
from tests.intake.github.inert import HOSTILE, LIVE, alive

pieces = st.lists(st.one_of(st.sampled_from([*HOSTILE, "@", "#", "`", "<", "[", "](", "\n", "www", ".", ":", "/", "1", "GH-"]), st.text(max_size=8)), max_size=8).map("".join)


def shown(text: str) -> str:
    """What a reader sees of a piece of Markdown."""
    tokens = MarkdownIt("commonmark").parse(text)
    return "".join(p.content for t in tokens for p in t.children or ()).replace(APART, "")


def test_the_examples_of_the_module_hold():
    assert doctest.testmod(markdown).failed == 0


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_comes_alive_and_all_of_it_is_shown(text):
    assert alive(plain(text)) == []
    assert alive(f"- **line**: {code(text)} and {plain(text)}\n") == []
    assert shown(f"x{plain(text)}x") == f"x{one_line(text)}x"


@settings(deadline=None)
@given(pieces)
def test_no_text_comes_alive(text):
    assert alive(f"{plain(text)}\n\n- {plain(text)} {code(text)}\n> {plain(text)}") == []


@settings(deadline=None)
@given(pieces)
def test_a_text_of_words_is_left_as_it_is(text):
    words = " ".join(c for c in one_line(text).split() if c.isalpha() and c.lower() not in ("www", "gh") and not LIVE["commit"].search(c))
    assert plain(words, 5000) == words


@settings(deadline=None)
@given(pieces, st.sampled_from(["", "bibtex", "yaml"]))
def test_no_text_ends_its_fence(text, language):
    tokens = MarkdownIt("commonmark").parse(f"{fence(text, language)}\n\nafter")
    assert [t.type for t in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


@pytest.mark.parametrize("length", [1, 3, 4, 50, 3000])
def test_ticks_of_any_number_stay_inside(length):
    text = f"a\n{'`' * length}\n@everyone\n{'`' * length}b"
    assert alive(fence(text)) == [] and alive(f"{code(text, 10_000)} end") == []


def test_a_link_leads_where_we_say_whatever_its_text_is():
    made = link("](https://evil.example) ![x](y)", "https://arxiv.org/abs/x)](https://evil.example)<>\n")
    assert alive(made, ("https://arxiv.org/abs/",)) == []
    assert made.count("](<") == 1


def test_titles_hold_no_command_of_git_and_github():
    for text in ("[skip ci] x", "fixes #1 by @eve", "a\nSigned-off-by: x", "`x` www.x.org"):
        made = title(text)
        assert "\n" not in made and not any(bad in made for bad in ("[skip", "#1", "@eve", "www."))


def test_what_is_too_long_is_cut_and_counted():
    assert one_line("word " * 100, 20) == "word word word word…"
    assert capped(["a" * 10] * 5, "{} more", 30) == "\n\n".join(["a" * 10] * 2 + ["3 more"])
    assert len(plain("<" * 10_000)) < 2000
