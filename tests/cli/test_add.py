"""`survey add`, as a person uses it: from an id to a file, and never half a file."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from survey.checks import check
from survey.cli import main
from survey.files.writer import dump
from tests.entries import make_entry, make_root
from tests.intake.services import Said

PAPER = {
    "title": "NightEdit: Editing Facts at Night", "authors": ["Ann Bau", "Maarten de Rijke", "Nicola De Cao"],
    "abstract": "We propose NightEdit, a rank-one method that preserves unrelated knowledge. Code: https://github.com/bau/night",
}  # fmt: skip
KEY, PATH = "bau2026nightedit", "papers/2026/bau2026nightedit.yaml"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A small clone with one entry, in which the command runs."""
    root = make_root(tmp_path, {"papers/2022/meng2022locating.yaml": make_entry()})
    monkeypatch.chdir(root)
    return root


def files(root) -> dict[str, str]:
    return {p.relative_to(root).as_posix(): p.read_text("utf-8") for p in sorted(root.rglob("*")) if p.is_file()}


def test_an_id_becomes_a_complete_entry(clone, services, capsys):
    services.arxiv("2601.00001", **PAPER, comment="Accepted to ACL 2026")
    assert main(["add", "https://arxiv.org/abs/2601.00001v2"]) == 0
    assert (clone / PATH).read_text("utf-8").splitlines() == [
        'title: "NightEdit: Editing Facts at Night"', "authors: [Ann Bau, Maarten de Rijke, {given: Nicola, family: De Cao}]", "year: 2026", "venue: acl",
        "acronym: NightEdit", 'ids: {arxiv: "2601.00001"}', "links: {code: https://github.com/bau/night}", 'kinds: [method]  # "NightEdit:"',
        'proposes: {families: [locate-and-edit]}  # "rank-one"', "pitfalls:", '  - {id: locality, stance: mitigates, basis: abstract}  # "unrelated knowledge"',
        "unconfirmed: [venue, tags]", f"annotated: {{basis: abstract, on: {time.strftime('%Y-%m-%d')}}}", "sources: [arXiv]",
    ]  # fmt: skip
    out = capsys.readouterr().out
    assert f"wrote {PATH}" in out and "suggested tags, for you to confirm:" in out and '"unrelated knowledge"' in out
    assert "not known, left out: pages, summary (yours to write)" in out and f"survey check {PATH}" in out
    report = check(clone)
    assert not report.failed and [f.code for f in report.findings if f.path == PATH] == ["A354", "A356"]


def test_abstracts_are_not_stored(clone, services, capsys):
    services.arxiv("2601.00001", **PAPER)
    main(["add", "2601.00001"])
    assert "a rank-one method that preserves" not in (clone / PATH).read_text("utf-8")


