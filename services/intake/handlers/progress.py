"""Follow what routing and notify say about a petition, so that its status page can tell the way so far."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.chassis.delivery import Delivery, Handler, Work
from services.chassis.errors import Park
from services.contracts.envelope import Event
from services.contracts.notify import NoticeDelivered, NoticeEvent, NoticeFailed
from services.contracts.routing import (
    AssignmentObjected,
    CaseEvent,
    CaseState,
    PetitionAccepted,
    PetitionAssessed,
    PetitionClosed,
    PetitionDispatched,
    PetitionMerged,
    PetitionUnmerged,
    ReplyIssued,
    StaffChanged,
)
from services.contracts.shared import PetitionEvent
from services.intake.models import Account, Petition, Step

#: Who acts in routing where no person does.
RULE = "rule"


def assessed(delivery: Delivery[PetitionAssessed], work: Work) -> None:
    """The petition was read and sorted."""
    _case(delivery, work, "assessed", {})


def dispatched(delivery: Delivery[PetitionDispatched], work: Work) -> None:
    """The petition has a responsible unit and a due date."""
    case = delivery.event.case
    _case(delivery, work, "dispatched", {"unit": unit_name(case), "due_at": _text(case.due_at)})


def accepted(delivery: Delivery[PetitionAccepted], work: Work) -> None:
    """The unit accepted it."""
    case = delivery.event.case
    _case(delivery, work, "accepted", {"unit": unit_name(case), "due_at": _text(case.due_at)})


def objected(delivery: Delivery[AssignmentObjected], work: Work) -> None:
    """The unit handed it back. Its reason is written for the office; the citizen reads that it goes on."""
    _case(delivery, work, "objected", {"unit": msgspec.to_builtins(delivery.event.unit.name)})


def merged(delivery: Delivery[PetitionMerged], work: Work) -> None:
    """It is handled together with another petition, of which this one's petitioner learns nothing more.

    Of many that join one after the other its petitioner reads once; nor when another of them leads.
    """
    event = delivery.event
    if event.by == RULE or (event.leads and len(event.case.joined) > 1):
        stand(delivery, work)
        return
    _case(delivery, work, "merged", {"leads": event.leads, "unit": unit_name(event.case)})


def unmerged(delivery: Delivery[PetitionUnmerged], work: Work) -> None:
    """It is handled on its own again. Whose petition led goes on as before."""
    if delivery.event.leads:
        stand(delivery, work)
        return
    _case(delivery, work, "unmerged", {"unit": unit_name(delivery.event.case)})


def replied(delivery: Delivery[ReplyIssued], work: Work) -> None:
    """There is a reply."""
    reply = delivery.event.case.reply
    _case(delivery, work, "replied", {"unit": msgspec.to_builtins(reply.unit.name) if reply else None})


def closed(delivery: Delivery[PetitionClosed], work: Work) -> None:
    """The case ended."""
    _case(delivery, work, "closed", {"reason": delivery.event.reason})


def told(delivery: Delivery[NoticeDelivered], work: Work) -> None:
    """A message reached the petitioner."""
    _notice(delivery, work, "told")


def not_told(delivery: Delivery[NoticeFailed], work: Work) -> None:
    """A message could not reach the petitioner."""
    _notice(delivery, work, "not_told")


def staff_changed(delivery: Delivery[StaffChanged], work: Work) -> None:
    """A staff account was made, changed or revoked."""
    event = delivery.event
    account = work.get(Account, event.staff_id)
    if account is None:
        account = Account(id=event.staff_id, name="", unit_id=None, roles=[], active=True, seen={})
        work.add(account)
    if not work.advance(account, delivery.envelope):
        return
    account.name, account.unit_id = event.display_name, event.unit_id
    account.roles, account.active = event.roles, event.active


def _case(delivery: Delivery[Any], work: Work, code: str, details: dict[str, Any]) -> None:
    event: CaseEvent = delivery.event
    petition = _petition(event, work)
    # A step is a fact of its own: it belongs to the way even when a later one was heard of first.
    _step(delivery, work, petition, delivery.envelope.time, code, details)
    _stand(petition, event.case, delivery, work)


def stand(delivery: Delivery[CaseEvent], work: Work) -> None:
    """Bring the petition to where the case stands, without a step: nobody says what happened."""
    _stand(_petition(delivery.event, work), delivery.event.case, delivery, work)


def _stand(petition: Petition, case: CaseState, delivery: Delivery[Any], work: Work) -> None:
    if not work.advance(petition, delivery.envelope):
        return
    # Routing may not have heard yet that the petitioner took it back.
    if petition.withdrawn_at is None or case.state in ("replied", "closed", "withdrawn"):
        petition.state = case.state
    petition.unit_id = case.unit.id if case.unit else None
    petition.unit = unit_name(case)
    petition.unit_line = case.unit_line
    petition.due_at = case.due_at
    petition.reply = msgspec.to_builtins(case.reply) if case.reply else None
    petition.together = "follows" if case.lead else "leads" if case.joined else None


def _notice(delivery: Delivery[Any], work: Work, code: str) -> None:
    event: NoticeEvent = delivery.event
    if event.recipient != "citizen":
        return
    details = {"channel": event.channel, "occasion": event.occasion}
    _step(delivery, work, _petition(event, work), event.at, code, details)


def _step(
    delivery: Delivery[Any], work: Work, petition: Petition, at: datetime, code: str, details: dict[str, Any]
) -> None:
    envelope = delivery.envelope
    work.add(
        Step(id=envelope.id, petition_id=petition.id, at=at, sequence=envelope.sequence, code=code, details=details)
    )


def _petition(event: PetitionEvent, work: Work) -> Petition:
    petition = work.get(Petition, event.petition_id)
    if petition is None:
        raise Park("unknown_petition", event.petition_id)
    return petition


def unit_name(case: CaseState) -> dict[str, Any] | None:
    """The name of the responsible unit as it is kept."""
    if case.unit is None:
        return None
    name: dict[str, Any] = msgspec.to_builtins(case.unit.name)
    return name


def _text(value: Any) -> str | None:
    return value.isoformat() if value is not None else None


#: Routing's case events: on the common lane and, for reports on persons, on the sealed one.
ON_CASE: dict[type[Event], Handler] = {
    PetitionAssessed: assessed,
    PetitionDispatched: dispatched,
    PetitionAccepted: accepted,
    AssignmentObjected: objected,
    PetitionMerged: merged,
    PetitionUnmerged: unmerged,
    ReplyIssued: replied,
    PetitionClosed: closed,
    NoticeDelivered: told,
    NoticeFailed: not_told,
}

#: Everything intake follows.
ON_PROGRESS: dict[type[Event], Handler] = {**ON_CASE, StaffChanged: staff_changed}
