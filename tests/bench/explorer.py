"""The explorer's budgets: bytes over the wire, and the time from a keystroke to the new list.

    python -m tests.bench.explorer [--sizes 350,3500,35000]

Papers are made up (tests/bench/synthetic.py). The clock runs in Chromium from the dispatch of the
`input` event to the list being in the page and laid out; the facets follow in the next frame.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from survey.site.data import details, index, to_json
from survey.site.explorer import explorer_html
from tests.bench.synthetic import collection
from tests.browser.conftest import ASSETS, CHROMIUM, Quiet

SIZES = (350, 3_500, 35_000)
BYTES = {350: 90, 35_000: 70}  # Compressed bytes of the index, per paper.
MILLISECONDS = {350: 16, 3_500: 16, 35_000: 50}
SCRIPTS = 25 * 1024  # Compressed bytes of all modules.
MODULES = ("dom", "edit", "explorer", "export", "facets", "index", "query", "results", "suggest")
TYPED = (
    "knowledge editing", "zhang", "method:rome forget", "pitfall:locality -venue:arxiv wei",
    "year:2023..2025 has:code ripple", "author:schlotterer",
)  # fmt: skip

_TYPE = """
async (text) => {
    const box = document.querySelector("#explorer-query");
    const list = document.querySelector(".explorer-list");
    const pause = (time) => new Promise((go) => setTimeout(go, time));
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    for (let end = 1; end <= text.length; end += 1) {
        const start = performance.now();
        box.value = text.slice(0, end);
        box.dispatchEvent(new InputEvent("input"));
        list.getBoundingClientRect();
        const listed = performance.now() - start;
        await frame();
        times.push(listed);
        await pause(60);
    }
    box.value = "";
    box.dispatchEvent(new InputEvent("input"));
    await pause(100);
    return times;
}
"""


def rows(sizes: tuple[int, ...] = SIZES) -> Iterator[tuple[str, float, float | None, bool]]:
    """Every figure as (name, measured, budget, ok)."""
    scripts = sum(packed((ASSETS / f"{name}.mjs").read_bytes()) for name in MODULES)
    yield row("explorer JavaScript, compressed bytes", scripts, SCRIPTS)
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            site = Path(folder) / str(size)
            per_paper = build(size, site)
            yield row(
                f"index, compressed bytes a paper, {size:,} papers", per_paper, BYTES.get(size)
            )
            times = keystrokes(site)
            budget = MILLISECONDS.get(size)
            yield row(
                f"keystroke to list, ms, median, {size:,} papers", statistics.median(times), budget
            )
            p95 = statistics.quantiles(times, n=20)[-1]
            yield row(f"keystroke to list, ms, 95 %, {size:,} papers", p95, budget)


def row(name: str, measured: float, budget: float | None) -> tuple[str, float, float | None, bool]:
    return name, round(measured, 1), budget, budget is None or measured <= budget


def packed(data: bytes) -> int:
    return len(gzip.compress(data, 9, mtime=0))


def build(size: int, site: Path) -> float:
    """Write a page with the explorer of made-up papers; returns the index's bytes per paper."""
    papers = collection(size)
    text = to_json(index(papers))
    for name, content in {
        "data/index.json": text,
        "data/details.json": to_json(details(papers)),
        "papers/index.html": f'<!doctype html><html lang="en">{explorer_html(papers, "../")}',
    }.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(content, encoding="utf-8")
    shutil.copytree(ASSETS, site / "assets" / "survey")
    return packed(text.encode()) / size


def keystrokes(site: Path) -> list[float]:
    """Milliseconds from each key of `TYPED` to the list, in Chromium."""
    from playwright.sync_api import sync_playwright

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/papers/")
        page.wait_for_selector("[data-details=ready]", timeout=120_000)
        page.evaluate(_TYPE, "warm up")
        times = [time for text in TYPED for time in page.evaluate(_TYPE, text)]
        browser.close()
    server.shutdown()
    server.server_close()
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    ok = True
    for name, measured, budget, fine in rows(tuple(int(size) for size in args.sizes.split(","))):
        ok &= fine
        if args.json:
            print(json.dumps({"name": name, "measured": measured, "budget": budget, "ok": fine}))
        else:
            limit = "" if budget is None else f"{budget:>10,}"
            print(f"{name:52} {measured:>10,} {limit:>10}  {'ok' if fine else 'OVER'}", flush=True)
    return 0 if ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
