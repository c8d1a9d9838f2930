"""Build the site, and serve it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from survey.files import CollectionError, load_collection
from survey.site import feeds
from survey.site.data import write_data
from survey.site.fill import FillError, fill
from survey.site.pages import Pages
from survey.site.shell import Shell, depth_of
from survey.site.submission import write_submission

ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Built:
    """What a build has made."""

    pages: int
    papers: int
    seconds: float


def build(root: Path, out: Path) -> Built:
    """Build the whole site into `out`, replacing it only when everything has worked.

    Raises `CollectionError` where mkdocs is missing or fails.
    """
    start = time.perf_counter()
    out = out.resolve()
    if out.exists() and not (out / "sitemap.xml").exists() and any(out.iterdir()):
        raise CollectionError(f"{out} holds something that is no site: name another folder with -o")
    fresh = out.with_name(f".{out.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    try:
        _mkdocs(root, fresh)
        built = pour(root, fresh)
        shutil.rmtree(out, ignore_errors=True)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Built(built.pages, built.papers, time.perf_counter() - start)


def _mkdocs(root: Path, out: Path) -> None:
    try:
        import material  # noqa: F401
        import mkdocs  # noqa: F401
    except ImportError:
        raise CollectionError("the site needs more packages: pip install 'editing-pitfalls[site]'") from None
    # A date in the sitemap is the only thing that would differ between two builds.
    env = {"SOURCE_DATE_EPOCH": "1767225600", **os.environ, "SURVEY_POUR": "later", "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(root / "mkdocs.yml"), "-d", str(out)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise CollectionError(f"mkdocs failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")


def pour(root: Path, site: Path) -> Built:
    """Complete a site that mkdocs has built: fill its pages, add ours, data and feeds.

    Raises `CollectionError` with the page where one cannot be filled.
    """
    start = time.perf_counter()
    collection = load_collection(root)
    sections = {}
    pages = Pages(collection, root, _settings(site))
    for path in sorted(site.rglob("*.html")):
        address = path.parent.relative_to(site).as_posix().removeprefix(".")
        address = f"{address}/" if address else ""
        html = mended(path.read_text("utf-8"))
        if (path.name == "index.html" and 'data-survey="index"' in html) or address in ("papers/", ""):
            sections[address] = Shell(html, address)
        try:
            html = fill(html, collection, depth_of(address) or "./", pages.places)
        except FillError as error:
            raise CollectionError(f"{path.relative_to(site)}: {error}") from None
        path.write_text(html, "utf-8")
    shutil.copytree(ASSETS, site / "assets" / "survey", dirs_exist_ok=True)
    write_data(collection, site)
    write_submission(collection, root, site)
    count = 0
    made = []
    for page in pages.all():
        target = site / page.address / "index.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(sections[page.section].render(page.address, f"{page.title} - {pages.site_name}", page.description, page.content, pages.site_url + page.address, page.head), "utf-8")
        made.append(page.address)
        count += 1
    feeds.write(collection, site, pages.site_url)
    _extend_sitemap(site, pages.site_url, made)
    feeds.extend_search(collection, site)
    return Built(count + len(sections), len(collection), time.perf_counter() - start)


def mended(html: str) -> str:
    """The theme's page without the faults that a screen reader meets in it."""
    html = html.replace('data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"')
    return html.replace('<main class="md-main"', '<main class="md-main" id="content"', 1)


def _settings(site: Path) -> dict[str, str]:
    """Name and address of the site, as mkdocs wrote them into the home page."""
    html = (site / "index.html").read_text("utf-8")
    address = re.search(r'<link rel="canonical" href="([^"]*)"', html)
    name = re.search(r'class="md-header__button md-logo" aria-label="([^"]*)"', html)
    source = re.search(r'<a class="survey-source" href="([^"]*)"', html)
    return {
        "url": address[1] if address else "",
        "name": name[1] if name else "Editing Pitfalls",
        "source": source[1] if source else "",
    }


def _extend_sitemap(site: Path, url: str, made: list[str]) -> None:
    path = site / "sitemap.xml"
    if path.exists() and url:
        entries = "".join(f"    <url>\n         <loc>{url}{address}</loc>\n    </url>\n" for address in made)
        path.write_text(path.read_text("utf-8").replace("</urlset>", f"{entries}</urlset>"), "utf-8")
        # The packed copy that mkdocs made no longer says the same.
        (site / "sitemap.xml.gz").unlink(missing_ok=True)


def serve(site: Path, port: int) -> None:
    """Serve a built site on this machine until interrupted. Raises `CollectionError`."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

        def log_message(self, *_):
            pass

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=str(site)))
    except OSError as error:
        raise CollectionError(f"cannot serve on port {port}: {error.strerror} (choose another with --port)") from None
    print(f"http://127.0.0.1:{server.server_port}/ (stop with Ctrl-C)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("stopped")
    finally:
        server.server_close()
