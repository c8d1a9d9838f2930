"""Whether the links of entries still lead somewhere, in two passes.

What fails at first is asked again later, since most of it is a server that was busy. Hosts are asked
side by side, one host in turn and with a pause.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlsplit

from survey.collection import Paper
from survey.errors import UserError
from survey.intake.audit import Found, Report, today
from survey.intake.home import home
from survey.intake.public import Refused, Reply, Web

WORKERS = 8
REST = 1.0
"""Seconds between two questions to one host."""
LATER = 60.0
"""Seconds before the second pass."""

_GONE = (404, 410)
_WALLS = (401, 402, 403, 405, 406, 407, 409, 418, 421, 423, 425, 426, 429, 451, 999)
_HEAD_UNKNOWN = (400, 403, 404, 405, 406, 410, 501, 503)


class Address(NamedTuple):
    """An address, and the places of entries that name it, as (key, field)."""

    url: str
    places: tuple[tuple[str, str], ...]


class Verdict(NamedTuple):
    """What came of an address: `kind` as in `audit.LINKS`, or `ok`; `found` is for people. `asked` is
    False where no server was."""

    kind: str
    found: str = ""
    asked: bool = True


def agent() -> str:
    """Who asks: some servers answer only to what calls itself Mozilla."""
    from survey import __version__

    return f"Mozilla/5.0 (compatible; editing-pitfalls/{__version__}; link check; +{home()})"


def addresses(papers: Iterable[Paper]) -> list[Address]:
    """The addresses of these papers, each once."""
    found: dict[str, list[tuple[str, str]]] = {}
    for paper in papers:
        for kind, url in paper.links.items():
            found.setdefault(url, []).append((paper.key, f"links.{kind}"))
    return [Address(url, tuple(places)) for url, places in found.items()]


def audit(
    papers: Iterable[Paper], web: Web | None = None, step: Callable[[float], None] = lambda n: None,
    later: float = LATER, rest: float = REST, wait: Callable[[float], None] = time.sleep,
) -> Report:  # fmt: skip
    """Visit every address of the papers. `step` is told of each that is done with.

    Raises `UserError` where no host at all can be reached: then it is this machine.
    """
    web = web or Web()
    wanted = addresses(papers)
    verdicts = _visit([a.url for a in wanted], web, step, rest, wait, first=True)
    _offline(verdicts)
    again = [url for url, verdict in verdicts.items() if verdict.kind in ("dead", "failing", "blocked")]
    if again:
        wait(later)
        verdicts |= _visit(again, web, lambda n: None, rest, wait, first=False)
    rows = [
        Found(verdicts[a.url].kind, key, field, a.url, verdicts[a.url].found)
        for a in wanted if verdicts[a.url].kind != "ok" for key, field in a.places
    ]  # fmt: skip
    return Report("links", len(wanted), tuple(rows), today())


def _offline(verdicts: dict[str, Verdict]) -> None:
    reached = [v for v in verdicts.values() if v.found.startswith("answers ") or v.kind in ("ok", "moved")]
    hosts = {urlsplit(url).hostname for url, v in verdicts.items() if v.kind in ("dead", "failing")}
    if not reached and len(hosts) >= 2:
        raise UserError(f"none of {len(hosts)} hosts can be reached: is this machine online?")


def _visit(urls: list[str], web: Web, step, rest: float, wait, first: bool) -> dict[str, Verdict]:
    hosts: dict[str, list[str]] = {}
    for url in urls:
        hosts.setdefault(_host(url), []).append(url)

    stopped = threading.Event()

    def one_host(mine: list[str]) -> list[tuple[str, Verdict]]:
        found: list[tuple[str, Verdict]] = []
        for url in mine:
            # A host that was not asked needs no rest.
            if found and found[-1][1].asked:
                wait(rest)
            if stopped.is_set():
                break
            found.append((url, verdict(url, web, first)))
            step(1)
        return found

    pool = ThreadPoolExecutor(WORKERS)
    try:
        # The host with most addresses takes longest, and begins.
        rounds = pool.map(one_host, sorted(hosts.values(), key=len, reverse=True))
        return {url: found for row in rounds for url, found in row}
    finally:
        # Whoever breaks off does not wait for what has not begun.
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def verdict(url: str, web: Web, first: bool = True) -> Verdict:
    """What becomes of one address. At first only the head is asked for, where that is enough."""
    try:
        reply = web.ask("HEAD", url, agent()) if first else None
        # Many servers know no HEAD, or answer it wrongly.
        if reply is None or reply.status in _HEAD_UNKNOWN or reply.status >= 500:
            reply = web.ask("GET", url, agent())
    except Refused as error:
        return Verdict(error.kind, str(error), asked=error.kind == "failing")
    return _judged(url, reply)


def _judged(url: str, reply: Reply) -> Verdict:
    status = reply.status
    told = f"answers {status}" + (f" at {reply.url}" if reply.hops else "")
    if status in _GONE:
        return Verdict("dead", told)
    if status in _WALLS or reply.headers.get("cf-mitigated") or "x-amzn-waf-action" in reply.headers:
        return Verdict("blocked", told)
    if status >= 400 or status < 200:
        return Verdict("failing", told)
    lasting = url
    for code, target in reply.hops:
        if code not in (301, 308):
            break
        lasting = target
    return Verdict("ok") if _same(url, lasting) else Verdict("moved", lasting)


def _same(one: str, other: str) -> bool:
    """Whether two addresses differ only in the slash at the end."""
    return one.partition("#")[0].rstrip("/") == other.partition("#")[0].rstrip("/")
