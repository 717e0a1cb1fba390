"""What external portals hand in over AMQP, each in its own virtual host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import amqp
from eventlet.event import Event as GreenEvent
from nameko.extensions import Entrypoint

from services.chassis import topology, wire
from services.chassis.database import is_transient
from services.chassis.errors import Transient
from services.chassis.house import House
from services.chassis.loop import ConsumeLoop
from services.chassis.portals import FILED, Portal, load_portals, vhost_url
from services.chassis.provider import house_of
from services.chassis.settle import Settler, sender_of
from services.chassis.suspects import can_write
from services.chassis.telemetry import log
from services.chassis.transport import UNREADABLE
from services.chassis.verdict import Verdict

#: Messages of a portal that are taken at once; a few, since each may be as large as the broker lets it be.
BATCH = 50
#: Delivered so often without ever being acknowledged, a message ends the worker: it is parked unhandled.
DEADLY_AFTER = 15


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


class PortalListener(Entrypoint):  # type: ignore[misc]
    """Entrypoint behind ``listens_portals``; see there."""

    def __init__(self, setting: str = "portals_file", **options: Any) -> None:
        super().__init__(**options)
        self._setting = setting

    def setup(self) -> None:
        """Called by nameko before start: one loop per portal that has a virtual host."""
        house = house_of(self.container)
        portals = load_portals(str(getattr(house.settings, self._setting) or ""))
        self._intakes = [_Intake(self, house, portal) for portal in portals.values() if portal.vhost]
        self._threads: list[Any] = []

    @property
    def loops(self) -> list[ConsumeLoop]:
        """One per portal."""
        return [intake.loop for intake in self._intakes]

    def start(self) -> None:
        """Start the loops."""
        self._threads = [self.container.spawn_managed_thread(loop.run) for loop in self.loops]

    def stop(self) -> None:
        """Finish the batches in hand."""
        for loop in self.loops:
            loop.stop()
        for thread in self._threads:
            thread.wait()
        for intake in self._intakes:
            intake.close()


class _Intake:
    """Reads, hands over and settles what one portal sends. Whatever a portal sends, its loop goes on."""

    def __init__(self, listener: PortalListener, house: House[Any], portal: Portal) -> None:
        self._listener, self._house, self._portal = listener, house, portal
        self._container = listener.container
        self._log = log(house.service)
        #: Name in logs and metrics: every portal's queue is called alike.
        self._queue = f"{FILED}@{portal.id}"
        self._settler = Settler(house, self._queue, topology.parked_route(FILED))
        self.loop = ConsumeLoop(
            vhost_url(house.settings.broker_url.get_secret_value(), portal.vhost or ""),
            f"{house.service}-portal-{portal.id}",
            FILED,
            batch=min(house.settings.batch_size, BATCH),
            linger_s=house.settings.batch_linger_ms / 1000,
            declare=topology.declare_portal,
            handle=self._handle,
            probe=partial(can_write, house.database),
            notice=self._notice,
            service=house.service,
            blanks=topology.blank_route(FILED, FILED),
        )

    def close(self) -> None:
        """Give up what is open."""
        self._settler.close()

    def _notice(self, state: str) -> None:
        metrics = self._house.metrics
        metrics.gauge("consumer_paused", int(state == "paused"), queue=self._queue)
        metrics.gauge("consumer_held", int(state == "held"), queue=self._queue)
        if state == "paused":
            metrics.count("events_paused", queue=self._queue)

    def _handle(self, messages: Sequence[amqp.Message], connection: Any) -> None:
        self._settler.hold_when_parking_too_much(self.loop.on_trial)
        parked: list[tuple[amqp.Message, Verdict]] = []
        got: list[tuple[amqp.Message, PortalMessage]] = []
        for message in messages:
            one = self._read(message)
            if isinstance(one, Verdict):
                parked.append((message, one))
            else:
                got.append((message, one))
        if got:
            parked += self._hand_over(got, connection)
        if parked:
            self._settler.settle(parked, connection, self.loop)
        self._house.metrics.count("events_handled", len(messages) - len(parked), queue=self._queue)
        self._house.metrics.count("events_redelivered", sum(one.redelivered for _, one in got), queue=self._queue)

    def _read(self, message: amqp.Message) -> PortalMessage | Verdict:
        delivered = wire.deliveries(message)
        if delivered >= DEADLY_AFTER:
            return Verdict("park", "ends_the_worker", f"delivered {delivered} times, never acknowledged")
        if UNREADABLE in message.properties:
            return Verdict("park", "unreadable", str(message.properties[UNREADABLE]))
        try:
            return _portal_message(self._portal, message)
        except Exception as error:
            self._log.error("portal message unreadable", portal=self._portal.id, exc_info=error)
            return Verdict("park", "unreadable", type(error).__name__)

    def _hand_over(
        self, got: Sequence[tuple[amqp.Message, PortalMessage]], connection: Any
    ) -> list[tuple[amqp.Message, Verdict]]:
        """All at once; if that fails, one by one. Returns those that cannot be handled at all."""
        error = self._call([one for _, one in got], connection)
        if error is None:
            return []
        _raise_transient(error)
        hopeless = []
        for message, one in got:
            again = self._call([one], connection) if len(got) > 1 else error
            if again is not None:
                _raise_transient(again)
                self._log.error("portal message failed", portal=self._portal.id, exc_info=again)
                hopeless.append((message, Verdict("park", "handler_failed", type(again).__name__)))
        return hopeless

    def _call(self, messages: Sequence[PortalMessage], connection: Any) -> Exception | None:
        finished = GreenEvent()

        def result(worker_ctx: Any, result: Any = None, exc_info: Any = None) -> tuple[Any, Any]:
            finished.send(exc_info[1] if exc_info else None)
            return result, None

        self._container.spawn_worker(self._listener, (messages,), {}, context_data={}, handle_result=result)
        finished.wait(timeout=1.0)
        while not finished.ready():
            self.loop.beat(connection)
            finished.wait(timeout=1.0)
        # Asked once more: a wait that times out in the very turn of the answer returns nothing.
        error: Exception | None = finished.wait()
        return error


def _raise_transient(error: Exception) -> None:
    if isinstance(error, Transient):
        raise error
    if is_transient(error):
        raise Transient(f"database: {type(error).__name__}") from error


def _portal_message(portal: Portal, message: amqp.Message) -> PortalMessage:
    properties = message.properties
    # The library may have decoded it by its content_encoding, which can leave halves of characters.
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode(errors="replace")
    headers = properties.get("application_headers")
    return PortalMessage(
        portal=portal,
        user_id=sender_of(message, topology.back_exchange(FILED)),
        content_type=str(properties.get("content_type", "")),
        headers=headers if isinstance(headers, dict) else {},
        body=body,
        message_id=str(properties.get("message_id", ""))[:64],
        redelivered=bool(message.delivery_info.get("redelivered")),
    )


#: ``@listens_portals(setting="portals_file")`` on a method that takes a sequence of ``PortalMessage``.
#: When it returns they are acknowledged; when it fails they come again one by one, and the hopeless one is parked.
listens_portals = PortalListener.decorator
