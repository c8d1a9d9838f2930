"""One question to an address that a stranger wrote down, which can only reach the public internet.

The name is resolved here, every one of its addresses must be public, and the connection goes to the
very address that was looked at: a name that means something else a moment later changes nothing.
Each redirect is a new address, looked at in the same way. Proxies of the environment are not used,
since a proxy would resolve the name anew.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Callable, Container
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

HOPS = 5
"""Redirects that are followed."""
TIMEOUT = 15.0
"""Seconds to connect, and between two pieces of an answer."""
TOTAL = 40.0
"""Seconds for one whole answer, however slowly it drips."""
LIMIT = 16 * 1024
"""Bytes of an answer that are read."""
PORTS = (80, 443)

# Addresses of the version 6 that only wrap one of the version 4.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.ip_network("::/96")


class Refused(Exception):
    """An address that is not asked. `kind` is `private`, `malformed`, `dead` or `failing`."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


class Reply(NamedTuple):
    """What a server answered at `url`, after the redirects in `hops` (status and new address)."""

    url: str
    status: int
    headers: dict[str, str]
    hops: tuple[tuple[int, str], ...] = ()


Resolve = Callable[[str, int], list[str]]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, whatever form it is wrapped in.

    >>> is_public("8.8.8.8"), is_public("::ffff:127.0.0.1"), is_public("64:ff9b::a00:1")
    (True, False, False)
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if ip.version == 6:
        if ip.scope_id or ip in _LOCAL_NAT64:
            return False
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
            inner = ipaddress.ip_address(int(ip) & 0xFFFFFFFF)
        if inner is None and ip.teredo:
            server, client = ip.teredo
            return is_public(str(server)) and is_public(str(client))
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises `Refused` where there are none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            raise Refused("dead", f"there is no host {host}") from None
        raise Refused("failing", f"the name {host} cannot be resolved now") from None
    except (OSError, UnicodeError):
        raise Refused("malformed", f"{host[:80]} is no name of a host") from None
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class Web:
    """Asks public addresses. For tests, `trusted` names IP addresses that count as public, `ports`
    what may be asked besides 80 and 443, and `names` resolves hosts."""

    def __init__(self, trusted: Container[str] = (), ports: tuple[int, ...] = (), names: Resolve = resolve, timeout: float = TIMEOUT, total: float = TOTAL) -> None:
        self._trusted, self._ports, self._names = trusted, (*PORTS, *ports), names
        self._timeout, self._total = timeout, total

    def ask(self, method: str, url: str, agent: str) -> Reply:
        """The answer to HEAD or GET, redirects followed. Raises `Refused`."""
        hops: list[tuple[int, str]] = []
        for _ in range(HOPS + 1):
            try:
                status, headers = self._once(method, url, agent)
            except Refused as error:
                where = f"it leads to {url[:200]}, and " if hops else ""
                raise Refused(error.kind, f"{where}{error}") from None
            location = headers.get("location")
            if status not in (301, 302, 303, 307, 308) or not location:
                return Reply(url, status, headers, tuple(hops))
            try:
                # Servers write addresses with letters that no address has.
                url = urljoin(url, quote(location.encode("latin-1", "replace").decode("utf-8", "replace"), safe="!#$%&'()*+,/:;=?@[]~"))
            except ValueError:
                raise Refused("malformed", f"it leads to {location[:200]}, which is no address") from None
            hops.append((status, url))
        raise Refused("failing", f"it leads on more than {HOPS} times")

    def checked(self, url: str) -> tuple[str, str, int, str]:
        """Scheme, host, port and path of an address that may be asked. Raises `Refused`."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise Refused("malformed", "this is no address") from None
        if parts.scheme not in ("http", "https"):
            raise Refused("malformed", f"{parts.scheme or 'nothing'} is neither http nor https")
        if not host or "@" in parts.netloc or any(ord(c) <= 32 or c in '\\<>"`{}|^' for c in url):
            raise Refused("malformed", "it has no host, a name and password, or letters that no address has")
        try:
            # Every form of a name is asked for as the one that the network knows.
            host = host if ":" in host else host.rstrip(".").encode("idna").decode("ascii")
        except UnicodeError:
            raise Refused("malformed", f"{host[:80]} is no name of a host") from None
        port = port or {"http": 80, "https": 443}[parts.scheme]
        if port not in self._ports:
            raise Refused("malformed", f"port {port} is not one of the web")
        path = quote(parts.path or "/", safe="!$%&'()*+,/:;=@~") + (f"?{quote(parts.query, safe='!$%&()*+,/:;=?@~')}" if parts.query else "")
        return parts.scheme, host, port, path

    def _once(self, method: str, url: str, agent: str) -> tuple[int, dict[str, str]]:
        scheme, host, port, path = self.checked(url)
        addresses = self._names(host, port)
        # One private address is enough: a server could be asked by it.
        if not addresses or not all(a in self._trusted or is_public(a) for a in addresses):
            raise Refused("private", f"{host} is no public host")
        last = Refused("failing", f"{host} does not answer")
        for address in addresses[:3]:
            connection = _Pinned(scheme, host, port, address, self._timeout)
            alarm = threading.Timer(self._total, connection.end)
            alarm.daemon = True
            alarm.start()
            try:
                connection.request(method, path, headers={"User-Agent": agent, "Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "identity", "Connection": "close"})
                answer = connection.getresponse()
                if method == "GET":
                    answer.read(LIMIT)
                if connection.ended:
                    raise TimeoutError  # What was read before looks like a whole answer.
                return answer.status, {name.lower(): value for name, value in answer.getheaders()}
            except ssl.SSLCertVerificationError as error:
                raise Refused("failing", f"the certificate of {host} is not good: {error.verify_message}") from None
            except TimeoutError:
                last = Refused("failing", f"{host} does not answer in time")
            except (OSError, http.client.HTTPException, ValueError) as error:
                why = "does not answer in time" if connection.ended else f"breaks off ({type(error).__name__})"
                last = Refused("failing", f"{host} {why}")
            finally:
                alarm.cancel()
                connection.close()
        raise last


class _Pinned(http.client.HTTPConnection):
    """A connection to one IP address, which speaks to the host by its name."""

    def __init__(self, scheme: str, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._scheme, self._address, self.ended = scheme, address, False
        self.default_port = {"http": 80, "https": 443}[scheme]

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._scheme == "https":
            self.sock = _tls().wrap_socket(self.sock, server_hostname=self.host)

    def end(self) -> None:
        """Break off, from another thread."""
        self.ended = True
        if self.sock:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


@lru_cache(1)
def _tls() -> ssl.SSLContext:
    file = os.environ.get("SSL_CERT_FILE")
    if not file:
        try:
            import certifi

            file = certifi.where()
        except ImportError:
            file = None  # the system's own
    return ssl.create_default_context(cafile=file)
