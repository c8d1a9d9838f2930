"""Every page is there, at its address, and no link leads astray."""

from __future__ import annotations

import json
import pickle
import re
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from survey.collection import Collection
from survey.collection.text import ascii_slug
from survey.site import links
from survey.site.pages import BASES, ID_ADDRESSES, STANCES
from tests.site.built import once
from tests.site.walk import Seen, see_all, target

PAPER = re.compile(r"papers/([a-z]+[0-9]{4}[a-z0-9]+)/index\.html")


@pytest.fixture(scope="session")
def seen(site, tmp_path_factory) -> dict[str, Seen]:
    """What stands on each page of the site."""
    kept = once(tmp_path_factory, "seen", lambda file: file.write_bytes(pickle.dumps(see_all(site))))
    return pickle.loads(kept.read_bytes())


@pytest.fixture(scope="session")
def url(seen) -> str:
    return seen["index.html"].canonical


@pytest.fixture(scope="session")
def led(seen, url) -> dict[str, list[tuple[str, str, str]]]:
    """Where the links of each page lead, those that leave the site left out."""
    return {page: [t for a in one.links if (t := target(page, a, url))] for page, one in seen.items()}


def expected(collection: Collection) -> dict[str, str]:
    """Address and heading of every page that we make."""
    pages = {f"papers/{p.key}/": p.title for p in collection.values()}
    for section, folder in links.FOLDERS.items():
        pages |= {f"{folder}/{term.id}/": term.name for term in getattr(collection.taxonomy, section).values()}
    pages |= {f"years/{p.year}/": f"Papers of {p.year}" for p in collection.values()}
    pages |= {f"authors/{ascii_slug(n.printed)}/": "" for p in collection.values() for n in p.names}
    return pages


def linked_papers(places: list[tuple[str, str, str]]) -> list[str]:
    return [m[1] for file, _, _ in places if (m := PAPER.fullmatch(file))]


def queries(places: list[tuple[str, str, str]]) -> list[str]:
    return [parse_qs(query)["q"][0] for file, query, _ in places if file == "papers/index.html" and query]


def test_every_paper_term_year_and_author_has_its_page(seen, collection):
    pages = expected(collection)
    assert len(pages) > 2000
    wrong = [a for a, h1 in pages.items() if f"{a}index.html" not in seen or (h1 and seen[f"{a}index.html"].h1 != [h1])]
    assert wrong == []


@pytest.mark.parametrize("address", [
    "papers/meng2022locating/", "papers/hsueh2024editing/", "methods/rome/", "strategies/locate-and-edit/",
    "pitfalls/locality/", "pitfalls/general-abilities.collapse/", "benchmarks/counterfact/", "metrics/locality/",
    "venues/neurips/", "years/2022/", "authors/kevin-meng/", "authors/jorg-schlotterer/",
])  # fmt: skip
def test_addresses_stay(seen, address):
    assert f"{address}index.html" in seen


def test_no_page_is_left_over(seen, collection):
    docs = Path(__file__).parents[2] / "docs"
    written = {p.relative_to(docs).with_suffix(".html").as_posix() for p in docs.rglob("*.md")}
    written = {w if w.endswith("index.html") else w.replace(".html", "/index.html") for w in written}
    moved = {f"papers/{key}/index.html" for p in collection.values() for key in p.former_keys}
    assert set(seen) == written | moved | {"404.html"} | {f"{a}index.html" for a in expected(collection)}


def test_each_page_has_one_heading_a_title_and_its_own_address(seen, url):
    for page, one in seen.items():
        assert len(one.h1) == 1 and one.h1[0].strip(), page
        assert one.title.strip() and one.metas["description"][0].strip(), page
        if page != "404.html":
            assert one.canonical == url + page.removesuffix("index.html"), page
    titles = Counter(one.title for page, one in seen.items() if page.startswith(("papers/", "authors/")))
    assert [t for t, n in titles.items() if n > 1] == []


def test_no_dead_link_and_no_dead_resource(seen, site, url):
    files = {p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file()}
    dead = {
        (page, address)
        for page, one in seen.items() for address in one.links + one.fetched
        if (t := target(page, address, url)) and t[0] not in files
    }  # fmt: skip
    assert dead == set()


def test_no_dead_anchor(seen, led):
    dead = [(page, file, anchor) for page, places in led.items() for file, _, anchor in places
            if anchor and file in seen and anchor not in seen[file].ids]  # fmt: skip
    assert dead == []


def test_no_id_twice_and_none_referred_to_in_vain(seen):
    for page, one in seen.items():
        assert [i for i, n in Counter(one.ids).items() if n > 1] == [], page
        assert set(one.referred) <= set(one.ids), page


