"""From the folder `papers/` to a `Collection`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from stat import S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK, S_ISREG

from pydantic import ValidationError

from survey.collection.collection import Collection
from survey.collection.paper import paper_from
from survey.collection.taxonomy import SECTIONS, Taxonomy, Terms
from survey.files.cache import Cache
from survey.files.reader import MAX_BYTES, YamlProblem, read_yaml
from survey.files.storage import unfinished_move

TAXONOMY = Path(__file__).parent.parent / "collection" / "taxonomy"
# A wheel carries the entries inside the package; a clone has them beside it.
PACKAGE = Path(__file__).parent.parent
# The longest text has MAX_BYTES characters, of up to four bytes each.
_MOST_BYTES = 4 * MAX_BYTES
_KINDS = {S_IFLNK: "a symbolic link", S_IFDIR: "a folder", S_IFIFO: "a pipe", S_IFSOCK: "a socket"}


class CollectionError(Exception):
    """There is no collection, or it cannot be read as it is."""


def find_root(start: str | os.PathLike | None = None) -> Path:
    """Return the folder that holds `papers/`: `start`, else $SURVEY_ROOT, else the nearest one
    from here upwards, else the one that the package was installed with. Raises `CollectionError`."""
    asked = start or os.environ.get("SURVEY_ROOT")
    if asked:
        root = Path(asked).resolve()
        if (root / "papers").is_dir():
            return root
        raise CollectionError(f"there is no folder papers/ in {root}")
    here = Path.cwd().resolve()
    for root in (here, *here.parents, PACKAGE.parent, PACKAGE):
        if (root / "papers").is_dir():
            return root
    raise CollectionError(
        "there is no folder papers/ here or above: run this inside a clone of the project, "
        "or name the clone with --root or SURVEY_ROOT"
    )


def entry_files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below `papers/` that is no folder of entries, hidden files left out, as
    (path with forward slashes, stat): whatever it is, links and folders too deep included.
    Raises `CollectionError` where `papers` leads elsewhere."""
    top = root / "papers"
    if top.is_symlink():
        raise CollectionError(f"{top} is a symbolic link: entries are read from the folder of the clone alone")
    found, moved = [], set()
    stack = [("papers", top, 0)]
    while stack:
        relative, folder, depth = stack.pop()
        for item in sorted(os.scandir(folder), key=lambda item: item.name):
            if item.name.startswith("."):
                # A move that a killed writer has made: the old file no longer counts.
                if item.name.endswith(".part") and (old := unfinished_move(folder / item.name, top)):
                    moved.add(f"papers/{old.relative_to(top).as_posix()}")
                continue
            path = f"{relative}/{item.name}"
            if depth == 0 and item.is_dir(follow_symlinks=False):
                stack.append((path, folder / item.name, 1))
            else:
                found.append((path, item.stat(follow_symlinks=False)))
    return iter([(path, stat) for path, stat in found if path not in moved] if moved else found)


def read_text(path: Path) -> str:
    """The file as text. A byte that is no UTF-8 becomes a character that YAML refuses."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").replace("\ufffd", "\x00")


def read_entry(path: Path, stat: os.stat_result | None = None) -> str:
    """The text of an entry, which a stranger may have put there. Raises `YamlProblem` for what is
    no ordinary file, is longer than any entry, is not UTF-8, or cannot be read; nothing else is ever
    opened."""
    try:
        refuse_unread(stat or path.lstat())
        # Neither a link nor a pipe that took the file's place in between is followed or waited for.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            refuse_unread(os.fstat(file.fileno()))
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise YamlProblem("K901", f"this cannot be read: {error.strerror}", 1, 1) from None
    if len(data) > _MOST_BYTES:
        raise _too_long()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise YamlProblem("Y105", "the file is not UTF-8", line, column, "save it as UTF-8") from None


def refuse_unread(stat: os.stat_result) -> None:
    """Raise `YamlProblem` for what can be no entry, whatever it holds."""
    if not S_ISREG(stat.st_mode):
        kind = _KINDS.get(S_IFMT(stat.st_mode), "a device")
        hint = "put the file itself here, as papers/<year>/<key>.yaml"
        raise YamlProblem("K901", f"this is {kind}, and no entry", 1, 1, hint)
    if stat.st_size > _MOST_BYTES:
        raise _too_long()


def _too_long() -> YamlProblem:
    return YamlProblem("Y104", f"the file is longer than {MAX_BYTES // 1024} KiB", 1, 1)


@lru_cache(1)
def load_taxonomy() -> Taxonomy:
    """Read the taxonomy that the package ships. Raises `CollectionError` where it is broken."""
    sections = {}
    for section, model in SECTIONS.items():
        path = TAXONOMY / f"{section}.yaml"
        records, problems = read_yaml(read_text(path), limit=None)
        if problems:
            raise CollectionError(f"{path}:{problems[0]}")
        try:
            sections[section] = Terms([model.model_validate(record) for record in records])
        except ValidationError as error:
            first = error.errors()[0]
            raise CollectionError(f"{path}: {first['loc']}: {first['msg']}") from None
    return Taxonomy(**sections)


def load_collection(root: str | os.PathLike | None = None) -> Collection:
    """Read every entry. Raises `CollectionError` with the first problems where there are any."""
    root = find_root(root)
    cache = Cache(root)
    papers, problems = [], []
    for path, stat in entry_files(root):
        if not path.endswith(".yaml"):
            continue
        record = cache.record(path, stat)
        if record is None:
            try:
                record, found = read_yaml(read_entry(root / path, stat))
            except YamlProblem as problem:
                found = [problem]
            if found:
                problems.append(f"{path}:{found[0]}")
                continue
            cache.keep(path, stat, record)
        try:
            papers.append(paper_from(record, Path(path).stem))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            problems.append(f"{path}: {where}: {first['msg']}")
    cache.save()
    if problems:
        shown = "\n  ".join(problems[:5])
        entries = "1 entry" if len(problems) == 1 else f"{len(problems):,} entries"
        raise CollectionError(
            f"{entries} cannot be read; `survey check` explains each:\n  {shown}"
        )
    return Collection(papers, load_taxonomy())
