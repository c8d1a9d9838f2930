"""Records of CounterFact: what is read, what is refused, and how a model is scored on them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from survey.editing import Edit, apply
from survey.errors import UserError
from survey.files import load_taxonomy
from survey.pitfalls.asking import answer, wanted
from survey.pitfalls.benchmarks import read
from survey.pitfalls.counterfact import METRICS, Record, compare, observe, read_records
from survey.pitfalls.metrics.names import parts
from survey.pitfalls.probes import PROBES
from survey.site.pages import SCORES
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
    records, problems = read_records(written(tmp_path, [GOOD, {**GOOD, "case_id": 8, **change}, "text"]))
    assert [record.case for record in records] == [7]
    assert len(problems) == 2
    # What the loader takes for a case, and is none here, is told by its id: a case knows no more.
    assert any(": record 1: " in problem or ": case 8: " in problem for problem in problems)
    assert any(": record 2: the record must be an object" in problem for problem in problems)


def test_a_record_with_several_rephrasings_is_not_asked_by_one_of_them(tmp_path):
    original = {
        "case_id": 8, "paraphrase_prompts": ["Bell's museum is in", "She has one in"], "neighborhood_prompts": ["Carl Dorn is in"],
        "requested_rewrite": {"prompt": "The museum of {} is in", "subject": "Anna Bell", "target_new": {"str": "Rome"}, "target_true": {"str": "Oslo"}},
    }  # fmt: skip
    problem = "case 8: one rephrasing and one neighbour are asked here, not 2 and 1"
    records, problems = read_records(written(tmp_path, [GOOD, original]))
    assert len(records) == 1 and problem in problems[0]
    with pytest.raises(UserError, match=problem + r".*\(no record is usable\)"):
        read_records(written(tmp_path, [original]))


def test_the_name_of_a_record_is_a_number_where_the_file_has_one(tmp_path):
    """Runs that were recorded go on with the same file, so their names must stay what they are."""
    items = [{**GOOD, "case_id": name} for name in (3, "x", "007")]
    assert [record.case for record in read_records(written(tmp_path, items))[0]] == [3, "x", "007"]
    unnamed = {name: value for name, value in GOOD.items() if name != "case_id"}
    assert read_records(written(tmp_path, [unnamed]))[0][0].case == 0


@pytest.mark.parametrize(
    "data",
    [b"{", b'{"a": 1}', b"[]", b"", b"3", b"\xff", b"[" * 200_000],
    ids=["half", "no record", "empty list", "nothing", "a number", "no UTF-8", "nested"],
)
def test_a_broken_file_is_told_in_the_words_of_the_benchmarks(tmp_path, data):
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"bad\.json") as found:
        read_records(path)
    with pytest.raises(UserError) as said:
        read(path, format="counterfact")
    assert str(found.value) == str(said.value)


def test_a_file_that_is_not_there_is_told(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="No such file"):
        read_records(tmp_path / "none.json")
    monkeypatch.setenv("SURVEY_BENCHMARKS", str(tmp_path))
    written(tmp_path, [GOOD])
    assert len(read_records("records")[0]) == 1


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
    assert after.values["efficacy-score"] and after.values["reliability.forced"]
    found = compare(after, seen)
    assert set(found) == set(METRICS)
    assert (found["neighbourhood-score.kept"] is None) == (not seen.values["neighbourhood-score"])
    assert found["locality.next-token"] == (after.next_token == seen.next_token)


RESULTS = Path(__file__).parents[2] / "docs" / "results" / "counterfact"


def test_scores_have_the_names_of_the_projects_metrics():
    known = load_taxonomy().metrics
    assert {parts(name).metric for name in METRICS} <= set(known)
    assert set(METRICS) == {name for name, _ in SCORES}
    for path in RESULTS.glob("*.jsonl"):
        for line in path.read_text("utf-8").splitlines()[1:]:
            assert set(json.loads(line)) == {"case", "relative_norm", *METRICS}, path


@pytest.mark.parametrize("method", ["fine-tuning", "grace"])
def test_a_name_means_what_the_probe_of_that_name_measures(tmp_path, method):
    """Each record scored here and by the probes, before and after an edit, gives the same under the same name."""
    people = ["Anna Bell", "Ben Cole", "Cora Dean", "Dora East", "Emil Frey", "Fay Gold", "Gil Hale", "Hana Ives"]
    objects = ["Rome", "Oslo", "Paris", "London", "Vienna", "Rome", "Rome", "Rome"]
    old = ["Oslo", "Rome", "Oslo", "Paris", "London", "Vienna", "London", "Paris"]
    items = [
        {**GOOD, "case_id": i, "prompt": f"The museum of {name} is in", "subject": name, "target_new": objects[i],
         "ground_truth": old[i], "rephrase_prompt": f"{name}'s museum stands in", "locality_prompt": f"The museum of {name}son is in"}
        for i, name in enumerate(people)
    ]  # fmt: skip
    # The last ones are also asked where the edit changes everything, and at least one of them about an answer that it takes away.
    model = tiny_model("llama")
    for item in items[-3:]:
        item["rephrase_prompt"] = item["locality_prompt"] = items[0]["prompt"]
    items[-1]["ground_truth"] = max(["Oslo", "Berlin", "Lima", "Bonn", "Cairo", "a", "the"], key=lambda was: model.probability(items[0]["prompt"], was))
    file = written(tmp_path, items)
    records, cases = read_records(file)[0], read(file).cases
    probes = [PROBES[pitfall] for pitfall in ("generalization", "generalization.paraphrase", "locality.neighbourhood")]
    asks = [{ask for case in cases for probe in probes for ask in wanted(probe.score, case, states=2)[i]} for i in (0, 1)]
    seen, before = observe(model, records), answer(model, asks[0])
    settings = {"fine-tuning": {"layers": (0,), "lr": 0.05, "steps": 60, "stop": 0.001}, "grace": {"layer": 1}}[method]
    with apply(method, model, [records[0].edit], **settings):
        now, after = observe(model, records), answer(model, asks[1])
    told = [compare(b, a) for b, a in zip(now, seen, strict=True)]
    for name in METRICS:
        [probe] = [probe for probe in probes if name in probe.metrics]
        assert [record[name] for record in told] == [probe.score(case, (before, after))[name] for case in cases], name
    # Where all records had the same, nothing would be shown.
    assert method != "grace" or all(len({record[name] for record in told} - {None}) == 2 for name in METRICS), told


REAL = pytest.mark.skipif("SURVEY_BENCHMARKS" not in os.environ, reason="SURVEY_BENCHMARKS does not name the folder of benchmarks")


@REAL
def test_recorded_runs_are_on_the_records_that_are_read_today():
    file = Path(os.environ["SURVEY_BENCHMARKS"]) / "counterfact.json"
    cases, sha256 = [record.case for record in read_records(file)[0]], hashlib.sha256(file.read_bytes()).hexdigest()
    runs = [*RESULTS.glob("*.jsonl"), *(RESULTS.parent / "retrieval").glob("*.jsonl")]
    assert len(runs) > 30
    for run in runs:
        head = json.loads(run.read_text("utf-8").partition("\n")[0])
        assert (head["sha256"], head["records"]) == (sha256, cases[: len(head["records"])]), run


@pytest.mark.model
@REAL
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
        assert {m: now[m] for m in ("efficacy-score", "reliability.forced")} == {m: line[m] for m in ("efficacy-score", "reliability.forced")}
