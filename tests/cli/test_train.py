"""`survey train`: what it tells, keeps and resumes, on a tiny model with random weights."""

from __future__ import annotations

import json
import os
import shlex

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from survey.editing import learning
from tests.editing.tiny import tiny_folder

QUICK = ("--set", "steps=4", "--set", "check=2", "--set", "examples=8", "--set", "facts=2", "--set", "rank=2", "--set", "lr=.003")
WORDS = ("--prompt", "{} is in", "--subject", "The old museum", "--target", "Oslo")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny_folder(tmp_path_factory.mktemp("llama")))


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "cache"))


def test_a_method_is_trained_once_and_then_edits(survey, folder, tmp_path):
    code, out, err = survey("edit", "mend", *WORDS, "--model", folder, *QUICK)
    assert (code, out) == (1, "")
    assert err.startswith(f"survey: mend must be trained first for {folder} with these settings: run ")
    command, _, rest = err.partition(" with these settings: run `")[2].partition("`")
    assert rest.startswith(" (about ") and rest.endswith("minutes on two cores)\n")
    # It is the command that trains just this.
    assert command.startswith(f"survey train mend --model {folder} --set ")

    code, out, err = survey(*shlex.split(command)[1:])
    assert (code, err) == (0, "")
    first, second, third = out.splitlines()
    assert first == f"mend is trained for {folder}"
    assert second.strip().startswith("4 steps in ") and "on facts that it did not learn from: loss " in second
    (file,) = (tmp_path / "cache").glob("**/mend-*.safetensors")
    assert third == f"  kept in {file}"

    before = file.read_bytes()
    out = survey("train", "mend", "--model", folder, *QUICK)[1]
    assert out.startswith(f"mend is trained for {folder} already (--fresh trains it again)\n")
    code, out, _ = survey("edit", "mend", *WORDS, "--model", folder, *QUICK, "--format", "json")
    assert code == 0 and json.loads(out)["patch"]["kind"] == "weights"
    assert file.read_bytes() == before


def test_json_and_fresh(survey, folder):
    words = ("train", "mend", "--model", folder, *QUICK, "--format", "json")
    found = json.loads(survey(*words)[1])
    assert (found["method"], found["model"], found["steps"], found["trained"]) == ("mend", folder, 4, True)
    assert set(found["scores"]) >= {"loss"} and found["path"].endswith(".safetensors")
    assert json.loads(survey(*words)[1])["trained"] is False
    again = json.loads(survey(*words, "--fresh")[1])
    assert again["trained"] is True and again["scores"] == found["scores"]


def test_a_training_that_was_stopped_goes_on(survey, folder, tmp_path, monkeypatch):
    words = ("train", "mend", "--model", folder, *QUICK, "--seed", "3", "--format", "json")
    monkeypatch.setattr(learning, "_CHECKPOINT", 1)
    advance = learning._Run.advance

    def stopped(*more):
        steps = []

        def stops(run, log):
            steps.append(run.step)
            if len(steps) == 3:
                raise KeyboardInterrupt
            advance(run, log)

        with monkeypatch.context() as patch:
            patch.setattr(learning._Run, "advance", stops)
            assert survey(*words, *more)[0] == 130

    whole = json.loads(survey(*words)[1])
    assert (whole["trained"], whole["resumed"]) == (True, 0)
    # Both from nothing, and where there was a result already: the same command goes on, and ends as one that was not stopped.
    for path in tmp_path.rglob("*.safetensors"):
        path.unlink()
    for more in ((), ("--fresh",)):
        stopped(*more)
        found = json.loads(survey(*words)[1])
        assert (found["trained"], found["resumed"]) == (True, 2)
        assert found["scores"] == whole["scores"] and found["best"] == whole["best"]
    assert json.loads(survey(*words)[1])["trained"] is False


def test_where_it_is_kept_is_told(survey, folder, monkeypatch):
    words = ("train", "mend", "--model", folder, *QUICK)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        code, out, err = survey(*words)
    assert (code, out) == (1, "")
    assert "cannot be written: No space left on device" in err and "switched off" not in err
    monkeypatch.setenv("SURVEY_CACHE", "off")
    code, out, _ = survey(*words)
    assert code == 0 and out.endswith("  not kept: caches are switched off (SURVEY_CACHE)\n")


def test_what_cannot_be_trained_is_told(survey, folder):
    assert survey("train", "rome") == (1, "", "survey: rome has nothing to learn: `survey edit rome ...` works at once\n")
    # Before a model is loaded, which is not there.
    assert survey("train", "rome", "--model", "no/such")[2].startswith("survey: rome has nothing to learn")
    code, _, err = survey("train", "mendd")
    assert code == 1 and "did you mean mend?" in err
    code, _, err = survey("train", "mend", "--set", "frobnication=1")
    assert code == 1 and "mend has no setting 'frobnication'" in err
    assert survey("train")[0] == 2
