"""What notify publishes: whether a message reached its recipient. No address is ever in it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from services.contracts.shared import PetitionEvent


class NoticeEvent(PetitionEvent, frozen=True, kw_only=True):
    """Base of notify's events: one message, one recipient, one channel."""

    source: ClassVar[str] = "notify"

    notice_id: str
    #: "citizen", "unit", "portal"; more may come.
    recipient: str
    #: "mail", "portal", "mailbox" …
    channel: str
    #: What it was about: "received", "dispatched", "replied" …
    occasion: str
    #: Id of the event that led to the message.
    about: str
    at: datetime


class NoticeDelivered(NoticeEvent, frozen=True, kw_only=True):
    """The message was taken over by the recipient's side."""

    type: ClassVar[str] = "notice.delivered.v1"
    meaning: ClassVar[str] = "已告知: a message was delivered"


class NoticeFailed(NoticeEvent, frozen=True, kw_only=True):
    """The message could not be delivered and will not be tried again."""

    type: ClassVar[str] = "notice.failed.v1"
    meaning: ClassVar[str] = "告知失败: a message could not be delivered"

    #: Stable code: "permanent", "attempts_used_up", "no_address", "ambiguous" …
    code: str


EVENTS = (NoticeDelivered, NoticeFailed)
