"""A house of notify and the events that are handed to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select

from services.chassis.clock import DrivenClock
from services.chassis.delivery import Counts, Delivery, apply, outbox
from services.chassis.house import House
from services.chassis.ids import new_traceparent, uuid7
from services.contracts.envelope import Envelope, Event, Text
from services.contracts.intake import ContactSupplied, PetitionState, PetitionSubmitted, ReportSubmitted
from services.contracts.routing import (
    CaseLink,
    CaseState,
    PetitionClosed,
    PetitionDispatched,
    PetitionMerged,
    PetitionUnmerged,
    Reply,
    ReplyIssued,
    StaffChanged,
    UnitChanged,
)
from services.contracts.shared import Origin, UnitRef
from services.notify import handlers, store
from services.notify.models import Correspondence, Message
from services.notify.settings import Settings, manner_of

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUSING = UnitRef(id="housing", name=Text(zh="住房和城乡建设局", en="Housing Bureau"))


class Street:
    """Events about petitions, each counted in its source, and the house they are handed to."""

    def __init__(self, house: House[Settings], clock: DrivenClock) -> None:
        self.house = house
        self.clock = clock
        self._counts: dict[tuple[str, str], int] = {}

    def envelope(self, event: Event, sequence: int | None = None) -> Envelope:
        key = (event.source, event.subject)
        self._counts[key] = sequence or self._counts.get(key, 0) + 1
        return Envelope(
            id=uuid7(),
            source=event.source,
            type=event.type,
            subject=event.subject,
            time=self.clock.now(),
            sequence=self._counts[key],
            data=event,
            traceparent=new_traceparent(),
        )

    def hand(self, *envelopes: Envelope, queue: str = "notify.events") -> Counts:
        manner = manner_of(self.house.settings)
        table = handlers.speaking({**handlers.ON_COMMON, **handlers.ON_CONTACTS}, manner)
        deliveries: Sequence[Delivery[Any]] = [Delivery(one) for one in envelopes]

        def load_all(work: Any, them: Sequence[Envelope]) -> None:
            store.load_petitions(work, them)
            store.load_directory(work, them)

        with self.house.database.write() as session:
            table.update(handlers.ON_DIRECTORY)
            return apply(session, queue, deliveries, table, load_all, self.clock.now())

    def tell(self, *events: Event) -> list[Envelope]:
        envelopes = [self.envelope(event) for event in events]
        self.hand(*envelopes)
        return envelopes

    def messages(self, **wanted: Any) -> list[Message]:
        with self.house.database.read() as session:
            return list(session.scalars(select(Message).filter_by(**wanted).order_by(Message.created_at, Message.id)))

    def told(self) -> set[tuple[str, str, str, str]]:
        """(occasion, recipient, channel, state) of every message."""
        return {(m.occasion, m.recipient, m.channel, m.delivery) for m in self.messages()}

    def correspondence(self, petition_id: str) -> Correspondence:
        with self.house.database.read() as session:
            row = session.get(Correspondence, petition_id)
            assert row is not None
            return row

    def notices(self) -> list[dict[str, Any]]:
        """The notice events in the outbox, in order."""
        with self.house.database.read() as session:
            rows = session.execute(select(outbox).order_by(outbox.c.position)).all()
        return [{"type": r.type, "sequence": r.sequence, **msgspec.json.decode(r.body)} for r in rows]


class Case:
    """One petition and the events of its way."""

    def __init__(self, name: str = "p1", portal: str | None = None, sealed: bool = False) -> None:
        origin = Origin(
            channel="portal" if portal else "form", portal=portal, reference=f"R-{name}" if portal else None
        )
        self.head: dict[str, Any] = {
            "petition_id": name,
            "number": f"WZ-26-{name}",
            "origin": origin,
            "sealed": sealed,
        }

    def submitted(self, contact: bool = True) -> PetitionSubmitted | ReportSubmitted:
        state = PetitionState(
            kind="complaint",
            title="地下车库没灯",
            body="灯坏了一大半",
            submitted_at=START,
            petitioner_key="k" if contact else None,
        )
        kind = ReportSubmitted if self.head["sealed"] else PetitionSubmitted
        return kind(**self.head, petition=state)

    def contact(self, **values: Any) -> ContactSupplied:
        given = {"mail": "yitang.song@example.org", "name": "宋以棠", "query_code": "K7PM-2XQ4", **values}
        return ContactSupplied(**self.head, language=given.pop("language", "zh-Hans"), title="地下车库没灯", **given)

    def _case(self, state: str, **values: Any) -> CaseState:
        given = {
            "audience": "units",
            "kind": "complaint",
            "unit": HOUSING,
            "due_at": START + timedelta(days=18),
            **values,
        }
        return CaseState(state=state, **given)

    def dispatched(self, **values: Any) -> PetitionDispatched:
        return PetitionDispatched(**self.head, by="rule", case=self._case("dispatched", **values))

    def merged(self, other: Case, *, leads: bool = False, by: str = "s1", before: int = 0) -> PetitionMerged:
        """It is handled together with another; ``before`` others followed it already."""
        link = other.link()
        links: dict[str, Any] = {"joined": [link] * (before + 1)} if leads else {"lead": link}
        return PetitionMerged(**self.head, by=by, other=link, leads=leads, case=self._case("dispatched", **links))

    def unmerged(self, other: Case, *, leads: bool = False) -> PetitionUnmerged:
        """It goes its own way again."""
        return PetitionUnmerged(**self.head, by="s1", other=other.link(), leads=leads, case=self._case("dispatched"))

    def link(self) -> CaseLink:
        """This petition as another one names it."""
        return CaseLink(petition_id=self.head["petition_id"], number=self.head["number"], since=START)

    def replied(self, **values: Any) -> ReplyIssued:
        reply = Reply(text="灯已修好。", outcome="supported", unit=HOUSING, issued_at=START)
        return ReplyIssued(**self.head, by="s1", case=self._case("replied", reply=reply, **values))

    def closed(self, reason: str) -> PetitionClosed:
        return PetitionClosed(**self.head, reason=reason, case=self._case("closed"))


def unit_changed(mail: str | None = "housing@chenghu.example") -> UnitChanged:
    return UnitChanged(unit_id="housing", name=HOUSING.name, parent=None, valid_from=date(2026, 1, 1), mail=mail)


def staff_changed(staff_id: str, active: bool = True) -> StaffChanged:
    return StaffChanged(staff_id=staff_id, display_name="Lin", unit_id=None, roles=["dispatcher"], active=active)
