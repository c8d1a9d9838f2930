from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from survey.cli import github
from survey.files.load import PACKAGE
from survey.files.writer import dump
from tests.entries import PATH, make_entry, run_git
from tests.intake.github.server import REPOSITORY, TOKEN, running
from tests.intake.test_issue_form import CORRECT, body

FIXED = dump(make_entry(authors=["Kevin Meng", "David Bau", "Alex Andonian", "Yonatan Belinkov"]))
WORDS = {"key": "meng2022locating", "what": "an author is missing", "where": "the paper"}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """GitHub as a workflow sees it."""
    with running() as (found, base):
        for name, value in (("GITHUB_API_URL", base), ("GITHUB_REPOSITORY", REPOSITORY), ("GITHUB_TOKEN", TOKEN), ("GITHUB_SERVER_URL", "https://github.com")):
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def event(monkeypatch, tmp_path):
    """`event(content)` writes the event of the workflow, and returns its path."""

    def write(content: dict) -> str:
        path = tmp_path / "event.json"
        path.write_text(json.dumps(content))
        monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
        return str(path)

    return write


def issue(**answers: str) -> dict:
    return {"action": "opened", "issue": {"number": 7, "body": body(CORRECT, **answers)}, "repository": {"default_branch": "main"}}


def test_a_form_becomes_a_pull_request(survey, root, hub, event, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    folder = str(tmp_path / "out")
    code, out, err = survey("github", "submission", event(issue(entry=FIXED, **WORDS)), "-o", folder)
    assert (code, out, err) == (0, f"issue 7: an entry for {PATH}\n", "") and (tmp_path / "output").read_text() == "found=true\n"
    assert hub.asked == [], "the job that reads asks GitHub nothing"
    assert survey("github", "publish", folder) == (0, f"issue 7: pull request 101 holds {PATH}\n", "")
    assert hub.files("submission/issue-7") == {PATH: FIXED}


def test_a_problem_is_told_and_is_no_failure(survey, root, hub, event, tmp_path):
    code, out, _ = survey("github", "submission", event(issue(entry="title: [", **WORDS)), "-o", str(tmp_path / "out"))
    assert (code, out) == (0, "issue 7: The corrected entry is not right yet.\n")
    assert survey("github", "publish", str(tmp_path / "out"))[1] == "issue 7: told what is wrong\n" and hub.pulls == []


def test_other_issues_leave_nothing(survey, root, event, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    code, out, _ = survey("github", "submission", event({"issue": {"number": 7, "body": "hello"}}), "-o", str(tmp_path / "out"))
    assert code == 0 and "no form" in out and not (tmp_path / "out").exists() and (tmp_path / "output").read_text() == "found=false\n"


@pytest.mark.parametrize("branch", ["topic", "main"])
def test_the_preview_of_a_branch_can_be_seen_at_home(root, tmp_path, branch):
    """The commands of docs/contributing/workflows.md, in a fresh clone."""
    run_git(root, "init", "-q", "-b", "main")
    run_git(root, "add", ".")
    run_git(root, "commit", "-q", "-m", "Start")
    clone, temporary = tmp_path / "fresh", tmp_path / "temporary"
    temporary.mkdir()
    run_git(tmp_path, "clone", "-q", str(root), str(clone))
    run_git(clone, "checkout", "-q", "-B", branch)
    (clone / PATH).write_text(FIXED)
    run_git(clone, "commit", "-q", "-a", "-m", "Mend")
    page = (PACKAGE.parent / "docs/contributing/workflows.md").read_text()
    block = page.partition("## See it before you push")[2].partition("```console\n")[2].partition("```")[0]
    commands = "\n".join(line.removeprefix("$ ") for line in block.splitlines())
    assert "survey github changed" in commands
    names = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "SURVEY_", "GIT_"))}
    environment = {**names, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(temporary)}
    done = subprocess.run(["bash", "-e", "-c", commands], cwd=clone, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 entry changed\n### Preview of 1 changed entry") and "Yonatan Belinkov]`" in done.stdout
    status = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True).stdout
    assert status == "" and list(temporary.iterdir()) == [], "nothing is left"
    assert all(line.removeprefix("$ ") in github.__doc__ for line in block.splitlines())


def test_what_is_not_committed_is_told(survey, root, tmp_path):
    run_git(root, "init", "-q", "-b", "main")
    run_git(root, "add", ".")
    run_git(root, "commit", "-q", "-m", "Start")
    (root / PATH).write_text(FIXED)
    code, out, err = survey("github", "changed", "--base", "main", "-o", str(tmp_path / "c"))
    assert (code, out) == (0, "0 entries changed\n")
    assert err == "survey: only commits are looked at, and some entries have changes that are not committed\n"
    assert survey("github", "changed", "--base", "nosuch", "-o", str(tmp_path / "c"))[2].startswith("survey: there is no commit nosuch here")


def test_the_preview_is_posted(survey, root, hub, event, tmp_path):
    from survey.intake.github import changed

    changed.write(tmp_path, changed.Changes((changed.Change(PATH, FIXED),)))
    number = hub.pull("topic", sha="a" * 40, full_name="ada/pitfalls", login="ada")["number"]
    event({"workflow_run": {"event": "pull_request", "head_sha": "a" * 40, "head_branch": "topic", "head_repository": {"owner": {"login": "ada"}}}})
    assert survey("github", "preview", str(tmp_path)) == (0, f"preview of pull request {number} written\n", "")
    assert len(hub.bodies(number)) == 1


def test_reports_become_the_living_issue(survey, root, hub, tmp_path):
    from survey.intake import handover
    from survey.intake.audit import Found, Report

    handover.write(tmp_path / "links.json", Report("links", 1, (Found("dead", "a2020b", "links.code", "https://a.example", "answers 404"),), "2026-11-25").record())
    words = ("github", "issue", "--title", "Audit", "--label", "audit", str(tmp_path / "links.json"))
    assert survey(*words) == (0, "issue 101 opened\n", "") and survey(*words) == (0, "issue 101 brought up to date\n", "")


@pytest.mark.parametrize(("missing", "told"), [("GITHUB_TOKEN", "there is no GITHUB_TOKEN"), ("GITHUB_REPOSITORY", "names no repository"), ("GITHUB_EVENT_PATH", "names no event")])
def test_what_a_workflow_forgot_is_told_in_one_line(survey, root, hub, event, tmp_path, monkeypatch, missing, told):
    event({})
    monkeypatch.delenv(missing)
    code, out, err = survey("github", "publish", str(tmp_path))
    assert (code, out) == (1, "") and told in err and err.count("\n") == 1 and err.startswith("survey: ") and TOKEN not in err


def test_files_that_are_missing_or_wrong_are_told_in_one_line(survey, root, hub, event, tmp_path):
    event(issue())
    for words in (("publish", str(tmp_path)), ("preview", str(tmp_path)), ("submission", str(tmp_path / "none.json"), "-o", str(tmp_path)),
                  ("issue", "--title", "x", "--label", "y", str(tmp_path / "none.json")), ("changed", "--base", "nothing", "-o", str(tmp_path))):  # fmt: skip
        code, out, err = survey("github", *words)
        assert (code, out) == (1, "") and err.startswith("survey: ") and err.count("\n") == 1, words


def test_a_step_must_be_named(survey):
    assert survey("github")[0] == 2 and survey("github", "steal")[0] == 2 and survey("github", "changed", "-o", "x")[0] == 2
