"""The registry: which format a file is of, what is told of broken records, and what is refused."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.errors import UserError
from survey.pitfalls.asking import wanted
from survey.pitfalls.benchmarks import CASES, TASKS, read, read_task
from survey.pitfalls.case import Question
from survey.pitfalls.probes import PROBES
from tests.pitfalls.benchmarks import records
from tests.pitfalls.benchmarks.records import written


def test_reading_cases_and_tasks_needs_no_torch(tmp_path):
    code = (
        "import sys; from survey.pitfalls.benchmarks import read, read_task; "
        "read(sys.argv[1]); read_task(sys.argv[2]); sys.exit('torch' in sys.modules)"
    )
    files = [written(tmp_path, [records.FLAT]), written(tmp_path, records.TASKS["sst2"], "task.json")]
    assert subprocess.run([sys.executable, "-c", code, *files], cwd=Path(__file__).parents[3]).returncode == 0


@pytest.mark.parametrize("format", CASES)
def test_a_format_is_told_by_its_records(tmp_path, format):
    found = read(written(tmp_path, records.CASES[format]))
    assert (found.id, found.name, len(found.cases)) == (format, CASES[format].name, len(records.CASES[format]))
    assert (found.skipped, found.problems, len(found.sha256)) == (0, (), 64)


@pytest.mark.parametrize("format", TASKS)
def test_a_task_is_told_by_its_records(tmp_path, format):
    task, problems = read_task(written(tmp_path, records.TASKS[format]))
    assert (task.id, task.kind, problems) == (TASKS[format].task, TASKS[format].kind, ())


@pytest.mark.parametrize("format", CASES)
def test_the_cases_of_every_format_can_be_probed(tmp_path, format):
    shown = Counter()
    for case in read(written(tmp_path, records.CASES[format])).cases:
        shown.update(p.pitfall for p in PROBES.values() if p.roles and p.usable(case))
    assert shown


def _prompts(case) -> set[str]:
    """Everything that the probes ask about a case in a run, as text: of pairs those that need three states, else two."""
    states = 3 if len(case.edits) > 1 and not case.together else 2
    used = [p for p in PROBES.values() if p.states == states and p.usable(case)]
    return {str(ask) for p in used for state in wanted(p.score, case, states=states) for ask in state}


@pytest.mark.parametrize("format", CASES)
def test_no_questions_are_made_that_no_probe_asks(tmp_path, format):
    for name in ("conflict_prompts.json", "round_prompts.json"):
        written(tmp_path, records.PROMPTS, name)
    for case in read(written(tmp_path, records.CASES[format])).cases:
        for role in case.questions:
            marked = replace(case, questions={**case.questions, role: (Question("An odd prompt", ("An odd answer",)),)})
            assert any("An odd" in asked for asked in _prompts(marked)), role


def test_the_digest_tells_what_was_read_along(tmp_path):
    path = written(tmp_path, [records.REVERSE])
    alone = read(path)
    assert (alone.digest, alone.beside) == (alone.sha256, ()) and alone.missing
    digests = {alone.digest}
    for prompts in ({"P40": ["A child of {} is"]}, {"P40": ["One child of {} is"]}):
        beside = written(tmp_path, prompts, "conflict_prompts.json")
        found = read(path)
        assert found.sha256 == alone.sha256 and found.missing == ()
        assert found.beside == ((beside.name, hashlib.sha256(beside.read_bytes()).hexdigest()),)
        digests.add(found.digest)
    assert len(digests) == 3


@pytest.mark.parametrize(
    "records_",
    [
        [records.ZSRE, records.ZSRE_EXTENDED, {**records.ZSRE_EXTENDED, "case_id": 5}],
        [{**records.FLAT, "portability": records.ZSRE_EXTENDED["portability"]}, {**records.FLAT, "case_id": 8, "portability": {"one_hop": {"prompt": "p", "ground_truth": "a"}}}],
        [records.KNOWEDIT, {**records.KNOWEDIT, "case_id": 8}],
    ],
)
def test_one_hop_questions_without_what_they_need_are_told_once(tmp_path, records_):
    assert read(written(tmp_path, records_)).missing == (
        "2 of 2 one-hop questions without a question for the second fact: counted whether or not the unedited model knows that fact",
    )


def test_edits_that_do_not_tell_what_was_right_are_told_once(tmp_path):
    new = [{**records.RECOE, "id": str(i), "edits": [{**records.RECOE["edits"][0], "ground_truth": None}]} for i in range(2)]
    told = "2 of 3 edits without what was right before: the new answer is not compared with it (efficacy-score, paraphrase-score)"
    assert read(written(tmp_path, [records.RECOE, *new])).missing == (told,)
    assert read(written(tmp_path, [records.RECOE])).missing == ()


def test_a_record_that_is_broken_does_not_hide_the_format(tmp_path):
    found = read(written(tmp_path, [{"x": 1}, 5, records.ZSRE, None]))
    assert (found.id, len(found.cases), found.skipped) == ("zsre", 1, 3)
    path = tmp_path / "records.json"
    assert [str(p) for p in found.problems] == [
        f"{path}: record 0: no answers",
        f"{path}: record 1: the record must be an object, not number",
        f"{path}: record 3: the record must be an object, not null",
    ]


def test_strict_refuses_the_file_with_the_first_problem_and_their_number(tmp_path):
    path = written(tmp_path, [records.ZSRE, {**records.ZSRE, "alt": ""}, {**records.ZSRE, "src": None}])
    with pytest.raises(UserError) as raised:
        read(path, strict=True)
    assert str(raised.value) == f"{path}: record 1: alt is empty (and 1 more problem)"
    with pytest.raises(UserError, match=r"record 1: sentence is empty$"):
        read_task(written(tmp_path, [*records.TASKS["sst2"], {"sentence": "", "label": 1}]), strict=True)


def test_a_file_without_any_usable_record_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"record 0: alt is empty \(no record is usable\)"):
        read(written(tmp_path, [{**records.ZSRE, "alt": ""}] * 2))


def test_unknown_records_and_formats_are_refused_with_those_that_are_known(tmp_path):
    path = written(tmp_path, [{"colour": "red", "size": 3}])
    with pytest.raises(UserError, match=r"records\.json: the records, with colour, size, are of no known format; known are mquake, .*knowedit"):
        read(path)
    with pytest.raises(UserError, match=r"no known format; known are gsm8k, .*me-ppl"):
        read_task(path)
    with pytest.raises(UserError, match="no format 'odd' here; known are mquake"):
        read(path, format="odd")
    with pytest.raises(UserError, match="which are no objects"):
        read(written(tmp_path, [1, 2]))


def test_cases_and_tasks_point_to_each_other(tmp_path):
    task, cases = written(tmp_path, records.TASKS["boolq"]), written(tmp_path, [records.ZSRE], "cases.json")
    with pytest.raises(UserError, match="this is BoolQ; read_task reads it"):
        read(task)
    with pytest.raises(UserError, match="this is zsRE; read reads it"):
        read_task(cases)
    with pytest.raises(UserError, match="read_task reads boolq"):
        read(cases, format="boolq")


def test_a_format_that_is_given_is_not_told_by_the_records(tmp_path):
    with pytest.raises(UserError, match="record 0: no answers"):
        read(written(tmp_path, [records.FLAT]), format="zsre")


def _places(value, path=()):
    """Every place in a record, the record itself aside."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from _places(inner, (*path, key))


