"""How many petitions one client may file: one limit for all web processes, kept over a restart."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Final

from services.chassis.house import House
from services.chassis.web import too_many
from services.intake import store

#: Of a minute's tokens this part is fetched at once, so that a client who files much costs a transaction now and then.
PART: Final = 100
#: Clients of whom fetched tokens are remembered; those of the one who came longest ago are given up first.
MAX_KEYS: Final = 20_000
#: How often rows that say nothing any more are removed (ns).
PRUNE_NS: Final = 60 * 10**9
MINUTE_NS: Final = 60 * 10**9


class Quota:
    """A token bucket per client, in the database; a process fetches a hundredth of a minute's tokens at once.

    Args:
        house: the running service.
        what: what is limited; each has buckets of its own.
        per_minute: how many come back in a minute, and how many may be used at once.
    """

    def __init__(self, house: House[Any], what: str, per_minute: int) -> None:
        self._house, self._what = house, what
        self._each_ns = MINUTE_NS // per_minute
        self._room_ns = MINUTE_NS - self._each_ns
        self._portion = max(1, per_minute // PART)
        self._lock = threading.Lock()
        self._fetched: OrderedDict[str, int] = OrderedDict()
        self._pruned_ns = 0

    def check(self, key: str, cost: int = 1) -> None:
        """Take tokens of a client.

        Args:
            key: keyed hash of its address.
            cost: how many; one must be there, the rest may be owed, so that no batch is too large for ever.

        Raises:
            Refusal: ``too_many_requests`` (429); its value ``seconds`` says when the next comes back.
        """
        with self._lock:
            left = self._fetched.pop(key, 0)
            if left >= cost:
                self._fetched[key] = left - cost
                return
        missing = cost - left
        fetched = max(missing, self._portion)
        self._fetch(f"{self._what}:{key}", fetched, owed=left > 0)
        with self._lock:
            self._fetched[key] = self._fetched.get(key, 0) + fetched - missing
            while len(self._fetched) > MAX_KEYS:
                self._fetched.popitem(last=False)

    def _fetch(self, client: str, tokens: int, *, owed: bool) -> None:
        now_ns = int(self._house.clock.now().timestamp() * 1e6) * 1000
        # No room is asked for what may be owed.
        room_ns = None if owed else self._room_ns
        with self._house.database.write(loosely=True) as session:
            if now_ns - self._pruned_ns > PRUNE_NS:
                self._pruned_ns = now_ns
                store.forget_full_buckets(session, now_ns)
            late_ns = store.take_tokens(session, client, now_ns, tokens * self._each_ns, room_ns)
        if late_ns:
            raise too_many(late_ns / 10**9)
