"""Citations, links to terms, placeholders and formulas in hand-written pages."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from survey.collection import Collection
from survey.site.fill import FillError, fill, formula, short_citation
from tests.entries import make_paper

PLACES = {"word": lambda name, base: f"{name or 'nothing'} from {base}"}


@pytest.fixture(scope="module")
def few(taxonomy) -> Collection:
    return Collection(
        [
            make_paper(title="Locating <b> & “Editing”"),
            make_paper("decao2021editing", authors=[{"given": "Nicola", "family": "De Cao"}, "Wilker Aziz"], year=2021, ids={}),
            make_paper("maaten2020one", authors=["Laurens van der Maaten"], year=2020, ids={}),
        ],
        taxonomy,
    )


@pytest.fixture
def filled(few):
    return lambda html: fill(html, few, "../", PLACES)


def test_short_citations(few):
    assert [short_citation(p) for p in few.values()] == ["Meng et al. 2022", "De Cao and Aziz 2021", "van der Maaten 2020"]


def test_a_citation_becomes_a_link_with_the_title(filled):
    assert filled("<p>So [@meng2022locating].</p>") == (
        '<p>So (<a class="cite" href="../papers/meng2022locating/" title="Locating &lt;b&gt; &amp; “Editing”">Meng et al. 2022</a>).</p>'
    )


def test_several_citations_stand_in_one_bracket(filled):
    text = re.sub("<[^>]*>", "", filled("[@meng2022locating; @maaten2020one;@decao2021editing]"))
    assert text == "(Meng et al. 2022; van der Maaten 2020; De Cao and Aziz 2021)"


@pytest.mark.parametrize(("word", "address", "name"), [
    ("[[method:rome]]", "methods/rome/", "ROME"),
    ("[[strategy:locate-and-edit]]", "strategies/locate-and-edit/", "Locate and edit"),
    ("[[pitfall:general-abilities.collapse]]", "pitfalls/general-abilities.collapse/", None),
    ("[[benchmark:counterfact]]", "benchmarks/counterfact/", "CounterFact"),
    ("[[metric:locality]]", "metrics/locality/", None),
    ("[[venue:neurips]]", "venues/neurips/", "NeurIPS"),
    ("[[papers:year:2022]]", "papers/?q=year:2022", "1 paper"),
    ("[[papers:year:2020..]]", "papers/?q=year:2020..", "3 papers"),
    ("[[papers:year:2022 &quot;editing&quot;]]", "papers/?q=year:2022+%22editing%22", "1 paper"),
])  # fmt: skip
def test_terms_become_links(filled, word, address, name):
    match = re.fullmatch(r'<a href="\.\./([^"]*)">(.*)</a>', filled(word))
    assert match[1] == address and name in (None, match[2])


@pytest.mark.parametrize(("html", "told"), [
    ("[@nobody2020nothing]", "there is no entry nobody2020nothing"),
    ("[@meng2022locating; @nobody2020nothing]", "there is no entry nobody2020nothing"),
    ("[[method:romee]]", "there is no method 'romee'"),
    ("[[colour:red]]", "there is no colour 'red'"),
    ('<div data-survey="nonsense"></div>', "there is no placeholder 'nonsense'"),
    (r'<span class="arithmatex">\(\frac{\)</span>', "cannot be drawn"),
])  # fmt: skip
def test_what_does_not_exist_is_an_error(filled, html, told):
    with pytest.raises(FillError, match=re.escape(told)):
        filled(html)


@pytest.mark.parametrize("tag", ["pre", "code", "script", "style"])
def test_what_is_shown_is_not_meant(filled, tag):
    html = f"<{tag}>[@nobody2020nothing] [[method:romee]]</{tag}>"
    assert filled(html) == html
    assert "(Meng" not in filled(f"<{tag} class='x'>[@meng2022locating]</{tag}>")
    assert filled(f"{html}[[method:rome]]{html}").count("romee") == 2


def test_placeholders_take_a_name(filled):
    assert filled('<div data-survey="word" data-name="a-b"></div>') == "a-b from ../"
    assert filled('<div data-survey="word">\n</div>') == "nothing from ../"


def test_what_a_placeholder_brings_is_not_read_again(few):
    said = "[@nobody2020nothing] [[method:romee]] <table><tr></tr></table>"
    assert fill('<p>[[method:rome]]</p><div data-survey="x"></div>', few, "../", {"x": lambda *_: said}).endswith(said)


def test_formulas_become_mathml(filled):
    html = filled(r'<p><span class="arithmatex">\(x &lt; \frac{a}{b}\)</span></p><div class="arithmatex">\[y^2\]</div>')
    tree = ET.fromstring(f"<x>{html}</x>")
    maths = "{http://www.w3.org/1998/Math/MathML}"
    inline, block = tree.iter(f"{maths}math")
    assert (inline.get("display"), block.get("display")) == ("inline", "block")
    assert [x.text for x in inline.iter(f"{maths}mi")] == ["x", "a", "b"] and inline.find(f".//{maths}mfrac") is not None
    assert block.find(f".//{maths}msup") is not None


def test_wide_formulas_and_tables_can_be_scrolled_by_keyboard(filled):
    assert 'tabindex="0"' in formula("y^2", True) and "tabindex" not in formula("y^2")
    html = filled("<table><tr><td>1</td></tr></table><table class=own></table>")
    assert re.match(r'<div class="survey-scroll"[^>]* tabindex="0"', html) and html.count("survey-scroll") == 1


def test_every_formula_of_the_taxonomy_can_be_drawn(taxonomy):
    texts = [m.update for m in taxonomy.methods.values()] + [m.formula for m in taxonomy.metrics.values()]
    assert [t for t in texts if t and "<mtext>\\" in formula(t, True)] == []
    assert sum(map(bool, texts)) > 20
