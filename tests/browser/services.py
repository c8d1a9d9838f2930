"""A local server that stands in for the services that the submission page asks."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class Answer:
    """What the server says: JSON from anything but text. `cors` lets other sites read it."""

    body: object = ""
    status: int = 200
    cors: bool = True
    seconds: float = 0


@dataclass
class Services:
    """`answers` by path, as `/dois/10.48550/arXiv.2601.00001`; what was asked stands in `asked`."""

    address: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


def start() -> tuple[Services, ThreadingHTTPServer]:
    """A running server; what it has no answer for is 404."""
    services = Services()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(self.path)
            services.asked.append(path)
            answer = services.answers.get(path, Answer({"status": "404"}, 404))
            time.sleep(answer.seconds)
            body = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                if answer.cors:
                    self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # The page has lost its patience.

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    services.address = f"http://127.0.0.1:{server.server_address[1]}"
    return services, server


# Answers, as the services write them


def datacite(id: str, title: str, *authors: tuple[str, str], abstract: str = "", published: str = "") -> Answer:
    """DataCite on an arXiv paper; `published` is the DOI of the published version."""
    related = [{"relationType": "IsVersionOf", "relatedIdentifierType": "DOI", "relatedIdentifier": published}] if published else []
    creators = [{"name": f"{family}, {given}", "givenName": given, "familyName": family, "nameType": "Personal"} for given, family in authors]
    attributes = {
        "doi": f"10.48550/arxiv.{id}", "titles": [{"title": title}], "creators": creators, "publicationYear": 2026,
        "relatedIdentifiers": related, "descriptions": [{"descriptionType": "Abstract", "description": abstract}],
    }  # fmt: skip
    return Answer({"data": {"id": f"10.48550/arxiv.{id}", "type": "dois", "attributes": attributes}})


def crossref(doi: str, title: str, *authors: tuple[str, str], place: str = "", year: int = 2026, **more) -> Answer:
    """Crossref on a paper in proceedings."""
    return Answer({"status": "ok", "message-type": "work", "message": {
        "DOI": doi, "type": "proceedings-article", "title": [title], "container-title": [place] if place else [],
        "author": [{"given": given, "family": family} for given, family in authors],
        "published-print": {"date-parts": [[year, 7]]}, **more,
    }})  # fmt: skip


def openreview(id: str, wrapped: bool = True, **content) -> Answer:
    """OpenReview on a forum: the newer interface wraps each value."""
    values = {name: {"value": value} if wrapped else value for name, value in content.items()}
    return Answer({"notes": [{"id": id, "forum": id, "pdate": 1767225600000, "content": values}]})