_EVERY = [(id, i, place) for id, rs in {**records.CASES, **records.TASKS}.items() for i, r in enumerate(rs) for place in _places(r)]
_ODD = st.sampled_from([None, "", " ", "{}", "{} {}", "\ud800", 0, -1, 1.5, True, [], {}, [None], [[]], {"a": 1}, ["x"], "x", "#### x"])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(_EVERY), odd=_ODD, drop=st.booleans())
def test_whatever_stands_in_a_record_it_is_read_or_told_in_one_line(tmp_path, where, odd, drop):
    id, i, place = where
    good = {**records.CASES, **records.TASKS}[id][i]
    record = copy.deepcopy(good)
    at = record
    for key in place[:-1]:
        at = at[key]
    if drop:
        del at[place[-1]]
    else:
        at[place[-1]] = odd
    path = written(tmp_path, [record])
    try:
        if id in CASES:
            found = read(path, format=id)
            assert all(q.prompt == q.prompt.rstrip() for c in found.cases for qs in c.questions.values() for q in qs)
            [str(p) for p in found.problems]
        else:
            read_task(path, format=id)
    except UserError as error:
        assert "\n" not in str(error)


REAL = os.environ.get("SURVEY_BENCHMARKS")
real = pytest.mark.skipif(not REAL, reason="SURVEY_BENCHMARKS names no folder with the benchmarks' records")

