"""The services of the intake on this machine: a server that speaks their formats.

Answers are made from plain descriptions of papers, as each service would give them; `break_` makes a
service fail in one of the ways that services fail.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

VARIABLES = ("SURVEY_ARXIV_URL", "SURVEY_DATACITE_URL", "SURVEY_CROSSREF_URL", "SURVEY_ACL_URL", "SURVEY_OPENREVIEW_URL")


@dataclass
class Said:
    """One answer: status, type, body, headers; `cut` closes the connection in the middle of it,
    `drip` lets it out byte by byte with so many seconds between, `head` the headers as well."""

    status: int = 200
    type: str = "application/json"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    delay: float = 0.0
    drip: float = 0.0
    head: bool = False


class Dripping:
    """A file that writes byte by byte."""

    def __init__(self, file, pause: float) -> None:
        self._file, self._pause = file, pause

    def write(self, data: bytes) -> None:
        for byte in data:
            self._file.write(bytes([byte]))
            time.sleep(self._pause)

    def __getattr__(self, name: str):
        return getattr(self._file, name)


class Services:
    """A server on this machine; `base` is the address of all five services."""

    def __init__(self) -> None:
        self.answers: dict[str, Said | list[Said]] = {}
        self.asked: list[tuple[float, str, dict[str, str]]] = []
        services = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                services.asked.append((time.monotonic(), self.path, dict(self.headers)))
                said = services.answer(self.path)
                if said.delay:
                    time.sleep(said.delay)
                whole = self.wfile
                if said.drip and said.head:
                    self.wfile = Dripping(whole, said.drip)
                self.send_response(said.status)
                self.send_header("Content-Type", said.type)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in said.headers and "Transfer-Encoding" not in said.headers:
                    self.send_header("Content-Length", str(len(said.body)))
                with contextlib.suppress(OSError):
                    self.end_headers()
                    if said.drip:
                        self.wfile = Dripping(whole, said.drip)
                    self.wfile.write(said.body[: len(said.body) // 2] if said.cut else said.body)
                self.wfile = whole
                if said.cut or said.drip or "Content-Length" in said.headers:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        return dict.fromkeys(VARIABLES, self.base)

    def answer(self, path: str) -> Said:
        found = self.answers.get(_route(path), Said(404, "application/json", b'{"status": "error"}'))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]

    # What the services know

    def arxiv(self, id: str, **paper) -> None:
        self.answers[f"arxiv {id}"] = Said(type="application/atom+xml", body=feed([atom_entry(id, **paper)]))

    def datacite(self, doi: str, **paper) -> None:
        self.answers[f"datacite {doi.lower()}"] = Said(type="application/vnd.api+json", body=to_json(datacite(doi, **paper)))

    def crossref(self, doi: str, **paper) -> None:
        self.answers[f"crossref {doi.lower()}"] = Said(body=to_json(crossref(doi, **paper)))

    def acl(self, id: str, **paper) -> None:
        self.answers[f"acl {id}"] = Said(type="text/plain", body=acl(id, **paper).encode())

    def openreview(self, id: str, **paper) -> None:
        self.answers[f"openreview {id}"] = Said(body=to_json({"notes": [note(id, **paper)], "count": 1}))

    def set(self, route: str, *said: Said) -> None:
        self.answers[route] = list(said)


def _route(path: str) -> str:
    """`arxiv 2202.05262`, `crossref 10.1/x`: which service is asked for what."""
    parts = urlsplit(path)
    query = parse_qs(parts.query)
    way = unquote(parts.path)
    if way.startswith("/api/query"):
        return f"arxiv {query.get('id_list', [''])[0]}"
    if way.startswith("/dois/"):
        return f"datacite {way.removeprefix('/dois/').lower()}"
    if way.startswith("/works/"):
        return f"crossref {way.removeprefix('/works/').lower()}"
    if way.startswith("/notes"):
        return f"openreview {query.get('id', [''])[0]}"
    return f"acl {way.strip('/').removesuffix('.bib')}"


def to_json(value: object) -> bytes:
    return json.dumps(value).encode()


# As each service writes


def feed(entries: list[str]) -> bytes:
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">'
        f"<id>https://arxiv.org/api/x</id><title>arXiv Query</title><opensearch:totalResults>{len(entries)}</opensearch:totalResults>"
        f"{''.join(entries)}</feed>"
    ).encode()


def atom_entry(id: str, title: str, authors: list[str], abstract: str = "", comment: str = "", doi: str = "", journal: str = "", version: int = 2, **_) -> str:
    people = "".join(f"<author>\n<name>{escape(name)}</name></author>" for name in authors)
    # arXiv breaks long titles into lines.
    wrapped = escape(title).replace(": ", ":\n  ", 1)
    more = "".join(
        f"<arxiv:{tag}>{escape(text)}</arxiv:{tag}>" for tag, text in (("comment", comment), ("journal_ref", journal), ("doi", doi)) if text
    )
    return (
        f"<entry><id>http://arxiv.org/abs/{id}v{version}</id><title>{wrapped}</title><updated>2026-01-01T00:00:00Z</updated>"
        f'<summary>  {escape(abstract)}\n</summary><category term="cs.CL"/><published>2026-01-01T00:00:00Z</published>{more}{people}</entry>'
    )


def arxiv_error(text: str) -> bytes:
    return feed([f"<entry><id>https://arxiv.org/api/errors#x</id><title>Error</title><summary>{escape(text)}</summary><author><name>arXiv api core</name></author></entry>"])


def datacite(doi: str, title: str, authors: list, year: int, abstract: str = "", published: str = "", container: str = "", **_) -> dict:
    creators = [
        {"name": f"{family}, {given}" if given else family, "nameType": "Personal", "givenName": given, "familyName": family} if given else {"name": family, "nameType": "Organizational"}
        for given, family in map(halves, authors)
    ]
    related = [{"relationType": "IsVersionOf", "relatedIdentifier": published, "relatedIdentifierType": "DOI"}] if published else []
    attributes = {
        "doi": doi.lower(), "titles": [{"title": title}], "creators": creators, "publicationYear": year, "relatedIdentifiers": related,
        "descriptions": [{"description": abstract, "descriptionType": "Abstract"}] if abstract else [], "container": {"title": container} if container else {},
    }  # fmt: skip
    return {"data": {"id": doi.lower(), "type": "dois", "attributes": attributes}}


def crossref(
    doi: str, title: str, authors: list, year: int, container: str, kind: str = "proceedings-article", pages: str = "", volume: str = "",
    abstract: str = "", event: str = "", **more,
) -> dict:  # fmt: skip
    people = [{"given": given, "family": family, "sequence": "first" if n == 0 else "additional"} if given else {"name": family} for n, (given, family) in enumerate(map(halves, authors))]
    message = {
        "DOI": doi, "type": kind, "title": [title], "subtitle": [], "author": people, "container-title": [container] if container else [],
        "issued": {"date-parts": [[year, 1]]}, "publisher": "Somebody", "relation": {}, **({"page": pages} if pages else {}),
        **({"volume": volume} if volume else {}), **({"abstract": f"<jats:p>{abstract}</jats:p>"} if abstract else {}),
        **({"event": {"name": event}} if event else {}), **more,
    }  # fmt: skip
    return {"status": "ok", "message-type": "work", "message": message}


def acl(id: str, title: str, authors: list, year: int, booktitle: str, pages: str = "", abstract: str = "", doi: str = "", kind: str = "inproceedings", volume: str = "", **_) -> str:
    people = "  and\n      ".join(f"{family}, {given}" if given else f"{{{family}}}" for given, family in map(halves, authors))
    place = "journal" if kind == "article" else "booktitle"
    lines = [f'    title = "{title}"', f'    author = "{people}"', f'    {place} = "{booktitle}"', "    month = dec", f'    year = "{year}"']
    lines += [f'    url = "https://aclanthology.org/{id}/"']
    lines += [f'    volume = "{volume}"'] if volume else []
    lines += [f'    doi = "{doi}"'] if doi else []
    lines += [f'    pages = "{pages.replace("-", "--")}"'] if pages else []
    lines += [f'    abstract = "{abstract}"'] if abstract else []
    return f"@{kind}{{somebody-etal-{year}-word,\n" + ",\n".join(lines) + "\n}\n"


def note(id: str, title: str, authors: list[str], venue: str = "", venueid: str = "", abstract: str = "", version: int = 2, forum: str = "", bibtex: str = "", pdate: int | None = None, **_) -> dict:
    content = {"title": title, "authors": authors, "venue": venue, "venueid": venueid, "abstract": abstract, "_bibtex": bibtex}
    content = {name: value for name, value in content.items() if value}
    if version == 2:
        content = {name: {"value": value} for name, value in content.items()}
    return {"id": id, "forum": forum or id, "content": content, "cdate": 1695888000000, **({"pdate": pdate} if pdate else {})}


def halves(author) -> tuple[str, str]:
    """Given and family name of an author as an entry has it."""
    from survey.collection.names import split_name

    if isinstance(author, dict):
        return author.get("given", ""), author.get("family") or author["literal"]
    name = split_name(author)
    if name.literal:
        return "", name.literal
    return name.given, " ".join(part for part in (name.particle, name.family, name.suffix) if part)


@contextlib.contextmanager
def running() -> Iterator[Services]:
    services = Services()
    try:
        yield services
    finally:
        services.close()
