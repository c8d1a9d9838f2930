"""A real Chromium, and a server for what the tests put in front of it."""

from __future__ import annotations

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ASSETS = Path(__file__).parents[2] / "survey" / "site" / "assets"
CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)


class Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def log_message(self, *args) -> None:
        pass


@pytest.fixture(scope="session")
def browser():
    """Chromium: the system's, or the one that Playwright has installed."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        try:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium to test with: {error}")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve():
    """Serve a folder; returns its address. All servers end with the session."""
    servers = []

    def start(folder: Path) -> str:
        handler = partial(Quiet, directory=str(folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def plain_site(folder: Path, title: str, html: str) -> Path:
    """A folder with one page of our own parts, with our styles and scripts, and without the theme."""
    shutil.copytree(ASSETS, folder / "assets")
    (folder / "index.html").write_text(
        f'<!doctype html><html lang="en"><head><title>{title}</title><meta charset="utf-8"><link rel="stylesheet" href="assets/survey.css">'
        f'<script type="module" src="assets/survey.mjs"></script></head><body class="md-typeset"><main><h1>{title}</h1>{html}</main></body></html>',
        "utf-8",
    )
    return folder
