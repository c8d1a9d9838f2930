from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from survey.errors import UserError
from survey.files import load_collection
from survey.files.load import entry_files
from survey.files.storage import create_file, locked, move_file, unfinished_move, write_file
from tests.entries import PATH, make_entry, make_root

OLD, NEW = "papers/2021/meng2021locating.yaml", PATH


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new" / "a.yaml"
    write_file(path, "one\n")
    write_file(path, "zwei ü\n")
    assert path.read_bytes() == "zwei ü\n".encode()

    def fails(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="no space"):
        write_file(path, "three\n")
    assert path.read_bytes() == "zwei ü\n".encode()
    assert os.listdir(path.parent) == ["a.yaml"], "nothing is left behind"


def test_a_text_that_cannot_be_encoded_leaves_the_file_alone(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_file(path, "\ud800")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.yaml"]


def test_permissions_are_kept(tmp_path):
    path = tmp_path / "a.yaml"
    write_file(path, "one\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o600)
    write_file(path, "two\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_entry_is_written_through_a_link(tmp_path):
    make_root(tmp_path / "clone", {OLD: make_entry()})
    outside = tmp_path / "outside"
    outside.mkdir()
    papers = tmp_path / "clone" / "papers"
    (papers / "2022").symlink_to(outside)
    (papers / "2023").symlink_to(tmp_path / "nowhere")
    for year in ("2022", "2023"):
        new = papers / year / "a.yaml"
        for write in (write_file, create_file, lambda path, text: move_file(tmp_path / "clone" / OLD, path, text)):
            with pytest.raises(UserError, match=rf"papers/{year} is a link, not a folder"):
                write(new, "one\n")
    (outside / "b.yaml").write_text("theirs\n")
    with pytest.raises(UserError, match="is a link"):
        move_file(papers / "2022" / "b.yaml", papers / "2021" / "b.yaml", "one\n")
    assert os.listdir(outside) == ["b.yaml"] and os.listdir(papers / "2021") == ["meng2021locating.yaml"]


def test_other_files_may_be_written_through_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_file(tmp_path / "link" / "papers.bib", "one\n")
    assert (tmp_path / "real" / "papers.bib").read_text() == "one\n"


def test_a_file_that_is_there_is_never_replaced_by_a_new_one(tmp_path):
    create_file(tmp_path / "new" / "a.yaml", "one\n")
    with pytest.raises(FileExistsError, match=r"there is a .*a\.yaml already"):
        create_file(tmp_path / "new" / "a.yaml", "two\n")
    assert (tmp_path / "new" / "a.yaml").read_text() == "one\n"
    assert os.listdir(tmp_path / "new") == ["a.yaml"]
    assert stat.S_IMODE((tmp_path / "new" / "a.yaml").stat().st_mode) == 0o644


def test_nor_is_a_link_that_leads_nowhere(tmp_path):
    (tmp_path / "a.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "a.yaml", "one\n")
    assert not (tmp_path / "elsewhere").exists()


def test_without_hard_links_files_are_created_and_moved_all_the_same(tmp_path, monkeypatch):
    def fails(*_):
        raise PermissionError("no links on this disk")

    monkeypatch.setattr(os, "link", fails)
    create_file(tmp_path / "a.yaml", "one\n")
    move_file(tmp_path / "a.yaml", tmp_path / "b.yaml", "two\n")
    assert os.listdir(tmp_path) == ["b.yaml"] and (tmp_path / "b.yaml").read_text() == "two\n"
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "b.yaml", "three\n")
    assert (tmp_path / "b.yaml").read_text() == "two\n"


def test_a_moved_file_is_at_its_new_place_alone(tmp_path):
    old, new = tmp_path / "2021" / "a.yaml", tmp_path / "2022" / "b.yaml"
    create_file(old, "one\n")
    old.chmod(0o600)
    move_file(old, new, "two\n")
    assert new.read_text() == "two\n" and stat.S_IMODE(new.stat().st_mode) == 0o600
    assert os.listdir(old.parent) == [] and os.listdir(new.parent) == ["b.yaml"]


def test_a_move_never_replaces_a_file_and_needs_one(tmp_path):
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    write_file(one, "one\n")
    write_file(two, "two\n")
    with pytest.raises(FileExistsError):
        move_file(one, two, "three\n")
    with pytest.raises(FileNotFoundError):
        move_file(tmp_path / "c.yaml", tmp_path / "d.yaml", "three\n")
    assert (one.read_text(), two.read_text()) == ("one\n", "two\n")
    assert sorted(os.listdir(tmp_path)) == ["a.yaml", "b.yaml"]


class Killed(BaseException):
    """Stands for the end of the process: nothing runs after it."""


def stopped_move(root, monkeypatch, at: str) -> None:
    """A move from OLD to NEW whose process ends when it is about to call `os.<at>`."""

    def ends(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, at, ends)
        patch.setattr("pathlib.Path.unlink", ends)  # The tidying up dies with the process.
        with pytest.raises(Killed):
            move_file(root / OLD, root / NEW, "new\n")


def test_a_move_that_was_not_made_changes_nothing(tmp_path, monkeypatch):
    root = make_root(tmp_path, {OLD: "old\n"})
    stopped_move(root, monkeypatch, "link")
    assert [path for path, _ in entry_files(root)] == [OLD]
    assert (root / OLD).read_text() == "old\n"


def test_a_move_that_was_made_is_finished_by_the_next_reader(tmp_path, monkeypatch):
    root = make_root(tmp_path, {OLD: "old\n"})
    stopped_move(root, monkeypatch, "unlink")
    assert (root / OLD).exists(), "the writer was stopped before it took the old file away"
    assert [path for path, _ in entry_files(root)] == [NEW]
    assert not (root / OLD).exists() and os.listdir((root / NEW).parent) == [NEW.split("/")[-1]]


def test_a_reader_who_may_not_write_leaves_the_old_file_out(tmp_path, monkeypatch):
    root = make_root(tmp_path, {OLD: "old\n"})
    stopped_move(root, monkeypatch, "unlink")

    def refuses(*_, **__):
        raise PermissionError("read-only")

    monkeypatch.setattr("pathlib.Path.unlink", refuses)
    for _ in range(2):
        assert [path for path, _ in entry_files(root)] == [NEW]
    assert (root / OLD).exists()


def test_what_somebody_wrote_after_the_move_stays(tmp_path, monkeypatch):
    root = make_root(tmp_path, {OLD: "old\n"})
    stopped_move(root, monkeypatch, "unlink")
    later = time.time() + 5
    os.utime(root / OLD, (later, later))
    assert sorted(path for path, _ in entry_files(root)) == [OLD, NEW]


@pytest.mark.parametrize("origin", ["..%2F..%2F..%2Fvictim.yaml", "..%2F..%2Fvictim.yaml", "%2Fetc%2Fvictim.yaml"])
def test_no_name_of_a_hidden_file_reaches_out_of_the_papers(tmp_path, origin):
    root = make_root(tmp_path / "clone", {NEW: "new\n"})
    victims = [tmp_path / "victim.yaml", root / "victim.yaml"]
    for victim in victims:
        victim.write_text("mine\n")
    os.link(root / NEW, (root / NEW).parent / f".meng2022locating.yaml.from.{origin}.part")
    assert [path for path, _ in entry_files(root)] == [NEW]
    assert all(victim.exists() for victim in victims)


def test_a_hidden_file_that_came_with_a_clone_moves_nothing(tmp_path):
    marker = "papers/2022/.meng2022locating.yaml.from...%2F2021%2Fmeng2021locating.yaml.part"
    root = make_root(tmp_path, {OLD: "old\n", NEW: "new\n", marker: "new\n"})
    assert unfinished_move(root / marker, root / "papers") is None
    assert sorted(path for path, _ in entry_files(root)) == [OLD, NEW]


def test_leftovers_are_no_entries_and_go_when_they_are_old(tmp_path):
    left = ["papers/2022/.a2022b.yaml.abcd_123.part", "papers/2022/.b2022c.yaml.from.x.yaml.part"]
    kept = ["papers/2022/.a2022b.yaml.swp", "papers/2022/.notes.part", "papers/2022/.c2022d.yaml.12345678.part"]
    root = make_root(tmp_path, dict.fromkeys([*left, *kept], "half"))
    for name in [*left, *kept[:2]]:
        os.utime(root / name, (0, 0))
    assert list(entry_files(root)) == []
    create_file(root / NEW, "new\n")
    assert not any((root / name).exists() for name in left)
    assert all((root / name).exists() for name in kept), "the last one may still be written"


# Two at once


def test_the_second_waits_for_the_first(tmp_path):
    root = make_root(tmp_path, {})
    order = []

    def second():
        with locked(root):
            order.append("second")

    with locked(root):
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.1)
        order.append("first")
    other.join(5)
    assert order == ["first", "second"]
    assert os.listdir(root / "papers") == [], "no file is left behind"


def test_nobody_waits_for_ever(tmp_path):
    root = make_root(tmp_path, {})
    with locked(root), pytest.raises(UserError, match="another survey command is writing"), locked(root, timeout=0.05):
        pytest.fail("both hold it")
    with locked(root, timeout=0):
        pass


def child(root, code: str, *words: str) -> subprocess.Popen:
    program = f"import sys, os; from pathlib import Path; from survey.files.storage import *\nroot = Path(sys.argv[1])\n{code}"
    return subprocess.Popen([sys.executable, "-c", program, str(root), *words], stdout=subprocess.PIPE, text=True)


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    root = make_root(tmp_path, {})
    holder = child(root, "import time\nwith locked(root): print('held', flush=True); time.sleep(60)")
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UserError), locked(root, timeout=0):
        pass
    holder.kill()
    holder.communicate()
    with locked(root, timeout=5):
        pass


def test_of_many_who_create_one_file_one_succeeds(tmp_path):
    code = """
print('ready', flush=True)
while not (root / 'go').exists(): pass
try: create_file(root / 'papers/2022/a.yaml', sys.argv[2] * 5000); print('mine')
except FileExistsError: print('theirs')"""
    running = [child(make_root(tmp_path, {}), code, str(n)) for n in range(4)]
    assert all(process.stdout.readline() == "ready\n" for process in running)
    (tmp_path / "go").touch()
    said = [process.communicate()[0].strip() for process in running]
    assert sorted(said) == ["mine", "theirs", "theirs", "theirs"]
    assert (tmp_path / "papers/2022/a.yaml").read_text() == str(said.index("mine")) * 5000


# A real kill, at many moments

_LOOP = """
from survey.files.writer import dump
entry = __import__('json').loads(sys.argv[2])
year, places = 2022, {2022: root / 'papers/2022/meng2022locating.yaml', 2023: root / 'papers/2023/meng2023locating.yaml'}
here = next(y for y in places if places[y].exists())
print('ready', flush=True)
for n in range(10**6):
    create_file(root / f'papers/2022/new2022word{n}.yaml', dump({**entry, 'title': f'Word{n}', 'ids': {}, 'authors': ['A New']}))
    there = 4045 - here
    move_file(places[here], places[there], dump({**entry, 'year': there}))
    here = there
    os.unlink(root / f'papers/2022/new2022word{n}.yaml')
"""


def test_a_kill_at_any_moment_leaves_the_collection_whole(tmp_path):
    import json

    root = make_root(tmp_path, {PATH: make_entry(summary="word " * 300)})
    entry = json.dumps(make_entry(summary="word " * 300))
    chance = random.Random(5)
    unfinished = 0
    for kills in range(100):
        if kills >= 20 and unfinished:
            break
        writer = child(root, _LOOP, entry)
        assert writer.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.03))
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        unfinished += len(list((root / "papers").glob("*/.*.part")))
        keys = sorted(load_collection(root))
        moved = [key for key in keys if key.startswith("meng")]
        assert len(moved) == 1, keys
        assert all(key.startswith("new2022word") for key in keys if key not in moved)
        assert len(keys) <= 2
        for path in (root / "papers").glob("*/new*.yaml"):
            path.unlink()
    assert unfinished, "none of the kills came in the middle"
