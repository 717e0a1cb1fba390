"""Tables of intake: petitions, contacts apart from them, the way each went, answers to portals, who looked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.chassis.database import UtcDateTime
from services.chassis.delivery import Follows, Sequenced
from services.chassis.identity import AccountColumns
from services.chassis.sender_rows import Sendable, waiting_index


class Base(DeclarativeBase):
    """Base of intake's tables."""


class Petition(Sequenced, Follows, Base):
    """One petition as it was filed, and where it stands. No name, phone or mail in it."""

    __tablename__ = "petition"
    __table_args__ = (
        UniqueConstraint("portal", "reference", name="petition_portal_reference"),
        Index("petition_sealed", "id", sqlite_where=text("sealed = 1"), postgresql_where=text("sealed")),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    sealed: Mapped[bool] = mapped_column(Boolean, default=False)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(200))
    #: Loaded only where it is shown or published again.
    body: Mapped[str] = mapped_column(Text, deferred=True)
    place: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    language: Mapped[str] = mapped_column(String(10))
    publish: Mapped[bool] = mapped_column(Boolean, default=False)
    petitioner_key: Mapped[str | None] = mapped_column(String(32), default=None)
    channel: Mapped[str] = mapped_column(String(10))
    portal: Mapped[str | None] = mapped_column(String(60), default=None)
    reference: Mapped[str | None] = mapped_column(String(100), default=None)
    #: When it was handed in; for a letter the day it arrived.
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: When it was written into this table.
    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Id of the clerk who entered it.
    entered_by: Mapped[str | None] = mapped_column(String(64), default=None)
    #: Hash of the idempotency key, and of what was filed under it.
    key: Mapped[str | None] = mapped_column(String(32), unique=True, default=None)
    fingerprint: Mapped[str] = mapped_column(String(32))
    supplements: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    withdrawal_reason: Mapped[str] = mapped_column(Text, default="")
    rating: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    #: What routing says of the case.
    state: Mapped[str] = mapped_column(String(20), default="submitted")
    unit_id: Mapped[str | None] = mapped_column(String(64), default=None)
    unit: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    unit_line: Mapped[list[str]] = mapped_column(JSON, default=list)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    reply: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    #: Handled together with another petition: "follows", "leads" or None.
    together: Mapped[str | None] = mapped_column(String(10), default=None)


class Contact(Sequenced, Base):
    """How to reach the petitioner: the one table with personal data. It counts its own event stream."""

    __tablename__ = "contact"

    petition_id: Mapped[str] = mapped_column(ForeignKey("petition.id"), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(120), default=None)
    phone: Mapped[str | None] = mapped_column(String(20), default=None)
    mail: Mapped[str | None] = mapped_column(String(320), default=None)


class Step(Base):
    """Something that happened on a petition's way after it was filed, told by routing or notify."""

    __tablename__ = "step"
    __table_args__ = (Index("step_petition", "petition_id", "at"),)

    #: Id of the event.
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    petition_id: Mapped[str] = mapped_column(ForeignKey("petition.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The publisher's count, for steps of one moment.
    sequence: Mapped[int] = mapped_column(BigInteger)
    #: "assessed", "dispatched", "accepted", "objected", "merged", "unmerged", "replied", "closed", "told",
    #: "not_told".
    code: Mapped[str] = mapped_column(String(20))
    #: What the words need: the unit's name, the due date, the occasion.
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class ContactView(Base):
    """One look at a contact: who, when, why."""

    __tablename__ = "contact_view"
    __table_args__ = (Index("contact_view_at", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    petition_id: Mapped[str] = mapped_column(ForeignKey("petition.id"))
    number: Mapped[str] = mapped_column(String(24))
    sealed: Mapped[bool] = mapped_column(Boolean, default=False)
    staff_id: Mapped[str] = mapped_column(String(64))
    staff_name: Mapped[str] = mapped_column(String(120))
    unit_id: Mapped[str | None] = mapped_column(String(64), default=None)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class PortalReply(Sendable, Base):
    """One answer to a portal over AMQP: registered (with ``petition_id``) or refused (with ``code``)."""

    __tablename__ = "portal_answer"
    __table_args__ = (waiting_index("portal_answer_waiting", "created_at", "id"),)

    #: Becomes the id of the event.
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    portal: Mapped[str] = mapped_column(String(60))
    reference: Mapped[str] = mapped_column(String(100))
    petition_id: Mapped[str | None] = mapped_column(String(36), default=None)
    number: Mapped[str | None] = mapped_column(String(24), default=None)
    code: Mapped[str | None] = mapped_column(String(40), default=None)
    field: Mapped[str] = mapped_column(String(100), default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    traceparent: Mapped[str | None] = mapped_column(String(55), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FilingQuota(Base):
    """What a client may still file, as a bucket of tokens that fills with time (GCRA: ITU-T I.371, annex A)."""

    __tablename__ = "filing_quota"

    #: What is limited, and the keyed hash of the client's address.
    client: Mapped[str] = mapped_column(String(80), primary_key=True)
    #: When the bucket is full again if nobody files (ns since 1970). A row whose moment is over says nothing.
    full_at: Mapped[int] = mapped_column(BigInteger)


class Account(AccountColumns, Follows, Base):
    """A member of staff, as routing announces them."""

    __tablename__ = "account"
