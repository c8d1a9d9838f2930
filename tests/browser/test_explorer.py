"""Journeys through the explorer, in a real Chromium, wide and narrow, light and dark."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from survey.collection import Collection
from survey.collection.paper import paper_from
from survey.formats import FORMATS
from survey.site.data import write_data
from survey.site.explorer import explorer_html
from tests.bench import synthetic
from tests.browser.conftest import ASSETS

pytestmark = pytest.mark.browser

_SHELL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Papers</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ margin: 0 auto; max-width: 72em; padding: 0 1em; font: 16px/1.5 sans-serif;
  background: var(--md-default-bg-color); color: var(--md-default-fg-color); }}
[data-md-color-scheme="default"] {{ --md-default-fg-color: rgb(0 0 0 / 87%);
  --md-default-bg-color: #fff; --md-typeset-a-color: #1f5fa8; }}
[data-md-color-scheme="slate"] {{ color-scheme: dark; --md-default-bg-color: hsl(225 15% 14%);
  --md-default-fg-color: hsl(225 15% 90% / 82%); --md-typeset-a-color: #8fb8ec; }}
</style></head>
<body data-md-color-scheme="default"><main><h1>Papers</h1>{explorer}</main></body></html>"""
_HOSTILE = "<img src=x onerror=alert(1)> & the “Quoted” Title"


@pytest.fixture(scope="module")
def collection() -> Collection:
    """450 made-up papers, so that exports need several shards, and one that tests escaping."""
    maker = synthetic.Maker(1)
    papers = [paper_from(record, key) for key, record in maker.papers(449)]
    hostile = maker.record() | {"title": _HOSTILE, "authors": ["Eve <b>Bold</b>"], "year": 2026}
    hostile |= {"links": {"code": "https://example.org/?a=1&b=2"}, "summary": "<i>Not</i> italic."}
    return Collection([*papers, paper_from(hostile, "bold2026img")], maker.taxonomy)


