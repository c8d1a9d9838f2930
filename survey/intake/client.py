"""Asking the services politely, and hearing every way in which they do not answer.

One session, a descriptive user agent, time-outs, a few tries with growing pauses that heed
Retry-After, a pause between two requests to one service (arXiv asks for three seconds and one
connection, so processes take turns), a limit on what is read, and a cache of a day.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from survey.files.cache import cache_folder
from survey.intake.errors import BadAnswer, NotFound, Unavailable
from survey.intake.home import home

if TYPE_CHECKING:
    import requests

T = TypeVar("T")
TRIES = 3
TIMEOUT = (10, 30)
"""Seconds to connect, and between two pieces of an answer."""
TOTAL = 90.0
"""Seconds for one whole answer, however slowly it drips."""
LIMIT = 4 * 1024 * 1024
"""Bytes that an answer may have."""
PATIENCE = 60.0
"""The longest pause, in seconds, that a service may ask for by Retry-After."""
FRESH = 24 * 3600
"""Seconds for which an answer is kept."""


class Service(NamedTuple):
    """A service: its name, the variable that replaces its address, the address, the way to its
    interface, and seconds of rest between two requests."""

    name: str
    variable: str
    address: str
    way: str
    rest: float

    @property
    def base(self) -> str:
        """The address in force, with the way to the interface; a replaced one may hold that already."""
        address = (os.environ.get(self.variable) or self.address).rstrip("/")
        return f"{address.removesuffix(self.way)}{self.way}"


ARXIV = Service("arXiv", "SURVEY_ARXIV_URL", "https://export.arxiv.org", "/api/query", 3.0)
DATACITE = Service("DataCite", "SURVEY_DATACITE_URL", "https://api.datacite.org", "/dois", 0.2)
CROSSREF = Service("Crossref", "SURVEY_CROSSREF_URL", "https://api.crossref.org", "/works", 0.2)
ACL = Service("the ACL Anthology", "SURVEY_ACL_URL", "https://aclanthology.org", "", 0.5)
OPENREVIEW = Service("OpenReview", "SURVEY_OPENREVIEW_URL", "https://api2.openreview.net", "/notes", 0.5)
OPENREVIEW_1 = Service("OpenReview", "SURVEY_OPENREVIEW_URL", "https://api.openreview.net", "/notes", 0.5)


class Answer(NamedTuple):
    """What a service answered."""

    status: int
    type: str
    body: bytes


def user_agent() -> str:
    """Who asks, and where to complain: SURVEY_CONTACT adds a mail address."""
    from survey import __version__

    contact = os.environ.get("SURVEY_CONTACT", "").strip()
    return f"editing-pitfalls/{__version__} ({home()}{f'; mailto:{contact}' if contact else ''})"


class Client:
    """Asks services. `wait` and `clock` may be replaced in tests; `say` is told about pauses."""

    def __init__(
        self,
        say: Callable[[str], None] = lambda line: None,
        wait: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._say, self._wait, self._clock = say, wait or time.sleep, clock
        self._session: requests.Session | None = None
        self._last: dict[str, float] = {}
        folder = cache_folder()
        self._folder = folder / "answers" if folder else None

    def ask(
        self, service: Service, path: str, accept: str, what: str, read: Callable[[Answer], T], **query: str
    ) -> T:
        """What `read` makes of the answer to `path` below the service's address.

        `what` names the thing in messages. A status of 400 is an answer, since services tell in it
        what is wrong. Only what could be read is kept. Raises `NotFound`, `Unavailable`, `BadAnswer`
        and whatever `read` raises.
        """
        url = f"{service.base}{path}"
        if query:
            url += f"?{urlencode(query)}"
        try:
            urlsplit(url)
        except ValueError:
            raise BadAnswer(f"{service.variable} is no address of {service.name}: {service.base}") from None
        if kept := self._kept(url, accept):
            return read(kept)
        with self._turn(service):
            answer = self._tried(service, url, accept, what)
        found = read(answer)
        self._keep(url, accept, answer)
        return found

    def ask_json(self, service: Service, path: str, what: str, read: Callable[[dict], T], accept: str = "application/json", **query: str) -> T:
        """The same for an answer that is an object in JSON."""

        def parsed(answer: Answer) -> T:
            try:
                found = json.loads(answer.body.decode("utf-8"))
            except (ValueError, RecursionError):
                raise BadAnswer(not_readable(service, answer, "JSON")) from None
            if not isinstance(found, dict):
                raise BadAnswer(unknown_form(service))
            return read(found)

        return self.ask(service, path, accept, what, parsed, **query)

    # One request

    def _tried(self, service: Service, url: str, accept: str, what: str) -> Answer:
        """Ask up to `TRIES` times while the service is busy, broken or out of reach."""
        pause = 1.0
        for left in reversed(range(TRIES)):
            again = pause
            try:
                answer, retry_after = self._asked(service, url, accept)
            except Unavailable:
                if not left:
                    raise
            else:
                if answer.status == 404 or answer.status == 410:
                    raise NotFound(f"{service.name} has no {what}")
                if answer.status in (200, 400):
                    return answer
                if answer.status != 429 and answer.status < 500:
                    raise BadAnswer(f"{service.name} refuses to tell about {what} ({answer.status})")
                if retry_after is not None and retry_after > PATIENCE:
                    raise Unavailable(f"{service.name} asks to wait for {retry_after:.0f} s ({answer.status}): try again then")
                if not left:
                    state = "is too busy" if answer.status in (429, 503) else "has a fault of its own"
                    raise Unavailable(f"{service.name} {state} ({answer.status}, {TRIES} tries): try again later")
                again = max(pause, retry_after or 0.0)
            self._say(f"{service.name} does not answer yet, trying again in {again:.0f} s")
            self._wait(again)
            pause *= 3
        raise AssertionError("unreachable")

    def _asked(self, service: Service, url: str, accept: str) -> tuple[Answer, float | None]:
        """One request of `TOTAL` seconds at most: the answer, and Retry-After.

        It is made in a thread of its own, since a time-out of the connection begins anew with every
        byte, of the headers as well.
        """
        import requests

        if self._session is None:
            self._session = requests.Session()
            self._session.headers["User-Agent"] = user_agent()
        session, done, opened = self._session, Future(), []

        def work() -> None:
            try:
                done.set_result(self._requested(session, opened, service, url, accept))
            except BaseException as error:
                done.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        if wait([done], TOTAL).not_done:
            self._session = None  # Its connection is no good any more.
            for response in opened:
                with contextlib.suppress(Exception):
                    response.raw.shutdown()  # Which wakes the thread; urllib3 before 2.3 lets it end by itself.
            raise Unavailable(f"{service.name} does not finish its answer in time: try again later")
        return done.result()

    def _requested(
        self, session: requests.Session, opened: list, service: Service, url: str, accept: str
    ) -> tuple[Answer, float | None]:
        """One request, its redirects on the same host included. Notes in `opened` what it reads from."""
        import requests

        start = urlsplit(url)
        host = start.netloc
        try:
            for _ in range(5):
                with session.get(
                    url, headers={"Accept": accept}, timeout=TIMEOUT, stream=True, allow_redirects=False
                ) as response:
                    opened.append(response)
                    if response.is_redirect:
                        url = urljoin(url, response.headers["Location"])
                        if (there := urlsplit(url))[:2] != start[:2]:
                            where = url if there.netloc == host else there.netloc or url
                            raise BadAnswer(f"{service.name} sends us to another address ({where[:200]})")
                        continue
                    body = self._read(service, response)
                    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                    return Answer(response.status_code, kind, body), _retry_after(response)
            raise BadAnswer(f"{service.name} sends us round in circles")
        except requests.exceptions.Timeout:
            raise Unavailable(f"{service.name} does not answer in time: try again later") from None
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            raise Unavailable(f"the answer of {service.name} broke off: try again") from None
        except requests.exceptions.SSLError:
            raise Unavailable(f"{service.name} cannot be reached safely: its certificate does not fit {host}") from None
        except requests.exceptions.ConnectionError as error:
            if "IncompleteRead" in str(error) or "Connection broken" in str(error):
                raise Unavailable(f"the answer of {service.name} broke off: try again") from None
            raise Unavailable(f"{service.name} cannot be reached ({host}): is this machine online?") from None
        except requests.exceptions.RequestException as error:
            raise BadAnswer(f"{service.name} cannot be asked at {url}: {type(error).__name__}") from None
        except ValueError:
            # From the library as well, which reads the address of a redirect before we see it.
            raise BadAnswer(f"{service.name} sends us to what is no address") from None

    def _read(self, service: Service, response: requests.Response) -> bytes:
        pieces, size = [], 0
        for piece in response.iter_content(65536):
            size += len(piece)
            if size > LIMIT:
                raise BadAnswer(f"{service.name} answers with more than {LIMIT // 1024 // 1024} MB: that is no record of a paper")
            pieces.append(piece)
        return b"".join(pieces)

    # Taking turns

    @contextlib.contextmanager
    def _turn(self, service: Service) -> Iterator[None]:
        """Hold the one connection to a service, after its time of rest. Processes wait for each other."""
        with self._across_processes(service) as (last, done):
            last = max(last, self._last.get(service.name, 0.0))
            pause = min(service.rest, last + service.rest - self._clock())
            if pause > 0:
                self._wait(pause)
            try:
                yield
            finally:
                self._last[service.name] = self._clock()
                done(self._last[service.name])

    @contextlib.contextmanager
    def _across_processes(self, service: Service) -> Iterator[tuple[float, Callable[[float], None]]]:
        """When any process of this user asked last, and how to say when it did."""
        try:
            import fcntl

            if not self._folder:
                raise OSError
            self._folder.mkdir(parents=True, exist_ok=True)
            name = urlsplit(service.base).netloc.replace(":", "-") or "service"
            file = open(self._folder / f"{name}.turn", "a+", encoding="ascii")  # noqa: SIM115
        except (ImportError, OSError):
            yield 0.0, lambda when: None
            return
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            try:
                last = float(file.read() or 0)
            except ValueError:
                last = 0.0

            def done(when: float) -> None:
                file.truncate(0)
                file.write(f"{when:.3f}")
                file.flush()

            yield last, done

    # What was answered before

    def _place(self, url: str, accept: str) -> Path | None:
        if not self._folder:
            return None
        return self._folder / f"{hashlib.blake2b(f'{accept} {url}'.encode(), digest_size=16).hexdigest()}.answer"

    def _kept(self, url: str, accept: str) -> Answer | None:
        place = self._place(url, accept)
        try:
            if place and 0 <= self._clock() - place.stat().st_mtime < FRESH:
                kind, _, body = place.read_bytes().partition(b"\n")
                return Answer(200, kind.decode("ascii"), body)
        except (OSError, ValueError):
            pass
        return None

    def _keep(self, url: str, accept: str, answer: Answer) -> None:
        """Remember a good answer, and forget old ones. A cache that cannot be written is no error."""
        place = self._place(url, accept)
        if place is None or answer.status != 200 or not answer.type.isascii():
            return
        try:
            for old in place.parent.glob("*.answer"):
                if self._clock() - old.stat().st_mtime > FRESH:
                    old.unlink(missing_ok=True)
            temporary = place.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_bytes(answer.type.encode("ascii") + b"\n" + answer.body)
            os.replace(temporary, place)
        except OSError:
            pass


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the service asks to wait, given as a number or as a date."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util.retry import Retry

    value = response.headers.get("Retry-After")
    try:
        return float(Retry().parse_retry_after(value)) if value else None
    except (InvalidHeader, ValueError, OverflowError):
        return None


def not_readable(service: Service, answer: Answer, wanted: str) -> str:
    """The message for an answer that is not in the format that was asked for."""
    head = answer.body[:200].lstrip().lower()
    if answer.type == "text/html" or head.startswith((b"<!doctype html", b"<html")):
        return f"{service.name} answers with a web page instead of data: is there a login page between you and the internet?"
    return f"the answer of {service.name} is no {wanted}: it is damaged, or of a new kind"


def unknown_form(service: Service, lacking: str = "") -> str:
    """The message for an answer that has not the fields that we know."""
    lack = f" (no {lacking})" if lacking else ""
    return f"the answer of {service.name} has not the form that we know{lack}: its interface may have changed"
