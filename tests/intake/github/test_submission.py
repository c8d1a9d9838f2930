from __future__ import annotations

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.files.writer import dump
from survey.intake.errors import IntakeError
from survey.intake.github import submission
from survey.intake.github.submission import findings, of_event
from survey.intake.handover import BadHandover
from survey.intake.issue_form import CORRECT, REFERENCE, SUBMIT
from tests.checks.examples import OTHER
from tests.entries import PATH, make_entry
from tests.intake.github.inert import HOSTILE
from tests.intake.test_issue_form import body

NEW = {"title": "Editing by Moonlight: A Study", "authors": ["Eve Night", "Lu Na"], "abstract": "We propose a method for editing knowledge in language models."}


def event(form, number: int = 7, **answers: str) -> dict:
    return {"action": "opened", "issue": {"number": number, "body": body(form, **answers), "title": "x", "state": "open"}}


def asked(root, form, **answers: str):
    return of_event(event(form, **answers), root)


# A new paper, through the real intake


def test_an_id_becomes_an_entry(services, root):
    services.arxiv("2405.00001", **NEW)
    found = asked(root, SUBMIT, source="https://arxiv.org/abs/2405.00001v2")
    assert found.problem == "" and found.path == "papers/2024/night2024editing.yaml" and found.issue == 7 and found.kind == "submit"
    assert found.text.startswith('title: "Editing by Moonlight: A Study"\nauthors: [Eve Night, Lu Na]\n')
    assert any("left out" in line for line in found.lines)
    assert not (root / found.path).exists()


def test_one_entry_of_bibtex_becomes_an_entry(services, root):
    source = "@inproceedings{x, title={Editing at Dawn}, author={Night, Eve and Na, Lu}, booktitle={EMNLP}, year={2023}}"
    found = asked(root, SUBMIT, source=f"```bibtex\n{source}\n```")
    assert found.path == "papers/2023/night2023editing.yaml" and "venue: emnlp" in found.text


def test_several_papers_in_one_form_are_refused(services, root):
    for source in ("@misc{a, title={A}}\n@misc{b, title={B}}", "2405.00001\n2405.00002"):
        found = asked(root, SUBMIT, source=source)
        assert found.text == "" and "one issue for each paper" in found.lines[0]


def test_a_paper_without_an_id_is_described(services, root):
    given = {"title": "Editing at Noon", "authors": "Eve Night\nLu Na", "year": "2023", "venue": "EMNLP", "link": "https://example.org/noon"}
    found = asked(root, SUBMIT, **given)
    assert found.path == "papers/2023/night2023editing.yaml" and "authors: [Eve Night, Lu Na]" in found.text
    told = asked(root, SUBMIT, title="Editing at Noon")
    assert told.lines == ("there is no id, and no authors, no year, no venue: an entry needs the one or the others",)


def test_authors_on_one_line_are_refused_not_guessed(services, root):
    given = {"title": "Editing at Noon", "year": "2023", "venue": "EMNLP"}
    told = asked(root, SUBMIT, **given, authors="Eve Night, Luna Li and Foo Bar")
    assert told.text == "" and "'Eve Night, Luna Li' looks like several authors" in told.lines[0]


def test_a_paper_that_is_here_is_told_with_what_the_source_adds(services, root):
    services.arxiv("2202.05262", title=make_entry()["title"], authors=make_entry()["authors"], abstract="x", comment="Code: https://github.com/kmeng01/rome")
    found = asked(root, SUBMIT, source="2202.05262")
    assert found.problem == "We have this paper already." and found.text == ""
    assert found.lines[0].startswith("It is meng2022locating, which has the same id") and any("github.com/kmeng01/rome" in line for line in found.lines)


@pytest.mark.parametrize(("source", "told"), [("not an id", "is no arXiv id"), ("2405.99999", "has no paper"), ("/etc/passwd", "is no arXiv id"), ("-", "is no arXiv id")])
def test_what_cannot_be_found_is_told(services, root, source, told):
    found = asked(root, SUBMIT, source=source)
    assert found.problem == "The paper could not be entered." and told in found.lines[0] and found.text == ""


def test_no_file_of_the_machine_is_read(services, root, tmp_path):
    secret = tmp_path / "secret.bib"
    secret.write_text("@misc{x, title={Secret}, author={A B}, year={2020}, url={https://x.org/a}}")
    found = asked(root, SUBMIT, source=str(secret))
    assert "Secret" not in str(found) and found.text == "" and "is no arXiv id" in found.lines[0]


def test_the_box_must_be_ticked(root):
    assert "“Scope”" in asked(root, SUBMIT, source="2405.00001", scope="no").lines[0]


def test_an_entry_with_errors_is_told_by_line(root):
    from survey.intake.add import Proposal

    text = dump(make_entry(authors=["KEVIN MENG"], ids={"arxiv": "2405.00001"}, title="Something Else"))
    propose = lambda filled, collection: Proposal("x", "meng2022something", "papers/2022/meng2022something.yaml", text, {}, None)  # noqa: E731
    found = of_event(event(SUBMIT, source="x"), root, propose)
    assert found.text == "" and any(line.startswith("Line 2: ") and "(N501)" in line for line in found.lines)


def test_errors_of_the_intake_are_lines_for_the_submitter(root):
    def propose(filled, collection):
        raise IntakeError("arXiv does not answer in time: try again later")

    assert of_event(event(SUBMIT, source="x"), root, propose).lines == ("arXiv does not answer in time: try again later",)


