"""The columns and claims of a sender loop: rows that are claimed, sent and marked (SQL only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Index, Integer, String, and_, func, literal_column, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.chassis.database import UtcDateTime
from services.chassis.ids import uuid7

#: Waits between tries of a message (s); after the last the row fails for good.
LADDER = (5, 30, 120, 600, 3600)
#: Longest wait that the other side may ask for (s).
LONGEST_WAIT_S = 86_400.0
#: Said as it is and not bound: only so SQLite sees that an index of what waits fits (``waiting_index``).
PENDING: ColumnElement[str] = literal_column("'pending'")


def waiting_index(name: str, *columns: str) -> Index:
    """An index of the rows that wait to be sent, for the table of a ``Sendable``; columns in the order of a claim."""
    where = text("delivery = 'pending'")
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


class Sendable:
    """Mixin of a row that a sender loop sends: pending → sending → sent | failed | ambiguous.

    The row also needs ``created_at``; the oldest goes first.
    """

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


@dataclass(eq=False)
class Failed(Exception):
    """Raised by a channel: this message did not go out.

    Args:
        code: stable code for the row, the log and the metric.
        permanent: trying again cannot help.
        ambiguous: it may have gone out; it is not repeated blindly.
        pause: the next one of the same line would probably fare no better; the line rests.
        seconds: not to be tried again before so many; None when the other side did not say.
    """

    code: str
    permanent: bool = False
    ambiguous: bool = False
    pause: bool = False
    seconds: float | None = None


@dataclass(eq=False)
class Away(Exception):
    """Raised by a channel: the other side takes nothing now, and no message is to blame. No attempt is counted.

    Args:
        code: stable code.
        seconds: when it wants to be asked again; None when it did not say.
    """

    code: str
    seconds: float | None = None


def due(model: Any, now: datetime) -> ColumnElement[bool]:
    """Rows that may be sent now."""
    return and_(model.delivery == PENDING, or_(model.next_try.is_(None), model.next_try <= now))


def dead(model: Any, now: datetime) -> ColumnElement[bool]:
    """Rows whose sender died while sending."""
    return and_(model.delivery == "sending", model.lease_until < now)


def anything(session: Session, model: Any, *where: ColumnElement[bool]) -> bool:
    """True when there is such a row; asked without a write lock."""
    return session.scalar(select(model.id).where(*where).limit(1)) is not None


def claim(
    session: Session, model: type[Sent], limit: int, now: datetime, lease_s: float, *where: ColumnElement[bool]
) -> Sequence[Sent]:
    """Take rows that are due, the oldest first, so that no other loop sends them; commit before sending."""
    query = select(model).where(due(model, now), *where).order_by(model.created_at, model.id).limit(limit)
    rows = session.scalars(query.with_for_update(skip_locked=True)).all()
    token = uuid7()
    for row in rows:
        row.delivery, row.claim, row.lease_until = "sending", token, now + timedelta(seconds=lease_s)
    session.flush()
    return rows


def renew(session: Session, model: Any, claims: Sequence[str | None], now: datetime, lease_s: float) -> None:
    """The sender lives and needs longer."""
    session.execute(
        update(model)
        .where(model.claim.in_(claims), model.delivery == "sending")
        .values(lease_until=now + timedelta(seconds=lease_s))
        .execution_options(synchronize_session=False)
    )


def taken(session: Session, model: type[Sent], rows: Sequence[Sent]) -> Sequence[Sent]:
    """Those of a claimed page that are still under the same claim, locked."""
    wanted = {row.id: row.claim for row in rows}
    query = select(model).where(model.id.in_(wanted), model.delivery == "sending").order_by(model.id)
    return [row for row in session.scalars(query.with_for_update()) if row.claim == wanted[row.id]]


def left_behind(session: Session, model: type[Sent], limit: int, now: datetime) -> Sequence[Sent]:
    """Rows whose sender died while sending, locked; they may have gone out."""
    query = select(model).where(dead(model, now)).order_by(model.id).limit(limit)
    return session.scalars(query.with_for_update(skip_locked=True)).all()


def waiting(session: Session, model: Any) -> tuple[int, datetime | None]:
    """How many rows are not settled yet, and since when the oldest waits."""
    open_ = model.delivery.in_(("pending", "sending"))
    number, oldest = session.execute(select(func.count(model.id), func.min(model.created_at)).where(open_)).one()
    return int(number), oldest


def sent(row: Any, now: datetime) -> None:
    """The message went out."""
    row.delivery, row.settled_at, row.lease_until, row.problem = "sent", now, None, None


def failed(row: Any, failure: Failed, now: datetime, ladder: Sequence[int] = LADDER) -> None:
    """The message did not go out: try later, give up, or flag it for a person."""
    row.attempts += 1
    row.lease_until, row.problem = None, failure.code
    if failure.ambiguous:
        row.delivery, row.settled_at = "ambiguous", now
    elif failure.permanent or row.attempts > len(ladder):
        row.delivery, row.settled_at = "failed", now
    else:
        wait = max(ladder[row.attempts - 1], min(failure.seconds or 0.0, LONGEST_WAIT_S))
        row.delivery, row.next_try = "pending", now + timedelta(seconds=wait)


def give_back(row: Any, code: str | None) -> None:
    """It was not the message's fault, or not its turn: back to the queue, no attempt counted."""
    row.delivery, row.claim, row.lease_until = "pending", None, None
    row.problem = code or row.problem


def again(row: Any) -> None:
    """A person wants a failed or ambiguous message sent once more."""
    row.delivery, row.attempts, row.settled_at = "pending", 0, None
    row.next_try, row.problem, row.claim = None, None, None
