"""The rules of telling: who is told of what, by which way, who may read it, and what of an address may be shown."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote

from services.contracts.alerts import RiskRaised
from services.contracts.envelope import Envelope, Text
from services.contracts.routing import (
    CaseEvent,
    PetitionClosed,
    PetitionDispatched,
    PetitionMerged,
    PetitionUnmerged,
    ReplyIssued,
)

Recipient = Literal["citizen", "unit", "portal"]
#: What a message is about.
#: ``risk``: a danger that the unit on duty is asked to acknowledge. ``topic``: a hot topic that comes up, told to the
#: petition office; it is about no single petition.
Occasion = Literal["received", "dispatched", "merged", "unmerged", "replied", "closed", "risk", "topic"]
#: ``mail``: by SMTP. ``mailbox``: kept in the house, read on the page. ``phone``: known, but nothing sends text
#: messages. ``portal``: into the portal's own virtual host. ``webhook``: posted to the portal's own address.
Channel = Literal["mail", "mailbox", "phone", "portal", "webhook"]

RECIPIENTS: Final[tuple[Recipient, ...]] = ("citizen", "unit", "portal")
OCCASIONS: Final[tuple[Occasion, ...]] = (
    "received", "dispatched", "merged", "unmerged", "replied", "closed", "risk", "topic",
)  # fmt: skip
CHANNELS: Final[tuple[Channel, ...]] = ("mail", "mailbox", "phone", "portal", "webhook")
#: Delivery states of a message. ``skipped``: there is nothing to send it with, so nobody was told.
STATES: Final = ("pending", "sending", "sent", "failed", "ambiguous", "skipped")
#: The ways that a message to each recipient may take.
WAYS: Final[Mapping[Recipient, tuple[Channel, ...]]] = {
    "citizen": ("mail", "mailbox", "phone"),
    "unit": ("mail", "mailbox"),
    "portal": ("portal", "webhook"),
}
#: Which loop sends which channel; the others are settled when they are written.
SENDER_OF: Final[Mapping[Channel, str]] = {"mail": "mail", "portal": "portals", "webhook": "webhooks"}

#: Stands for the query code in a message's text; only the mail that goes out holds the code itself.
CODE_MARK: Final = "••••••••"

_NAMESPACE: Final = uuid.UUID("7f1a7a52-6f0c-5c43-9d5c-0a6f5b1f3e9d")


@lru_cache(maxsize=16_384)
def message_id(event_id: str, recipient: Recipient, channel: Channel) -> str:
    """Id of the one message for an event, recipient and channel: made of the three, so that a repeat is the same."""
    return str(uuid.uuid5(_NAMESPACE, f"{event_id}/{recipient}/{channel}"))


@dataclass(frozen=True)
class Manner:
    """How this house speaks.

    Args:
        public_url: address of the front door that messages point to.
        mail: mail goes out by SMTP; else it stays in the local mailbox.
        zone: legal zone, in which due dates are written.
        language: language of messages to units.
        signature: last line of every message.
        portals: the known portals, and the channel by which each is told; None: it takes no updates.
        office: the unit that is told of hot topics; "": they lie in the mailbox alone.
    """

    public_url: str
    mail: bool
    zone: tzinfo
    language: str = "zh-Hans"
    signature: str = "问政"
    portals: Mapping[str, Channel | None] = field(default_factory=dict)
    office: str = ""

    def status_url(self, number: str) -> str:
        """Where a petitioner reads how the petition stands."""
        return f"{self.public_url}/petitions/status?number={quote(number)}"

    def desk_url(self) -> str:
        """Where a unit works."""
        return f"{self.public_url}/desk"

    def topic_url(self, topic_id: str) -> str:
        """Where staff read what a hot topic is made of."""
        return f"{self.public_url}/desk/topics/{quote(topic_id)}"


class Way(NamedTuple):
    """One way to a recipient: the channel, the address, and the state a message begins in."""

    channel: Channel
    address: str
    state: str = "pending"
    #: Stable code, where the state needs a reason.
    problem: str | None = None


def way_to_citizen(mail: str | None, phone: str | None, manner: Manner) -> Way | None:
    """Mail where it is known; a phone number alone gives a message that nothing can send; None: nobody to tell."""
    if mail:
        return Way("mail", mail) if manner.mail else Way("mailbox", mail, "sent")
    if phone:
        return Way("phone", phone, "skipped", "no_text_messages")
    return None


def way_to_unit(mail: str | None, sealed: bool, manner: Manner) -> Way:
    """The unit's office mail; without one, or for a sealed petition, the house's own mailbox (Art. 30: no leak)."""
    if mail and manner.mail and not sealed:
        return Way("mail", mail)
    return Way("mailbox", mail or "", "sent")


def way_to_portal(portal: str, manner: Manner) -> Way:
    """The portal's own virtual host where it has one, else its webhook."""
    if portal not in manner.portals:
        return Way("portal", portal, "failed", "unknown_portal")
    channel = manner.portals[portal]
    return Way(channel, portal) if channel else Way("webhook", portal, "skipped", "no_webhook_channel")


