"""Signed POSTs to addresses that others gave us: to the checked address only, no redirect, all of it in bounded time.

http.client and not a client library: the address that was checked is the one that is connected to, and the deadline
holds for everything, however slowly the other side speaks. Libraries give neither.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

#: To connect (s).
CONNECT_S: Final = 5.0
#: What of an answer's body is read (bytes); it is thrown away.
ANSWER_BYTES: Final = 4096
#: Addresses that translate to IPv4 (RFC 6052, RFC 3056): what they lead to is looked at as well.
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(Exception):
    """Nothing was handed over. ``code`` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Doubtful(Exception):
    """It may have been handed over: no answer came. ``code`` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Answer(NamedTuple):
    """What the other side said."""

    status: int
    #: After how many seconds it wants to be asked again, None when it did not say.
    retry_after: float | None


class WebhookOut:
    """Posts to other people's servers.

    Args:
        allow_http: plain HTTP too.
        allow_private: addresses inside the house too: loopback, private and link-local ones.
        total_s: for one POST, from connecting to the answer, in seconds.
    """

    def __init__(self, *, allow_http: bool = False, allow_private: bool = False, total_s: float = 10.0) -> None:
        self._allow_http, self._allow_private, self._total_s = allow_http, allow_private, total_s
        self._tls = ssl.create_default_context()

    def post(self, url: str, body: bytes, headers: Mapping[str, str], now: datetime) -> Answer:
        """POST once and wait for the answer.

        Args:
            url: where to.
            body: the content.
            headers: of the request.
            now: the present moment, for a ``Retry-After`` that is a date.

        Raises:
            Unreachable: nothing was handed over.
            Doubtful: it may have been.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and self._allow_http):
            raise Unreachable("webhook_needs_https")
        addresses = self._addresses(parts)
        with _Deadline(self._total_s) as deadline:
            connection = self._connected(parts, addresses, deadline)
            try:
                return _exchange(connection, parts, body, headers, deadline, now)
            finally:
                connection.close()

    def _addresses(self, parts: SplitResult) -> list[IpAddress]:
        """Where the name leads; all of it must be outside of the house."""
        try:
            found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unreachable("webhook_unknown_host") from None
        addresses = list(dict.fromkeys(ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found))
        if not self._allow_private and not all(is_outside(address) for address in addresses):
            raise Unreachable("webhook_address_inside")
        return addresses

    def _connected(
        self, parts: SplitResult, addresses: list[IpAddress], deadline: _Deadline
    ) -> http.client.HTTPConnection:
        raw = self._dialled(addresses, _port(parts))
        deadline.watch(raw)
        # The name for the Host header only; it is not looked up again.
        connection = http.client.HTTPConnection(parts.hostname or "", _port(parts))
        connection.sock = raw
        if parts.scheme == "https":
            try:
                connection.sock = self._tls.wrap_socket(raw, server_hostname=parts.hostname)
            except (OSError, ValueError):
                raw.close()
                raise Unreachable("webhook_timeout" if deadline.passed else "webhook_tls") from None
        connection.sock.settimeout(self._total_s)
        return connection

    def _dialled(self, addresses: list[IpAddress], port: int) -> socket.socket:
        # Two, for a host with a broken IPv6.
        for address in addresses[:2]:
            try:
                return socket.create_connection((str(address), port), timeout=CONNECT_S)
            except OSError:
                continue
        raise Unreachable("webhook_unreachable")


def _exchange(
    connection: http.client.HTTPConnection,
    parts: SplitResult,
    body: bytes,
    headers: Mapping[str, str],
    deadline: _Deadline,
    now: datetime,
) -> Answer:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _doubt(deadline):
        connection.request("POST", target, body, {**headers, "Host": _host(parts), "Connection": "close"})
        response = connection.getresponse()
    # From here on the socket is the response's: closing the connection alone leaves it open.
    with response:
        if deadline.passed:
            # The head of an answer that was cut off reads like a whole one.
            raise Doubtful("webhook_timeout")
        answer = Answer(response.status, _retry_after(response.getheader("Retry-After"), now))
        try:
            # Some servers count an answer that nobody reads as a failure of theirs.
            response.read(ANSWER_BYTES)
        except (OSError, http.client.HTTPException, ValueError):
            # The status was said; what follows it changes nothing.
            return answer
    return answer


@contextmanager
def _doubt(deadline: _Deadline) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise Doubtful("webhook_timeout") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise Doubtful("webhook_timeout" if deadline.passed else "webhook_cut") from None


class _Deadline:
    """Ends a connection when the time is up, whatever it is doing: a socket's own time-out begins anew with each byte.

    Args:
        seconds: from entering to the end.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._spare: socket.socket | None = None
        self._timer: Any = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def watch(self, connection: socket.socket) -> None:
        """End this one; a second handle, since TLS takes the first over."""
        self._spare = connection.dup()
        if self.passed:
            self._end()

    def _end(self) -> None:
        self.passed = True
        if self._spare is not None:
            try:
                self._spare.shutdown(socket.SHUT_RDWR)
            except OSError:
                # The other side was faster.
                return

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._spare is not None:
            self._spare.close()


def is_outside(address: IpAddress) -> bool:
    """True for an address of the public internet: not loopback, private, link-local, shared, reserved or multicast."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_outside(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{parts.port}" if parts.port else host


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds or a date (RFC 9110 §10.2.3)."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
