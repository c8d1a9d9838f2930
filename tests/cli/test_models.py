"""`survey models`: the table, JSON, fetching and forgetting."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from survey.cli import main
from survey.editing.models import KNOWN, convert, store
from tests.editing.models import tiny

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty cache, in which the tiny model's wheel lies; it needs consent."""
    folder = tmp_path / "models"
    monkeypatch.setenv("SURVEY_MODELS", str(folder))
    monkeypatch.delenv("SURVEY_WHEELS", raising=False)
    known, wheels = tiny.make_known(needs_consent=True)
    monkeypatch.setitem(KNOWN, tiny.NAME, known)
    monkeypatch.setattr(convert, "converted", tiny.fake_converted)
    monkeypatch.setattr(store, "_need_extra", lambda: None)
    folder.mkdir()
    for name, wheel in wheels.items():
        (folder / name).write_bytes(wheel)
    return folder


def rows(capsys) -> dict[str, dict]:
    assert main(["models", "--format", "json"]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_the_table(here, capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "*" in lines["smollm2-135m-instruct"].split()
    assert all(word in lines["smollm2-135m-instruct"] for word in ("135M", "not fetched", "92.9 MB", "Apache-2.0"))
    assert "Gemma Terms of Use (to be accepted)" in lines["gemma-3-270m"]
    assert "*" not in lines["gemma-3-270m"]
    assert "partial" in lines["tiny"]
    assert "any causal language model in Hugging Face's form" in " ".join(out.split())
    assert str(here) in out


def test_json(here, capsys):
    found = rows(capsys)
    assert list(found) == list(KNOWN)
    default = found["smollm2-135m-instruct"]
    assert (default["default"], default["needs_consent"], default["state"]) == (True, False, "not fetched")
    assert (default["bytes"], default["download"]) == (0, 92_871_040)
    assert default["folder"] == str(here / "smollm2-135m-instruct")


def test_fetch_and_forget(here, capsys):
    assert main(["models", "--fetch", "tiny"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("survey: Tiny is under the MIT")
    assert "--accept-licence" in err
    assert rows(capsys)["tiny"]["needs_consent"]
    assert main(["models", "--fetch", "tiny", "--accept-licence"]) == 0
    assert capsys.readouterr().out == f"tiny is ready in {here / 'tiny'}\n"
    found = rows(capsys)["tiny"]
    assert (found["state"], found["needs_consent"]) == ("ready", False)
    assert found["bytes"] == sum(path.stat().st_size for path in (here / "tiny").iterdir())
    assert main(["models", "--forget", "tiny"]) == 0
    assert "deleted" in capsys.readouterr().out
    assert rows(capsys)["tiny"]["state"] == "not fetched"
    assert main(["models", "--forget", "tiny"]) == 0
    assert capsys.readouterr().out == "tiny was not here\n"


def test_json_after_fetching(here, capsys):
    assert main(["models", "--fetch", "tiny", "--accept-licence", "--format", "json"]) == 0
    assert {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}["tiny"] == "ready"


@pytest.mark.parametrize("what", ["--fetch", "--forget"])
def test_an_unknown_name_is_told(here, capsys, what):
    assert main(["models", what, "smollm2"]) == 1
    assert capsys.readouterr().err == "survey: there is no model smollm2 (did you mean smollm2-135m-instruct?)\n"


def test_fetch_and_forget_exclude_each_other(here, capsys):
    with pytest.raises(SystemExit) as left:
        main(["models", "--fetch", "tiny", "--forget", "tiny"])
    assert left.value.code == 2


def test_without_the_extra(here):
    """Where torch is missing the table works, and fetching says what to install."""
    code = """
import sys
for name in ("torch", "transformers", "gguf", "requests", "safetensors"):
    sys.modules[name] = None
from survey.cli import main
assert main(["models"]) == 0
sys.exit(main(["models", "--fetch", "smollm2-135m-instruct"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "not fetched" in done.stdout
    assert "pip install 'editing-pitfalls[edit]'" in done.stderr
    assert "Traceback" not in done.stderr
