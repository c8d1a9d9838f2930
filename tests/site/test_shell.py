"""The theme's page, cut open and put around other content."""

from __future__ import annotations

import re

import pytest

from survey.site.shell import Shell, depth_of
from tests.site.walk import see, target

URL = "https://example.org/site/"
THEME = """<!doctype html>
<html><head><title>Papers - Here</title>
  <meta name="description" content="All of them">
  <link rel="canonical" href="https://example.org/site/papers/">
  <link rel="prev" href=".."><link rel="icon" href="../icon.png">
  <script>__md_scope=new URL("..",location)</script>
</head><body>
  <a href="#papers" class="md-skip">Skip</a> <a href="..">Home</a> <a href="./">Papers</a> <a href="../years/">Years</a>
  <a href="https://example.com/a?b">Elsewhere</a> <form action="../search/"></form>
  <div data-md-component="header-topic"><span class="md-ellipsis">Papers</span></div>
  <nav class="md-nav md-nav--secondary"><a href="#own">Own</a></nav>
  <pre>
  kept   as
    it is</pre>
  <article class="md-content__inner md-typeset"><h1 id="papers">Papers</h1><h2 id="own">Own</h2></article>
  <script id="__config" type="application/json">{"base": "..", "search": "../assets/worker.js", "tags": null}</script>
</body></html>
"""
ADDRESSES = ["a/", "papers/x/", "papers/deep/er/still/"]


@pytest.fixture
def shell() -> Shell:
    return Shell(THEME, "papers/")


def rendered(shell: Shell, address: str = "papers/x/", title: str = "T - Here", content: str = "<h1>T</h1>") -> str:
    return shell.render(address, title, "Said of it", content, URL + address, "<meta name=own>")


@pytest.mark.parametrize(("address", "way"), [("", ""), ("a/", "../"), ("a/b/", "../../"), ("a/b/c/", "../../../")])
def test_the_way_up(address, way):
    assert depth_of(address) == way


@pytest.mark.parametrize("address", ADDRESSES)
def test_links_lead_where_they_led_at_any_depth(shell, address):
    one = see(rendered(shell, address))
    places = [t[0] for a in one.links + one.fetched if not a.startswith("#") and (t := target(f"{address}index.html", a, URL))]
    assert places == ["index.html", "papers/index.html", "years/index.html", "search/index.html", "icon.png"]
    assert "https://example.com/a?b" in one.links and "#content" in one.links


@pytest.mark.parametrize("address", ADDRESSES)
def test_scripts_know_the_root_at_any_depth(shell, address):
    html, up = rendered(shell, address), depth_of(address)
    assert f'new URL("{up}.",location)' in html
    assert f'"base": "{up}."' in html and f'"search": "{up}assets/worker.js"' in html


def test_what_belongs_to_the_section_page_alone_is_gone(shell):
    html = rendered(shell)
    assert not re.search(r'rel="prev"|href="#own"|id="own"|Papers - Here|All of them', html)
    one = see(html)
    assert one.canonical == f"{URL}papers/x/" and one.metas["description"] == ["Said of it"]
    assert "own" in one.metas and "kept   as\n    it is" in html


def test_texts_are_escaped_and_content_is_not(shell):
    title = '</title><script>alert("1")</script> & "x"'
    html = rendered(shell, title=f"{title} - Here", content="<h1>A &amp; B</h1>")
    one = see(html)
    assert one.title == f"{title} - Here" and one.h1 == ["A & B"]
    assert one.scripts == see(THEME).scripts


@pytest.mark.parametrize("title", [r"\1 \g<0> \n", "\\", "$1", "{title} %s {{ x }}"])
def test_no_title_is_taken_for_a_pattern(shell, title):
    assert see(rendered(shell, title=title)).title == title


def test_a_page_without_an_article_is_refused():
    with pytest.raises(ValueError, match="papers/ of the theme has no article"):
        Shell("<html><head><title>x</title></head></html>", "papers/")
