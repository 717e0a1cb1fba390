"""Lines that rest while the other side is away: asked again by one message at a time, later and later."""

from __future__ import annotations

import time
from collections.abc import Sequence

#: Waits before the other side is asked again (s).
WAITS = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
#: Longest that the other side can make a line rest (s).
LONGEST_S = 3600.0


class Breaker:
    """Which lines of a loop rest. A line is whom something goes to: a mail server, one of several portals.

    Args:
        waits: rests after the first, second … failure in a row, in seconds.
    """

    def __init__(self, waits: Sequence[float] = WAITS) -> None:
        self._waits = waits
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def rest(self, line: str, seconds: float | None = None) -> float:
        """The line failed.

        Args:
            line: its name.
            seconds: when the other side wants to be asked again, if it said so.

        Returns:
            How long it rests, in seconds.
        """
        failures = self._failures.get(line, 0)
        wait = self._waits[min(failures, len(self._waits) - 1)]
        if seconds is not None:
            wait = min(max(wait, seconds), LONGEST_S)
        self._failures[line] = failures + 1
        self._until[line] = time.monotonic() + wait
        return wait

    def good(self, line: str) -> None:
        """The other side took something: the line is open again."""
        self._failures.pop(line, None)
        self._until.pop(line, None)

    def resting(self) -> set[str]:
        """Lines that are not to be asked yet."""
        now = time.monotonic()
        return {line for line, until in self._until.items() if until > now}

    def probing(self) -> set[str]:
        """Lines that may be asked again, by one message."""
        return set(self._until) - self.resting()

    def __bool__(self) -> bool:
        """True while any line is not open."""
        return bool(self._until)
