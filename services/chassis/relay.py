"""The relay: publishes what the outbox holds, in order, and marks it when the broker has confirmed it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from nameko.extensions import DependencyProvider
from sqlalchemy import Row, delete, func, or_, select, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from services.chassis import broker, topology, wire
from services.chassis.database import is_transient
from services.chassis.delivery import inbox, outbox
from services.chassis.errors import StartError, Transient
from services.chassis.provider import house_of
from services.chassis.telemetry import log

#: Rows read at a time.
PAGE = 500
#: Without a hint the outbox is looked at this often (s).
POLL_S = 0.5
#: Waits of a row the broker would not take (s).
BACK_OFF = (1, 5, 30, 60)
#: How long published rows and the inbox are kept; the inbox outlives the longest retry and a replay by hand.
KEEP_OUTBOX = timedelta(days=3)
KEEP_INBOX = timedelta(days=30)
#: Key of the advisory lock that makes one relay at a time per service (PostgreSQL).
LOCK = 7_031_978


class Relay(DependencyProvider):  # type: ignore[misc]
    """Empties the outbox of its service; declared as ``relay = Relay()``."""

    def setup(self) -> None:
        """Called by nameko before start."""
        self._stopping = False
        self._house = house_of(self.container)
        self._log = log(self._house.service)

    def start(self) -> None:
        """Start the loop on its own greenlet."""
        self._thread = self.container.spawn_managed_thread(self._run, identifier="relay")

    def stop(self) -> None:
        """Finish the page in hand; what is left stays in the outbox."""
        self._stopping = True
        self._thread.wait()

    def _run(self) -> None:
        wait = 0.5
        while not self._stopping:
            try:
                with _Leader(self._house.database) as leader:
                    self._publish_while(leader)
                wait = 0.5
            except (Transient, StartError, DBAPIError) as error:
                self._log.warning(
                    "relay waits", reason=str(error) if isinstance(error, Transient) else type(error).__name__
                )
                self._house.metrics.gauge("broker_blocked", 1, service=self._house.service)
                _sleep(wait, lambda: self._stopping)
                wait = min(wait * 2, 10.0)

    def _publish_while(self, leader: _Leader) -> None:
        settings, database = self._house.settings, self._house.database
        connection = broker.connect(
            settings.broker_url.get_secret_value(), f"{self._house.service}-relay", on_blocked=self._blocked
        )
        watch = database.watch()
        try:
            publisher = broker.Publisher(connection)
            self._blocked(False)
            known: set[str] = set()
            looked = pruned = 0.0
            while not self._stopping:
                leader.check()
                done = self._page(publisher, known)
                moment = time.monotonic()
                if moment - looked > 5:
                    looked = moment
                    self._measure()
                if moment - pruned > 600:
                    pruned = moment
                    self._prune()
                if done:
                    time.sleep(0)
                else:
                    watch.wait(POLL_S)
                    connection.heartbeat_check()
        except broker.AWAY as error:
            raise Transient(f"broker: {type(error).__name__}") from error
        finally:
            watch.close()
            _release(connection)

    def _blocked(self, blocked: bool) -> None:
        self._house.metrics.gauge("broker_blocked", int(blocked), service=self._house.service)

    def _page(self, publisher: broker.Publisher, known: set[str]) -> int:
        """Publish one page; returns how many the broker took."""
        now = self._house.clock.now()
        due = or_(outbox.c.next_try.is_(None), outbox.c.next_try <= now)
        query = select(outbox).where(outbox.c.published_at.is_(None), due).order_by(outbox.c.position).limit(PAGE)
        with self._house.database.read() as session:
            rows = session.execute(query).all()
        if not rows:
            return 0
        for source in {row.source for row in rows} - known:
            topology.declare_exchange(publisher.channel, topology.exchange_of(source))
            known.add(source)
        outcome = publisher.publish((_message(row), topology.exchange_of(row.source), row.routing_key) for row in rows)
        self._mark(rows, outcome, now)
        taken = Counter(row.type for row in rows if outcome.get(row.id) == "ok")
        for type_, number in taken.items():
            self._house.metrics.count("events_published", number, type=type_)
        return sum(taken.values())

    def _mark(self, rows: Sequence[Row[Any]], outcome: dict[str, str], now: datetime) -> None:
        taken = [row.position for row in rows if outcome.get(row.id) == "ok" and not row.confidential]
        forgotten = [row.position for row in rows if outcome.get(row.id) == "ok" and row.confidential]
        refused = [row for row in rows if outcome.get(row.id) != "ok"]
        while True:
            try:
                with self._house.database.write() as session:
                    if taken:
                        session.execute(
                            update(outbox)
                            .where(outbox.c.position.in_(taken))
                            .values(published_at=now, problem=None, next_try=None)
                        )
                    if forgotten:
                        session.execute(delete(outbox).where(outbox.c.position.in_(forgotten)))
                    for row in refused:
                        problem = outcome.get(row.id, "nack")
                        wait = BACK_OFF[min(row.attempts, len(BACK_OFF) - 1)]
                        session.execute(
                            update(outbox)
                            .where(outbox.c.position == row.position)
                            .values(problem=problem, attempts=row.attempts + 1, next_try=now + timedelta(seconds=wait))
                        )
                break
            except DBAPIError as error:
                if not is_transient(error) or self._stopping:
                    raise
                # Marking late is better than publishing twice.
                time.sleep(0.05)
        for row in refused:
            problem = outcome.get(row.id, "nack")
            name: Any = "events_returned" if problem == "unroutable" else "events_nacked"
            self._house.metrics.count(name, type=row.type)
            if row.attempts == 0:
                self._log.warning("event not taken by the broker", event_id=row.id, type=row.type, problem=problem)

    def _measure(self) -> None:
        unpublished = outbox.c.published_at.is_(None)
        with self._house.database.read() as session:
            size, oldest = session.execute(select(func.count(), func.min(outbox.c.time)).where(unpublished)).one()
        age = (self._house.clock.now() - oldest).total_seconds() if oldest else 0.0
        self._house.metrics.gauge("outbox_size", size, service=self._house.service)
        self._house.metrics.gauge("outbox_age_seconds", max(age, 0.0), service=self._house.service)

    def _prune(self) -> None:
        now = self._house.clock.now()
        old = select(outbox.c.position).where(outbox.c.published_at < now - KEEP_OUTBOX).limit(5000)
        with self._house.database.write() as session:
            session.execute(delete(outbox).where(outbox.c.position.in_(old)))
            session.execute(delete(inbox).where(inbox.c.received_at < now - KEEP_INBOX))


class _Leader:
    """Holds the advisory lock while inside; on SQLite there is one worker process and nothing to hold."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._connection: Connection | None = None

    def __enter__(self) -> _Leader:
        if not self._database.sqlite:
            connection = self._database.direct()
            try:
                if not connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": LOCK}).scalar_one():
                    raise Transient("another replica relays")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self

    def check(self) -> None:
        """Raise when the session that holds the lock is gone, and with it the lock."""
        if self._connection is not None:
            self._connection.execute(text("select 1"))

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


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


def _release(connection: Any) -> None:
    try:
        connection.release()
    except broker.AWAY:
        # It is gone already; there is nothing left to give back.
        connection.collect()


def _sleep(seconds: float, stop: Any) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not stop():
        time.sleep(0.1)
