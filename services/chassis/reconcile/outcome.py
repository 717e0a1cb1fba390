"""What a comparison tells: how far it is, what differs, and what the service's outbox still holds beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from services.chassis.delivery import outbox
from services.chassis.house import House


@dataclass(frozen=True)
class Difference:
    """One subject whose copy does not agree with its owner."""

    owner: str
    subject: str
    #: "missing", "behind", "different", "unknown", "ahead".
    kind: str
    #: The owner's sequence and the one the copy had seen.
    sequence: int
    seen: int
    repaired: bool
    note: str


@dataclass(frozen=True)
class Progress:
    """How far a comparison is."""

    compared: int
    #: None until every owner has counted.
    total: int | None
    #: Differences that may still turn out to be on their way, and those whose full state was asked for.
    suspected: int
    asked: int
    differ: int
    repaired: int
    done: bool
    #: Owners that have not answered all they were asked.
    waiting_for: tuple[str, ...]
    #: Since when nothing was heard, in seconds; 0 while only time is waited for.
    silent_s: float


@dataclass(frozen=True)
class Standing:
    """What a service's outbox still holds."""

    unpublished: int
    #: How long the oldest waits, in seconds.
    oldest_s: float
    #: Those that the broker would not take or had no queue for.
    refused: int


def standing(house: House[Any]) -> Standing:
    """Look into a service's outbox; reads its partial index only."""
    waits = outbox.c.published_at.is_(None)
    with house.database.read() as session:
        number, oldest, refused = session.execute(
            select(func.count(), func.min(outbox.c.time), func.count(outbox.c.problem)).where(waits)
        ).one()
    age = (house.clock.now() - oldest).total_seconds() if oldest else 0.0
    return Standing(number, max(age, 0.0), refused)