# File: format, cases, and the roles of every one.
FILES = {
    "counterfact": ("counterfact", 600, {"paraphrase", "neighbour"}),
    "zsre": ("zsre", 300, {"paraphrase", "unrelated"}),
    "conflictedit-reverse": ("conflictedit", 120, {"explicit-new", "explicit-old", "implicit-new", "implicit-old"}),
    "conflictedit-composite": ("conflictedit", 120, {"explicit-new", "explicit-old", "implicit-new", "implicit-old", "tied"}),
    "conflictedit-coverage": ("conflictedit", 120, {"explicit-new", "explicit-old"}),
    "roundedit-easy": ("roundedit", 120, {"objects"}),
    "roundedit-hard": ("roundedit", 120, {"objects"}),
}
SETS = {
    "gsm8k": ("reasoning", 150), "nli": ("natural-language-inference", 150), "boolq": ("closed-domain-qa", 150),
    "natural_questions": ("open-domain-qa", 150), "me-ppl-50": ("language-modelling", 50), "me-ppl-500": ("language-modelling", 500),
}  # fmt: skip


@real
@pytest.mark.parametrize("name", FILES)
def test_the_published_records_are_all_read(name):
    id, count, roles = FILES[name]
    found = read(name, strict=True)
    assert (found.id, len(found.cases), found.problems, found.missing) == (id, count, (), ())
    assert all(set(case.questions) == roles for case in found.cases)
    raw = json.loads((Path(REAL) / f"{name}.json").read_text("utf-8"))
    case, last = found.cases[-1], raw[-1]
    if id == "counterfact":
        assert (case.edit.text, case.edit.target, case["neighbour"][0].prompt) == (last["prompt"], last["target_new"], last["locality_prompt"])
    elif id == "zsre":
        assert (case.edit.text, case.edit.target, case.edit.was) == (last["src"], last["alt"], last["answers"][0])
    elif id == "conflictedit":
        assert [e.target for e in case.edits] == [e["new_object"]["label"] for e in last["edits"]]
        assert all(len(case[role][0].others) >= 9 for role in roles)
    else:
        assert sorted(case["objects"][0].answers) == sorted({o["label"] for o in last["true_objects"]})
        assert case["objects"][0].answers[0] == last["edit"]["object"]["label"]
        assert len(case["objects"][0].others) >= 9


@real
@pytest.mark.parametrize("name", SETS)
def test_the_published_tasks_are_all_read(name):
    task, problems = read_task(name, strict=True)
    id, count = SETS[name]
    assert (task.id, len(task.items), problems) == (id, count, ())


@real
def test_published_files_that_are_no_benchmark_are_refused():
    for name in ("known", "conflict_prompts"):
        with pytest.raises(UserError, match="no known format"):
            read(name)
