from __future__ import annotations

import json

import pytest

from survey.errors import UserError
from survey.files.reader import MAX_BYTES
from survey.files.writer import dump
from survey.intake import handover
from survey.intake.github import changed
from survey.intake.github.changed import FILE, Change, Changes, collect
from survey.intake.handover import BadHandover
from tests.checks.examples import OTHER
from tests.entries import PATH, make_entry, run_git, write_entry

NEW = "papers/2024/night2024editing.yaml"


def start(root) -> None:
    run_git(root, "checkout", "-q", "-b", "topic")


def commit(root) -> None:
    run_git(root, "add", "-A")
    run_git(root, "commit", "-q", "-m", "x")


def test_what_a_branch_changes_is_collected(root):
    start(root)
    write_entry(root, NEW, make_entry(title="New"))
    write_entry(root, PATH, make_entry(title="Changed"))
    (root / OTHER).unlink()
    (root / "README.md").write_text("x")
    commit(root)
    found = collect(root, "main")
    assert found == Changes((Change(OTHER, None), Change(PATH, dump(make_entry(title="Changed"))), Change(NEW, dump(make_entry(title="New")))))


def test_what_main_did_meanwhile_is_not_the_branchs(root):
    start(root)
    write_entry(root, NEW, make_entry())
    commit(root)
    run_git(root, "checkout", "-q", "main")
    write_entry(root, OTHER, make_entry(title="Main"))
    run_git(root, "commit", "-q", "-a", "-m", "y")
    run_git(root, "checkout", "-q", "topic")
    assert [c.path for c in collect(root, "main").entries] == [NEW], "a branch that main has left behind"
    run_git(root, "checkout", "-q", "main")
    run_git(root, "merge", "-q", "--no-edit", "topic")
    assert [c.path for c in collect(root, "HEAD^1").entries] == [NEW], "the merge that a pull request's workflow checks out"


def test_what_is_no_entry_is_counted_and_not_read(root, tmp_path):
    (tmp_path / "secret").write_text("secret")
    start(root)
    write_entry(root, "papers/2024/Bad Name.yaml", "x")
    write_entry(root, "papers/2024/long2024entry.yaml", "x" * (MAX_BYTES + 1))
    (root / NEW).symlink_to(tmp_path / "secret")
    (root / "papers" / "2023").symlink_to(tmp_path)
    commit(root)
    assert collect(root, "main") == Changes((), 4)


def test_bytes_that_are_no_text_are_handed_over_as_something_that_yaml_refuses(root, tmp_path):
    start(root)
    (root / PATH).write_bytes(b"title: \xff\x00\n")
    run_git(root, "commit", "-q", "-a", "-m", "x")
    changed.write(tmp_path, collect(root, "main"))
    assert changed.read(tmp_path).entries == (Change(PATH, "title: \x01\x01\n"),)


def test_no_more_than_so_many_entries_are_taken(root, monkeypatch):
    monkeypatch.setattr(changed, "MOST", 2)
    start(root)
    for word in ("a", "b", "c"):
        write_entry(root, f"papers/2024/eve2024{word}.yaml", make_entry())
    commit(root)
    found = collect(root, "main")
    assert len(found.entries) == 2 and found.left_out == 1


def test_only_what_is_committed_is_looked_at(root):
    start(root)
    write_entry(root, PATH, make_entry(title="Committed"))
    commit(root)
    assert not changed.uncommitted(root)
    (root / "notes.txt").write_text("x")
    assert not changed.uncommitted(root), "no entry"
    write_entry(root, PATH, make_entry(title="Not yet"))
    (root / OTHER).unlink()
    assert collect(root, "main") == Changes((Change(PATH, dump(make_entry(title="Committed"))),))
    assert changed.uncommitted(root)
    run_git(root, "checkout", "-q", "papers")
    write_entry(root, NEW, make_entry())
    assert changed.uncommitted(root), "a file that git does not know yet"


def test_a_base_that_does_not_exist_is_named(root, tmp_path):
    with pytest.raises(UserError, match="there is no commit nosuch here"):
        collect(root, "nosuch")
    with pytest.raises(UserError, match="not a git repository"):
        collect(tmp_path, "nosuch")


@pytest.mark.parametrize("base", ["nothing", "--output=x", "", "main; touch x"])
def test_a_base_that_is_no_commit_is_told(root, base):
    with pytest.raises(UserError):
        collect(root, base)
    assert not (root / "x").exists()


def test_what_is_written_is_read_again(tmp_path):
    changes = Changes((Change(PATH, "título: x\n"), Change(NEW, None)), 3)
    changed.write(tmp_path, changes)
    assert changed.read(tmp_path) == changes


@pytest.mark.parametrize("wrong", [
    {"version": 2}, {"entries": {}}, {"entries": ["x"]}, {"entries": [{"path": "../x.yaml", "text": ""}]}, {"entries": [{"path": PATH, "text": 7}]},
    {"entries": [{"path": PATH, "text": "x" * (MAX_BYTES + 1)}]}, {"entries": [{"path": PATH, "text": "\ud800"}]}, {"left_out": -1}, {"left_out": "1"},
    {"entries": [{"path": PATH, "text": ""}] * 2}, {"entries": [{"path": f"papers/2024/a2024b{n}.yaml", "text": ""} for n in range(51)]},
])  # fmt: skip
def test_what_another_job_left_is_believed_in_nothing(tmp_path, wrong):
    good = {"version": 1, "left_out": 0, "entries": [{"path": PATH, "text": "title: x"}]}
    handover.write(tmp_path / FILE, good)
    assert changed.read(tmp_path)
    (tmp_path / FILE).write_text(json.dumps({**good, **wrong}))
    with pytest.raises(BadHandover):
        changed.read(tmp_path)
