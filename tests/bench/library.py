"""Budgets of the package: imports, checks, exports. Ratios of two things timed in one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from survey.checks import check
from survey.formats import FORMATS
from tests.bench import synthetic
from tests.bench.report import Figure, seconds


def imports() -> Iterator[Figure]:
    """Start-up times, each as a ratio to starting Python, in turn, so that drift hits both."""

    def started(*command: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    for what, command, budget in (
        ("import survey", ("-c", "import survey"), 4),
        ("survey --help", ("-m", "survey", "--help"), 12),
    ):
        pairs = [(started(*command), started("-c", "pass")) for _ in range(12)]
        ratio = statistics.median(a / b for a, b in pairs[2:])
        yield Figure(what, ratio, budget, "x", "python -c pass")


def checks(count: int = 35_000) -> Iterator[Figure]:
    """Checking made-up entries, cold and warm, against bare parsing of the same files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        synthetic.write(count, root)
        files = sorted(root.glob("papers/*/*.yaml"))
        os.environ["SURVEY_CACHE"] = str(root / "cache")
        # A file that was just written is not trusted to stay as it is.
        time.sleep(2.5)

        def bare() -> None:
            for file in files:
                yaml.load(file.read_bytes(), yaml.CSafeLoader)

        seconds(bare)  # the files come into memory
        parsed = seconds(bare)
        cold = seconds(lambda: check(root))
        warm = seconds(lambda: check(root), 3)
        del os.environ["SURVEY_CACHE"]
        yield Figure(f"check {count:,} entries, cold", cold / parsed, 1.5, "x", "bare CSafeLoader parsing")
        yield Figure(f"check {count:,} entries, warm", warm / parsed, 0.15, "x", "bare CSafeLoader parsing")


def export(count: int = 10_000) -> Iterator[Figure]:
    """BibTeX of many entries against formatting the same fields with f-strings and writing."""
    collection = synthetic.collection(count)
    papers, taxonomy = list(collection.values()), collection.taxonomy

    def plain(path: str) -> None:
        # The same fields, written as they stand: no escapes, no protected capitals.
        with open(path, "w", encoding="utf-8") as file:
            for p in papers:
                venue = taxonomy.venues[p.venue]
                edition = venue.edition(p.year)
                kind = {"preprint": "misc", "journal": "article"}.get(venue.type, "inproceedings")
                title = p.booktitle or venue.booktitle_of(p.year)
                authors = " and ".join(f"{n.family}, {n.given}" for n in p.names)
                file.write(f"@{kind}{{{p.key},\n  title = {{{p.title}}},\n  author = {{{authors}}},\n")
                if kind != "misc":
                    file.write(f"  {'journal' if kind == 'article' else 'booktitle'} = {{{title}}},\n")
                for name, value in (
                    ("series", venue.series), ("volume", p.volume or edition.volume),
                    ("pages", p.pages), ("year", p.year), ("address", edition.address),
                    ("publisher", venue.publisher), ("doi", p.ids.doi), ("url", p.url),
                    ("note", p.status), ("eprint", p.ids.arxiv if p.preprint else None),
                ):  # fmt: skip
                    if value:
                        file.write(f"  {name} = {{{value}}},\n")
                if edition.month:
                    file.write(f"  month = {edition.month},\n")
                file.write("}\n\n")

    def ours(path: str) -> None:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(FORMATS["bibtex"].write(papers, taxonomy))

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/papers.bib"
        plain(path)
        ratio = seconds(lambda: ours(path), 3) / seconds(lambda: plain(path), 3)
    yield Figure(f"export bibtex, {count:,} entries", ratio, 2, "x", "f-strings and writing")
