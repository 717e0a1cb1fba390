"""Limits on how often somebody may ask."""

from __future__ import annotations

import math
import threading
import time

from services.chassis.errors import Refusal

#: Callers remembered at most; beyond that those with a full bucket are forgotten, which changes nothing for them.
MAX_KEYS = 20_000


def too_many(seconds: float) -> Refusal:
    """What somebody is told who asks too often.

    Args:
        seconds: when they may ask again.
    """
    return Refusal(
        "too_many_requests",
        "Too many requests: wait %(seconds)s seconds and try again.",
        status=429,
        seconds=max(1, math.ceil(seconds)),
    )


class RateLimit:
    """A token bucket per key, in the memory of this process.

    Args:
        per_minute: how many come back in a minute.
        burst: how many may be used at once.
    """

    def __init__(self, per_minute: int, burst: int) -> None:
        self._rate = per_minute / 60
        self._burst = float(burst)
        self._lock = threading.Lock()
        #: Key → tokens left, and when that was reckoned. Monotonic: it measures distance, it is not a date.
        self._left: dict[str, tuple[float, float]] = {}

    def check(self, key: str, cost: int = 1) -> None:
        """Take a token of ``key``.

        Args:
            key: whose.
            cost: tokens to take; one must be there, the rest may be owed, so that no single request is too large
                for ever.

        Raises:
            Refusal: ``too_many_requests`` (429); its value ``seconds`` says when the next comes back.
        """
        now = time.monotonic()
        with self._lock:
            left, at = self._left.get(key, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._rate)
            allowed = left >= 1
            self._left[key] = (left - cost if allowed else left, now)
            if len(self._left) > MAX_KEYS:
                self._forget(now)
        if not allowed:
            raise too_many((1 - left) / self._rate if self._rate else 60)

    def _forget(self, now: float) -> None:
        def refilled(entry: tuple[float, float]) -> bool:
            return entry[0] + (now - entry[1]) * self._rate >= self._burst

        self._left = {key: entry for key, entry in self._left.items() if not refilled(entry)}
        while len(self._left) > MAX_KEYS:
            self._left.pop(next(iter(self._left)))
