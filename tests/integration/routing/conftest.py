"""A house of routing on SQLite with the sample county, driven by hand: events in, events out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from services.chassis.clock import DrivenClock
from services.chassis.delivery import Delivery, apply, outbox
from services.chassis.house import House, open_house
from services.chassis.identity import Staff
from services.chassis.ids import uuid7
from services.chassis.migrate import migrate
from services.chassis.settings import load
from services.contracts import alerts
from services.contracts import routing as told
from services.contracts.envelope import Envelope, Event, Registry
from services.contracts.intake import (
    IntakeEvent,
    PetitionState,
    PetitionSubmitted,
    ReportSubmitted,
)
from services.contracts.shared import Origin, Place
from services.routing import handlers, store
from services.routing.directory_file import SAMPLE, read
from services.routing.handlers.directory import bring_in
from services.routing.settings import Settings
from tests.integration.routing.deciding import decide

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
REGISTRY = Registry(*told.EVENTS, *alerts.EVENTS)


class Bench:
    """One house and what a test does to it."""

    def __init__(self, house: House[Settings], clock: DrivenClock) -> None:
        self.house = house
        self.clock = clock
        self._count = 0

    def petition(self, title: str, body: str = "", **values: Any) -> IntakeEvent:
        """A new petition as intake tells it."""
        self._count += 1
        sealed = values.pop("sealed", False)
        adcode = values.pop("adcode", None)
        petition_id = values.pop("petition_id", None) or uuid7()
        given = {
            "kind": "complaint",
            "submitted_at": self.clock.now(),
            "place": Place(text=values.pop("place", ""), adcode=adcode),
            **values,
        }
        event = ReportSubmitted if sealed else PetitionSubmitted
        return event(
            petition_id=petition_id,
            number=f"WZ{self._count:06}",
            origin=Origin(channel="form"),
            sealed=sealed,
            petition=PetitionState(title=title, body=body, **given),
        )

    def later(self, event: IntakeEvent, cls: type[IntakeEvent], **changes: Any) -> IntakeEvent:
        """A later event of the same petition, whose state differs in ``changes``."""
        return cls(
            petition_id=event.petition_id,
            number=event.number,
            origin=event.origin,
            sealed=event.sealed,
            petition=msgspec.structs.replace(event.petition, **changes),
        )

    def deliver(self, *events: IntakeEvent, sequence: int = 1, ids: list[str] | None = None) -> None:
        """Hand events to the worker's handlers in one batch."""
        envelopes = [
            Envelope(
                id=ids[at] if ids else uuid7(),
                source="intake",
                type=event.type,
                subject=event.subject,
                time=self.clock.now(),
                sequence=sequence,
                data=event,
            )
            for at, event in enumerate(events)
        ]
        table = {**handlers.ON_PETITION, **handlers.ON_REPORT}
        with self.house.database.write() as session:
            deliveries: list[Delivery[Any]] = [Delivery(envelope) for envelope in envelopes]
            apply(session, "routing.petitions", deliveries, table, store.load_cases, self.clock.now())

    def told(self, subject: str = "") -> list[Event]:
        """What is in the outbox, oldest first."""
        with self.house.database.read() as session:
            query = select(outbox.c.type, outbox.c.body, outbox.c.subject).order_by(outbox.c.position)
            rows = [row for row in session.execute(query) if not subject or row.subject == subject]
        return [REGISTRY.decode(row.type, row.body) for row in rows]

    def lanes(self, subject: str) -> set[str]:
        """Routing keys' lanes of a subject's events."""
        return {event.lane for event in self.told(subject)}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A migrated house with the sample county, at 9 o'clock on 2 March 2026 in Shanghai."""
    clock = DrivenClock(NOW)
    house = open_house("routing", load(Settings, "routing", {}, data_folder=tmp_path), clock=clock)
    migrate(house.database, "services.routing")
    directory, problems = read(SAMPLE)
    assert problems == []
    with house.work() as work:
        bring_in(work, directory, NOW.date())
    yield Bench(house, clock)
    house.database.close()


@pytest.fixture
def decided(bench: Bench, staff: Callable[..., Staff]) -> Bench:
    """The house after sixty decisions of a dispatcher on matters that the directory does not know."""
    decide(bench, staff)
    return bench


@pytest.fixture
def staff() -> Callable[..., Staff]:
    """Makes members of staff: ``staff("officer", unit="housing")``."""

    def make(*roles: str, unit: str | None = None) -> Staff:
        return Staff("-".join(roles), "somebody", unit, frozenset(roles))

    return make
