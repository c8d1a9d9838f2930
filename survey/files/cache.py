"""What was read before, so that an unchanged file is not read again.

The cache lives in the user's cache folder, one file for each clone, and may be deleted at any
time. SURVEY_CACHE=off switches it off; SURVEY_CACHE=DIR puts it elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

# A file changed this recently may change again within the clock's tick: it is not trusted.
_SETTLED_NS = 2_000_000_000


def cache_folder() -> Path | None:
    """Where caches go, or None where they are switched off."""
    asked = os.environ.get("SURVEY_CACHE", "")
    if asked.lower() in ("off", "0", "no"):
        return None
    if asked:
        return Path(asked)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "editing-pitfalls"


def _package_stamp() -> str:
    """Changes whenever the package does, since rules and taxonomy decide what was found."""
    package = Path(__file__).parent.parent
    digest = hashlib.blake2b(digest_size=12)
    for pattern in ("collection/*.py", "collection/taxonomy/*.yaml", "files/*.py", "checks/*.py"):
        for path in sorted(package.glob(pattern)):
            stat = path.stat()
            digest.update(f"{path.name} {stat.st_mtime_ns} {stat.st_size}".encode())
    return digest.hexdigest()


def _stamp(stat: os.stat_result) -> list[int]:
    return [stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size]


class Cache:
    """Records by file, valid while time stamps and size are the same."""

    def __init__(self, root: Path) -> None:
        self._folder = cache_folder()
        name = hashlib.blake2b(str(root).encode(), digest_size=8).hexdigest()
        self._path = self._folder / f"{name}.records.json" if self._folder else None
        self._checked = self._folder / f"{name}.checked.json" if self._folder else None
        self._rows: dict[str, list] | None = None
        self._kept: dict[str, list] = {}
        self._changed = False

    def _read(self, path: Path | None) -> dict:
        try:
            saved = json.loads(path.read_bytes()) if path else {}
        except (OSError, ValueError):
            return {}
        good = isinstance(saved, dict) and saved.get("package") == _package_stamp()
        return saved if good else {}

    def record(self, path: str, stat: os.stat_result, part: int = 1) -> object | None:
        """What was kept for this file in this state, or None."""
        if self._rows is None:
            self._rows = self._read(self._path).get("rows", {})
        row = self._rows.get(path)
        if row is None or row[0] != _stamp(stat):
            return None
        self._kept[path] = row
        return row[part] if part < len(row) else None

    def keep(self, path: str, stat: os.stat_result, record: object, *more: object) -> None:
        """Remember what this file says (and what more was found out about it)."""
        if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NS:
            self._kept[path] = [_stamp(stat), record, *more]
            self._changed = True

    def save(self) -> None:
        """Write what was kept. A cache that cannot be written is no error."""
        if self._path and (self._changed or len(self._kept) != len(self._rows or ())):
            self._write(self._path, {"package": _package_stamp(), "rows": self._kept})

    # The outcome of a whole check, which needs no record at all while nothing has changed.

    def digest(self, files: list[tuple[str, os.stat_result]], extra: str) -> str | None:
        """A name for the state of all files, or None while one of them is too fresh to trust."""
        newest = max((max(s.st_mtime_ns, s.st_ctime_ns) for _, s in files), default=0)
        if time.time_ns() - newest <= _SETTLED_NS:
            return None
        digest = hashlib.blake2b(extra.encode(), digest_size=16)
        digest.update(repr([(p, s.st_mtime_ns, s.st_ctime_ns, s.st_size) for p, s in files]).encode())
        return digest.hexdigest()

    def outcome(self, digest: str | None) -> list | None:
        """The findings of an earlier check of this very state."""
        saved = self._read(self._checked) if digest else {}
        return saved.get("findings") if saved.get("digest") == digest else None

    def keep_outcome(self, digest: str | None, findings: list) -> None:
        if self._checked and digest:
            content = {"package": _package_stamp(), "digest": digest, "findings": findings}
            self._write(self._checked, content)

    def _write(self, path: Path, content: dict) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(json.dumps(content, ensure_ascii=False, default=str), "utf-8")
            os.replace(temporary, path)
        except (OSError, ValueError):  # ValueError: a file name that is no Unicode.
            pass
