"""Look at how to reach a petitioner: never without a reason, never without a trace."""

from __future__ import annotations

from services.chassis.delivery import Work
from services.chassis.errors import Refusal
from services.chassis.identity import Staff
from services.chassis.ids import uuid7
from services.intake import store
from services.intake.domain.petition import may_see_contact
from services.intake.models import Contact, ContactView, Petition

UNKNOWN = "There is no petition with this number, or it is not one of your unit's."


def petition_for(work: Work, number: str, staff: Staff) -> Petition:
    """The petition whose contact ``staff`` may see.

    Raises:
        Refusal: ``contact_not_yours``, the same for a number that does not exist: whether there is a sealed
            report is told to nobody.
    """
    petition = store.petition_by_number(work.session, number)
    if petition is None or not may_see_contact(
        staff.roles, staff.unit_id, sealed=petition.sealed, unit=petition.unit_id, unit_line=petition.unit_line
    ):
        raise Refusal("contact_not_yours", UNKNOWN, status=404)
    return petition


def see_contact(work: Work, number: str, staff: Staff, reason: str) -> Contact | None:
    """Write down who looks and why, then give the contact; None when the petitioner left none.

    Args:
        work: the unit of work; the contact may be shown only after it is committed.
        number: receipt number.
        staff: who looks.
        reason: why, in the person's own words.

    Raises:
        Refusal: ``reason_missing``, ``contact_not_yours``.
    """
    if len(reason) < 4:
        raise Refusal("reason_missing", "Write why you need the contact, in a few words.", field="reason")
    petition = petition_for(work, number, staff)
    work.add(
        ContactView(
            id=uuid7(),
            petition_id=petition.id,
            number=petition.number,
            sealed=petition.sealed,
            staff_id=staff.id,
            staff_name=staff.name,
            unit_id=staff.unit_id,
            reason=reason,
            at=work.now,
        )
    )
    return store.contact_of(work.session, petition.id)