def test_a_dry_run_prints_the_entry_and_writes_nothing(clone, services, capsys):
    services.arxiv("2601.00001", **PAPER)
    before = files(clone)
    assert main(["add", "2601.00001", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith('title: "NightEdit') and f"would write {PATH}" in err and files(clone) == before


def test_json_tells_programs_everything(clone, services, capsys):
    services.arxiv("2601.00001", **PAPER)
    assert main(["add", "2601.00001", "2601.99999", "--format", "json"]) == 1
    good, bad = json.loads(capsys.readouterr().out)
    assert (good["status"], good["key"], good["path"], good["entry"]["venue"]) == ("added", KEY, PATH, "arxiv")
    assert good["suggestions"][0] == {"field": "kinds", "value": "method", "words": "NightEdit:", "stance": ""}
    assert bad == {"source": "2601.99999", "status": "failed", "message": "arXiv has no paper 2601.99999"}


# Duplicates


def test_a_paper_that_is_here_is_recognised_with_what_the_source_adds(clone, services, capsys):
    services.arxiv("2202.05262", **{"title": make_entry()["title"], "authors": make_entry()["authors"]}, comment="Code: https://github.com/kmeng01/rome")
    before = files(clone)
    assert main(["add", "2202.05262"]) == 1
    out = capsys.readouterr().out
    assert "2202.05262 is here already: meng2022locating has the same id (arxiv 2202.05262)" in out
    assert "the source adds links: code https://github.com/kmeng01/rome" in out and "`survey add 2202.05262 --update` merges that" in out
    assert files(clone) == before


def test_update_merges_and_keeps_comments(clone, services, capsys):
    place = clone / "papers/2022/meng2022locating.yaml"
    place.write_text("# Mine.\n\n" + dump(make_entry()).replace("year: 2022", "year: 2022  # checked"), "utf-8")
    services.arxiv("2202.05262", **{"title": make_entry()["title"], "authors": make_entry()["authors"]}, comment="Code: https://github.com/kmeng01/rome")
    assert main(["add", "2202.05262", "--update"]) == 0
    text = place.read_text("utf-8")
    assert text.startswith("# Mine.\n") and "year: 2022  # checked" in text and "links: {code: https://github.com/kmeng01/rome}" in text
    assert "added links: code https://github.com/kmeng01/rome" in capsys.readouterr().out
    assert main(["add", "2202.05262", "--update"]) == 0
    assert "nothing to add" in capsys.readouterr().out and place.read_text("utf-8") == text


def test_a_preprint_becomes_its_publication_and_moves(clone, services, capsys):
    preprint = make_entry(title="Editing at Dusk", authors=["Ann Bau", "Cy Dee"], year=2025, venue="arxiv", ids={"arxiv": "2511.00001"}, unconfirmed=["authors"])
    old = clone / "papers/2025/bau2025editing.yaml"
    old.parent.mkdir()
    old.write_text(dump(preprint), "utf-8")
    services.acl("2026.acl-long.7", title="Editing at Night", authors=["Ann Bau", "Cy Dee"], year=2026, booktitle="Proceedings", pages="1-9", doi="10.18653/v1/2026.acl-long.7")
    services.arxiv("2511.00001", title="Editing at Dusk", authors=["Ann Bau", "Cy Dee"], doi="10.18653/v1/2026.acl-long.7")
    assert main(["add", "2511.00001"]) == 1 and "venue: arxiv -> acl" in capsys.readouterr().out
    assert main(["add", "2511.00001", "--update"]) == 0
    text = (clone / "papers/2026/bau2025editing.yaml").read_text("utf-8")
    assert not old.exists() and "venue: acl" in text and "former_titles: [Editing at Dusk]" in text and "pages: 1-9" in text and "unconfirmed" not in text
    assert not check(clone).failed


def test_a_dry_run_of_an_update_shows_what_would_be_written(clone, services, capsys):
    place = clone / "papers/2022/meng2022locating.yaml"
    place.write_text("# Mine.\n\n" + dump(make_entry()).replace("year: 2022", "year: 2022  # checked"), "utf-8")
    services.arxiv("2202.05262", **{"title": make_entry()["title"], "authors": make_entry()["authors"]}, comment="Code: https://github.com/kmeng01/rome")
    assert main(["add", "2202.05262", "--update", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert main(["add", "2202.05262", "--update"]) == 0 and place.read_text("utf-8") == shown and "# Mine." in shown


def test_the_advice_names_the_venue_that_was_given(clone, services, capsys):
    services.arxiv("2202.05262", **{"title": make_entry()["title"], "authors": make_entry()["authors"]})
    (clone / "papers/2022/meng2022locating.yaml").write_text(dump(make_entry(venue="arxiv")), "utf-8")
    assert main(["add", "2202.05262", "--venue", "neurips"]) == 1
    assert "`survey add 2202.05262 --update --venue neurips` merges that" in capsys.readouterr().out
    assert main(["add", "2202.05262", "--update", "--venue", "neurips"]) == 0 and "changed venue: arxiv -> neurips" in capsys.readouterr().out


def test_contradictions_are_told_and_not_applied(clone, services, capsys):
    services.arxiv("2202.05262", title=make_entry()["title"], authors=["Somebody Else", "Kevin Meng"])
    before = files(clone)
    assert main(["add", "2202.05262", "--update"]) == 0
    assert "contradicts the entry, not changed: authors: Kevin Meng, David Bau, Alex Andonian -> Somebody Else, Kevin Meng" in capsys.readouterr().out
    assert files(clone) == before


def test_a_withdrawn_preprint_is_marked_and_a_publication_is_not(clone, services, capsys):
    services.arxiv("2202.05262", title=make_entry()["title"], authors=make_entry()["authors"], comment="This paper has been withdrawn by the authors")
    assert main(["add", "2202.05262", "--update"]) == 0
    assert "not changed: status: published -> withdrawn" in capsys.readouterr().out
    (clone / "papers/2022/meng2022locating.yaml").write_text(dump(make_entry(venue="arxiv")), "utf-8")
    assert main(["add", "2202.05262", "--update"]) == 0
    text = (clone / "papers/2022/meng2022locating.yaml").read_text("utf-8")
    assert "status: withdrawn" in text and 'note: "arXiv: This paper has been withdrawn by the authors"' in text


def test_a_similar_title_by_the_same_people_asks(clone, services, capsys):
    entry = make_entry(title="Locating and Editing Factual Associations in Small GPT", authors=make_entry()["authors"], venue="iclr-workshop", ids={"openreview": "abcDEF1234"}, year=2023)
    services.openreview("abcDEF1234", title=entry["title"], authors=entry["authors"], venue="ICLR 2023 Workshop", venueid="ICLR.cc/2023/Workshop/X")
    assert main(["add", "openreview:abcDEF1234"]) == 1
    assert "may be here already: meng2022locating has a similar title and the same authors" in capsys.readouterr().out
    assert main(["add", "openreview:abcDEF1234", "--update", "--same", "--dry-run"]) == 0
    assert "would add ids: openreview abcDEF1234" in capsys.readouterr().err
    assert main(["add", "openreview:abcDEF1234", "--another"]) == 0 and (clone / "papers/2023/meng2023locating.yaml").exists()


def test_a_title_that_differs_in_a_word_asks(clone, services, capsys):
    (clone / "my.bib").write_text("@inproceedings{x, title={Locating and Editing Factual Associations in GPTs}, author={Meng, K. and Kevin Meng and David Bau}, year={2022}, booktitle={NeurIPS}}", "utf-8")
    assert main(["add", "my.bib"]) == 1
    assert "may be here already: meng2022locating has nearly the same title, and the same authors" in capsys.readouterr().out


def test_what_is_here_is_told_even_when_its_service_is_away(clone, services, capsys, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda s: None)
    for route in ("arxiv 2202.05262", "datacite 10.48550/arxiv.2202.05262"):
        services.answers[route] = Said(503)
    assert main(["add", "2202.05262"]) == 1 and "(2202.05262 is here already: meng2022locating)" in capsys.readouterr().err
    services.answers["arxiv 2601.00009"] = Said(503)
    assert main(["add", "2601.00009"]) == 1 and "here already" not in capsys.readouterr().err


PREPRINT = {"title": "Editing at Dusk", "authors": ["Ann Bau", "Bert Chu", "Carl Dee"], "year": 2025, "venue": "arxiv", "ids": {"arxiv": "2511.00001"}}


def test_an_update_never_loses_authors(clone, services, capsys):
    place = clone / "papers/2025/bau2025editing.yaml"
    place.parent.mkdir()
    for author in ("A. Bau and others", "A. Bau and B. Chu and C. Dee", "Ann Bau and Bert Chu"):
        place.write_text(dump(make_entry(**PREPRINT)), "utf-8")
        (clone / "my.bib").write_text(f"@inproceedings{{x, title={{Editing at Dusk}}, author={{{author}}}, year={{2025}}, booktitle={{EMNLP}}}}", "utf-8")
        main(["add", "my.bib", "--update"])
        assert "contradicts the entry, not changed: authors" in capsys.readouterr().out
        assert "authors: [Ann Bau, Bert Chu, Carl Dee]" in place.read_text("utf-8") and "venue: emnlp" in place.read_text("utf-8")


def test_the_same_title_by_other_people_is_another_paper(clone, services, capsys):
    services.crossref("10.1000/x", title=make_entry()["title"], authors=["Xi Other", "Yo Person"], year=2024, container="CIKM")
    before = files(clone)
    assert main(["add", "10.1000/x"]) == 1 and "may be here already" in capsys.readouterr().out
    assert main(["add", "10.1000/x", "--update", "--same"]) == 0 and files(clone) == before
    assert main(["add", "10.1000/x", "--another"]) == 0 and (clone / "papers/2024/other2024locating.yaml").exists()


def test_what_others_write_meanwhile_is_kept(clone, services, capsys, monkeypatch):
    services.arxiv("2202.05262", **{"title": make_entry()["title"], "authors": make_entry()["authors"]}, comment="Code: https://github.com/kmeng01/rome")
    place = clone / "papers/2022/meng2022locating.yaml"
    whole = services.answer

    def slowly(path):
        place.write_text(dump(make_entry(summary="Somebody wrote this.", links={"project": "https://rome.baulab.info"})), "utf-8")
        return whole(path)

    monkeypatch.setattr(services, "answer", slowly)
    assert main(["add", "2202.05262", "--update"]) == 0
    text = place.read_text("utf-8")
    assert "Somebody wrote this." in text and "rome.baulab.info" in text and "github.com/kmeng01/rome" in text


def test_two_updates_at_once_are_both_kept(clone, services):
    services.arxiv("2202.05262", **{"title": make_entry()["title"], "authors": make_entry()["authors"]}, comment="Code: https://github.com/kmeng01/rome")
    services.openreview("abcDEF1234", title=make_entry()["title"], authors=make_entry()["authors"], venue="NeurIPS 2022 poster", venueid="NeurIPS.cc/2022/Conference")
    running = [start(clone, services, source, "--update") for source in ("2202.05262", "openreview:abcDEF1234")]
    assert [(p.communicate(timeout=60), p.returncode)[1] for p in running] == [0, 0]
    text = (clone / "papers/2022/meng2022locating.yaml").read_text("utf-8")
    assert "openreview: abcDEF1234" in text and "github.com/kmeng01/rome" in text


def test_one_that_cannot_be_written_does_not_stop_the_others(clone, services, capsys):
    services.arxiv("2601.00001", **PAPER)
    services.arxiv("2501.00001", title="Editing at Dusk", authors=["Bert Chu"])
    (clone / "papers/2025").write_text("no folder", "utf-8")
    assert main(["add", "2501.00001", "2601.00001", "--format", "json"]) == 1
    bad, good = json.loads(capsys.readouterr().out)
    assert bad["status"] == "failed" and "could not be written" in bad["message"] and good["status"] == "added"


def test_two_of_one_run_have_two_keys(clone, services, capsys):
    for n, word in ((1, "Dusk"), (2, "Dawn")):
        services.arxiv(f"2601.0000{n}", title=f"Editing {word} Facts", authors=["Ann Bau", word])
    assert main(["add", "2601.00001", "2601.00002", "-n", "--format", "json"]) == 0
    assert [row["key"] for row in json.loads(capsys.readouterr().out)] == ["bau2026editing", "bau2026editingdawn"]


def test_nothing_of_a_source_steers_the_terminal(clone, services, capsys):
    (clone / "my.bib").write_text("@misc{k\x1b[31mred, author={A B}}", "utf-8")
    assert main(["add", "my.bib"]) == 1
    services.crossref("10.1145/2", title="Editing \x9b31m Facts", authors=["Gil \x9bHu"], year=2026, container="KDD")
    main(["add", "10.1145/2"])
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err and "\x9b" not in out + err


# Files and standard input

BIB = """
@misc{one, title={Editing One Fact}, author={Ann Bau and Cy Dee}, year={2025}, booktitle={EMNLP 2025}}
@article{two, title={NightEdit: Editing Facts at Night}, author={Ann Bau and others}, journal={arXiv preprint arXiv:2601.00001}, year={2026}}
@proceedings{three, title={All of It}}
@inproceedings{four, title={Locating and editing factual associations in gpt}, author={Kevin Meng and David Bau}, year={2022}, booktitle={NIPS}}
@misc{five, title={Editing One Fact}, author={Ann Bau and Cy Dee}, year={2025}, booktitle={EMNLP 2025}}
"""


def test_a_bibtex_file_is_added_as_far_as_it_goes(clone, services, capsys):
    (clone / "my.bib").write_text(BIB, "utf-8")
    services.arxiv("2601.00001", **PAPER)
    assert main(["add", "my.bib"]) == 1
    out, err = capsys.readouterr()
    assert "wrote papers/2025/bau2025editing.yaml" in out and f"wrote {PATH}" in out
    assert "my.bib:4: three is @proceedings, and no paper" in err and "my.bib:5 is here already: meng2022locating" in out
    assert "my.bib:6: the same paper as my.bib:2" in err and "5 papers: 2 added, 1 here already, 2 failed" in err
    # The service tells all authors where the file said "and others".
    assert "Maarten de Rijke" in (clone / PATH).read_text("utf-8") and "BibTeX (my.bib)" in (clone / PATH).read_text("utf-8")


def test_a_wrong_id_in_a_file_is_told(clone, services, capsys):
    (clone / "my.bib").write_text("@misc{x, title={Editing One Fact}, author={Gil Hu}, eprint={2601.00001}}", "utf-8")
    services.arxiv("2601.00001", title="Tracking Many Objects", authors=["Io Ji"])
    assert main(["add", "my.bib"]) == 1
    assert "my.bib:1: 2601.00001 is the id of another paper, 'Tracking Many Objects' by Io Ji: mend the id" in capsys.readouterr().err


def test_a_service_that_is_away_leaves_the_facts_of_the_file_unconfirmed(clone, services, capsys):
    (clone / "my.bib").write_text("@misc{x, title={Editing One Fact}, author={Gil Hu}, eprint={2601.00001}}", "utf-8")
    services.answers["arxiv 2601.00001"] = services.answers["datacite 10.48550/arxiv.2601.00001"] = Said(403)
    assert main(["add", "my.bib"]) == 0
    assert "unconfirmed: [authors, title, venue, year, tags]" in (clone / "papers/2026/hu2026editing.yaml").read_text("utf-8")


def test_a_venue_of_the_file_alone_is_not_confirmed(clone, services, capsys):
    (clone / "my.bib").write_text("@inproceedings{x, title={NightEdit: Editing Facts at Night}, author={Ann Bau}, booktitle={EMNLP}, year={2025}, pages={1--9}, eprint={2601.00001}}", "utf-8")
    services.arxiv("2601.00001", **PAPER)
    assert main(["add", "my.bib"]) == 0
    text = (clone / "papers/2025/bau2025nightedit.yaml").read_text("utf-8")
    assert "venue: emnlp" in text and "unconfirmed: [venue, tags]" in text and "pages: 1-9" in text and "Maarten de Rijke" in text


@pytest.mark.parametrize("author", ["Kevin Meng, David Bau", "Kevin Meng, David Bau, Foo Bar", "Meng, Kevin; Bau, David", "Kevin Meng & David Bau", "A B, C D, E F, G H"])
def test_several_authors_in_one_are_refused_not_guessed(author, clone, services, capsys):
    (clone / "my.bib").write_text(f"@misc{{x, title={{Editing One Fact}}, author={{{author}}}, year={{2025}}, booktitle={{EMNLP 2025}}}}", "utf-8")
    before = files(clone)
    assert main(["add", "my.bib"]) == 1 and "looks like several authors: write `and` between two of them" in capsys.readouterr().err
    assert files(clone) == before


def test_a_link_that_no_entry_may_have_is_left_out_and_told(clone, services, capsys):
    (clone / "my.bib").write_text("@inproceedings{x, title={Editing One Fact}, author={Gil Hu}, year={2025}, booktitle={EMNLP 2024}, url={http://localhost/secret}}", "utf-8")
    assert main(["add", "my.bib"]) == 0
    out = capsys.readouterr().out
    assert "note: the paper link was left out: http://localhost/secret is no public address" in out and "localhost" not in (clone / "papers/2024/hu2024editing.yaml").read_text("utf-8")
    assert "note: the venue's name says 2024, the record 2025" in out and "warning: no id and no link" in out


def test_one_bad_line_does_not_stop_the_others(clone, services, capsys):
    services.arxiv("2601.00001", **PAPER)
    assert main(["add", "nonsense", "meng2022locating", "2601.00001", "--format", "json"]) == 1
    bad, key, good = json.loads(capsys.readouterr().out)
    assert bad["status"] == key["status"] == "failed" and "survey add -" in bad["message"] and "`survey show meng2022locating`" in key["message"]
    assert good["status"] == "added"


def test_breaking_off_says_what_was_written(clone, services, capsys, monkeypatch):
    services.arxiv("2601.00001", **PAPER)
    services.answers["arxiv 2601.00002"] = Said(503)

    def broken_off(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", broken_off)
    assert main(["add", "2601.00001", "2601.00002"]) == 130 and "survey: broken off, 1 paper written" in capsys.readouterr().err


def test_standard_input_holds_ids_or_bibtex(clone, services, capsys, monkeypatch):
    services.arxiv("2601.00001", **PAPER)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"# mine\n\n2601.00001\narXiv:2202.05262v1\n")))
    services.arxiv("2202.05262", title=make_entry()["title"], authors=make_entry()["authors"])
    assert main(["add", "-"]) == 1
    assert f"wrote {PATH}" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"2601.00001\nnonsense\n")))
    assert main(["add", "-"]) == 1 and "standard input:2: 'nonsense' is no arXiv id" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert main(["add", "-"]) == 1 and "standard input holds no BibTeX entry and no id" in capsys.readouterr().err


