"""The entries that a pull request changes, collected by a job without rights for the one that shows them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from survey.errors import UserError
from survey.files.reader import MAX_BYTES
from survey.intake import handover
from survey.intake.handover import ENTRY, BadHandover

FILE = "changed.json"
VERSION = 1
MOST = 50
"""Entries that are shown; a change of more is no submission of a paper."""
_LIMIT = 4 * 1024 * 1024


class Change(NamedTuple):
    """An entry as it would be; None where it is taken away."""

    path: str
    text: str | None


class Changes(NamedTuple):
    """What is changed below `papers/`, and how many files more."""

    entries: tuple[Change, ...]
    left_out: int = 0


def collect(root: Path, base: str) -> Changes:
    """What differs between the commit `base` and what is checked out. Raises `UserError`."""
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}", named=base).strip()
    listing = _git(root, "diff", "--no-renames", "--no-ext-diff", "--name-status", "-z", f"{commit}...HEAD", "--", "papers")
    parts = listing.split("\0")
    entries, left_out, size = [], 0, 0
    for status, path in zip(parts[::2], parts[1::2], strict=False):
        fits = ENTRY.fullmatch(path) and len(path) <= 120
        text = None
        if fits and status != "D":
            text = _committed(root, path)
            fits = text is not None
        size += len(text or "")
        if not fits or len(entries) == MOST or size > _LIMIT // 8:
            left_out += 1
            continue
        entries.append(Change(path, text))
    return Changes(tuple(entries), left_out)


def uncommitted(root: Path) -> bool:
    """Whether entries differ from what is committed, which `collect` does not look at."""
    return bool(_git(root, "status", "--porcelain", "--untracked-files=all", "--", "papers"))


def _committed(root: Path, path: str) -> str | None:
    """The entry as it is committed; None for what is too long, or is a link and leads elsewhere."""
    mode, _, _, size = _git(root, "ls-tree", "--long", "HEAD", "--", path).partition("\t")[0].split()
    if mode not in ("100644", "100755") or int(size) > MAX_BYTES:
        return None
    # No text may hold the character that stands for bytes of no letter; YAML refuses this one, too.
    return _git(root, "cat-file", "blob", f"HEAD:{path}").replace("\ufffd", "\x01").replace("\x00", "\x01")


def _git(root: Path, *words: str, named: str = "") -> str:
    """What git answers. `named` is the commit that was asked for, where one was."""
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True)
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        if named and not told:
            raise UserError(f"there is no commit {named} here (a clone by fetch-depth has only the newest)")
        raise UserError(f"git {words[0]} fails here: {told[-1] if told else f'it ends with {done.returncode}'}")
    return done.stdout.decode("utf-8", "replace")


def write(folder: Path, changes: Changes) -> Path:
    """Write the file that the next job reads."""
    place = folder / FILE
    handover.write(place, {
        "version": VERSION, "left_out": changes.left_out, "entries": [c._asdict() for c in changes.entries],
    })  # fmt: skip
    return place


def read(folder: Path) -> Changes:
    """What another job has written, checked. Raises `BadHandover`."""
    found = handover.read(folder / FILE, _LIMIT)
    entries = found.get("entries")
    if found.get("version") != VERSION or not isinstance(entries, list) or len(entries) > MOST:
        raise BadHandover(f"{FILE} is no list of at most {MOST} changed entries")
    changes = []
    for item in entries:
        if not isinstance(item, dict):
            raise BadHandover("a changed entry is no object")
        path = handover.entry_path(item)
        changes.append(Change(path, None if item.get("text") is None else handover.text(item, "text")))
    if len({c.path for c in changes}) < len(changes):
        raise BadHandover("an entry stands there twice")
    return Changes(tuple(changes), min(handover.number(found, "left_out"), 100_000))
