"""Notify's tables: the correspondence of each petition, one row per message, units and staff."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, Boolean, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.chassis.database import UtcDateTime
from services.chassis.delivery import Follows, Sequenced
from services.chassis.identity import AccountColumns
from services.chassis.sender_rows import Sendable, waiting_index


class Base(DeclarativeBase):
    """All tables of notify."""


class Correspondence(Sequenced, Follows, Base):
    """What is known for telling about one petition, put together from events that arrive in any order.

    Name, phone and mail are personal data: they are here and in ``Message.address``, nowhere else in notify.
    """

    __tablename__ = "correspondence"
    __table_args__ = (
        Index("correspondence_sealed", "petition_id", sqlite_where=text("sealed = 1"), postgresql_where=text("sealed")),
    )

    petition_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(40), index=True)
    origin_channel: Mapped[str] = mapped_column(String(20))
    origin_portal: Mapped[str | None] = mapped_column(String(80))
    origin_reference: Mapped[str | None] = mapped_column(String(200))
    sealed: Mapped[bool] = mapped_column(Boolean)
    title: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(20))
    #: None until intake said whether the petitioner left a contact.
    has_contact: Mapped[bool | None] = mapped_column(Boolean)
    #: True once the contact itself is here.
    contact_here: Mapped[bool] = mapped_column(Boolean)
    name: Mapped[str | None] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(40))
    mail: Mapped[str | None] = mapped_column(String(320))
    #: Kept until the receipt is written, then forgotten.
    query_code: Mapped[str | None] = mapped_column(String(40))
    #: What the petitioner is to be told as soon as the contact is here (domain.Matter).
    waiting: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class Message(Sendable, Base):
    """One message: one event, one recipient, one channel, with its delivery state."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("event_id", "recipient", "channel"),
        Index("message_created_at", "created_at", "id"),
        waiting_index("message_waiting", "sender", "created_at", "id"),
    )

    #: Made of event, recipient and channel; also the Message-ID of the mail and the event id to the portal.
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(64))
    #: Of a hot topic: the topic's id, and no number.
    petition_id: Mapped[str] = mapped_column(String(36), index=True)
    number: Mapped[str] = mapped_column(String(40), index=True)
    occasion: Mapped[str] = mapped_column(String(20))
    recipient: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(10))
    #: The loop that sends it, "" when it was settled as it was written.
    sender: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(20))
    #: The unit it is for, when it is for one.
    unit_id: Mapped[str | None] = mapped_column(String(80), index=True)
    address: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    #: The query code that the mail holds, until it went out.
    secret: Mapped[str | None] = mapped_column(String(40))
    traceparent: Mapped[str | None] = mapped_column(String(55))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __mapper_args__ = {"polymorphic_on": "sender", "polymorphic_identity": ""}  # noqa: RUF012 - SQLAlchemy reads it so


class MailMessage(Message):
    """A message that the mail loop sends."""

    __mapper_args__ = {"polymorphic_identity": "mail"}  # noqa: RUF012 - SQLAlchemy reads it so


class PortalNote(Message):
    """A message that the portal loop publishes; its body is the JSON payload of the event."""

    __mapper_args__ = {"polymorphic_identity": "portals"}  # noqa: RUF012 - SQLAlchemy reads it so


class WebhookNote(Message):
    """A message that the webhook loop posts; its body is the JSON payload of the event."""

    __mapper_args__ = {"polymorphic_identity": "webhooks"}  # noqa: RUF012 - SQLAlchemy reads it so


#: What a message is by the loop that sends it.
BY_SENDER: Final[Mapping[str, type[Message]]] = {"mail": MailMessage, "portals": PortalNote, "webhooks": WebhookNote}


class Unit(Follows, Base):
    """A unit of the directory, as routing tells it."""

    __tablename__ = "unit"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str | None] = mapped_column(String(200))
    mail: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(40))


class Account(AccountColumns, Follows, Base):
    """A staff account, as routing tells it; a revoked one is signed out."""

    __tablename__ = "account"
