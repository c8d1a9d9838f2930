"""Submitted results: an honest folder passes, and whatever is wrong with one is found."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from survey.cli import main
from survey.files import CollectionError
from survey.files import submitted as reader
from survey.pitfalls.runs.material import material, task_digest
from survey.pitfalls.runs.plan import Plan, chains, described
from survey.pitfalls.runs.results import FORMAT
from survey.pitfalls.runs.submitted import _cases, _known, _ours, problems
from survey.pitfalls.runs.summary import summarise, write

PITFALL, PAIRED = "locality.neighbourhood", "generalization.conflict"
PLAN = Plan(("toy",), (PITFALL, PAIRED, "general-abilities.collapse", "cost"), (1,), cases=2)
ABOUT = """\
name: Toy
method: toy
authors: [Ada Example]
repository: https://example.org/toy
commit: 0123456789abcdef0123456789abcdef01234567
version: "1.0"
"""


SEQUENCE = Plan(("toy",), (PITFALL, "general-abilities.forgetting"), (1, 3), cases=2)


@pytest.fixture(scope="module")
def honest() -> list[dict]:
    """All lines of a run on each fact alone and on pairs."""
    return _run(PLAN)


@pytest.fixture(scope="module")
def sequence() -> list[dict]:
    """All lines of a run with a sequence, where cases are asked fewer questions than alone."""
    return _run(SEQUENCE)


def _run(plan: Plan) -> list[dict]:
    """All lines, as they would be where every answer is right before and after, and half of those in a sequence before."""
    asked = material(plan)
    head = {
        "format": FORMAT, **described(plan, asked, "toy"), "source": {"file": "toy.py:toy", "sha256": "a" * 64}, "model": "m",
        "fingerprint": "f" * 32, "configuration": {}, "trained": None,
        "versions": {"editing-pitfalls": "0.1.0", "torch": "2.13.0", "transformers": "5.0", "python": "3.12.1"},
        "machine": "x", "threads": 1, "date": "2026-11-25", "command": None,
    }  # fmt: skip
    rows = [head]
    for chain in chains(plan, asked, "toy"):
        for stop in chain.stops:
            edits = 2 if chain.kind == "pair" else stop
            place = {"seed": chain.seed, "chain": chain.name, "edits": edits}
            step = [
                {**place, "kind": "case", "case": id, "relation": "", "age": 0, "scores": {p: {_metric(p): [0.5, 0.5 if chain.kind == "sequence" else 1.0]} for p in found}}
                for id, found in _cases(plan, chain, stop).items()
            ]
            for task in asked.tasks if chain.kind != "pair" else ():
                scores = {"perplexity.nll": [3.0] * len(task.items), "perplexity.length": [5] * len(task.items)}
                step.append({**place, "kind": "task", "task": task.id, "scores": scores})
            step.append({
                **place, "kind": "edits", "made": min(edits, 1), "failed": [], "bytes": 4, "relative_norm": 0.1,
                "seconds": {"edits": 1.0, "questions": 1.0, "tasks": 1.0}, "lines": len(step) + 1,
            })  # fmt: skip
            rows += step
    return rows


def _metric(pitfall: str) -> str:
    return {PITFALL: "neighbourhood-score", PAIRED: "conflict-score.explicit"}.get(pitfall, "reliability.forced")


@pytest.fixture
def root(tmp_path, honest):
    """A clone with results of ours on the same facts."""
    _known.cache_clear()
    _ours.cache_clear()
    own = tmp_path / "docs" / "results" / "own"
    own.mkdir(parents=True)
    _share(honest, tmp_path)
    return tmp_path


@pytest.fixture
def submit(root):
    """Writes a folder of results."""

    def make(rows: list[dict], about: str = ABOUT, name: str = "toy", summary: bool = True) -> Path:
        folder = root / reader.FOLDER / name
        folder.mkdir(parents=True)
        (folder / "about.yaml").write_text(about)
        (folder / "toy.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        if summary:
            write(summarise(folder), folder)
        return folder

    return make


def test_an_honest_folder_passes_and_is_read(submit, honest, root, capsys):
    folder = submit(honest)
    assert list(map(str, problems(folder, root))) == []
    [found] = reader.submitted(root)
    assert (found.folder, found.about.authors, found.about.method) == ("toy", ("Ada Example",), "toy")
    assert {cell.method for cell in found.summary.cells} == {"toy"} and found.summary.cells
    assert main(["--root", str(_clone(root)), "measure", "--check", str(folder)]) == 0
    assert capsys.readouterr().out == "1 folder of submitted results, 0 problems\n"


def _clone(root: Path) -> Path:
    (root / "papers").mkdir(exist_ok=True)
    return root


def _case(rows: list[dict]) -> dict:
    return next(row for row in rows if row["kind"] == "case" and PITFALL in row["scores"]) if "kind" in rows[0] else _case(rows[1:])


def _task(rows: list[dict]) -> dict:
    return next(row for row in rows[1:] if row["kind"] == "task")


def _of_all(rows: list[dict], change) -> None:
    for row in rows[1:]:
        if row["kind"] == "case":
            for found in row["scores"].values():
                for pair in found.values():
                    change(pair)


WRONG = {
    "format": (lambda rows: rows[0].update(format="other/1"), "the format is 'other/1'"),
    "ours": (lambda rows: rows[0].update(method="rome"), "rome is one of our methods"),
    "another method": (lambda rows: rows[0].update(method="tox"), "the method is tox, and about.yaml says toy"),
    "no source": (lambda rows: rows[0].pop("source"), "source: Field required"),
    "source": (lambda rows: rows[0].update(source={"file": "x"}), "source must tell the file and its sha256"),
    "hash": (lambda rows: rows[0].update(source={"file": "x", "sha256": "1"}), "source.sha256 is no hash"),
    "version": (lambda rows: rows[0].update(source={"package": "p", "version": "2", "object": "p:q"}), "version 2 of the package was measured"),
    "fingerprint": (lambda rows: rows[0].update(fingerprint="0" * 32), "no model of ours has the fingerprint 000"),
    "facts": (lambda rows: rows[0]["benchmark"].update(sha256="0"), "the facts are not those of this version"),
    "benchmark": (lambda rows: rows[0]["benchmark"].update(id="zsre"), "only runs on our own facts can be checked"),
    "versions": (lambda rows: rows[0]["versions"].pop("torch"), "versions.torch is missing"),
    "statistics": (lambda rows: rows[0].update(statistics="text"), "statistics of keys come from a text"),
    "metric": (lambda rows: _case(rows)["scores"][PITFALL].update({"goodness": [1, 1]}), "there is no metric 'goodness'"),
    "variant": (lambda rows: _case(rows)["scores"][PITFALL].update({"neighbourhood-score.best": [1, 1]}), "there is no metric 'neighbourhood-score.best'"),
    "share": (lambda rows: _case(rows)["scores"][PITFALL].update({"neighbourhood-score": [1.5, 1]}), "neighbourhood-score lies outside of 0 to 1: 1.5"),
    "text": (lambda rows: _case(rows)["scores"][PITFALL].update({"neighbourhood-score": ["1", 1]}), "neighbourhood-score is no number"),
    "perplexity": (lambda rows: _task(rows)["scores"]["perplexity.nll"].__setitem__(0, -1.0), "below 0, and perplexity below 1"),
    "threads": (lambda rows: rows[-1].update(threads=0), "threads is no number from 1 on"),
    "other items": (lambda rows: rows[0]["tasks"]["language-modelling"].update(sha256="0" * 64), "the items of the task language-modelling are not those"),
    "items": (lambda rows: _task(rows)["scores"]["perplexity.nll"].pop(), "not one value for each of its"),
    "a case twice": (lambda rows: rows.insert(1, rows[1]), "lines, and says"),
    "another case": (lambda rows: _case(rows).update(case="x/y"), "does not hold every case of the plan once"),
    "a step twice": (lambda rows: rows.extend(_last_step(rows)), "is there 2 times, and belongs there once"),
    "a step less": (lambda rows: rows.__delitem__(slice(-len(_last_step(rows)), None)), "is there 0 times"),
    "half a step": (lambda rows: rows.pop(), "the last step is not complete"),
    "a cheat": (lambda rows: _of_all(rows, lambda pair: pair.__setitem__(1, 0.25)), "the unedited model answered otherwise than here"),
    "pitfalls": (lambda rows: rows[0].update(pitfalls=["locality"]), "pitfalls names parents"),
    "no pitfall": (lambda rows: rows[0].update(pitfalls=["x"]), "no run can have this plan: x is no pitfall"),
    "seed": (lambda rows: rows[1].update(seed=7), "seed, edits or kind are not those of the plan"),
    "kind": (lambda rows: rows[1].pop("kind"), "this is no line of a measurement"),
}  # fmt: skip


def test_a_file_that_tells_more_of_its_tasks_and_steps_is_believed(submit, honest, root):
    """What files tell since they know a task by its content; the honest one is from before."""
    rows = copy.deepcopy(honest)
    [task] = material(PLAN).tasks
    rows[0]["tasks"][task.id]["sha256"] = task_digest(task)
    for row in rows[1:]:
        row.update({"threads": 2} if row["kind"] == "edits" else {})
    assert list(map(str, problems(submit(rows), root))) == []


def _share(rows: list[dict], root: Path) -> None:
    """Make the run one of ours, too."""
    ours = [{**rows[0], "method": "rome", "source": None}, *rows[1:]]
    (root / "docs" / "results" / "own" / "rome.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ours))


def test_a_sequence_is_compared_with_ours_at_the_same_place(submit, sequence, root):
    _share(sequence, root)
    assert list(map(str, problems(submit(sequence), root))) == []
    cheat = copy.deepcopy(sequence)
    for row in cheat[1:]:
        for found in row["scores"].values() if row["kind"] == "case" and row["edits"] == 3 else ():
            for pair in found.values():
                pair[1] = 1.0
    [problem] = problems(submit(cheat, name="cheat", summary=False), root)
    assert "the unedited model answered otherwise than here" in problem.message and "0/sequence/all 3 " in problem.message


TOLD = {
    "processor": (1.0, "processor is no list of seconds"), "a negative time": ([-1.0], "processor is no list of seconds"),
    "too many times": ([1.0, 1.0, 1.0], "processor has 3 numbers, and 1 edits were made"), "no memory": (0, "memory is no number of bytes"),
    "no pairs": ([1.0], "passes is no list of pairs"), "three passes": ([[1, 2, 3]], "passes is no list of pairs"),
    "too many passes": ([[1, 2], [3, 4]], "passes has 2 numbers, and 1 edits were made"), "memory": (1.5, "memory is no number of bytes"), "learnt": ("all", "learnt is no list of cases"),
    "learnt elsewhere": (["x/y"], "cannot tell whether x/y was learnt"),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_what_a_step_tells_of_its_edits_must_be_possible(submit, sequence, root, case):
    value, message = TOLD[case]
    field = next(name for name in ("processor", "passes", "memory", "learnt") if name in message.split())
    rows = copy.deepcopy(sequence)
    rows[-1][field] = value
    told = list(map(str, problems(submit(rows, summary=False), root)))
    assert any(message in line and "toy.jsonl" in line for line in told), told


def test_a_step_tells_of_the_cases_that_it_edits_whether_they_were_learnt(submit, sequence, root):
    _share(sequence, root)
    rows = copy.deepcopy(sequence)
    step = next(row for row in rows if row.get("kind") == "edits" and row["edits"] == 3)
    step.update(learnt=[row["case"] for row in rows if row.get("edits") == 3 and row["kind"] == "case"], processor=[0.5], passes=[[30.0, 20.0]], memory=10**9)
    assert list(map(str, problems(submit(rows), root))) == []
    alone = next(row for row in rows if row.get("kind") == "edits" and row["edits"] == 1)
    alone["learnt"] = step["learnt"][:1]
    [problem] = problems(submit(rows, name="alone", summary=False), root)
    assert "cannot tell whether" in problem.message


def test_of_an_edit_that_could_not_be_made_only_the_edit_itself_is_told(submit, sequence, root):
    subjects = {case.id: case.edits[0].subject for case in material(SEQUENCE).cases}
    rows = copy.deepcopy(sequence)
    many = next(row for row in rows if row.get("kind") == "edits" and row["edits"] == 3)
    first = next(row for row in rows if row.get("chain") == many["chain"] and len(row["scores"]) == 2)
    del first["scores"][PITFALL]
    alone = rows[-1]
    [case] = [row for row in rows if row.get("chain") == alone["chain"] and row["kind"] == "case"]
    rows.remove(case)  # Where the edit itself is not asked about, nothing is.
    alone.update(lines=1, made=0)
    [told, *_] = problems(submit(rows, name="silent", summary=False), root)
    assert "does not hold every case of the plan once" in told.message
    many["failed"], alone["failed"] = ([[subjects[row["case"]], "ValueError: no"]] for row in (first, case))
    assert list(map(str, problems(submit(rows), root))) == []


def _last_step(rows: list[dict]) -> list[dict]:
    return rows[-rows[-1]["lines"] :]


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told(submit, honest, root, case):
    change, message = WRONG[case]
    rows = copy.deepcopy(honest)
    change(rows)
    folder = submit(rows, summary=False)
    told = list(map(str, problems(folder, root)))
    assert any(message in line and "toy.jsonl" in line for line in told), told


def test_a_summary_must_be_what_the_lines_give(submit, honest, root):
    folder = submit(honest)
    path = folder / "summary.json"
    told = json.loads(path.read_text())
    told["cells"][0]["value"] = 0.99
    path.write_text(json.dumps(told))
    assert "the summary is not what the lines give" in str(problems(folder, root)[0])
    path.unlink()
    assert "there is no summary" in str(problems(folder, root)[0])


@pytest.mark.parametrize("line, message", [
    ('{"a": 1, "a": 2}', "a name stands twice"), ('{"a": NaN}', "NaN is no number of JSON"), ('{"a": 1e999}', "too large"),
    ("[]", "a line is an object"), ('{"a":' + "[" * 20 + "]" * 20 + "}", "nested too deeply"), ("[" * 100_000, "nested too deeply"),
    ("x", "no strict JSON"),
])  # fmt: skip
def test_json_is_strict(submit, honest, root, line, message):
    folder = submit(honest, summary=False)
    (folder / "toy.jsonl").write_text(f"{json.dumps(honest[0])}\n{line}\n")
    [problem] = problems(folder, root)
    assert message in problem.message and problem.line == 2


def test_files_that_do_not_belong_there(submit, honest, root):
    folder = submit(honest)
    (folder / "run.py").write_text("1")
    assert "belong here" in str(problems(folder, root)[0])
    (folder / "run.py").unlink()
    (folder / "toy.jsonl").write_text("x" * 1_000_001)
    assert "more than 1,000,000 characters" in str(problems(folder, root)[0])
    (folder / "toy.jsonl").unlink()
    (folder / "toy.jsonl").symlink_to(root / "docs" / "results" / "own" / "rome.jsonl")
    assert "only plain files" in str(problems(folder, root)[0])


@pytest.mark.parametrize("old, new, message", [
    ("https://example.org/toy", "javascript:alert(1)", "an address that begins with https"),
    ("0123456789abcdef0123456789abcdef01234567", "main", "commit"),
    ("name: Toy", "name: Toy\nsize: 3", "size"),
    ("name: Toy", "name: Toy\nname: Two", "name"),
    ("authors: [Ada Example]", "authors: []", "authors"),
])  # fmt: skip
def test_about_is_strict(submit, honest, root, old, new, message):
    folder = submit(honest, about=ABOUT.replace(old, new))
    found = problems(folder, root)
    assert any("about.yaml" in problem.path and message in problem.message for problem in found), found
    with pytest.raises(CollectionError, match=r"about\.yaml"):
        reader.submitted(root)


def test_a_folder_with_an_odd_name(submit, honest, root):
    assert "the folder's name" in str(problems(submit(honest, name="To_y"), root)[0])


def test_nothing_submitted_is_nothing(root):
    assert reader.submitted(root) == []