# What goes wrong


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (None, "arXiv has no paper 2601.00001"), (Said(429), "arXiv is too busy (429, 3 tries)"), (Said(500), "arXiv has a fault of its own (500, 3 tries)"),
        (Said(type="text/html", body=b"<html>"), "arXiv answers with a web page instead of data"), (Said(body=b"{}"), "the answer of arXiv is no Atom feed"),
        ("cut", "the answer of arXiv broke off"), ("other", "arXiv answers with another paper (2601.00002)"), ("withdrawn", "2601.00001 has been withdrawn (withdrawn by the authors)"),
        ("offline", "arXiv cannot be reached"),
    ],
    ids=lambda v: v if isinstance(v, str) and " " not in v else "",
)  # fmt: skip
def test_every_failure_is_one_line_and_writes_nothing(said, message, clone, services, capsys, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda s: None)
    services.arxiv("2601.00001", **PAPER)
    whole = services.answers.pop("arxiv 2601.00001")
    if said == "cut":
        said = Said(type=whole.type, body=whole.body, cut=True)
    elif said == "other":
        services.arxiv("2601.00002", **PAPER)
        said = services.answers["arxiv 2601.00002"]
    elif said == "withdrawn":
        services.arxiv("2601.00001", **PAPER, comment="withdrawn by the authors")
        said = services.answers["arxiv 2601.00001"]
    elif said == "offline":
        for name in ("SURVEY_ARXIV_URL", "SURVEY_DATACITE_URL"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        said = whole
    if said:
        services.answers["arxiv 2601.00001"] = said
    before = files(clone)
    assert main(["add", "2601.00001"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"survey: {message}") and err.count("\n") == 1 and "Traceback" not in err
    assert files(clone) == before


def test_an_openreview_id_may_begin_with_a_minus(clone, services, capsys):
    services.openreview("-h6WAS6eE4", title="Editing at Noon", authors=["Ann Bau"], venue="ICLR 2024 poster", venueid="ICLR.cc/2024/Conference")
    assert main(["add", "-h6WAS6eE4", "-n"]) == 0 and 'openreview: "-h6WAS6eE4"' in capsys.readouterr().out


@pytest.mark.parametrize("words", [["add"], ["add", "2601.00001", "--format", "xml"]])
def test_wrong_usage_is_2(words, clone, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_a_venue_that_nobody_lists_is_asked_for(clone, services, capsys):
    services.crossref("10.1103/x", **{k: PAPER[k] for k in ("title", "authors")}, year=2026, container="Physical Review B")
    assert main(["add", "10.1103/x"]) == 1 and "name one of its ids (--venue on the command line)" in capsys.readouterr().err
    assert main(["add", "10.1103/x", "--venue", "nowhere"]) == 1 and "there is no venue 'nowhere'" in capsys.readouterr().err
    assert main(["add", "10.1103/x", "--venue", "tmlr"]) == 0 and "venue: tmlr" in (clone / PATH).read_text("utf-8")


def test_a_paper_on_something_else_is_doubted(clone, services, capsys):
    services.arxiv("2601.00001", title="Tracking Objects", authors=["Ann Bau"])
    assert main(["add", "2601.00001"]) == 0 and "is it in the scope of the tagging guide?" in capsys.readouterr().out


def test_a_hostile_answer_stays_text(clone, services, capsys):
    title = '\x1b[31m</title><script>alert(1)</script> "}\n- !!python/object:os.system {x: *y} # [editing] `$(id)` ../../../etc'
    services.crossref("10.1145/1", title=title, authors=["Eve <b>Foo</b>", "../../x"], year=2026, container="CIKM", abstract="@everyone we propose \x1b[31m editing")
    assert main(["add", "10.1145/1"]) == 1  # Written, and refused by the check until somebody mends it.
    (made,) = (clone / "papers").rglob("foo2026*.yaml")
    assert made.parent == clone / "papers/2026" and "\x1b" not in made.read_text("utf-8") + capsys.readouterr().out
    assert {f.code for f in check(clone).findings if f.path == made.relative_to(clone).as_posix()} <= {"A356", "P601", "P602", "N507", "V702"}


def test_a_key_cannot_leave_the_folder(clone, services, capsys):
    services.arxiv("2601.00001", title="../../../../tmp/x", authors=["../../etc/passwd"])
    main(["add", "2601.00001"])
    assert all(p.resolve().is_relative_to(clone) for p in clone.rglob("*")) and {p.parent.name for p in clone.rglob("*.yaml")} <= {"2022", "2026"}


# Two at once, and killed


def start(clone, services, *words, **env):
    environment = {**os.environ, **services.environment, "SURVEY_CACHE": "off", "SURVEY_ROOT": str(clone), **env}
    return subprocess.Popen([sys.executable, "-m", "survey", "add", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_nothing_is_added_through_a_folder_that_is_a_link(clone, services, capsys, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (clone / "papers/2026").symlink_to(outside)
    services.arxiv("2601.00001", **PAPER)
    assert main(["add", "2601.00001"]) == 1
    assert "papers/2026 is a link, not a folder" in capsys.readouterr().err
    assert os.listdir(outside) == [] and (clone / "papers/2026").is_symlink()


def test_two_at_once_do_not_hurt_each_other(clone, services):
    for n in range(4):
        services.arxiv(f"2601.0000{n}", title=f"Editing {'One Two Three Four'.split()[n]} Facts", authors=["Ann Bau", f"Cy {'Dee Foo Hu Ji'.split()[n]}"])
    running = [start(clone, services, f"2601.0000{n}") for n in (0, 1, 2, 3, 0)]
    done = [(p.communicate(timeout=60), p.returncode) for p in running]
    # The fifth is the first paper again, whichever of the two came later.
    assert sorted(code for _, code in done) == [0, 0, 0, 0, 1], done
    assert len(list((clone / "papers/2026").iterdir())) == 4
    assert not check(clone).failed, check(clone).findings


def test_killed_at_any_moment_the_collection_is_whole(clone, services):
    services.arxiv("2601.00001", **PAPER)
    began = time.monotonic()
    first = start(clone, services, "2601.00001")
    first.communicate(timeout=60)
    whole = (clone / PATH).read_text("utf-8")
    span = time.monotonic() - began
    for n in range(12):
        (clone / PATH).unlink()
        process = start(clone, services, "2601.00001")
        time.sleep(span * (0.4 + n / 18))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        if (clone / PATH).exists():
            assert (clone / PATH).read_text("utf-8") == whole
        else:
            (clone / PATH).write_text(whole, "utf-8")
        assert not check(clone).failed
