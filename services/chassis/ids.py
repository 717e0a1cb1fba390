"""Ids: UUIDv7 (RFC 9562), so that they sort by time, and W3C trace ids."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime


class _Random(threading.local):
    """Random bytes of the system, a page a thread: a system call an id costs 2 % of a hop (measured)."""

    page, at, pid = b"", 0, 0

    def take(self, length: int) -> bytes:
        """So many bytes that nobody else has had, nor a process that was forked from this one."""
        if self.at + length > len(self.page) or self.pid != os.getpid():
            self.page, self.at, self.pid = os.urandom(4096), 0, os.getpid()
        start, self.at = self.at, self.at + length
        return self.page[start : self.at]


_random = _Random()


def uuid7() -> str:
    """A new UUIDv7 as text: 48 bits of milliseconds, then 74 random bits (RFC 9562 §5.7)."""
    random = _random.take(10).hex()
    moment = f"{time.time_ns() // 1_000_000:012x}"
    variant = "89ab"[int(random[3], 16) & 3]
    return f"{moment[:8]}-{moment[8:]}-7{random[:3]}-{variant}{random[4:7]}-{random[7:19]}"


def uuid7_from(moment: datetime) -> str:
    """A text below every UUIDv7 that is made from ``moment`` on, and above those made before."""
    stem = f"{int(moment.timestamp() * 1000):012x}"
    return f"{stem[:8]}-{stem[8:]}"


def new_traceparent() -> str:
    """A W3C ``traceparent`` that begins a trace."""
    return f"00-{_random.take(16).hex()}-{_random.take(8).hex()}-01"


def child_traceparent(parent: str | None) -> str:
    """A ``traceparent`` in the same trace with a span id of its own; a new trace when there is none."""
    if parent is None or len(parent) != 55:
        return new_traceparent()
    return f"{parent[:36]}{_random.take(8).hex()}{parent[52:]}"
