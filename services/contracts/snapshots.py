"""The full state of one petition as its owner answers it to a service that compares its copy. Never a contact."""

from __future__ import annotations

from typing import Any, ClassVar

from services.contracts import compare
from services.contracts.compare import SnapshotTaken
from services.contracts.intake import PetitionState
from services.contracts.routing import CaseState
from services.contracts.shared import Origin


class PetitionSnapshot(SnapshotTaken, frozen=True, kw_only=True):
    """What intake holds of a petition, or routing of its case, for the one service that asked."""

    type: ClassVar[str] = "petition.snapshot.v1"
    full_state: ClassVar[bool] = True
    meaning: ClassVar[str] = "对账快照: the owner's full public state of a petition, for the one service that asked"

    petition_id: str
    number: str = ""
    origin: Origin | None = None
    #: From intake.
    petition: PetitionState | None = None
    #: From routing.
    case: CaseState | None = None

    @property
    def subject(self) -> str:
        return self.petition_id

    @property
    def told_of(self) -> dict[str, Any]:
        """What every event about the petition begins with."""
        origin = self.origin or Origin(channel="")
        return {"petition_id": self.petition_id, "number": self.number, "origin": origin, "sealed": self.sealed}


EVENTS = (*compare.EVENTS, PetitionSnapshot)
