"""Lets alerts climb the duty roster in routing's worker, a few at a time."""

from __future__ import annotations

from typing import Any

from services.chassis.database import is_transient
from services.chassis.house import House
from services.chassis.telemetry import log
from services.routing.handlers import risks

#: Between two looks (s).
EVERY_S = 5.0
#: Alerts looked at in one look, in one transaction.
PER_LOOK = 50


def watch(house: House[Any]) -> int:
    """Ask the next one about each danger that nobody acknowledged in time. While the database is away: later.

    Returns:
        How many dangers somebody was asked about.
    """
    try:
        with house.work() as work:
            return risks.climb(work, PER_LOOK)
    except Exception as error:
        if not is_transient(error):
            raise
        log(house.service).warning("alerts cannot climb now", reason=type(error).__name__)
        return 0
