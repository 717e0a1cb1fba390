"""Is notify's correspondence whole? Put right so that nobody is told twice and nobody who is owed news is left out."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from services.chassis.delivery import Delivery, Handler, Work
from services.chassis.reconcile import TO_COME, Apply, Followed, Uncounted, comparing, settling, told_again
from services.contracts.compare import SnapshotListed
from services.contracts.envelope import Envelope, Event
from services.contracts.intake import IntakeEvent, PetitionSubmitted, ReportSubmitted
from services.contracts.routing import (
    CaseEvent,
    CaseState,
    PetitionClosed,
    PetitionDispatched,
    PetitionMerged,
    ReplyIssued,
)
from services.contracts.snapshots import PetitionSnapshot
from services.notify import store
from services.notify.domain import Manner, Occasion
from services.notify.handlers import follow_case, follow_petition
from services.notify.models import Correspondence

#: Ids of the events that stand for lost ones are made of petition and occasion, so that a repeat is the same.
_LOST: Final = uuid.UUID("5b4a7a0e-9c1d-5d0f-8f55-0b1f7a0f6d11")


def _values(row: Correspondence) -> list[Any]:
    return [
        row.number, row.origin_channel, row.origin_portal, row.origin_reference, row.title, row.kind, row.language,
        row.has_contact,
    ]  # fmt: skip


def _sound(row: Correspondence) -> bool:
    """The contact is here when the petitioner left one."""
    return row.contact_here or not row.has_contact


PETITIONS: Final = Followed(
    asker="notify",
    owner="intake",
    model=Correspondence,
    fields=(
        "number", "origin.channel", "origin.portal", "origin.reference", "petition.title", "petition.kind",
        "petition.language", "petition.petitioner_key?",
    ),
    values=_values,
    sound=_sound,
)  # fmt: skip
#: Of a case nothing is kept but what was told of it: its sequence says whether anything was missed.
CASES: Final = Followed(asker="notify", owner="routing", model=Correspondence)
FOLLOWED: Final = (PETITIONS, CASES)
#: States in which a case waits for its reply.
OPEN: Final = ("under_review", "objected", "dispatched", "accepted")


def _envelope(delivery: Delivery[PetitionSnapshot], event: Event, told_as: str = "") -> Envelope:
    """The state as an event of its owner; ``told_as`` makes the id that its messages are known by."""
    return told_again(delivery, event, str(uuid.uuid5(_LOST, f"{event.subject}/{told_as}")) if told_as else "")


def _restore_petition(delivery: Delivery[PetitionSnapshot], work: Work, manner: Manner) -> str:
    """Take over what intake holds; the receipt is written only when none ever was."""
    taken = delivery.event
    if taken.petition is None:
        return "nothing_told"
    event: IntakeEvent = IntakeEvent(**taken.told_of, petition=taken.petition)
    envelope = _envelope(delivery, event)
    store.load_petitions(work, [envelope])
    row = store.correspondence_of(work, taken.petition_id)
    row.number, row.origin_channel = taken.number, event.origin.channel
    row.origin_portal, row.origin_reference = event.origin.portal, event.origin.reference
    if not store.told_since(work, row, "received"):
        filed = ReportSubmitted if taken.sealed else PetitionSubmitted
        envelope = _envelope(delivery, filed(**taken.told_of, petition=taken.petition), "received")
    follow_petition(Delivery(envelope), work, manner)
    if _sound(row):
        return ""
    # Contacts are in no snapshot: intake publishes this one again, by the way that contacts always take.
    work.emit(Uncounted(), PETITIONS.request(taken.run_id, sealed=taken.sealed, ids=[taken.petition_id], contacts=True))
    return TO_COME


def _restore_case(delivery: Delivery[PetitionSnapshot], work: Work, manner: Manner) -> str:
    """Take over how the case stands, and tell of its last news when nobody was told. Overtaken news is no news."""
    taken = delivery.event
    if taken.case is None:
        return "nothing_told"
    store.load_petitions(work, [_envelope(delivery, CaseEvent(**taken.told_of, case=taken.case))])
    row = store.correspondence_of(work, taken.petition_id)
    event: CaseEvent = CaseEvent(**taken.told_of, case=taken.case)
    told_as = ""
    news = _news(taken.case)
    if news is not None:
        occasion, at = news
        if not store.told_since(work, row, occasion, at):
            event, told_as = _event_of(taken, taken.case, occasion), f"{occasion}/{taken.sequence}"
    envelope = _envelope(delivery, event, told_as)
    store.load_petitions(work, [envelope])
    follow_case(Delivery(envelope), work, manner)
    return ""


def _news(case: CaseState) -> tuple[Occasion, datetime] | None:
    """What was last to be told of a case in this state, and when it happened."""
    link = case.lead
    if link is not None and case.state in OPEN and (case.dispatched_at is None or link.since >= case.dispatched_at):
        return "merged", link.since
    if case.state in ("dispatched", "accepted") and case.dispatched_at is not None:
        return "dispatched", case.dispatched_at
    if case.state == "replied" and case.reply is not None:
        return "replied", case.reply.issued_at
    if case.state in ("closed", "withdrawn") and case.closed_at is not None:
        return "closed", case.closed_at
    return None


def _event_of(taken: PetitionSnapshot, case: CaseState, occasion: Occasion) -> CaseEvent:
    head = {**taken.told_of, "case": case}
    if occasion == "dispatched":
        return PetitionDispatched(**head, by="")
    if occasion == "merged" and case.lead is not None:
        return PetitionMerged(**head, by="", other=case.lead)
    if occasion == "replied":
        return ReplyIssued(**head, by="")
    return PetitionClosed(**head, reason="withdrawn" if case.state == "withdrawn" else "rated")


_LISTED: Final = comparing(FOLLOWED)
#: What queue ``notify.snapshots`` and its sealed twin bring.
TYPES: Final[tuple[type[Event], ...]] = (SnapshotListed, PetitionSnapshot)


def on_snapshots(manner: Manner) -> dict[type[Event], Handler]:
    """The handlers in a house of this manner."""

    def petition(delivery: Delivery[Any], work: Work) -> str:
        return _restore_petition(delivery, work, manner)

    def case(delivery: Delivery[Any], work: Work) -> str:
        return _restore_case(delivery, work, manner)

    restore: dict[Followed, Apply] = {PETITIONS: petition, CASES: case}
    return {SnapshotListed: _LISTED, PetitionSnapshot: settling(restore)}
