"""What CONTRIBUTING.md shows: real output of its commands, and pictures of the submission page.

    python -m tests.contributing              compare the page with what its commands print today
    python -m tests.contributing --write      write today's output into it
    python -m tests.contributing --pictures   take the pictures anew (needs Chromium and the site's packages)

The commands run in a small copy of the collection that lacks one paper. In the place of the services
stands a server on this machine that tells what lists and proceedings say of that paper; it has no
abstracts, since those are not ours.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import console
from tests.intake import services
from tests.intake.test_thirty import CASES, tell

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
PICTURES = ROOT / "docs" / "assets" / "contributing"
KEY = "sun2025mitigating"


@contextlib.contextmanager
def clone() -> Iterator[tuple[Path, dict[str, str]]]:
    """Some entries without the paper, and the environment that asks the server of this machine."""
    case = _case()
    with tempfile.TemporaryDirectory() as folder, services.running() as server:
        for other in CASES:  # Always as many, however the collection grows.
            (entry,) = (ROOT / "papers").rglob(f"{other['key']}.yaml")
            target = Path(folder) / entry.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if other is not case:
                shutil.copy(entry, target)
        tell(server, case["answers"])
        yield Path(folder), {**server.environment, "SURVEY_CACHE": "off", "SURVEY_ROOT": folder, "SOURCE_DATE_EPOCH": "1795564800"}


def output() -> list[console.Step]:
    """The commands of the page with what they print now."""
    with clone() as (folder, environment):
        return console.run(PAGE.read_text("utf-8"), where=str(folder), more=environment)


def differences(done: list[console.Step]) -> list[str]:
    """What the page shows otherwise, command by command."""
    pairs = [(step.source.strip(), console.difference(step.expected, step.got)) for step in done]
    return [f"$ {source}\n{told}" for source, told in pairs if told]


# Pictures


def take_pictures() -> None:
    """The submission page with a paper that was looked up, and with a correction."""
    import threading
    from functools import partial
    from http.server import ThreadingHTTPServer

    from playwright.sync_api import sync_playwright

    from survey.site import build
    from tests.browser.conftest import CHROMIUM, Quiet

    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        root = Path(folder)
        for name in ("docs", "mkdocs.yml", "survey"):
            (root / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "papers", root / "papers", ignore=shutil.ignore_patterns(f"{KEY}.yaml"))
        build(root, root / "site")
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root / "site")))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/contributing/submit/"
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
        answers = _for_the_browser()
        page.route(lambda url: "127.0.0.1" not in url, lambda route: route.fulfill(**answers.get(route.request.url, {"status": 404})))
        page.goto(f"{address}?id={_case()['answers'][0][1]}")
        page.locator(".submit-path", has_text=KEY).wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=PICTURES / "submit.png")
        page.goto(f"{address}?key=meng2022locating")
        page.locator(".submit-path", has_text="meng2022locating").wait_for()
        page.locator("[name=venue]").fill("neurps")
        page.locator(".submit-problems li").first.wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=PICTURES / "correct.png")
        browser.close()
        server.shutdown()
        server.server_close()


def _for_the_browser() -> dict[str, dict]:
    """The answers of DataCite and Crossref on the paper, by their address."""
    (_, arxiv, preprint), (_, anthology, published) = _case()["answers"]
    doi = f"10.18653/v1/{anthology}"
    told = {
        f"https://api.datacite.org/dois/10.48550/arXiv.{arxiv}": services.datacite(f"10.48550/arXiv.{arxiv}", preprint["title"], preprint["authors"], 2025, published=doi),
        f"https://api.crossref.org/works/{doi}": services.crossref(
            doi, published["title"].replace("{", "").replace("}", ""), published["authors"], published["year"], published["booktitle"], pages=published["pages"]
        ),
    }
    return {url: {"json": answer, "headers": {"Access-Control-Allow-Origin": "*"}} for url, answer in told.items()}


def _case() -> dict:
    (case,) = [case for case in CASES if case["key"] == KEY]
    return case


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--pictures", action="store_true")
    args = parser.parse_args()
    if args.pictures:
        take_pictures()
        return 0
    done = output()
    told = differences(done)
    if args.write:
        PAGE.write_text(console.written(PAGE.read_text("utf-8"), done), "utf-8")
        return 0
    print("\n".join(told) or "CONTRIBUTING.md shows what its commands print")
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main())
