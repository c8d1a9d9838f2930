"""The workflows, run as they are written: their commands, against a GitHub on this machine.

Actions are played: a checkout is a folder, an artifact is a copy of a file. What is installed, and
where, is left out.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.entries import PATH, make_entry, make_root, run_git, write_entry
from tests.intake.github.server import REPOSITORY, TOKEN
from tests.intake.github.server import running as running_github
from tests.intake.services import running as running_services
from tests.intake.test_issue_form import CORRECT, SUBMIT, body

WORKFLOWS = Path(__file__).parents[1] / ".github" / "workflows"


class Runner:
    """Runs jobs in the folder of a checkout. Artifacts pass from one job to the next."""

    def __init__(self, folder: Path, hub_base: str, services: dict[str, str]) -> None:
        self.folder, self.base, self.services = folder, hub_base, services
        self.artifacts: dict[str, Path] = {}
        self.outputs: dict[str, str] = {}

    def job(self, file: str, name: str, checkout: Path, event: dict, fails: bool = False) -> str:
        """What the commands of a job print; it ends at the first that fails, as on GitHub."""
        job = yaml.safe_load((WORKFLOWS / file).read_text("utf-8"))["jobs"][name]
        temp = self.folder / f"{file}-{name}"
        temp.mkdir()
        (temp / "event.json").write_text(json.dumps(event))
        printed = ""
        for step in job["steps"]:
            action, given = step.get("uses", "").partition("@")[0], step.get("with", {})
            if action == "actions/upload-artifact":
                if "found" in step.get("if", "") and self.outputs.get("found") != "true":
                    continue
                self.artifacts[given["name"]] = checkout / given["path"]
            elif action == "actions/download-artifact":
                target = Path(given["path"].replace("${{ runner.temp }}", str(temp)))
                target.mkdir(parents=True)
                pattern = given.get("name") or given["pattern"].replace("*", ".*")
                found = [path for artifact, path in self.artifacts.items() if re.fullmatch(pattern, artifact)]
                assert found, f"{name} finds no artifact {pattern}"
                for path in found:
                    shutil.copy(path, target)
            elif "run" in step and not step["run"].startswith("python -m pip "):
                done = self._run(step, checkout, temp)
                printed += done.stdout + done.stderr
                if done.returncode:
                    assert fails, printed
                    return printed
        assert not fails, f"{name} should fail"
        return printed

    def _run(self, step: dict, checkout: Path, temp: Path) -> subprocess.CompletedProcess:
        env = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(temp), "SURVEY_CACHE": "off",
            "RUNNER_TEMP": str(temp), "GITHUB_EVENT_PATH": str(temp / "event.json"), "GITHUB_OUTPUT": str(temp / "output"), "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_URL": self.base, "GITHUB_SERVER_URL": "https://github.com", "PYTHONPATH": str(Path(__file__).parents[1]), **self.services,
        }  # fmt: skip
        for name, value in step.get("env", {}).items():
            env[name] = TOKEN if value == "${{ github.token }}" else "https://someone.github.io/pitfalls/"
        done = subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=checkout, env=env, capture_output=True, text=True, timeout=120)
        if (temp / "output").is_file():
            self.outputs |= dict(line.split("=", 1) for line in (temp / "output").read_text().splitlines())
        return done


@pytest.fixture
def services():
    with running_services() as found:
        yield found


@pytest.fixture
def hub():
    with running_github() as (found, base):
        found.base = base
        yield found


@pytest.fixture
def runner(tmp_path, hub, services):
    return Runner(tmp_path, hub.base, services.environment)


@pytest.fixture
def main(tmp_path):
    """The main branch, checked out."""
    return make_root(tmp_path / "main", {PATH: make_entry()}, git=True)


def issue(form, **answers: str) -> dict:
    return {"action": "opened", "issue": {"number": 7, "state": "open", "body": body(form, **answers)}, "repository": {"default_branch": "main"}}


def test_a_form_with_an_id_becomes_a_pull_request_with_a_preview(runner, hub, services, main):
    services.arxiv("2405.00001", title="Editing by Moonlight", authors=["Eve Night"], abstract="We propose a method for editing knowledge.")
    event = issue(SUBMIT, source="arXiv:2405.00001v2")
    runner.job("submission.yml", "read", main, event)
    assert runner.outputs == {"found": "true"} and hub.asked == []
    printed = runner.job("submission.yml", "publish", main, event)
    assert printed == "issue 7: pull request 101 holds papers/2024/night2024editing.yaml\n" and TOKEN not in printed
    assert list(hub.files("submission/issue-7")) == ["papers/2024/night2024editing.yaml"]
    assert "not confirmed yet" in hub.bodies(101)[0] and len(hub.bodies(7)) == 1


def test_a_form_that_is_wrong_is_answered(runner, hub, main):
    event = issue(CORRECT, key="meng2022locating", what="x", where="y", entry="title: $(touch x) [`id`")
    runner.job("submission.yml", "read", main, event)
    runner.job("submission.yml", "publish", main, event)
    assert hub.pulls == [] and "not right yet" in hub.bodies(7)[0]


def test_an_issue_that_is_no_form_ends_after_the_first_job(runner, hub, main):
    runner.job("submission.yml", "read", main, {"issue": {"number": 7, "body": "### Which paper?\n\n2405.00001"}})
    assert runner.outputs == {"found": "false"} and runner.artifacts == {}


@pytest.mark.parametrize("good", [True, False])
def test_a_pull_request_is_checked_and_shown(runner, hub, main, tmp_path, good):
    # As GitHub checks it out: the branch merged into main.
    checkout = tmp_path / "merge"
    shutil.copytree(main, checkout)
    run_git(checkout, "checkout", "-q", "-b", "topic")
    write_entry(checkout, PATH, make_entry(authors=["Kevin Meng", "David Bau"] if good else ["KEVIN MENG"]))
    run_git(checkout, "commit", "-q", "-a", "-m", "Mend")
    run_git(checkout, "checkout", "-q", "main")
    run_git(checkout, "merge", "-q", "--no-ff", "--no-edit", "topic")
    printed = runner.job("pull-request.yml", "check", checkout, {}, fails=not good)
    assert (f"::error file={PATH},line=2,col=11,title=N501::" in printed) != good
    number = hub.pull("topic", sha="a" * 40, full_name="ada/pitfalls", login="ada")["number"]
    event = {"workflow_run": {"event": "pull_request", "head_sha": "a" * 40, "head_branch": "topic", "head_repository": {"owner": {"login": "ada"}}}}
    assert runner.job("preview.yml", "comment", main, event) == f"preview of pull request {number} written\n"
    (shown,) = hub.bodies(number)
    assert "- authors: `[Kevin Meng, David Bau, Alex Andonian]` → " in shown and ("- error in line 2" in shown) != good
    assert not (main / "changed").exists(), "what a stranger left is not put into the checkout"


def test_the_weekly_audit_becomes_one_issue(runner, hub, services, main):
    write_entry(main, PATH, make_entry(links={"code": "http://169.254.169.254/latest"}))
    services.arxiv("2202.05262", title="Quite Another Paper", authors=["Ann Other"])
    for job in ("links", "drift"):
        runner.job("weekly.yml", job, main, {})
    assert hub.asked == []
    assert runner.job("weekly.yml", "report", main, {}) == "issue 101 opened\n"
    (made,) = hub.issues
    assert made["labels"] == ["audit"] and "### Links into private networks (1)" in made["body"] and "### Ids of another paper (1)" in made["body"]


def test_every_job_that_runs_our_commands_is_run_here():
    text = Path(__file__).read_text("utf-8")
    for file in WORKFLOWS.glob("*.yml"):
        for name, job in yaml.safe_load(file.read_text("utf-8"))["jobs"].items():
            if any(shlex.split(step.get("run", ""))[:1] == ["survey"] for step in job["steps"]):
                assert f'"{file.name}", "{name}"' in text or (file.name == "weekly.yml" and f'"{name}"' in text), f"{file.name}: {name}"
