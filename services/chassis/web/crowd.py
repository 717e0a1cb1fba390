"""Turns requests away when more wait than can be served soon: 503 at once, in the reader's language, by threads apart.

A queue without end would make everybody wait until nobody is answered in time. Reading and answering a request that
is turned away takes a millisecond or two and no database, so a few threads do it for all.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from flask import g, request

from services.chassis.errors import Refusal
from services.chassis.web.health import PROBES

#: Threads that turn requests away, and answer probes meanwhile.
APART: Final = 4
#: Set while a thread apart answers a request.
turning_away: ContextVar[bool] = ContextVar("turning_away", default=False)

CROWDED: Final = Refusal(
    "overloaded",
    "Too many are asking at this moment. Nothing was stored: try again in a few seconds.",
    status=503,
)


class Crowd:
    """Counts the requests in hand; used by the server's main thread alone.

    Args:
        threads: requests served at the same time.
        waiting: how many more may wait for them.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self._most = threads + waiting
        self._there = 0

    def come(self) -> bool:
        """One more; False when it is one too many, then it does not count."""
        if self._there >= self._most:
            return False
        self._there += 1
        return True

    def go(self) -> None:
        """One that was let in is done."""
        self._there -= 1


def refuse_the_crowd() -> None:
    """Refuse what a thread apart was given; probes and files of the layout need nothing that is scarce.

    Raises:
        Refusal: ``overloaded`` (503).
    """
    if turning_away.get() and request.endpoint not in PROBES and request.endpoint != "static":
        # Nobody is looked up for the layout of the answer.
        g.staff_asked = (None, "sign_in_required")
        raise CROWDED
