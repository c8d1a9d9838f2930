from __future__ import annotations

import os
import subprocess
import sys

import pytest

from survey import __version__
from survey.cli import COMMANDS
from survey.cli.output import padded, plural, shortened, shown_width, styled, told

SURVEY = [sys.executable, "-m", "survey"]


def spawn(*words: str, **more):
    env = {**os.environ, "PYTHONWARNINGS": "error", **more.pop("env", {})}
    return subprocess.run([*SURVEY, *words], capture_output=True, text=True, env=env, timeout=60, **more)


def test_help_names_every_command(survey):
    code, out, _ = survey("--help")
    assert code == 0
    assert all(name in out for name in COMMANDS)


@pytest.mark.parametrize("command", [c for c in COMMANDS])
def test_every_command_has_help(survey, command):
    code, out, _ = survey(command, "--help")
    assert code == 0 and out.startswith(f"usage: survey {command}")


def test_version(survey):
    assert survey("--version")[:2] == (0, f"survey {__version__}\n")


@pytest.mark.parametrize("words", [[], ["chek"], ["check", "--nothing"], ["export", "word"], ["show"], ["search", "--format", "xml", "x"]])
def test_wrong_usage(survey, root, words):
    code, out, err = survey(*words)
    assert (code, out) == (2, "") and err.startswith("usage: survey")


def test_the_help_imports_neither_pydantic_nor_yaml():
    code = "import sys, survey.cli\ntry: survey.cli.main(['--help'])\nexcept SystemExit: pass\nprint({'pydantic', 'yaml', 'json', 'difflib'} & sys.modules.keys(), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("usage:") and done.stderr == "set()\n"


def test_nor_does_the_package():
    code = "import sys, survey; print({'pydantic', 'yaml'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_no_collection(survey, tmp_path, monkeypatch):
    for words in (["--root", str(tmp_path), "stats"], ["--root", str(tmp_path / "nothing"), "check"]):
        code, out, err = survey(*words)
        assert (code, out) == (1, "") and err.startswith("survey: there is no folder papers/ in ")
    monkeypatch.setenv("SURVEY_ROOT", str(tmp_path))
    assert survey("search", "x")[0] == 1


def test_a_broken_entry(survey, root):
    (root / "papers/2022/bad2022entry.yaml").write_text("title: [")
    code, _, err = survey("search", "x")
    assert code == 1 and "bad2022entry.yaml:2:1: Y101" in err and "survey check" in err


def test_root_and_environment(survey, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert survey("--root", str(root), "search", "--format", "keys")[1].split() == ["bau2022editing", "meng2022locating"]
    monkeypatch.setenv("SURVEY_ROOT", str(root))
    assert survey("search", "sleep", "--format", "keys")[1] == "bau2022editing\n"


def test_as_a_program(root):
    done = spawn("search", "sleep", "--format", "keys", cwd=root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "bau2022editing\n", "")
    assert spawn("show", "nobody", cwd=root).returncode == 1
    assert spawn("nothing", cwd=root).returncode == 2


@pytest.mark.parametrize("words", [["export", "jsonl"], ["search", "--format", "json"], ["stats"], ["show", "meng2022locating"], ["check", "--explain", "all"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(root, words, unbuffered):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run([*SURVEY, *words], stdout=gone, stderr=subprocess.PIPE, text=True, cwd=root, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [["show", "bau2022editing"], ["search", "sleep"], ["export", "csv", "sleep"]])
def test_a_terminal_that_lacks_a_letter(root, words):
    file = root / "papers/2022/bau2022editing.yaml"
    file.write_text(file.read_text("utf-8").replace("Cy Dee", "Đặng Văn"), "utf-8")
    done = subprocess.run([*SURVEY, *words], capture_output=True, cwd=root, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0 and done.stderr == b""


def test_an_error_of_our_own_is_not_hidden(root, monkeypatch):
    from survey.cli import main

    monkeypatch.setattr("survey.load", lambda root: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["stats"])


def test_interrupted(root, monkeypatch):
    from survey.cli import main

    def interrupt(root):
        raise KeyboardInterrupt

    monkeypatch.setattr("survey.load", interrupt)
    assert main(["stats"]) == 130


# How it speaks


class Terminal:
    def isatty(self):
        return True


@pytest.mark.parametrize(("name", "value", "plain"), [("NO_COLOR", "1", True), ("NO_COLOR", "", False), ("TERM", "dumb", True), ("TERM", "xterm", False)])
def test_colours_only_where_they_are_wanted(monkeypatch, name, value, plain):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    assert styled("x", "red", "bold", stream=Terminal()) == ("x" if plain else "\033[31;1mx\033[0m")


def test_no_colours_in_a_pipe(root):
    done = spawn("search", cwd=root, env={"TERM": "xterm-256color"})
    assert done.returncode == 0 and "\033" not in done.stdout


def test_widths():
    assert shown_width("é漢e\u0301") == 4
    assert shortened("Editing facts", 8) == "Editing…" and shortened("漢字漢字", 5) == "漢字…" and shortened("abc", 3) == "abc"
    assert padded("漢", 4) == "漢  "
    assert [plural(1, "entry"), plural(2, "entry"), plural(1234, "paper")] == ["1 entry", "2 entries", "1,234 papers"]


def test_what_a_user_can_mend_is_told():
    assert told(FileNotFoundError(2, "No such file", "a.bib")) == "a.bib: No such file"
    assert told(OSError("odd")) == "odd"
    assert told(ZeroDivisionError()) is None
