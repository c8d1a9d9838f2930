"""`survey report`: the page it writes, what it prints, and what it refuses, on a tiny model with random weights."""

from __future__ import annotations

import json
import shlex

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from survey.cli import _parser, report  # noqa: E402
from survey.pitfalls.report import gather  # noqa: E402
from survey.pitfalls.report.page import MARK  # noqa: E402
from tests.editing.tiny import tiny_folder  # noqa: E402

PROMPT, SUBJECT, TARGET, WAS = "{} is located in the city of", "The old museum", "Oslo", "Rome"
WORDS = ("--prompt", PROMPT, "--subject", SUBJECT, "--target", TARGET, "--was", WAS)
TRAIN = ("report", "--method", "fine-tuning", *WORDS, "--set", "layers=()", "--set", "lr=.02", "--threads", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny_folder(tmp_path_factory.mktemp("llama")))


@pytest.fixture(autouse=True)
def _few_facts(monkeypatch):
    """A tiny model knows none of them anyway."""
    monkeypatch.setitem(gather.__kwdefaults__, "facts", 4)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_a_page_is_written_and_told_in_a_few_lines(survey, folder, tmp_path):
    page = tmp_path / "report.html"
    words = (*TRAIN, "--model", folder, "--probe", "I live in", "--paraphrase", "See {} in", "--neighbour", "The <b>river</b> is in", "-o", str(page))
    code, out, err = survey(*words)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"FT on {folder}" and lines[-1] == f"The page: {page}"
    told = {line.split("  ")[0]: line for line in lines[1:-2]}
    assert "took: p(Oslo)" in told["edit"] and "restored, bit for bit" in told["model"] and "of 4 others changed" in told["facts"]
    text = page.read_text("utf-8")
    assert MARK in text and "The &lt;b&gt;river&lt;/b&gt; is in" in text and "See The old museum in" in text
    # The same again: it may be written over, and holds the same but for the time.
    assert survey(*words)[0] == 0
    again = page.read_text("utf-8")
    assert [a for a, b in zip(text.splitlines(), again.splitlines(), strict=True) if a != b and "<dt>time</dt>" not in a] == []


def test_json_is_the_whole_report_and_writes_no_page(survey, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = survey(*TRAIN, "--model", folder, "--seed", "3", "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["edits"][0]["edit"] == {"prompt": PROMPT, "subject": SUBJECT, "target": TARGET, "was": WAS}
    assert (found["method"], found["seed"], found["model"], found["restored"]) == ("fine-tuning", 3, folder, True)
    assert len(found["facts"]) == 4 and found["language"]["before"] > 1
    assert list(tmp_path.iterdir()) == []


def test_a_saved_patch_gives_the_same_answers(survey, folder, tmp_path):
    patch = tmp_path / "patch.safetensors"
    assert survey("edit", *TRAIN[2:], "--model", folder, "--save", str(patch))[0] == 0
    _, loaded, _ = survey("report", "--load", str(patch), "--model", folder, "--threads", "1", "--format", "json")
    _, made, _ = survey(*TRAIN, "--model", folder, "--format", "json")
    loaded, made = json.loads(loaded), json.loads(made)
    for name in ("edits", "facts", "language", "method", "weights"):
        assert loaded[name] == made[name]


OWN = """import torch
from survey.editing.method import Config as Base, method
from survey.editing.patch import Change, WeightPatch

class Config(Base):
    pass

@method("own", batch=False)
def own(model, edits, config, run):
    name = model.down_name(0)
    return WeightPatch({}, {name: Change(dense=torch.full_like(model.parameters[name], 1e-3))})
"""


def test_a_method_of_somebody_else_is_reported_like_ours(survey, folder, tmp_path):
    file, patch = tmp_path / "own.py", tmp_path / "own.safetensors"
    file.write_text(OWN, "utf-8")
    code, out, err = survey("report", "--method", f"{file}:own", *WORDS, "--model", folder, "--threads", "1", "--format", "json")
    found = json.loads(out)
    assert (code, err, found["method"], found["method_name"], found["restored"]) == (0, "", "own", "own", True)
    assert [w["layer"] for w in found["weights"]] == [0] and f"{file}:own" in found["command"]
    assert survey("edit", f"{file}:own", *WORDS, "--model", folder, "--save", str(patch))[0] == 0
    _, out, _ = survey("report", "--load", str(patch), "--from", f"{file}:own", "--model", folder, "--threads", "1", "--format", "json")
    assert json.loads(out)["edits"] == found["edits"]


def test_the_command_makes_the_same_arguments_again():
    words = [
        *TRAIN, "--model", "a folder/of mine", "--seed", "2", "--probe", "-5 is", "--probe", 'say "x" & $HOME', "--paraphrase", "{}'s city is",
        "--neighbour", "Il ne faut pas\u202e", "--tasks", "-o", "my page.html",
    ]  # fmt: skip
    words[words.index("-5 is") - 1 : words.index("-5 is") + 1] = ["--probe=-5 is"]
    first = _parser(words).parse_args(words)
    again = shlex.split(report.command(first))
    assert again[0] == "survey"
    second = _parser(again[1:]).parse_args(again[1:])
    assert {k: v for k, v in vars(first).items() if not callable(v)} == {k: v for k, v in vars(second).items() if not callable(v)}
    assert '--subject "The old museum"' in report.command(first)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("report",), "the following are needed: --method, --prompt, --subject, --target"),
        (("report", "--method", "rome", *WORDS[:4]), "needed: --target"),
        (("report", "--load", "x", "--target", "Oslo", "--set", "a=1"), "leave out --target, --set"),
        ((*TRAIN, "--from", "own.py:own"), "--from needs --load"),
        ((*TRAIN, "--seed", "-1"), "no whole number"),
        ((*TRAIN, "--format", "html"), "invalid choice"),
    ],
)
def test_wrong_usage(survey, words, told):
    code, out, err = survey(*words)
    assert (code, out) == (2, "") and told in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*TRAIN[:2], "romme", *WORDS), "there is no method 'romme' (did you mean rome?)"),
        ((*TRAIN, "--probe", " "), "a probe is empty"),
        ((*TRAIN, "--prompt", "Nobody is in"), "does not occur in"),
        ((*TRAIN, "--set", "nosuch=1"), "has no setting 'nosuch'"),
        (("report", "--load", "absent.safetensors"), "absent.safetensors: No such file"),
        ((*TRAIN, "-o", "absent/page.html"), "there is no folder absent"),
        ((*TRAIN, "-o", "."), "this is a folder"),
    ],
)
def test_what_can_be_wrong_is_told_in_one_line(survey, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    code, out, err = survey(*words)
    assert (code, out) == (1, "") and told in err and len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_somebody_else_stays(survey, folder, tmp_path):
    page = tmp_path / "thesis.html"
    page.write_text("<p>My thesis.</p>", "utf-8")
    code, _, err = survey(*TRAIN, "--model", folder, "-o", str(page))
    assert code == 1 and "no report of ours" in err and "--force" in err
    assert page.read_text("utf-8") == "<p>My thesis.</p>"
    assert survey(*TRAIN, "--model", folder, "-o", str(page), "--force")[0] == 0
    assert MARK in page.read_text("utf-8") and [p.name for p in tmp_path.iterdir()] == ["thesis.html"]


def test_the_help_tells_of_it(survey):
    code, out, _ = survey("report", "--help")
    assert code == 0 and "--neighbour" in out and "survey report --load" in out
    assert "report" in survey("--help")[1]
