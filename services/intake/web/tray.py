"""Files what several requests bring at the same moment in one transaction, so that they share one commit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from services.chassis.delivery import Work
from services.chassis.house import House
from services.chassis.stall import Stall
from services.intake.domain.petition import Filing
from services.intake.handlers import Receipt, file
from services.intake.handlers.filing import Keys
from services.intake.settings import Settings

#: Filings of one transaction; more threads than this hardly serve one process.
GROUP = 64


class _Entry:
    """A filing in the tray, and what became of it."""

    __slots__ = ("filing", "outcome")

    def __init__(self, filing: Filing) -> None:
        self.filing = filing
        self.outcome: Receipt | Exception | None = None


class Tray:
    """Where requests put what they file. Whoever gets the turn files everything in it.

    A commit that survives a power cut costs a write to the disk, and a database takes writers one by one; requests
    that wait for their turn anyway may as well share it. A single request is filed at once, alone.

    Args:
        house: the running service.
        keys: the house's keys for filing.
        zone: the jurisdiction's zone.
    """

    def __init__(self, house: House[Settings], keys: Keys, zone: ZoneInfo) -> None:
        self._house, self._keys, self._zone = house, keys, zone
        self._stall = Stall(house, house.settings.outbox_limit_s)
        self._turn = threading.Lock()
        # Put in by any thread, taken out only by the one whose turn it is.
        self._waiting: deque[_Entry] = deque()

    def file(self, filing: Filing) -> Receipt:
        """File one petition; returns when it is committed.

        Raises:
            Refusal: ``idempotency_key_reused``, ``busy``, ``delivery_stalled``.
        """
        self._stall.check()
        entry = _Entry(filing)
        self._waiting.append(entry)
        with self._turn:
            while entry.outcome is None:
                self._file([self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP))])
        if isinstance(entry.outcome, Exception):
            raise entry.outcome
        return entry.outcome

    @contextmanager
    def work(self, traceparent: str | None = None) -> Iterator[Work]:
        """A unit of work, as ``House.work``; on SQLite it waits for its turn.

        SQLite lets writers wait in no order and gives up on one after its busy timeout.
        """
        if not self._house.database.sqlite:
            with self._house.work(traceparent) as work:
                yield work
            return
        with self._turn, self._house.work(traceparent) as work:
            yield work

    @contextmanager
    def filing(self, traceparent: str | None = None) -> Iterator[Work]:
        """A unit of work for new petitions.

        Raises:
            Refusal: ``delivery_stalled``.
        """
        self._stall.check()
        with self.work(traceparent) as work:
            yield work

    def _file(self, group: list[_Entry]) -> None:
        try:
            done = file(
                [entry.filing for entry in group],
                open_work=self._house.work,
                keys=self._keys,
                zone=self._zone,
                look=False,
            )
            for entry, outcome in zip(group, done, strict=True):
                entry.outcome = outcome
        except Exception as error:
            if len(group) == 1:
                group[0].outcome = error
                return
            # One of them may be at fault: none holds up the others.
            for entry in group:
                self._file([entry])