@dataclass(frozen=True)
class Matter:
    """What happened, as far as a message may say it. Kept while the petitioner's contact is not here yet."""

    event_id: str
    occasion: Occasion
    state: str
    at: datetime
    traceparent: str | None = None
    unit_id: str | None = None
    unit: Text | None = None
    due_at: datetime | None = None
    #: It went from one unit to another before.
    handed_over: bool = False
    #: Why the case was closed; "leads": another one follows it now; "together": the reply was given to several at once.
    because: str = ""
    #: Kinds of danger by name.
    dangers: tuple[Text, ...] = ()
    #: Which step of the duty roster is asked, and whether it was asked before.
    step: int = 1
    again: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "event_id": self.event_id,
            "occasion": self.occasion,
            "state": self.state,
            "at": self.at.isoformat(),
            "traceparent": self.traceparent,
            "unit_id": self.unit_id,
            "unit": [self.unit.zh, self.unit.en] if self.unit else None,
            "due_at": self.due_at.isoformat() if self.due_at else None,
            "handed_over": self.handed_over,
            "because": self.because,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Matter:
        """The reverse of ``as_dict``."""
        unit, due = kept["unit"], kept["due_at"]
        return cls(
            **{
                **kept,
                "at": datetime.fromisoformat(kept["at"]),
                "unit": Text(zh=unit[0], en=unit[1]) if unit else None,
                "due_at": datetime.fromisoformat(due) if due else None,
            }
        )


def occasion_of(event: CaseEvent) -> Occasion | None:
    """What a case event gives occasion to tell; None when it is nobody's news."""
    if isinstance(event, PetitionDispatched):
        return "dispatched"
    if isinstance(event, ReplyIssued):
        return "replied"
    if isinstance(event, PetitionMerged):
        return "merged" if _joining_is_news(event) else None
    if isinstance(event, PetitionUnmerged):
        # Whose case led goes on as before.
        return None if event.leads else "unmerged"
    return "closed" if isinstance(event, PetitionClosed) else None


def _joining_is_news(event: PetitionMerged) -> bool:
    """Told to whoever joins, and once to whoever leads; not when another one leads since the first was withdrawn."""
    return event.by != "rule" and (not event.leads or len(event.case.joined) == 1)


def _because(event: CaseEvent) -> str:
    if isinstance(event, PetitionClosed):
        return event.reason
    if isinstance(event, PetitionMerged):
        return "leads" if event.leads else ""
    return "together" if isinstance(event, ReplyIssued) and event.case.lead is not None else ""


def news_of(event: CaseEvent, envelope: Envelope) -> Matter | None:
    """What there is to tell of a case event; None when it is nobody's news."""
    occasion, case = occasion_of(event), event.case
    if occasion is None:
        return None
    return Matter(
        event_id=envelope.id,
        occasion=occasion,
        state=case.state,
        at=envelope.time,
        traceparent=envelope.traceparent,
        unit_id=case.unit.id if case.unit else None,
        unit=case.unit.name if case.unit else None,
        due_at=case.due_at,
        handed_over=case.hops > 0,
        because=_because(event),
    )


def danger_of(event: RiskRaised, envelope: Envelope) -> Matter:
    """What the unit on duty is told of a danger: which kind and by when. The petitioner's words stay at the desk."""
    return Matter(
        event_id=envelope.id,
        occasion="risk",
        state="",
        at=envelope.time,
        traceparent=envelope.traceparent,
        unit_id=event.unit.id if event.unit else None,
        unit=event.unit.name if event.unit else None,
        due_at=event.due_at,
        dangers=tuple(event.names),
        step=event.step,
        again=event.again > 0,
    )


def told_of(matter: Matter) -> tuple[Recipient, ...]:
    """Who is told. No unit is responsible yet at receipt; who rated the reply knows that the case is over."""
    if matter.occasion == "received" or (matter.occasion == "merged" and matter.because == "leads"):
        return ("citizen", "portal")
    if matter.occasion == "risk":
        return ("unit",)
    if matter.occasion != "closed":
        return RECIPIENTS
    if matter.because == "withdrawn":
        return RECIPIENTS
    return ("citizen", "portal") if matter.because == "rating_lapsed" else ("portal",)


# ── who may read a message ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Scope:
    """What of the messages a member of staff may read.

    Args:
        common: every message about petitions that are not sealed.
        sealed: every message about sealed petitions.
        unit_id: the messages to this unit, unless sealed.
    """

    common: bool = False
    sealed: bool = False
    unit_id: str | None = None

    def __bool__(self) -> bool:
        return self.common or self.sealed or self.unit_id is not None


def scope_of(roles: Collection[str], unit_id: str | None) -> Scope:
    """The petition office reads all that is not sealed, a unit its own, sealed-case officers the sealed (Art. 30)."""
    own = unit_id if any(role in roles for role in ("officer", "checker", "unit_head")) else None
    return Scope(
        common=any(role in roles for role in ("dispatcher", "supervisor")),
        sealed="sealed_officer" in roles,
        unit_id=own,
    )
