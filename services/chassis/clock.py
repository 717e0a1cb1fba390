"""The one clock of the house: database time in production, a driven one in tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

#: So many readings of the database's time, fewer when one took less than this (s).
READINGS, SHORT_S = 3, 0.005


class Clock(Protocol):
    """Says what time it is, in UTC. Nothing else in the house asks the machine."""

    def now(self) -> datetime:
        """The present moment, timezone-aware UTC."""
        ...


class SystemClock:
    """The time of this machine; right where the database is a file on it."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class DatabaseClock:
    """The database server's time, so that replicas agree; between readings it runs on the monotonic clock.

    Args:
        read: asks the database for its time.
        every: seconds between two readings.

    A reading is off by at most half of the time it took. One that took long, on a busy machine, would leave this
    process behind the others until the next, and an effect could be written down before its cause: so of three the
    shortest counts.
    """

    def __init__(self, read: Callable[[], datetime], every: float = 60.0) -> None:
        self._read = read
        self._every = every
        self._base: datetime | None = None
        self._at = 0.0

    def now(self) -> datetime:
        if self._base is None or time.monotonic() - self._at > self._every:
            self._base, self._at = self._reading()
        return self._base + timedelta(seconds=time.monotonic() - self._at)

    def _reading(self) -> tuple[datetime, float]:
        """The database's time, and when that was by the monotonic clock."""
        readings: list[tuple[float, datetime, float]] = []
        while len(readings) < READINGS:
            asked = time.monotonic()
            said = self._read()
            took = time.monotonic() - asked
            readings.append((took, said, asked + took / 2))
            if took < SHORT_S:
                break
        _, said, at = min(readings)
        return said, at


class DrivenClock:
    """A clock for tests: it stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        """Go forward (or back) by ``by``."""
        self._now += by
