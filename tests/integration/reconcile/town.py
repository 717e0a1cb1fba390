"""The workers of all four services in one process: what one writes into its outbox is handed to whoever is bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from services.chassis.delivery import Delivery, Handler, Loader, apply, outbox
from services.chassis.house import House, open_house
from services.chassis.migrate import migrate
from services.chassis.reconcile import Difference, Progress, Run, nothing_to_load
from services.chassis.settings import load
from services.chassis.topology import Subscription, exchange_of
from services.cli.registry import part
from services.contracts.compare import lane_to
from services.contracts.envelope import Envelope, Event
from services.contracts.registry import EVENTS
from services.contracts.shared import SEALED
from services.intake import handlers as intake_handlers
from services.intake import snapshots as intake_snapshots
from services.intake import store as intake_store
from services.intake.domain.petition import Filing
from services.intake.handlers.filing import CODE_KEY, Keys, Receipt, file
from services.notify import handlers as notify_handlers
from services.notify import snapshots as notify_snapshots
from services.notify import store as notify_store
from services.notify.settings import manner_of
from services.routing import handlers as routing_handlers
from services.routing import snapshots as routing_snapshots
from services.routing import store as routing_store
from services.routing.directory_file import SAMPLE, read
from services.routing.handlers.directory import bring_in
from services.search import handlers as search_handlers
from services.search import snapshots as search_snapshots
from services.search import store as search_store

NAMES = ("intake", "routing", "notify", "search")
ZONE = ZoneInfo("Asia/Shanghai")
#: Where each service keeps the copy of a petition.
TABLES = {
    "routing": ("petition_case", "petition_id"),
    "notify": ("correspondence", "petition_id"),
    "search": ("petition_view", "petition_id"),
    "intake": ("petition", "id"),
}


class Town:
    """The houses, and the way between them.

    Args:
        folder: for whatever is on SQLite, and for the keys that all share.
        settings: more settings by service.
    """

    def __init__(self, folder: Path, settings: dict[str, dict[str, Any]]) -> None:
        self.houses: dict[str, House[Any]] = {}
        for name in NAMES:
            given = load(part(name, "settings").Settings, name, {}, data_folder=folder, **settings.get(name, {}))
            self.houses[name] = open_house(name, given)
            migrate(self.houses[name].database, f"services.{name}")
        directory, problems = read(SAMPLE)
        assert problems == []
        with self.houses["routing"].work() as work:
            bring_in(work, directory, work.now.date())
        #: Services whose worker does not run.
        self.absent: set[str] = set()
        #: Types of events that are lost on the way.
        self.lost: set[str] = set()
        #: (queue, event) of everything that was handed over.
        self.handed: list[tuple[str, Envelope]] = []
        self._listeners = {name: list(_listeners(name, h)) for name, h in self.houses.items()}
        self.pump()

    def close(self) -> None:
        """Close every database."""
        for house in self.houses.values():
            house.database.close()

    def pump(self) -> None:
        """Carry events until every outbox is empty."""
        while sum(self._relay(name) for name in NAMES if name not in self.absent):
            pass

    def _relay(self, name: str) -> int:
        with self.houses[name].database.write() as session:
            rows = session.execute(
                select(outbox).where(outbox.c.published_at.is_(None)).order_by(outbox.c.position)
            ).all()
            session.execute(
                update(outbox)
                .where(outbox.c.position.in_([row.position for row in rows]))
                .values(published_at=self.houses[name].clock.now())
            )
        batches: dict[tuple[str, str], list[Delivery[Any]]] = {}
        for row in rows:
            envelope = self.envelope(row)
            if row.type in self.lost:
                continue
            for service, listeners in self._listeners.items():
                for listener in listeners:
                    if (exchange_of(row.source), row.routing_key) in listener.subscription.bindings():
                        batches.setdefault((service, listener.subscription.queue), []).append(Delivery(envelope))
        for (service, queue), deliveries in batches.items():
            if service not in self.absent:
                self._hand(service, queue, deliveries)
        return len(rows)

    def _hand(self, service: str, queue: str, deliveries: list[Delivery[Any]]) -> None:
        listener = next(one for one in self._listeners[service] if one.subscription.queue == queue)
        house = self.houses[service]
        for at in range(0, len(deliveries), 200):
            with house.database.write() as session:
                apply(session, queue, deliveries[at : at + 200], listener.handlers, listener.load, house.clock.now())
        self.handed += [(queue, one.envelope) for one in deliveries]

    @staticmethod
    def envelope(row: Any) -> Envelope:
        """A row of an outbox as its event arrives."""
        return Envelope(
            id=row.id,
            source=row.source,
            type=row.type,
            subject=row.subject,
            time=row.time,
            sequence=row.sequence,
            data=EVENTS.decode(row.type, row.body),
            cause=row.cause,
            traceparent=row.traceparent,
        )

    def bring(self, queue: str, *envelopes: Envelope) -> None:
        """Events arrive that were held back until now."""
        assert envelopes
        self._hand(queue.partition(".")[0], queue, [Delivery(envelope) for envelope in envelopes])

    def types(self, queue: str) -> set[str]:
        """What a queue takes."""
        listeners = self._listeners[queue.partition(".")[0]]
        return {cls.type for one in listeners if one.subscription.queue == queue for cls in one.subscription.types}

    # ── what happens in the town ────────────────────────────────────────────────────────────────────

    def file(self, title: str = "橡园里窨井盖松动", *, pump: bool = True, **values: Any) -> Receipt:
        """A petition is filed and goes its way."""
        return self.file_many([Filing(**filing(title, **values))], pump=pump)[0]

    def file_many(self, filings: list[Filing], *, pump: bool = True) -> list[Receipt]:
        """Several at once."""
        house = self.houses["intake"]
        receipts = file(filings, open_work=house.work, keys=Keys.of(house.key), zone=ZONE)
        if pump:
            self.pump()
        assert all(isinstance(one, Receipt) for one in receipts)
        return receipts  # type: ignore[return-value]

    def execute(self, service: str, statement: str, **values: Any) -> Any:
        """Something is done to a database behind its service's back."""
        with self.houses[service].database.write() as session:
            return session.execute(text(statement), values)

    def falsify(self, service: str, petition_id: str, **values: Any) -> None:
        """Columns of the service's copy of a petition get other values."""
        table, key = TABLES[service]
        columns = ", ".join(f"{name} = :{name}" for name in values)
        done = self.execute(
            service, f"update {table} set {columns} where {key} = :the_id", the_id=petition_id, **values
        )
        assert done.rowcount == 1

    def drop(self, service: str, petition_id: str) -> None:
        """The service's copy of a petition disappears."""
        table, key = TABLES[service]
        assert self.execute(service, f"delete from {table} where {key} = :id", id=petition_id).rowcount == 1

    def row(self, service: str, petition_id: str) -> dict[str, Any]:
        """The service's copy of a petition."""
        table, key = TABLES[service]
        with self.houses[service].database.read() as session:
            found = session.execute(text(f"select * from {table} where {key} = :id"), {"id": petition_id}).mappings()
            return dict(found.one())

    def read(self, service: str) -> Session:
        """A session that a test closes by using it as a context."""
        return Session(self.houses[service].database.engine)

    # ── comparing ───────────────────────────────────────────────────────────────────────────────────

    def run(self, service: str, *, repair: bool = True, grace: float = 0.0, page: int = 3, **options: Any) -> Run:
        """A comparison that has begun."""
        followed = part(service, "snapshots").FOLLOWED
        run = Run(self.houses[service], followed, repair=repair, grace=grace, page=page, **options)
        run.begin()
        return run

    def finish(self, run: Run, between: Callable[[], None] = lambda: None) -> Progress:
        """Carry events until the comparison is done."""
        for _ in range(200):
            between()
            self.pump()
            now = run.step()
            if now.done:
                run.end()
                return now
        pytest.fail(f"it never ended: {now}")

    def reconcile(self, service: str, **options: Any) -> list[Difference]:
        """A whole comparison; what differed."""
        run = self.run(service, **options)
        self.finish(run)
        return run.found()


