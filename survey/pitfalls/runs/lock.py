"""A file that only one process writes at a time.

The lock is the system's and ends with the process, however that ends. Where the system or the file system has none,
nothing is locked.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from survey.errors import UserError


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Keep all other processes from writing a file as long as this lasts. Raises `UserError` where one is writing it."""
    beside = path.with_name(f".{path.name}.lock")
    file = _locked(beside)
    if file is None:
        raise UserError(f"{path}: another run is writing this file: wait for its end, or name another folder with -o")
    try:
        yield
    finally:
        _remove(beside)  # While it is locked: whoever waits for this very file sees that it is gone, and makes a new one.
        file.close()
        if os.name == "nt":
            _remove(beside)  # There an open file cannot be removed.


def _locked(path: Path) -> IO | None:
    """The file, open and locked, or None where another process has it."""
    while True:
        file = path.open("a+b")
        try:
            free = _try(file)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
                file.close()
                raise
            free = True
        if not free:
            file.close()
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # Its owner removed it between the two calls.


def _try(file: IO) -> bool:
    """Whether the lock could be had at once. Raises `OSError` where there are no locks."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
