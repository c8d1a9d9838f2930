"""The table of all numbers in a real browser: sorted and filtered by pointer and keyboard, and whole without a script."""

from __future__ import annotations

import pytest

from survey.collection import Collection
from survey.site.pages import Pages
from tests.browser.conftest import plain_site
from tests.entries import make_paper
from tests.measurements import cell, write

pytestmark = pytest.mark.browser


FEW = [
    cell("rome", "reliability.forced", 0.9), cell("memit", "reliability.forced", 0.25), cell("kn", "reliability.forced", None),
    cell("rome", "perplexity", 1200.0, pitfall="general-abilities.collapse", task="language-modelling", unedited=58.0, seeds=3),
]  # fmt: skip


@pytest.fixture(scope="session")
def address(serve, tmp_path_factory, taxonomy) -> str:
    """A page with the table of four made-up numbers of three methods, one of which has collapsed."""
    return serve(made(tmp_path_factory, taxonomy, FEW))


@pytest.fixture(scope="session")
def crowded(serve, tmp_path_factory, taxonomy) -> str:
    """A page with 600 numbers of the matrix, and 1200 more that are read beside them."""
    metrics = ("reliability.forced", "efficacy-score", "reliability.generated")
    return serve(made(tmp_path_factory, taxonomy, [cell(f"m{n:03}", metric, n / 600) for n in range(600) for metric in metrics]))


def made(tmp_path_factory, taxonomy, cells):
    root = tmp_path_factory.mktemp("table")
    write(root, "pitfalls", cells)
    html = Pages(Collection([make_paper()], taxonomy), root, {"url": "", "name": "Site", "source": ""}).places["measured"]("table", "./")
    return plain_site(tmp_path_factory.mktemp("site"), "Table", html)


@pytest.fixture
def page(browser, address):
    yield from opened(browser, address)


@pytest.fixture
def many(browser, crowded):
    yield from opened(browser, crowded)


def opened(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(10_000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".table-filters")
    yield page
    context.close()
    assert wrong == []


def column(page, n: int) -> list[str]:
    return [row.locator("th, td").nth(n).inner_text().strip() for row in page.locator("tbody tr").all() if row.is_visible()]


def test_a_head_sorts_by_numbers_and_what_collapsed_stays_last(page):
    edited = page.locator("thead th").nth(4)
    edited.get_by_role("button").click()
    assert edited.get_attribute("aria-sort") == "ascending"
    assert column(page, 4) == ["0.250", "0.900", "1,200", "collapsed"]
    edited.get_by_role("button").click()
    assert edited.get_attribute("aria-sort") == "descending"
    assert column(page, 4) == ["1,200", "0.900", "0.250", "collapsed"]


def test_the_keyboard_sorts_by_names(page):
    page.locator("thead").get_by_role("button", name="Method").focus()
    page.keyboard.press("Enter")
    assert column(page, 0) == ["KN", "MEMIT", "ROME", "ROME"]
    page.keyboard.press("Space")
    assert column(page, 0) == ["ROME", "ROME", "MEMIT", "KN"]
    assert page.locator("[aria-sort]").count() == 1


def test_two_filters_narrow_and_widen(page):
    status = page.get_by_role("status")
    assert status.inner_text() == "4 numbers"
    page.get_by_label("Method").select_option("ROME")
    assert column(page, 0) == ["ROME", "ROME"] and status.inner_text() == "2 of 4 numbers"
    page.get_by_label("Pitfall").select_option("The edit itself")
    assert column(page, 2) == ["reliability.forced"]
    page.get_by_label("Method").select_option("")
    assert len(column(page, 0)) == 3


def test_of_many_numbers_some_are_shown_and_the_others_on_demand(many):
    status, rows = many.get_by_role("status"), many.locator("tbody tr")
    assert status.inner_text() == "600 of 1,800 numbers" and rows.count() == 500
    many.locator("thead th").nth(4).get_by_role("button").click()
    many.locator("thead th").nth(4).get_by_role("button").click()
    assert rows.first.locator("th").inner_text() == "m599", "what is not shown is sorted, too"
    many.get_by_role("button", name="Show the other 100").click()
    assert rows.count() == 600 and many.get_by_role("button", name="Show the other").count() == 0


def test_what_is_read_beside_comes_when_it_is_asked_for(many):
    status, rows, box = many.get_by_role("status"), many.locator("tbody tr"), many.get_by_label("Also what is read beside them")
    many.get_by_label("Method").select_option("m007")
    assert rows.count() == 1
    box.check()
    assert status.inner_text() == "3 of 1,800 numbers"
    assert [row.locator("td").nth(1).inner_text() for row in rows.all()] == ["reliability.forced", "efficacy-score", "reliability.generated"]
    many.get_by_label("Method").select_option("")
    assert rows.count() == 500 and status.inner_text() == "1,800 numbers"
    box.uncheck()
    assert status.inner_text() == "600 of 1,800 numbers"


def test_axe_finds_nothing(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    assert [v["id"] for v in axe.Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")] == []


def test_without_a_script_it_is_a_plain_table(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("tbody tr").count() == 4
    assert page.get_by_role("button").count() == 0 and page.get_by_role("columnheader", name="Method").count() == 1
    context.close()