def filing(title: str, **values: Any) -> dict[str, Any]:
    """What a petitioner hands in."""
    return {
        "kind": "complaint",
        "title": title,
        "body": "车一压就响，夜里睡不着，请派人固定。",
        "name": "宋以棠",
        "mail": "song@example.org",
        **values,
    }


@dataclass(frozen=True)
class Listener:
    """One queue of a worker, as its ``service.py`` declares it."""

    subscription: Subscription
    handlers: Mapping[type[Event], Handler]
    load: Loader


def _listeners(service: str, house: House[Any]) -> Iterator[Listener]:
    """The queues of a service. The classes in ``service.py`` cannot be had without their event loop."""
    snapshots = {
        "intake": lambda: intake_snapshots.on_snapshots(house.key(CODE_KEY)),
        "routing": lambda: routing_snapshots.ON_SNAPSHOTS,
        "notify": lambda: notify_snapshots.on_snapshots(manner_of(house.settings)),
        "search": lambda: search_snapshots.ON_SNAPSHOTS,
    }[service]()
    yield _listener(f"{service}.snapshots", snapshots, nothing_to_load, lane_to(service))
    yield _listener(f"{service}.snapshots-sealed", snapshots, nothing_to_load, lane_to(service, sealed=True))
    if service == "intake":
        yield _listener("intake.progress", intake_handlers.ON_PROGRESS, intake_store.load_progress)
        yield _listener("intake.progress-sealed", intake_handlers.ON_CASE, intake_store.load_progress, SEALED)
    elif service == "routing":
        yield _listener("routing.petitions", routing_handlers.ON_PETITION, routing_store.load_cases)
        yield _listener("routing.reports", routing_handlers.ON_REPORT, routing_store.load_cases, SEALED)
    elif service == "search":
        yield _listener("search.events", search_handlers.ON_EVENTS, search_store.load)
        yield _listener("search.reports", search_handlers.ON_PETITIONS, search_store.load, SEALED)
    else:
        events = notify_handlers.speaking(notify_handlers.ON_EVENTS, manner_of(house.settings))
        contacts = notify_handlers.speaking(notify_handlers.ON_CONTACTS, manner_of(house.settings))
        yield _listener("notify.events", events, notify_store.load_petitions)
        yield _listener("notify.reports", events, notify_store.load_petitions, SEALED)
        yield _listener("notify.contacts", contacts, notify_store.load_petitions)
        yield _listener("notify.contacts-sealed", contacts, notify_store.load_petitions, SEALED)
        yield _listener("notify.directory", notify_handlers.ON_DIRECTORY, notify_store.load_directory)


def _listener(queue: str, handlers: Mapping[type[Event], Handler], load: Loader, lane: str = "") -> Listener:
    return Listener(Subscription(queue, tuple(handlers), lane), handlers, load)
