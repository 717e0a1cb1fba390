"""Value types that events of several publishers carry: origin, place, unit, state names."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from services.contracts.envelope import Event, Text

#: 投诉 反映 咨询 建议.
Kind = Literal["complaint", "report", "inquiry", "suggestion"]
KINDS: tuple[Kind, ...] = ("complaint", "report", "inquiry", "suggestion")

#: How a petition came in: web form, JSON API, call 来电, letter 来信, visit 来访, portal.
Channel = Literal["form", "api", "call", "letter", "visit", "portal"]

#: State of a case (research: domain §2). Later states are added, never renamed; a reader that meets
#: one it does not know shows it as it is.
State = Literal[
    "submitted",
    "under_review",
    "dispatched",
    "objected",
    "accepted",
    "replied",
    "closed",
    "withdrawn",
]

#: Who may see a petition. ``dispatchers`` until it is assessed, ``units`` for the responsible unit,
#: its superiors and the petition office, ``sealed`` for sealed-case officers alone (检举控告).
Audience = Literal["dispatchers", "units", "sealed"]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a petition came from. (portal, reference) is unique."""

    channel: str
    portal: str | None = None
    #: The portal's own number of the petition.
    reference: str | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the matter is. Coordinates are degrees in the named reference system."""

    text: str = ""
    #: Administrative division code (GB/T 2260).
    adcode: str | None = None
    lat: float | None = None
    lon: float | None = None
    crs: Literal["WGS84", "GCJ02", "BD09"] = "WGS84"


class UnitRef(msgspec.Struct, frozen=True, kw_only=True):
    """A unit as other services name it."""

    id: str
    name: Text


#: The lane of reports on persons.
SEALED = "sealed"


class PetitionEvent(Event, frozen=True, kw_only=True):
    """Base of every event about one petition."""

    petition_id: str
    #: Receipt number with its check digit, as the citizen knows it.
    number: str
    origin: Origin
    #: True for reports on persons 检举控告, which travel on queues of their own.
    sealed: bool = False

    meaning: ClassVar[str] = ""

    @property
    def subject(self) -> str:
        return self.petition_id

    @property
    def lane(self) -> str:
        return SEALED if self.sealed else ""


#: What a staff account may do.
Role = Literal[
    "dispatcher",
    "officer",
    "checker",
    "unit_head",
    "supervisor",
    "sealed_officer",
    "publisher",
    "administrator",
]
