"""Looks whether a whole request has arrived, without reading it: a client that drips bytes holds no thread so."""

from __future__ import annotations

import re
import socket
from typing import Final

#: Bytes looked at, enough for every head that is taken.
LOOK: Final = 32 * 1024
#: A body up to this size is waited for here (bytes); a longer one would fill the kernel's memory instead of a thread.
WAITED_FOR: Final = 256 * 1024

_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n", re.IGNORECASE)


def arrived(client: socket.socket) -> bool:
    """Whether a thread should read now: the request is whole, or is one that cannot be waited for here.

    Otherwise the socket tells of itself again when more has come (SO_RCVLOWAT, socket(7)), and only then.
    """
    awaited = client.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)
    if awaited > LOOK:
        # Its body was waited for: it is there, or the other side has closed.
        return _now(client)
    try:
        seen = client.recv(LOOK, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        # Gone: whoever reads is told so.
        return _now(client)
    if len(seen) < awaited or not seen:
        # Told although there is not more: the other side has closed.
        return _now(client)
    head = seen.find(b"\r\n\r\n") + 4
    if head >= 4:
        return _body(client, seen, head)
    if len(seen) >= LOOK:
        return _now(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(seen) + 1)
    return False


def _body(client: socket.socket, seen: bytes, head: int) -> bool:
    found = _LENGTH.search(seen, 0, head)
    if found is None:
        # No body, or one in chunks, whose end only its reader finds.
        return _now(client)
    whole = head + int(found[1])
    if whole <= len(seen) or int(found[1]) > WAITED_FOR or b"100-continue" in seen[:head].lower():
        return _now(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, whole)
    return False


def _now(client: socket.socket) -> bool:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
    return True


def too_slow(client: socket.socket) -> None:
    """Tell a client whose request did not arrive in time; one that had said nothing is just closed."""
    try:
        # Read first: to close on unread bytes would reset the connection, and the answer with it.
        if client.recv(LOOK):
            client.send(plain_answer("408 Request Timeout"))
    except OSError:
        # Gone, or it said nothing: there is nobody to tell.
        return


def plain_answer(status: str) -> bytes:
    """A whole answer that closes the connection, for what never reaches the application."""
    body = status.encode() + b"\n"
    head = (
        f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n"
        f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
