"""What is measured of embeddings, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from survey.pitfalls import retrieval
from survey.pitfalls.counterfact import read_records
from survey.pitfalls.retrieval import auc, auc_interval, main, run, score, similarities, summary
from tests.editing.tiny import tiny_folder, tiny_model


def _records(path, count=6):
    names = ["Tarn", "Oslo", "Rome", "Paris", "London", "Vienna"]
    items = [
        {"case_id": 10 + i, "prompt": f"The bridge of {name} is in", "subject": name, "target_new": "x", "ground_truth": "y",
         "rephrase_prompt": f"It rains. {name} has a bridge in", "locality_prompt": f"The bridge of {name}burgh is in"}
        for i, name in enumerate(names[:count])
    ]  # fmt: skip
    path.write_text(json.dumps(items))
    return path


def test_the_area_under_the_curve():
    assert auc(torch.tensor([2.0, 3.0]), torch.tensor([0.0, 1.0])) == 1
    assert auc(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])) == 0
    assert auc(torch.tensor([1.0, 1.0]), torch.tensor([1.0])) == 0.5
    a, b = torch.randn(40), torch.randn(30) - 0.5
    a[3] = b[4]
    pairs = (a[:, None] > b).double() + (a[:, None] == b).double() / 2
    assert auc(a, b) == pytest.approx(pairs.mean().item())


def test_its_interval():
    chance = torch.Generator().manual_seed(1)
    a, b = torch.randn(100, generator=chance) + 1, torch.randn(100, generator=chance)
    middle, low, high = auc_interval(a.tolist(), b.tolist())
    assert low < middle < high
    assert 0.05 < high - low < 0.2
    assert auc_interval(a.tolist(), b.tolist()) == (middle, low, high)
    assert auc_interval([1.0, 1.0], [0.0, 0.0]) == (1, 1, 1)


def test_scores_of_each_record():
    ours = torch.tensor([[0.9, 0.1], [0.6, 0.6]])
    theirs = torch.tensor([[0.2, 0.8], [0.1, 0.3]])
    assert score(ours, theirs) == [
        {"found": True, "rephrasing": 0.9, "neighbour": 0.2, "rephrasing_memory": 0.9, "neighbour_memory": 0.8},
        # Two edits that are as near: its own is not found.
        {"found": False, "rephrasing": 0.6, "neighbour": 0.3, "rephrasing_memory": 0.6, "neighbour_memory": 0.3},
    ]
    found = summary(score(ours, theirs), classifier=True)
    assert found["found"][0] == 0.5
    assert found["auc-own"][0] == 1
    assert found["auc-memory"][0] == 0.75
    assert found["rephrasing-in-scope"][0] == 1
    assert found["neighbour-memory-in-scope"][0] == 0.5
    assert "neighbour-in-scope" not in summary(score(ours, theirs), classifier=False)


def test_published_numbers_are_what_their_cases_say():
    folder = Path(__file__).parents[2] / "docs" / "results" / "retrieval"
    published = json.loads((folder / "summary.json").read_text("utf-8"))["embeddings"]
    assert set(published) == set(retrieval.EMBEDDINGS)
    for name, values in published.items():
        cases = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()[1:]]
        assert {k: list(v) for k, v in summary(cases, name in ("serac", "subject")).items()} == values, name


def test_the_baseline_looks_for_subjects(tmp_path):
    records, _ = read_records(_records(tmp_path / "a.json"))
    ours, theirs = similarities("subject", None, records)
    assert torch.equal(ours, torch.eye(6))
    assert not theirs.any()


def test_a_run_writes_what_it_found(tmp_path, capsys):
    records, _ = read_records(_records(tmp_path / "a.json"))
    found = run(tiny_model("llama"), records, ["states", "/no/such", "subject"], tmp_path, {"model": "m"})
    assert list(found) == ["states", "subject"]
    assert "/no/such: left out: there is no folder" in capsys.readouterr().err
    lines = [json.loads(line) for line in (tmp_path / "states.jsonl").read_text().splitlines()]
    assert lines[0] == {"model": "m", "embedding": "states"}
    assert [line["case"] for line in lines[1:]] == [10, 11, 12, 13, 14, 15]
    assert found["states"] == json.loads((tmp_path / "summary.json").read_text())["embeddings"]["states"]
    assert found["states"]["found"][0] == round(sum(line["found"] for line in lines[1:]) / 6, 4)
    assert found["subject"]["auc-memory"] == [1, 1, 1]


def test_the_command(tmp_path, capsys):
    folder = tiny_folder(tmp_path / "net", "gpt2")
    file = _records(tmp_path / "a.json")
    out = tmp_path / "out"
    assert main([str(file), "--model", str(folder), "--embeddings", "states,subject", "--records", "1:5", "-o", str(out)]) == 0
    table = capsys.readouterr().out
    assert "auc-memory" in table
    head = json.loads((out / "summary.json").read_text())
    assert head["records"] == [11, 12, 13, 14]
    assert head["file"] == "a.json"
    assert len(head["sha256"]) == 64
    assert head["versions"]["torch"] == torch.__version__.partition("+")[0]
    main(["--table", str(out)])
    assert capsys.readouterr().out == table


def test_what_cannot_be_run(tmp_path, capsys):
    assert main([str(_records(tmp_path / "a.json")), "--records", "5:9"]) == 1
    assert "names 1 of 6 usable records, and 2 are needed at least" in capsys.readouterr().err
    assert main(["--table", str(tmp_path)]) == 1
    assert "no summary" in capsys.readouterr().err
    assert retrieval.EMBEDDINGS[0] == "states"


def test_a_run_that_found_no_embedding_leaves_an_older_summary_alone(tmp_path, capsys):
    folder, file, out = tiny_folder(tmp_path / "net", "gpt2"), _records(tmp_path / "a.json"), tmp_path / "out"
    words = [str(file), "--model", str(folder), "-o", str(out), "--embeddings"]
    assert main([*words, "subject"]) == 0
    before = (out / "summary.json").read_text()
    assert main([*words, "/no/such"]) == 1
    assert "/no/such: left out" in capsys.readouterr().err
    assert (out / "summary.json").read_text() == before
