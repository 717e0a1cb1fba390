"""The relay: publishes what the outbox holds, in order, and marks it when the broker has confirmed it."""

from __future__ import annotations

import time
from typing import Any

from nameko.extensions import DependencyProvider
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from services.chassis import broker, topology
from services.chassis.errors import StartError, Transient
from services.chassis.outbox_pages import Pages
from services.chassis.provider import house_of
from services.chassis.silence import answering
from services.chassis.telemetry import log

#: Without a hint the outbox is looked at this often (s).
POLL_S = 0.5
#: How often its size and age are measured, and old rows removed (s).
MEASURE_S = 5.0
PRUNE_S = 60.0
#: How often a replica that does not relay tries to take over (s).
TAKE_OVER_S = 1.0
#: Longest wait before the broker is tried again (s).
LONGEST_REST_S = 5.0
#: Key of the advisory lock that makes one relay at a time per service (PostgreSQL).
LOCK = 7_031_978


class Relay(DependencyProvider):  # type: ignore[misc]
    """Empties the outbox of its service; declared as ``relay = Relay()``."""

    def setup(self) -> None:
        """Called by nameko before start."""
        self._stopping = False
        self._house = house_of(self.container)
        self._log = log(self._house.service)
        self._pages = Pages(self._house)
        self._publisher: broker.Publisher | None = None
        #: "starting", "relaying", "standing by" (another replica relays), "blocked", "paused" or "stopped".
        self.state = "starting"
        #: When the loop last moved (monotonic s).
        self.moved = time.monotonic()

    @property
    def loops(self) -> list[Relay]:
        """What a health check looks at."""
        return [self]

    def start(self) -> None:
        """Start the loop on its own greenlet."""
        self._thread = self.container.spawn_managed_thread(self._run, identifier="relay")

    def stop(self) -> None:
        """Finish the page in hand; what is left stays in the outbox."""
        self._stopping = True
        if self._publisher is not None:
            self._publisher.stopping = True
        self._thread.wait()

    def _run(self) -> None:
        wait = 0.2
        while not self._stopping:
            self.moved = time.monotonic()
            try:
                with _Leader(self._house.database) as leader:
                    while not self._stopping and not leader.leads():
                        self._become("standing by")
                        self._rest(TAKE_OVER_S)
                    if not self._stopping:
                        self._publish_while(leader)
                wait = 0.2
            except (Transient, StartError, SQLAlchemyError) as error:
                reason = str(error) if isinstance(error, Transient | StartError) else type(error).__name__
                if self.state != "paused":
                    self._log.warning("relay waits", reason=reason)
                self._house.metrics.count("relay_reconnects", service=self._house.service, reason=type(error).__name__)
                self._become("paused")
                self._rest(wait)
                wait = min(wait * 2, LONGEST_REST_S)
        self._pages.close()
        self._become("stopped")

    def _become(self, state: str) -> None:
        self.state = state
        metrics, service = self._house.metrics, self._house.service
        metrics.gauge("relay_leader", int(state in ("relaying", "blocked")), service=service)
        metrics.gauge("broker_blocked", int(state == "blocked"), service=service)

    def _rest(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < deadline:
            self.moved = time.monotonic()
            time.sleep(0.05)

    def _publish_while(self, leader: _Leader) -> None:
        database = self._house.database
        connection = broker.connect(
            self._house.settings.broker_url.get_secret_value(),
            f"{self._house.service}-relay",
            on_blocked=self._blocked,
        )
        watch = database.watch()
        try:
            self._publisher = broker.Publisher(connection, beat=self._beat)
            self._become("relaying")
            self._pages.remember()
            known: set[str] = set()
            looked = pruned = 0.0
            while not self._stopping:
                leader.check()
                taken = self._page(known)
                moment = self.moved = time.monotonic()
                if moment - looked > MEASURE_S:
                    looked = moment
                    self._pages.measure()
                if moment - pruned > PRUNE_S:
                    pruned = moment
                    self._pages.prune()
                if taken:
                    time.sleep(0)
                else:
                    watch.wait(POLL_S)
                    self._publisher.look()
        except broker.AWAY as error:
            raise Transient(f"broker: {type(error).__name__}") from error
        finally:
            self._publisher = None
            watch.close()
            broker.release(connection)

    def _beat(self) -> None:
        self.moved = time.monotonic()

    def _blocked(self, blocked: bool) -> None:
        """Told by the broker: an alarm (memory, disk) stops all publishing until it is over."""
        self._log.warning("the broker blocks publishing" if blocked else "the broker takes up publishing again")
        if self._publisher is not None:
            self._publisher.blocked = blocked
        self._become("blocked" if blocked else "relaying")

    def _page(self, known: set[str]) -> int:
        """Publish one page; returns how many the broker took."""
        assert self._publisher is not None
        if self._publisher.blocked:
            return 0
        began = time.monotonic()
        rows = self._pages.due()
        if not rows:
            return 0
        for source in {row.source for row in rows} - known:
            topology.declare_exchange(self._publisher.channel, topology.exchange_of(source))
            known.add(source)
        outcome = self._publisher.publish(self._pages.messages(rows, self._publisher.nacked))
        self._mark(rows, outcome)
        seconds = time.monotonic() - began
        self._pages.count(rows, outcome, seconds)
        if self._house.tracer is not None:
            self._house.tracer.published(rows, outcome, seconds)
        return sum(word == "ok" for word in outcome.values())

    def _mark(self, rows: Any, outcome: dict[str, str]) -> None:
        """Confirmed, not yet marked: a death in between publishes again, under the same ids."""
        self._pages.mark(rows, outcome, self._beat)


class _Leader:
    """Holds the advisory lock while inside; on SQLite there is one worker process and nothing to hold."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._connection: Connection | None = None

    def __enter__(self) -> _Leader:
        if not self._database.sqlite:
            self._connection = self._database.direct()
        return self

    def leads(self) -> bool:
        """Whether this process relays: it does once the lock is free."""
        if self._connection is None:
            return True
        with answering():
            return bool(self._connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": LOCK}).scalar_one())

    def check(self) -> None:
        """Raise when the session that holds the lock is gone, and with it the lock, or says nothing any more."""
        if self._connection is not None:
            with answering():
                self._connection.execute(text("select 1"))

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._database.drop(self._connection)
            self._connection = None
