"""The one clock of the house: database time in production, a driven one in tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


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
    """

    def __init__(self, read: Callable[[], datetime], every: float = 60.0) -> None:
        self._read = read
        self._every = every
        self._base: datetime | None = None
        self._at = 0.0

    def now(self) -> datetime:
        elapsed = time.monotonic() - self._at
        if self._base is None or elapsed > self._every:
            self._base, self._at, elapsed = self._read(), time.monotonic(), 0.0
        return self._base + timedelta(seconds=elapsed)


class DrivenClock:
    """A clock for tests: it stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        """Go forward (or back) by ``by``."""
        self._now += by