def test_nothing_is_fetched_from_elsewhere(seen, site, url):
    assert [(page, a) for page, one in seen.items() for a in one.fetched if not target(page, a, url)] == []
    for sheet in site.rglob("*.css"):
        assert re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)"']*""", sheet.read_text("utf-8")) == [], sheet
    for script in (site / "assets" / "survey").glob("*.mjs"):
        assert not re.search(r"""(?:fetch|import)\b[^;\n]*["'`](?:https?:)?//""", script.read_text("utf-8")), script


def test_no_markup_is_left_unread(seen):
    left = re.compile(r"\[@|\[\[|\]\]|\$\$|\\\(|\{\{|\}\}|\{%|\0|arithmatex|\bNone\b")
    found = [(page, m[0], one.text[max(0, m.start() - 40) : m.end() + 40]) for page, one in seen.items() if (m := left.search(one.text))]
    # Pages of methods show settings of Python, where None is a value.
    assert [f for f in found if f[1] != "None" or not f[0].startswith("methods/")] == []


def test_no_placeholder_is_left_empty(site):
    assert [p for p in site.rglob("*.html") if "data-survey=" in p.read_text("utf-8")] == []


def test_every_page_is_reached_from_the_first(seen, led, collection):
    reached, ahead = set(), ["index.html"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page in seen:
            reached.add(page)
            ahead += [file for file, _, _ in led[page]]
    moved = {f"papers/{key}/index.html" for p in collection.values() for key in p.former_keys}
    assert set(seen) - reached == {"404.html"} | moved


def test_queries_in_links_are_good_and_find_something(led, collection):
    asked = {q for places in led.values() for q in queries(places)}
    assert len(asked) > 1000
    # The map of pitfalls by strategies shows where there is nothing yet, too.
    assert [q for q in sorted(asked) if not collection.search(q) and not re.fullmatch(r"(family:\S+ )?pitfall:\S+", q)] == []


def test_a_list_shows_the_papers_that_its_button_finds(led, collection):
    for page, places in led.items():
        if not page.startswith(("authors/", "years/", *links.FOLDERS.values())) or page.count("/") != 2:
            continue
        listed = set(linked_papers(places))
        for query in queries(places):
            found = {p.key for p in collection.search(query)}
            if page.startswith("years/"):
                assert found == listed, page
            elif page.startswith("authors/"):
                # Names are searched from their beginnings: Li finds Liu as well.
                assert listed <= found, page
            else:
                # Founding papers are listed even where they do not have the tag.
                assert found <= listed, page


def test_a_paper_page_tells_what_the_entry_says(seen, led, collection):
    for paper in collection.values():
        page = f"papers/{paper.key}/index.html"
        one, files = seen[page], {file for file, _, _ in led[page]}
        assert all(ID_ADDRESSES[scheme].format(value) in one.links for scheme, value in paper.ids.items())
        assert all(address in one.links for _, address in paper.links.items())
        named = [f"authors/{ascii_slug(n.printed)}/" for n in paper.names]
        named += [f"venues/{paper.venue}/", f"years/{paper.year}/", *(f"pitfalls/{t.id}/" for t in paper.pitfalls)]
        for part in (paper.proposes, paper.studies):
            named += [f"methods/{m}/" for m in part.methods] + [f"benchmarks/{b}/" for b in part.benchmarks]
        assert {f"{a}index.html" for a in named} <= files, page
        assert (paper.summary or "No abstract was read") in one.text
        for tag in paper.pitfalls:
            assert STANCES[tag.stance] in one.text and BASES[tag.basis] in one.text
        if paper.unconfirmed:
            assert "Not confirmed:" in one.text, page


def test_relations_are_told_on_both_sides(led, collection):
    pairs = [(p.key, r.key) for p in collection.values() for r in p.related]
    assert pairs
    for one, other in pairs:
        assert f"papers/{other}/index.html" in {f for f, _, _ in led[f"papers/{one}/index.html"]}
        assert f"papers/{one}/index.html" in {f for f, _, _ in led[f"papers/{other}/index.html"]}


def test_reference_managers_find_the_metadata(seen, collection):
    for paper in collection.values():
        one = seen[f"papers/{paper.key}/index.html"]
        assert one.metas["citation_title"] == [paper.title]
        assert one.metas["citation_author"] == [n.printed for n in paper.names]
        data = json.loads(one.json_ld[0])
        assert data["headline"] == paper.title and data["@type"] == "ScholarlyArticle"
        assert [a["name"] for a in data["author"]] == [n.printed for n in paper.names]
