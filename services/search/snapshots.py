"""Is search's copy of petitions and cases whole? What it keeps of each, and how it is put right."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from services.chassis.delivery import Delivery, Handler, Work
from services.chassis.house import House
from services.chassis.reconcile import Followed, comparing, settling, told_again
from services.contracts.compare import SnapshotListed
from services.contracts.envelope import Event
from services.contracts.intake import IntakeEvent, Supplement
from services.contracts.routing import CaseEvent
from services.contracts.shared import Origin
from services.contracts.snapshots import PetitionSnapshot
from services.search import domain, store
from services.search.engines import EngineAway, open_engine
from services.search.handlers import follow_case, follow_petition
from services.search.models import PetitionView

#: Head of every snapshot, the same from both owners.
_HEAD: Final = ("number", "origin.channel", "origin.portal", "origin.reference")


def _head(row: PetitionView) -> list[Any]:
    return [row.number, row.channel, row.portal, row.reference]


def _petition_values(row: PetitionView) -> list[Any]:
    return [
        *_head(row), row.filed_kind, row.title, row.body, row.submitted_at, row.place, row.adcode, row.language,
        row.petitioner_key, msgspec.convert(row.supplements, list[Supplement]), row.withdrawn_at, row.solved,
        row.satisfaction, row.publish,
    ]  # fmt: skip


def _case_values(row: PetitionView) -> list[Any]:
    unit, replied = row.unit_name or {}, row.replied_at is not None
    return [
        *_head(row), row.case_state, row.case_audience, row.case_kind, row.subject, row.risks, row.unit_id,
        unit.get("zh"), unit.get("en"), row.unit_line, row.dispatched_at, row.accepted_at, row.due_at, row.hops,
        row.reply if replied else None, row.basis if replied else None, row.outcome, row.replied_at, row.closed_at,
        row.lead,
    ]  # fmt: skip


def _sound(row: PetitionView) -> bool:
    """What follows from the whole row (``handlers``) does follow from it."""
    kind, state = row.case_kind or row.filed_kind, domain.state_now(row.case_state, row.withdrawn_at is not None)
    audience = domain.audience_now(row.sealed, row.case_audience)
    return (row.kind, row.state, row.audience) == (kind, state, audience)


PETITIONS: Final = Followed(
    asker="search",
    owner="intake",
    model=PetitionView,
    fields=(
        *_HEAD, "petition.kind", "petition.title", "petition.body", "petition.submitted_at", "petition.place.text",
        "petition.place.adcode", "petition.language", "petition.petitioner_key", "petition.supplements",
        "petition.withdrawn_at", "petition.rating.solved", "petition.rating.satisfaction",
        "petition.publish",
    ),
    values=_petition_values,
    sound=_sound,
)  # fmt: skip
CASES: Final = Followed(
    asker="search",
    owner="routing",
    model=PetitionView,
    fields=(
        *_HEAD, "case.state", "case.audience", "case.kind", "case.assessment.subject", "case.assessment.risks",
        "case.unit.id", "case.unit.name.zh", "case.unit.name.en", "case.unit_line", "case.dispatched_at",
        "case.accepted_at", "case.due_at", "case.hops", "case.reply.text", "case.reply.basis", "case.reply.outcome",
        "case.reply.issued_at", "case.closed_at", "case.lead.number",
    ),
    values=_case_values,
    sound=_sound,
)  # fmt: skip
FOLLOWED: Final = (PETITIONS, CASES)


def _restore(delivery: Delivery[PetitionSnapshot], work: Work) -> str:
    """Merge the state by the handler of ordinary events."""
    taken = delivery.event
    new = work.get(PetitionView, taken.petition_id) is None
    if taken.petition is not None:
        follow_petition(_as_event(delivery, IntakeEvent(**taken.told_of, petition=taken.petition)), work)
    elif taken.case is not None:
        follow_case(_as_event(delivery, CaseEvent(**taken.told_of, case=taken.case)), work)
    row = work.get(PetitionView, taken.petition_id)
    assert row is not None
    origin = taken.origin or Origin(channel="")
    row.number, row.channel = taken.number, origin.channel
    row.portal, row.reference = origin.portal, origin.reference
    if new:
        # The index may hold a document of an earlier row of this petition; minutes outrun any count of changes.
        row.version = int(work.now.timestamp() // 60)
    return ""


def _as_event(delivery: Delivery[PetitionSnapshot], event: Event) -> Delivery[Any]:
    return Delivery(told_again(delivery, event))


#: Queue ``search.snapshots`` and its sealed twin.
ON_SNAPSHOTS: dict[type[Event], Handler] = {
    SnapshotListed: comparing(FOLLOWED),
    PetitionSnapshot: settling(dict.fromkeys(FOLLOWED, _restore)),
}


def documents(house: House[Any]) -> tuple[int, int | None]:
    """How many petitions are said to be in the index, and how many documents it has; None when it is away."""
    engine = open_engine(house.settings)
    try:
        with house.database.read() as session:
            said = store.indexed(session)
        try:
            return said, engine.count()
        except EngineAway:
            return said, None
    finally:
        engine.close()
