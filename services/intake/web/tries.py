"""Counts wrong query codes, so that nobody can try them through."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque

from services.chassis.errors import Refusal

#: How far back wrong codes count (s).
WINDOW_S = 600.0
#: Keys remembered at most; the longest untouched is forgotten first.
MAX_KEYS = 50_000


class Tries:
    """Wrong codes of the last ten minutes, in the memory of this process. Right ones cost nothing.

    A code has 50 bits, so even many processes that count apart leave no chance to guess one.

    Args:
        limit: wrong codes by one client for one number; four times as many by one client for any number,
            and ten times as many for one number by anybody, so that few can shut a petitioner out.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._wrong: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def _keys(self, number: str, client: str) -> tuple[tuple[tuple[str, str], int], ...]:
        return ((number, client), self._limit), (("", client), self._limit * 4), ((number, ""), self._limit * 10)

    def check(self, number: str, client: str) -> None:
        """Refuse when there were too many wrong codes, without looking at this one.

        Raises:
            Refusal: ``too_many_attempts`` (429).
        """
        now = time.monotonic()
        with self._lock:
            for key, limit in self._keys(number, client):
                times = self._wrong.get(key)
                while times and times[0] < now - WINDOW_S:
                    times.popleft()
                if times and len(times) >= limit:
                    minutes = max(1, int((times[0] + WINDOW_S - now) / 60 + 0.999))
                    raise Refusal(
                        "too_many_attempts",
                        "Too many wrong codes: wait %(minutes)s minutes, then copy the code from your receipt.",
                        field="code",
                        status=429,
                        minutes=minutes,
                        seconds=minutes * 60,
                    )

    def wrong(self, number: str, client: str) -> None:
        """Count a wrong code."""
        now = time.monotonic()
        with self._lock:
            for key, _ in self._keys(number, client):
                self._wrong.setdefault(key, deque(maxlen=self._limit * 10)).append(now)
                self._wrong.move_to_end(key)
            while len(self._wrong) > MAX_KEYS:
                self._wrong.popitem(last=False)
