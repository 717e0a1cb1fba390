"""The worker's side of portals: take a batch of messages in, bring answers to the portals' queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.chassis.channel import Channel
from services.chassis.house import House
from services.chassis.portal_out import Outgoing
from services.chassis.portals import Portal, load_portals
from services.chassis.sender_rows import Failed
from services.chassis.sending import Sending
from services.chassis.telemetry import log
from services.intake.addresses import status_url
from services.intake.handlers.filing import CODE_KEY, Keys
from services.intake.handlers.portal import Refused, answer_event, take_portal
from services.intake.models import PortalReply
from services.intake.portal_events import read_amqp
from services.intake.settings import Settings


class Outlet(Protocol):
    """Publishes into a portal's own queue (``portal_out.PortalOut``)."""

    def publish(self, portal: Portal, outgoing: Sequence[Outgoing]) -> Mapping[str, Failed | None]: ...


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


class Answers(Channel[PortalReply]):
    """Answers on their way to the portals' own queues. A portal knows a repeat by its reference and the event's id.

    Args:
        house: the service's house.
        out: publishes into a portal's queue (``portal_out.PortalOut``).
    """

    name = "intake.portal-answers"
    model = PortalReply
    page = 200
    repeats = True
    line = "portal"

    def __init__(self, house: House[Settings], out: Outlet) -> None:
        self._settings, self._out = house.settings, out
        self._portals = load_portals(house.settings.portals_file)
        self._code_key = house.key(CODE_KEY)

    def ids_of(self, row: PortalReply) -> Mapping[str, str]:
        return {"petition_id": row.petition_id} if row.petition_id else {}

    def hand_over_all(self, rows: Sequence[PortalReply]) -> Mapping[str, Failed | None]:
        portal = self._portals.get(rows[0].portal)
        if portal is None:
            return dict.fromkeys((row.id for row in rows), Failed("unknown_portal", permanent=True))
        return self._out.publish(portal, [self._outgoing(row) for row in rows])

    def _outgoing(self, row: PortalReply) -> Outgoing:
        event = answer_event(row, self._code_key, status_url(self._settings, row.number or ""))
        return Outgoing(row.id, event, row.created_at, row.traceparent)


def answers(house: House[Settings], out: Outlet) -> Sending[PortalReply]:
    """The loop that brings portals their answers."""
    return Sending(house, Answers(house, out))
