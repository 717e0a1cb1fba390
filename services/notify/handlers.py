"""Notify's use cases: from what happened to the messages that tell of it, in whatever order the events arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.chassis.delivery import Delivery, Handler, Work
from services.contracts.alerts import RiskAcknowledged, RiskRaised, TopicEmerging
from services.contracts.envelope import Event, encode
from services.contracts.intake import (
    ContactSupplied,
    IntakeEvent,
    PetitionRated,
    PetitionSubmitted,
    PetitionSupplemented,
    PetitionWithdrawn,
    ReportSubmitted,
)
from services.contracts.notify import NoticeDelivered, NoticeFailed
from services.contracts.portals import PortalPetitionUpdated
from services.contracts.routing import (
    AssignmentObjected,
    CaseEvent,
    PetitionAccepted,
    PetitionAssessed,
    PetitionClosed,
    PetitionDispatched,
    PetitionMerged,
    PetitionUnmerged,
    ReplyIssued,
    StaffChanged,
    UnitChanged,
)
from services.contracts.shared import Origin
from services.notify.directory import follow_staff, follow_unit
from services.notify.domain import (
    SENDER_OF,
    Manner,
    Matter,
    Recipient,
    Way,
    danger_of,
    message_id,
    news_of,
    told_of,
    way_to_citizen,
    way_to_portal,
    way_to_unit,
)
from services.notify.models import BY_SENDER, Correspondence, Message, Unit
from services.notify.store import correspondence_of, told_already, told_since
from services.notify.topics import tell_topic
from services.notify.wording import known_language, put_into_words

# ── events in ───────────────────────────────────────────────────────────────────────────────────────


def follow_petition(delivery: Delivery[IntakeEvent], work: Work, manner: Manner) -> None:
    """Take over what intake says of a petition; the filing itself is told of, even when later news came first."""
    event, row = delivery.event, correspondence_of(work, delivery.event.petition_id)
    if new := work.advance(row, delivery.envelope):
        row.sealed = row.sealed or event.sealed
        row.title, row.kind = event.petition.title, event.petition.kind
        row.language = event.petition.language
        row.has_contact = event.petition.petitioner_key is not None
        if not row.has_contact and not row.contact_here:
            # What was kept for the petitioner has nobody to go to.
            row.waiting, row.waiting_since = [], None
    # Comes the filing late, a comparison with intake may have told of it in its stead.
    if isinstance(event, PetitionSubmitted | ReportSubmitted) and (new or not told_since(work, row, "received")):
        envelope = delivery.envelope
        matter = Matter(
            event_id=envelope.id,
            occasion="received",
            state="submitted",
            at=event.petition.submitted_at,
            traceparent=envelope.traceparent,
        )
        _tell(row, matter, None, work, manner)


def follow_case(delivery: Delivery[CaseEvent], work: Work, manner: Manner) -> None:
    """Take over what routing says of a case, and tell of it where it is news. Overtaken news is no news."""
    event, row = delivery.event, correspondence_of(work, delivery.event.petition_id)
    if not work.advance(row, delivery.envelope):
        return
    case = event.case
    row.sealed = row.sealed or event.sealed or case.audience == "sealed"
    row.kind = row.kind or case.kind
    matter = news_of(event, delivery.envelope)
    if matter is not None:
        _tell(row, matter, case.reply.text if case.reply else None, work, manner)


def follow_risk(delivery: Delivery[RiskRaised], work: Work, manner: Manner) -> None:
    """Tell the unit on duty at once. Even an overtaken asking is told: one too many rather than one too few."""
    event, row = delivery.event, correspondence_of(work, delivery.event.petition_id)
    work.advance(row, delivery.envelope)
    row.sealed = row.sealed or event.sealed or event.audience == "sealed"
    _tell(row, danger_of(event, delivery.envelope), None, work, manner)


def follow_acknowledged(delivery: Delivery[RiskAcknowledged], work: Work, manner: Manner) -> None:
    """Somebody took note: there is nobody to tell."""
    work.advance(correspondence_of(work, delivery.event.petition_id), delivery.envelope)


def follow_contact(delivery: Delivery[ContactSupplied], work: Work, manner: Manner) -> None:
    """Take over how to reach the petitioner, and tell what had to wait for it."""
    event, row = delivery.event, correspondence_of(work, delivery.event.petition_id)
    if not work.advance(row, delivery.envelope):
        return
    row.name, row.phone, row.mail = event.name, event.phone, event.mail
    row.title, row.language = event.title or row.title, event.language or row.language
    row.sealed = row.sealed or event.sealed
    row.contact_here = True
    kept, row.waiting, row.waiting_since = row.waiting, [], None
    # Kept for the receipt only, and only where there is still a receipt to write that may name it.
    receipt_to_come = row.has_contact is None or any(one["occasion"] == "received" for one in kept)
    row.query_code = event.query_code if receipt_to_come and event.mail and not row.sealed else None
    for one in kept:
        _tell_citizen(row, Matter.from_dict(one), work, manner)


# ── telling ─────────────────────────────────────────────────────────────────────────────────────────


def _tell(row: Correspondence, matter: Matter, reply: str | None, work: Work, manner: Manner) -> None:
    who = told_of(matter)
    if "citizen" in who:
        _tell_citizen(row, matter, work, manner)
    if "unit" in who and matter.unit_id is not None:
        _tell_unit(row, matter, matter.unit_id, work, manner)
    if "portal" in who and row.origin_portal is not None:
        _tell_portal(row, matter, row.origin_portal, reply, work, manner)


def _tell_citizen(row: Correspondence, matter: Matter, work: Work, manner: Manner) -> None:
    if not row.contact_here:
        if row.has_contact is not False and all(one["event_id"] != matter.event_id for one in row.waiting):
            row.waiting = [*row.waiting, matter.as_dict()]
            row.waiting_since = row.waiting_since or work.now
        return
    way = way_to_citizen(row.mail, row.phone, manner)
    if way is None:
        return
    code = None
    if matter.occasion == "received" and not row.sealed:
        code, row.query_code = row.query_code, None
    _write(row, matter, "citizen", way, work, manner, secret=code)


def _tell_unit(row: Correspondence, matter: Matter, unit_id: str, work: Work, manner: Manner) -> None:
    unit = work.get(Unit, unit_id)
    way = way_to_unit(unit.mail if unit else None, row.sealed, manner)
    _write(row, matter, "unit", way, work, manner)


def _tell_portal(
    row: Correspondence, matter: Matter, portal: str, reply: str | None, work: Work, manner: Manner
) -> None:
    # Of a report on a person a portal learns the state and no more.
    open_to_it = not row.sealed
    event = PortalPetitionUpdated(
        portal=portal,
        reference=row.origin_reference or "",
        number=row.number,
        occasion=matter.occasion,
        state=matter.state,
        at=matter.at,
        unit=matter.unit if open_to_it else None,
        due_at=matter.due_at if open_to_it else None,
        reply=reply if open_to_it and matter.occasion == "replied" else None,
    )
    _write(row, matter, "portal", way_to_portal(portal, manner), work, manner, body=encode(event).decode())


def _write(
    row: Correspondence,
    matter: Matter,
    recipient: Recipient,
    way: Way,
    work: Work,
    manner: Manner,
    *,
    body: str = "",
    secret: str | None = None,
) -> None:
    """Write one message, unless there is one for this event and recipient."""
    if told_already(work, matter.event_id, recipient):
        return
    language = manner.language if recipient == "unit" else row.language
    subject = f"{PortalPetitionUpdated.type} {row.number}"
    if recipient != "portal":
        language, subject, body = put_into_words(
            matter,
            recipient,
            language,
            manner,
            number=row.number,
            title=row.title,
            kind=row.kind,
            sealed=row.sealed,
            with_code=secret is not None,
        )
    sender = SENDER_OF.get(way.channel, "")
    message = BY_SENDER.get(sender, Message)(
        id=message_id(matter.event_id, recipient, way.channel),
        event_id=matter.event_id,
        petition_id=row.petition_id,
        number=row.number,
        occasion=matter.occasion,
        recipient=recipient,
        channel=way.channel,
        language=known_language(language),
        unit_id=matter.unit_id if recipient == "unit" else None,
        address=way.address,
        subject=subject,
        body=body,
        # Only a mail that is yet to go out needs the code itself.
        secret=secret if way.channel == "mail" else None,
        traceparent=matter.traceparent,
        created_at=work.now,
        delivery=way.state,
        problem=way.problem,
        settled_at=None if way.state == "pending" else work.now,
        attempts=0,
    )
    work.add(message)
    if way.state in ("sent", "failed"):
        announce(message, row, work, way.problem or "")


def announce(message: Message, row: Correspondence, work: Work, code: str = "") -> None:
    """Say in the house whether a message reached its recipient.

    Args:
        message: a message that was just settled: sent, failed or ambiguous.
        row: its petition's correspondence, locked.
        work: the unit of work in which it was settled.
        code: why it failed.
    """
    about: dict[str, Any] = {
        "petition_id": row.petition_id,
        "number": row.number,
        "origin": Origin(channel=row.origin_channel, portal=row.origin_portal, reference=row.origin_reference),
        "sealed": row.sealed,
        "notice_id": message.id,
        "recipient": message.recipient,
        "channel": message.channel,
        "occasion": message.occasion,
        "about": message.event_id,
        "at": work.now,
    }
    work.traceparent = message.traceparent
    work.emit(row, NoticeDelivered(**about) if message.delivery == "sent" else NoticeFailed(**about, code=code))


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────

#: A use case that speaks: it needs to know how this house does.
Speaker = Callable[[Delivery[Any], Work, Manner], None]

#: Every event about petitions and cases; both lanes. ``speaking`` makes handlers of it.
ON_EVENTS: dict[type[Event], Speaker] = {
    **dict.fromkeys(
        (PetitionSubmitted, ReportSubmitted, PetitionSupplemented, PetitionWithdrawn, PetitionRated), follow_petition
    ),
    PetitionAssessed: follow_case,
    PetitionDispatched: follow_case,
    PetitionAccepted: follow_case,
    AssignmentObjected: follow_case,
    PetitionMerged: follow_case,
    PetitionUnmerged: follow_case,
    ReplyIssued: follow_case,
    PetitionClosed: follow_case,
    RiskRaised: follow_risk,
    RiskAcknowledged: follow_acknowledged,
}
#: The common lane also tells of hot topics.
ON_COMMON: dict[type[Event], Speaker] = {**ON_EVENTS, TopicEmerging: tell_topic}
ON_CONTACTS: dict[type[Event], Speaker] = {ContactSupplied: follow_contact}
ON_DIRECTORY: dict[type[Event], Handler] = {UnitChanged: follow_unit, StaffChanged: follow_staff}


def speaking(table: Mapping[type[Event], Speaker], manner: Manner) -> dict[type[Event], Handler]:
    """The handlers of ``table`` in a house of this manner."""

    def bound(speaker: Speaker) -> Handler:
        return lambda delivery, work: speaker(delivery, work, manner)

    return {event: bound(speaker) for event, speaker in table.items()}
