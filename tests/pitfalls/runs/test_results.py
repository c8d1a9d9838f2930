"""Files of a run: they grow by whole steps, and go on after a kill."""

from __future__ import annotations

import json

import pytest

from survey.errors import UserError
from survey.pitfalls.runs.results import FORMAT, Results, files, read

HEAD = {
    "format": FORMAT, "method": "rome", "settings": {}, "preset": None, "pitfalls": ["locality"], "edits": [1, 2], "seeds": [0],
    "cases": 2, "batch": 1, "model": "tiny", "fingerprint": "f", "benchmark": {"id": "suite"}, "tasks": {}, "statistics": None,
    "trained": None,
}  # fmt: skip


def step(edits: int, chain: str = "0/sequence/all") -> list[dict]:
    common = {"seed": 0, "chain": chain, "edits": edits}
    return [
        {**common, "kind": "case", "case": "é", "scores": {"locality": {"locality.next-token": [1.0, 1.0]}}},
        {**common, "kind": "edits", "made": 1, "failed": [], "lines": 2},
    ]


@pytest.fixture
def begun(tmp_path):
    results = Results(tmp_path, HEAD)
    results.add(step(1), b"patch one", last=False)
    results.add(step(1, "0/single/a"), None, last=True)
    return results


def test_what_was_written_is_read_again(begun):
    head, steps = read(begun.path)
    assert head == HEAD
    assert steps == [step(1), step(1, "0/single/a")]


def test_a_run_goes_on_where_it_was(begun, tmp_path):
    again = Results(tmp_path, HEAD)
    assert again.done == {("0/sequence/all", 1), ("0/single/a", 1)}
    assert again.patch("0/sequence/all", 1) == b"patch one"
    again.add(step(2), b"patch two", last=True)
    assert [s[-1]["edits"] for s in read(again.path)[1]] == [1, 1, 2]


def test_patches_are_gone_when_a_chain_has_ended(begun, tmp_path):
    begun.add(step(2), b"patch two", last=True)
    assert not (tmp_path / ".patches").exists()


def test_only_the_last_patch_of_a_chain_is_kept(begun):
    begun.add(step(2), b"patch two", last=False)
    assert begun.patch("0/sequence/all", 1) is None
    assert begun.patch("0/sequence/all", 2) == b"patch two"


@pytest.mark.parametrize("cut", [1, 20, 90, 200])
def test_a_step_that_was_cut_off_is_done_again_and_nothing_else(begun, tmp_path, cut):
    text = begun.path.read_text("utf-8")
    more = "".join(json.dumps(row) + "\n" for row in step(2))
    assert cut < len(more)
    begun.path.write_text(text + more[:cut], "utf-8")
    again = Results(tmp_path, HEAD)
    assert again.done == {("0/sequence/all", 1), ("0/single/a", 1)}
    assert again.path.read_text("utf-8") == text


def test_a_step_without_its_last_line_is_not_complete(begun, tmp_path):
    with begun.path.open("a") as file:
        file.write(json.dumps(step(2)[0]) + "\n")
    with pytest.raises(UserError, match="not complete"):
        read(begun.path)
    assert ("0/sequence/all", 2) not in Results(tmp_path, HEAD).done


@pytest.mark.parametrize("field, value", [("seeds", [1]), ("cases", 1), ("fingerprint", "g"), ("edits", [1]), ("benchmark", {"id": "other"})])
def test_the_file_of_another_run_is_not_touched(begun, tmp_path, field, value):
    text = begun.path.read_text("utf-8")
    with pytest.raises(UserError, match=f"other {field}.*another folder"):
        Results(tmp_path, {**HEAD, field: value})
    assert begun.path.read_text("utf-8") == text


def test_what_differs_is_told_by_its_part(tmp_path):
    tasks = {"reasoning": {"name": "Reasoning", "items": 40, "sha256": "a" * 64}}
    Results(tmp_path, {**HEAD, "tasks": tasks})
    other = {"reasoning": {**tasks["reasoning"], "sha256": "b" * 64}}
    with pytest.raises(UserError, match=r'other tasks\.reasoning\.sha256 \("a+.*, now "b+'):
        Results(tmp_path, {**HEAD, "tasks": other})
    with pytest.raises(UserError, match=r"other tasks\.summarisation \(null, now"):
        Results(tmp_path, {**HEAD, "tasks": {**tasks, "summarisation": tasks["reasoning"]}})


def test_more_seeds_and_cases_may_follow(begun, tmp_path):
    more = Results(tmp_path, {**HEAD, "seeds": [0, 1], "cases": 5, "date": "later"})
    assert more.done == {("0/sequence/all", 1), ("0/single/a", 1)}
    head, steps = read(begun.path)
    assert head == {**HEAD, "seeds": [0, 1], "cases": 5} and len(steps) == 2


def test_a_step_that_stands_twice_is_told_with_its_line(begun, tmp_path):
    with begun.path.open("a") as file:
        file.write("".join(json.dumps(row) + "\n" for row in step(1)))
    message = r"rome\.jsonl:7: the step 0/sequence/all after 1 edits stands there twice \(it ends in line 3"
    for whole in (True, False):
        with pytest.raises(UserError, match=message):
            read(begun.path, whole=whole)
    with pytest.raises(UserError, match=message):
        Results(tmp_path, HEAD)


def test_other_settings_have_a_file_of_their_own(begun, tmp_path):
    other = Results(tmp_path, {**HEAD, "settings": {"layer": "4"}, "preset": "gpt-j"})
    assert other.path.name == "rome.gpt-j.layer=4.jsonl"
    assert sorted(path.name for path in files(tmp_path)) == ["rome.gpt-j.layer=4.jsonl", "rome.jsonl"]


def test_a_name_cannot_leave_the_folder(tmp_path):
    other = Results(tmp_path, {**HEAD, "method": "../x/y.py:Z", "settings": {"base": "../" * 60}})
    assert other.path.parent == tmp_path and other.path.exists()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"\xff\xfe", "no text"), (b"", ":1: this is no line"), (b"[]\n", ":1: this is no line"), (b'{"format": "x"}\n', "no measurement"),
        (json.dumps(HEAD).encode() + b"\nnonsense\n{}\n", ":2: this is no line"),
        (json.dumps(HEAD).encode() + b'\n{"kind": "edits", "lines": 3}\n', ":2: a step of 3 lines has 1"),
        (json.dumps(HEAD).encode() + b'\n{"kind": "edits", "lines": 1, "chain": ["a"], "edits": 1}\n', ":2: this step does not tell its chain"),
    ],
)  # fmt: skip
def test_what_is_no_result_is_told_with_its_line(tmp_path, content, message):
    path = tmp_path / "rome.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read(path)


def test_a_folder_without_results_is_told(tmp_path):
    with pytest.raises(UserError, match="no results"):
        list(files(tmp_path))
    with pytest.raises(UserError, match="no results"):
        list(files(tmp_path / "nowhere"))
