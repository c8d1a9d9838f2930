"""A preprint is followed to its publication where the source says so and the people are the same."""

from __future__ import annotations

import pytest

from survey.intake import IntakeError
from survey.intake.errors import NotFound, Unavailable
from survey.intake.lookup import look_up
from survey.intake.source import read_source
from tests.intake.services import Said

PAPER = {"title": "Editing Facts at Night", "authors": ["Ann Bau", "Cy Dee", "Eve Foo"]}
EMNLP = {"year": 2025, "container": "Proceedings of the 2025 Conference on Empirical Methods in Natural Language Processing"}


def ask(client, taxonomy, text):
    return look_up(client, read_source(text), taxonomy)


def test_a_preprint_alone_stays_one(services, client, taxonomy):
    services.arxiv("2601.00001", **PAPER, comment="15 pages", abstract="We edit. Code: https://github.com/a/b")
    found = ask(client, taxonomy, "2601.00001")
    assert found.place is None and found.year == 2026 and found.links == {"code": "https://github.com/a/b"} and found.unconfirmed == ()


def test_the_doi_of_a_preprint_is_followed(services, client, taxonomy):
    services.arxiv("2501.00001", **{**PAPER, "title": "Editing at Night"}, doi="10.1145/1", abstract="Old.")
    services.crossref("10.1145/1", **PAPER, year=2025, container="Proceedings of the 34th ACM International Conference on Information and Knowledge Management", pages="1-9")
    found = ask(client, taxonomy, "2501.00001")
    assert (found.title, found.place.venue, found.year, found.pages) == ("Editing Facts at Night", "cikm", 2025, "1-9")
    assert found.ids == {"arxiv": "2501.00001", "doi": "10.1145/1"} and found.former_titles == ("Editing at Night",)
    assert found.abstract == "Old." and found.sources == ("arXiv", "Crossref")


def test_a_doi_of_the_acl_is_asked_at_the_anthology(services, client, taxonomy):
    services.arxiv("2501.00001", **PAPER, doi="10.18653/v1/2025.emnlp-main.7")
    services.acl("2025.emnlp-main.7", **PAPER, year=2025, booktitle="Proceedings", pages="10-20", doi="10.18653/v1/2025.emnlp-main.7")
    found = ask(client, taxonomy, "2501.00001")
    assert found.place.venue == "emnlp" and set(found.ids) == {"arxiv", "doi", "anthology"}


def test_a_doi_of_other_people_is_not_followed(services, client, taxonomy):
    services.arxiv("2501.00001", **PAPER, doi="10.1145/1")
    services.crossref("10.1145/1", title="Tracking Objects", authors=["Gil Hu", "Io Ji"], year=2025, container="ACM MM")
    found = ask(client, taxonomy, "2501.00001")
    assert found.place is None and found.ids == {"arxiv": "2501.00001"}
    assert found.notes == ("arXiv names 10.1145/1 as the published version, but that is 'Tracking Objects' by Gil Hu: not followed",)


def test_a_doi_that_cannot_be_asked_is_told(services, client, taxonomy):
    services.arxiv("2501.00001", **PAPER, doi="10.1145/1")
    found = ask(client, taxonomy, "2501.00001")
    assert found.ids == {"arxiv": "2501.00001"} and "but neither Crossref nor DataCite has the DOI 10.1145/1" in found.notes[0]


def test_a_published_title_that_lost_its_capitals_does_not_win(services, client, taxonomy):
    services.arxiv("2501.00001", title="MemEdit: Editing GPT", authors=["Ann Bau"], doi="10.1145/1")
    services.crossref("10.1145/1", title="Memedit: editing gpt", authors=["Ann Bau"], year=2025, container="CIKM")
    assert ask(client, taxonomy, "2501.00001").title == "MemEdit: Editing GPT"


def test_a_comment_is_believed_a_little(services, client, taxonomy):
    services.arxiv("2512.00001", **PAPER, comment="Accepted to ACL 2026")
    found = ask(client, taxonomy, "2512.00001")
    assert (found.place.venue, found.year, found.unconfirmed) == ("acl", 2026, ("venue",)) and "rests on arXiv's comment" in found.notes[0]


def test_a_comment_that_names_no_venue_of_ours_is_told(services, client, taxonomy):
    services.arxiv("2512.00001", **PAPER, comment="Accepted to NOWHERE 2026")
    found = ask(client, taxonomy, "2512.00001")
    assert found.place is None and "which names no venue and year that we list" in found.notes[0]


