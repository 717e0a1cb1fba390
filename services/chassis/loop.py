"""One greenlet, one connection, one queue: takes messages in batches, hands them over, acknowledges once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import amqp

from services.chassis import broker
from services.chassis.errors import StartError, Transient
from services.chassis.telemetry import log

#: Redelivered this often, a message is handled alone, so that a crash condemns no neighbour.
ALONE_AFTER = 2
#: Longest look at the socket before the loop asks whether it should stop (s).
TICK_S = 0.25
#: What means: connect again.
LOST: tuple[type[Exception], ...] = (Transient, *broker.AWAY)


class ConsumeLoop:
    """Consumes one queue until it is stopped.

    Args:
        url: broker URL with the virtual host.
        name: for the connection's name and the log.
        queue: the queue.
        batch: messages in one hand-over, at most.
        linger_s: how long a batch may wait to fill, in seconds.
        declare: makes the queue on a fresh channel.
        handle: gets the messages and the channel's connection; when it returns they are acknowledged.
            Raises Transient when they should be kept and handed over again later.
    """

    def __init__(
        self,
        url: str,
        name: str,
        queue: str,
        *,
        batch: int,
        linger_s: float,
        declare: Callable[[Any], None],
        handle: Callable[[Sequence[amqp.Message], Any], None],
    ) -> None:
        self._url, self._name, self._queue = url, name, queue
        self._batch, self._linger = batch, linger_s
        self._declare, self._handle = declare, handle
        self._stopping = False
        self._buffer: list[amqp.Message] = []
        self._cancelled = False
        self._log = log(name)

    def stop(self) -> None:
        """Ask the loop to end after the batch in hand."""
        self._stopping = True

    def run(self) -> None:
        """Consume; connect again after every loss, with back-off."""
        wait = 0.2
        while not self._stopping:
            try:
                self._consume()
                wait = 0.2
            except LOST as error:
                reason = str(error) if isinstance(error, Transient) else type(error).__name__
                self._log.warning("consumer waits", queue=self._queue, reason=reason)
            except StartError as error:
                self._log.error("consumer cannot start", queue=self._queue, reason=str(error))
                wait = max(wait, 5.0)
            self._rest(wait)
            wait = min(wait * 2, 10.0)

    def _rest(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < deadline:
            time.sleep(0.05)

    def _consume(self) -> None:
        connection = broker.connect(self._url, self._name)
        try:
            channel: Any = connection.channel()
            self._declare(channel)
            channel.basic_qos(0, 2 * self._batch, False)
            self._buffer, self._cancelled = [], False
            channel.basic_consume(
                self._queue,
                no_ack=False,
                callback=self._buffer.append,
                on_cancel=lambda tag: setattr(self, "_cancelled", True),
                consumer_tag=self._name,
            )
            while not self._stopping and not self._cancelled:
                self._fill(connection)
                if self._buffer and not self._stopping:
                    self._hand_over(connection, channel)
                    # Without this pause four consumers of one process starve each other (measured: 25 s).
                    time.sleep(0)
            if self._stopping and not self._cancelled:
                # Closing the channel gives back whatever was not handed over.
                channel.basic_cancel(self._name)
                channel.close()
        finally:
            _give_back(connection)

    def _fill(self, connection: Any) -> None:
        """Wait for messages: until the batch is full or the first of it has lingered."""
        until: float | None = time.monotonic() + self._linger if self._buffer else None
        while len(self._buffer) < self._batch and not self._cancelled and not self._stopping:
            left = TICK_S if until is None else until - time.monotonic()
            if left <= 0:
                return
            try:
                connection.drain_events(timeout=min(left, TICK_S))
            except TimeoutError:
                connection.heartbeat_check()
                continue
            if until is None and self._buffer:
                until = time.monotonic() + self._linger

    def _hand_over(self, connection: Any, channel: Any) -> None:
        """Hand over a batch until it is done; meanwhile a dependency may be away."""
        messages = self._take()
        wait = 0.05
        while True:
            try:
                self._handle(messages, connection)
                break
            except Transient as error:
                if wait > 0.2:
                    self._log.warning("consumer pauses", queue=self._queue, reason=str(error))
                self._rest(wait)
                if self._stopping:
                    raise
                wait = min(wait * 2, 5.0)
                connection.heartbeat_check()
        channel.basic_ack(messages[-1].delivery_tag, multiple=True)

    def _take(self) -> list[amqp.Message]:
        taken: list[amqp.Message] = []
        while self._buffer and len(taken) < self._batch:
            if deliveries(self._buffer[0]) >= ALONE_AFTER:
                if not taken:
                    taken.append(self._buffer.pop(0))
                break
            taken.append(self._buffer.pop(0))
        return taken


def deliveries(message: amqp.Message) -> int:
    """How often the broker delivered it before (quorum queues count)."""
    headers = message.properties.get("application_headers") or {}
    count = headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0


def _give_back(connection: Any) -> None:
    try:
        connection.release()
    except broker.AWAY:
        # It is gone already; there is nothing left to give back.
        connection.collect()
