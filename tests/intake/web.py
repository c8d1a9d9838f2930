"""A small web on this machine: many hosts, all on one server, told apart by the name that is asked for."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from survey.intake.public import Refused, Web


class Internet:
    """Pages by `host/path`: a status, or (status, headers), or a list of these, one for each visit.

    `addresses` says where hosts are; those that it lacks are on this machine if they have a page.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, object] = {}
        self.addresses: dict[str, list[str] | Refused] = {}
        self.visits: list[tuple[float, str, str, str]] = []
        self.looked_up: list[str] = []

    def url(self, place: str, scheme: str = "http") -> str:
        host, _, path = place.partition("/")
        return f"{scheme}://{host}:{self.port}/{path}"

    def names(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        found = self.addresses.get(host)
        if isinstance(found, Refused):
            raise found
        if found is None and not any(place.partition("/")[0] == host for place in self.pages):
            raise Refused("dead", f"there is no host {host}")
        return found or ["127.0.0.1"]

    def web(self, **more) -> Web:
        """This machine counts as public, and its port as one of the web."""
        return Web(**{"trusted": {"127.0.0.1"}, "ports": (self.port,), "names": self.names, "timeout": 2.0, "total": 5.0, **more})

    def methods(self, place: str) -> list[str]:
        return [method for _, method, at, _ in self.visits if at == place]


@contextlib.contextmanager
def running() -> Iterator[Internet]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self):
            place = self.headers.get("Host", "").partition(":")[0] + self.path
            internet.visits.append((time.monotonic(), self.command, place, self.headers.get("User-Agent", "")))
            page = internet.pages.get(place, 404)
            if isinstance(page, list):
                page = page.pop(0) if len(page) > 1 else page[0]
            if callable(page):
                page = page(self)
                if page is None:
                    self.close_connection = True
                    return
            status, headers = page if isinstance(page, tuple) else (page, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = _any

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    internet = Internet(server.server_port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield internet
    finally:
        server.shutdown()
        server.server_close()
