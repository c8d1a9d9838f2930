"""What the submission page reads, maps and suggests is what `survey add` does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.files.comments import Comment, Comments
from survey.files.writer import dump
from survey.formats.jsonl import record
from survey.intake import crossref as crossref_service
from survey.intake import datacite as datacite_service
from survey.intake import openreview as openreview_service
from survey.intake.add import few, with_words
from survey.intake.errors import IntakeError
from survey.intake.source import read_source
from survey.intake.suggest import LIMIT, Suggestion, suggest
from survey.intake.venues import locate, of_anthology
from survey.site.rules import rules
from tests.browser.conftest import ASSETS
from tests.intake import services as made
from tests.intake.test_thirty import CASES

pytestmark = pytest.mark.browser
THOROUGH = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def page(browser, serve, taxonomy):
    page = browser.new_page()
    page.goto(serve(ASSETS) + "sources.mjs")
    page.evaluate(
        """async (data) => {
            const { Sources } = await import("./sources.mjs");
            const { Tagger } = await import("./tagging.mjs");
            const { House } = await import("./house.mjs");
            const venues = await import("./venues.mjs");
            const comments = await import("./comments.mjs");
            const sources = new Sources(data.schema);
            const tagger = new Tagger(data);
            const house = new House(data.house);
            const services = await import("./services.mjs");
            const readers = { datacite: "readDataCite", crossref: "readCrossref", openreview: "readOpenReview" };
            window.record = (service, answer, id) => {
                try {
                    const found = service === "openreview" ? services.readOpenReview(answer, id, data) : services[readers[service]](answer, data);
                    return { ...found, authors: found.authors.map(({ given, particle, family, suffix, literal }) => [given, particle, family, suffix, literal]) };
                } catch (error) {
                    if (!(error instanceof services.ServiceError)) throw error;
                    return null;
                }
            };
            window.read = (text) => sources.read(text);
            window.locate = (text) => venues.locateVenue(text, data);
            window.ofAnthology = (id) => venues.venueOfAnthology(id, data);
            window.suggest = (title, abstract, acronym) => tagger.suggest(title, abstract, acronym);
            window.write = (record, noted) => house.write(record, noted).text;
            window.follow = (noted, before, after) => comments.moved(noted, before, after);
            window.withWords = (record, suggestions) =>
                house.write(record, comments.leadingWords(record, suggestions)).text;
        }""",
        json.loads(json.dumps(rules(taxonomy))),
    )
    yield page
    page.close()


def ask(page, function: str, values: list) -> list:
    return page.evaluate(f"(values) => values.map((value) => {function})", json.loads(json.dumps(values)))


# What was pasted


def python_reads(text: str) -> dict | None:
    try:
        return read_source(text)._asdict()
    except IntakeError:
        return None


PASTED = [
    "2202.05262", "2202.05262v3", " arXiv:2202.05262 ", "arxiv: 2202.05262v1", "https://arxiv.org/abs/2202.05262v2", "http://www.arxiv.org/pdf/2202.05262.pdf",
    "arxiv.org/pdf/2202.05262v3.pdf/", "https://ar5iv.labs.arxiv.org/html/2202.05262", "https://huggingface.co/papers/2202.05262", "https://arxiv.org/list/cs.CL",
    "hep-th/9901001", "math.GT/0309136v2", "https://arxiv.org/abs/math.GT/0309136", "10.48550/arXiv.2202.05262", "https://doi.org/10.48550/arXiv.2202.05262v1",
    "10.18653/v1/2023.emnlp-main.296", "doi:10.18653/v1/P19-1001", "10.18653/v1/p19-1001", "https://dx.doi.org/10.1162/TACL_a_00644", "10.1162/tacl_a_00644.",
    "2023.emnlp-main.296", "P19-1001", "https://aclanthology.org/2023.emnlp-main.296/", "https://aclanthology.org/2023.emnlp-main.296.pdf", "acl:2023.emnlp-main.296",
    "https://aclanthology.org/2023.emnlp-main.296v2.pdf", "https://www.aclweb.org/anthology/P19-1001/", "-h6WAS6eE4", "openreview:-h6WAS6eE4", "openreview: abcdefghij",
    "https://openreview.net/forum?id=-h6WAS6eE4", "https://openreview.net/pdf?id=-h6WAS6eE4&x=1", "openreview.net/forum?id=", "https://openreview.net/forum?noteId=a&forum=-h6WAS6eE4",
    "https://dl.acm.org/doi/10.1145/3589334.3645678", "https://link.springer.com/chapter/10.1007/978-3-031-1.pdf", "https://example.org/", "<2202.05262>", "",
    "editing", "a word", "knowledge", "123456789", "Elephants", "https://[::1]/x", "javascript:alert(1)", "ftp://arxiv.org/abs/2202.05262", "https://arxiv.org/abs/%32202.05262",
    "https://evil.org/?arxiv.org/abs/2202.05262", "https://arxiv.org.evil.org/abs/2202.05262", "https://arxiv.org/abs/../../x", "https://doi.org/10.1000/%ff", "２２０２.05262",
]  # fmt: skip


def test_what_is_pasted_means_the_same(page):
    for text, found in zip(PASTED, ask(page, "read(value)", PASTED), strict=True):
        if "%ff" not in text:  # Broken escapes are replaced there, and left alone here.
            assert found == python_reads(text), text
    assert sum(python_reads(text) is not None for text in PASTED) > 30


def test_every_id_of_the_collection_is_read(page, collection):
    texts = [value for paper in collection.values() for _, value in paper.ids.items()]
    assert ask(page, "read(value)", texts) == [python_reads(t) for t in texts]


def test_any_mixture_of_pieces_means_the_same(page):
    pieces = st.sampled_from(
        ["https://", "http://", "www.", "dx.", "doi.org/", "arxiv.org/abs/", "arxiv.org/pdf/", "arXiv:", "doi:", "openreview.net/forum?id=", "aclanthology.org/",
         "2202.05262", "cs/9301001", "v3", "math.GT/0309136", ".pdf", "/", " ", "10.1000/ABC", "10.18653/v1/", "2023.acl-long.1", "-h6WAS6eE4", "?", "#", "<", ">", ".bib", "@", ":80"]
    )  # fmt: skip

    @THOROUGH
    @given(st.lists(st.lists(pieces, max_size=5).map("".join), min_size=20, max_size=40))
    def same(texts):
        assert ask(page, "read(value)", texts) == [python_reads(t) for t in texts]

    same()


# Venues


def test_venues_are_mapped_alike(page, taxonomy):
    printed = [text for v in taxonomy.venues.values() for text in (v.id, v.name, v.full_name, *v.aliases, v.booktitle or "", *(e.booktitle or "" for e in v.years.values()))]
    printed += [f"{text} {year}" for text in printed[:40] for year in (2024, "'23")]
    printed += [
        "ICLR2024", "ACL'24", "EMNLP ’23 Findings", "Submitted to ICLR 2025", "ICLR 2024 poster", "NeurIPS 2023 Workshop on Editing", "Findings of the ACL: EMNLP 2024",
        "Proceedings of the 62nd Annual Meeting of the Association for Computational Linguistics (Volume 1: Long Papers)", "AAAI 2025, accepted after submission",
        "Proceedings of the 2024 Conference of Nobody", "EMNLP 2024: System Demonstrations", "ACL 2025 Industry Track", "", "2024", "Journal of Étrange 12024",
    ]  # fmt: skip
    answers = ask(page, "locate(value)", printed)
    assert answers == [locate(text, taxonomy)._asdict() for text in printed]
    assert sum(a["venue"] is not None for a in answers) > 60


def test_anthology_ids_are_mapped_alike(page, taxonomy):
    ids = [f"2024.{volume}.12" for v in taxonomy.venues.values() for volume in v.anthology] + ["2024.nowhere-long.1", "P19-1001", ""]
    assert ask(page, "ofAnthology(value)", ids) == [of_anthology(id, taxonomy) for id in ids]


# Suggested tags


ABSTRACTS = [
    "We propose FooEdit, a method that locates and edits facts. It preserves unrelated knowledge and generalizes to paraphrases. Experiments on CounterFact and zsRE show that it outperforms ROME and MEMIT.",
    "We introduce a benchmark of multi-hop questions. We find that existing methods fail on chains of facts. Sequential edits lead to collapse of the model.",
    "This paper surveys knowledge editing. We review methods with hypernetworks, codebooks and in-context learning.",
    "We investigate whether edits in English hold in other languages. Our findings reveal that they do not. The reversal curse remains.",
    "Knowledge editing can be misused. We show that backdoor attacks by editing are hard to detect; privacy suffers.",
    "", "Ünïcode naïve façade. “We argue that” editing is unsafe. (It harms fluency.) we find that GPU hours are saved.",
    "We propose PMET-like α-edits (AlphaEdit+), in-context knowledge editing (IKE) and KE.",
]  # fmt: skip


def python_suggests(title, abstract, acronym, taxonomy) -> list[dict]:
    return [s._asdict() for s in suggest(title, abstract, taxonomy, acronym)]


def test_tags_are_suggested_alike(page, collection, taxonomy):
    titles = [p.title for p in list(collection.values())[::6]]
    cases = [[title, ABSTRACTS[i % len(ABSTRACTS)], ""] for i, title in enumerate(titles)]
    cases += [["FooEdit: Editing Facts", abstract, "ROME"] for abstract in ABSTRACTS]
    # Summaries stand in for abstracts, which are not kept.
    cases += [[p.title, p.summary, p.acronym or ""] for p in list(collection.values())[::3] if p.summary]
    # Only so much of a text is looked at, counted in letters of any size.
    end = "We propose a method against forgetting."
    cases += [["Facts", f"{'𝔞' * (LIMIT - len(end) + more)}{' ' if more < 0 else ''}{end}", ""] for more in (-1, 30)]
    answers = ask(page, "suggest(...value)", cases)
    assert [answer[0]["value"] for answer in answers[-2:]] == ["method", "analysis"]
    for case, answer in zip(cases, answers, strict=True):
        assert answer == python_suggests(*case, taxonomy), case
    assert {s["field"] for answer in answers for s in answer} == {"kinds", "proposes.families", "studies.methods", "studies.benchmarks", "pitfalls"}


def test_the_words_that_led_to_tags_stand_in_the_same_comments(page, taxonomy):
    title = "FooEdit: Editing Facts in the Ripple of Memories"
    suggestions = suggest(title, ABSTRACTS[0], taxonomy)
    pitfalls = [{"id": s.value, "stance": s.stance, "basis": "abstract"} for s in suggestions if s.field == "pitfalls"]
    entry = {
        "title": title, "kinds": ["method", "tool"], "proposes": {"families": ["locate-and-edit"]},
        "studies": {"methods": ["rome", "memit"], "benchmarks": ["counterfact", "zsre"]}, "pitfalls": pitfalls,
    }  # fmt: skip
    long = Suggestion("kinds", "tool", "one two three four five six seven eight nine")
    for found in (suggestions, [*suggestions, long, Suggestion("kinds", "method", "")], []):
        [answer] = ask(page, "withWords(...value)", [[entry, [s._asdict() for s in found]]])
        assert answer == with_words(entry, found)
    assert with_words(entry, suggestions).count("#") > 4 and len(few("a " * 9).split()) == 7


def test_words_of_a_tag_that_was_taken_out_go_with_it(page):
    found = [{"field": "kinds", "value": "tool", "words": "toolkit", "stance": ""}, {"field": "pitfalls", "value": "locality", "words": "locality", "stance": "shows"}]
    assert ask(page, "withWords(...value)", [[{"kinds": ["method"]}, found]]) == ["kinds: [method]\n"]


# Comments


NOTED = Comments(
    head=("# an entry",),
    inside=(
        Comment(("title",), "above", "# the title"), Comment(("authors",), "beside", "# all of them"), Comment(("authors", 1), "beside", "# second"),
        Comment(("ids", "arxiv"), "beside", "# id"), Comment(("pitfalls", 0), "beside", '# "words"'), Comment(("pitfalls", 1), "above", "# finer"),
        Comment(("pitfalls",), "below", "# no more"), Comment(("summary",), "beside", "# ours"), Comment(("kinds",), "above", "# one"), Comment(("kinds",), "beside", "# two"),
    ),
    foot=("# the end",),
)  # fmt: skip


def as_data(comments: Comments) -> dict:
    return {"head": comments.head, "inside": [c._asdict() for c in comments.inside], "foot": comments.foot}


def entries_with_comments(collection) -> list[dict]:
    found = []
    for paper in collection.values():
        if len(paper.pitfalls) > 1 and len(paper.authors) > 1 and paper.summary and paper.ids.arxiv:
            fields = record(paper)
            del fields["key"]
            found.append(fields)
    return found[:40]


def test_comments_are_written_alike(page, collection):
    entries = entries_with_comments(collection)
    assert ask(page, "write(...value)", [[e, as_data(NOTED)] for e in entries]) == [dump(e, NOTED) for e in entries]


def test_comments_follow_alike(page, collection):
    cases = []
    for entry in entries_with_comments(collection):
        pitfalls = entry["pitfalls"]
        for change in (
            {"pitfalls": pitfalls[::-1]}, {"pitfalls": pitfalls[1:]}, {"pitfalls": [{**pitfalls[0], "stance": "denies"}, *pitfalls[1:]]},
            {"authors": entry["authors"][1:]}, {"ids": {}}, {"summary": "Another."}, {"title": "Another"},
        ):  # fmt: skip
            cases.append((entry, {**entry, **change}))
    answers = ask(page, "follow(...value)", [[as_data(NOTED), *case] for case in cases])
    assert answers == [json.loads(json.dumps(as_data(NOTED.moved(*case)))) for case in cases]


# Answers of the services


def answers_of_thirty() -> list[tuple[str, dict, str]]:
    found = []
    for case in CASES:
        for service, id, paper in case["answers"]:
            if service == "arxiv":
                found.append(("datacite", made.datacite(f"10.48550/arXiv.{id}", title=paper["title"], authors=paper["authors"], year=2024, abstract=paper.get("abstract", "")), ""))
            elif service in ("datacite", "crossref"):
                found.append((service, getattr(made, service)(id, **paper), ""))
            elif service == "openreview":
                found.append((service, {"notes": [made.note(id, **paper)]}, id))
    return found


def crossref(**more) -> dict:
    answer = made.crossref("10.1000/X", "Editing &amp;amp; <i>Facts</i>.", ["Ann Bau"], 2024, "ACL 2024")
    answer["message"] |= more
    return answer


PEOPLE = [
    {"given": "Maarten", "family": "de Rijke"}, {"given": "Maarten de", "family": "Rijke"}, {"given": "Robert L.", "family": "Logan", "suffix": "IV"}, {"given": "Nicola", "family": "De Cao"},
    {"family": "Madonna"}, {"given": "Cher"}, {"name": "The Big Team"}, {"given": "Jos&eacute;", "family": "Garc\u00eda\u00ad"}, {"given": "A.", "family": "van der Berg Jr."}, {}, "Ann",
]  # fmt: skip
NAMES = ["Bau, Ann", "Ann Bau", "Nicola De Cao", "King, Jr.", "van der Maaten, Laurens", "Laurens van der Maaten", "Madonna", "", None, 5, "A, B, C", "Ann  Bau,"]
STRANGE = [
    ("crossref", crossref(author=PEOPLE), ""), ("crossref", crossref(author=[]), ""), ("crossref", crossref(title=[]), ""), ("crossref", crossref(DOI=None), ""),
    ("crossref", crossref(subtitle=["A Study"], page="pp. 10 \u2013 22", volume="3", type="journal-article"), ""), ("crossref", crossref(page="e12, e13"), ""),
    ("crossref", crossref(relation={"has-preprint": [{"id": "https://doi.org/10.48550/ARXIV.2401.00001"}]}), ""), ("crossref", crossref(relation=[1]), ""),
    ("crossref", crossref(abstract="<jats:title>Abstract</jats:title><jats:p>We edit &lt;b&gt;facts&lt;/b&gt;. https://github.com/a/b.</jats:p>"), ""),
    ("crossref", crossref(type="posted-content"), ""), ("crossref", crossref(**{"container-title": [], "event": {"name": "The Event", "acronym": "EV \u201924"}}), ""),
    ("crossref", crossref(**{"container-title": ["Lecture Notes", "Another"], "published-print": {"date-parts": [[2023, 1]]}}), ""), ("crossref", crossref(issued={"date-parts": [[None]]}), ""),
    ("crossref", crossref(**{"updated-by": [{"type": "retraction", "DOI": "10.1/x"}]}), ""), ("crossref", crossref(title=["RETRACTED: Editing"]), ""),
    ("crossref", {"message": []}, ""), ("crossref", {}, ""), ("crossref", {"message": "x"}, ""),
    ("datacite", {}, ""), ("datacite", {"data": []}, ""), ("datacite", {"data": {"attributes": {"titles": 1, "creators": {}, "doi": "10.1/x"}}}, ""),
    *(("datacite", {"data": {"attributes": {"doi": "10.5281/zenodo.1", "titles": [{"title": "A \u201cQuoted\u201d  Title ."}], "creators": [{"name": n} for n in NAMES], "publisher": p, "publicationYear": y}}}, "") for p, y in (("Zenodo", 2024), (None, "2023"), ("", None))),
    ("openreview", {"notes": []}, "aBcD3fGh1j"), ("openreview", {"notes": {}}, "aBcD3fGh1j"), ("openreview", {"notes": [made.note("zBcD3fGh1j", "T", ["A B"])]}, "aBcD3fGh1j"),
    *(("openreview", {"notes": [made.note("aBcD3fGh1j", "Editing", ["Ann Bau", "Cy Dee"], venue=v, venueid=i, pdate=1700000000000)]}, "aBcD3fGh1j") for v, i in (
        ("ICLR 2024 poster", "ICLR.cc/2024/Conference"), ("ICLR 2024 Conference Withdrawn Submission", "ICLR.cc/2024/Conference/Withdrawn_Submission"), ("Submitted to ICLR 2024", "ICLR.cc/2024/Conference/Rejected_Submission"),
        ("ME-FoMo 2024", "ICLR.cc/2024/Workshop/ME-FoMo"), ("CoRR 2023", "dblp.org/journals/CORR/2023"), ("My Venue", "OpenReview.net/Archive"), ("", "ICLR.cc/2025/Conference"), ("", ""),
    )),
    *(("openreview", {"notes": [made.note("aBcD3fGh1j", "Editing", ["Ann Bau"], abstract=text, bibtex=bibtex)]}, "aBcD3fGh1j") for text, bibtex in (
        ("Code (https://github.com/a/b.git).", "@inproceedings{x,\nbooktitle={ACL 2024},\nyear={2024}}"), ("https://github.com/a/b.git/”, https://ann.github.io//", "booktitle={" * 3000 + "ACL},\n"),
        ("\U0001d51e" * 15_000 + " https://github.com/a/b", "\U0001d51e" * 15_000 + "journal={TACL},\n"), ("\U0001d51e" * 19_990 + " https://github.com/a/b", "\U0001d51e" * 19_995 + "journal={TACL},\n"),
        ("https://github.com/a/b" + ")" * 300_000 + "x", "journal={" + "x" * 1001 + "}"), ("https://github.com/a/b" + "/" * 300_000 + "x", "journal={" + "\U0001d51e" * 1000 + "}"),
    )),
    ("openreview", {"notes": [made.note("aBcD3fGh1j", "Editing", ["Anonymous"])]}, "aBcD3fGh1j"), ("openreview", {"notes": [made.note("aBcD3fGh1j", "", ["A B"])]}, "aBcD3fGh1j"),
]  # fmt: skip


def python_records(service: str, answer: dict, id: str) -> dict | None:
    readers = {"datacite": datacite_service.read, "crossref": crossref_service.read, "openreview": lambda answer: openreview_service.read(answer, id)}
    try:
        found = readers[service](answer)
    except IntakeError:
        return None
    return {
        "title": found.title, "authors": [list(name) for name in found.authors], "year": found.year, "place": found.place.printed if found.place else "",
        "ids": found.ids, "links": found.links, "pages": found.pages or "", "volume": found.volume or "", "abstract": found.abstract,
        "withdrawn": bool(found.withdrawn), "publishedAs": found.published_as or "",
    }  # fmt: skip


@pytest.mark.parametrize("source", ["thirty real papers", "strange ones", "real answers"])
def test_answers_of_services_are_read_alike(page, source):
    if source == "real answers":
        folder = os.environ.get("SURVEY_SERVICES")
        if not folder:
            pytest.skip("SURVEY_SERVICES names no folder with real answers")
        cases = [("crossref", json.loads(path.read_text("utf-8")), "") for path in sorted((Path(folder) / "crossref").glob("*.json"))]
    else:
        cases = answers_of_thirty() if source.startswith("thirty") else STRANGE
    assert cases
    for case, answer in zip(cases, ask(page, "record(...value)", cases), strict=True):
        expected = python_records(*case)
        found = answer and {name: answer.get(name) or ("" if name in ("pages", "volume", "publishedAs", "place") else answer.get(name)) for name in expected or answer}
        if found and expected:
            found["withdrawn"] = bool(found["withdrawn"])
            for name in ("pages", "volume", "publishedAs"):
                found[name] = found[name] or ""
        assert found == expected, case
