"""Delivery without a broker: outbox, inbox and the unit of work that handlers write through (SQL only)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    inspect,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from services.chassis.bulk import insert_many, insert_new
from services.chassis.database import UtcDateTime
from services.chassis.ids import child_traceparent, uuid7
from services.contracts.envelope import Envelope, Event, encode

if TYPE_CHECKING:
    from services.chassis.tracing import Recording

#: The two tables that chassis brings into every service's database.
metadata = MetaData()

outbox = Table(
    "outbox",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("type", String(80), nullable=False),
    Column("source", String(80), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("routing_key", String(100), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("cause", String(36)),
    Column("traceparent", String(55)),
    Column("body", LargeBinary, nullable=False),
    #: Forgotten once it is published; every other row is kept for a while.
    Column("confidential", Boolean, nullable=False),
    Column("published_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, default=0),
    #: Why the broker did not take it: "unroutable", "nack"; then not before ``next_try``.
    Column("problem", String(40)),
    Column("next_try", UtcDateTime),
)
Index(
    "outbox_unpublished",
    outbox.c.position,
    postgresql_where=outbox.c.published_at.is_(None),
    sqlite_where=outbox.c.published_at.is_(None),
)
#: What the relay reads pages by: rows that wait for their next try lie in stretches of their own.
Index(
    "outbox_due",
    outbox.c.problem,
    outbox.c.next_try,
    outbox.c.position,
    postgresql_where=outbox.c.published_at.is_(None),
    sqlite_where=outbox.c.published_at.is_(None),
)

inbox = Table(
    "inbox",
    metadata,
    Column("queue", String(80), primary_key=True),
    Column("event_id", String(64), primary_key=True),
    Column("received_at", UtcDateTime, nullable=False),
)
Index("inbox_received_at", inbox.c.received_at)


class Sequenced:
    """Mixin of a row whose events are counted: ``sequence`` is the number of the last one published."""

    sequence: Mapped[int] = mapped_column(BigInteger, default=0)


class Follows:
    """Mixin of a row that follows other services' events: the last sequence seen by source."""

    seen: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)


E_co = TypeVar("E_co", bound=Event, covariant=True)
Row = TypeVar("Row", bound=DeclarativeBase)


@dataclass(frozen=True)
class Delivery(Generic[E_co]):
    """One event as a handler gets it."""

    envelope: Envelope
    #: How often it was tried before, retries included.
    attempt: int = 0
    redelivered: bool = False

    @property
    def event(self) -> E_co:
        """The payload."""
        return self.envelope.data  # type: ignore[return-value]


@dataclass
class Counts:
    """What a unit of work noticed; the consumer turns it into metrics."""

    stale: int = 0
    gaps: int = 0
    duplicates: int = 0