def test_a_journal_reference_is_read(services, client, taxonomy):
    services.arxiv("2406.00001", **PAPER, journal="Proceedings of the AAAI Conference on Artificial Intelligence 2025")
    found = ask(client, taxonomy, "2406.00001")
    assert (found.place.venue, found.year, found.unconfirmed) == ("aaai", 2025, ())


def test_datacite_steps_in_while_arxiv_is_away(services, client, taxonomy):
    services.answers["arxiv 2501.00001"] = Said(503)
    services.datacite("10.48550/arXiv.2501.00001", **PAPER, year=2024, abstract="We edit.", published="10.1145/1")
    services.crossref("10.1145/1", **PAPER, **EMNLP)
    found = ask(client, taxonomy, "2501.00001")
    assert found.place.venue == "emnlp" and found.ids == {"arxiv": "2501.00001", "doi": "10.1145/1"}
    assert "DataCite was asked instead" in " ".join(found.notes) and "withdrawn" in " ".join(found.notes)


def test_both_away_tells_of_the_first(services, client, taxonomy):
    services.answers["arxiv 2501.00001"] = Said(503)
    services.answers["datacite 10.48550/arxiv.2501.00001"] = Said(503)
    with pytest.raises(Unavailable, match="arXiv is too busy"):
        ask(client, taxonomy, "2501.00001")


def test_datacite_knows_dois_that_crossref_does_not(services, client, taxonomy):
    services.datacite("10.5281/zenodo.7", **PAPER, year=2025, container="COLM 2025")
    assert ask(client, taxonomy, "10.5281/zenodo.7").place.venue == "colm"
    with pytest.raises(NotFound, match=r"neither Crossref nor DataCite has the DOI 10.5281/zenodo.8"):
        ask(client, taxonomy, "10.5281/zenodo.8")


def test_the_anthology_may_be_asked_by_its_doi(services, client, taxonomy):
    services.answers["acl 2025.emnlp-main.7"] = Said(500)
    services.crossref("10.18653/v1/2025.emnlp-main.7", **PAPER, **EMNLP)
    found = ask(client, taxonomy, "2025.emnlp-main.7")
    assert found.place.venue == "emnlp" and found.ids["anthology"] == "2025.emnlp-main.7" and "Crossref was asked instead" in found.notes[0]


def test_the_anthology_answering_with_a_page_or_another_paper_is_told(services, client, taxonomy):
    services.answers["acl 2025.emnlp-main.7"] = Said(type="text/html", body=b"<html>")
    with pytest.raises(IntakeError, match="the ACL Anthology answers with a web page instead of data"):
        ask(client, taxonomy, "2025.emnlp-main.7")
    services.acl("2025.emnlp-main.8", **PAPER, year=2025, booktitle="P")
    services.answers["acl 2025.emnlp-main.7"] = services.answers["acl 2025.emnlp-main.8"]
    with pytest.raises(IntakeError, match=r"another paper \(2025.emnlp-main.8\) when asked for 2025.emnlp-main.7"):
        ask(client, taxonomy, "2025.emnlp-main.7")


# OpenReview


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("venue", "venueid", "expected"),
    [
        ("ICLR 2024 poster", "ICLR.cc/2024/Conference", ("iclr", 2024)), ("NeurIPS 2023 spotlight", "NeurIPS.cc/2023/Conference", ("neurips", 2023)),
        ("ME-FoMo 2023 Poster", "ICLR.cc/2023/Workshop/ME-FoMo", (None, 2023)), ("ICLR 2023 Workshop ME-FoMo", "ICLR.cc/2023/Workshop/ME-FoMo", ("iclr-workshop", 2023)),
        ("Accepted by TMLR", "TMLR", ("tmlr", 2023)), ("COLM", "colmweb.org/COLM/2024/Conference", ("colm", 2024)), ("EMNLP 2023 Findings", "EMNLP/2023/Conference", ("findings-emnlp", 2023)),
        ("", "ICML.cc/2024/Conference", ("icml", 2024)),
    ],
)  # fmt: skip
def test_openreview_tells_where_it_was_accepted(venue, venueid, expected, version, services, client, taxonomy):
    services.openreview("abcDEF1234", **PAPER, venue=venue, venueid=venueid, version=version)
    found = ask(client, taxonomy, "openreview:abcDEF1234")
    assert (found.place.venue, found.year) == expected and found.ids == {"openreview": "abcDEF1234"}


