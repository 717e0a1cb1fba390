"""What routing answers to services that compare their copies, and whether its own copy of each petition is whole."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from services.chassis.delivery import Delivery, Handler, Work
from services.chassis.reconcile import Followed, Owned, answering, comparing, settling, told_again
from services.contracts.compare import SnapshotListed, SnapshotRequested
from services.contracts.envelope import Event
from services.contracts.intake import IntakeEvent
from services.contracts.shared import Origin
from services.contracts.snapshots import PetitionSnapshot
from services.routing import store
from services.routing.handlers.petitions import follow, open_again
from services.routing.handlers.record import petition_of, state_of
from services.routing.handlers.risks import ask_anew
from services.routing.handlers.together import part
from services.routing.models import Case


def _snapshot(head: dict[str, Any], petition_id: str, case: Case | None) -> PetitionSnapshot:
    if case is None:
        return PetitionSnapshot(**head, petition_id=petition_id)
    return PetitionSnapshot(
        **head,
        petition_id=case.petition_id,
        number=case.number,
        origin=msgspec.convert(case.origin, Origin),
        case=state_of(case),
    )


def _values(case: Case) -> list[Any]:
    return [case.number, msgspec.convert(case.origin, Origin), petition_of(case)]


def _sound(case: Case) -> bool:
    """What is kept in columns of its own, for lists and look-alikes, is what intake told."""
    petition = petition_of(case)
    told = (petition.kind, petition.title, petition.submitted_at, petition.petitioner_key)
    return (case.kind, case.title, case.submitted_at, case.petitioner_key) == told and (
        not case.sealed or case.audience == "sealed"
    )


PETITIONS: Final = Followed(
    asker="routing",
    owner="intake",
    model=Case,
    fields=("number", "origin", "petition"),
    values=_values,
    sound=_sound,
)
FOLLOWED: Final = (PETITIONS,)


def _restore(delivery: Delivery[PetitionSnapshot], work: Work) -> str:
    """Open the case that is missing, or bring the one that is there to what intake holds of the petition."""
    taken = delivery.event
    if taken.petition is None:
        return "nothing_told"
    event: IntakeEvent = IntakeEvent(**taken.told_of, petition=taken.petition)
    envelope = told_again(delivery, event)
    case = work.get(Case, taken.petition_id)
    if case is None:
        store.loading.forget_bands(work, taken.petition_id)
        store.load_cases(work, [envelope])
        steps = store.cases.last_step(work.session, taken.petition_id)
        # It may have been told of under lower numbers before it was lost; seconds outrun any count of steps.
        open_again(Delivery(envelope), work, steps=steps, sequence=int(work.now.timestamp()))
        return ""
    if taken.sealed and not (case.sealed and case.audience == "sealed"):
        part(work, case)
        case.sealed, case.audience = True, "sealed"
        store.loading.forget_features(work, case)
        ask_anew(work, case)
    store.load_cases(work, [envelope])
    case.number, case.origin = event.number, msgspec.to_builtins(event.origin)
    case.kind, case.title = event.petition.kind, event.petition.title
    case.submitted_at, case.petitioner_key = event.petition.submitted_at, event.petition.petitioner_key
    follow(Delivery(envelope), work)
    return ""


#: Queue ``routing.snapshots`` and its sealed twin.
ON_SNAPSHOTS: dict[type[Event], Handler] = {
    SnapshotRequested: answering(Owned("routing", Case, _snapshot)),
    SnapshotListed: comparing(FOLLOWED),
    PetitionSnapshot: settling({PETITIONS: _restore}),
}
