"""Files: which are meant, what is read as records, and what is refused in one line."""

from __future__ import annotations

import json

import pytest

from survey.errors import UserError
from survey.pitfalls.benchmarks.reading import FOLDER, load, located
from tests.pitfalls.benchmarks.records import written


def refused(call, *words):
    with pytest.raises(UserError) as raised:
        call()
    text = str(raised.value)
    assert "\n" not in text and "Traceback" not in text
    assert all(w in text for w in words), text


def test_a_list_an_object_with_a_list_and_lines_hold_the_same_records(tmp_path):
    records = [{"a": 1}, {"a": 2}]
    lines = tmp_path / "records.jsonl"
    lines.write_text("\n".join(map(json.dumps, records)) + "\n\n", "utf-8")
    rows = {"features": [{"name": "a"}], "rows": [{"row_idx": i, "row": r, "truncated_cells": []} for i, r in enumerate(records)]}
    for path in (written(tmp_path, records, "1"), written(tmp_path, {"version": 1, "data": records}, "2"), written(tmp_path, rows, "3"), lines):
        file = load(path)
        assert file.records == ((0, {"a": 1}), (1, {"a": 2})) and file.problems == ()
    assert len(load(lines).sha256) == 64 and load(lines).sha256 != load(tmp_path / "1").sha256


def test_one_line_is_one_record(tmp_path):
    assert load(written(tmp_path, {"edits": [{"a": 1}], "question": "q"})).records == ((0, {"edits": [{"a": 1}], "question": "q"}),)


def test_a_mark_at_the_beginning_of_the_file_does_no_harm(tmp_path):
    path = tmp_path / "marked.json"
    path.write_bytes(b"\xef\xbb\xbf" + b'[{"a": 1}]')
    assert load(path).records == ((0, {"a": 1}),)


def test_a_line_that_is_cut_off_is_a_problem_with_its_index(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n{"a": ', "utf-8")
    file = load(path)
    assert [i for i, _ in file.records] == [0, 1]
    assert [str(p).startswith(f"{path}: record 2: no JSON") for p in file.problems] == [True]


@pytest.mark.parametrize("broken", ['{"a": ', "words", '{"a": 1}}', '{"a":' * 200_000 + "1"])
def test_a_first_line_that_is_broken_is_a_problem_like_any_other(tmp_path, broken):
    path = tmp_path / "records.jsonl"
    path.write_text(f'{broken}\n{{"a": 2}}\n\n{broken}\n{{"a": 3}}', "utf-8")
    file = load(path)
    assert file.records == ((1, {"a": 2}), (3, {"a": 3}))
    assert [p.index for p in file.problems] == [0, 2] and all(p.skipped for p in file.problems)
    assert str(file.problems[0]).startswith(f"{path}: record 0: no JSON: ")


def test_a_first_line_that_is_no_object_is_left_to_whoever_reads_the_records(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('7\n{"a": 2}', "utf-8")
    assert load(path).records == ((0, 7), (1, {"a": 2}))


@pytest.mark.parametrize("start", ["[", '{"rows": [', '[{"a": 1},', "{"])
def test_a_list_over_several_lines_that_is_cut_off_is_no_json_lines(tmp_path, start):
    path = tmp_path / "records.json"
    path.write_text(f'{start}\n{{"a": 2}}\n', "utf-8")
    refused(lambda: load(path), "records.json", "no JSON")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'[{"a": 1}, {"a"', "no JSON"),
        (b'{"a": ', "no JSON"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\x89PNG\xff\xfe", "UTF-8"),
        (b"words and words", "no JSON"),
        (b"7", "a list of records is expected"),
        (b"[]", "no record"),
        (b"[" * 200_000, "nested"),
        (b'{"a":' * 200_000, "nested"),
        (b"[" + b"9" * 10_000 + b"]", "no JSON"),
    ],
)
def test_what_holds_no_records_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    refused(lambda: load(path), "file.json", words)


def test_a_folder_and_a_missing_file_are_refused_in_one_line(tmp_path):
    refused(lambda: load(tmp_path), "directory")
    refused(lambda: load(tmp_path / "none.json"), "none.json", "No such file")
    refused(lambda: load(located("a\0b")), "a")


def test_a_name_is_looked_up_in_the_folder_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    path, lines = written(folder, [{}], "counterfact.json"), written(folder, {}, "sst2.jsonl")
    monkeypatch.delenv(FOLDER, raising=False)
    refused(lambda: located("counterfact"), "counterfact", FOLDER, "not set")
    monkeypatch.setenv(FOLDER, str(folder))
    assert located("counterfact") == path and located("sst2") == lines
    refused(lambda: located("unknown"), "unknown.json", str(folder), "counterfact, sst2")
    # What looks like a path, or is one, is not looked up.
    assert located("counterfact.json").name == "counterfact.json" and not located("counterfact.json").is_absolute()
    assert located(folder / "x") == folder / "x"
    (tmp_path / "counterfact").write_text("here")
    assert not located("counterfact").is_absolute()


def test_a_table_names_its_fields_in_the_first_line_and_quotes_nothing(tmp_path):
    path = tmp_path / "dev.tsv"
    path.write_text('sentence\tlabel\r\na "fine film\t1\r\nno label\r\nbad\t0\r\n', "utf-8", newline="")
    file = load(path)
    assert file.records == ((0, {"sentence": 'a "fine film', "label": "1"}), (2, {"sentence": "bad", "label": "0"}))
    assert [str(p) for p in file.problems] == [f"{path}: record 1: 1 cells, and the table has 2 columns"]
    path.write_text("sentence\tlabel\n")
    refused(lambda: load(path), "no record")
