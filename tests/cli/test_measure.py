"""`survey measure`: what it prints, writes and refuses, on a tiny model with random weights."""

from __future__ import annotations

import csv
import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from survey.cli import main
from tests.editing.tiny import tiny_folder

QUICK = ("--set", "ft-l.steps=2", "--cases", "1", "--items", "2", "--workers", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tiny_folder(tmp_path_factory.mktemp("llama")))


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "cache"))


def test_who_stops_a_run_is_told_where_it_stands(survey, folder, tmp_path, monkeypatch):
    from survey.pitfalls import runs

    def interrupted(plan, material, out, *, begin, progress, **more):
        begin(2, 7)
        progress.advance(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "measure", interrupted)
    code, text, err = survey("measure", "--methods", "ft-l", "--pitfalls", "generalization.paraphrase", "--model", folder, "-o", str(tmp_path / "out"))
    assert (code, text) == (130, "")
    assert err == "survey: stopped after 3 of 7 steps: the same command goes on from there\n"


def test_a_run_is_printed_written_and_shown_again(survey, folder, tmp_path):
    out = tmp_path / "results"
    words = ("measure", "--methods", "ft-l", "--pitfalls", "general-abilities.collapse,locality.neighbourhood", "--edits", "0,1,2", *QUICK)
    code, text, err = survey(*words, "--model", folder, "-o", str(out))
    assert (code, err) == (0, "")
    assert {path.name for path in out.iterdir()} == {"ft-l.steps=2.jsonl", "summary.json", "summary.csv"}
    lines = text.splitlines()
    assert "general-abilities.collapse" in lines and "locality.neighbourhood" in lines
    alone = [line for line in lines if "neighbourhood-score " in line and "1 alone" in line]
    assert len(alone) == 1 and alone[0].startswith("ft-l (steps=2)")
    assert any("perplexity" in line and " 0 " in line for line in lines)
    assert lines[-1].startswith("ft-l.steps=2.jsonl: 3 edits; time of the workers: ")

    assert survey("measure", "--show", str(out)) == (0, text, "")
    told = json.loads(survey("measure", "--show", str(out), "--format", "json")[1])
    assert told == json.loads((out / "summary.json").read_text())
    assert {cell["metric"] for cell in told["cells"]} >= {"perplexity", "neighbourhood-score", "locality.next-token"}
    assert len(list(csv.reader((out / "summary.csv").open()))) == len(told["cells"]) + 1

    before = (out / "ft-l.steps=2.jsonl").read_bytes()
    assert survey(*words, "--model", folder, "-o", str(out))[1] == text
    assert (out / "ft-l.steps=2.jsonl").read_bytes() == before
    code, _, err = survey(*words, "--model", folder, "-o", str(out), "--batch", "2")
    assert code == 1 and "holds a run with other batch (1, now 2)" in err
    code, more, err = survey(*words, "--model", folder, "-o", str(out), "--seeds", "2")
    assert (code, err) == (0, "") and "2 items, 2 models" in more
    assert set(before.split(b"\n")[1:]) < set((out / "ft-l.steps=2.jsonl").read_bytes().split(b"\n"))


def test_help_tells_how_a_pitfall_is_left_out(capsys):
    with pytest.raises(SystemExit):
        main(["measure", "--help"])
    assert "one behind a - is left out (all,-cost)" in " ".join(capsys.readouterr().out.split())


def test_records_of_a_benchmark_are_measured_and_broken_ones_told(survey, folder, tmp_path):
    record = {
        "case_id": 7, "prompt": "The harbour is in the city of", "subject": "The harbour", "target_new": "Rome", "ground_truth": "Oslo",
        "rephrase_prompt": "People say the harbour is in", "locality_prompt": "The museum is in", "locality_ground_truth": "Oslo",
    }  # fmt: skip
    broken = {**record, "case_id": 8}
    del broken["target_new"]
    file = tmp_path / "counterfact.json"
    file.write_text(json.dumps([record, broken]))
    words = ("measure", "--methods", "ft-l", "--pitfalls", "generalization.paraphrase", "--benchmark", str(file), *QUICK, "--model", folder)
    code, text, err = survey(*words, "-o", str(tmp_path / "results"))
    assert code == 0 and "paraphrase-score" in text
    assert err.startswith(f"{file}: record 1: ") and "target_new" in err
    assert f"{file}: 1 left out of the records, which are counted from 0; 1 case is used" in err
    rows = [json.loads(line) for line in (tmp_path / "results" / "ft-l.steps=2.jsonl").read_text().splitlines()]
    assert rows[0]["benchmark"]["cases"] == 1 and rows[1]["case"] == "7"
    code, _, err = survey(*words, "--strict", "-o", str(tmp_path / "strict"))
    assert code == 1 and "record 1" in err and not (tmp_path / "strict").exists()


