"""What a worker sees around it, for its metrics: what waits in its queues, whether broker and database are there."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

from amqp.exceptions import NotFound

from services.chassis.broker import AWAY, connect, release
from services.chassis.errors import StartError, Transient
from services.chassis.health import database_state
from services.chassis.house import House
from services.chassis.telemetry import log
from services.chassis.topology import Subscription, parked_queue, work_queues

#: What means: nobody can tell.
_UNTOLD: tuple[type[Exception], ...] = (Transient, StartError, *AWAY)
#: Between two looks (s): metrics are read about so often.
EVERY_S = 15.0


class Surroundings:
    """Looks again and again, by a connection of its own: neither consumers nor relay have to wait for an answer.

    Every worker of a service counts the same queues, since any of them may be the only one.

    Args:
        house: the service's house.
        subscriptions: all of its queues.
    """

    def __init__(self, house: House[Any], subscriptions: Sequence[Subscription]) -> None:
        self._house, self._subscriptions = house, subscriptions
        self._log = log(house.service)
        self._connection: Any = None

    def watch(self, stop: threading.Event) -> None:
        """Look until it is told to stop."""
        while not stop.is_set():
            self.look()
            stop.wait(EVERY_S)
        self._drop()

    def look(self) -> None:
        """Set every gauge once. What nobody can tell is not a number."""
        service, metrics = self._house.service, self._house.metrics
        there = database_state(self._house) == "ok"
        metrics.gauge("dependency_up", int(there), service=service, dependency="database")
        there = self._count()
        metrics.gauge("dependency_up", int(there), service=service, dependency="broker")
        if not there:
            for subscription in self._subscriptions:
                self._tell(subscription.queue, math.nan, math.nan, math.nan)

    def _count(self) -> bool:
        """Count what waits; False when the broker is away."""
        try:
            if self._connection is None:
                url = self._house.settings.broker_url.get_secret_value()
                self._connection = connect(url, f"{self._house.service}-counting")
            for subscription in self._subscriptions:
                self._tell(subscription.queue, *self._counted(subscription))
        except _UNTOLD as error:
            # Consumers and relay say so in the log; here it is a figure.
            self._log.debug("queues cannot be counted", reason=type(error).__name__)
            self._drop()
            return False
        return True

    def _counted(self, subscription: Subscription) -> tuple[float, float, float]:
        """What waits, what lies parked, consumers."""
        channel = self._connection.channel()
        try:
            names = work_queues(subscription, self._house.settings.partitions)
            found = [channel.queue_declare(queue=name, passive=True) for name in names]
            parked = channel.queue_declare(queue=parked_queue(subscription.queue), passive=True)
        except NotFound:
            # Somebody deleted it, and the broker closed the channel for asking.
            return math.nan, math.nan, 0
        channel.close()
        ready = sum(one.message_count for one in found)
        return ready, parked.message_count, min(one.consumer_count for one in found)

    def _tell(self, queue: str, ready: float, parked: float, consumers: float) -> None:
        metrics = self._house.metrics
        metrics.gauge("queue_ready", ready, queue=queue)
        metrics.gauge("queue_parked", parked, queue=queue)
        metrics.gauge("queue_consumers", consumers, queue=queue)

    def _drop(self) -> None:
        if self._connection is not None:
            own, self._connection = self._connection, None
            release(own)