# A correction

WORDS = {"what": "wrong", "where": "the paper"}


def test_a_link_that_ends_in_many_brackets_is_soon_checked(root):
    text, start = dump(make_entry(links={"code": f"https://github.com/kmeng01/rome{')' * 400}x"})), time.process_time()
    found = asked(root, CORRECT, key="meng2022locating", entry=text, **WORDS)
    assert found.problem == "" and found.path == PATH and time.process_time() - start < 20


def test_a_corrected_entry_is_taken(root):
    text = dump(make_entry(authors=["Kevin Meng", "David Bau", "Alex Andonian", "Yonatan Belinkov"]))
    found = asked(root, CORRECT, key="meng2022locating", entry=text, **WORDS)
    assert (found.path, found.text, found.problem) == (PATH, text, "")


@pytest.mark.parametrize("key", ["`meng2022locating`", "papers/2022/meng2022locating.yaml", "https://x.github.io/papers/meng2022locating/"])
def test_the_key_may_be_pasted_in_any_form(root, key):
    assert asked(root, CORRECT, key=key, **WORDS).path == PATH


def test_a_corrected_entry_comes_in_the_house_format_with_its_comments(root):
    text = dump(make_entry(pages="1-9")).replace("year: 2022", "year:   2022   # as printed")
    found = asked(root, CORRECT, key="meng2022locating", entry=text, **WORDS)
    assert found.text == dump(make_entry(pages="1-9")).replace("year: 2022", "year: 2022  # as printed")


def test_without_an_entry_it_is_left_to_a_person(root):
    found = asked(root, CORRECT, key="meng2022locating", **WORDS)
    assert (found.path, found.text, found.problem, found.lines) == (PATH, "", "", ())


def test_an_unknown_key_is_told(root):
    found = asked(root, CORRECT, key="meng2022locatin", **WORDS)
    assert found.problem == "There is no entry of that key." and found.lines[1] == "Did you mean meng2022locating?"
    assert asked(root, CORRECT, key="../../etc/passwd", **WORDS).path == ""


def test_a_correction_makes_no_other_paper_of_an_entry(root):
    text = dump(make_entry(title="Locating Something Else", ids={"arxiv": "2405.00001"}))
    found = asked(root, CORRECT, key="meng2022locating", entry=text, **WORDS)
    assert found.problem == "This would make the entry another paper." and found.text == ""


def test_a_correction_that_moves_to_another_year_moves_the_file(root):
    text = dump(make_entry(year=2023))
    found = asked(root, CORRECT, key="meng2022locating", entry=text, **WORDS)
    assert found.path == "papers/2023/meng2022locating.yaml" and found.problem == ""


def test_a_correction_that_changes_nothing_or_is_wrong_is_told(root):
    same = asked(root, CORRECT, key="meng2022locating", entry=(root / PATH).read_text(), **WORDS)
    assert same.problem == "The corrected entry is the entry as it is."
    broken = asked(root, CORRECT, key="meng2022locating", entry="title: [", **WORDS)
    assert broken.problem == "The corrected entry is not right yet." and broken.lines[0].startswith("Line ") and "Y101" in broken.lines[0]
    duplicate = dump(make_entry(ids={"arxiv": "2202.05262", "doi": "10.1234/x"}))
    (root / OTHER).write_text(dump(make_entry(title="Other", authors=["Ann Bau"], ids={"doi": "10.1234/x"})))
    assert any("D401" in line for line in asked(root, CORRECT, key="meng2022locating", entry=duplicate, **WORDS).lines)


# Events


def test_other_issues_are_not_answered(root):
    assert asked(root, REFERENCE, method="rome", command="c", expected="e", seen="s", versions="v") is None
    assert of_event({"issue": {"number": 7, "body": None}}, root) is None


@pytest.mark.parametrize("issue", [None, {}, {"number": "7"}, {"number": True}, {"number": -1}, {"number": 7, "pull_request": {}}])
def test_an_event_of_no_issue_is_refused(root, issue):
    with pytest.raises(BadHandover):
        of_event({"issue": issue}, root)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*HOSTILE, "meng2022locating", "../..", "title: x", "&a [*a, *a]", "!!python/object:os.system x"]), st.text(max_size=12)), max_size=6).map("\n".join))
def test_no_answer_breaks_a_correction(root, text):
    found = asked(root, CORRECT, key="meng2022locating", entry=text, **WORDS)
    assert found is None or found.text == "" or found.path == PATH
    assert asked(root, CORRECT, key=text or "x", **WORDS).path in ("", PATH)
    json.dumps(found.record() if found else None)


# What is wrong with an entry among the others


def test_a_duplicate_is_told_at_the_new_entry_whichever_comes_first(root):
    for path in ("papers/2021/aaa2021locating.yaml", "papers/2023/zzz2023locating.yaml"):
        (found,) = [f for f in findings(root, {path: dump(make_entry(year=int(path[7:11])))}) if f.code == "D401"]
        assert (found.path, found.other) == (path, PATH) and PATH in found.message and found.line


def test_an_entry_does_not_contradict_what_it_replaces(root):
    assert findings(root, {PATH: dump(make_entry())}) == []
    assert findings(root, {PATH: None, "papers/2023/meng2022locating.yaml": dump(make_entry(year=2023))}) == []


def test_many_problems_are_counted():
    from survey.checks.registry import Finding

    told = submission.told([Finding("D401", "x", line=n) for n in range(30)])
    assert len(told) == 21 and told[-1] == "And 10 more."
