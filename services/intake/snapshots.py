"""What intake answers to services that compare their copies, and whether its own copy of each case is whole."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.orm import undefer

from services.chassis.delivery import Delivery, Handler, Work
from services.chassis.reconcile import Followed, Owned, answering, comparing, settling, told_again
from services.contracts.compare import SnapshotListed, SnapshotRequested
from services.contracts.envelope import Event, Text
from services.contracts.intake import ContactSupplied
from services.contracts.routing import CaseEvent, CaseState, Reply
from services.contracts.shared import Origin
from services.contracts.snapshots import PetitionSnapshot
from services.intake import store
from services.intake.domain.receipt import make_code
from services.intake.handlers.petitioner import public_state
from services.intake.handlers.progress import stand, unit_name
from services.intake.models import Contact, Petition, Step

#: Ids of steps that are put in again are made of petition, code and moment.
_STEPS: Final = uuid.UUID("0c7a6c0e-5d5b-5a53-9d0b-3f0d7d1c9a41")

# ── answering ───────────────────────────────────────────────────────────────────────────────────────


def _snapshot(head: dict[str, Any], petition_id: str, row: Petition | None) -> PetitionSnapshot:
    if row is None:
        return PetitionSnapshot(**head, petition_id=petition_id)
    return PetitionSnapshot(
        **head, petition_id=row.id, number=row.number, origin=_origin(row), petition=public_state(row)
    )


def _origin(row: Petition) -> Origin:
    return Origin(channel=row.channel, portal=row.portal, reference=row.reference)


def contacts_again(asked: SnapshotRequested, work: Work, code_key: bytes) -> None:
    """Publish how to reach petitioners once more, by the one event and the one way that contacts ever take.

    Args:
        asked: names the petitions.
        work: the unit of work.
        code_key: the house's key of query codes.
    """
    work.preload(Petition, asked.ids)
    work.preload(Contact, asked.ids)
    for petition_id in asked.ids:
        petition, contact = work.get(Petition, petition_id), work.get(Contact, petition_id)
        if petition is None or contact is None:
            continue
        again = ContactSupplied(
            petition_id=petition.id,
            number=petition.number,
            origin=_origin(petition),
            sealed=petition.sealed,
            language=petition.language,
            title=petition.title,
            name=contact.name,
            phone=contact.phone,
            mail=contact.mail,
            query_code=make_code(code_key, petition.id),
        )
        work.emit(contact, again)


# ── comparing ───────────────────────────────────────────────────────────────────────────────────────


def _values(row: Petition) -> list[Any] | None:
    if row.withdrawn_at is not None:
        # Here it counts as withdrawn at once, whatever routing says of the case until it has heard.
        return None
    return [
        row.state,
        row.unit_id,
        None if row.unit is None else msgspec.convert(row.unit, Text),
        row.unit_line,
        row.due_at,
        None if row.reply is None else msgspec.convert(row.reply, Reply),
        row.together == "follows",
    ]


CASES: Final = Followed(
    asker="intake",
    owner="routing",
    model=Petition,
    fields=(
        "case.state",
        "case.unit.id",
        "case.unit.name",
        "case.unit_line",
        "case.due_at",
        "case.reply",
        "case.lead?",
    ),
    values=_values,
)
FOLLOWED: Final = (CASES,)


def _restore(delivery: Delivery[PetitionSnapshot], work: Work) -> str:
    """Bring the petition to where the case stands, with the steps that can be told from the state."""
    taken = delivery.event
    petition = work.get(Petition, taken.petition_id)
    if petition is None or taken.case is None:
        # Intake is where petitions are: what is gone here comes back from a backup only.
        return "lost_here"
    stand(Delivery(told_again(delivery, CaseEvent(**taken.told_of, case=taken.case))), work)
    there = {(step.code, step.at) for step in store.steps_of(work.session, petition.id)}
    for code, at, details in _steps(taken.case):
        if (code, at) not in there:
            name = f"{petition.id}/{code}/{at.isoformat()}"
            work.add(
                Step(
                    id=str(uuid.uuid5(_STEPS, name)),
                    petition_id=petition.id,
                    at=at,
                    sequence=taken.sequence,
                    code=code,
                    details={**details, store.RESTORED: True},
                )
            )
    return ""


def _steps(case: CaseState) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    unit = unit_name(case)
    due_at = case.due_at.isoformat() if case.due_at else None
    if case.dispatched_at is not None and unit is not None:
        yield "dispatched", case.dispatched_at, {"unit": unit, "due_at": due_at}
    if case.accepted_at is not None:
        yield "accepted", case.accepted_at, {"unit": unit, "due_at": due_at}
    if case.lead is not None:
        yield "merged", case.lead.since, {"leads": False, "unit": unit}
    if case.reply is not None:
        yield "replied", case.reply.issued_at, {"unit": msgspec.to_builtins(case.reply.unit.name)}
    if case.closed_at is not None:
        yield "closed", case.closed_at, {"reason": "withdrawn" if case.state == "withdrawn" else "rated"}


_ANSWER: Final = answering(Owned("intake", Petition, _snapshot, (undefer(Petition.body),)))
_LISTED: Final = comparing(FOLLOWED)
_TAKEN: Final = settling({CASES: _restore})
#: What queue ``intake.snapshots`` and its sealed twin bring.
TYPES: Final[tuple[type[Event], ...]] = (SnapshotRequested, SnapshotListed, PetitionSnapshot)


def on_snapshots(code_key: bytes) -> dict[type[Event], Handler]:
    """The handlers, in a house with this key of query codes."""

    def answer(delivery: Delivery[SnapshotRequested], work: Work) -> None:
        if delivery.event.contacts:
            contacts_again(delivery.event, work, code_key)
        else:
            _ANSWER(delivery, work)

    return {SnapshotRequested: answer, SnapshotListed: _LISTED, PetitionSnapshot: _TAKEN}
