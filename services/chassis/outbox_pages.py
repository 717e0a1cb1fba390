"""The outbox as its relay reads it: pages of due rows, what became of each, size and age, removal of old rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, Select, bindparam, delete, func, select, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from services.chassis import topology, wire
from services.chassis.bulk import is_postgres, mark_published
from services.chassis.database import is_transient
from services.chassis.delivery import inbox, outbox
from services.chassis.house import House
from services.chassis.tally import Tally
from services.chassis.telemetry import log

#: Rows read at a time.
PAGE = 500
#: Waits of a row the broker would not take (s).
BACK_OFF = (1, 5, 30, 60)
#: Events without a queue are tried again so many at a time, so often (s): they may be many, and in vain for days.
#: As soon as one of them finds a queue the next page is full of them.
PROBE, PROBE_S = 100, 1.0
#: So many rows are counted one by one; beyond that a size is reckoned from positions.
COUNTED = 10_000
#: So many subjects may wait for a refused event of theirs; beyond that the whole outbox waits.
MOST_HELD = 1000
#: How long published rows and the inbox are kept; the inbox outlives the longest retry and a replay by hand.
KEEP_OUTBOX = timedelta(days=3)
KEEP_INBOX = timedelta(days=30)
#: How long a database that is busy or away is waited for before what was published is published again (s).
MARK_S = 10.0
#: Rows removed in one transaction, and how long one round of removing may take (s).
PRUNE_ROWS = 5000
PRUNE_BUDGET_S = 2.0

_UNPUBLISHED = outbox.c.published_at.is_(None)


class Pages:
    """The outbox of one service.

    An event that a queue refused (nack) waits, and the later events of its subject wait behind it, so that their order
    is kept. An event that nobody is bound for (unroutable) waits alone: it may never be wanted.
    """

    def __init__(self, house: House[Any]) -> None:
        self._house = house
        self._not_taken = Tally(log(house.service), "events not taken by the broker")
        #: Until when a (source, subject) waits.
        self._held: dict[tuple[str, str], datetime] = {}
        #: Whether there may be refused events; while there are none, nothing is asked about them.
        self._refused = False
        #: When events without a queue are tried again (monotonic s), and how many of them.
        self._probe_at, self._probe = 0.0, PROBE

    def remember(self) -> None:
        """Read which subjects wait: another relay may have been told so."""
        query = select(outbox.c.source, outbox.c.subject, outbox.c.next_try)
        with self._house.database.read() as session:
            rows = session.execute(query.where(_UNPUBLISHED, outbox.c.problem == "nack")).all()
        self._held, self._refused = {}, bool(rows)
        for row in rows:
            self._hold(row.source, row.subject, row.next_try)

    def _hold(self, source: str, subject: str, until: datetime | None) -> None:
        """Of several refused events of one subject the one that waits longest decides: none overtakes another."""
        known = self._held.get((source, subject))
        if until is not None and (known is None or until > known):
            self._held[source, subject] = until

    def due(self) -> Sequence[Row[Any]]:
        """The next page, in the order in which the events were written.

        What waits costs nothing: each of the three kinds of rows is a stretch of the index ``outbox_due``, and no
        stretch is read further than the page is long, whatever lies there.
        """
        now = self._house.clock.now()
        self._held = {key: until for key, until in self._held.items() if until > now}
        if len(self._held) > MOST_HELD:
            return ()
        rows: list[Row[Any]] = []
        with self._house.database.read() as session:
            if self._refused:
                # Before anything new of their subjects; what still waits is held back by its subject below.
                refused = self._query().where(outbox.c.problem == "nack", outbox.c.next_try <= now)
                rows += session.execute(refused.order_by(outbox.c.position).limit(PAGE)).all()
                self._refused = bool(rows or self._held)
            fresh = self._query().where(outbox.c.problem.is_(None), outbox.c.next_try.is_(None))
            # Named in full, or PostgreSQL would not see that the index has that very order.
            fresh = fresh.order_by(outbox.c.problem, outbox.c.next_try, outbox.c.position)
            rows += session.execute(fresh.limit(PAGE - len(rows))).all()
            if time.monotonic() >= self._probe_at:
                self._probe_at = time.monotonic() + PROBE_S
                lost = self._query().where(outbox.c.problem == "unroutable", outbox.c.next_try <= now)
                rows += session.execute(lost.order_by(outbox.c.next_try, outbox.c.position).limit(self._probe)).all()
        return sorted(rows, key=lambda row: int(row.position))

    def _query(self) -> Select[Any]:
        query = select(outbox).where(_UNPUBLISHED)
        if self._held:
            query = query.where(tuple_(outbox.c.source, outbox.c.subject).not_in(list(self._held)))
        return query

    def messages(self, rows: Sequence[Row[Any]], nacked: Set[str]) -> Iterator[tuple[Any, str, str]]:
        """(message, exchange, routing key) of each row, made as it is sent.

        Args:
            rows: a page.
            nacked: ids the broker refused, filled meanwhile: what comes after one of its subject is left out.
        """
        subjects = {row.id: (row.source, row.subject) for row in rows}
        for row in rows:
            if nacked and subjects[row.id] in {subjects[refused] for refused in nacked}:
                continue
            yield _message(row), topology.exchange_of(row.source), row.routing_key

    def mark(self, rows: Sequence[Row[Any]], outcome: Mapping[str, str], beat: Callable[[], None]) -> None:
        """Mark a page in one transaction; a busy database is waited for a while.

        Args:
            rows: the page.
            outcome: the broker's word on each, by event id.
            beat: called while it waits.

        Raises:
            DBAPIError: the database is away; what was published will be published again, under the same ids.
        """
        now = self._house.clock.now()
        refused = [row for row in rows if outcome.get(row.id) in ("nack", "unroutable")]
        until = time.monotonic() + MARK_S
        while True:
            try:
                self._mark_once(rows, outcome, refused, now)
                break
            except DBAPIError as error:
                if not is_transient(error) or time.monotonic() > until:
                    raise
                # Marking late is better than publishing twice.
                beat()
                time.sleep(0.05)
        for row in refused:
            if outcome[row.id] == "nack":
                self._refused = True
                self._hold(row.source, row.subject, now + _wait(row))
            if row.attempts == 0:
                self._not_taken.add(row.id, type=row.type, problem=outcome[row.id])
        self._not_taken.tell()
        if tried := [row for row in rows if row.problem == "unroutable"]:
            found = any(outcome.get(row.id) == "ok" for row in tried)
            self._probe, self._probe_at = (PAGE, 0.0) if found else (PROBE, self._probe_at)

    def _mark_once(
        self, rows: Sequence[Row[Any]], outcome: Mapping[str, str], refused: Sequence[Row[Any]], now: datetime
    ) -> None:
        taken = [row.position for row in rows if outcome.get(row.id) == "ok" and not row.confidential]
        forgotten = [row.position for row in rows if outcome.get(row.id) == "ok" and row.confidential]
        with self._house.database.write() as session:
            if taken and is_postgres(session):
                mark_published(session, outbox, taken, now)
            elif taken:
                done = {"published_at": now, "problem": None, "next_try": None}
                session.execute(update(outbox).where(outbox.c.position.in_(taken)).values(done))
            if forgotten:
                session.execute(delete(outbox).where(outbox.c.position.in_(forgotten)))
            if refused:
                session.connection().execute(
                    update(outbox)
                    .where(outbox.c.position == bindparam("at"))
                    .values(problem=bindparam("why"), attempts=outbox.c.attempts + 1, next_try=bindparam("then")),
                    [{"at": row.position, "why": outcome[row.id], "then": now + _wait(row)} for row in refused],
                )

    def count(self, rows: Sequence[Row[Any]], outcome: Mapping[str, str], seconds: float) -> None:
        """Tell the metrics of a page."""
        metrics, service = self._house.metrics, self._house.service
        names: dict[str, Any] = {"ok": "events_published", "nack": "events_nacked", "unroutable": "events_returned"}
        for (word, type_), number in Counter((outcome.get(row.id), row.type) for row in rows).items():
            if word is not None:
                metrics.count(names[word], number, type=type_)
        metrics.observe("relay_page_size", len(rows), service=service)
        metrics.observe("relay_page_seconds", seconds, service=service)

    def measure(self) -> None:
        """Size and age of what waits, at a price that does not grow with it: some thousand index entries at most."""
        waiting = select(outbox.c.position).where(_UNPUBLISHED)
        with self._house.database.read() as session:
            # Positions are given in order, so the first is the oldest but for transactions that ran side by side.
            oldest = session.scalar(select(outbox.c.time).where(_UNPUBLISHED).order_by(outbox.c.position).limit(1))
            size = _up_to(session, waiting)
            lost = _up_to(session, waiting.where(outbox.c.problem == "unroutable"))
            if size > COUNTED:
                size = max(size, lost + self._span(session))
        metrics, service = self._house.metrics, self._house.service
        age = (self._house.clock.now() - oldest).total_seconds() if oldest else 0.0
        metrics.gauge("outbox_size", size, service=service)
        metrics.gauge("outbox_age_seconds", max(age, 0.0), service=service)
        metrics.gauge("outbox_unroutable", lost, service=service)
        self._not_taken.tell()

    def _span(self, session: Session) -> int:
        """About how many were never tried: the outbox is emptied in order, so it is full from the first of them on."""
        fresh = select(outbox.c.position).where(_UNPUBLISHED, outbox.c.problem.is_(None), outbox.c.next_try.is_(None))
        ordered = fresh.order_by(outbox.c.problem, outbox.c.next_try, outbox.c.position)
        first = session.scalar(ordered.limit(1))
        last = session.scalar(select(func.max(outbox.c.position)))
        return 0 if first is None or last is None else last - first + 1

    def close(self) -> None:
        """Say what was not said yet."""
        self._not_taken.tell(everything=True)

    def prune(self) -> None:
        """Remove old published rows and old inbox rows, a few thousand a transaction, for two seconds at most."""
        now, until = self._house.clock.now(), time.monotonic() + PRUNE_BUDGET_S
        self._prune_outbox(now - KEEP_OUTBOX, until)
        handled = (
            select(inbox.c.queue, inbox.c.event_id)
            .where(inbox.c.received_at < now - KEEP_INBOX)
            .order_by(inbox.c.received_at)
            .limit(PRUNE_ROWS)
        )
        statement = delete(inbox).where(tuple_(inbox.c.queue, inbox.c.event_id).in_(handled))
        removed = PRUNE_ROWS
        while removed == PRUNE_ROWS and time.monotonic() < until:
            removed = self._remove("inbox_pruned", statement)

    def _prune_outbox(self, before: datetime, until: float) -> None:
        """Walk from the oldest row to the first young one: there is no index by time, and none is needed."""
        after = 0
        while time.monotonic() < until:
            page = select(outbox.c.position, outbox.c.time).where(outbox.c.position > after)
            with self._house.database.read() as session:
                rows = session.execute(page.order_by(outbox.c.position).limit(PRUNE_ROWS)).all()
            if not rows or rows[0].time >= before:
                return
            first, after = rows[0].position, rows[-1].position
            span = outbox.c.position.between(first, after)
            self._remove("outbox_pruned", delete(outbox).where(span, outbox.c.published_at < before))

    def _remove(self, metric: Literal["outbox_pruned", "inbox_pruned"], statement: Any) -> int:
        with self._house.database.write() as session:
            removed: int = session.execute(statement).rowcount  # type: ignore[attr-defined]
        self._house.metrics.count(metric, removed, service=self._house.service)
        time.sleep(0)
        return removed


def _up_to(session: Session, rows: Select[Any]) -> int:
    """How many rows there are; one more than ``COUNTED`` means more."""
    return int(session.scalar(select(func.count()).select_from(rows.limit(COUNTED + 1).subquery())) or 0)


def _wait(row: Row[Any]) -> timedelta:
    return timedelta(seconds=BACK_OFF[min(row.attempts, len(BACK_OFF) - 1)])


def _message(row: Row[Any]) -> Any:
    return wire.message(
        event_id=row.id,
        source=row.source,
        type_=row.type,
        subject=row.subject,
        time=row.time,
        sequence=row.sequence,
        body=row.body,
        cause=row.cause,
        traceparent=row.traceparent,
    )
