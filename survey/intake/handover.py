"""What one job hands to the next: files of JSON, written by ours, read as if a stranger had.

The job that reads may write to the repository, the one that wrote may have run anybody's code.
So a file is a plain file of limited size, and every value has the type that is asked for.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

from survey.collection.paper import KEY_PATTERN
from survey.errors import UserError
from survey.files.reader import MAX_BYTES
from survey.files.storage import write_file

ENTRY = re.compile(rf"papers/([0-9]{{4}})/({KEY_PATTERN.strip('^$')})\.yaml")
"""The path of an entry: nothing else is ever written, and no other path can be said by it."""
LIMIT = 4 * 1024 * 1024


class BadHandover(UserError):
    """The file is not what the other job should have written."""


def write(path: Path, content: dict) -> None:
    """Write one file of JSON, whole or not at all."""
    write_file(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def read(path: Path, limit: int = LIMIT) -> dict:
    """The object in a file. Raises `BadHandover` for anything but a plain, small file with one."""
    try:
        # Neither a link that leads elsewhere nor a pipe that never ends.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise BadHandover(f"{path.name} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BadHandover(f"{path.name} is no plain file")
    with os.fdopen(handle, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise BadHandover(f"{path.name} has more than {limit // 1024} KiB")
    try:
        found = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadHandover(f"{path.name} is no JSON") from None
    if not isinstance(found, dict):
        raise BadHandover(f"{path.name} holds no object")
    return found


def _refuse(word: str) -> None:
    raise ValueError(word)


def text(content: dict, name: str, limit: int = MAX_BYTES) -> str:
    """A text of the object; '' where it is missing. Raises `BadHandover`."""
    found = content.get(name, "")
    if not isinstance(found, str):
        raise BadHandover(f"{name} is no text")
    if len(found) > limit:
        raise BadHandover(f"{name} is longer than {limit:,} characters")
    if re.search(r"[\x00\ud800-\udfff]", found):
        raise BadHandover(f"{name} holds characters that no text has")
    return found


def number(content: dict, name: str) -> int:
    """A whole number from 0 on. Raises `BadHandover`."""
    found = content.get(name)
    if type(found) is not int or not 0 <= found < 2**53:
        raise BadHandover(f"{name} is no number")
    return found


def lines(content: dict, name: str, most: int = 40, limit: int = 500) -> tuple[str, ...]:
    """A list of short texts; what is too much is cut. Raises `BadHandover`."""
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise BadHandover(f"{name} is no list of texts")
    return tuple(item[:limit] for item in found[:most])


def entry_path(content: dict) -> str:
    """The path of an entry. Raises `BadHandover`."""
    found = text(content, "path", 120)
    if not ENTRY.fullmatch(found):
        raise BadHandover("path is no papers/<year>/<key>.yaml")
    return found


def event(path: Path) -> dict:
    """The event that started a workflow, as GitHub wrote it. Raises `BadHandover`."""
    return read(path, 16 * 1024 * 1024)
