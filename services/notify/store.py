"""Notify's SQL: loading what a batch needs, the sender loops' rows, the lists of the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.chassis.delivery import Work
from services.chassis.sender_rows import claim
from services.contracts.envelope import Envelope
from services.contracts.intake import PetitionSubmitted, ReportSubmitted
from services.contracts.routing import CaseEvent, StaffChanged, UnitChanged
from services.contracts.shared import PetitionEvent
from services.notify.domain import RECIPIENTS, WAYS, Recipient, Scope, message_id, occasion_of
from services.notify.models import Account, Correspondence, Message, Unit

#: Rows that a loop takes at once.
PAGE = 100
#: How long a taken row may stay unsettled before its sender counts as dead (s).
LEASE_S = 600

M = TypeVar("M", bound=Message)


# ── loading a batch ─────────────────────────────────────────────────────────────────────────────────


def load_petitions(work: Work, envelopes: Sequence[Envelope]) -> None:
    """The correspondence, units and messages of a batch of petition events, one statement each."""
    events = [envelope.data for envelope in envelopes if isinstance(envelope.data, PetitionEvent)]
    _begin(work, events)
    work.preload(Correspondence, sorted({event.petition_id for event in events}))
    units = {event.case.unit.id for event in events if isinstance(event, CaseEvent) and event.case.unit}
    work.preload(Unit, sorted(units))
    tells = [envelope.id for envelope in envelopes if _tells(envelope)]
    work.preload(Message, sorted(message_id(i, who, how) for i in tells for who in RECIPIENTS for how in WAYS[who]))


def load_directory(work: Work, envelopes: Sequence[Envelope]) -> None:
    """The units and accounts of a batch."""
    work.preload(Unit, sorted({e.subject for e in envelopes if isinstance(e.data, UnitChanged)}))
    work.preload(Account, sorted({e.subject for e in envelopes if isinstance(e.data, StaffChanged)}))


def _tells(envelope: Envelope) -> bool:
    event = envelope.data
    if isinstance(event, PetitionSubmitted | ReportSubmitted):
        return True
    return isinstance(event, CaseEvent) and occasion_of(event) is not None


def _begin(work: Work, events: Iterable[PetitionEvent]) -> None:
    """Make the missing rows, so that handlers find one for every petition.

    Two queues may bring the first event of a petition at the same moment; the conflict clause lets the later
    transaction wait for the earlier one and then use its row. In order of their keys, so that none waits in a circle.
    """
    first = {event.petition_id: event for event in reversed(list(events))}
    if not first:
        return
    session = work.session
    known = set(session.scalars(select(Correspondence.petition_id).where(Correspondence.petition_id.in_(first))))
    rows: list[dict[str, Any]] = [
        {
            "petition_id": petition_id,
            "number": event.number,
            "origin_channel": event.origin.channel,
            "origin_portal": event.origin.portal,
            "origin_reference": event.origin.reference,
            "sealed": event.sealed,
            "title": "",
            "kind": "",
            "language": "",
            "contact_here": False,
            "waiting": [],
            "sequence": 0,
            "seen": {},
        }
        for petition_id, event in sorted(first.items())
        if petition_id not in known
    ]
    if not rows:
        return
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    session.execute(dialect.insert(Correspondence.__table__).on_conflict_do_nothing(), rows)


def correspondence_of(work: Work, petition_id: str) -> Correspondence:
    """The correspondence of a petition whose event was loaded."""
    row = work.get(Correspondence, petition_id)
    if row is None:
        raise LookupError("the batch was handled without load_petitions")
    return row


def told_already(work: Work, event_id: str, recipient: Recipient) -> bool:
    """True when there is a message to this recipient for this event, by whatever channel."""
    return any(work.get(Message, message_id(event_id, recipient, channel)) for channel in WAYS[recipient])


# ── sender loops ────────────────────────────────────────────────────────────────────────────────────


def anything_due(session: Session, model: type[Message], now: datetime) -> bool:
    """True when there is something to send or a dead claim to settle; asked without a write lock."""
    due = and_(model.delivery == "pending", or_(model.next_try.is_(None), model.next_try <= now))
    dead = and_(model.delivery == "sending", model.lease_until < now)
    return bool(session.scalar(select(exists().where(_of(model), or_(due, dead)))))


def _of(model: type[Message]) -> ColumnElement[bool]:
    identity = str(model.__mapper__.polymorphic_identity)
    return Message.sender == identity


def take(session: Session, model: type[M], now: datetime) -> Sequence[M]:
    """Claim a page of due messages, the oldest first."""
    return sorted(claim(session, model, PAGE, now, LEASE_S), key=lambda row: (row.created_at, row.id))


def taken(session: Session, rows: Sequence[M]) -> dict[str, M]:
    """Those of a claimed page that are still claimed by the same claim, locked."""
    if not rows:
        return {}
    model = type(rows[0])
    query = (
        select(model)
        .where(model.id.in_([row.id for row in rows]), model.claim == rows[0].claim, model.delivery == "sending")
        .order_by(model.id)
        .with_for_update()
    )
    return {row.id: row for row in session.scalars(query)}


def give_back(row: Message, code: str, until: datetime) -> None:
    """It was not the message's fault: back to the queue, no attempt counted."""
    row.delivery, row.problem, row.next_try = "pending", code, until
    row.claim, row.lease_until = None, None


