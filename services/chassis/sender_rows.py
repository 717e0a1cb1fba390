"""The columns and claims of a sender loop: rows that are claimed, sent and marked (SQL only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Integer, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.database import UtcDateTime
from services.chassis.ids import uuid7

#: Waits between tries of a message (s); after the last the row fails for good.
LADDER = (5, 30, 120, 600, 3600)


class Sendable:
    """Mixin of a row that a sender loop sends: pending → sending → sent | failed | ambiguous."""

    #: pending, sending (claimed), sent, failed (for good), ambiguous (sent perhaps: a person decides).
    delivery: Mapped[str] = mapped_column(String(10), default="pending", index=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_try: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: While claimed: until when, and by which claim.
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    claim: Mapped[str | None] = mapped_column(String(36), default=None)
    #: Stable code of the last failure.
    problem: Mapped[str | None] = mapped_column(String(40), default=None)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


Sent = TypeVar("Sent", bound=Any)


@dataclass(frozen=True)
class Failed(Exception):
    """Raised by a channel: the message did not go out.

    Args:
        code: stable code for the row, the log and the metric.
        permanent: trying again cannot help.
        ambiguous: it may have gone out; it is not repeated blindly.
    """

    code: str
    permanent: bool = False
    ambiguous: bool = False


def claim(session: Session, model: type[Sent], limit: int, now: datetime, lease_s: int = 60) -> Sequence[Sent]:
    """Take rows that are due, so that no other loop sends them; commit before sending.

    A row whose lease ran out while ``sending`` is not taken again: it becomes ``ambiguous`` (see ``sweep``).
    """
    due = or_(model.next_try.is_(None), model.next_try <= now)
    query = select(model).where(model.delivery == "pending", due).limit(limit).with_for_update(skip_locked=True)
    rows = session.scalars(query).all()
    token = uuid7()
    for row in rows:
        row.delivery, row.claim, row.lease_until = "sending", token, now + timedelta(seconds=lease_s)
    session.flush()
    return rows


def sent(row: Any, now: datetime) -> None:
    """The message went out."""
    row.delivery, row.settled_at, row.lease_until, row.problem = "sent", now, None, None


def failed(row: Any, failure: Failed, now: datetime) -> None:
    """The message did not go out: try later, give up, or flag it for a person."""
    row.attempts += 1
    row.lease_until, row.problem = None, failure.code
    if failure.ambiguous:
        row.delivery, row.settled_at = "ambiguous", now
    elif failure.permanent or row.attempts > len(LADDER):
        row.delivery, row.settled_at = "failed", now
    else:
        row.delivery, row.next_try = "pending", now + timedelta(seconds=LADDER[row.attempts - 1])


def sweep(session: Session, model: type[Sent], now: datetime) -> Sequence[Sent]:
    """Rows whose sender died while sending: flagged ``ambiguous``, since they may have gone out."""
    stuck = session.scalars(select(model).where(model.delivery == "sending", model.lease_until < now)).all()
    for row in stuck:
        failed(row, Failed("sender_died", ambiguous=True), now)
    session.flush()
    return stuck
