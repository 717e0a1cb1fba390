"""What we answer external portals over AMQP: each in its own virtual host, confirmed by the broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.chassis import broker, topology, wire
from services.chassis.errors import StartError, Transient
from services.chassis.house import House
from services.chassis.portals import Portal, vhost_url
from services.chassis.sender_rows import Away, Failed
from services.contracts.envelope import Event, encode

#: What means: not published, as far as we know.
UNSENT: tuple[type[Exception], ...] = (Transient, *broker.AWAY)


class Outgoing(NamedTuple):
    """An event on its way to a portal."""

    id: str
    event: Event
    time: datetime
    traceparent: str | None = None


class PortalOut:
    """Publishes into portals' own queues; keeps a connection for each. One loop at a time may use it.

    Args:
        house: the service's house.
    """

    def __init__(self, house: House[Any]) -> None:
        self._house = house
        self._open: dict[str, tuple[Any, broker.Publisher]] = {}

    def close(self) -> None:
        """Close the connections."""
        for portal_id in list(self._open):
            self._drop(portal_id)

    def publish(self, portal: Portal, outgoing: Sequence[Outgoing]) -> Mapping[str, Failed | None]:
        """Publish events to one portal and wait for the broker's word on each.

        Returns:
            None by id for what the broker has, else why it did not take it.

        Raises:
            Away: the broker is away; some of them may have arrived.
        """
        if portal.vhost is None:
            return dict.fromkeys((one.id for one in outgoing), Failed("portal_has_no_queue", permanent=True))
        messages = [(_message(one), *topology.answers_route()) for one in outgoing]
        reused = portal.id in self._open
        try:
            outcome = self._publisher(portal).publish(messages)
        except StartError:
            self._drop(portal.id)
            raise Away("broker_refuses") from None
        except UNSENT:
            self._drop(portal.id)
            if reused:
                # An idle connection may have been closed by the broker; a new one tells whether it is away.
                return self.publish(portal, outgoing)
            raise Away("broker_away") from None
        if "unroutable" in outcome.values():
            # The queue is gone; it is declared again with the next connection.
            self._drop(portal.id)
        words = {one.id: outcome.get(one.id, "nack") for one in outgoing}
        return {id_: None if word == "ok" else Failed(word, pause=True) for id_, word in words.items()}

    def _publisher(self, portal: Portal) -> broker.Publisher:
        if portal.id not in self._open:
            url = vhost_url(self._house.settings.broker_url.get_secret_value(), portal.vhost or "")
            connection = broker.connect(url, f"{self._house.service}-to-{portal.id}")
            try:
                topology.declare_portal(connection.default_channel)
                self._open[portal.id] = (connection, broker.Publisher(connection))
            except BaseException:
                connection.collect()
                raise
        return self._open[portal.id][1]

    def _drop(self, portal_id: str) -> None:
        connection, _ = self._open.pop(portal_id, (None, None))
        if connection is not None:
            connection.collect()


def _message(one: Outgoing) -> Any:
    return wire.message(
        event_id=one.id,
        source=one.event.source,
        type_=one.event.type,
        subject=one.event.subject,
        time=one.time,
        sequence=0,
        body=encode(one.event),
        traceparent=one.traceparent,
    )
