"""The comparison of the methods, against the runs that it is made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from survey.editing import METHODS
from survey.errors import UserError
from survey.pitfalls import comparison, quality
from survey.pitfalls.counterfact import METRICS

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "counterfact"


def test_records_that_the_unedited_model_was_not_asked_are_not_compared(tmp_path):
    case = {m: True for m in METRICS} | {"relative_norm": 0.5}
    (tmp_path / "counterfact").mkdir()
    for method, cases in (("unedited", [1, 2]), ("rome", [2, 3])):
        lines = [{"method": method, "together": False}, *({"case": i, **case} for i in cases)]
        file = tmp_path / "counterfact" / f"{method}.single.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(UserError, match="rome was measured on records"):
        comparison.gathered(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"model": "m"}', "[" * 200_000])
@pytest.mark.parametrize("folder", ["edits", "training"])
def test_a_broken_file_is_told(tmp_path, monkeypatch, folder, text, capsys):
    file = tmp_path / "docs" / "results" / folder / "rome.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    monkeypatch.setattr(comparison, "ROOT", tmp_path)
    assert comparison.main([]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"survey: {file}: this is not what a run has written")


def test_the_comparison_is_what_the_runs_say(tmp_path, monkeypatch, capsys):
    assert comparison.main([]) == 0, capsys.readouterr().err
    made = comparison.gathered(RESULTS.parent)
    rows = {(row["method"], row["together"]): row for row in quality.table(RESULTS) if not row["variant"]}
    scores = made["rome"].single
    assert scores.records == rows["rome", False]["cases"]
    assert scores.shares["efficacy-score"].value == pytest.approx(rows["rome", False]["metrics"]["efficacy-score"][0])
    assert made["rome"].changes == "weights" and made["rome"].restored
    assert set(made.methods) == set(METHODS), "a method was never measured"
    # A run that says something else is told.
    other = tmp_path / "measured.json"
    other.write_text(made.model_copy(update={"model": "another"}).model_dump_json())
    monkeypatch.setattr(comparison, "PATH", other)
    assert comparison.main([]) == 1
    assert "write it with --write" in capsys.readouterr().err