@pytest.mark.parametrize("venue,venueid", [("Submitted to ICLR 2024", "ICLR.cc/2024/Conference/Rejected_Submission"), ("ICLR 2024 Conference Submission", "ICLR.cc/2024/Conference/Submission"), ("Under review for TMLR", "TMLR/Under_Review")])
def test_what_was_not_accepted_is_a_preprint(venue, venueid, services, client, taxonomy):
    services.openreview("abcDEF1234", **PAPER, venue=venue, venueid=venueid)
    found = ask(client, taxonomy, "openreview:abcDEF1234")
    assert found.place is None and found.year == 2023 and "entered as a preprint" in found.notes[0]


def test_an_authors_own_claim_is_not_confirmed(services, client, taxonomy):
    services.openreview("abcDEF1234", **PAPER, venue="ACL 2023", venueid="OpenReview.net/Public_Article")
    found = ask(client, taxonomy, "openreview:abcDEF1234")
    assert found.place.venue == "acl" and found.unconfirmed == ("venue",)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"notes": []}, "OpenReview has no paper abcDEF1234"), ({"error": "x"}, "has not the form that we know"), ({"notes": [{"id": "abcDEF1234"}]}, "no content"),
        ({"notes": [{"id": "zzz", "content": {}}]}, r"another paper \(zzz\)"), ({"notes": [{"id": "abcDEF1234", "forum": "theForum12", "content": {}}]}, "a comment or a review: its paper is theForum12"),
        ({"notes": [{"id": "abcDEF1234", "content": {"title": {"value": "T"}, "authors": {"value": ["Anonymous"]}}}]}, "does not name the authors"),
        ({"notes": [{"id": "abcDEF1234", "content": {"title": "T", "authors": None}}]}, "does not name the authors"), ({"notes": ["x", 7, None]}, "OpenReview has no paper"),
    ],
)  # fmt: skip
def test_other_answers_of_openreview_are_told(answer, message, services, client, taxonomy):
    from tests.intake.services import to_json

    services.answers["openreview abcDEF1234"] = Said(body=to_json(answer))
    with pytest.raises(IntakeError, match=message):
        ask(client, taxonomy, "openreview:abcDEF1234")


def test_the_older_interface_is_asked_for_older_papers(services, client, taxonomy, monkeypatch):
    from survey.intake import client as asking
    from survey.intake import openreview

    monkeypatch.delenv("SURVEY_OPENREVIEW_URL")
    newer = asking.OPENREVIEW._replace(address=f"{services.base}/none", variable="NONE")
    older = asking.OPENREVIEW_1._replace(address=services.base, variable="NONE")
    monkeypatch.setattr(openreview, "OPENREVIEW", newer)
    monkeypatch.setattr(openreview, "OPENREVIEW_1", older)
    services.openreview("abcDEF1234", **PAPER, version=1, bibtex="@inproceedings{x,\nbooktitle={International Conference on Learning Representations},\nyear={2020}\n}")
    found = ask(client, taxonomy, "openreview:abcDEF1234")
    assert (found.place.venue, found.year) == ("iclr", 2020)


# Withdrawals


@pytest.mark.parametrize(
    "comment",
    ["This paper has been withdrawn by the authors due to an error", "withdrawn", "arXiv admin note: This submission has been withdrawn by arXiv administrators", "The authors have withdrawn this paper", "Paper was temporarily withdrawn"],
)
def test_a_withdrawn_paper_says_so_in_its_comment(comment, services, client, taxonomy):
    services.arxiv("2601.00001", **PAPER, comment=comment)
    assert ask(client, taxonomy, "2601.00001").withdrawn == comment


@pytest.mark.parametrize("comment", ["Withdrawn from ICLR 2025", "has been withdrawn from consideration at ACL", "We study withdrawn edits", ""])
def test_other_words_are_no_withdrawal(comment, services, client, taxonomy):
    services.arxiv("2601.00001", **PAPER, comment=comment)
    assert not ask(client, taxonomy, "2601.00001").withdrawn


def test_publishers_and_openreview_tell_of_withdrawals(services, client, taxonomy):
    services.crossref("10.1000/r", **PAPER, year=2025, container="CIKM", **{"updated-by": [{"type": "retraction", "DOI": "10.1000/n"}]})
    assert "notice of retraction: 10.1000/n" in ask(client, taxonomy, "10.1000/r").withdrawn
    services.openreview("abcDEF1234", **PAPER, venue="ICLR 2023 Conference Withdrawn Submission", venueid="ICLR.cc/2023/Conference/Withdrawn_Submission")
    assert "Withdrawn Submission" in ask(client, taxonomy, "openreview:abcDEF1234").withdrawn
