"""Tables of routing: directory, cases, history, alerts, look-alikes, trained judgements, topics, accounts, sessions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Date, Float, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.chassis.database import UtcDateTime
from services.chassis.delivery import Follows, Sequenced
from services.chassis.identity import AccountColumns


class Base(DeclarativeBase):
    """Base of routing's tables."""


class DirectoryRow(Base):
    """The one row that says which directory is in force."""

    __tablename__ = "directory"

    #: Always 1.
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    #: Hash of everything imported; what is compiled from it is kept under this.
    version: Mapped[str] = mapped_column(String(32))
    jurisdiction: Mapped[dict[str, Any]] = mapped_column(JSON)
    risk_words: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    #: The duty roster; None where an older release imported the directory.
    duty: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AreaRow(Base):
    """A division of the jurisdiction."""

    __tablename__ = "area"

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[dict[str, Any]] = mapped_column(JSON)
    parent: Mapped[str | None] = mapped_column(String(60))
    words: Mapped[list[str]] = mapped_column(JSON, default=list)


class SubjectRow(Base):
    """What a petition can be about."""

    __tablename__ = "subject"

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[dict[str, Any]] = mapped_column(JSON)
    parent: Mapped[str | None] = mapped_column(String(60))
    words: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)


class UnitRow(Sequenced, Base):
    """A unit; ended ones stay, since old cases name them."""

    __tablename__ = "unit"

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[dict[str, Any]] = mapped_column(JSON)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    parent: Mapped[str | None] = mapped_column(String(60))
    superior: Mapped[str | None] = mapped_column(String(60))
    lead: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    subjects: Mapped[list[str]] = mapped_column(JSON, default=list)
    areas: Mapped[list[str]] = mapped_column(JSON, default=list)
    words: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)
    sealed: Mapped[bool] = mapped_column(Boolean, default=False)


class Case(Follows, Sequenced, Base):
    """One petition on its way."""

    __tablename__ = "petition_case"

    petition_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    origin: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: A report on a person, filed at its own door: its events travel in the sealed lane.
    sealed: Mapped[bool] = mapped_column(Boolean, default=False)
    #: Intake's public state of the petition as last heard.
    petition: Mapped[dict[str, Any]] = mapped_column(JSON)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(Text)
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    petitioner_key: Mapped[str | None] = mapped_column(String(64))

    state: Mapped[str] = mapped_column(String(20))
    audience: Mapped[str] = mapped_column(String(20))
    #: Raised by every step; a page that was opened before it cannot overwrite.
    version: Mapped[int] = mapped_column(Integer, default=1)
    #: Steps in its history.
    steps: Mapped[int] = mapped_column(Integer, default=0)

    assessment: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    subject: Mapped[str | None] = mapped_column(String(60))
    area: Mapped[str | None] = mapped_column(String(60))
    confidence: Mapped[float | None] = mapped_column(Float)
    #: A danger was seen in the text: such cases come first.
    risky: Mapped[bool] = mapped_column(Boolean, default=False)
    #: Sketch of the text and pairs of the place, for look-alikes; empty for sealed cases.
    sketch: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    place_pairs: Mapped[str] = mapped_column(Text, default="")

    unit_id: Mapped[str | None] = mapped_column(String(60))
    #: Name of the unit when it was dispatched.
    unit_name: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    #: Superiors of the unit at that time as ``/nearest/next/``.
    unit_line: Mapped[str] = mapped_column(Text, default="")
    hops: Mapped[int] = mapped_column(Integer, default=0)
    first_dispatched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dispatched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When the reply is due.
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When the next step is due: sending on, accepting or answering; None when nobody is waited for.
    step_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reply: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    #: The case that this one follows 并案; None when it goes its own way.
    lead_id: Mapped[str | None] = mapped_column(String(64))
    lead_number: Mapped[str | None] = mapped_column(String(40))
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The cases that follow this one (contracts: CaseLink); None for none. Changed only under the lock of both rows.
    joined: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    #: Where this one stood before it joined another, so that it can be taken out again.
    before_joining: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: Its words as look-alikes are weighed by (domain/kept_words.py); empty for sealed cases and those of before.
    kept_words: Mapped[bytes | None] = mapped_column(LargeBinary)


