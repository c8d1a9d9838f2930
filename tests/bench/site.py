"""The site's budgets: the time of an additional paper page, and the memory of a large build."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import synthetic
from tests.bench.report import Figure, seconds

SIZES = (3_500, 35_000)


def pages() -> Iterator[Figure]:
    """Pour paper pages into the theme at two sizes; the difference is what one page costs."""
    took = {}
    for size in SIZES:
        # A process of its own, so that its memory is its own.
        command = [sys.executable, "-m", "tests.bench.site", str(size)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        took[size], memory = map(float, done.stdout.split())
    small, large = SIZES
    each = (took[large] - took[small]) / (large - small) * 1000
    yield Figure("site: an additional paper page", each, 1, "ms", f"{small:,} to {large:,} papers")
    yield Figure(f"site: memory at {large:,} papers", memory, 600, "MB", "")


def _pour(size: int) -> None:
    """Print seconds for all paper pages of `size` papers, and the peak memory in MB."""
    from survey.site.pages import Pages
    from survey.site.shell import Shell

    collection = synthetic.collection(size)
    root = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory() as folder:
        from survey.site.build import _mkdocs

        built = Path(folder) / "theme"
        _mkdocs(root, built)
        shell = Shell((built / "papers" / "index.html").read_text("utf-8"), "papers/")
        pages = Pages(collection, root, {"url": "https://example.org/", "name": "Bench", "source": ""})

        def pour() -> None:
            for paper in collection.values():
                page = pages.paper(paper)
                target = built / page.address / "index.html"
                target.parent.mkdir(parents=True, exist_ok=True)
                html = shell.render(page.address, page.title, page.description, page.content, "", page.head)
                target.write_text(html, "utf-8")

        took = seconds(pour)
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    _pour(int(sys.argv[1]))
