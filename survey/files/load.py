"""From the folder `papers/` to a `Collection`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from survey.collection.collection import Collection
from survey.collection.paper import paper_from
from survey.collection.taxonomy import SECTIONS, Taxonomy, Terms
from survey.files.cache import Cache
from survey.files.reader import read_yaml

TAXONOMY = Path(__file__).parent.parent / "collection" / "taxonomy"
# A wheel carries the entries inside the package; a clone has them beside it.
PACKAGE = Path(__file__).parent.parent


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
    """Every file below `papers/`, hidden ones left out, as (path with forward slashes, stat)."""
    stack = [("papers", root / "papers")]
    while stack:
        relative, folder = stack.pop()
        for item in sorted(os.scandir(folder), key=lambda item: item.name):
            if item.name.startswith("."):
                continue
            path = f"{relative}/{item.name}"
            if item.is_dir(follow_symlinks=False):
                stack.append((path, folder / item.name))
            else:
                yield path, item.stat(follow_symlinks=False)


def read_text(path: Path) -> str:
    """The file as text. A byte that is no UTF-8 becomes a character that YAML refuses."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").replace("\ufffd", "\x00")


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
            record, found = read_yaml(read_text(root / path))
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
