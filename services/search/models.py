"""Tables of search: one row a petition merged from every event, names of units, accounts, state of the index."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Date, Index, Integer, String, Text, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.chassis.database import UtcDateTime
from services.chassis.delivery import Follows
from services.chassis.identity import AccountColumns


class Base(DeclarativeBase):
    """Base of search's tables."""


class PetitionView(Follows, Base):
    """One petition as all services together tell it. No name, phone or mail in it."""

    __tablename__ = "petition_view"

    petition_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[str] = mapped_column(String(40), index=True)
    channel: Mapped[str] = mapped_column(String(20))
    portal: Mapped[str | None] = mapped_column(String(60), default=None)
    reference: Mapped[str | None] = mapped_column(String(200), default=None)
    sealed: Mapped[bool] = mapped_column(Boolean, default=False)

    # What intake says. Empty while only other services' events have arrived.
    filed_kind: Mapped[str | None] = mapped_column(String(20), default=None)
    title: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text, default="")
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    place: Mapped[str] = mapped_column(Text, default="")
    adcode: Mapped[str | None] = mapped_column(String(20), default=None)
    language: Mapped[str] = mapped_column(String(20), default="zh-Hans")
    petitioner_key: Mapped[str | None] = mapped_column(String(64), default=None)
    #: The petitioner agrees that petition and reply are shown to the public.
    publish: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    #: ``[{"text", "at"}]``, oldest first.
    supplements: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: None: not said.
    solved: Mapped[bool | None] = mapped_column(Boolean, default=None)
    satisfaction: Mapped[int | None] = mapped_column(Integer, default=None)

    # What routing says. Empty until the petition is assessed.
    case_state: Mapped[str | None] = mapped_column(String(20), default=None)
    case_audience: Mapped[str | None] = mapped_column(String(20), default=None)
    case_kind: Mapped[str | None] = mapped_column(String(20), default=None)
    subject: Mapped[str | None] = mapped_column(String(80), default=None)
    risks: Mapped[list[str]] = mapped_column(JSON, default=list)
    unit_id: Mapped[str | None] = mapped_column(String(80), default=None)
    #: The unit's name in the event that named it: shown when the directory's own has not arrived.
    unit_name: Mapped[dict[str, str | None] | None] = mapped_column(JSON(none_as_null=True), default=None)
    unit_line: Mapped[list[str]] = mapped_column(JSON, default=list)
    dispatched_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    hops: Mapped[int] = mapped_column(Integer, default=0)
    reply: Mapped[str] = mapped_column(Text, default="")
    basis: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[str | None] = mapped_column(String(20), default=None)
    replied_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: Number of the case that this one follows, and of those that follow it; None: none.
    lead: Mapped[str | None] = mapped_column(String(40), default=None)
    joined: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)

    # What notify says.
    notices_delivered: Mapped[int] = mapped_column(Integer, default=0)
    notices_failed: Mapped[int] = mapped_column(Integer, default=0)

    # What follows from all of it (domain.state_now, domain.audience_now).
    kind: Mapped[str | None] = mapped_column(String(20), default=None)
    state: Mapped[str] = mapped_column(String(20), default="submitted")
    audience: Mapped[str] = mapped_column(String(20), default="dispatchers")

    #: Goes up with each change of what the document holds; the index has ``indexed_version``.
    version: Mapped[int] = mapped_column(Integer, default=0)
    indexed_version: Mapped[int] = mapped_column(Integer, default=0)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    indexed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    #: W3C trace of the last event that changed the row; empty where no traces are wanted.
    traceparent: Mapped[str | None] = mapped_column(String(55), default=None)
    #: Code of the reason why the engine refused the document; tried again at the next change.
    index_problem: Mapped[str | None] = mapped_column(String(60), default=None)

    __table_args__ = (
        Index(
            "petition_view_waiting",
            "changed_at",
            sqlite_where=text("version > indexed_version"),
            postgresql_where=text("version > indexed_version"),
        ),
        Index("petition_view_sealed", "petition_id", sqlite_where=text("sealed = 1"), postgresql_where=text("sealed")),
    )


class Unit(Follows, Base):
    """A unit of the directory, for its name."""

    __tablename__ = "unit"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str | None] = mapped_column(String(200), default=None)
    parent: Mapped[str | None] = mapped_column(String(80), default=None)
    valid_to: Mapped[date | None] = mapped_column(Date, default=None)


class Account(AccountColumns, Follows, Base):
    """A staff account, so that a revoked one is refused within a request."""

    __tablename__ = "account"


class IndexState(Base):
    """The one row that says which index the rows' ``indexed_version`` speaks of."""

    __tablename__ = "index_state"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    #: What the engine called its index when the rows were written to it (Engine.identity).
    identity: Mapped[str] = mapped_column(String(200), default="")
    #: An operator wants the index emptied before the rows are written again.
    empty_first: Mapped[bool] = mapped_column(Boolean, default=False)
