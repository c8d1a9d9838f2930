"""The hints of the matrix in a real browser: the keyboard reaches every number and sees what a pointer sees."""

from __future__ import annotations

import pytest

from survey.collection import Collection
from survey.site.pages import Pages
from tests.browser.conftest import plain_site
from tests.entries import make_paper
from tests.measurements import cell, write

pytestmark = pytest.mark.browser

# ROME and R-ROME are of one family, SERAC of another; nothing was said of R-ROME's paraphrases.
CELLS = [
    cell("rome", "reliability.forced", 0.91), cell("rome", "generalization.forced", 0.92, pitfall="generalization.paraphrase"),
    cell("rome", "subject-replace.forced", 0.93, pitfall="generalization.aliasing"), cell("r-rome", "reliability.forced", 0.94),
    cell("r-rome", "subject-replace.forced", 0.95, pitfall="generalization.aliasing"), cell("serac", "reliability.forced", 0.96),
]  # fmt: skip


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory, taxonomy) -> str:
    root = tmp_path_factory.mktemp("matrix")
    write(root, "pitfalls", CELLS)
    html = Pages(Collection([make_paper()], taxonomy), root, {"url": "", "name": "Site", "source": ""}).places["measured"]("matrix", "./")
    return serve(plain_site(tmp_path_factory.mktemp("site"), "Matrix", html))


@pytest.fixture
def page(browser, address):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(address)
    page.wait_for_selector("td[data-hint][tabindex='0']")
    yield page
    context.close()


def focused(page) -> str:
    return page.evaluate("document.activeElement.querySelector('.measured__value')?.textContent ?? ''")


def press(page, *keys: str) -> list[str]:
    found = []
    for key in keys:
        page.keyboard.press(key)
        found.append(focused(page))
    return found


def test_the_arrows_lead_from_number_to_number_and_over_what_is_empty(page):
    page.locator("td[data-hint][tabindex='0']").focus()
    assert focused(page) == "0.910"
    assert press(page, "ArrowRight", "ArrowRight", "ArrowRight") == ["0.920", "0.930", "0.930"]
    assert press(page, "ArrowDown", "ArrowLeft", "ArrowDown", "ArrowUp") == ["0.950", "0.940", "0.960", "0.940"]
    hint = page.evaluate("getComputedStyle(document.activeElement, '::after').content")
    assert "r-ROME, The edit itself" in hint and "95 % interval" in hint


def test_the_matrix_is_one_stop_for_the_tabulator(page):
    """It is entered where it was left, and left by one key."""
    stops = page.locator("td[data-hint][tabindex='0']")
    stops.focus()
    press(page, "ArrowDown")
    assert stops.count() == 1
    page.keyboard.press("Shift+Tab")
    assert focused(page) == ""
    assert [value for value in press(page, *["Tab"] * 30) if value] == ["0.940"]


def test_keys_with_others_held_are_the_browsers(page):
    page.locator("td[data-hint][tabindex='0']").focus()
    page.keyboard.press("Control+ArrowRight")
    assert focused(page) == "0.910"
