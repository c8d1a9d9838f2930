from __future__ import annotations

import pytest

from survey.cli import main
from survey.collection import Collection
from survey.collection.names import split_name
from survey.intake import arxiv, drift
from survey.intake.drift import audit, compare, wanted
from survey.intake.record import Place, Record
from tests.entries import PATH, make_entry, make_paper, make_root
from tests.intake.services import Said, atom_entry, feed

TITLE, AUTHORS = make_entry()["title"], make_entry()["authors"]


def record(title: str = TITLE, authors=AUTHORS, **fields) -> Record:
    return Record("arXiv", title, tuple(map(split_name, authors)), ids={"arxiv": "2202.05262"}, **fields)


def preprint(key: str = "meng2022locating", **fields):
    return make_paper(key, **{"venue": "arxiv", **fields})


def kinds(paper, found: Record, taxonomy, scheme: str = "arxiv") -> list[str]:
    return [row.kind for row in compare(paper, scheme, found, taxonomy)]


# One entry and one source


def test_what_agrees_is_not_told(taxonomy):
    assert kinds(preprint(), record(), taxonomy) == []
    assert kinds(preprint(), record(title="locating and editing factual associations in gpt"), taxonomy) == []
    assert kinds(preprint(authors=["K. Meng", "David R. Bau", "Alex Andonian"]), record(), taxonomy) == []


def test_an_id_of_another_paper_is_told_as_such(taxonomy):
    other = record("Multiple Object Tracking in the Wild", ["Ann Other", "Cy Else"])
    (row,) = compare(preprint(), "arxiv", other, taxonomy)
    assert (row.kind, row.field, row.said) == ("another-paper", "ids.arxiv", f"2202.05262, {TITLE}")
    assert row.found == "Multiple Object Tracking in the Wild by Ann Other"


def test_another_title_under_the_same_authors_is_a_change(taxonomy):
    (row,) = compare(preprint(), "arxiv", record("How Models Remember: A Causal Account"), taxonomy)
    assert (row.kind, row.said, row.found, row.command) == ("title", TITLE, "How Models Remember: A Causal Account", "survey show meng2022locating")
    assert kinds(preprint(former_titles=["How models remember, a causal account"]), record("How Models Remember: A Causal Account"), taxonomy) == []


def test_the_same_title_under_other_authors_is_a_change(taxonomy):
    assert kinds(preprint(), record(authors=["Ann Other", "Cy Else"]), taxonomy) == ["authors"]


def test_changed_authors_are_named(taxonomy):
    (row,) = compare(preprint(), "arxiv", record(authors=["Kevin Meng", "David Bau", "Yonatan Belinkov"]), taxonomy)
    assert (row.kind, row.said, row.found) == ("authors", "Alex Andonian", "Yonatan Belinkov")
    (row,) = compare(preprint(), "arxiv", record(authors=["David Bau", "Kevin Meng", "Alex Andonian"]), taxonomy)
    assert row.found == "David Bau, Kevin Meng, Alex Andonian"
    (row,) = compare(preprint(), "arxiv", record(authors=AUTHORS[:2]), taxonomy)
    assert (row.said, row.found) == ("Alex Andonian", "without Alex Andonian")


def test_the_preprint_of_a_published_paper_may_list_other_authors(taxonomy):
    published = make_paper()
    assert kinds(published, record(authors=["David Bau", "Kevin Meng", "Alex Andonian"]), taxonomy) == []
    proceedings = make_paper(ids={"openreview": "abcDEF12345"})
    assert kinds(proceedings, record(authors=["David Bau", "Kevin Meng", "Alex Andonian"]), taxonomy, "openreview") == ["authors"]


@pytest.mark.parametrize(("fields", "told"), [
    ({"place": Place("Advances in Neural Information Processing Systems 35 (2022)")}, "NeurIPS 2022"), ({"comment": "Accepted to EMNLP 2023. 12 pages"}, "EMNLP 2023"),
    ({"published_as": "10.1234/abc"}, "DOI 10.1234/abc"), ({"place": Place("Journal of Things 7 (2023) 1-9")}, "Journal of Things 7 (2023) 1-9"),
])  # fmt: skip
def test_a_publication_is_told_of_preprints_only(taxonomy, fields, told):
    (row,) = compare(preprint(), "arxiv", record(**fields), taxonomy)
    assert (row.kind, row.field, row.found, row.command) == ("published", "venue", told, "survey add --update 2202.05262")
    assert kinds(make_paper(), record(**fields), taxonomy) == []