@pytest.fixture(scope="module")
def site(collection, serve, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("site")
    write_data(collection, folder)
    shutil.copytree(ASSETS, folder / "assets" / "survey")
    (folder / "papers").mkdir()
    html = _SHELL.format(explorer=explorer_html(collection, "../"))
    (folder / "papers" / "index.html").write_text(html, encoding="utf-8")
    return serve(folder) + "papers/"


class Reader:
    """A person at the explorer."""

    def __init__(self, page, site: str) -> None:
        self.page, self.site = page, site

    def open(self, query: str = ""):
        self.page.goto(self.site + query)
        self.page.wait_for_selector("#explorer-root[data-details=ready][data-drawn]")
        return self

    @property
    def box(self):
        return self.page.get_by_role("combobox", name="Search the papers")

    @property
    def suggestions(self):
        return self.page.locator(".explorer-suggestions [role=option]")

    def type(self, text: str) -> None:
        """Type into the box, and wait for the list and all that follows it."""
        self.box.fill(text)
        self.settle()

    def settle(self) -> None:
        self.page.evaluate(
            "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
        )

    def query(self) -> str:
        return self.box.input_value()

    def shown(self) -> list[str]:
        links = self.page.locator(".explorer-title a")
        return [href.rstrip("/").rpartition("/")[2] for href in links.evaluate_all(
            "(links) => links.map((link) => link.href)")]  # fmt: skip

    def count(self) -> str:
        return self.page.locator(".explorer-count").inner_text()

    def facet(self, name: str):
        """The values of a facet, opened where it is closed."""
        filters = self.page.locator(".explorer-filters-button")
        if filters.is_visible() and filters.get_attribute("aria-expanded") == "false":
            filters.click()
        facet = self.page.locator(".explorer-facet").filter(
            has=self.page.locator("summary", has_text=name)
        )
        if facet.get_attribute("open") is None:
            facet.locator("summary").click()
            self.settle()
        return facet


@pytest.fixture(params=[(1280, "default"), (390, "slate")], ids=["wide-light", "narrow-dark"])
def reader(request, browser, site):
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
    context.add_init_script(
        "addEventListener('DOMContentLoaded', () => "
        f"document.body.setAttribute('data-md-color-scheme', '{scheme}'))"
    )
    page = context.new_page()
    failures = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield Reader(page, site)
    context.close()
    assert failures == []


def keys_of(collection, query: str) -> list[str]:
    return [paper.key for paper in collection.search(query)]


def test_all_papers_are_there_newest_first(reader, collection):
    reader.open()
    assert reader.count() == "450 papers"
    shown = reader.shown()
    assert shown == list(collection)[: len(shown)]


def test_a_paper_is_found_by_an_unaccented_name(reader, collection):
    reader.open().type("author:schlotterer")
    expected = keys_of(collection, "author:schlotterer")
    assert expected
    assert reader.shown() == expected
    assert "Schlötterer" in reader.page.locator(".explorer-authors").first.inner_text()


def test_a_facet_writes_into_the_query(reader, collection):
    reader.open()
    facet = reader.facet("Strategy")
    facet.get_by_role("checkbox", name="Locate and edit").check()
    reader.settle()
    assert reader.query() == "family:locate-and-edit"
    facet.get_by_role("checkbox", name="External memory").check()
    reader.settle()
    assert reader.query() == "family:locate-and-edit,external-memory"
    expected = keys_of(collection, reader.query())
    assert reader.count() == f"{len(expected)} of 450 papers"
    assert "q=family%3Alocate-and-edit%2Cexternal-memory" in reader.page.url


def test_exclusion_is_a_third_state(reader, collection):
    reader.open()
    exclude = reader.facet("Venue").get_by_role("button", name="Exclude arXiv")
    exclude.click()
    reader.settle()
    assert reader.query() == "-venue:arxiv"
    assert exclude.get_attribute("aria-pressed") == "true"
    assert reader.count() == f"{len(keys_of(collection, '-venue:arxiv'))} of 450 papers"
    exclude.click()
    reader.settle()
    assert reader.query() == ""


def test_chips_show_and_remove_conditions(reader, collection):
    reader.open("?q=method:rome,memit -venue:arxiv")
    chips = reader.page.locator(".explorer-chips")
    chips.get_by_role("button", name="Remove Method: ROME or MEMIT").click()
    reader.settle()
    assert reader.query() == "-venue:arxiv"
    assert chips.get_by_role("button", name="Remove Venue: not arXiv").is_visible()


def test_an_address_can_be_shared(reader, collection, browser):
    reader.open().type("pitfall:locality has:code")
    reader.page.get_by_label("Sort").select_option("title")
    reader.settle()
    address, shown = reader.page.url, reader.shown()
    other = Reader(browser.new_page(), address)
    other.open()
    assert other.page.url == address
    assert other.query() == "pitfall:locality has:code"
    assert other.page.get_by_label("Sort").input_value() == "title"
    assert other.shown()[:10] == shown[:10]
    other.page.close()


def test_back_returns_to_the_state_before(reader):
    reader.open()
    reader.type("rome")
    reader.type("rome editing")
    reader.page.wait_for_url("**q=rome+editing")
    reader.facet("Year").get_by_role("checkbox").first.check()
    reader.page.wait_for_url("**year**")
    reader.page.go_back()
    reader.settle()
    assert reader.query() == "rome editing"
    reader.page.go_back()
    reader.settle()
    assert reader.query() == ""
    assert reader.count() == "450 papers"
    reader.page.go_forward()
    reader.settle()
    assert reader.query() == "rome editing"


def test_sorting(reader, collection):
    reader.open()
    for sort, key in {
        "oldest": None,
        "title": lambda paper: paper.title,
        "author": lambda paper: paper.names[0].family,
    }.items():
        reader.page.get_by_label("Sort").select_option(sort)
        reader.settle()
        shown = [collection[paper] for paper in reader.shown()]
        if key is None:
            assert [paper.key for paper in shown] == list(collection)[::-1][: len(shown)]
        else:
            letters = [
                key(p)[0].lower() for p in shown if key(p)[0].isascii() and key(p)[0].isalpha()
            ]
            assert letters == sorted(letters)


def test_a_mistake_is_explained_and_the_list_stays(reader, collection):
    reader.open().type("method:rome")
    shown = reader.shown()
    reader.type("method:rome method:romee")
    assert reader.shown() == shown
    reader.page.get_by_text("did you mean rome?").wait_for()
    assert reader.page.locator(".explorer-place mark").inner_text() == "romee"
    assert reader.box.get_attribute("aria-invalid") == "true"
    assert reader.shown() == shown
    reader.type("method:rome")
    assert reader.page.locator(".explorer-error").inner_text() == ""


def test_a_mistake_in_the_address_shows_all_papers(reader):
    reader.open("?q=methd:rome")
    reader.page.get_by_text("did you mean method:?").wait_for()
    assert reader.count() == "450 papers"


def test_suggestions_complete_fields_and_values_by_keyboard(reader):
    reader.open()
    reader.box.press_sequentially("pitf")
    reader.page.get_by_role("option", name="pitfall:").wait_for()
    reader.page.keyboard.press("ArrowDown")
    assert reader.box.get_attribute("aria-activedescendant") == "explorer-option-0"
    reader.page.keyboard.press("Enter")
    assert reader.query() == "pitfall:"
    reader.box.press_sequentially("local")
    reader.page.get_by_role("option", name="Locality").first.wait_for()
    reader.page.keyboard.press("ArrowDown")
    reader.page.keyboard.press("Enter")
    assert reader.query() == "pitfall:locality "
    reader.box.press_sequentially("author:schlott")
    # Not the suggestion of the field, which stands there while one types.
    reader.page.get_by_role("option", name="Schlötterer").first.wait_for()
    reader.page.keyboard.press("ArrowDown")
    reader.page.keyboard.press("Enter")
    assert "Schlötterer" in reader.query()
    reader.box.press_sequentially("met")
    reader.suggestions.first.wait_for()
    reader.page.keyboard.press("Escape")
    assert reader.suggestions.first.is_hidden()
    assert reader.query().endswith("met")


def test_a_key_that_comes_before_the_next_paint_finds_the_suggestions(reader):
    reader.open()
    reader.box.focus()
    reader.page.evaluate(
        """() => {
          const box = document.activeElement;
          box.value = "pitf";
          box.setSelectionRange(4, 4);
          box.dispatchEvent(new Event("input", { bubbles: true }));
          box.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
        }"""
    )
    reader.settle()
    assert reader.box.get_attribute("aria-activedescendant") == "explorer-option-0"


def test_only_the_keyboard(reader, collection):
    reader.open()
    keyboard = reader.page.keyboard
    keyboard.press("/")
    keyboard.type("pitfall:locality ")
    reader.settle()
    shown = reader.shown()
    keyboard.press("ArrowDown")
    keyboard.press("x")
    keyboard.press("j")
    keyboard.press("j")
    keyboard.press("k")
    keyboard.press("Space")
    assert reader.page.locator(".explorer-what").inner_text() == "2 selected:"
    picked = reader.page.locator(".explorer-row:has(:checked) .explorer-title a")
    assert [
        href.split("/")[-2] for href in picked.evaluate_all("(a) => a.map((one) => one.href)")
    ] == shown[:2]
    keyboard.press("?")
    assert reader.page.get_by_role("dialog").is_visible()
    keyboard.press("Escape")
    assert reader.page.get_by_role("dialog").count() == 0
    keyboard.press("/")
    keyboard.press("Escape")
    reader.settle()
    assert reader.query() == ""
    keyboard.press("ArrowDown")
    with reader.page.expect_navigation():
        keyboard.press("Enter")
    assert reader.page.url.endswith(f"/papers/{next(iter(collection))}/")


def downloaded(reader) -> str:
    with reader.page.expect_download() as download:
        reader.page.get_by_role("button", name="Download").click()
    return Path(download.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["bibtex", "ris", "csl-json"])
def test_the_result_is_exported(reader, collection, name):
    reader.open("?q=pitfall:locality")
    reader.page.get_by_label("Citation format").select_option(name)
    papers = collection.search("pitfall:locality")
    assert reader.page.locator(".explorer-what").inner_text() == f"Cite {len(papers)} papers:"
    assert downloaded(reader) == FORMATS[name].text(papers, collection.taxonomy)
    assert reader.page.locator(".explorer-what").inner_text().startswith("Downloaded")


def test_the_selection_outlives_the_query_and_is_exported(reader, collection):
    reader.open("?q=year:2026")
    reader.page.locator(".explorer-pick").nth(1).check()
    reader.type("year:2021")
    reader.page.locator(".explorer-pick").nth(0).check()
    chosen = [collection.search("year:2026")[1], collection.search("year:2021")[0]]
    assert downloaded(reader) == FORMATS["bibtex"].text(chosen, collection.taxonomy)
    reader.page.get_by_role("button", name="Select none").click()
    reader.page.get_by_role("button", name="Select all", exact=False).first.click()
    count = len(collection.search("year:2021"))
    assert reader.page.locator(".explorer-what").inner_text() == f"{count} selected:"
    reader.page.get_by_role("button", name="Select all 450 papers").click()
    assert reader.page.locator(".explorer-what").inner_text() == "450 selected:"


def test_citations_are_copied(reader, collection):
    reader.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader.open("?q=year:2021")
    reader.page.get_by_role("button", name="Copy").click()
    reader.page.get_by_text("Copied").wait_for()
    text = reader.page.evaluate("navigator.clipboard.readText()")
    papers = collection.search("year:2021")
    assert text == FORMATS["bibtex"].text(papers, collection.taxonomy)


def test_where_copying_is_forbidden_the_text_is_offered(reader, collection):
    reader.open("?q=year:2021")
    reader.page.evaluate("() => { navigator.clipboard.write = () => Promise.reject(Error('no')); }")
    reader.page.get_by_role("button", name="Copy").click()
    papers = collection.search("year:2021")
    area = reader.page.get_by_label("Citations", exact=True)
    assert area.input_value() == FORMATS["bibtex"].text(papers, collection.taxonomy)


def test_an_empty_result_offers_ways_out(reader, collection):
    reader.open("?q=method:rome year:1999")
    count = len(collection.search("method:rome"))
    empty = reader.page.locator(".explorer-empty")
    assert f"{count} papers" in empty.inner_text()
    empty.get_by_role("button", name="Drop Year: 1999").click()
    reader.settle()
    assert reader.query() == "method:rome"
    assert empty.is_hidden()


def test_more_results_on_demand(reader, collection):
    reader.open()
    for _ in range(12):
        reader.page.mouse.wheel(0, 20_000)
        reader.settle()
    assert len(reader.shown()) >= 200
    while reader.page.locator(".explorer-more").is_visible():
        reader.page.locator(".explorer-more").click()
        reader.settle()
    assert reader.shown() == list(collection)


def test_text_is_never_markup(reader):
    reader.open("?q=onerror")
    expect(reader.page.locator(".explorer-title")).to_have_text(_HOSTILE)
    expect(reader.page.locator(".explorer-summary")).to_have_text("<i>Not</i> italic.")
    assert reader.page.locator(".explorer-row :is(img, b, i)").count() == 0
    assert (
        reader.page.get_by_role("link", name="code").get_attribute("href")
        == "https://example.org/?a=1&b=2"
    )
    reader.type('"<img src=x onerror=alert(1)>" method:<b>x</b>')
    reader.page.locator(".explorer-place").wait_for()
    assert reader.page.locator("#explorer-root :is(img, b)").count() == 0


def test_a_failed_index_can_be_loaded_again(reader):
    reader.page.route("**/data/index.json", lambda route: route.abort())
    reader.page.goto(reader.site)
    reader.page.get_by_text("could not be loaded").wait_for()
    assert reader.page.get_by_role("link", name="2024", exact=True).is_visible()
    reader.page.unroute("**/data/index.json")
    reader.page.get_by_role("button", name="Try again").click()
    reader.page.wait_for_selector("#explorer-root[data-details=ready]")
    assert reader.count() == "450 papers"


def test_without_details_the_rest_works(reader, collection):
    reader.page.route("**/data/details.json", lambda route: route.abort())
    reader.page.goto(reader.site + "?q=method:rome")
    reader.page.get_by_text("Summaries, ids and links could not be loaded").wait_for()
    assert reader.shown()
    reader.page.unroute("**/data/details.json")
    reader.page.get_by_role("button", name="Try again").click()
    reader.page.wait_for_selector("#explorer-root[data-details=ready]")
    assert reader.page.locator(".explorer-later").is_hidden()


def test_an_id_is_found_as_soon_as_details_are_there(reader, collection):
    paper = next(p for p in collection.values() if p.ids.arxiv)
    reader.open(f"?q=id:https://arxiv.org/abs/{paper.ids.arxiv}v2")
    assert paper.key in reader.shown()


def test_filters_hide_behind_a_button_on_a_phone(reader):
    reader.open("?q=method:rome year:2024 editing")
    filters = reader.page.locator(".explorer-filters-button")
    narrow = reader.page.viewport_size["width"] < 600
    assert filters.is_visible() == narrow
    assert reader.page.locator(".explorer-facets").is_visible() != narrow
    if narrow:
        assert filters.inner_text() == "Filters (2)"


@pytest.mark.parametrize(
    "query", ["", "?q=method:rome,memit -venue:arxiv ripple", "?q=zzzz year:1999"]
)
def test_nothing_overflows_and_ids_are_unique(reader, query):
    reader.open(query)
    if reader.page.locator(".explorer-filters-button").is_visible():
        reader.page.locator(".explorer-filters-button").click()
    width, seen = reader.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= seen
    ids = reader.page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["default", "slate"])
@pytest.mark.parametrize("state", ["list", "mistake", "empty", "suggestions", "help"])
def test_axe_finds_nothing_serious(browser, site, width, scheme, state):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = browser.new_page(viewport={"width": width, "height": 900})
    reader = Reader(page, site)
    reader.open(
        {"empty": "?q=zzzz year:1999", "mistake": "?q=methd:rome"}.get(
            state, "?q=-venue:arxiv rome"
        )
    )
    page.evaluate(f"document.body.setAttribute('data-md-color-scheme', '{scheme}')")
    if page.locator(".explorer-filters-button").is_visible():
        page.locator(".explorer-filters-button").click()
    for facet in ("Venue", "Has"):
        reader.facet(facet)
    if state == "suggestions":
        reader.box.fill("met")
        reader.suggestions.first.wait_for()
        page.keyboard.press("ArrowDown")
    if state == "help":
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Help").click()
    found = axe.Axe().run(page).response["violations"]
    page.close()
    serious = [
        (problem["id"], [node["html"][:120] for node in problem["nodes"]][:3])
        for problem in found
        if problem["impact"] in ("serious", "critical")
    ]
    assert serious == []
