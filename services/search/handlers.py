"""What search does with each event: merge it into the petition's one row; the sender loop does the rest."""

from __future__ import annotations

from typing import Any

from services.chassis.delivery import Delivery, Handler, Work
from services.contracts import intake, notify, routing
from services.contracts.envelope import Event
from services.contracts.shared import PetitionEvent
from services.search import domain
from services.search.models import Account, PetitionView, Unit


def _row_of(event: PetitionEvent, work: Work) -> PetitionView:
    """The petition's row, made by whichever event comes first."""
    row = work.get(PetitionView, event.petition_id)
    if row is None:
        row = PetitionView(
            petition_id=event.petition_id,
            seen={},
            version=0,
            indexed_version=0,
            notices_delivered=0,
            notices_failed=0,
            sealed=False,
            unit_line=[],
            changed_at=work.now,
            **_origin(event),
        )
        work.add(row)
    # Sealed once is sealed for good, whichever event said so and in whatever order they came.
    row.sealed = row.sealed or event.sealed
    return row


def _origin(event: PetitionEvent) -> dict[str, Any]:
    origin = event.origin
    return {
        "number": event.number,
        "channel": origin.channel,
        "portal": origin.portal,
        "reference": origin.reference,
    }


def _changed(row: PetitionView, work: Work) -> None:
    """Settle what follows from the whole row and let it wait for the index."""
    row.kind = row.case_kind or row.filed_kind
    row.state = domain.state_now(row.case_state, row.withdrawn_at is not None)
    row.audience = domain.audience_now(row.sealed, row.case_audience)
    row.version += 1
    row.changed_at = work.now
    # Where traces are wanted, the writing of the index belongs to that of the event which asked for it.
    row.traceparent = work.cause.traceparent if work.recording is not None and work.cause is not None else None


def follow_petition(delivery: Delivery[intake.IntakeEvent], work: Work) -> None:
    """Intake said how the petition stands there."""
    event = delivery.event
    row = _row_of(event, work)
    if not work.advance(row, delivery.envelope):
        return
    petition = event.petition
    row.filed_kind, row.title, row.body = petition.kind, petition.title, petition.body
    row.submitted_at, row.language = petition.submitted_at, petition.language
    row.place, row.adcode = petition.place.text, petition.place.adcode
    row.petitioner_key, row.publish = petition.petitioner_key, petition.publish
    row.supplements = [{"text": piece.text, "at": piece.at.isoformat()} for piece in petition.supplements]
    row.withdrawn_at = petition.withdrawn_at
    row.solved = petition.rating.solved if petition.rating else None
    row.satisfaction = petition.rating.satisfaction if petition.rating else None
    _changed(row, work)


def follow_case(delivery: Delivery[routing.CaseEvent], work: Work) -> None:
    """Routing said how the case stands."""
    event = delivery.event
    row = _row_of(event, work)
    if not work.advance(row, delivery.envelope):
        return
    case = event.case
    row.case_state, row.case_audience, row.case_kind = case.state, case.audience, case.kind
    row.subject, row.risks = case.assessment.subject, list(case.assessment.risks)
    row.unit_id = case.unit.id if case.unit else None
    row.unit_name = {"zh": case.unit.name.zh, "en": case.unit.name.en} if case.unit else None
    row.unit_line, row.hops = list(case.unit_line), case.hops
    row.dispatched_at, row.accepted_at = case.dispatched_at, case.accepted_at
    row.due_at, row.closed_at = case.due_at, case.closed_at
    reply = case.reply
    row.reply, row.basis = (reply.text, reply.basis) if reply else ("", "")
    row.lead = case.lead.number if case.lead else None
    row.joined = [one.number for one in case.joined]
    row.outcome, row.replied_at = (reply.outcome, reply.issued_at) if reply else (None, None)
    _changed(row, work)


def count_notice(delivery: Delivery[notify.NoticeEvent], work: Work) -> None:
    """A message was delivered or given up. Counting needs no order, and the inbox lets each event in once."""
    sealed_before = (row := work.get(PetitionView, delivery.event.petition_id)) is not None and row.sealed
    row = _row_of(delivery.event, work)
    if isinstance(delivery.event, notify.NoticeDelivered):
        row.notices_delivered += 1
    else:
        row.notices_failed += 1
    if row.sealed and not sealed_before:
        _changed(row, work)


def note_unit(delivery: Delivery[routing.UnitChanged], work: Work) -> None:
    """A unit has this name now."""
    event = delivery.event
    row = work.get(Unit, event.unit_id)
    if row is None:
        row = Unit(id=event.unit_id, seen={}, name_zh=event.name.zh)
        work.add(row)
    if not work.advance(row, delivery.envelope):
        return
    row.name_zh, row.name_en = event.name.zh, event.name.en
    row.parent, row.valid_to = event.parent, event.valid_to


def note_account(delivery: Delivery[routing.StaffChanged], work: Work) -> None:
    """A staff account stands so now; a revoked one is refused from here on."""
    event = delivery.event
    row = work.get(Account, event.staff_id)
    if row is None:
        row = Account(id=event.staff_id, seen={}, name=event.display_name)
        work.add(row)
    if not work.advance(row, delivery.envelope):
        return
    row.name, row.unit_id = event.display_name, event.unit_id
    row.roles, row.active = list(event.roles), event.active


#: What travels in both lanes.
ON_PETITIONS: dict[type[Event], Handler] = {
    intake.PetitionSubmitted: follow_petition,
    intake.ReportSubmitted: follow_petition,
    intake.PetitionSupplemented: follow_petition,
    intake.PetitionWithdrawn: follow_petition,
    intake.PetitionRated: follow_petition,
    routing.PetitionAssessed: follow_case,
    routing.PetitionDispatched: follow_case,
    routing.PetitionAccepted: follow_case,
    routing.AssignmentObjected: follow_case,
    routing.PetitionMerged: follow_case,
    routing.PetitionUnmerged: follow_case,
    routing.ReplyIssued: follow_case,
    routing.PetitionClosed: follow_case,
    notify.NoticeDelivered: count_notice,
    notify.NoticeFailed: count_notice,
}
#: The common lane also tells of units and staff.
ON_EVENTS: dict[type[Event], Handler] = {
    **ON_PETITIONS,
    routing.UnitChanged: note_unit,
    routing.StaffChanged: note_account,
}
