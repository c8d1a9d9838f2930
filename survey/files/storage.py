"""Files that are whole or not there, whatever happens: written, created, moved, one writer at a time.

A file is written under a hidden name beside its place and gets its own name when it is complete.
What a killed writer leaves has a name that begins with a dot and ends in `.part`; it is never an
entry, and the next writer in that folder takes it away once it is an hour old.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from urllib.parse import quote, unquote

from survey.errors import UserError

_LEFTOVER = re.compile(r"\..+\.[a-z0-9_]{8}\.part")
# `.new.yaml.from.<quoted path of the old file>.part`, a second name of the finished new file.
_MOVE = re.compile(r"\.(?P<new>.+)\.from\.(?P<old>[^/]+)\.part")
_OLD_SECONDS = 3600


def write_file(path: Path, text: str) -> None:
    """Write all of `text` or nothing: a new file beside the old one, then renamed over it.

    Raises `UserError` where `path` is that of an entry and its folder a link.
    """
    if path.suffix == ".yaml" and path.parent.parent.name == "papers":
        _refuse_link(path.parent)
    with _finished(path, text) as temporary:
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)


def create_file(path: Path, text: str) -> None:
    """Write a new file, all of it or nothing. Raises `FileExistsError` where one is there, and
    `UserError` where its folder is a link."""
    _refuse_link(path.parent)
    with _finished(path, text) as temporary:
        os.chmod(temporary, 0o644)
        _give_name(temporary, path)


def move_file(old: Path, new: Path, text: str) -> None:
    """Write `text` to `new`, which must not be there yet, and take `old` away: both or neither.

    The finished text first gets a hidden name that tells where it comes from, then, in one step,
    its own name. From then on the move counts: `unfinished_move` lets readers leave `old` out, and
    finishes the work of a killed writer. Raises `FileExistsError` and `FileNotFoundError`, and
    `UserError` where one of the folders is a link.

    On a file system without hard links a writer that is killed may leave both files.
    """
    _refuse_link(old.parent)
    _refuse_link(new.parent)
    _tidy(old.parent)
    _tidy(new.parent)
    mode = old.stat().st_mode & 0o777
    if os.path.lexists(new):
        raise FileExistsError(f"there is a {new} already")
    with _finished(new, text) as temporary:
        os.chmod(temporary, mode)
        origin = quote(os.path.relpath(old, new.parent).replace(os.sep, "/"), safe="")
        marker = new.parent / f".{new.name}.from.{origin}.part"
        os.replace(temporary, marker)
        try:
            _give_name(marker, new)
        except BaseException:
            marker.unlink(missing_ok=True)
            raise
        # Here the move is made; a reader that comes by may have tidied up before us.
        old.unlink(missing_ok=True)
        marker.unlink(missing_ok=True)


def unfinished_move(marker: Path, inside: Path) -> Path | None:
    """The old file of a move that was made but not tidied up, or None. Tidies up where it may.

    `marker` is any hidden file. Only a file that shares its contents with the new one by a hard
    link counts, which no clone or checkout makes, and nothing outside of `inside` is ever touched.
    """
    match = _MOVE.fullmatch(marker.name)
    if not match:
        return None
    new = marker.parent / match["new"]
    old = Path(os.path.normpath(marker.parent / unquote(match["old"])))
    try:
        told = marker.lstat()
        there = new.lstat()
    except OSError:
        return None  # Not made yet: the old file still counts.
    same = (told.st_dev, told.st_ino) == (there.st_dev, there.st_ino) and S_ISREG(told.st_mode)
    if not same or old == new or old.suffix != ".yaml" or inside not in old.parents:
        return None
    with suppress(FileNotFoundError):
        before = old.lstat()
        if not S_ISREG(before.st_mode) or before.st_mtime_ns > told.st_mtime_ns:
            return None  # Somebody has written it since, and it is theirs.
    with suppress(OSError):  # A reader that may not write leaves it to the next one.
        old.unlink(missing_ok=True)
        marker.unlink(missing_ok=True)
    return old


@contextmanager
def locked(root: Path, timeout: float = 60) -> Iterator[None]:
    """Hold the collection for writing: another one that asks waits until this one is done.

    The lock is on the folder `papers` itself, so no file is left behind, and it ends with the
    process. Raises `UserError` after `timeout` seconds. Where the system has no such locks,
    `create_file` alone keeps two writers apart.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    folder = os.open(root / "papers", os.O_RDONLY | os.O_DIRECTORY)
    try:
        _acquire(fcntl, folder, root, time.monotonic() + timeout)
        yield
    finally:
        os.close(folder)  # Which also ends the lock.


def _acquire(fcntl, folder: int, root: Path, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise UserError(
                    f"another survey command is writing into {root / 'papers'}: "
                    "wait until it is done, or stop it, and try again"
                ) from None
            time.sleep(0.02)
        except OSError:
            return  # A file system that knows no locks.


def _refuse_link(folder: Path) -> None:
    """What a pull request has put in the place of a year's folder may lead anywhere."""
    if folder.is_symlink():
        raise UserError(f"{folder} is a link, not a folder, and may lead out of the collection: take it away and try again")


@contextmanager
def _finished(path: Path, text: str) -> Iterator[Path]:
    """A hidden file beside `path` that holds all of `text`; gone at the end if it still is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _tidy(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _give_name(temporary: Path, path: Path) -> None:
    """Let the finished file appear at `path` in one step, never in the place of another."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise FileExistsError(f"there is a {path} already") from None
    except OSError:
        # No hard links here. Windows refuses to rename over a file; elsewhere `locked` must help.
        if os.path.lexists(path):
            raise FileExistsError(f"there is a {path} already") from None
        os.rename(temporary, path)


def _tidy(folder: Path) -> None:
    """Finish what a killed writer has left half done here, and take old leftovers away."""
    with suppress(OSError), os.scandir(folder) as items:
        for item in items:
            if item.name.startswith(".") and item.name.endswith(".part"):
                with suppress(OSError):
                    _tidy_one(folder / item.name, item.stat(follow_symlinks=False))


def _tidy_one(path: Path, stat: os.stat_result) -> None:
    ours = _LEFTOVER.fullmatch(path.name) or _MOVE.fullmatch(path.name)
    if not ours or not S_ISREG(stat.st_mode) or unfinished_move(path, path.parent.parent):
        return
    if time.time() - stat.st_mtime > _OLD_SECONDS:
        path.unlink()
