"""The page of `survey report` in a real Chromium: wide and narrow, light and dark, without scripts, in print."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from survey.pitfalls.metrics.intervals import Interval  # noqa: E402
from survey.pitfalls.report import TaskScore, gather  # noqa: E402
from survey.pitfalls.report.page import html  # noqa: E402
from survey.pitfalls.report.questions import Named  # noqa: E402
from tests.editing.tiny import tiny_model  # noqa: E402
from tests.pitfalls.report.conftest import EDIT, HOW, YOURS  # noqa: E402

pytestmark = pytest.mark.browser

LONG = "Bramblewick" * 30
VIEWS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (360, "light")]


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """A page with everything on it: tasks, long words, folded rows, warnings."""
    yours = Named((*YOURS.probes, LONG), YOURS.paraphrases, (*YOURS.neighbours, "הנהר נמצא בעיר", "川は都市にある"))
    report = gather(tiny_model("llama"), [EDIT], yours=yours, facts=20, command=f"survey report --probe {LONG}", made_on="2026-11-25", **HOW)
    score = TaskScore("reasoning", "Reasoning", "solve-rate", Interval(0.5, 0.4, 0.6, 48), Interval(0.25, 0.1, 0.4, 48), 0.1667)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html(replace(report, tasks=(score,), restored=False)), "utf-8")
    return path.as_uri()


@pytest.fixture
def visit(browser, address):
    """`visit(width, scheme)` opens the page; a request or a complaint of the browser fails the test."""
    contexts, wrong = [], []

    def start(width: int, scheme: str = "light", **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: wrong.append(m.text))
        page.on("request", lambda r: r.url in (address, "data:,") or wrong.append(r.url))
        page.goto(address)
        return page

    yield start
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_nothing_sticks_out(visit, width, scheme):
    page = visit(width, scheme)
    for details in page.locator("summary").all():
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    out = page.evaluate("""() => [...document.querySelectorAll("main *, header *")]
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))""")
    assert out == []


@pytest.mark.parametrize(("width", "scheme"), VIEWS[:4])
def test_axe_finds_nothing(visit, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = visit(width, scheme, bypass_csp=True)  # The page itself lets no script run, axe's neither.
    for details in page.locator("summary").all():
        details.click()
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in axe.Axe().run(page).response["violations"]] == []


def test_bars_are_as_long_as_they_should_be(visit):
    page = visit(390)
    chart = page.locator("#edit-1 ~ figure svg").first
    ground, after = (chart.locator(f"rect.{kind}").nth(1).bounding_box()["width"] for kind in ("ground", "after"))
    assert chart.locator("rect.after").first.bounding_box()["width"] == pytest.approx(ground, rel=0.15)
    assert after < 0.1 * ground  # The old answer.


def test_values_do_not_lie_over_bars(visit):
    page = visit(360)
    assert page.evaluate("""() => [...document.querySelectorAll("svg")].flatMap((svg) => {
        const end = Math.max(...[...svg.querySelectorAll("rect.ground, line.ground")].map((e) => e.getBoundingClientRect().right));
        return [...svg.querySelectorAll(".value")].filter((e) => e.getBoundingClientRect().left < end).map((e) => e.textContent);
    })""") == []


def test_colours_follow_the_reader_and_print_is_light(visit):
    light, dark = (visit(1280, scheme) for scheme in ("light", "dark"))
    colour = "getComputedStyle(document.body).backgroundColor"
    assert light.evaluate(colour) == "rgb(253, 253, 251)" and dark.evaluate(colour) == "rgb(21, 24, 27)"
    dark.emulate_media(media="print")
    assert dark.evaluate(colour) == "rgb(253, 253, 251)"
    # What is folded on the screen is printed.
    hidden = dark.locator("details .rows li").last
    assert hidden.bounding_box() and hidden.bounding_box()["height"] > 10


def test_scripts_do_not_run_and_are_not_needed(visit):
    page = visit(1280, java_script_enabled=False)
    assert page.locator("h1").inner_text() == "The old museum is located in the city of Oslo"
    page.locator("summary").first.click()
    assert page.locator("details").first.get_attribute("open") is not None