@dataclass
class Work:
    """A unit of work: rows loaded once, changed in memory, written in bulk at the end of one transaction.

    Handlers get one, in the worker and in the web role alike. ``session`` is for ``store`` alone.

    Args:
        session: the open writing transaction.
        now: the moment of the work, UTC.
    """

    session: Session
    now: datetime
    counts: Counts = field(default_factory=Counts)
    #: The event being handled; what is emitted names it as its cause.
    cause: Envelope | None = None
    #: Continue this trace when there is no cause (an HTTP request's).
    traceparent: str | None = None
    #: Notes spans until all this is committed; None unless traces are wanted.
    recording: Recording | None = None
    #: Traceparent of the span that goes on now, where spans are noted.
    span: str | None = None
    _known: dict[tuple[type, Hashable], Any] = field(default_factory=dict)
    _out: list[dict[str, Any]] = field(default_factory=list)
    _appended: dict[Table, list[dict[str, Any]]] = field(default_factory=dict)

    def preload(self, model: type[Row], keys: Iterable[Hashable]) -> None:
        """Load the rows of a batch by primary key with one statement and lock them."""
        wanted = [key for key in dict.fromkeys(keys) if (model, key) not in self._known]
        if not wanted:
            return
        column = inspect(model).primary_key[0]
        # In key order, so that two workers lock rows in the same order and cannot deadlock.
        rows = self.session.scalars(select(model).where(column.in_(wanted)).order_by(column).with_for_update())
        found = {inspect(row).identity[0]: row for row in rows}  # type: ignore[index]
        for key in wanted:
            self._known[model, key] = found.get(key)

    def get(self, model: type[Row], key: Hashable) -> Row | None:
        """The row, from memory when it was preloaded or added before."""
        if (model, key) not in self._known:
            self.preload(model, [key])
        row: Row | None = self._known[model, key]
        return row

    def holds(self, model: type[Row], key: Hashable) -> bool:
        """True when the row was loaded or added before, and is locked if there is one."""
        return (model, key) in self._known

    def add(self, row: DeclarativeBase) -> None:
        """Keep a new row; its primary key must be set."""
        self.session.add(row)
        key = inspect(row).mapper.primary_key_from_instance(row)[0]
        self._known[type(row), key] = row

    def append(self, table: Table, rows: Iterable[dict[str, Any]]) -> None:
        """Keep new rows that this work does not read again: all of a table are written by one statement.

        As objects of the session each is looked at by itself, which counts where one event brings thirty of them.
        """
        self._appended.setdefault(table, []).extend(rows)

    def emit(self, row: Sequenced, event: Event) -> str:
        """Write an event into the outbox, in this transaction. Returns the event's id.

        Args:
            row: the row whose lock orders the events of this subject; its ``sequence`` goes up by one.
            event: the payload.
        """
        row.sequence = (row.sequence or 0) + 1
        event_id = uuid7()
        parent = self.span or (self.cause.traceparent if self.cause else self.traceparent)
        self._out.append(
            {
                "id": event_id,
                "type": event.type,
                "source": event.source,
                "subject": event.subject,
                "routing_key": event.routing_key,
                "sequence": row.sequence,
                "time": self.now,
                "cause": self.cause.id if self.cause else None,
                "traceparent": child_traceparent(parent),
                "body": encode(event),
                "confidential": event.confidential,
                "attempts": 0,
            }
        )
        if self.recording is not None:
            self.recording.created(self._out[-1], parent)
        return event_id

    def advance(self, row: Follows, envelope: Envelope) -> bool:
        """Note that ``row`` has seen ``envelope``; False when it has already seen a later one of that source."""
        last = (row.seen or {}).get(envelope.source, 0)
        if envelope.sequence and envelope.sequence <= last:
            self.counts.stale += 1
            return False
        if envelope.sequence > last + 1:
            self.counts.gaps += 1
        row.seen = {**(row.seen or {}), envelope.source: envelope.sequence}
        return True

    def flush(self) -> None:
        """Write rows that were changed, added and appended so far; the outbox waits."""
        self.session.flush()
        for table, rows in self._appended.items():
            if rows:
                insert_many(self.session, table, rows)
        self._appended = {}

    def finish(self) -> None:
        """Write what was changed: the rows in bulk, then the outbox in one statement."""
        self.flush()
        if self._out:
            insert_many(self.session, outbox, self._out)
            self._out = []


#: One function per event type; may raise Retry or Park.
Handler = Callable[[Delivery[Any], Work], None]
#: Loads the rows of a batch with one statement per table.
Loader = Callable[[Work, Sequence[Envelope]], None]


def new_ones(session: Session, queue: str, deliveries: Sequence[Delivery[Any]], now: datetime) -> list[Delivery[Any]]:
    """Those of a batch that this queue has not handled yet, in order; they are in the inbox from here on."""
    rows = [{"queue": queue, "event_id": d.envelope.id, "received_at": now} for d in deliveries]
    unseen = insert_new(session, inbox, rows, "event_id")
    fresh = []
    for delivery in deliveries:
        if delivery.envelope.id in unseen:
            # The same event twice in one batch is handled once.
            unseen.discard(delivery.envelope.id)
            fresh.append(delivery)
    return fresh


def apply(
    session: Session,
    queue: str,
    deliveries: Sequence[Delivery[Any]],
    handlers: Mapping[type[Event], Handler],
    load: Loader,
    now: datetime,
    recording: Recording | None = None,
) -> Counts:
    """Handle a batch in the open transaction: inbox, one load, each handler, bulk write.

    Raises:
        Retry, Park: from a handler; the caller rolls back and goes on event by event.
    """
    fresh = new_ones(session, queue, deliveries, now)
    work = Work(session, now, recording=recording)
    work.counts.duplicates = len(deliveries) - len(fresh)
    if not fresh:
        return work.counts
    load(work, [d.envelope for d in fresh])
    for delivery in fresh:
        work.cause = delivery.envelope
        if recording is not None:
            work.span = recording.handles(delivery.envelope)
        handlers[type(delivery.event)](delivery, work)
    work.finish()
    return work.counts
