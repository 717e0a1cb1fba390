"""Is anything lost? A service that keeps a copy asks its owner with events, says what differs and puts it right."""

from __future__ import annotations

from services.chassis.reconcile.asker import Apply, Followed, comparing, settling, told_again
from services.chassis.reconcile.outcome import Difference, Progress, Standing, standing
from services.chassis.reconcile.owner import Owned, Uncounted, answering, nothing_to_load
from services.chassis.reconcile.run import TO_COME, Run

__all__ = [
    "TO_COME",
    "Apply",
    "Difference",
    "Followed",
    "Owned",
    "Progress",
    "Run",
    "Standing",
    "Uncounted",
    "answering",
    "comparing",
    "nothing_to_load",
    "settling",
    "standing",
    "told_again",
]
