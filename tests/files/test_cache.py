from __future__ import annotations

import json
import os

import pytest

from survey.files import cache as module
from survey.files import load
from survey.files.cache import Cache, cache_folder
from survey.files.load import entry_files, load_collection
from tests.entries import PATH, make_entry, make_root, write_entry


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A collection of one entry, and a cache that trusts files of any age."""
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_SETTLED_NS", -1)
    return make_root(tmp_path / "clone", {PATH: make_entry()})


@pytest.fixture
def reads(monkeypatch):
    """Counts the texts that were parsed."""
    texts = []
    real = load.read_yaml
    monkeypatch.setattr(load, "read_yaml", lambda text, **kw: texts.append(text) or real(text, **kw))
    load.load_taxonomy()
    texts.clear()
    return texts


def test_an_unchanged_file_is_not_read_again(root, reads):
    first = load_collection(root)
    again = load_collection(root)
    assert len(reads) == 1
    assert again["meng2022locating"] == first["meng2022locating"]


def test_a_changed_file_is(root, reads):
    load_collection(root)
    write_entry(root, PATH, make_entry(title="Locating and Editing"))
    assert load_collection(root)["meng2022locating"].title == "Locating and Editing"
    assert len(reads) == 2


def test_a_change_that_keeps_size_and_time_is_noticed(root, reads):
    file = root / PATH
    load_collection(root)
    before = file.stat()
    file.write_text(file.read_text().replace("2202.05262", "2202.05263"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert load_collection(root)["meng2022locating"].ids.arxiv == "2202.05263"


def test_a_file_that_changed_just_now_is_not_trusted(root, reads, monkeypatch):
    monkeypatch.setattr(module, "_SETTLED_NS", 2_000_000_000)
    load_collection(root)
    load_collection(root)
    assert len(reads) == 2


def test_a_deleted_file_is_forgotten(root, reads):
    other = write_entry(root, "papers/2022/bau2022editing.yaml", make_entry(ids={}))
    load_collection(root)
    other.unlink()
    assert list(load_collection(root)) == ["meng2022locating"]
    (kept,) = (root.parent / "cache").glob("*.records.json")
    assert list(json.loads(kept.read_text())["rows"]) == [PATH]


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"rows": 1}', b"\xff\x00", b'{"package": "old", "rows": {}}'])
def test_a_broken_cache_is_as_good_as_none(root, reads, broken):
    load_collection(root)
    for file in (root.parent / "cache").iterdir():
        file.write_bytes(broken)
    assert list(load_collection(root)) == ["meng2022locating"]
    assert len(reads) == 2


def test_the_cache_is_of_this_version_of_the_package(root, reads, monkeypatch):
    load_collection(root)
    monkeypatch.setattr(module, "_package_stamp", lambda: "another")
    load_collection(root)
    assert len(reads) == 2


def test_two_clones_have_two_caches(root, reads, tmp_path):
    other = make_root(tmp_path / "other", {PATH: make_entry(title="Locating Otherwise")})
    load_collection(root)
    assert load_collection(other)["meng2022locating"].title == "Locating Otherwise"


def test_a_cache_that_cannot_be_written_is_no_error(root, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "file" / "below"))
    assert len(load_collection(root)) == 1


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no"])
def test_the_cache_can_be_switched_off(root, reads, monkeypatch, word):
    monkeypatch.setenv("SURVEY_CACHE", word)
    load_collection(root)
    load_collection(root)
    assert len(reads) == 2 and cache_folder() is None
    assert not (root.parent / "cache").exists()


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("SURVEY_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "editing-pitfalls"


def test_the_outcome_of_a_check_is_kept_for_the_very_state(root):
    files = list(entry_files(root))
    cache = Cache(root)
    digest = cache.digest(files, "extra")
    cache.keep_outcome(digest, [["N501"]])
    assert Cache(root).outcome(digest) == [["N501"]]
    assert Cache(root).outcome(cache.digest(files, "another branch")) is None
    write_entry(root, PATH, make_entry(title="Changed"))
    assert Cache(root).outcome(cache.digest(list(entry_files(root)), "extra")) is None
    assert Cache(root).outcome(None) is None
