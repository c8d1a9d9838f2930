"""The workflows are sound, and nothing is committed that should not be."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OWN = Path(__file__).relative_to(ROOT).as_posix()
# What each job may write; every other may read the code and nothing else.
WRITERS = {
    ("deploy.yml", "deploy"): {"pages": "write", "id-token": "write"},
    ("preview.yml", "comment"): {"actions": "read", "contents": "read", "pull-requests": "write"},
    ("submission.yml", "publish"): {"contents": "write", "issues": "write", "pull-requests": "write"},
    ("weekly.yml", "report"): {"contents": "read", "issues": "write"},
}
# What a job that may write can do.
RUNS = [r"python -m pip install --quiet -c requirements\.lock -e \.", r"survey github (publish|preview|issue) [^$;&|<>`\n]*((\"\$RUNNER_TEMP/[a-z./-]+\") ?)+"]
USES = {"actions/checkout", "actions/setup-python", "actions/download-artifact"}
# What may be put into a value: nothing of it is chosen by who opens an issue or a pull request.
EXPRESSIONS = {
    "github.token", "github.server_url", "github.repository", "github.repository_owner", "github.event.repository.name",
    "github.event.workflow_run.id", "runner.temp", "vars.PIP_EXTRA_INDEX_URL", "steps.deployment.outputs.page_url",
}  # fmt: skip


def program(name: str) -> str:
    """A program that pip has installed beside this Python."""
    found = shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
    return found or pytest.skip(f"no {name} here")


def jobs() -> list[tuple[str, str, dict, dict]]:
    """File, name and content of each job, with the workflow."""
    flows = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in WORKFLOWS}
    return [(file, name, job, flow) for file, flow in flows.items() for name, job in flow["jobs"].items()]


def test_there_are_workflows():
    assert {"deploy.yml", "preview.yml", "pull-request.yml", "submission.yml", "test.yml", "weekly.yml"} <= {path.name for path in WORKFLOWS}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_actionlint_is_content(path):
    done = subprocess.run([program("actionlint"), "-no-color", str(path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_is_content():
    words = [program("zizmor"), "--offline", "--no-progress", "--persona", "pedantic", "--format", "json", str(ROOT / ".github")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    found = [(f["ident"], [place["symbolic"]["key"] for place in f["locations"]]) for f in json.loads(done.stdout)]
    assert found == [] and done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_actions_are_pinned_by_hash_and_say_their_version(path):
    lines = [line.strip(" -") for line in path.read_text("utf-8").splitlines() if re.match(r"\s*-?\s*uses:", line)]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_one_action_has_one_hash():
    hashes: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, hash in re.findall(r"uses: (\S+)@(\S+ # \S+)", path.read_text("utf-8")):
            hashes.setdefault(action, set()).add(hash)
    assert {action: found for action, found in hashes.items() if len(found) > 1} == {}


def test_rights_are_least():
    for file, name, job, flow in jobs():
        assert "permissions" in flow, f"{file} leaves the rights to the repository's settings"
        rights = job.get("permissions", flow["permissions"])
        allowed = WRITERS.get((file, name), {"contents": "read"})
        assert rights.items() <= allowed.items(), f"{file}: {name}"


def writes(job: dict) -> bool:
    return "write" in job.get("permissions", {}).values()


def triggers(flow: dict) -> set[str]:
    # YAML 1.1 reads the key `on` as true.
    on = flow.get("on", flow.get(True))
    return {on} if isinstance(on, str) else set(on)


def test_what_may_write_runs_main_and_reads_what_others_left():
    """A job that may write, or that secrets are given to, runs commands of ours and nothing else."""
    for file, name, job, flow in jobs():
        where = f"{file}: {name}"
        assert "pull_request_target" not in triggers(flow), where
        if "workflow_run" in triggers(flow):
            assert file == "preview.yml" and set(flow["jobs"]) == {"comment"}, "only the preview follows another run"
        if not writes(job):
            continue
        if file == "deploy.yml":
            assert all("run" not in step for step in job["steps"]), where
            continue
        assert triggers(flow) <= {"workflow_run", "issues", "schedule", "workflow_dispatch"}, where
        checkouts = 0
        for step in job["steps"]:
            if "run" in step:
                assert any(re.fullmatch(allowed, step["run"]) for allowed in RUNS), f"{where}: {step['run']}"
                assert "shell" not in step and "working-directory" not in step, where
                continue
            action, given = step["uses"].partition("@")[0], dict(step.get("with", {}))
            assert action in USES, f"{where}: {action}"
            if action == "actions/checkout":
                # No ref, no repository, no path: the main branch, where the code is.
                checkouts += 1
                assert given == {"persist-credentials": False}, where
            if action == "actions/download-artifact":
                # Outside of the checkout, where no file of ours can be replaced.
                assert given.pop("path").startswith("${{ runner.temp }}/"), where
                assert set(given) <= {"name", "pattern", "run-id", "github-token", "merge-multiple"}, where
        assert checkouts == 1 and "container" not in job and "services" not in job and "defaults" not in job, where


def test_the_token_is_given_to_our_commands_only():
    for file, name, job, flow in jobs():
        assert "env" not in flow and "GITHUB_TOKEN" not in str(job.get("env")), f"{file}: {name}"
        for step in job["steps"]:
            secret = "secrets." in str(step) or "github.token" in str(step)
            ours = step.get("run", "").startswith("survey github ") or step.get("uses", "").startswith("actions/download-artifact@")
            assert not secret or (ours and writes(job)), f"{file}: {name}"


def test_no_text_of_a_stranger_becomes_code():
    """Commands hold no expression at all, and no other value one that a stranger can fill freely."""
    for file, name, job, _ in jobs():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), f"{file}: {name}: an expression in a command"
            for value in [*step.get("env", {}).values(), *step.get("with", {}).values()]:
                for expression in re.findall(r"\$\{\{(.*?)\}\}", str(value)):
                    assert expression.strip() in EXPRESSIONS, f"{file}: {name}: {expression}"


def test_each_step_of_a_workflow_is_a_command_of_ours():
    from survey.cli import COMMANDS, _parser

    for file, name, job, _ in jobs():
        for step in job["steps"]:
            for line in filter(None, [step.get("run", "")]):
                assert re.match(r"survey |python -m pip |make |sudo apt-get ", line), f"{file}: {name}: {line}"
                if line.startswith("survey "):
                    words = shlex.split(line)[1:]
                    assert words[0] in COMMANDS
                    _parser(words).parse_args(words)  # Ends the test where there is no such option.


def test_jobs_that_meet_strangers_may_only_read():
    for file, name, job, flow in jobs():
        if file in ("pull-request.yml", "test.yml") or (file, name) in (("submission.yml", "read"), ("weekly.yml", "links"), ("weekly.yml", "drift")):
            assert job.get("permissions", flow["permissions"]) == {"contents": "read"}, f"{file}: {name}"


def test_the_preview_follows_the_check_by_its_name():
    flows = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in WORKFLOWS}
    assert flows["preview.yml"][True]["workflow_run"]["workflows"] == [flows["pull-request.yml"]["name"]]
    left = {s["with"]["name"] for s in flows["pull-request.yml"]["jobs"]["check"]["steps"] if "upload-artifact" in s.get("uses", "")}
    assert left == {s["with"]["name"] for s in flows["preview.yml"]["jobs"]["comment"]["steps"] if "download-artifact" in s.get("uses", "")}


def test_jobs_end_and_checkouts_keep_no_token():
    for file, name, job, _ in jobs():
        assert job.get("timeout-minutes"), f"{file}: {name}"
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, f"{file}: {name}"


# What is committed


@pytest.fixture(scope="module")
def committed() -> dict[str, str | None]:
    """Every file that git tracks or would, as text; None where it is not text."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("no git repository here")
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return {name: text_of(ROOT / name) for name in names if name and (ROOT / name).is_file()}


