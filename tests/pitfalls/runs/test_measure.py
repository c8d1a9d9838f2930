"""Whole runs on a tiny model: what is measured, and that nothing is lost or done twice."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from survey.errors import UserError
from survey.pitfalls import runs
from survey.pitfalls.asking import Next
from survey.pitfalls.case import Case, Question
from survey.pitfalls.runs import Plan, measure
from survey.pitfalls.runs.plan import Chain, asked, chains, chosen, described
from survey.pitfalls.runs.results import read
from survey.pitfalls.runs.summary import summarise
from survey.pitfalls.runs.worker import Worker, _batches
from tests.pitfalls.runs.conftest import case, pair


def scores(path) -> list:
    """What a file says, without what time and order have to do with."""
    _, steps = read(path)
    rows = [{k: v for k, v in row.items() if k not in ("seconds", "processor", "passes", "memory")} for step in steps for row in step]
    rows = [json.loads(json.dumps(row)) for row in rows]
    for row in rows:
        row.get("scores", {}).pop("cost", None)
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny_path, material):
    """One run that nothing interrupts, in one process."""
    settings = {"rome": {"layer": "1", "steps": "2", "contexts": "()"}}
    plan = Plan(("rome",), ("all",), (0, 1, 2, 4), (0, 1), 2, model=str(tiny_path), settings=settings)
    folder = tmp_path_factory.mktemp("whole")
    [path] = measure(plan, material, folder, workers=2)
    return plan, path


def test_every_chain_is_measured_once_at_every_stop(whole):
    _, path = whole
    head, steps = read(path)
    found = Counter((step[-1]["chain"], step[-1]["edits"]) for step in steps)
    assert set(found.values()) == {1}
    sequences = {("0/sequence/all", n) for n in (0, 1, 2, 4)} | {("1/sequence/all", n) for n in (0, 1, 2, 4)}
    assert sequences <= set(found)
    kinds = Counter(chain.split("/")[1] for chain, _ in found)
    assert kinds == {"sequence": 8, "single": 4, "pair": 4}
    assert (head["method"], head["benchmark"]["id"], head["seeds"]) == ("rome", "tiny", [0, 1])
    assert head["configuration"]["layer"] == 1 and head["fingerprint"]


def test_a_step_asks_what_belongs_to_it(whole):
    _, steps = read(whole[1])
    for step in steps:
        kind = step[-1]["chain"].split("/")[1]
        cases = [row for row in step if row["kind"] == "case"]
        tasks = [row["task"] for row in step if row["kind"] == "task"]
        if kind == "pair":
            assert [set(row["scores"]) for row in cases] == [{"locality.distortion"}] and not tasks
        elif kind == "single":
            assert len(cases) == 1 and tasks == ["language-modelling"]
            assert {"generalization", "locality.neighbourhood"} <= set(cases[0]["scores"])
            assert "general-abilities.forgetting" not in cases[0]["scores"]
        else:
            # After one edit only tasks are asked: facts are edited alone besides.
            assert len(cases) == (step[-1]["edits"] if step[-1]["edits"] > 1 else 0) and tasks == ["sentiment-analysis", "language-modelling"]
            old = [row["case"] for row in cases if "general-abilities.forgetting" in row["scores"]]
            assert len(old) == max(0, len(cases) - 1)


def test_an_edit_changes_what_is_measured_and_nothing_else_does(whole):
    _, steps = read(whole[1])
    pairs = [
        pair for step in steps for row in step if row["kind"] == "case" and step[-1]["chain"].split("/")[1] == "single"
        for pair in [row["scores"]["generalization"]["efficacy-magnitude"]]
    ]  # fmt: skip
    assert all(edited > unedited for edited, unedited in pairs)


def test_the_unedited_model_is_measured_at_no_edits(whole, tiny_path, material):
    import math

    from survey.editing.loading import load_model

    model = load_model(str(tiny_path))
    texts = [item.answers[0] for item in material.tasks[1].items]
    pairs = [(text[:1], text[1:]) for text in texts]
    assert pairs
    total = count = 0
    for text in texts:
        ids = model.tokens(text).ids
        import torch

        logits = model.network(torch.tensor([ids])).logits[0].log_softmax(-1)
        total -= sum(logits[i, id].item() for i, id in enumerate(ids[1:]))
        count += len(ids) - 1
    start = [c for c in summarise(whole[1].parent).cells if c.metric == "perplexity" and c.edits == 0]
    assert [c.value for c in start] == [pytest.approx(math.exp(total / count), rel=1e-3)]


def test_a_run_that_was_killed_ends_as_one_that_was_not(whole, material, tmp_path, monkeypatch):
    """Cut after every step in turn, the file grows to the same lines, bit for bit."""
    plan, path = whole
    done = 0

    class Killed(Exception):
        pass

    add = runs.Results.add

    def add_and_die(self, *args, **more):
        nonlocal done
        add(self, *args, **more)
        done += 1
        if done % 3 == 0:
            raise Killed

    monkeypatch.setattr(runs.Results, "add", add_and_die)
    for _ in range(30):
        try:
            measure(plan, material, tmp_path, workers=2)
            break
        except Killed:
            with (tmp_path / path.name).open("a") as file:
                file.write('{"kind": "case", "cu')
    assert done == len(read(path)[1])
    assert scores(tmp_path / path.name) == scores(path)


def test_a_patch_that_was_lost_is_made_again(whole, material, tmp_path):
    """The file without its last steps, and no patches: as after a fresh clone of results that were committed."""
    plan, path = whole
    head, steps = read(path)
    kept = [step for step in steps if (step[-1]["chain"], step[-1]["edits"]) != ("0/sequence/all", 4)]
    assert len(kept) == len(steps) - 1
    (tmp_path / path.name).write_text("".join(json.dumps(row) + "\n" for row in [head, *(row for step in kept for row in step)]))
    heard = []
    measure(plan, material, tmp_path, workers=2, begin=lambda done, total: heard.append(total - done))
    assert scores(tmp_path / path.name) == scores(path)
    assert heard == [3]


def test_nobody_works_on_when_the_run_is_killed(tiny_path, tmp_path):
    """Killed by the system, without a chance to tidy up."""
    import os
    import signal
    import subprocess
    import sys
    import time

    words = ["measure", "--methods", "ft-l", "--set", "ft-l.steps=2", "--pitfalls", "generalization.paraphrase", "--cases", "300", "--workers", "2"]
    code = "import sys; from survey.cli import main; sys.exit(main(sys.argv[1:]))"
    words += ["--model", str(tiny_path), "-o", str(tmp_path / "out")]
    run = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    file, children = tmp_path / "out" / "ft-l.steps=2.jsonl", f"/proc/{run.pid}/task/{run.pid}/children"
    if not os.path.exists(children):
        run.kill()
        pytest.skip("this system does not tell a process's children")
    while not file.exists() or '"kind": "edits"' not in file.read_text():
        assert run.poll() is None
        time.sleep(0.1)
    pids = Path(children).read_text().split()
    assert len(pids) >= 2
    run.send_signal(signal.SIGKILL)
    run.wait()
    for _ in range(100):
        alive = [Path(f"/proc/{pid}/stat") for pid in pids if os.path.exists(f"/proc/{pid}/stat")]
        if all(stat.read_text().rpartition(")")[2].split()[0] == "Z" for stat in alive):
            break
        time.sleep(0.1)
    else:
        pytest.fail("a process goes on")


def test_a_run_that_is_complete_does_nothing(whole, material, monkeypatch):
    plan, path = whole
    text = path.read_text("utf-8")
    monkeypatch.setattr(runs, "Local", None)
    heard = []
    measure(plan, material, path.parent, workers=2, begin=lambda done, total: heard.append((done, total)))
    assert path.read_text("utf-8") == text
    assert heard[0][0] == heard[0][1] > 0


def test_ray_gives_the_same_results(whole, material, tmp_path):
    ray = pytest.importorskip("ray", reason="the engine ray is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        assert ray.cluster_resources()["CPU"] == 2
        [path] = measure(whole[0], material, tmp_path, engine="ray", workers=2)
    finally:
        ray.shutdown()
    assert scores(path) == scores(whole[1])


def test_a_method_that_cannot_edit_is_a_result(tiny_path, material, monkeypatch):
    from survey.editing import session
    from survey.editing.edit import EditError

    def refuse(*_, **__):
        raise EditError("no such thing")

    monkeypatch.setattr(session, "compute", refuse)
    worker = Worker(Plan(("rome",), ("generalization", "general-abilities"), (0, 2), model=str(tiny_path)), material.tasks)
    chain = Chain("rome", 0, "all", "sequence", material.cases[:2], (0, 2))
    outcome = worker.step(chain, 1, None)
    assert outcome.patch is None
    # That it still can what it could is no merit of the method.
    assert {row["kind"] for row in worker.step(chain, 0, None).rows} == {"task", "edits"}
    assert {row["kind"] for row in outcome.rows} == {"case", "edits"}
    assert outcome.rows[-1]["made"] == 0
    assert outcome.rows[-1]["failed"] == [["The museum", "EditError: no such thing"], ["The bridge", "EditError: no such thing"]]
    assert all(edited == unedited for row in outcome.rows[:-1] for edited, unedited in row["scores"]["generalization"].values())


def test_a_sequence_tells_what_held_right_after_it_was_edited(tiny_path, material):
    """The second edit is trained too little to hold; the first held once, whatever became of it."""
    chain = Chain("ft-l", 0, "all", "sequence", material.cases[:2], (1, 2))
    plan = lambda **more: Plan(("ft-l",), ("general-abilities.forgetting",), (2,), model=str(tiny_path), settings={"ft-l": more})  # noqa: E731
    one = Worker(plan(lr="0.05", steps="60", epsilon="1.0"), ()).step(chain, 0, None)
    two = Worker(plan(steps="0"), ()).step(chain, 1, one.patch)
    assert (one.rows[-1]["learnt"], two.rows[-1]["learnt"]) == (["case 0"], [])
    alone = Worker(plan(steps="0"), ()).step(replace(chain, id="x", kind="single", stops=(1,)), 0, None)
    assert "learnt" not in alone.rows[-1]


def test_edits_that_are_added_up_do_not_know_of_each_other(tiny_path, material):
    """The changes of two edits are the sum of what each makes of the unedited model."""
    from survey.editing.session import compute

    chain = Chain("ft-l", 0, "all", "sequence", material.cases[:2], (2,))
    plan = Plan(("ft-l",), ("general-abilities.forgetting",), (2,), model=str(tiny_path), settings={"ft-l": {"steps": "3"}}, added=True)
    worker = Worker(plan, ())
    got = worker._read(worker.step(chain, 0, None).patch)
    parts = [compute("ft-l", worker.model, c.edit, seed=0, steps=3) for c in chain.cases]
    [name] = got.changes
    total = sum(part.changes[name].full() for part in parts)
    assert (got.changes[name].full() - total).abs().max() < 1e-6 * total.abs().max()
    worker.plan = replace(plan, added=False)
    on_top = worker._read(worker.step(chain, 0, None).patch)
    assert (on_top.changes[name].full() - total).abs().max() > 1e-3 * total.abs().max()
    assert described(plan, material, "ft-l") != described(worker.plan, material, "ft-l")


def test_the_time_of_each_edit_and_the_memory_are_told(whole):
    _, steps = read(whole[1])
    for step in steps:
        last = step[-1]
        assert len(last["processor"]) == last["made"] and all(seconds > 0 for seconds in last["processor"])
        assert len(last["passes"]) == last["made"] and all(forward > backward >= 1 for forward, backward in last["passes"])
        assert last["memory"] is None or last["memory"] > 10_000_000 or not last["made"]


def test_edits_that_belong_together_are_made_at_once():
    cases = [replace(case(0), edits=(case(0).edit, case(1).edit), together=True), case(2), replace(case(3), edits=(case(3).edit, case(4).edit))]
    sizes = lambda size, many: [len(some) for some in _batches(cases, size, many)]  # noqa: E731
    assert (sizes(1, True), sizes(1, False), sizes(3, True), sizes(9, True)) == ([2, 1, 1, 1], [1] * 5, [3, 2], [5])


def test_a_second_edit_that_covers_the_first_is_also_made_alone(tiny_path, material):
    first = case(0).edit
    second = replace(first, target="London", was=first.target)
    ask = lambda right, wrong: (Question(first.text, (right,), wrong),)  # noqa: E731
    conflict = Case("c", (first, second), {"explicit-new": ask("London", first.target), "explicit-old": ask(first.target, "London")}, part="coverage")
    settings = {"ft-l": {"lr": "0.05", "steps": "60", "epsilon": "1.0"}}
    worker = Worker(Plan(("ft-l",), ("generalization.conflict",), (1,), model=str(tiny_path), settings=settings), ())
    outcome = worker.step(Chain("ft-l", 0, "c", "pair", (conflict,), (1,)), 0, None)
    alone = {name: pair for name, pair in outcome.rows[0]["scores"]["generalization.conflict"].items() if "alone" in name}
    assert alone["success-score.alone"][0] is True
    # The unedited model does not say London, and is unchanged beside itself.
    assert {name: pair for name, pair in alone.items() if name != "success-score.alone"} == {
        "success-score.alone-exact": [1, 0], "success-score.alone-unchanged": [0, 1],
    }  # fmt: skip
    assert outcome.rows[0]["part"] == "coverage" and outcome.rows[-1]["made"] == 2
    other = worker.step(Chain("ft-l", 0, "c", "pair", (replace(conflict, part="reverse"),), (1,)), 0, None)
    assert "success-score.alone" not in other.rows[0]["scores"]["generalization.conflict"]


def test_a_collapsed_model_is_a_result(tiny_path, material, monkeypatch):
    import torch

    from survey.editing import session
    from survey.editing.patch import Change, WeightPatch

    def ruin(method, model, edits, **_):
        name = model.down_name(1)
        return WeightPatch({"method": "rome", "edits": []}, {name: Change(dense=torch.full_like(model.parameters[name], torch.nan))})

    monkeypatch.setattr(session, "compute", ruin)
    worker = Worker(Plan(("rome",), ("all",), (0, 2), model=str(tiny_path)), material.tasks)
    outcome = worker.step(Chain("rome", 0, "all", "sequence", material.cases[:2], (0, 2)), 1, None)
    by = {row.get("task") or row["case"]: row["scores"] for row in outcome.rows[:-1]}
    assert by["language-modelling"]["perplexity.nll"] == [None] * 5
    assert by["sentiment-analysis"]["accuracy"] == [False] * 5
    found = by["case 0"]["generalization"]
    assert not found["reliability.forced"][0] and found["efficacy-magnitude"][0] is None
    json.dumps(outcome.rows, allow_nan=False)
    again = worker.step(Chain("rome", 0, "x", "single", (case(1),), (1,)), 0, None)
    assert again.rows[0]["scores"]["generalization"]["reliability.forced"][1] is not None


def test_several_edits_at_once_are_one_batch(plan_of, material, tmp_path):
    plan = plan_of(methods=("memit",), pitfalls=("generalization",), edits=(4,), batch=2)
    [path] = measure(plan, material, tmp_path, workers=1)
    _, steps = read(path)
    assert [step[-1]["made"] for step in steps] == [4]


def test_what_was_not_edited_is_no_proof_of_locality(tiny_path, material, monkeypatch):
    from survey.editing import session

    compute = session.compute

    def some(method, model, edits, **more):
        if edits[0].subject == "The museum":
            raise KeyError("no such thing")
        return compute(method, model, edits, **more)

    monkeypatch.setattr(session, "compute", some)
    settings = {"ft-l": {"steps": "2"}}
    plan = Plan(("ft-l",), ("generalization", "locality.neighbourhood"), (2,), model=str(tiny_path), settings=settings)
    outcome = Worker(plan, ()).step(Chain("ft-l", 0, "all", "sequence", material.cases[:2], (2,)), 0, None)
    asked = {row["case"]: set(row["scores"]) for row in outcome.rows if row["kind"] == "case"}
    assert "locality.neighbourhood" in asked["case 1"] and asked["case 0"] == {"generalization"}
    assert outcome.rows[-1]["made"] == 1 and outcome.rows[-1]["failed"] == [["The museum", "KeyError: 'no such thing'"]]


def test_every_edit_of_a_batch_that_failed_is_counted(tiny_path, material, monkeypatch):
    from survey.editing import session

    def refuse(*_, **__):
        raise ValueError("")

    monkeypatch.setattr(session, "compute", refuse)
    worker = Worker(Plan(("memit",), ("generalization",), (3,), batch=3, model=str(tiny_path)), ())
    last = worker.step(Chain("memit", 0, "all", "sequence", material.cases[:3], (3,)), 0, None).rows[-1]
    assert [subject for subject, _ in last["failed"]] == ["The museum", "The bridge", "The harbour"]


def test_a_pair_of_a_method_that_works_on_sums_holds_both_edits(tiny_path, material):
    settings = {"prune": {"base": "ft-l"}}
    worker = Worker(Plan(("prune",), ("locality.distortion",), (1,), model=str(tiny_path), settings=settings), ())
    case = material.pairs[0]
    outcome = worker.step(Chain("prune", 0, case.id, "pair", (case,), (1,)), 0, None)
    assert worker._read(outcome.patch).edits == list(case.edits)


@pytest.mark.parametrize("method", ["prune"])
def test_a_method_that_works_on_sums_gets_all_edits_again(method, plan_of, material, tiny_path, tmp_path):
    from survey.editing.loading import load_model
    from survey.editing.session import apply, compute

    settings = {method: {"base": "ft-l"}}
    plan = Plan((method,), ("generalization",), (2, 4), model=str(tiny_path), settings=settings)
    [path] = measure(plan, material, tmp_path, workers=1)
    _, steps = read(path)
    model = load_model(str(tiny_path))
    [chain] = chains(plan, material, method)
    edits = [c.edit for c in chain.cases]
    patch = compute(method, model, edits, base="ft-l", batch=1)
    with apply(patch, model):
        p = model.probability(edits[0].text, edits[0].target) - model.probability(edits[0].text, edits[0].was)
    last = next(row for row in steps[-1] if row["case"] == chain.cases[0].id)
    assert last["scores"]["generalization"]["efficacy-magnitude"][0] == pytest.approx(p, rel=1e-4)


# Plans


def test_a_parent_stands_for_its_children():
    assert "locality.neighbourhood" in chosen(["locality"]) and "generalization" not in chosen(["locality"])
    assert chosen(["locality", "locality.relation"]) == chosen(["locality"])
    assert set(chosen(["all"])) > set(chosen(["general-abilities"]))


def test_a_pitfall_can_be_left_out():
    assert set(chosen(["all"])) - set(chosen(["-generalization.conflict", "all"])) == {"generalization.conflict"}


def test_a_fact_of_which_nothing_is_asked_is_not_edited_alone(plan_of, material):
    """Two of five facts have another name: they are edited, however few are asked for."""
    named = tuple(replace(c, questions={"alias": c["paraphrase"]}) if n in (1, 3) else c for n, c in enumerate(material.cases))
    plan = lambda *pitfalls: plan_of(pitfalls=pitfalls, edits=(1,), cases=3)  # noqa: E731
    alone = lambda plan: {chain.id for chain in chains(plan, replace(material, cases=named), "rome")}  # noqa: E731
    assert alone(plan("generalization.aliasing")) == {"case 1", "case 3"}
    assert len(alone(plan("generalization.paraphrase"))) == 3 and len(alone(plan("cost"))) == 3


def test_facts_are_drawn_until_each_pitfall_has_its_number(plan_of, material):
    """Every fact has other wordings and one of five another name: for one fact a pitfall at most two are edited, the second for its name,
    and more facts add to these."""
    for place in range(5):
        named = tuple(replace(c, questions=c.questions | {"alias": c["paraphrase"]}) if n == place else c for n, c in enumerate(material.cases))
        plan = lambda cases: plan_of(pitfalls=("generalization.paraphrase", "generalization.aliasing"), edits=(1,), cases=cases)  # noqa: E731
        one, two, many = ([chain.id for chain in chains(plan(cases), replace(material, cases=named), "rome")] for cases in (1, 2, 9))
        order = [chain.id for chain in chains(plan_of(pitfalls=("generalization.paraphrase",), edits=(1,), cases=9), material, "rome")]
        assert one == list(dict.fromkeys([order[0], f"case {place}"]))
        assert set(one) <= set(two) and len(two) == (2 if f"case {place}" in order[:2] else 3)
        assert sorted(many) == sorted(order)


def test_every_part_of_a_benchmark_has_its_turn(plan_of, material):
    """Six pairs of one part and two of another: of four that are drawn, two are of each."""
    pairs = tuple(replace(pair(0), id=f"{part} {n}", part=part) for part, many in (("a", 6), ("b", 2)) for n in range(many))
    plan = plan_of(pitfalls=("locality.distortion",), edits=(1,), cases=4)
    drawn = [chain.cases[0].part for chain in chains(plan, replace(material, pairs=pairs), "rome")]
    assert Counter(drawn) == {"a": 2, "b": 2}


def test_tasks_are_asked_after_one_edit_before_longer_sequences(plan_of, material):
    [sequence] = [c for c in chains(plan_of(pitfalls=("locality.other-task",), edits=(0, 1, 4)), material, "rome") if c.kind == "sequence"]
    assert sequence.stops == (0, 1, 4)


def test_what_another_edit_of_the_sequence_changes_is_not_asked(plan_of):
    one, two = case(0), case(1)
    neighbours = (Question(two.edit.text, (two.edit.was,)), Question("The boat is located in the city of", ("Rome",)))
    one = replace(one, questions={"neighbour": neighbours})
    chain = Chain("rome", 0, "all", "sequence", (one, two), (1, 2))
    plan = plan_of(pitfalls=("locality.neighbourhood",), edits=(1, 2))
    asked_of = lambda chain, now: [[q.prompt for q in case["neighbour"]] for _, case, _ in asked(plan, chain, now)]  # noqa: E731
    assert asked_of(chain, 2)[0] == ["The boat is located in the city of"]
    assert asked_of(replace(chain, kind="single", cases=(one,)), 1) == [[q.prompt for q in neighbours]]


def test_what_a_later_edit_replaces_is_not_forgotten(plan_of):
    again = replace(case(0), id="again", edits=(replace(case(0).edit, target="London"),))
    chain = Chain("rome", 0, "all", "sequence", (case(0), case(1), again), (3,))
    plan = plan_of(pitfalls=("general-abilities.forgetting",), edits=(3,))
    assert [(place, case.id) for place, case, _ in asked(plan, chain, 3)] == [(1, "case 1")]
    assert [(place, case.id) for place, case, _ in asked(plan, chain, 2)] == [(0, "case 0")]
    assert not asked(plan, chain, 1)


def test_a_pair_that_could_not_be_made_damages_nothing_and_proves_nothing(tiny_path, material, monkeypatch):
    from survey.editing import session

    def refuse(*_, **__):
        raise ValueError("no such thing")

    monkeypatch.setattr(session, "compute", refuse)
    worker = Worker(Plan(("ft-l",), ("locality.distortion",), (1,), model=str(tiny_path)), ())
    outcome = worker.step(Chain("ft-l", 0, "x", "pair", (material.pairs[0],), (1,)), 0, None)
    assert set(outcome.rows[0]["scores"]["locality.distortion"]) == {"success-score", "success-score.exact", "success-score.unchanged"}
    assert outcome.rows[0]["scores"]["locality.distortion"]["success-score.unchanged"] == [1, 1]
    assert len(outcome.rows[-1]["failed"]) == 2


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to ...")])
def test_a_machine_without_memory_is_no_result(tiny_path, material, monkeypatch, error):
    from survey.editing import session
    from survey.pitfalls.runs.engines import Place

    def exhausted(*_, **__):
        raise error

    place = Place(Plan(("ft-l",), ("generalization",), (1,), model=str(tiny_path)), (), 1)
    monkeypatch.setattr(session, "compute", exhausted)
    with pytest.raises(UserError, match="memory ran out in 0/single/x of ft-l"):
        place.step(Chain("ft-l", 0, "x", "single", (case(0),), (1,)), 0, None)


def test_the_unedited_model_is_asked_once_for_all_methods(tiny_path, material, monkeypatch):
    """More cases than are kept go through in the same order for every method: the first ones are found again."""
    from survey.pitfalls.runs import worker as module

    asked_of = []
    monkeypatch.setattr(module, "answer", lambda model, asks: asked_of.append(asks) or {})
    monkeypatch.setattr(module, "_DISTRIBUTIONS", 2)
    worker = Worker(Plan(("ft-l",), ("generalization",), (1,), model=str(tiny_path)), ())
    for _ in ("one method", "another"):
        for n in range(4):
            worker.unedited([Next(str(n))])
    assert len(asked_of) == 4 + 2


def test_what_can_be_measured_is_in_the_taxonomy(taxonomy):
    assert set(chosen(["all"])) <= set(taxonomy.pitfalls)
    missing = {id for id, term in taxonomy.pitfalls.items() if term.survey} - set(chosen(["all"]))
    assert missing <= {"generalization", "locality", "general-abilities"}


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"pitfalls": ("locallity",)}, "locallity is no pitfall.*did you mean locality"), ({"methods": ()}, "at least one method"),
        ({"methods": ("rome", "rome")}, "named twice"), ({"edits": ()}, "numbers of edits"), ({"seeds": ()}, "at least one seed"),
    ],
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(plan_of, fields, message):
    with pytest.raises(UserError, match=message):
        plan_of(**fields)


def test_too_long_a_sequence_is_refused(plan_of, material, tmp_path):
    with pytest.raises(UserError, match=r"5 usable cases.*sequence of 9"):
        measure(plan_of(edits=(9,)), material, tmp_path)
    assert not list(tmp_path.iterdir())
    only_pairs = replace(material, cases=())
    with pytest.raises(UserError, match=r"0 usable cases.*sequence of 1 edit was"):
        chains(plan_of(pitfalls=("locality.other-task",), edits=(1,)), only_pairs, "rome")
    assert {chain.kind for chain in chains(plan_of(pitfalls=("locality.distortion",), edits=(0, 9)), only_pairs, "rome")} == {"pair"}


def test_seeds_draw_other_cases_and_the_same_ones_again(plan_of, material):
    plan = plan_of(seeds=(0, 1, 2))
    orders = {tuple(c.id for c in chain.cases) for chain in chains(plan, material, "rome") if chain.kind == "sequence"}
    assert len(orders) > 1
    assert chains(plan, material, "rome") == chains(plan, material, "rome")