@pytest.mark.parametrize(
    "words, code, message",
    [
        (("--methods", "romee", "-o", "x"), 1, "there is no method 'romee' (did you mean rome?)"),
        (("--methods", "rome", "--pitfalls", "locallity", "-o", "x"), 1, "locallity is no pitfall that can be measured"),
        (("--methods", "rome"), 1, "-o DIR"), (("-o", "x"), 1, "--methods A,B"), (("--show", "nowhere"), 1, "no results"),
        (("--methods", "rome", "-o", "x", "--set", "layer=4"), 2, "is not METHOD.NAME=VALUE"),
        (("--methods", "rome", "-o", "x", "--set", "rome.layr=4"), 1, "did you mean layer?"),
        (("--methods", "rome", "-o", "x", "--set", "memit.steps=4"), 1, "settings are given for memit"),
        (("--methods", "rome", "-o", "x", "--edits", "1,-2"), 2, "no list of whole numbers"),
        (("--methods", "rome", "-o", "x", "--seeds", "0"), 2, "at least one"),
        (("--methods", "mend", "-o", "x", "--pitfalls", "cost"), 1, "must be trained first"),
        (("--methods", "rome", "-o", "x", "--benchmark", "nowhere.json"), 1, "nowhere.json"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_line(survey, folder, tmp_path, monkeypatch, words, code, message):
    monkeypatch.chdir(tmp_path)
    found, out, err = survey("measure", *words, *(("--model", folder) if "--methods" in words else ()))
    assert found == code and out == "" and message in err
    assert code == 2 or err.count("\n") == 1
    assert not (tmp_path / "x").exists()


@pytest.fixture
def wide():
    """A summary whose table takes some hundred columns."""
    from survey.pitfalls.runs.summary import Cell, Summary, Told

    more = {"kind": "sequence", "pitfall": "general-abilities.downstream", "task": "open-domain-qa", "metric": "exact-match.mentioned"}
    cells = tuple(
        Cell(method=method, variant="", edits=edits, value=edits / 64, low=0.1, high=0.9, unedited=0.5, cases=40, seeds=3, models=3, collapsed=collapsed, **more)
        for method, edits, collapsed in [("rome", 10, 0), ("rome", 20, 2), ("memit", 10, 0)]
    )
    return Summary((Told("rome.jsonl", {}, {"edits": 1040.0, "questions": 199.0, "tasks": 873.0}, 120, 7),), cells)


def test_a_table_never_leaves_the_terminal(wide):
    """What does not fit beside each other stands below each other, and every number is there."""
    from survey.cli.measure import _told

    plenty = _told(wide, 160)
    assert max(map(len, plenty)) > 80 and plenty[1].split()[0] == "METHOD" and len(plenty) == 7
    narrow = _told(wide, 80)
    assert max(map(len, narrow)) <= 80
    assert narrow[:3] == [
        "general-abilities.downstream", "  EDITS  EDITED               95 %            UNEDITED  OVER", "rome  open-domain-qa: exact-match.mentioned",
    ]  # fmt: skip
    assert narrow[4] == "  20     0.312 (2 collapsed)  0.100 to 0.900  0.500     40 items, 3 models"
    assert [line.split()[0] for line in narrow[2:7]] == ["rome", "10", "20", "memit", "10"]
    assert " ".join(map(str.strip, narrow[8:])) == plenty[-1]
    for columns in range(20, 74):
        told = _told(wide, columns)
        assert max(map(len, told)) <= columns
        assert columns < 60 or ("OVER" not in told[1] and "0.312 (2 collapsed)  0.100 to 0.900  0.500" in told[4])


def test_a_table_on_a_terminal_is_as_wide_as_it(wide, monkeypatch, capsys):
    from survey.cli import measure, output

    monkeypatch.setattr(output.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    measure._print(wide, "text")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