@pytest.mark.parametrize("fields", [{"comment": "Submitted to EMNLP 2023"}, {"comment": "18 pages"}, {"published_as": "10.48550/arxiv.2202.05262"}, {}])
def test_a_preprint_that_is_not_out_is_not_told(taxonomy, fields):
    assert kinds(preprint(), record(**fields), taxonomy) == []


def test_a_withdrawal_is_told_until_the_entry_says_it(taxonomy):
    gone = record(withdrawn="This paper has been withdrawn by the authors")
    assert kinds(preprint(), gone, taxonomy) == kinds(make_paper(), gone, taxonomy) == ["withdrawn"]
    assert kinds(preprint(status="withdrawn"), gone, taxonomy) == []


WITHDRAWN = "This paper has been withdrawn by the authors"


@pytest.mark.parametrize(("venue", "fields", "command"), [
    ("arxiv", {"title": "How Models Remember: A Causal Account"}, "show"), ("arxiv", {"authors": ["Kevin Meng", "David Bau", "Yonatan Belinkov"]}, "show"),
    ("arxiv", {"comment": "Accepted to EMNLP 2023"}, "add"), ("arxiv", {"comment": WITHDRAWN}, "add"), ("neurips", {"comment": WITHDRAWN}, "show"),
])  # fmt: skip
def test_an_update_is_named_only_where_it_changes_the_entry(services, client, taxonomy, tmp_path, venue, fields, command):
    services.arxiv("2202.05262", **{"title": TITLE, "authors": AUTHORS, **fields})
    (row,) = compare(make_paper(venue=venue), "arxiv", arxiv.fetch(client, "2202.05262"), taxonomy)
    assert row.command.split()[:2] == ["survey", command]
    root = make_root(tmp_path, {PATH: make_entry(venue=venue)})
    before = {path: path.read_text("utf-8") for path in root.rglob("*.yaml")}
    main(["--root", str(root), "add", "--update", "2202.05262"])
    assert ({path: path.read_text("utf-8") for path in root.rglob("*.yaml")} != before) == (command == "add")


def test_ids_that_look_like_options_are_told_as_addresses(taxonomy):
    paper = make_paper(venue="arxiv", ids={"openreview": "-h6WAS6eE4"})
    (row,) = compare(paper, "openreview", record(place=Place("EMNLP 2023")), taxonomy)
    assert row.command == "survey add --update https://openreview.net/forum?id=-h6WAS6eE4"


def test_preprints_of_the_collection_are_no_other_papers(collection):
    """Entries that keep the title of their preprint: that is a change, never a wrong id."""
    changed = [p for p in collection.values() if p.former_titles and p.ids.arxiv]
    assert len(changed) >= 5
    for paper in changed:
        for title in paper.former_titles:
            alone = paper.model_copy(update={"former_titles": ()})
            found = compare(alone, "arxiv", Record("arXiv", title, tuple(reversed(paper.names))), collection.taxonomy)
            assert "another-paper" not in [row.kind for row in found] and "title" in [row.kind for row in found], paper.key


def test_two_papers_of_different_people_are_never_taken_for_one(collection):
    """Titles of this field share many words."""
    papers = [p for p in collection.values() if p.ids.arxiv]
    compared = 0
    for n, paper in enumerate(papers):
        for other in papers[n + 1 : n + 30]:
            if not {a.sorting for a in paper.names} & {a.sorting for a in other.names}:
                found = compare(paper, "arxiv", Record("arXiv", other.title, other.names), collection.taxonomy)
                assert [row.kind for row in found] == ["another-paper"], (paper.key, other.key)
                compared += 1
    assert compared > 1000


# The whole collection


