"""What routing does: one function per use case; the tables say which event leads to which."""

from __future__ import annotations

from services.chassis.delivery import Handler
from services.contracts.envelope import Event
from services.contracts.intake import (
    PetitionRated,
    PetitionSubmitted,
    PetitionSupplemented,
    PetitionWithdrawn,
    ReportSubmitted,
)
from services.routing.handlers.petitions import follow, take_in

#: Queue ``routing.petitions``.
ON_PETITION: dict[type[Event], Handler] = {
    PetitionSubmitted: take_in,
    PetitionSupplemented: follow,
    PetitionWithdrawn: follow,
    PetitionRated: follow,
}
#: Queue ``routing.reports``: the same for reports on persons, in their own lane.
ON_REPORT: dict[type[Event], Handler] = {
    ReportSubmitted: take_in,
    PetitionSupplemented: follow,
    PetitionWithdrawn: follow,
    PetitionRated: follow,
}
