"""Notify's SQL: loading what a batch needs, the sender loops' rows, the lists of the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.chassis.delivery import Work
from services.contracts.alerts import RiskRaised, TopicEmerging
from services.contracts.envelope import Envelope
from services.contracts.intake import PetitionSubmitted, ReportSubmitted
from services.contracts.routing import CaseEvent, StaffChanged, UnitChanged
from services.contracts.shared import PetitionEvent
from services.notify.domain import RECIPIENTS, WAYS, Occasion, Recipient, Scope, message_id, occasion_of
from services.notify.models import Account, Correspondence, Message, Unit

#: How far the clocks of two services may lie apart.
SKEW = timedelta(seconds=60)

# ── loading a batch ─────────────────────────────────────────────────────────────────────────────────


def load_petitions(work: Work, envelopes: Sequence[Envelope]) -> None:
    """The correspondence, units and messages of a batch of petition events, one statement each."""
    events = [envelope.data for envelope in envelopes if isinstance(envelope.data, PetitionEvent)]
    _begin(work, events)
    work.preload(Correspondence, sorted({event.petition_id for event in events}))
    units = {event.case.unit.id for event in events if isinstance(event, CaseEvent) and event.case.unit}
    units |= {event.unit.id for event in events if isinstance(event, RiskRaised) and event.unit}
    work.preload(Unit, sorted(units))
    tells = [envelope.id for envelope in envelopes if _tells(envelope)]
    work.preload(Message, sorted(message_id(i, who, how) for i in tells for who in RECIPIENTS for how in WAYS[who]))


def load_directory(work: Work, envelopes: Sequence[Envelope]) -> None:
    """The units and accounts of a batch."""
    work.preload(Unit, sorted({e.subject for e in envelopes if isinstance(e.data, UnitChanged)}))
    work.preload(Account, sorted({e.subject for e in envelopes if isinstance(e.data, StaffChanged)}))


def _tells(envelope: Envelope) -> bool:
    event = envelope.data
    if isinstance(event, PetitionSubmitted | ReportSubmitted | RiskRaised | TopicEmerging):
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


def told_since(work: Work, row: Correspondence, occasion: Occasion, since: datetime | None = None) -> bool:
    """True when anybody was told of such an occasion, or waits to be, since the moment it happened.

    All whom an event concerns are told in one transaction, so that one message stands for all. Two services' clocks
    are compared here: what was told up to ``SKEW`` before the moment counts, since untold is better than told twice.
    """
    for one in row.waiting:
        if one["occasion"] == occasion and (since is None or datetime.fromisoformat(one["at"]) >= since):
            return True
    query = select(Message.id).where(Message.petition_id == row.petition_id, Message.occasion == occasion)
    if since is not None:
        query = query.where(Message.created_at >= since - SKEW)
    return work.session.scalar(query.limit(1)) is not None


# ── sender loops ────────────────────────────────────────────────────────────────────────────────────


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
    #: None: it is about a hot topic.
    correspondence: Correspondence | None
    unit: Unit | None

    @property
    def sealed(self) -> bool:
        """It is about a report on a person."""
        return self.correspondence is not None and self.correspondence.sealed

    @property
    def name(self) -> str:
        """Of the petitioner, where it is known."""
        return (self.correspondence.name if self.correspondence is not None else None) or ""


def _readable(scope: Scope) -> ColumnElement[bool]:
    """The one place that says which messages a scope opens."""
    parts: list[ColumnElement[bool]] = []
    # Hot topics are made of what is not sealed and have no correspondence.
    common = or_(Correspondence.sealed.is_(False), Correspondence.petition_id.is_(None))
    if scope.common:
        parts.append(common)
    if scope.sealed:
        parts.append(Correspondence.sealed.is_(True))
    if scope.unit_id is not None:
        own = and_(Message.recipient == "unit", Message.unit_id == scope.unit_id)
        parts.append(and_(own, common))
    return or_(*parts) if parts else false()


def _messages(scope: Scope, wanted: Wanted) -> Select[Message, Correspondence, Unit]:
    query = (
        select(Message, Correspondence, Unit)
        .outerjoin(Correspondence, Correspondence.petition_id == Message.petition_id)
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
