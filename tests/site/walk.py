"""What stands on a page: addresses, anchors, resources."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes that name ids on the same page.
_REFERRING = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "headers")
_VOID = set("area base br col embed hr img input link meta source track wbr".split())


@dataclass
class Seen:
    """One page, as a browser without JavaScript would take it in."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    referred: list[str] = field(default_factory=list)
    scripts: int = 0
    handlers: list[str] = field(default_factory=list)
    metas: dict[str, list[str]] = field(default_factory=dict)
    canonical: str = ""
    title: str = ""
    h1: list[str] = field(default_factory=list)
    json_ld: list[str] = field(default_factory=list)
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()
        self._inside: list[str] = []
        self._ld = False
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attributes}
        seen = self.seen
        if tag not in _VOID:
            self._inside.append(tag)
        if "id" in a:
            seen.ids.append(a["id"])
        seen.handlers += [name for name in a if name.startswith("on")]
        seen.referred += [one for name in _REFERRING for one in a.get(name, "").split()]
        if tag in ("a", "area") and "href" in a:
            seen.links.append(a["href"])
        elif tag == "form" and a.get("action"):
            seen.links.append(a["action"])
        elif tag == "link":
            self._link(a)
        elif tag == "meta":
            seen.metas.setdefault(a.get("name") or a.get("property") or a.get("http-equiv", ""), []).append(a.get("content", ""))
        elif tag == "script":
            seen.scripts += 1
            self._ld = a.get("type") == "application/ld+json"
            if self._ld:
                seen.json_ld.append("")
        elif tag in ("use", "image"):
            seen.fetched += [a[name] for name in ("href", "xlink:href") if name in a]
        elif tag == "h1":
            seen.h1.append("")
        seen.fetched += [a[name] for name in ("src", "poster", "data") if name in a]
        seen.fetched += [one.split()[0] for one in a.get("srcset", "").split(",") if one.strip()]

    def _link(self, a: dict[str, str]) -> None:
        if a.get("rel") == "canonical":
            self.seen.canonical = a["href"]
        elif a.get("rel") in ("alternate", "prev", "next"):
            self.seen.links.append(a["href"])
        elif "href" in a:
            self.seen.fetched.append(a["href"])

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "script" in self._inside:
            if self._ld:
                self.seen.json_ld[-1] += data
        elif "style" not in self._inside:
            if "title" in self._inside and "svg" not in self._inside:
                self.seen.title += data
            if "h1" in self._inside:
                self.seen.h1[-1] += data
            if not {"pre", "code"} & set(self._inside):
                self._text.append(data)


def see(html: str) -> Seen:
    """What stands in this HTML."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.seen.text = "".join(reader._text)
    return reader.seen


def see_all(site: Path) -> dict[str, Seen]:
    """Every page of a site, by its path."""
    return {p.relative_to(site).as_posix(): see(p.read_text("utf-8")) for p in sorted(site.rglob("*.html"))}


def target(page: str, address: str, url: str) -> tuple[str, str, str] | None:
    """Where an address on a page leads: path of the file, query, fragment; None if elsewhere.

    `url` is the address of the site. A way out of the site keeps its `..`.
    """
    home = urlsplit(url)
    parts = urlsplit(address)
    ours = (parts.scheme, parts.netloc) == (home.scheme, home.netloc) and parts.path.startswith(home.path)
    if (parts.netloc or parts.scheme) and not ours:
        return None
    path = unquote(parts.path)
    if path.startswith("/"):
        if not path.startswith(home.path):
            return path, parts.query, parts.fragment
        path = path.removeprefix(home.path) or "./"
        page = ""
    if not path:
        return page, parts.query, parts.fragment
    folder = path.endswith(("/", "/.", "/..")) or path in (".", "..")
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    file = posixpath.normpath(posixpath.join(joined, "index.html")) if folder else joined
    return file, parts.query, unquote(parts.fragment)
