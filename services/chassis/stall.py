"""Refuses new work while what was taken before cannot be passed on for too long."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from sqlalchemy import select

from services.chassis.delivery import outbox
from services.chassis.errors import Refusal
from services.chassis.house import House

#: How often the outbox is looked at (s); one index entry is read.
LOOK_S: Final = 5.0
#: When a client may try again (s): what stood for so long is not mended in a moment.
RETRY_S: Final = 300


class Stall:
    """Looks how old the oldest event is that the broker did not take.

    A broker that is away for an hour costs nothing: events wait. After a day the promises that are made with every
    receipt (deadlines, notices) are broken faster than they are mended, and the disk fills.

    Args:
        house: the running service.
        limit_s: the age from which on nothing new is taken (s).
    """

    def __init__(self, house: House[Any], limit_s: float) -> None:
        self._house, self._limit_s = house, limit_s
        self._lock = threading.Lock()
        self._looked = 0.0
        self._stalled = False

    def check(self) -> None:
        """Let new work in.

        Raises:
            Refusal: ``delivery_stalled`` (503).
        """
        with self._lock:
            due = time.monotonic() - self._looked > LOOK_S
            if due:
                self._looked = time.monotonic()
        if due:
            self._stalled = self._age_s() > self._limit_s
        if self._stalled:
            raise Refusal(
                "delivery_stalled",
                "What was filed before cannot be passed on for the moment. Nothing was stored: try again later.",
                status=503,
                seconds=RETRY_S,
            )

    def _age_s(self) -> float:
        waiting = select(outbox.c.time).where(outbox.c.published_at.is_(None)).order_by(outbox.c.position).limit(1)
        with self._house.database.read() as session:
            oldest = session.scalar(waiting)
        return (self._house.clock.now() - oldest).total_seconds() if oldest is not None else 0.0