def hold(session: Session, model: type[Message], code: str, now: datetime, until: datetime) -> None:
    """The other side is away: whatever is due waits until ``until``."""
    due = or_(Message.next_try.is_(None), Message.next_try <= now)
    session.execute(
        update(Message)
        .where(_of(model), Message.delivery == "pending", due)
        .values(next_try=until, problem=code)
        .execution_options(synchronize_session=False)
    )


def dead_claims(session: Session, model: type[M], now: datetime) -> Sequence[M]:
    """Messages whose sender died while sending."""
    query = select(model).where(model.delivery == "sending", model.lease_until < now).order_by(model.id)
    return session.scalars(query.with_for_update(skip_locked=True)).all()


def lock_correspondence(work: Work, messages: Iterable[Message]) -> None:
    """The rows that order the notice events of these messages."""
    work.preload(Correspondence, sorted({message.petition_id for message in messages}))


# ── the page ────────────────────────────────────────────────────────────────────────────────────────


class Wanted(NamedTuple):
    """What a reader asked to see; "" stands for everything."""

    number: str = ""
    state: str = ""
    occasion: str = ""
    recipient: str = ""
    channel: str = ""


class Listed(NamedTuple):
    """A message with what it is about."""

    message: Message
    correspondence: Correspondence
    unit: Unit | None


def _readable(scope: Scope) -> ColumnElement[bool]:
    """The one place that says which messages a scope opens."""
    parts: list[ColumnElement[bool]] = []
    if scope.common:
        parts.append(Correspondence.sealed.is_(False))
    if scope.sealed:
        parts.append(Correspondence.sealed.is_(True))
    if scope.unit_id is not None:
        own = and_(Message.recipient == "unit", Message.unit_id == scope.unit_id)
        parts.append(and_(own, Correspondence.sealed.is_(False)))
    return or_(*parts) if parts else false()


def _messages(scope: Scope, wanted: Wanted) -> Select[Message, Correspondence, Unit]:
    query = (
        select(Message, Correspondence, Unit)
        .join(Correspondence, Correspondence.petition_id == Message.petition_id)
        .outerjoin(Unit, Unit.id == Message.unit_id)
        .where(_readable(scope))
    )
    columns = (Message.number, Message.delivery, Message.occasion, Message.recipient, Message.channel)
    for column, value in zip(columns, wanted, strict=True):
        if value:
            query = query.where(column == value)
    return query


def page_of(session: Session, scope: Scope, wanted: Wanted, page: int, size: int) -> tuple[list[Listed], int]:
    """One page of messages, the newest first, and how many there are in all."""
    query = _messages(scope, wanted)
    total = session.scalar(query.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    query = query.order_by(Message.created_at.desc(), Message.id).offset((page - 1) * size).limit(size)
    return [Listed(row[0], row[1], row[2]) for row in session.execute(query)], total


def one(session: Session, scope: Scope, message_id: str) -> Listed | None:
    """One message, if the scope opens it."""
    row = session.execute(_messages(scope, Wanted()).where(Message.id == message_id)).first()
    return Listed(row[0], row[1], row[2]) if row else None


def waiting_since(session: Session, scope: Scope, before: datetime) -> int:
    """How many petitions wait since ``before`` for a contact that was announced."""
    if not scope.common and not scope.sealed:
        return 0
    sealed = [value for value, opened in ((False, scope.common), (True, scope.sealed)) if opened]
    query = select(func.count()).where(Correspondence.waiting_since <= before, Correspondence.sealed.in_(sealed))
    return session.scalar(query) or 0


def waiting(session: Session, before: datetime) -> Sequence[Correspondence]:
    """The petitions that wait since ``before`` for a contact that was announced, the longest first."""
    query = select(Correspondence).where(Correspondence.waiting_since <= before)
    return session.scalars(query.order_by(Correspondence.waiting_since)).all()


def unsettled(session: Session, states: Sequence[str]) -> Sequence[Message]:
    """Messages in one of ``states``, the newest first."""
    query = select(Message).where(Message.delivery.in_(states))
    return session.scalars(query.order_by(Message.created_at.desc(), Message.id)).all()


def is_active(session: Session, staff_id: str) -> bool:
    """False for an account that was revoked; one whose event is not here yet counts as active."""
    return session.scalar(select(Account.active).where(Account.id == staff_id)) is not False


def unit_of(session: Session, unit_id: str) -> Unit | None:
    """A unit by its id."""
    return session.get(Unit, unit_id)
