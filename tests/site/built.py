"""The real site, built once for all tests and all workers, and a small one to break."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from survey.files.load import PACKAGE
from survey.site import build
from tests.entries import make_root
from tests.site import hostile

INDEXES = "papers years venues authors methods strategies pitfalls benchmarks metrics".split()


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first worker makes, while the others wait."""
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / name
    with open(shared / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / f"{name}.done").exists():
            make(folder)
            (shared / f"{name}.done").touch()
    return folder


def real_site(factory: pytest.TempPathFactory) -> Path:
    """The site of this repository."""
    return once(factory, "real-site", lambda folder: build(PACKAGE.parent, folder))


def hostile_site(factory: pytest.TempPathFactory) -> Path:
    """A small site with an entry that would like to run a script."""

    def make(folder: Path) -> None:
        build(make_root(small_root(folder), hostile.entries()), folder / "site")

    return once(factory, "hostile", make) / "site"


def small_root(folder: Path, home: str = "", pages: dict[str, str] | None = None) -> Path:
    """A clone with the sections of the site, without its prose. Papers are up to the caller."""
    docs = folder / "docs"
    for name in INDEXES:
        source = PACKAGE.parent / "docs" / name / "index.md"
        (docs / name).mkdir(parents=True)
        shutil.copy(source, docs / name / "index.md")
    start = (PACKAGE.parent / "docs" / "index.md").read_text("utf-8")
    (docs / "index.md").write_text(f"{start}\n{home}\n", "utf-8")
    for name, text in (pages or {}).items():
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(text, "utf-8")
    config = (PACKAGE.parent / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[0]
    (folder / "mkdocs.yml").write_text(config + "\n", "utf-8")
    (folder / "survey").symlink_to(PACKAGE.parent / "survey")
    (folder / "papers").mkdir(exist_ok=True)
    return folder


def files_of(site: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {p.relative_to(site).as_posix(): p.read_bytes() for p in sorted(site.rglob("*")) if p.is_file()}
