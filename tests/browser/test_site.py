"""The real site in a real Chromium: wide and narrow, light and dark, with and without JavaScript."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from survey.files.load import PACKAGE
from survey.formats import FORMATS
from tests.browser.test_explorer import Reader
from tests.formats.test_tex import complaints, needs, run
from tests.site import hostile
from tests.site.built import hostile_site, real_site

pytestmark = pytest.mark.browser

PAGES = [
    "", "papers/", "papers/meng2022locating/", "methods/rome/", "pitfalls/locality.neighbourhood/",
    "benchmarks/counterfact/", "metrics/", "metrics/locality/", "survey/problem/", "survey/figures/",
    "contributing/checks/", "contributing/tagging/", "laboratory/pitfalls/", "laboratory/numbers/", "about/",
]  # fmt: skip
VIEWS = [(1280, "light"), (390, "dark")]
ALL_VIEWS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
READY = "#explorer-root[data-details=ready][data-drawn]"


@pytest.fixture(scope="session")
def home(serve, tmp_path_factory) -> str:
    """The address of the real site."""
    return serve(real_site(tmp_path_factory))


@pytest.fixture
def visit(browser):
    """`visit(home, width, scheme)` returns a page; what goes wrong on any of them fails the test."""
    contexts, wrong = [], []

    def start(home: str, width: int = 1280, scheme: str = "light", **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(f"{page.url}: {m.text}"))
        page.on("response", lambda a: a.status >= 400 and wrong.append(f"{a.status} {a.url}"))
        page.on("request", lambda r: r.url.startswith((home, "data:", "blob:")) or wrong.append(f"elsewhere: {r.url}"))
        # A request that leaving the page has cut off is no failure.
        page.on("requestfailed", lambda r: r.failure == "net::ERR_ABORTED" or wrong.append(f"{r.failure} {r.url}"))
        return page

    yield start
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(params=VIEWS, ids=["wide-light", "narrow-dark"])
def page(request, visit, home):
    return visit(home, *request.param, accept_downloads=True)


def overflow(page) -> list[str]:
    """What sticks out to the right, where the page can be scrolled sideways."""
    return page.evaluate("""() => document.documentElement.scrollWidth <= innerWidth ? [] :
        [...document.querySelectorAll("article *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
          .map((e) => e.outerHTML.slice(0, 80)).concat("the page")""")


def opened(page, address: str):
    page.goto(address)
    if page.locator("#explorer-root").count() and page.evaluate("document.documentElement.classList.contains('js')"):
        page.wait_for_selector(READY)
    return page


def search_theme(page, words: str) -> None:
    """Type into the search box of the theme, which a phone shows on demand."""
    box = page.locator(".md-search__input")
    if page.viewport_size["width"] < 600:
        page.locator(".md-header label[for=__search]").first.click()
    box.click()
    box.press_sequentially(words)


@pytest.mark.parametrize(("width", "scheme"), ALL_VIEWS)
@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_nothing_serious(visit, home, address, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(visit(home, width, scheme), home + address)
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)")
    assert (max(shade) < 80) if scheme == "dark" else (min(shade) > 200), "the reader's colour scheme is followed"
    assert overflow(page) == []
    found = [
        (problem["id"], [node["html"][:120] for node in problem["nodes"]][:3])
        for problem in axe.Axe().run(page).response["violations"]
        if problem["impact"] in ("serious", "critical")
    ]
    assert found == []


def test_nothing_sticks_out_on_a_phone(visit, home, collection):
    def longest(text: str) -> int:
        return max(map(len, re.split(r"[\s-]+", text)))

    docs = [p.relative_to(PACKAGE.parent / "docs").with_suffix("").as_posix() for p in (PACKAGE.parent / "docs").rglob("*.md")]
    addresses = [f"{d}/".replace("index/", "") for d in docs]
    wide = sorted(collection.values(), key=lambda p: longest(f"{p.title} {p.summary or ''} {' '.join(p.sources)}"))
    addresses += [f"papers/{p.key}/" for p in wide[-4:]]
    addresses += [f"papers/{max(collection.values(), key=lambda p: len(p.pitfalls)).key}/"]
    for section, folder in {"methods": "methods", "pitfalls": "pitfalls", "benchmarks": "benchmarks", "metrics": "metrics"}.items():
        terms = getattr(collection.taxonomy, section).values()
        addresses.append(f"{folder}/{max(terms, key=lambda t: longest(t.name)).id}/")
    page = visit(home, 390)
    assert {a: sticks for a in addresses if (sticks := overflow(opened(page, home + a)))} == {}


# Journeys


def test_from_the_first_page_to_a_paper_by_an_unaccented_name(page, home, collection):
    expected = [p.key for p in collection.search("author:schlotterer")]
    assert expected
    page.goto(home)
    page.get_by_role("link", name="Browse the papers").click()
    page.wait_for_selector(READY)
    reader = Reader(page, f"{home}papers/")
    reader.type("schlotterer")
    assert reader.shown() == expected
    page.locator(".explorer-title a").first.click()
    page.wait_for_url(f"{home}papers/{expected[0]}/")
    assert page.get_by_role("heading", level=1).inner_text() == collection[expected[0]].title
    page.get_by_role("link", name="Jörg Schlötterer").click()
    page.wait_for_url(f"{home}authors/jorg-schlotterer/")
    assert page.locator(".paper-row").count() == len(expected)


def test_filters_an_address_to_share_and_the_way_back(page, home, collection, visit):
    reader = Reader(page, f"{home}papers/").open()
    reader.facet("Strategy").get_by_role("checkbox", name="Locate and edit").check()
    reader.settle()
    reader.facet("Pitfall").get_by_role("checkbox", name="Locality", exact=False).first.check()
    reader.settle()
    assert reader.query() == "family:locate-and-edit pitfall:locality"
    expected = [p.key for p in collection.search(reader.query())]
    assert 0 < len(expected) < len(collection)
    assert reader.count() == f"{len(expected)} of {len(collection)} papers"
    assert reader.shown() == expected[: len(reader.shown())]
    other = Reader(visit(home), page.url).open()
    assert (other.query(), other.count(), other.shown()[:20]) == (reader.query(), reader.count(), expected[:20])
    page.go_back()
    reader.settle()
    assert reader.query() == "family:locate-and-edit"
    page.go_back()
    reader.settle()
    assert (reader.query(), reader.count()) == ("", f"{len(collection)} papers")


@pytest.mark.tex
def test_a_selection_is_downloaded_and_compiles(page, home, collection, tmp_path, taxonomy):
    needs("pdflatex", "bibtex")
    reader = Reader(page, f"{home}papers/").open("?q=pitfall:locality&sort=oldest")
    picked = []
    for number in (0, 2, 3, 7):
        page.locator(".explorer-pick").nth(number).check()
        picked.append(collection[reader.shown()[number]])
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    bib = Path(download.value.path()).read_text("utf-8")
    entries = [FORMATS["bibtex"].entry(p, taxonomy) for p in picked]
    assert all(one in bib for one in entries) and bib.count("@") == sum(one.count("@") for one in entries)
    (tmp_path / "all.bib").write_text(bib, "utf-8")
    cited = ",".join(p.key for p in picked)
    (tmp_path / "a.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern,url}\sloppy\begin{document}"
        rf"\cite{{{cited}}}\bibliographystyle{{plain}}\bibliography{{all}}\end{{document}}"
    )
    tex = ("pdflatex", "-interaction=nonstopmode", "-no-shell-escape", "a.tex")
    run(tmp_path, *tex)
    told = run(tmp_path, "bibtex", "a")
    run(tmp_path, *tex)
    run(tmp_path, *tex)
    assert not re.search("warning|error|I couldn't|repeated", told, re.I), told
    log = (tmp_path / "a.log").read_text("utf-8", "replace")
    assert "Output written on a.pdf" in log and complaints(log) == []


def test_only_the_keyboard(page, home, collection):
    reader = Reader(page, f"{home}papers/").open()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "explorer-query"
    page.keyboard.type("method:rome year:2022 ")
    reader.settle()
    expected = [p.key for p in collection.search("method:rome year:2022")]
    assert reader.shown() == expected
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{home}papers/{expected[0]}/")


def test_the_first_tab_leads_past_the_navigation(page, home):
    opened(page, f"{home}papers/meng2022locating/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to content"
    page.keyboard.press("Enter")
    page.wait_for_url("**/#content")


@pytest.mark.parametrize("query", ["?q=pitfall:locality", "?q=rome&sort=title"])
def test_the_theme_does_not_take_the_query(page, home, query):
    opened(page, f"{home}papers/{query}")
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query) == parse_qs(query[1:]))
    assert not page.locator("#__search").is_checked()
    assert page.locator(".md-search__input").input_value() == ""
    assert page.get_by_role("combobox", name="Search the papers").input_value() == parse_qs(query[1:])["q"][0]
    page.keyboard.press("/")
    assert not page.locator("#__search").is_checked()


def test_the_search_of_the_theme_finds_a_method(page, home):
    opened(page, f"{home}about/")
    search_theme(page, "rome")
    # Terms stand before the many papers that name them.
    found = page.locator(".md-search-result__link")
    found.first.wait_for()
    at = [urlsplit(href).path for href in found.evaluate_all("(links) => links.map((a) => a.href)")].index("/methods/rome/")
    assert at < 3
    found.nth(at).click()
    page.wait_for_url(f"{home}methods/rome/**")
    assert page.get_by_role("heading", level=1).inner_text() == "ROME"


def test_without_javascript_every_paper_is_reached_and_readable(visit, home, collection):
    page = visit(home, 390, java_script_enabled=False)

    def visible() -> set[str]:
        return set(page.locator("article a[href]:visible").evaluate_all("(links) => links.map((a) => a.href)"))

    page.goto(home)
    page.get_by_role("link", name="Browse the papers").click()
    page.wait_for_url(f"{home}papers/")
    years = {a for a in visible() if "/years/" in a}
    assert len(years) == len({p.year for p in collection.values()})
    found = set()
    for year in sorted(years):
        page.goto(year)
        found |= visible()
    assert {f"{home}papers/{key}/" for key in collection} <= found
    page.goto(f"{home}papers/meng2022locating/")
    paper = collection["meng2022locating"]
    for text in (paper.title, "Kevin Meng", paper.summary, "@inproceedings{meng2022locating,"):
        assert page.get_by_text(text).first.is_visible()
    page.goto(home)
    assert page.locator(".survey-matrix td a").first.is_visible()


def test_numbers_of_the_map_lead_to_as_many_papers(page, home, collection):
    page.goto(home)
    cells = page.locator(".survey-matrix td a").evaluate_all("(all) => all.map((a) => [a.href, a.textContent.trim()])")
    asked = {parse_qs(urlsplit(href).query)["q"][0]: int(number.replace(",", "")) for href, number in cells}
    assert len(asked) == len(cells) > 50
    assert asked == {query: len(collection.search(query)) for query in asked}
    for query in ("family:locate-and-edit pitfall:general-abilities", "family:meta-learning pitfall:robustness"):
        page.goto(home)
        page.locator(f".survey-matrix td a[href$='?q={query.replace(' ', '+')}']").click()
        page.wait_for_selector(READY)
        explorer = Reader(page, page.url)
        assert explorer.query() == query and len(explorer.shown()) == min(asked[query], 50)
        assert page.locator(".explorer-empty").is_visible() == (asked[query] == 0)


def test_the_map_opens_its_finer_points(page, home):
    page.goto(home)
    child = page.locator(".survey-matrix .survey-child").first
    assert child.is_hidden()
    page.locator(".survey-matrix tbody input").first.check()
    assert child.is_visible()


def test_a_citation_is_copied(page, home, collection, taxonomy):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, f"{home}papers/meng2022locating/")
    page.get_by_role("button", name="Copy BibTeX", exact=True).click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == FORMATS["bibtex"].entry(collection["meng2022locating"], taxonomy)
    page.get_by_text("RIS", exact=True).click()
    page.get_by_role("button", name="Copy RIS").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('TY  -'))")


def test_where_copying_is_forbidden_the_text_is_selected(page, home):
    opened(page, f"{home}papers/meng2022locating/")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error('no')); }")
    page.get_by_role("button", name="Copy BibTeX", exact=True).click()
    page.get_by_text("Press Ctrl-C").wait_for()
    assert page.evaluate("getSelection().toString()").startswith("@inproceedings{meng2022locating,")


def test_print_shows_the_paper_and_no_navigation(page, home):
    opened(page, f"{home}papers/meng2022locating/")
    page.emulate_media(media="print")
    for part in (".md-header", ".md-tabs", ".md-sidebar", ".md-footer", ".paper-links"):
        assert page.locator(f"{part}:visible").count() == 0, part
    assert page.get_by_role("heading", level=1).is_visible() and page.locator(".stances").is_visible()


def test_the_palette_is_switched_and_remembered(visit, home):
    page = opened(visit(home), home)
    body = page.locator("body")
    for _ in range(2):
        page.locator("label[for^=__palette]:visible").click()
    assert body.get_attribute("data-md-color-scheme") == "slate"
    page.goto(f"{home}papers/meng2022locating/")
    assert body.get_attribute("data-md-color-scheme") == "slate"


def test_a_hostile_entry_runs_nothing(page, serve, tmp_path_factory, visit):
    bad = serve(hostile_site(tmp_path_factory))
    page = visit(bad, page.viewport_size["width"])
    for address in ("", "papers/?q=eve", f"papers/{hostile.KEY}/", "authors/", "years/2023/", "pitfalls/locality/", f"papers/{hostile.PLAIN}/"):
        opened(page, bad + address)
        page.mouse.move(300, 300)
        assert page.locator("img[src=x]").count() == 0
        assert page.evaluate("window.hit") is None, address
    opened(page, f"{bad}papers/?q=eve")
    assert page.locator(".explorer-title").inner_text() == " ".join(hostile.TITLE.split())
    search_theme(page, "eve")
    page.locator(f".md-search-result__link[href*='{hostile.KEY}']").first.wait_for()
    assert page.evaluate("window.hit") is None
