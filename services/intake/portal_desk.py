"""The worker's side of portals: take a batch of messages in, bring answers to the portals' queues."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.chassis import sender_rows
from services.chassis.house import House
from services.chassis.portals import Portal, load_portals
from services.chassis.telemetry import log
from services.contracts.envelope import Event
from services.intake import store
from services.intake.addresses import status_url
from services.intake.handlers.filing import CODE_KEY, Keys
from services.intake.handlers.portal import Refused, answer_event, take_portal
from services.intake.models import PortalReply
from services.intake.portal_events import read_amqp
from services.intake.settings import Settings

#: Answers taken at once; each is confirmed by the broker before the next goes out.
PAGE = 50

Publish = Callable[[Portal, str, Event, datetime, str | None], None]


class Message(Protocol):
    """A message as a portal sent it (``portal_link.PortalMessage``)."""

    @property
    def portal(self) -> Portal: ...
    @property
    def user_id(self) -> str | None: ...
    @property
    def content_type(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, Any]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def message_id(self) -> str: ...


def take(house: House[Settings], messages: Sequence[Message]) -> None:
    """File what can be filed, answer everything, in one transaction."""
    settings = house.settings
    read = [
        read_amqp(
            message.portal,
            user_id=message.user_id,
            content_type=message.content_type,
            headers=message.headers,
            body=message.body,
            message_id=message.message_id,
            region=settings.phone_region,
            now=house.clock.now(),
        )
        for message in messages
    ]
    take_portal(read, open_work=house.work, keys=Keys.of(house.key), zone=ZoneInfo(settings.time_zone))
    for one in read:
        if isinstance(one, Refused):
            house.metrics.count("refusals", service=house.service, code=one.code)
            log(house.service).warning("portal message refused", portal=one.portal, code=one.code, field=one.field)


def bring_answers(house: House[Settings], publish: Publish) -> int:
    """Claim answers that are due, publish them, mark them; returns how many went out.

    An answer whose sender died is sent again: a portal knows a repeat by its reference and the event's id.
    """
    with house.database.read() as session:
        # Looked at after every commit: the write lock is taken only when there is something to bring.
        if not store.answers_due(session, house.clock.now()):
            return 0
    portals = load_portals(house.settings.portals_file)
    code_key = house.key(CODE_KEY)
    with house.database.write() as session:
        for stuck in sender_rows.sweep(session, PortalReply, house.clock.now()):
            stuck.delivery, stuck.settled_at = "pending", None
        session.flush()
        rows = sender_rows.claim(session, PortalReply, PAGE, house.clock.now())
    outcome: list[tuple[PortalReply, sender_rows.Failed | None]] = []
    for row in rows:
        event = answer_event(row, code_key, status_url(house.settings, row.number or ""))
        try:
            portal = portals.get(row.portal)
            if portal is None:
                raise sender_rows.Failed("unknown_portal", permanent=True)
            publish(portal, row.id, event, row.created_at, row.traceparent)
            outcome.append((row, None))
        except sender_rows.Failed as failure:
            outcome.append((row, failure))
    if outcome:
        _mark(house, outcome)
    return sum(failure is None for _, failure in outcome)


def _mark(house: House[Settings], outcome: Sequence[tuple[PortalReply, sender_rows.Failed | None]]) -> None:
    now = house.clock.now()
    with house.database.write() as session:
        for row, failure in outcome:
            session.add(row)
            if failure is None:
                sender_rows.sent(row, now)
                continue
            sender_rows.failed(row, failure, now)
            house.metrics.count("sends_failed", sender="intake.portal-answers", code=failure.code)
            log(house.service).warning("portal answer waits", portal=row.portal, code=failure.code)
