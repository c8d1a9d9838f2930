"""Our curves stand beside the survey's, and hold what was measured."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from survey.files import load_taxonomy
from survey.files.measured import Cell, Summary, summary
from survey.site.charts import BOTTOM, LEFT, RIGHT, TOP, survey_charts
from survey.site.curves import chart, curves, figure, order, told
from tests.measurements import cell, sequence, write


def drawn(tmp_path, cells, task="reasoning", metric="solve-rate", chance=None) -> tuple[str, ET.Element]:
    write(tmp_path, "survey", cells)
    html = chart(summary(tmp_path, "survey"), task, metric, load_taxonomy(), chance)
    return html, ET.fromstring(re.search(r"<svg.*?</svg>", html, re.S)[0])


def perplexity(method: str, values, unedited=60.0):
    more = dict(kind="sequence", pitfall="general-abilities.collapse", task="language-modelling", unedited=unedited)
    return [cell(method, "perplexity", v, edits=n, **more) for n, v in zip((0, 10, 20), values, strict=True)]


def test_a_chart_holds_every_value_with_its_interval(tmp_path):
    html, svg = drawn(tmp_path, [*sequence("rome", [1, 0.5, 0.4, 0.2, 0]), *sequence("memit", [1] * 5)])
    groups = {g.get("data-method"): g for g in svg.iter("g")}
    assert list(groups) == ["memit", "rome"], "in the order of the survey's charts"
    assert [t.text for t in groups["rome"].iter("title")][:2] == ["ROME, 0 edits: 0.500 (0.450 to 0.550)", "ROME, 10 edits: 0.250 (0.225 to 0.275)"]
    assert len([p for p in groups["rome"].iter("path") if p.get("class") == "survey-chart__whisker"]) == 4
    assert "0.250 <span class=\"number\">0.225–0.275</span>" in html
    assert "Not measured: GRACE, SERAC, MEND, KN." in html


def test_a_method_looks_the_same_on_both_sides(tmp_path):
    _, svg = drawn(tmp_path, [c for m in order() for c in sequence(m, [1, 0.9, 0.8, 0.7, 0.6])])
    theirs = ET.fromstring(re.search(r"<svg.*?</svg>", survey_charts()["reasoning"], re.S)[0])

    def look(root):
        return {
            g.get("data-method"): (g.find("path").get("stroke"), g.find("path").get("stroke-dasharray"), re.sub(r"[\d.]+", "", g.findall("path")[-1].get("d")))
            for g in root.iter("g")
        }

    assert look(svg) == look(theirs)


def test_height_is_the_value(tmp_path):
    _, svg = drawn(tmp_path, sequence("rome", [1, 0.5, 0, 0, 0]))
    line = next(svg.iter("g")).find("path").get("d").removeprefix("M").split("L")
    heights = [float(point.split()[1]) for point in line]
    assert heights[2] == BOTTOM and heights[1] == pytest.approx((heights[0] + BOTTOM) / 2, abs=0.1)


def test_the_unedited_model_and_guessing_are_levels(tmp_path):
    html, svg = drawn(tmp_path, sequence("rome", [1, 1, 1, 1, 1]), chance=0.1667)
    levels = [p.find("title").text for p in svg.iter("path") if p.get("class") == "survey-chart__level"]
    assert levels == ["unedited model: 0.500", "guessing: 0.167"] and "guessing (0.167)" in html
    assert len([p for p in drawn(tmp_path, sequence("rome", [1] * 5))[1].iter("path") if p.get("class") == "survey-chart__level"]) == 1


def test_a_collapsed_model_is_a_cross_at_the_top(tmp_path):
    html, svg = drawn(tmp_path, perplexity("kn", [60.0, 1e9, None]), "language-modelling", "perplexity")
    group = next(svg.iter("g"))
    markers = [p for p in group.iter("path") if p.find("title") is not None]
    assert ["l10 10m0-10" in p.get("d") for p in markers] == [False, True, True]
    heights = [float(point.split()[1]) for point in group.find("path").get("d").removeprefix("M").split("L")]
    assert heights[1:] == [TOP, TOP] and heights[0] > TOP
    assert markers[2].find("title").text.startswith("KN, 20 edits: collapsed")
    assert "logarithmic" in html and "<td>collapsed</td>" in html
    beside = [t.text for t in svg.iter("text") if t.get("text-anchor") == "end"]
    assert beside == ["10", "100", "1,000", "10,000", "10⁵", "10⁶"], "short enough to stand beside the axis"


def test_how_many_have_collapsed_is_told_in_models_of_tasks_and_in_cases_otherwise(tmp_path):
    some = perplexity("kn", [60.0, 70.0, None])
    some[1] |= {"models": 3, "collapsed": 1, "cases": 40, "seeds": 3}
    some[2] |= {"models": 3, "collapsed": 3, "cases": 40, "seeds": 3}
    html, svg = drawn(tmp_path, some, "language-modelling", "perplexity")
    titles = [t.text for t in next(svg.iter("g")).iter("title")]
    assert titles == ["KN, 0 edits: 60.0 (60.0 to 60.0)", "KN, 10 edits: 70.0 (70.0 to 70.0), 1 of 3 collapsed", "KN, 20 edits: collapsed (3 of 3 without a number)"]
    assert '<span class="number">1 of 3 collapsed</span>' in html
    case = Cell.model_validate(cell("kn", "reliability.forced", 0.5, cases=120, seeds=3, collapsed=3, models=3))
    assert told(case) == "0.500 (0.500 to 0.500), 3 of 120 collapsed"
    assert told(case.model_copy(update={"collapsed": 0})) == "0.500 (0.500 to 0.500)"


def test_a_method_that_has_fewer_sequences_at_some_numbers_of_edits_is_named_with_them(tmp_path):
    cells = [*sequence("rome", [1] * 5), *sequence("kn", [1] * 5), *sequence("memit", [1] * 5)]
    assert "intervals over 3 sequences. The" in drawn(tmp_path, cells)[0]
    some = [c | {"seeds": 2 if c["edits"] >= 30 else 3} if c["method"] == "kn" else c for c in cells]
    assert "intervals over 3 sequences; of KN over 2 at 30 and 40 edits. The" in drawn(tmp_path, some)[0]
    some = [c | {"seeds": {20: 2, 40: 1}.get(c["edits"], 3)} if c["method"] == "kn" else c | {"seeds": 1} if c["method"] == "memit" else c for c in cells]
    assert "over 3 sequences; of MEMIT over 1; of KN over 1 at 40 edits, over 2 at 20 edits. The" in drawn(tmp_path, some)[0]


def test_what_was_not_measured_is_said(tmp_path):
    assert "has not been measured yet" in chart(Summary(), "reasoning", "solve-rate", load_taxonomy())
    html, _ = drawn(tmp_path, [*sequence("rome", [1] * 5), *sequence("kn", [1, 1], (0, 10))])
    assert html.count("not measured</span>") == 3


def test_a_line_that_ends_early_bears_its_name_at_its_end_and_nothing_leads_on(tmp_path):
    html, svg = drawn(tmp_path, [*sequence("rome", [1, 0.9, 0.8, 0.7, 0.6]), *sequence("kn", [1, 0.2], (0, 10)), *sequence("mend", [1, 0.21], (0, 10))])
    groups = {g.get("data-method"): g for g in svg.iter("g")}
    stop = LEFT + (RIGHT - LEFT) / 4

    def label(method: str):
        return next(t for t in groups[method].iter("text"))

    for method in ("kn", "mend"):
        places = [float(x) for p in groups[method].iter("path") for x in re.findall(r"[ML]([\d.]+) ", p.get("d"))]
        assert max(places) < stop + 10, "no line and no marker beyond the last value"
        assert stop < float(label(method).get("x")) < stop + 15
    assert float(label("kn").get("y")) - float(label("mend").get("y")) >= 17.9, "names do not lie on one another"
    assert float(label("rome").get("x")) == RIGHT + 34
    assert "MEND was measured up to 10 edits only. KN was measured up to 10 edits only. Not measured" in html
    assert "edits only" not in drawn(tmp_path, sequence("rome", [1] * 5))[0]


def test_changed_settings_make_no_line(tmp_path):
    write(tmp_path, "survey", [c | {"variant": "statistics=none"} for c in sequence("rome", [1] * 5)])
    assert curves(summary(tmp_path, "survey"), "reasoning", "solve-rate") == []


def test_numbers_in_digits_that_tell_something():
    told = {None: "collapsed", 0: "0.000", 0.1234: "0.123", 1: "1.00", 2.5: "2.50", 58.49: "58.5", 246: "246", 999.7: "1,000", 1234.5: "1,234", 3e9: "3.0e+09"}
    assert [figure(v) for v in told] == list(told.values())
