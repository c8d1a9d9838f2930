"""The charts hold what the data say, and the hand-written pages name only what exists."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from functools import lru_cache
from html import unescape
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.collection import Collection
from survey.files import load_collection, load_taxonomy
from survey.site.charts import matrix, pairs, spread, survey_charts, survey_figures, timeline
from survey.site.links import SECTION_OF
from tests.made_up import made_up

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FIGURES = sorted((ROOT / "docs" / "assets" / "figures").glob("*.svg"))
_CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.S | re.M)


@lru_cache(1)
def real() -> Collection:
    return load_collection(ROOT)


def prose(page: Path) -> str:
    """A page without what it shows as code."""
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def svg_of(html: str) -> ET.Element:
    return ET.fromstring(re.search(r"<svg.*?</svg>", html, re.S)[0])


# The survey's charts


def test_four_charts_and_no_other():
    assert list(survey_charts()) == [
        "reasoning", "open-domain-qa", "sentiment-analysis", "summarisation",
    ]  # fmt: skip


@pytest.mark.parametrize("figure", survey_figures(), ids=lambda figure: figure.task)
def test_chart_holds_every_value(figure):
    html = survey_charts()[figure.task]
    groups = {g.get("data-method"): g for g in svg_of(html).iter("g")}
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html)
    names = load_taxonomy().methods
    assert list(groups) == [series.method for series in figure.series]
    for series, row in zip(figure.series, rows, strict=True):
        shown = [marker.text for marker in groups[series.method].iter("title")]
        cells = re.findall(r"<td>(.*?)</td>", row)
        triples = zip(figure.edits, series.values, series.approximate, strict=True)
        for said, cell, (edits, value, rough) in zip(shown, cells, triples, strict=True):
            assert said == f"{names[series.method].name}, {edits} edits: {cell}"
            assert cell.startswith("~") == rough
            assert float(cell.lstrip("~")) == value


@pytest.mark.parametrize("figure", survey_figures(), ids=lambda figure: figure.task)
def test_approximate_points_are_hollow(figure):
    groups = {g.get("data-method"): g for g in svg_of(survey_charts()[figure.task]).iter("g")}
    for series in figure.series:
        markers = [p for p in groups[series.method].iter("path") if p.find("title") is not None]
        hollow = tuple(p.get("fill") != p.get("stroke") for p in markers)
        assert hollow == series.approximate


def test_points_stand_where_their_values_are():
    """Within a chart, height is one linear function of the value."""
    for figure in survey_figures():
        places = {}
        for group in svg_of(survey_charts()[figure.task]).iter("g"):
            series = next(s for s in figure.series if s.method == group.get("data-method"))
            line = group.find("path").get("d").removeprefix("M").split("L")
            heights = [float(point.split()[1]) for point in line]
            places.update(zip(series.values, heights, strict=True))
        low, high = min(places), max(places)
        slope = (places[high] - places[low]) / (high - low)
        assert slope < 0
        for value, height in places.items():
            assert height == pytest.approx(places[low] + slope * (value - low), abs=0.11)


def test_labels_do_not_overlap():
    for html in survey_charts().values():
        labels = [t for t in svg_of(html).iter("text") if t.get("class")]
        heights = sorted(float(label.get("y")) for label in labels)
        assert len(heights) == 6
        assert all(b - a >= 17.9 for a, b in pairwise(heights))


@given(st.lists(st.floats(34, 282), max_size=8))
def test_spread_keeps_distance_order_and_range(heights):
    placed = spread(heights, 18, 34, 282)
    by_height = sorted(range(len(heights)), key=lambda n: (heights[n], n))
    ordered = [placed[n] for n in by_height]
    assert all(b - a >= 18 - 1e-9 for a, b in pairwise(ordered))
    assert all(34 - 1e-9 <= height <= 282 + 1e-9 for height in placed)


def test_charts_name_source_error_and_data():
    for figure in survey_figures():
        html = survey_charts("../")[figure.task]
        assert "measured from its pixels, error about" in html
        assert 'href="../data/survey-figures.json"' in html
        svg = svg_of(html)
        assert svg.get("role") == "img"
        assert {svg.find("title").get("id"), svg.find("desc").get("id")} == set(
            svg.get("aria-labelledby").split()
        )


def test_every_line_differs_without_colour():
    for html in survey_charts().values():
        styles = set()
        for group in svg_of(html).iter("g"):
            label_marker = group.findall("path")[-1].get("d")
            corners = label_marker.count("L"), label_marker.count("a"), label_marker[:8]
            styles.add((group.find("path").get("stroke-dasharray"), corners))
        assert len(styles) == 6


# The matrix and the timeline


@pytest.mark.parametrize("collection", [real, made_up], ids=["real", "made up"])
def test_matrix_counts_what_the_search_finds(collection):
    collection = collection()
    taxonomy = collection.taxonomy
    html = matrix(collection, "../")
    links = re.findall(r'<a href="\.\./papers/\?(q=[^"]*)"[^>]*>(\d+)</a>', html)
    assert len(links) == len(taxonomy.pitfalls) * (len(taxonomy.families) + 1)
    asked = set()
    for query, number in links:
        (text,) = parse_qs(unescape(query))["q"]
        assert len(collection.search(text)) == int(number), text
        asked.add(text)
    assert len(asked) == len(links)


def test_matrix_is_one_table_with_heads():
    taxonomy = real().taxonomy
    html = matrix(real(), "")
    assert html.count('<th scope="col"') == len(taxonomy.families) + 2
    assert html.count('<th scope="row"') == len(taxonomy.pitfalls)
    tops = [pitfall for pitfall in taxonomy.pitfalls.values() if pitfall.parent is None]
    assert html.count("<tbody>") == len(tops)
    order = [html.index(f"> {p.name}</label>") if f"> {p.name}</label>" in html
             else html.index(f">{p.name}</th>") for p in tops]  # fmt: skip
    assert order == sorted(order)
    assert [p.survey for p in tops] == sorted((p.survey for p in tops), reverse=True)


def test_pairs_counts_papers_once():
    counts = pairs(real())
    assert counts["", "locality"] == len(real().search("pitfall:locality"))


@pytest.mark.parametrize("collection", [real, made_up], ids=["real", "made up"])
def test_timeline_links_every_year_that_has_papers(collection):
    collection = collection()
    html = timeline(collection, "../")
    shown = re.findall(r'href="\.\./years/(\d+)/" aria-label="\d+: (\d+) papers?"', html)
    years = sorted({paper.year for paper in collection.values()})
    assert [int(year) for year, _ in shown] == years
    assert [int(n) for _, n in shown] == [len(collection.search(f"year:{y}")) for y in years]
    ET.fromstring(html)


def test_empty_collection_has_no_timeline():
    empty = Collection([], load_taxonomy())
    assert timeline(empty, "") == ""
    assert "<td" in matrix(empty, "")


def test_same_bytes_every_time():
    assert survey_charts() == survey_charts()
    assert matrix(real(), "../") == matrix(load_collection(ROOT), "../")


# The drawn figures and the pages


@pytest.mark.parametrize("file", FIGURES, ids=lambda file: file.stem)
def test_figures_are_described_and_follow_the_theme(file):
    text = file.read_text(encoding="utf-8")
    svg = ET.fromstring(text)
    names = {child.tag.split("}")[1]: child for child in svg}
    assert svg.get("role") == "img"
    assert {names["title"].get("id"), names["desc"].get("id")} == set(
        svg.get("aria-labelledby").split()
    )
    assert "".join(names["desc"].itertext()).strip()
    assert svg.get("font-family") == "inherit" and svg.get("fill") == "currentColor"
    # Literal colours stand only as what a missing variable falls back to.
    assert not re.findall(r"(?<!,)#[0-9a-fA-F]{3,6}\b", re.sub(r"url\(#[^)]*\)", "", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_citations_and_terms_exist(page):
    text, collection = prose(page), real()
    cited = re.findall(r"\[(@[^\]]+)\]", text)
    keys = [key.strip() for group in cited for key in group.split(";")]
    missing = [key for key in keys if not key.startswith("@") or key[1:] not in collection]
    for kind, id in re.findall(r"\[\[([a-z]+):([^\]\n]+)\]\]", text):
        if kind == "papers":
            if not collection.search(id):
                missing.append(f"[[{kind}:{id}]] finds nothing")
        elif kind not in SECTION_OF or id not in getattr(collection.taxonomy, SECTION_OF[kind]):
            missing.append(f"[[{kind}:{id}]]")
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_formulas_can_be_drawn(page):
    convert = pytest.importorskip("latex2mathml.converter").convert
    for block, inline in re.findall(r"\$\$(.+?)\$\$|\$([^\s$][^$\n]*)\$", prose(page), re.S):
        ET.fromstring(convert((block or inline).strip()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_placeholders_of_charts_and_figures_exist(page):
    for kind, name in re.findall(r'data-survey="(chart|figure)" data-name="([^"]+)"', prose(page)):
        found = survey_charts() if kind == "chart" else {file.stem for file in FIGURES}
        assert name in found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+\.md)(?:#[^)]*)?\)", prose(page)):
        if not urlsplit(target).scheme:
            assert (page.parent / target).resolve().is_file(), target
