"""Events as intake, routing and notify send them, and a way to apply them without a broker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.chassis import delivery
from services.chassis.delivery import Counts, Delivery
from services.chassis.house import House
from services.chassis.ids import uuid7
from services.contracts import intake, notify, routing
from services.contracts.envelope import Envelope, Event, Text
from services.contracts.shared import Origin, Place, UnitRef
from services.search import handlers, store

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
UNITS = {
    "housing": Text(zh="住房和城乡建设局", en="Housing Bureau"),
    "urban": Text(zh="城市管理局", en="Urban Management Bureau"),
    "water": Text(zh="水务局", en="Water Bureau"),
    "county": Text(zh="县政府", en="County Government"),
}
TYPES = {
    "submitted": intake.PetitionSubmitted,
    "supplemented": intake.PetitionSupplemented,
    "withdrawn": intake.PetitionWithdrawn,
}


class Town:
    """Sends events in the order they happened; ``late`` ones can be applied in another."""

    def __init__(self, house: House[Any]) -> None:
        self.house = house
        self.sequences: dict[tuple[str, str], int] = defaultdict(int)

    def envelope(self, event: Event, sequence: int | None = None) -> Envelope:
        """The event with the next number of its stream."""
        key = (event.source, event.subject)
        self.sequences[key] += 1
        return Envelope(
            id=uuid7(),
            source=event.source,
            type=event.type,
            subject=event.subject,
            time=NOW,
            sequence=self.sequences[key] if sequence is None else sequence,
            data=event,
        )

    def apply(self, *envelopes: Envelope, queue: str = "search.events") -> Counts:
        """One batch, as the consumer applies it."""
        deliveries: list[Delivery[Any]] = [Delivery(envelope) for envelope in envelopes]
        with self.house.database.write() as session:
            now = self.house.clock.now()
            return delivery.apply(session, queue, deliveries, handlers.ON_EVENTS, store.load, now)

    def send(self, *events: Event) -> Counts:
        """Number the events and apply them in one batch."""
        return self.apply(*[self.envelope(event) for event in events])


def number_of(key: str) -> str:
    """A receipt number for a short id."""
    return f"WZ-260302-{sum(map(ord, key)):05d}-{len(key) * 11111:05d}"


def petition(
    key: str,
    title: str = "路灯不亮",
    body: str = "巷口的路灯不亮",
    *,
    what: str = "submitted",
    kind: Any = "complaint",
    sealed: bool = False,
    at: datetime = NOW,
    number: str = "",
    supplements: Sequence[str] = (),
    language: str = "zh-Hans",
    publish: bool = False,
) -> Event:
    """What intake says of a petition."""
    cls = intake.ReportSubmitted if sealed and what == "submitted" else TYPES[what]
    return cls(
        petition_id=key,
        number=number or number_of(key),
        origin=Origin(channel="form"),
        sealed=sealed,
        petition=intake.PetitionState(
            kind=kind,
            title=title,
            body=body,
            submitted_at=at,
            place=Place(text="望澄街道"),
            language=language,
            publish=publish,
            supplements=[intake.Supplement(text=text, at=at + timedelta(days=1)) for text in supplements],
            withdrawn_at=at + timedelta(days=2) if what == "withdrawn" else None,
        ),
    )


def case(
    key: str,
    state: Any = "dispatched",
    *,
    unit: str | None = "housing",
    audience: Any = "units",
    kind: Any = "complaint",
    line: Sequence[str] = (),
    reply: str = "",
    sealed: bool = False,
    number: str = "",
    **links: Any,
) -> Event:
    """What routing says of a case; ``lead`` and ``joined`` are the cases it is handled together with."""
    ref = UnitRef(id=unit, name=UNITS.get(unit, Text(zh=unit))) if unit else None
    answer = None
    if reply and ref:
        answer = routing.Reply(text=reply, outcome="supported", unit=ref, issued_at=NOW + timedelta(days=3))
    state_of_case = routing.CaseState(
        state=state, audience=audience, kind=kind, unit=ref, unit_line=list(line), reply=answer, **links
    )
    common: dict[str, Any] = {
        "petition_id": key,
        "number": number or number_of(key),
        "origin": Origin(channel="form"),
        "sealed": sealed,
        "case": state_of_case,
    }
    if state == "under_review":
        return routing.PetitionAssessed(**common)
    if state == "replied":
        return routing.ReplyIssued(by="staff", **common)
    if state == "closed":
        return routing.PetitionClosed(reason="rated", **common)
    return routing.PetitionDispatched(by="rule", **common)


def notice(key: str, *, delivered: bool = True, sealed: bool = False) -> Event:
    """What notify says of a message."""
    common: dict[str, Any] = {
        "petition_id": key,
        "number": number_of(key),
        "origin": Origin(channel="form"),
        "sealed": sealed,
        "notice_id": uuid7(),
        "recipient": "citizen",
        "channel": "mail",
        "occasion": "received",
        "about": uuid7(),
        "at": NOW,
    }
    return notify.NoticeDelivered(**common) if delivered else notify.NoticeFailed(code="permanent", **common)


def unit(key: str, name: Text | None = None, parent: str | None = None) -> Event:
    """A unit of the directory."""
    return routing.UnitChanged(unit_id=key, name=name or UNITS[key], parent=parent, valid_from=date(2026, 1, 1))


def account(key: str, *roles: str, unit: str | None = None, active: bool = True) -> Event:
    """A staff account."""
    return routing.StaffChanged(staff_id=key, display_name="陈静", unit_id=unit, roles=list(roles), active=active)
