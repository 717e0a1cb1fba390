"""What passes between an external portal and this house, in the portal's own virtual host or by webhook."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from services.contracts.envelope import Event, Text
from services.contracts.shared import Place


class PortalContact(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the petitioner, as the portal knows it."""

    name: str | None = None
    phone: str | None = None
    mail: str | None = None


class PortalPetitionFiled(Event, frozen=True, kw_only=True):
    """A portal hands over a petition. ``reference`` is its own number; a repeat changes nothing.

    ``kind`` is a plain string here, so that an unknown one is refused with its field and not as bad JSON.
    """

    type: ClassVar[str] = "portal.petition.filed.v1"
    source: ClassVar[str] = "portal"
    meaning: ClassVar[str] = "门户来件: a portal hands over a petition (in)"

    reference: str
    kind: str
    title: str
    body: str
    place: Place = Place()
    contact: PortalContact = PortalContact()
    publish: bool = False
    language: str = "zh-Hans"
    #: True for a report on a person 检举控告.
    sealed: bool = False

    @property
    def subject(self) -> str:
        return self.reference


class PortalAnswer(Event, frozen=True, kw_only=True):
    """Base of what the house answers to a portal."""

    source: ClassVar[str] = "intake"

    portal: str
    #: The portal's own number.
    reference: str

    @property
    def subject(self) -> str:
        return self.reference


class PortalPetitionRegistered(PortalAnswer, frozen=True, kw_only=True):
    """The petition is registered; number and code open its status page."""

    type: ClassVar[str] = "portal.petition.registered.v1"
    meaning: ClassVar[str] = "门户回执: the portal's petition is registered (out)"

    petition_id: str
    number: str
    query_code: str
    status_url: str


class PortalPetitionRefused(PortalAnswer, frozen=True, kw_only=True):
    """The petition was refused: which field, why (stable code) and what to do."""

    type: ClassVar[str] = "portal.petition.refused.v1"
    meaning: ClassVar[str] = "门户拒收: the portal's message was refused (out)"

    code: str
    field: str
    detail: str


class PortalPetitionUpdated(PortalAnswer, frozen=True, kw_only=True):
    """What became of the portal's petition, told by notify under the portal's own reference."""

    type: ClassVar[str] = "portal.petition.updated.v1"
    source: ClassVar[str] = "notify"
    meaning: ClassVar[str] = "门户告知: what became of the portal's petition (out)"

    number: str
    #: "received", "dispatched", "replied" …
    occasion: str
    state: str
    at: datetime
    unit: Text | None = None
    due_at: datetime | None = None
    reply: str | None = None


EVENTS = (PortalPetitionFiled, PortalPetitionRegistered, PortalPetitionRefused, PortalPetitionUpdated)
