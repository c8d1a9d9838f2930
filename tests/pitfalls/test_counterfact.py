"""Records of CounterFact: what is read, what is refused, and how a model is scored on them."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from survey.editing import METHODS, Edit, apply
from survey.errors import UserError
from survey.pitfalls import comparison, quality
from survey.pitfalls.counterfact import METRICS, Record, compare, observe, read_records, share
from tests.editing.tiny import tiny_model

GOOD = {
    "case_id": 7, "prompt": "The museum of Anna Bell is in", "subject": "Anna Bell", "target_new": "Rome",
    "ground_truth": "Oslo", "rephrase_prompt": "Anna Bell's museum stands in ", "locality_prompt": "The museum of Carl Dorn is in",
}  # fmt: skip


def written(tmp_path: Path, items) -> Path:
    path = tmp_path / "records.json"
    path.write_text(json.dumps(items), "utf-8")
    return path


def test_a_record_becomes_an_edit_with_a_rephrasing_and_a_neighbour(tmp_path):
    [record], problems = read_records(written(tmp_path, [GOOD]))
    assert problems == []
    assert record == Record(
        7, Edit("The museum of {} is in", "Anna Bell", "Rome", "Oslo"), "Anna Bell's museum stands in", GOOD["locality_prompt"]
    )


@pytest.mark.parametrize(
    "change",
    [{"subject": ""}, {"prompt": "Nobody is in"}, {"prompt": "Anna Bell and Anna Bell are in"}, {"target_new": None}],
)
def test_an_unusable_record_is_told_with_its_place(tmp_path, change):
    records, problems = read_records(written(tmp_path, [GOOD, {**GOOD, **change}, "text"]))
    assert len(records) == 1
    assert [": record 1: " in problems[0], ": record 2: " in problems[1]] == [True, True]


@pytest.mark.parametrize("text", ["{", '{"a": 1}'])
def test_a_file_that_holds_no_records_is_refused(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"bad\.json"):
        read_records(path)
    with pytest.raises(UserError, match="No such file"):
        read_records(tmp_path / "none.json")


def test_scores_are_what_the_probabilities_say():
    model = tiny_model("llama")
    record = Record(0, Edit("The museum of {} is in", "Anna Bell", "Rome", "Oslo"), "She stands in", "The museum of Carl Dorn is in")
    [seen] = observe(model, [record])

    def p(prompt, target):
        return model.probability(prompt, target)

    assert seen.values["efficacy-score"] == (p(record.edit.text, "Rome") > p(record.edit.text, "Oslo"))
    assert seen.values["paraphrase-score"] == (p(record.rephrase, "Rome") > p(record.rephrase, "Oslo"))
    assert seen.values["neighbourhood-score"] == (p(record.neighbour, "Oslo") > p(record.neighbour, "Rome"))
    assert seen.next_token == int(model.next_logits([record.neighbour])[0].argmax())
    with apply("fine-tuning", model, [record.edit], layers=(), lr=0.05, steps=60, stop=0.001):
        [after] = observe(model, [record])
    assert after.values["efficacy-score"] and after.values["efficacy-exact"]
    found = compare(after, seen)
    assert set(found) == set(METRICS)
    assert (found["neighbourhood-kept"] is None) == (not seen.values["neighbourhood-score"])
    assert found["neighbourhood-unchanged"] == (after.next_token == seen.next_token)


def test_shares_have_wilsons_interval():
    # 8 of 10: the interval is (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.96.
    p, low, high = share([True] * 8 + [False] * 2)
    assert (p, round(low, 3), round(high, 3)) == (0.8, 0.490, 0.943)
    assert share([True] * 40)[0] == 1.0 and round(share([True] * 40)[1], 3) == 0.912
    assert all(map(math.isnan, share([])))


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


def test_records_that_the_unedited_model_was_not_asked_are_not_compared(tmp_path):
    case = {m: True for m in METRICS} | {"relative_norm": 0.5}
    (tmp_path / "counterfact").mkdir()
    for method, cases in (("unedited", [1, 2]), ("rome", [2, 3])):
        lines = [{"method": method, "together": False}, *({"case": i, **case} for i in cases)]
        file = tmp_path / "counterfact" / f"{method}.single.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(UserError, match="rome was measured on records"):
        comparison.gathered(tmp_path)


def test_the_table_shows_every_run(tmp_path, capsys):
    case = {m: True for m in METRICS} | {"neighbourhood-kept": None, "relative_norm": 0.5}
    lines = [{"method": "rome", "together": True}, {"case": 1, **case}, {"case": 2, **case, "efficacy-score": False}]
    (tmp_path / "rome.together.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert quality.main(["--table", str(tmp_path)]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith("rome (together)") and "0.50 [" in line and line.endswith("0.500")


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


def test_recorded_runs_keep_the_promises_that_the_site_makes():
    rows = {(row["method"], row["together"]): row for row in quality.table(RESULTS) if not row["variant"]}
    for run, (score, exact) in PROMISED.items():
        assert rows[run]["cases"] == (40 if run[1] else 100), run
        assert rows[run]["metrics"]["efficacy-score"][0] >= score, run
        assert rows[run]["metrics"]["efficacy-exact"][0] >= exact, run


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


@pytest.mark.model
@pytest.mark.skipif("SURVEY_BENCHMARKS" not in os.environ, reason="SURVEY_BENCHMARKS does not name the folder of benchmarks")
def test_real_records_are_edited_as_recorded():
    """The first two records, made again, give what the recorded run says."""
    from survey.editing import compute, load_model

    model = load_model()
    records, _ = read_records(Path(os.environ["SURVEY_BENCHMARKS"]) / "counterfact.json")
    lines = (RESULTS / "rome.single.jsonl").read_text().splitlines()[1:]
    for record, line in zip(records[:2], map(json.loads, lines), strict=False):
        before = observe(model, [record])[0]
        with apply(compute("rome", model, [record.edit]), model):
            now = compare(observe(model, [record])[0], before)
        assert record.case == line["case"]
        assert {m: now[m] for m in ("efficacy-score", "efficacy-exact")} == {m: line[m] for m in ("efficacy-score", "efficacy-exact")}
