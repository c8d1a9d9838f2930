from __future__ import annotations

import os

import pytest

from survey.checks import check
from survey.files import CollectionError, find_root, load_collection, load_taxonomy
from survey.files.load import PACKAGE, entry_files, read_entry, read_text
from survey.files.reader import YamlProblem
from survey.files.writer import dump
from tests.entries import PATH, make_entry, make_root


def test_the_root_is_found_from_below(tmp_path, monkeypatch):
    root = make_root(tmp_path, {PATH: make_entry()})
    monkeypatch.chdir(root / "papers" / "2022")
    assert find_root() == root.resolve()


def test_what_was_asked_for_wins(tmp_path, monkeypatch):
    one, two = (make_root(tmp_path / name, {}) for name in ("one", "two"))
    monkeypatch.setenv("SURVEY_ROOT", str(one))
    assert find_root() == one.resolve()
    assert find_root(two) == two.resolve()


def test_elsewhere_the_clone_of_the_package_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_root() == PACKAGE.parent


def test_no_collection(tmp_path, monkeypatch):
    with pytest.raises(CollectionError, match="there is no folder"):
        find_root(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("survey.files.load.PACKAGE", tmp_path / "survey")
    with pytest.raises(CollectionError, match=r"--root or SURVEY_ROOT"):
        find_root()


def test_hidden_files_and_links_out_are_left_alone(tmp_path):
    root = make_root(tmp_path, {PATH: make_entry(), "papers/.hidden/x.yaml": "a", "papers/2022/.swap.yaml": "b", "papers/stray.txt": "c"})
    (root / "papers" / "loop").symlink_to(root / "papers")
    paths = [path for path, _ in entry_files(root)]
    assert sorted(paths) == [PATH, "papers/loop", "papers/stray.txt"]


def test_a_byte_that_is_no_utf8_is_a_character_that_yaml_refuses(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"a: \xff b")
    assert read_text(file) == "a: \x00 b"


def test_the_collection_is_loaded_newest_first(tmp_path):
    older = make_entry(authors=["De Cao"], title="Editing", year=2021, venue="emnlp", ids={})
    root = make_root(tmp_path, {"papers/2021/cao2021editing.yaml": older, PATH: make_entry()})
    assert list(load_collection(root)) == ["meng2022locating", "cao2021editing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("title: [", f"{PATH}:2:1: Y101"), ("title: no", f"{PATH}:1:8: Y103"), ("title: x", f"{PATH}: authors: Field required")],
)
def test_a_broken_entry_is_named(tmp_path, text, message):
    with pytest.raises(CollectionError) as caught:
        load_collection(make_root(tmp_path, {PATH: f"{text}\n"}))
    assert message in str(caught.value) and "survey check" in str(caught.value)


def test_what_is_no_file_is_no_entry(tmp_path):
    root = make_root(tmp_path / "clone", {"papers/2022/a2022b.yaml": "title: [\n"})
    (tmp_path / "outside.yaml").write_text(dump(make_entry()))
    (root / PATH).symlink_to(tmp_path / "outside.yaml")
    os.mkfifo(root / "papers/2022/c2022d.yaml")
    with pytest.raises(CollectionError, match=r"^3 entries") as caught:
        load_collection(root)
    assert f"{PATH}:1:1: K901 this is a symbolic link" in str(caught.value)
    assert "papers/2022/c2022d.yaml:1:1: K901 this is a pipe" in str(caught.value)


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: b")
    stat = file.stat()
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(YamlProblem, match="this is a pipe"):
        read_entry(file, stat)
    file.unlink()
    file.symlink_to("/etc/hostname")
    with pytest.raises(YamlProblem, match="this cannot be read"):
        read_entry(file, stat)


def test_a_file_that_grows_while_it_is_read_is_read_to_the_limit(tmp_path, monkeypatch):
    file = tmp_path / "a.yaml"
    file.write_text("x" * 2**20)
    monkeypatch.setattr("survey.files.load.refuse_unread", lambda stat: None)
    with pytest.raises(YamlProblem, match="longer than 64 KiB"):
        read_entry(file)


def test_the_first_five_of_many_problems_are_shown(tmp_path):
    files = {f"papers/2022/a2022{i}.yaml": "title: [\n" for i in range(8)}
    with pytest.raises(CollectionError, match=r"^8 entries") as caught:
        load_collection(make_root(tmp_path, files))
    assert str(caught.value).count("Y101") == 5


def test_the_real_collection_and_taxonomy(collection):
    assert len(collection) > 300
    assert load_taxonomy() is load_taxonomy()
    assert len(load_taxonomy().venues) > 20


@pytest.mark.parametrize(("text", "message"), [("- id: [", "Y101"), ("- {id: x, nme: z}", "name")])
def test_a_broken_taxonomy_is_told(tmp_path, monkeypatch, text, message):
    (tmp_path / "families.yaml").write_text(text)
    monkeypatch.setattr("survey.files.load.TAXONOMY", tmp_path)
    load_taxonomy.cache_clear()
    try:
        with pytest.raises(CollectionError, match=message):
            load_taxonomy()
    finally:
        load_taxonomy.cache_clear()


def test_every_entry_is_readable_by_plain_pyyaml():
    """libyaml lets pass what the parser written in Python refuses, and others read our files."""
    import yaml

    from survey.files.load import find_root

    for path in sorted((find_root() / "papers").glob("*/*.yaml")):
        yaml.load(path.read_text("utf-8"), yaml.BaseLoader)


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b"title: Editing\nauthors: [Ann B\xe4u]\n", 2, 16), ("title: ä\n# “x”".encode("cp1252"), 1, 8),
        ("title: Größe\nnote: ".encode() + b"\xff\n", 2, 7), ("title: x\n".encode("utf-16"), 1, 1), (b"title: \xed\xa0\x80\n", 1, 8),
    ],
)  # fmt: skip
def test_an_entry_that_is_not_utf_8_is_told_with_its_first_bad_byte(tmp_path, data, line, column):
    root = make_root(tmp_path, {PATH: make_entry()})
    (root / PATH).write_bytes(data)
    with pytest.raises(YamlProblem) as caught:
        read_entry(root / PATH)
    problem = caught.value
    assert (problem.code, problem.message, problem.hint) == ("Y105", "the file is not UTF-8", "save it as UTF-8")
    assert (problem.line, problem.column) == (line, column)
    told = [f for f in check(root).findings if f.path == PATH]
    assert [(f.code, f.message, f.hint, f.line, f.column) for f in told] == [("Y105", "the file is not UTF-8", "save it as UTF-8", line, column)]


def test_a_picture_among_the_entries_is_told_for_where_it_lies(tmp_path):
    root = make_root(tmp_path, {PATH: make_entry()})
    (root / "papers/2022/figure.png").write_bytes(b"\x89PNG\r\n\xff")
    assert [(f.code, f.path) for f in check(root).findings] == [("K901", "papers/2022/figure.png")]
