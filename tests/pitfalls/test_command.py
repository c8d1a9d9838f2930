"""What the commands on CounterFact take, and how they tell what is wrong."""

from __future__ import annotations

import argparse
import json

import pytest

from survey.errors import UserError
from survey.pitfalls import quality, retrieval
from survey.pitfalls.command import names, setting, span, told
from tests.pitfalls.test_counterfact import GOOD, written


def test_words_are_read():
    ten = list(range(10))
    assert [ten[span(text)] for text in ("2:4", "8:", ":2", ":")] == [[2, 3], [8, 9], [0, 1], ten]
    assert setting(" layer = 5=x ") == ("layer", "5=x")
    assert names("rome, memit,,rome") == ["rome", "memit"]


@pytest.mark.parametrize(
    ("read", "text"),
    [(span, "abc"), (span, "3"), (span, "-5:"), (span, "1:2:3"), (span, "٣:٤"), (setting, "x"), (setting, "=3"), (names, " , ")],
)
def test_other_words_are_refused(read, text):
    with pytest.raises(argparse.ArgumentTypeError):
        read(text)


@pytest.mark.parametrize("command", [quality, retrieval])
@pytest.mark.parametrize("words", [["--records", "abc"], ["--records", "5"], ["--set", "x"], ["--methods", ","], ["--embeddings", ""], []])
def test_wrong_usage_is_told_and_ends_with_2(tmp_path, command, words, capsys):
    file = [str(written(tmp_path, [GOOD]))] if words else []
    with pytest.raises(SystemExit) as ended:
        command.main([*file, *words])
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err.splitlines()[-1]


@pytest.fixture
def no_model(monkeypatch):
    """A model is not loaded before everything that can be wrong was looked at."""

    def load(*_):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("survey.editing.load_model", load)


@pytest.mark.parametrize("command", [quality, retrieval])
def test_a_bad_file_is_told_in_one_line(tmp_path, command, capsys, no_model):
    nested = tmp_path / "nested.json"
    nested.write_text("[" * 200_000)
    bad = {str(nested): "nested.json: this is no JSON", str(tmp_path / "none.json"): "none.json: No such file", str(tmp_path): "Is a directory"}
    for file, message in bad.items():
        assert command.main([file, "-o", str(tmp_path / "out")]) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith("survey: ") and message in line


@pytest.mark.parametrize("command", [quality, retrieval])
def test_a_span_without_records_is_told(tmp_path, command, capsys, no_model):
    file = written(tmp_path, [GOOD, "text"])
    assert command.main([str(file), "--records", "1:9", "-o", str(tmp_path / "out")]) == 1
    problem, line = capsys.readouterr().err.splitlines()
    assert "record 1: the record must be an object" in problem
    assert "survey: 1:9 names 0 of 1 usable records, and " in line


@pytest.mark.parametrize("command", [quality, retrieval])
def test_a_folder_that_cannot_be_made_is_told(tmp_path, command, capsys, no_model):
    file = written(tmp_path, [{**GOOD, "case_id": id} for id in range(3)])
    assert command.main([str(file), "-o", str(file)]) == 1
    assert capsys.readouterr().err == f"survey: {file}: File exists\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--methods", "rom"], "there is no method 'rom' (did you mean rome?)"), (["--methods", "rome", "--set", "layr=3"], "rome has no setting 'layr'"),
     (["--methods", "rome", "--set", "self=3"], "rome has no setting 'self'")],
)  # fmt: skip
def test_a_method_or_a_setting_that_is_none_is_told_before_a_model_is_loaded(tmp_path, words, message, capsys, no_model):
    assert quality.main([str(written(tmp_path, [GOOD])), *words, "-o", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"embeddings": 3}', '{"embeddings": {"a": {"found": [1]}}}', '{"embeddings": {"a": {"found": [null, 0, 1]}}}', "[" * 200_000]
)
def test_a_broken_summary_is_told(tmp_path, text, capsys):
    (tmp_path / "summary.json").write_text(text)
    assert retrieval.main(["--table", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and "there is no summary of a run" in err


def test_errors_that_a_person_can_mend_are_one_line(capsys):
    def fail(error):
        raise error

    assert told(lambda: 0) == 0
    assert told(lambda: fail(UserError("so it is"))) == 1
    assert told(lambda: fail(PermissionError(13, "Permission denied", "there"))) == 1
    assert capsys.readouterr().err == "survey: so it is\nsurvey: there: Permission denied\n"
    with pytest.raises(ZeroDivisionError):  # A mistake of ours is none of theirs.
        told(lambda: json.loads("1") / 0)
