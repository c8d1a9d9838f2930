"""Journeys through the submission page, with a local server in the services' place."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import expect

from survey.checks.run import check, check_text
from survey.collection.paper import paper_from
from survey.files.load import PACKAGE
from survey.files.reader import read_yaml
from survey.site.rules import ELSEWHERE
from survey.site.submit import SERVICES
from tests.browser import services as stand_in
from tests.browser.services import Answer, crossref, datacite, openreview
from tests.browser.test_site import ALL_VIEWS, overflow
from tests.site.built import real_site

pytestmark = pytest.mark.browser

ROOT = PACKAGE.parent
ARXIV = "2601.00001"
DATACITE = f"/dois/10.48550/arXiv.{ARXIV}"
TITLE = "NightEdit: Editing Memories of Language Models at Night"
AUTHORS = (("Ann", "Bau"), ("Cy", "Dee"))
ABSTRACT = (
    "We propose NightEdit, a method that locates and edits facts. It preserves unrelated knowledge and generalizes to "
    "paraphrases. Experiments on CounterFact show that it outperforms MEMIT. Code: https://github.com/bau/nightedit."
)
HOSTILE = "<img src=x onerror=window.hit=1> & </script><script>window.hit=1</script> “of” Editing"


@pytest.fixture(scope="module")
def services():
    found, server = stand_in.start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def home(serve, services, tmp_path_factory) -> str:
    """The real site, whose submission page asks the stand-in and hands in to nowhere."""
    folder = tmp_path_factory.mktemp("submit")
    for item in real_site(tmp_path_factory).iterdir():
        if item.name != "contributing":
            (folder / item.name).symlink_to(item)
    shutil.copytree(real_site(tmp_path_factory) / "contributing", folder / "contributing")
    address = serve(folder)
    page = folder / "contributing" / "submit" / "index.html"
    html = page.read_text("utf-8")
    for name, service in SERVICES.items():
        assert f'data-{name}="{service}"' in html
        html = html.replace(f'data-{name}="{service}"', f'data-{name}="{services.address}"')
    html = re.sub(r'data-source="[^"]*"', f'data-source="{address}repo" data-patience="1500"', html)
    page.write_text(html, "utf-8")
    return address


class Submitter:
    """A person at the submission page."""

    def __init__(self, page, home: str) -> None:
        self.page, self.home = page, home

    def open(self, query: str = ""):
        self.page.goto(f"{self.home}contributing/submit/{query}")
        self.page.wait_for_selector("#submit-root[data-state=ready]")
        return self

    def look_up(self, text: str):
        self.page.get_by_label("arXiv id, DOI").fill(text)
        self.page.get_by_role("button", name="Look it up").click()

    @property
    def status(self):
        return self.page.locator("#submit-status")

    def field(self, name: str):
        return self.page.locator(f'#submit-form [name="{name}"]')

    def fill(self, **fields) -> None:
        for name, value in fields.items():
            self.field(name.replace("__", ".")).fill(value)

    def fill_well(self) -> None:
        """The least that the check asks for."""
        self.fill(title="Editing Memories at Night", authors="Ann Bau\nCy Dee", year="2026", venue="arxiv", ids__arxiv=ARXIV, sources="arXiv")
        self.page.locator("[name=kinds][value=method]").check()

    def text(self) -> str:
        lines = self.page.locator(".submit-yaml li").all_inner_texts()
        return "".join(f"{line.strip() if line.strip() == '' else line.rstrip()}\n" for line in lines)

    def codes(self) -> list[str]:
        self.page.wait_for_timeout(300)  # Entries are compared when typing rests.
        return self.page.locator(".submit-problems li > a").all_inner_texts()

    @property
    def handing_in(self):
        return self.page.locator(".submit-actions a.submit-main")

    def address(self) -> tuple[str, dict[str, str]]:
        """Where the entry would be handed in: the path, and what the address carries."""
        parts = urlsplit(self.handing_in.get_attribute("href"))
        return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


@pytest.fixture
def visit(browser, home, services):
    """`visit(width, scheme)` returns a person; errors, and requests to anywhere else, fail the test."""
    contexts, wrong = [], []
    services.answers.clear()
    services.asked.clear()

    def start(width: int = 1280, scheme: str = "light", **options) -> Submitter:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        ours = (home, services.address, "data:", "blob:")
        page.on("pageerror", lambda error: wrong.append(f"{error}"))
        page.on("request", lambda r: r.url.startswith(ours) or wrong.append(f"elsewhere: {r.url}"))
        page.on("console", lambda m: m.type == "error" and not m.text.startswith("Failed to load resource") and "blocked by CORS" not in m.text and wrong.append(m.text))
        return Submitter(page, home)

    yield start
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def person(visit) -> Submitter:
    return visit()


# A paper is looked up


def test_from_an_id_to_github(person, services, taxonomy):
    services.answers[DATACITE] = datacite(ARXIV, TITLE, *AUTHORS, abstract=ABSTRACT)
    person.open().look_up(f"https://arxiv.org/abs/{ARXIV}v2")
    expect(person.status).to_contain_text(f"Found at DataCite: “{TITLE}”")
    assert services.asked == [DATACITE]
    assert person.field("authors").input_value() == "Ann Bau\nCy Dee"
    assert person.field("links.code").input_value() == "https://github.com/bau/nightedit"
    assert person.field("acronym").input_value() == "NightEdit"
    # Suggested tags are marked, with the words that led to them, until a person has confirmed them.
    suggested = person.page.locator(".submit-suggested")
    expect(suggested).to_contain_text("MEMIT")
    expect(suggested).to_contain_text("unrelated knowledge")
    assert "unconfirmed: [tags]" in person.text()
    assert '- {id: locality, stance: mitigates, basis: abstract}  # "unrelated knowledge"' in person.text()
    assert person.codes() == ["A356"]
    suggested.get_by_role("checkbox").check()
    assert person.codes() == []
    expect(person.page.locator(".submit-count")).to_have_text("No problems found.")
    path, carried = person.address()
    assert path == "/repo/new/main"
    assert carried["filename"] == "papers/2026/bau2026nightedit.yaml"
    assert carried["value"] == person.text()
    assert "#" not in carried["value"] and ABSTRACT[:40] not in carried["value"], "an abstract is never stored"
    entry, findings = check_text(carried["filename"], carried["value"], taxonomy)
    assert findings == []
    assert entry.paper.studies.methods == ("memit",) and entry.paper.annotated.basis == "abstract"


def test_a_preprint_is_followed_to_its_publication(person, services, taxonomy):
    doi = "10.18653/v1/2026.acl-long.7"
    services.answers[DATACITE] = datacite(ARXIV, "Editing Memories", *AUTHORS, published=doi)
    place = "Proceedings of the 64th Annual Meeting of the Association for Computational Linguistics (Volume 1: Long Papers)"
    services.answers[f"/works/{doi}"] = crossref(doi, TITLE, *AUTHORS, place=place, page="10–22")
    person.open(f"?id={ARXIV}")
    expect(person.status).to_contain_text("Found at DataCite and Crossref")
    assert services.asked == [DATACITE, f"/works/{doi}"]
    record, _ = read_yaml(person.text())
    assert record["venue"] == "acl" and record["year"] == 2026 and record["pages"] == "10-22"
    assert record["ids"] == {"arxiv": ARXIV, "doi": doi, "anthology": "2026.acl-long.7"}
    assert record["former_titles"] == ["Editing Memories"]
    paper_from({k: v for k, v in record.items()}, "bau2026nightedit")


def test_a_publication_of_other_people_is_not_followed(person, services):
    services.answers[DATACITE] = datacite(ARXIV, TITLE, *AUTHORS, published="10.1000/other")
    services.answers["/works/10.1000/other"] = crossref("10.1000/other", "On Fish", ("Eve", "Fox"))
    person.open(f"?id={ARXIV}")
    expect(person.status).to_contain_text("“On Fish” by Eve Fox: not followed")
    assert person.field("title").input_value() == TITLE and person.field("venue").input_value() == "arxiv"


def test_the_anthology_is_asked_at_crossref_and_dois_at_both(person, services):
    services.answers["/works/10.18653/v1/2026.findings-acl.7"] = crossref("10.18653/v1/2026.findings-acl.7", TITLE, *AUTHORS, place="Findings")
    person.open().look_up("https://aclanthology.org/2026.findings-acl.7/")
    expect(person.field("venue")).to_have_value("findings-acl")
    person.look_up("https://doi.org/10.1000/ABC")
    expect(person.status).to_contain_text("Neither Crossref nor DataCite has the DOI 10.1000/abc.")
    assert services.asked == ["/works/10.18653/v1/2026.findings-acl.7", "/works/10.1000/abc", "/dois/10.1000/abc"]


@pytest.mark.parametrize("wrapped", [True, False])
def test_openreview_tells_what_became_of_a_submission(person, services, wrapped):
    said = {"title": TITLE, "authors": ["Ann Bau", "Cy Dee"], "venue": "ICLR 2026 poster", "venueid": "ICLR.cc/2026/Conference", "abstract": ABSTRACT}
    services.answers["/notes?id=aBcD3fGh1j"] = openreview("aBcD3fGh1j", wrapped, **said)
    person.open().look_up("https://openreview.net/forum?id=aBcD3fGh1j")
    expect(person.field("venue")).to_have_value("iclr")
    services.answers["/notes?id=zzzD3fGh1j"] = openreview("zzzD3fGh1j", wrapped, **{**said, "venue": "Submitted to ICLR 2026", "venueid": "ICLR.cc/2026/Conference/Rejected_Submission"})
    person.look_up("zzzD3fGh1j")
    expect(person.status).to_contain_text("it was not accepted there, so it is entered as a preprint")
    expect(person.field("venue")).to_have_value("arxiv")


def test_a_paper_that_is_here_is_told_before_any_request(person, services):
    person.open().look_up("https://arxiv.org/pdf/2202.05262v3.pdf")
    expect(person.status).to_contain_text("This paper is here already: Locating and Editing Factual Associations in GPT")
    assert services.asked == []
    person.status.get_by_role("link", name="Correct its entry").click()
    expect(person.page.get_by_role("heading", level=1)).to_contain_text("Correct an entry")
    assert person.page.title().startswith("Correct an entry - ")
    expect(person.field("title")).to_have_value("Locating and Editing Factual Associations in GPT")


FAILURES = {
    "missing": (Answer({}, 404), "DataCite does not have arXiv 2601.00001."),
    "too often": (Answer("slow down", 429), "DataCite is asked too often right now. Try again in a minute."),
    "out of order": (Answer("<h1>Bad gateway</h1>", 502), "DataCite is out of order (it answers 502)."),
    "refused": (Answer("", 403), "DataCite refuses to answer this page (403)."),
    "no JSON": (Answer("<!doctype html><title>Maintenance</title>"), "with something else than a record, perhaps a notice of maintenance."),
    "another form": (Answer({"data": {"attributes": {"titles": "x"}}}), "in a form that this page does not know: title, creators or doi is missing."),
    "no object": (Answer([1, 2]), "in a form that this page does not know: data.attributes is missing."),
    "another paper": (datacite("2601.99999", TITLE, *AUTHORS), "answers with another paper (10.48550/arxiv.2601.99999)"),
    "other origins refused": (Answer({}, cors=False), "DataCite cannot be reached: the network may be down, or it answers no other site's pages."),
    "too slow": (Answer({}, seconds=3), "DataCite has not answered for 1.5 seconds."),
    "too much": (Answer("x" * 2_000_001), "DataCite answers with more than a record."),
}  # fmt: skip


@pytest.mark.parametrize("what", FAILURES)
def test_each_failure_has_its_message_and_nothing_typed_is_lost(person, services, what):
    services.answers[DATACITE], message = FAILURES[what]
    person.open()
    person.fill(title="What I typed", note="A note")
    person.look_up(ARXIV)
    expect(person.status).to_contain_text(message)
    expect(person.status).to_contain_text(f"survey add {ARXIV}")
    assert person.field("title").input_value() == "What I typed" and person.field("note").input_value() == "A note"
    assert person.page.get_by_role("button", name="Look it up").is_enabled()


def test_an_id_that_begins_with_a_minus_is_no_option(person):
    person.open().look_up("https://openreview.net/forum?id=-aBcD3fGh1")
    expect(person.status).to_contain_text("OpenReview does not have -aBcD3fGh1.")
    expect(person.status.locator("code")).to_have_text("survey add -- -aBcD3fGh1")


def test_offline_is_told(person, services):
    person.open()
    person.page.context.set_offline(True)
    person.look_up(ARXIV)
    expect(person.status).to_contain_text("You are offline, so DataCite cannot be asked.")
    assert services.asked == []


def test_what_is_no_id_is_told(person, services):
    person.open().look_up("editing at night")
    expect(person.status).to_contain_text("“editing at night” is no arXiv id, DOI, ACL Anthology id or OpenReview id")
    person.look_up("")
    expect(person.status).to_contain_text("Paste an id or an address first.")
    assert services.asked == []


def test_what_was_typed_wins_over_what_is_found(person, services):
    services.answers[DATACITE] = datacite(ARXIV, TITLE, *AUTHORS)
    services.answers["/dois/10.48550/arXiv.2601.00002"] = datacite("2601.00002", "Another Title", ("Eve", "Fox"))
    person.open()
    person.fill(title="My Own Title", links__code="https://github.com/a/b")
    person.look_up(ARXIV)
    expect(person.field("year")).to_have_value("2026")
    assert person.field("title").input_value() == "My Own Title"
    assert person.field("links.code").input_value() == "https://github.com/a/b"
    # A second lookup takes back what the first one had put in.
    person.look_up("2601.00002")
    expect(person.field("authors")).to_have_value("Eve Fox")
    expect(person.field("ids.arxiv")).to_have_value("2601.00002")
    assert person.field("title").input_value() == "My Own Title"


# The form


def test_problems_lead_to_their_fields(person, taxonomy):
    person.open()
    expect(person.page.locator(".submit-count")).to_have_text("Nothing to check yet.")
    person.fill_well()
    assert person.codes() == []
    person.fill(title="Editing  Memories at Night", venue="neurps", links__code="https://github.com/bau")
    codes = person.codes()
    _, findings = check_text("papers/2026/bau2026editing.yaml", person.text(), taxonomy)
    assert codes == [f.code for f in sorted(findings, key=lambda f: (f.line, f.column, f.code))]
    assert {"P601", "V701", "L804"} == set(codes)
    shown = person.page.locator(".submit-problems li").filter(has_text="V701")
    expect(shown).to_contain_text("4:8 unknown venue 'neurps'")
    expect(shown).to_contain_text("did you mean neurips?")
    shown.get_by_role("button").click()
    expect(person.field("venue")).to_be_focused()
    assert person.field("venue").get_attribute("aria-invalid") == "true"
    assert shown.get_by_role("link", name="V701").get_attribute("href").endswith("contributing/checks/#v701")
    assert person.page.locator(".submit-yaml li[data-severity=error]").count() == 3


def test_safe_corrections_are_made_on_request(person):
    person.open()
    person.fill_well()
    person.fill(title="Editing  Memories at Night .", authors="Ann Bau\nCy Dee2*", links__code="https://github.com/bau/night.git", ids__arxiv="arXiv:2601.00001v2")
    for code in ("I201", "L803", "N502", "P601"):
        assert code in person.codes()
        person.page.locator(".submit-problems li").filter(has_text=code).get_by_role("button", name="Mend it").click()
    assert person.codes() == []
    assert [person.field(n).input_value() for n in ("title", "authors", "links.code", "ids.arxiv")] == [
        "Editing Memories at Night", "Ann Bau\nCy Dee", "https://github.com/bau/night", ARXIV,
    ]  # fmt: skip


def test_the_same_paper_again_is_told(person, collection):
    known = collection["meng2022locating"]
    person.open()
    person.fill_well()
    person.fill(title=known.title, authors="\n".join(n.printed for n in known.names), year="2022", ids__arxiv=known.ids.arxiv)
    assert {"D401", "D402"} <= set(person.codes())
    told = person.page.locator(".submit-problems li").filter(has_text="D401")
    expect(told).to_contain_text("papers/2022/meng2022locating.yaml has the same arxiv id")
    assert told.get_by_role("link", name="see it").get_attribute("href").endswith("papers/meng2022locating/")
    # The key of another entry is never proposed.
    assert person.address()[1]["filename"] == "papers/2022/meng2022locatingand.yaml"


def test_every_field_of_the_form_reaches_the_entry(person):
    page = person.open().page
    person.fill_well()
    page.locator(".submit-more > summary").click()
    person.fill(
        authors="Ann Bau\nNicola | De Cao\n{The Night Team}\nCy | Dee | 0000-0001-2345-6789", venue="NeurIPS", acronym="NightEdit", summary="Edits at night.",
        note="A note.", pages="1-2", volume="3", booktitle="Another Track", published="2026-12", protect="Memories", official_typo="Nigth",
        former_titles="Memories\nNights", former_keys="bau2025memories", sources="arXiv\na, b", links__data="https://example.org/data",
    )  # fmt: skip
    page.locator("[name=kinds][value=benchmark]").check()
    page.locator("[name=kinds][value=method]").uncheck()
    page.locator("[name=unconfirmed][value=year]").check()
    person.field("status").select_option("withdrawn")
    person.field("annotated.basis").select_option("full-text")
    for part, name in (("proposes-methods", "ROME"), ("studies-benchmarks", "counterfact"), ("proposes-families", "Fine-tuning")):
        page.locator(f"#entry-{part}").fill(name)
        page.locator(f"#entry-{part}").press("Enter")
    page.get_by_role("button", name="Add a pitfall").click()
    row = page.locator("#submit-pitfalls li")
    row.get_by_label("Pitfall", exact=True).select_option("locality.ripple")
    row.get_by_label("What it says").select_option("measures")
    expect(row.get_by_label("Read in")).to_have_value("full-text")
    row.get_by_label("Read in").select_option("abstract")
    row.get_by_label("Note").fill("in a table")
    expect(row.locator("> .submit-hint")).to_contain_text("ripple effects")
    page.get_by_role("button", name="Add a relation").click()
    row = page.locator("#submit-related li")
    row.get_by_label("Key of the entry").fill("meng2022locating")
    row.get_by_label("This paper").select_option("extends")
    row.get_by_label("Read in").select_option("abstract")
    record, problems = read_yaml(person.text())
    assert problems == []
    assert record == {
        "title": "Editing Memories at Night",
        "authors": ["Ann Bau", {"given": "Nicola", "family": "De Cao"}, {"literal": "The Night Team"}, {"given": "Cy", "family": "Dee", "orcid": "0000-0001-2345-6789"}],
        "year": 2026, "venue": "neurips" if person.field("venue").input_value() == "neurips" else "NeurIPS", "acronym": "NightEdit", "booktitle": "Another Track",
        "volume": "3", "pages": "1-2", "published": "2026-12", "ids": {"arxiv": ARXIV}, "links": {"data": "https://example.org/data"}, "kinds": ["benchmark"],
        "proposes": {"methods": ["rome"], "families": ["fine-tuning"]}, "studies": {"benchmarks": ["counterfact"]},
        "pitfalls": [{"id": "locality.ripple", "stance": "measures", "basis": "abstract", "note": "in a table"}], "summary": "Edits at night.",
        "related": [{"key": "meng2022locating", "as": "extends", "basis": "abstract"}], "status": "withdrawn", "protect": ["Memories"], "official_typo": ["Nigth"],
        "former_titles": ["Memories", "Nights"], "former_keys": ["bau2025memories"], "unconfirmed": ["year"], "note": "A note.",
        "annotated": {"basis": "full-text", "on": record["annotated"]["on"]}, "sources": ["arXiv", "a, b"],
    }  # fmt: skip
    assert person.field("venue").input_value() == "neurips", "a venue may be typed by its name"
    page.get_by_role("button", name="Remove ROME").click()
    page.get_by_role("button", name="Remove this pitfall").click()
    assert "rome" not in person.text() and "pitfalls" not in person.text()


def test_by_keyboard_alone(person):
    page = person.open().page
    page.keyboard.press("Tab")
    page.locator("#entry-title").focus()
    page.keyboard.type("Editing Memories at Night")
    page.keyboard.press("Tab")
    expect(person.field("authors")).to_be_focused()
    page.keyboard.type("Ann Bau")
    page.keyboard.press("Tab")
    page.keyboard.type("2026")
    page.keyboard.press("Tab")
    page.keyboard.type("arxiv")
    page.locator("#entry-studies-methods").focus()
    page.keyboard.type("memit")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove MEMIT")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove MEMIT")).to_have_count(0)
    expect(page.locator("#entry-studies-methods")).to_be_focused()
    page.get_by_role("button", name="Add a pitfall").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#submit-pitfalls select").first).to_be_focused()
    # Typing never takes the focus away, though the entry is drawn anew.
    person.field("note").focus()
    page.keyboard.type("A note that is typed letter by letter")
    assert person.field("note").input_value() == "A note that is typed letter by letter"
    person.handing_in.focus()
    expect(person.handing_in).to_be_focused()


def test_hostile_text_stays_text(person, services):
    services.answers[DATACITE] = datacite(ARXIV, HOSTILE.replace("<", "&lt;"), ("Eve", "<b>Bold</b> &lt;i&gt;"), abstract=f"We propose {HOSTILE} &lt;img src=x onerror=window.hit=1&gt;.")
    person.open().look_up(ARXIV)
    expect(person.status).to_contain_text("Found at DataCite")
    person.fill(title=HOSTILE, authors=f"Eve {HOSTILE}", sources=HOSTILE, note=HOSTILE, venue=HOSTILE, links__code=HOSTILE, acronym=HOSTILE)
    person.page.locator("#entry-studies-methods").fill(HOSTILE)
    person.page.locator("#entry-studies-methods").press("Enter")
    person.codes()
    assert person.page.evaluate("window.hit") is None
    assert person.page.locator("#submit-root img, #submit-root b, #submit-root i").count() == 0
    assert person.page.locator("#submit-root script").count() == 1, "the page's own"
    assert HOSTILE in person.text()
    person.look_up(f"{HOSTILE}")
    assert person.page.evaluate("window.hit") is None
    person.page.goto(f"{person.home}contributing/submit/?key={quote(HOSTILE)}&id=x")
    expect(person.page.locator(".submit-lead")).to_contain_text(f"There is no entry {HOSTILE}")
    assert person.page.evaluate("window.hit") is None


def test_an_entry_that_is_too_long_for_an_address_is_copied(visit):
    person = visit(permissions=["clipboard-read", "clipboard-write"]).open()
    person.fill_well()
    assert set(person.address()[1]) == {"filename", "value"}
    person.fill(note="word " * 390, sources="\n".join(f"source {i} of this entry, with a rather long name" for i in range(120)))
    expect(person.handing_in).to_have_count(0)
    actions = person.page.locator(".submit-actions")
    expect(actions).to_contain_text("too long for an address")
    fresh = urlsplit(actions.get_by_role("link", name="Open the new file on GitHub").get_attribute("href"))
    assert parse_qs(fresh.query) == {"filename": ["papers/2026/bau2026editing.yaml"]}
    actions.get_by_role("button", name="Copy the entry").click()
    expect(person.page.locator(".submit-done")).to_have_text("Copied the entry.")
    assert person.page.evaluate("navigator.clipboard.readText()") == person.text()


def test_a_site_without_a_repository_offers_a_copy(person):
    person.page.route("**/contributing/submit/", lambda route: route.fulfill(body=re.sub(r'data-source="[^"]*"', 'data-source=""', route.fetch().text()), content_type="text/html"))
    person.open().fill_well()
    actions = person.page.locator(".submit-actions")
    expect(actions.get_by_role("button", name="Copy the entry")).to_be_visible()
    expect(actions.get_by_role("link")).to_have_count(0)


def test_without_the_right_to_the_clipboard_the_entry_is_selected(person):
    person.page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject(new Error('no')) } })")
    person.open().fill_well()
    person.page.get_by_role("button", name="Copy the entry").click()
    expect(person.page.locator(".submit-done")).to_contain_text("press Ctrl-C")
    assert "title: Editing Memories at Night" in person.page.evaluate("getSelection().toString()")


def test_the_entry_can_be_downloaded(person):
    person.open().fill_well()
    with person.page.expect_download() as caught:
        person.page.get_by_role("button", name="Download").click()
    assert caught.value.suggested_filename == "bau2026editing.yaml"
    assert Path(caught.value.path()).read_text("utf-8") == person.text()


def test_a_draft_survives_a_reload_and_can_be_thrown_away(person, services):
    services.answers[DATACITE] = datacite(ARXIV, TITLE, *AUTHORS, abstract=ABSTRACT)
    person.open().look_up(ARXIV)
    expect(person.field("year")).to_have_value("2026")
    person.fill(note="Typed before the reload")
    before = person.text()
    person.open()
    assert person.text() == before and "Typed before the reload" in before
    expect(person.page.locator(".submit-suggested")).to_be_visible()
    person.page.get_by_role("button", name="Start over").click()
    assert person.field("title").input_value() == "" and person.page.locator(".submit-yaml li").count() == 0
    person.open()
    assert person.field("title").input_value() == ""


def test_without_storage_the_page_works_as_well(person):
    person.page.add_init_script("Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('no storage') } })")
    person.open().fill_well()
    assert person.codes() == []


def test_rules_that_cannot_be_loaded_can_be_asked_for_again(person):
    person.page.route("**/data/rules.json", lambda route: route.fulfill(status=503, body="out of order"))
    person.page.goto(f"{person.home}contributing/submit/")
    expect(person.page.locator(".submit-yaml")).to_contain_text("The rules could not be loaded (503")
    person.page.unroute("**/data/rules.json")
    person.page.get_by_role("button", name="Try again").click()
    person.page.wait_for_selector("#submit-root[data-state=ready]")


def test_nothing_can_be_typed_before_the_form_is_ready(person):
    waiting = []
    person.page.route("**/data/rules.json", lambda route: waiting.append(route))
    person.page.goto(f"{person.home}contributing/submit/")
    expect(person.page.locator("#submit-root[data-state=loading]")).to_be_attached()
    typing = """() => {
        const field = document.querySelector('#submit-form [name="title"]');
        field.focus();
        return document.activeElement === field;
    }"""
    assert not person.page.evaluate(typing)
    person.page.get_by_label("arXiv id, DOI").fill(ARXIV)
    assert len(waiting) == 1
    waiting[0].continue_()
    person.page.wait_for_selector("#submit-root[data-state=ready]")
    assert person.page.evaluate(typing), "now it can"
    expect(person.page.get_by_label("arXiv id, DOI")).to_have_value(ARXIV)


@pytest.mark.parametrize("wrong", [{"year": "soon"}, {"year": "20266"}, {"authors": "孟凡一"}, {"title": "中文"}])
def test_what_gives_no_file_name_is_told(person, wrong):
    person.open()
    actions = person.page.locator(".submit-actions")
    expect(actions).to_contain_text("With title, authors and year")
    person.fill(title="Editing Memories at Night", authors="Ann Bau")
    expect(actions).to_contain_text("With title, authors and year")
    person.fill(year="2026")
    expect(person.handing_in).to_be_visible()
    person.fill(**wrong)
    expect(actions).to_contain_text("These give none")
    expect(actions).not_to_contain_text("With title, authors and year")
    expect(person.handing_in).to_have_count(0)


def test_without_javascript_other_ways_are_told(visit):
    person = visit(java_script_enabled=False)
    person.page.goto(f"{person.home}contributing/submit/")
    notice = person.page.locator("noscript, .submit-notice").first
    assert "survey add" in unescape(notice.inner_text())


# Corrections


def test_from_a_paper_to_its_correction(visit, collection, taxonomy):
    person = visit(permissions=["clipboard-read", "clipboard-write"])
    person.page.goto(f"{person.home}papers/meng2022locating/")
    person.page.get_by_role("link", name="Correct this entry").click()
    person.page.wait_for_selector("#submit-root[data-state=ready]")
    file = ROOT / "papers/2022/meng2022locating.yaml"
    before = file.read_text("utf-8")
    assert person.text() == before, "an entry is shown as its file has it"
    # Nothing is told but what the check itself has to say.
    report = check(ROOT, [file])
    told = [f"{f.severity.value} {f.code} {f.line}:{f.column} {f.message}" for f in report.findings if f.code not in ELSEWHERE]
    person.codes()
    assert [text.split(" see it")[0].strip() for text in person.page.locator(".submit-problems li").all_inner_texts()] == told
    expect(person.page.locator(".submit-actions")).to_contain_text("Change something")
    person.fill(acronym="ROMEO")
    after = before.replace("acronym: ROME\n", "acronym: ROMEO\n")
    assert person.text() == after
    changes = person.page.locator(".submit-diff")
    assert changes.locator("del code").all_inner_texts() == ["acronym: ROME"]
    assert changes.locator("ins code").all_inner_texts() == ["acronym: ROMEO"]
    # Two lines around the change, and a mark where nothing changes.
    assert changes.locator(".submit-gap").count() == 2 and changes.locator("code").count() == 6
    issue = urlsplit(person.page.get_by_role("link", name="Hand in by an issue form").get_attribute("href"))
    assert issue.path == "/repo/issues/new"
    assert parse_qs(issue.query) == {"template": ["correct-entry.yml"], "key": ["meng2022locating"], "what": ["Changed: acronym"], "entry": [after]}
    with person.page.context.expect_page() as opened:
        person.page.get_by_role("button", name="Copy, and edit on GitHub").click()
    assert opened.value.url == f"{person.home}repo/edit/main/papers/2022/meng2022locating.yaml"
    opened.value.close()
    person.page.bring_to_front()
    expect(person.page.locator(".submit-done")).to_have_text("Copied the entry.")
    assert person.page.evaluate("navigator.clipboard.readText()") == after
    _, findings = check_text("papers/2022/meng2022locating.yaml", after, taxonomy)
    assert findings == []


def test_entries_of_every_kind_are_corrected_without_another_change(visit, collection):
    """What the form cannot say would show as a change that nobody made."""
    person = visit()
    odd = [p for p in collection.values() if any(not isinstance(a, str) for a in p.authors)][:4]
    odd += [max(collection.values(), key=lambda p: sum(bool(getattr(p, name)) for name in type(p).model_fields))]
    odd += [next(p for p in collection.values() if p.related), next(p for p in collection.values() if p.unconfirmed)]
    for paper in odd:
        person.open(f"?key={paper.key}")
        assert person.text() == (ROOT / f"papers/{paper.year}/{paper.key}.yaml").read_text("utf-8")
        expect(person.page.locator(".submit-diff")).to_contain_text("Nothing yet.")


def test_a_changed_year_moves_the_file(person):
    person.open("?key=meng2022locating")
    person.fill(year="2023")
    expect(person.page.locator(".submit-path")).to_contain_text("papers/2023/meng2022locating.yaml")
    expect(person.page.locator(".submit-path")).to_contain_text("the file moves there from papers/2022/meng2022locating.yaml")


def test_a_long_correction_has_no_issue_form(person):
    person.open("?key=meng2022locating")
    person.fill(note="word " * 390, sources="\n".join(f"source {i} of this entry, with a rather long name" for i in range(120)))
    expect(person.page.get_by_role("button", name="Copy, and edit on GitHub")).to_be_visible()
    expect(person.page.get_by_role("link", name="Hand in by an issue form")).to_have_count(0)


def test_what_the_form_cannot_say_is_kept(person):
    """Authors whose text means something else in the form, and fields that it does not have."""
    odd = ["A | B", "{C}", {"literal": "D, {E}"}, {"literal": "F", "orcid": "0000-0001-2345-6789"}, {"given": "G"}, {}, 5]

    def with_odd_authors(route):
        shard = route.fetch().json()
        for item in shard:
            item["record"] |= {"authors": odd, "nickname": "x", "pitfalls": [{"id": "unheard-of", "stance": "shows", "basis": "abstract", "extra": "y"}]}
        route.fulfill(json=shard)

    person.page.route("**/data/entries/*.json", with_odd_authors)
    person.open("?key=meng2022locating")
    expect(person.page.locator(".submit-diff")).to_contain_text("Nothing yet.")
    person.fill(acronym="ROMEO")
    assert person.page.locator(".submit-diff ins code").all_inner_texts() == ["acronym: ROMEO"]
    text = person.text()
    assert 'authors:\n  - A | B\n  - "{C}"\n  - {literal: "D, {E}"}\n' in text and "nickname: x" in text and 'extra: "y"' in text


def test_suggested_tags_of_an_entry_are_confirmed(person):
    """An entry whose tags only a program has chosen, as `survey add` writes it."""
    row = person.page

    def with_suggested_tags(route):
        shard = route.fetch().json()
        for item in shard:
            if item["record"]["title"].startswith("Locating and Editing Factual Associations"):
                item["record"]["unconfirmed"] = ["tags"]
                item["comments"] = {"head": [], "inside": [{"where": ["kinds"], "side": "beside", "text": '# "we propose"'}], "foot": []}
        route.fulfill(json=shard)

    row.route("**/data/entries/*.json", with_suggested_tags)
    person.open("?key=meng2022locating")
    assert 'kinds: [method, analysis, benchmark]  # "we propose"' in person.text()
    assert "A356" in person.codes()
    person.page.get_by_label("I have read the abstract").check()
    assert "A356" not in person.codes() and "unconfirmed" not in person.text()


# The look


@pytest.mark.parametrize(("width", "scheme"), ALL_VIEWS)
def test_axe_finds_nothing_serious(visit, services, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    services.answers[DATACITE] = datacite(ARXIV, TITLE, *AUTHORS, abstract=ABSTRACT)

    def serious() -> list:
        return [
            (problem["id"], [node["html"][:120] for node in problem["nodes"]][:3])
            for problem in axe.Axe().run(person.page).response["violations"]
            if problem["impact"] in ("serious", "critical")
        ]

    person = visit(width, scheme).open()
    assert serious() == [] and overflow(person.page) == []
    person.look_up(ARXIV)
    expect(person.field("year")).to_have_value("2026")
    person.fill(title="Editing  Memories", venue="neurps")
    person.page.locator(".submit-more > summary").click()
    assert len(person.codes()) > 1
    assert serious() == [] and overflow(person.page) == []
    person.open("?key=meng2022locating")
    person.fill(acronym="ROMEO")
    assert serious() == [] and overflow(person.page) == []


@pytest.mark.parametrize(("width", "query"), [(1280, ""), (390, ""), (1280, "?key=meng2022locating"), (390, "?key=meng2022locating")])
def test_nothing_jumps_while_the_page_loads(visit, width, query):
    page = visit(width).open(query).page
    page.wait_for_timeout(300)
    shifted = page.evaluate("""() => new Promise((go) => {
        let sum = 0;
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) sum += entry.value;
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => go(sum), 100);
    })""")
    assert shifted < 0.1


def test_every_id_stands_once(person):
    """A label leads to its field, a hint to what it explains."""
    page = person.open("?key=meng2022locating").page
    page.get_by_role("button", name="Add a pitfall").click()
    assert page.evaluate("""() => {
        const ids = [...document.querySelectorAll("#submit-root [id]")].map((one) => one.id);
        const named = [...document.querySelectorAll("#submit-root :is([for], [list], [aria-describedby], [aria-labelledby])")].flatMap((one) =>
            ["for", "list", "aria-describedby", "aria-labelledby"].map((name) => one.getAttribute(name)).filter(Boolean));
        return [ids.filter((id, i) => ids.indexOf(id) !== i), named.filter((id) => !document.getElementById(id))];
    }""") == [[], []]
