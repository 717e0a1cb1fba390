"""What a petitioner does after filing: add something, take the petition back, rate the reply."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import msgspec

from services.chassis.delivery import Work
from services.chassis.errors import Refusal
from services.contracts.intake import (
    IntakeEvent,
    PetitionRated,
    PetitionState,
    PetitionSupplemented,
    PetitionWithdrawn,
    Rating,
    Supplement,
)
from services.contracts.shared import Kind, Origin, Place
from services.intake.domain.petition import SUPPLEMENTS, may_rate, may_supplement, may_withdraw
from services.intake.models import Petition


def supplement(work: Work, petition_id: str, text: str) -> None:
    """Add a text to a petition. The same text twice in a row (a double click) is added once.

    Args:
        work: the unit of work.
        petition_id: the petition.
        text: cleaned and checked.

    Raises:
        Refusal: ``supplement_closed``, ``too_many_supplements``.
    """
    petition = _petition(work, petition_id)
    if petition.supplements and petition.supplements[-1]["text"] == text:
        return
    if not may_supplement(petition.state, len(petition.supplements)):
        if len(petition.supplements) >= SUPPLEMENTS:
            raise Refusal(
                "too_many_supplements",
                "Nothing more can be added after %(limit)s supplements; call the petition office instead.",
                status=409,
                limit=SUPPLEMENTS,
            )
        raise Refusal("supplement_closed", "This petition has ended; file a new one that names its number.", status=409)
    added = Supplement(text=text, at=work.now)
    petition.supplements = [*petition.supplements, msgspec.to_builtins(added)]
    _publish(work, petition, PetitionSupplemented)


def withdraw(work: Work, petition_id: str, reason: str) -> None:
    """Take a petition back before there is a reply (T28). Doing it twice is doing it once.

    Raises:
        Refusal: ``too_late_to_withdraw``.
    """
    petition = _petition(work, petition_id)
    if petition.withdrawn_at is not None:
        return
    if not may_withdraw(petition.state):
        raise Refusal(
            "too_late_to_withdraw",
            "There is a reply already, so the petition cannot be withdrawn; rate the reply instead.",
            status=409,
        )
    petition.withdrawn_at, petition.withdrawal_reason, petition.state = work.now, reason, "withdrawn"
    _publish(work, petition, PetitionWithdrawn)


def rate(work: Work, petition_id: str, solved: bool | None, satisfaction: int, comment: str) -> None:
    """Rate the reply, once (信访工作条例 Art. 21). The same rating again is no error.

    Args:
        work: the unit of work.
        petition_id: the petition.
        solved: whether the matter is solved; None: not said.
        satisfaction: 1 (very poor) … 5 (very good).
        comment: cleaned and checked; may be empty.

    Raises:
        Refusal: ``nothing_to_rate``, ``rated_already``.
    """
    petition = _petition(work, petition_id)
    given = petition.rating
    if given is not None:
        if (given["solved"], given["satisfaction"], given["comment"]) == (solved, satisfaction, comment):
            return
        raise Refusal("rated_already", "This reply was rated already; a rating cannot be changed.", status=409)
    if not may_rate(petition.state, petition.reply is not None, rated=False):
        raise Refusal("nothing_to_rate", "There is no reply to rate yet; come back when it is there.", status=409)
    rating = Rating(solved=solved, satisfaction=satisfaction, comment=comment, at=work.now)
    petition.rating = msgspec.to_builtins(rating)
    _publish(work, petition, PetitionRated)


def public_state(petition: Petition) -> PetitionState:
    """Intake's full public state of a petition."""
    return PetitionState(
        kind=cast(Kind, petition.kind),
        title=petition.title,
        body=petition.body,
        submitted_at=petition.submitted_at,
        place=msgspec.convert(petition.place, Place),
        language=petition.language,
        petitioner_key=petition.petitioner_key,
        publish=petition.publish,
        supplements=supplements_of(petition),
        withdrawn_at=petition.withdrawn_at,
        withdrawal_reason=petition.withdrawal_reason,
        rating=rating_of(petition),
    )


def supplements_of(petition: Petition) -> list[Supplement]:
    """What was added, oldest first."""
    return [Supplement(text=s["text"], at=datetime.fromisoformat(s["at"])) for s in petition.supplements]


def rating_of(petition: Petition) -> Rating | None:
    """The rating, once there is one."""
    return None if petition.rating is None else msgspec.convert(petition.rating, Rating)


def _petition(work: Work, petition_id: str) -> Petition:
    petition = work.get(Petition, petition_id)
    if petition is None:
        raise Refusal("unknown_petition", "There is no such petition.", status=404)
    return petition


def _publish(work: Work, petition: Petition, event_class: type[IntakeEvent]) -> None:
    work.emit(
        petition,
        event_class(
            petition_id=petition.id,
            number=petition.number,
            origin=Origin(channel=petition.channel, portal=petition.portal, reference=petition.reference),
            sealed=petition.sealed,
            petition=public_state(petition),
        ),
    )