def papers(taxonomy, *given) -> Collection:
    return Collection(list(given), taxonomy)


def test_every_source_of_a_paper_is_asked_arxiv_in_batches(services, client, taxonomy, monkeypatch):
    monkeypatch.setattr(drift.arxiv, "BATCH", 2)
    given = [preprint(f"a2022b{n}", ids={"arxiv": f"2202.0000{n}"}) for n in range(3)]
    given.append(make_paper("c2023d", ids={"arxiv": "2202.00009", "anthology": "2023.emnlp-main.1", "doi": "10.18653/v1/2023.emnlp-main.1"}))
    for batch in (["2202.00000", "2202.00001"], ["2202.00002", "2202.00009"]):
        services.set(f"arxiv {','.join(batch)}", Said(type="application/atom+xml", body=feed([atom_entry(id, TITLE, AUTHORS) for id in batch])))
    services.acl("2023.emnlp-main.1", title=TITLE, authors=AUTHORS, year=2023, booktitle="EMNLP")
    collection, steps = papers(taxonomy, *given), []
    report = audit(collection, given, client, steps.append)
    assert (report.rows, report.notes, report.complete, report.checked) == ((), (), True, 5)
    assert sum(steps) == sum(len(wanted(p)) for p in given) == 5 and len(services.asked) == 3


def test_findings_stand_in_the_order_of_the_papers_with_what_to_do(services, client, taxonomy):
    given = [preprint("b2022c", ids={"arxiv": "2202.00001"}), make_paper("a2023b", ids={"doi": "10.1234/x"}), preprint("d2022e", ids={"arxiv": "2202.00002"})]
    services.set("arxiv 2202.00001,2202.00002", Said(type="application/atom+xml", body=feed([atom_entry("2202.00001", "Other Words Entirely", AUTHORS)])))
    services.crossref("10.1234/x", title="Quite Another Thing", authors=["Ann Other"], year=2023, container="Journal")
    report = audit(papers(taxonomy, *given), given, client)
    assert [(row.key, row.kind) for row in report.rows] == [("b2022c", "title"), ("a2023b", "another-paper"), ("d2022e", "gone")]


def test_an_id_that_nobody_knows_is_told(services, client, taxonomy):
    given = [make_paper("a2023b", ids={"doi": "10.1234/x"}), make_paper("c2023d", ids={"anthology": "2023.emnlp-main.1"}), make_paper("e2023f", ids={"openreview": "abcDEF12345"})]
    report = audit(papers(taxonomy, *given), given, client)
    assert {(row.key, row.kind, row.field) for row in report.rows} == {("a2023b", "gone", "ids.doi"), ("c2023d", "gone", "ids.anthology"), ("e2023f", "gone", "ids.openreview")}


def test_a_service_that_fails_is_told_and_the_others_are_asked(services, client, taxonomy):
    given = [preprint("a2022b", ids={"arxiv": "2202.00001"})] + [make_paper(f"c2023d{n}", ids={"doi": f"10.1234/{n}"}) for n in range(5)]
    given.append(make_paper("e2023f", ids={"anthology": "2023.emnlp-main.1"}))
    services.set("arxiv 2202.00001", Said(503))
    for n in range(5):
        services.set(f"crossref 10.1234/{n}", Said(500))
    services.acl("2023.emnlp-main.1", title="Other Words Entirely", authors=AUTHORS, year=2023, booktitle="EMNLP")
    steps = []
    report = audit(papers(taxonomy, *given), given, client, steps.append)
    assert [(row.key, row.kind) for row in report.rows] == [("e2023f", "title")] and not report.complete and report.checked == 1
    assert any("the preprint of a2022b was not compared" in note for note in report.notes)
    assert any(note.endswith("looked up by doi (2 left)") for note in report.notes) and sum(steps) == 7
    assert not any("10.1234/3" in path for path in services.paths()), "a service that fails three times is left in peace"


def test_papers_without_an_id_are_left_out(services, client, taxonomy):
    given = [make_paper(ids={})]
    assert wanted(given[0]) == [] and audit(papers(taxonomy, *given), given, client).checked == 0
