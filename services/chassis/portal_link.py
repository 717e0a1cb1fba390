"""The link to external portals over AMQP: what they hand in, and what we answer, each in its own virtual host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import amqp
from eventlet.event import Event as GreenEvent
from nameko.extensions import DependencyProvider, Entrypoint

from services.chassis import broker, topology, wire
from services.chassis.database import is_transient
from services.chassis.errors import StartError, Transient
from services.chassis.loop import ConsumeLoop
from services.chassis.portals import ANSWERS, EXCHANGE, FILED, Portal, load_portals, vhost_url
from services.chassis.provider import house_of
from services.chassis.sender_rows import Failed
from services.chassis.telemetry import log
from services.contracts.envelope import Event, encode

#: What means: not published, as far as we know.
UNSENT: tuple[type[Exception], ...] = (Transient, StartError, *broker.AWAY)


@dataclass(frozen=True)
class PortalMessage:
    """A message as a portal sent it, unread."""

    portal: Portal
    #: Who the broker says sent it; None when the portal did not say.
    user_id: str | None
    content_type: str
    headers: Mapping[str, Any]
    body: bytes
    message_id: str
    redelivered: bool


def declare(channel: Any) -> None:
    """Make the exchange and the two queues of a portal's virtual host."""
    channel.exchange_declare(exchange=EXCHANGE, type="topic", durable=True, auto_delete=False)
    for queue in (FILED, topology.parked_queue(FILED), ANSWERS):
        channel.queue_declare(queue=queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(queue=FILED, exchange=EXCHANGE, routing_key="#")


class PortalListener(Entrypoint):  # type: ignore[misc]
    """Entrypoint behind ``listens_portals``; see there."""

    def __init__(self, setting: str = "portals_file", **options: Any) -> None:
        super().__init__(**options)
        self._setting = setting

    def setup(self) -> None:
        """Called by nameko before start: one loop per portal that has a virtual host."""
        house = house_of(self.container)
        self._house, self._log = house, log(house.service)
        url = house.settings.broker_url.get_secret_value()
        portals = load_portals(str(getattr(house.settings, self._setting) or ""))
        self._loops = [
            ConsumeLoop(
                vhost_url(url, portal.vhost),
                f"{house.service}-portal-{portal.id}",
                FILED,
                batch=house.settings.batch_size,
                linger_s=house.settings.batch_linger_ms / 1000,
                declare=declare,
                handle=partial(self._handle, portal),
            )
            for portal in portals.values()
            if portal.vhost
        ]
        self._threads: list[Any] = []

    def start(self) -> None:
        """Start the loops."""
        self._threads = [self.container.spawn_managed_thread(loop.run) for loop in self._loops]

    def stop(self) -> None:
        """Finish the batches in hand."""
        for loop in self._loops:
            loop.stop()
        for thread in self._threads:
            thread.wait()

    def _handle(self, portal: Portal, messages: Sequence[amqp.Message], connection: Any) -> None:
        got = [_portal_message(portal, message) for message in messages]
        error = self._call(got)
        if error is None:
            return
        _raise_transient(error)
        hopeless = []
        for message, one in zip(messages, got, strict=True):
            error = self._call([one]) if len(got) > 1 else error
            if error is not None:
                _raise_transient(error)
                self._log.error("portal message failed", portal=portal.id, exc_info=error)
                hopeless.append(message)
        if hopeless:
            self._park(hopeless, connection)

    def _call(self, messages: Sequence[PortalMessage]) -> Exception | None:
        finished = GreenEvent()

        def result(worker_ctx: Any, result: Any = None, exc_info: Any = None) -> tuple[Any, Any]:
            finished.send(exc_info[1] if exc_info else None)
            return result, None

        self.container.spawn_worker(self, (messages,), {}, context_data={}, handle_result=result)
        error: Exception | None = finished.wait()
        return error

    def _park(self, messages: Sequence[amqp.Message], connection: Any) -> None:
        publisher = broker.Publisher(connection)
        outcome = publisher.publish(
            (
                amqp.Message(
                    message.body,
                    delivery_mode=2,
                    message_id=f"parked-{message.delivery_tag}",
                    content_type=str(message.properties.get("content_type", "")),
                    application_headers={"x-code": "handler_failed"},
                ),
                "",
                topology.parked_queue(FILED),
            )
            for message in messages
        )
        publisher.channel.close()
        self._house.metrics.count("events_parked", len(messages), queue=FILED, code="handler_failed")
        if any(word != "ok" for word in outcome.values()):
            raise Transient("the broker did not take a parked message")


def _raise_transient(error: Exception) -> None:
    if isinstance(error, Transient):
        raise error
    if is_transient(error):
        raise Transient(f"database: {type(error).__name__}") from error


def _portal_message(portal: Portal, message: amqp.Message) -> PortalMessage:
    properties = message.properties
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    user = properties.get("user_id")
    return PortalMessage(
        portal=portal,
        user_id=str(user) if user else None,
        content_type=str(properties.get("content_type", "")),
        headers=properties.get("application_headers") or {},
        body=body,
        message_id=str(properties.get("message_id", ""))[:64],
        redelivered=bool(message.delivery_info.get("redelivered")),
    )


class PortalOut(DependencyProvider):  # type: ignore[misc]
    """Dependency that publishes answers into a portal's own queue, confirmed; declared as ``out = PortalOut()``."""

    def setup(self) -> None:
        """Called by nameko before start."""
        self._house = house_of(self.container)
        self._open: dict[str, tuple[Any, broker.Publisher]] = {}

    def stop(self) -> None:
        """Close the connections."""
        for connection, _ in self._open.values():
            connection.release()
        self._open = {}

    def get_dependency(self, worker_ctx: Any) -> PortalOut:
        """This provider itself."""
        return self

    def publish(
        self, portal: Portal, event_id: str, event: Event, time: datetime, traceparent: str | None = None
    ) -> None:
        """Publish one answer and wait for the broker's word. One loop at a time may call it.

        Raises:
            Failed: the portal has no queue, or the broker did not take it (tried again later by the loop).
        """
        if portal.vhost is None:
            raise Failed("portal_has_no_queue", permanent=True)
        message = wire.message(
            event_id=event_id,
            source=event.source,
            type_=event.type,
            subject=event.subject,
            time=time,
            sequence=0,
            body=encode(event),
            traceparent=traceparent,
        )
        reused = portal.id in self._open
        try:
            outcome = self._publisher(portal).publish([(message, "", ANSWERS)])
        except UNSENT as error:
            self._drop(portal)
            if reused:
                # An idle connection may have been closed by the broker; a new one tells whether it is away.
                self.publish(portal, event_id, event, time, traceparent)
                return
            raise Failed("broker_away") from error
        if outcome.get(event_id) != "ok":
            raise Failed(outcome.get(event_id, "nack"))

    def _publisher(self, portal: Portal) -> broker.Publisher:
        if portal.id not in self._open:
            url = vhost_url(self._house.settings.broker_url.get_secret_value(), portal.vhost or "")
            connection = broker.connect(url, f"{self._house.service}-to-{portal.id}")
            declare(connection.default_channel)
            self._open[portal.id] = (connection, broker.Publisher(connection))
        return self._open[portal.id][1]

    def _drop(self, portal: Portal) -> None:
        connection, _ = self._open.pop(portal.id, (None, None))
        if connection is not None:
            connection.collect()


#: ``@listens_portals(setting="portals_file")`` on a method that takes a sequence of ``PortalMessage``.
#: When it returns they are acknowledged; when it fails they come again one by one, and the hopeless one is parked.
listens_portals = PortalListener.decorator
