"""Runs on CounterFact: what is written, what goes on where it ended, and the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from survey.editing import Edit
from survey.errors import UserError
from survey.pitfalls import quality
from survey.pitfalls.counterfact import METRICS, Record
from survey.pitfalls.metrics.intervals import wilson
from tests.editing.tiny import tiny_model
from tests.pitfalls.test_counterfact import GOOD, written

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "counterfact"
# What the laboratory promises on the first hundred records, and for forty at once.
PROMISED = {
    ("rome", False): (0.98, 0.95), ("memit", False): (0.98, 0.95), ("emmet", False): (0.98, 0.95),
    ("alphaedit", False): (0.98, 0.95), ("r-rome", False): (0.95, 0), ("pmet", False): (0.95, 0),
    ("t-patcher", False): (0.95, 0.95), ("grace", False): (0.95, 0.95), ("melo", False): (0.95, 0.95),
    ("wise", False): (0.95, 0.95), ("serac", False): (0.95, 0), ("ike", False): (0.95, 0), ("calinet", False): (0.90, 0),
    ("mend", False): (0.85, 0), ("malmen", False): (0.85, 0),
    ("memit", True): (0.98, 0.95), ("emmet", True): (0.98, 0.95), ("alphaedit", True): (0.98, 0.95), ("pmet", True): (0.95, 0),
}  # fmt: skip


def test_a_run_is_written_case_by_case_and_goes_on_where_it_ended(tmp_path, monkeypatch):
    model = tiny_model("llama")
    records = [
        Record(i, Edit("The museum of {} is in", name, "Rome", "Oslo"), f"{name} stands in", "The museum of Carl Dorn is in")
        for i, name in enumerate(["Anna Bell", "Ben Cole", "Cora Dean"])
    ]
    head = {"records": [0, 1, 2], "file": "x", "fingerprint": model.fingerprint}
    options = {"layer": 0, "steps": 2}
    quality.run(model, records, "ft-l", options, False, tmp_path, head)
    path = tmp_path / "ft-l.layer=0,steps=2.single.jsonl"
    whole = path.read_text()
    assert [json.loads(line)["case"] for line in whole.splitlines()[1:]] == [0, 1, 2]
    # Killed while the second case was written: it is made again, the first is not.
    lines = whole.splitlines(keepends=True)
    path.write_text("".join(lines[:2]) + lines[2][:20])
    made = []
    import survey.editing.session as session

    compute = session.compute
    monkeypatch.setattr("survey.editing.session.compute", lambda *a, **k: (made.append(a[2]), compute(*a, **k))[1])
    quality.run(model, records, "ft-l", options, False, tmp_path, head)
    assert path.read_text() == whole
    assert [edits[0].subject for edits in made] == ["Ben Cole", "Cora Dean"]
    with pytest.raises(UserError, match="other settings"):
        quality.run(model, records, "ft-l", options, False, tmp_path, {**head, "fingerprint": "another"})
    # Whatever a setting holds, its file lies in the folder.
    quality.run(model, records[:1], "ike", {"embedding": "states:1", "scope": "subject"}, False, tmp_path, {**head, "records": [0]})
    assert (tmp_path / "ike.embedding=states_1,scope=subject.single.jsonl").exists()


def test_a_head_that_was_cut_off_is_written_again(tmp_path):
    model = tiny_model("llama")
    records = [Record(0, Edit("The museum of {} is in", "Anna Bell", "Rome", "Oslo"), "She stands in", "The museum of Carl Dorn is in")]
    head = {"records": [0], "file": "x", "sha256": "y", "fingerprint": model.fingerprint}
    quality.unedited(model, records, tmp_path, head)
    quality.run(model, records, "ike", {}, False, tmp_path, head)
    whole = {path: path.read_text() for path in tmp_path.iterdir()}
    assert len(whole) == 2
    for path, text in whole.items():
        path.write_text(text[:20])
    assert quality.table(tmp_path) == []
    quality.unedited(model, records, tmp_path, head)
    quality.run(model, records, "ike", {}, False, tmp_path, head)
    assert {path: path.read_text() for path in tmp_path.iterdir()} == whole


@pytest.mark.parametrize("line", ["text", "[]", '{"case": 1}', "[" * 200_000, "\xff"], ids=["text", "list", "no scores", "nested", "letter"])
def test_a_file_that_no_run_has_written_is_told(tmp_path, line, capsys):
    path = tmp_path / "rome.single.jsonl"
    path.write_text(json.dumps({"method": "rome", "together": False}) + f"\n{line}\n", "latin-1")
    assert quality.main(["--table", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"survey: {path}: line 2 is not the result of a record: move the file away or name another folder\n"
    path.write_text(f"{line}\n", "latin-1")
    assert quality.main(["--table", str(tmp_path)]) == 1
    assert "line 1 is not the head of a run" in capsys.readouterr().err
    with pytest.raises(UserError, match="line 1"):
        quality.run(tiny_model("llama"), [], "rome", {}, False, tmp_path, {})


def test_a_folder_without_results_is_told(tmp_path, capsys):
    for folder in (tmp_path, tmp_path / "none"):
        assert quality.main(["--table", str(folder)]) == 1
        assert capsys.readouterr().err == f"survey: {folder}: there are no results of a run\n"


def test_the_table_leaves_out_a_line_that_was_cut_off(tmp_path):
    case = {m: True for m in METRICS} | {"case": 1, "relative_norm": None}
    lines = [json.dumps(line) for line in ({"method": "rome", "together": False}, case, case | {"case": 2})]
    (tmp_path / "rome.single.jsonl").write_text("\n".join(lines)[:-30])
    assert [row["records"] for row in quality.table(tmp_path)] == [{1}]


def test_the_unedited_model_is_not_asked_about_fewer_records_again(tmp_path):
    model = tiny_model("llama")
    edit = Edit("The museum of {} is in", "Anna Bell", "Rome", "Oslo")
    records = [Record(i, edit, "She stands in", "The museum of Carl Dorn is in") for i in range(3)]
    head = {"file": "x", "sha256": "y", "fingerprint": model.fingerprint}

    def ask(some, **more):
        quality.unedited(model, some, tmp_path, {**head, "records": [r.case for r in some], **more})
        return [json.loads(line) for line in (tmp_path / "unedited.single.jsonl").read_text().splitlines()]

    assert len(ask(records[:2])) == 3
    assert len(ask(records)) == 4
    assert len(ask(records[:1])) == 4
    with pytest.raises(UserError, match="other records"):
        ask(records[:1], sha256="z")
    with pytest.raises(UserError, match="other records"):
        ask([Record(9, edit, "She stands in", "The museum of Carl Dorn is in")])


def test_a_method_that_fails_does_not_end_the_others(tmp_path, monkeypatch, capsys):
    file = written(tmp_path, [GOOD])
    monkeypatch.setattr("survey.editing.load_model", lambda *_: tiny_model("llama"))
    words = [str(file), "--records", "0:1", "-o", str(tmp_path / "out")]
    assert quality.main([*words, "--methods", "mend,fine-tuning", "--set", "layers=(0,)"]) == 1
    out, err = capsys.readouterr()
    assert "mend: mend must be trained first for tiny-llama" in err
    assert "fine-tuning layers=(0,)" in out and "unedited" in out


def test_the_table_shows_every_run(tmp_path, capsys):
    case = {m: True for m in METRICS} | {"neighbourhood-score.kept": None, "relative_norm": 0.5}
    lines = [{"method": "rome", "together": True}, {"case": 1, **case}, {"case": 2, **case, "efficacy-score": False}]
    (tmp_path / "rome.together.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert quality.main(["--table", str(tmp_path)]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    [row] = quality.table(tmp_path)
    assert row["metrics"]["efficacy-score"] == wilson(1, 2)
    assert row["metrics"]["neighbourhood-score.kept"].n == 0
    assert line.startswith("rome (together)") and "0.50 [" in line and line.endswith("0.500")


def test_recorded_runs_keep_the_promises_that_the_site_makes():
    rows = {(row["method"], row["together"]): row for row in quality.table(RESULTS) if not row["variant"]}
    for run, (score, exact) in PROMISED.items():
        assert rows[run]["cases"] == (40 if run[1] else 100), run
        assert rows[run]["metrics"]["efficacy-score"][0] >= score, run
        assert rows[run]["metrics"]["reliability.forced"][0] >= exact, run
