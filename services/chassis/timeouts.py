"""How long a database may take: the server's own time-outs, and a client that gives up on one that says nothing."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg2
from psycopg2 import extensions

from services.chassis.errors import Transient

#: The server tells of its own time-outs; a client waits this much longer before it believes that nothing comes (s).
GRACE_S: Final = 2.0
#: How long a pooled connection may take to say that it is alive (s).
PING_S: Final = 2.0
#: How long a database that did not answer is left alone before one request tries it again (s).
REST_S: Final = 1.0


@dataclass(frozen=True)
class Timeouts:
    """Time-outs of one process's connections, in seconds.

    Args:
        statement: what one statement may take.
        lock: how long it may wait for a lock.
        idle: how long an open transaction may do nothing: a process that stands still must not hold its locks.
        connect: how long connecting may take.
    """

    statement: float = 30
    lock: float = 10
    idle: float = 60
    connect: float = 5

    def _values(self) -> dict[str, str]:
        return {
            "statement_timeout": str(int(self.statement * 1000)),
            "lock_timeout": str(int(min(self.lock, self.statement) * 1000)),
            "idle_in_transaction_session_timeout": str(int(self.idle * 1000)),
            "timezone": "utc",
        }

    def startup(self) -> str:
        """For a connection of its own: libpq's ``options``, set once by the server."""
        return " ".join(f"-c {name}={value}" for name, value in self._values().items())

    def local(self) -> str:
        """For one transaction through a pooler, which hands the same session to strangers and refuses ``options``."""
        return "; ".join(f"set local {name} = '{value}'" for name, value in self._values().items())

    @property
    def answer(self) -> float:
        """After which silence the client gives up."""
        return self.statement + GRACE_S


USUAL: Final = Timeouts()


class Bounded(extensions.connection):
    """A connection whose every wait ends: for connecting first, then for each answer (set once it is connected).

    libpq waits for ever for a server that is stopped and not gone, since its kernel keeps on acknowledging.
    """

    #: Seconds; 0: no bound.
    bound: float = 5.0


def bounded(connect: float) -> type[Bounded]:
    """The kind of connection whose connecting takes at most so many seconds."""
    return type("Connecting", (Bounded,), {"bound": connect})


def bound_waits() -> None:
    """Let psycopg2 wait through us. Not in a worker, where eventlet's own way of waiting is set already."""
    if extensions.get_wait_callback() is None:
        extensions.set_wait_callback(_wait)


def _wait(connection: Any) -> None:
    bound = connection.bound if isinstance(connection, Bounded) else 0
    deadline = time.monotonic() + bound
    while (state := connection.poll()) != extensions.POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        left = max(deadline - time.monotonic(), 0.0) * 1000 if bound else None
        if not poller.poll(left):
            # psycopg2 closes a connection whose wait failed.
            raise psycopg2.OperationalError(f"the database did not answer within {bound:g} s")


class Door:
    """Shut for a moment after the database did not answer, so that not every request waits for it in turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opens: float | None = None

    @contextmanager
    def passed(self, longest: float) -> Iterator[None]:
        """Connect inside: turned away at once while it is shut; after the rest one goes ahead alone.

        Whoever goes ahead leaves the door open, or shut for another rest, and never as it was: all others stand
        before it until then.

        Args:
            longest: how long the one that goes ahead may take before another may try (s).

        Raises:
            Transient: the database did not answer a moment ago.
        """
        ahead = self._ahead(longest)
        try:
            yield
        except BaseException:
            if ahead:
                self.shut()
            raise
        self._opens = None

    def _ahead(self, longest: float) -> bool:
        """Whether this one goes ahead alone."""
        if self._opens is None:
            return False
        now = time.monotonic()
        with self._lock:
            if self._opens is None:
                return False
            if now < self._opens:
                raise Transient("the database does not answer")
            self._opens = now + longest
        return True

    def shut(self) -> None:
        """It did not answer."""
        self._opens = time.monotonic() + REST_S