Index("case_unit", Case.unit_id, Case.state, Case.step_due_at)
Index("case_state", Case.state, Case.step_due_at)
Index("case_petitioner", Case.petitioner_key, Case.submitted_at)
Index("case_matter", Case.subject, Case.area, Case.submitted_at)
Index("case_sealed", Case.petition_id, sqlite_where=text("sealed = 1"), postgresql_where=text("sealed"))


class HistoryEntry(Base):
    """One step of a case: who did what, when and why."""

    __tablename__ = "history"

    petition_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: 1, 2, 3 … within the case.
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: "submitted", "assessed", "dispatched", "accepted", "objected", "replied", "supplemented", "withdrawn", "rated",
    #: "risk_raised", "risk_climbed", "risk_acknowledged".
    step: Mapped[str] = mapped_column(String(20))
    #: "rule", "petitioner" or a staff id.
    actor: Mapped[str] = mapped_column(String(64))
    unit_id: Mapped[str | None] = mapped_column(String(60))
    unit_name: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")


class RiskAlert(Sequenced, Base):
    """The urgent danger of one petition: who on duty is asked to look, until somebody has."""

    __tablename__ = "risk_alert"

    petition_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: "open" or "acknowledged".
    state: Mapped[str] = mapped_column(String(12))
    level: Mapped[str] = mapped_column(String(10))
    codes: Mapped[list[str]] = mapped_column(JSON)
    #: The findings it rests on.
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: From then on it is late, whoever was asked since.
    late_from: Mapped[datetime] = mapped_column(UtcDateTime)
    step: Mapped[int] = mapped_column(Integer)
    #: How often the last step was asked again.
    again: Mapped[int] = mapped_column(Integer)
    #: The unit that is asked now; None: there is no roster.
    unit_id: Mapped[str | None] = mapped_column(String(60))
    #: Every unit asked so far, ``/first/second/``.
    asked: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: By when the present asking must be acknowledged.
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: When the next one is asked, or a roster looked for; None: nobody is.
    climbs_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[str | None] = mapped_column(String(64))


Index("risk_alert_climbs", RiskAlert.climbs_at)
Index("risk_alert_state", RiskAlert.state, RiskAlert.late_from)


class ShingleBand(Base):
    """A band of a petition's sketch: petitions that share one are candidates for look-alikes."""

    __tablename__ = "shingle_band"

    band: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    petition_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class JudgeModel(Base):
    """A trained judgement: what it learned from, how it did, and whether it is in force."""

    __tablename__ = "judge_model"
    __table_args__ = (Index("judge_model_state", "state"),)

    #: Beginning of the checksum of its data.
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: "challenger", "champion" (the one in force, at most one), "former" or "refused".
    state: Mapped[str] = mapped_column(String(12))
    trained_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Decisions it learned from.
    rows: Mapped[int] = mapped_column(Integer)
    #: What was measured before it was kept, beside the champion of that day and the directory alone.
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: The model file; data only.
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    promoted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    promoted_by: Mapped[str | None] = mapped_column(String(64))


class Topic(Sequenced, Base):
    """A hot topic as the last look found it, and whether it was told of."""

    __tablename__ = "topic"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    place: Mapped[str] = mapped_column(String(200))
    people: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    heat: Mapped[float] = mapped_column(Float)
    burst: Mapped[float] = mapped_column(Float)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The first petition of the days in which it comes up, and people of these days; None and 0: it does not.
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recent: Mapped[int] = mapped_column(Integer)
    looked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: False: the last look did not find it, or a case of it was sealed since. Kept as long as its petitions are.
    shown: Mapped[bool] = mapped_column(Boolean)
    raised_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TopicCase(Base):
    """A petition of a topic; kept so that a topic is known again and a burst is told once."""

    __tablename__ = "topic_case"

    petition_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    topic_id: Mapped[str] = mapped_column(String(36), index=True)
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The last look found it in the topic.
    present: Mapped[bool] = mapped_column(Boolean)
    told: Mapped[bool] = mapped_column(Boolean)


class Account(AccountColumns, Sequenced, Base):
    """A staff account; routing is where accounts are made."""

    __tablename__ = "account"

    #: argon2id.
    password_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StaffSession(Base):
    """A signed-in browser."""

    __tablename__ = "staff_session"

    #: Keyed hash of the cookie, so that a copy of the table signs nobody in.
    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignInTries(Base):
    """Wrong passwords in a row by what was typed as account, known or not, so that the answer tells nothing."""

    __tablename__ = "sign_in_tries"

    #: Keyed hash of the typed account.
    typed_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