def text_of(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None


def holding(committed: dict, pattern: str) -> list[tuple[str, str]]:
    found = re.compile(pattern)
    others = (item for item in committed.items() if item[0] != OWN)
    return [(name, m[0]) for name, text in others if text and (m := found.search(text))]


def test_no_package_registry_is_named(committed):
    hosts = ["pypi.org", "pythonhosted.org", "npmjs.org", "npmjs.com", "jsdelivr.net", "unpkg.com", "cdnjs.cloudflare.com", "esm.sh"]
    pattern = "|".join(map(re.escape, hosts)) + r"|--(?:extra-)?index-url|--trusted-host|--find-links"
    assert holding(committed, pattern) == []


def test_no_path_of_a_machine_is_named(committed):
    # The folders of people and of this clone; not the /tmp, /dev and /bin that scripts may use.
    pattern = r"(?<![\w.~/}:-])(?:/home/\w|/Users/\w|/root/|/mnt/\w|/tmp/\w+/|[A-Z]:\\\\?Users)"
    here = re.escape(str(ROOT)) + r"\b" if len(ROOT.parts) > 2 else r"\b\B"
    assert holding(committed, f"{pattern}|{here}") == []


def test_nothing_minified_or_vendored(committed):
    # Pictures of the pages, and entries that are no UTF-8 on purpose.
    allowed = re.compile(r"docs/assets/contributing/[a-z-]+\.png|tests/fuzz/corpus/[a-z0-9-]+\.(yaml|bib)")
    assert [name for name, text in committed.items() if text is None and not allowed.fullmatch(name)] == [], "binary files"
    assert all((ROOT / name).stat().st_size < 400_000 for name in committed if allowed.fullmatch(name))
    names = re.compile(r"\.min\.|\.map$|(^|/)(node_modules|vendor|third_party|dist|build)/|package(-lock)?\.json$|\.(whl|woff2?|ttf|so|pyc)$")
    assert [name for name in committed if names.search(name)] == []
    for name, text in committed.items():
        if text is None:
            continue
        if name.endswith((".mjs", ".js", ".css")):
            assert max(map(len, text.splitlines())) < 400 and text.count("\n") > len(text) / 150, f"{name} looks minified"
        # Measured results are data, and their summaries have a line for each number.
        assert len(text) < (2_000_000 if name.startswith("docs/results/") else 200_000), f"{name} is large"


def test_nothing_built_is_committed(committed):
    assert [name for name in committed if re.search(r"(^|/)(site/index\.html|__pycache__|\.venv|\.cache)(/|$)|\.(bbl|aux|log|pdf)$", name)] == []
