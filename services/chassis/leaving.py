"""How a consumer ends with nothing on its way to it: filled up with blanks, or else at a quiet moment.

What a queue hands over between a cancel and the moment when the queue has committed it, RabbitMQ takes back and marks
as redelivered (rabbitmq-server issue 3729). Measured: 9 events in one of five runs of row 5 of the fault table. A
queue hands nothing to a consumer that holds as many as it may unacknowledged; an idle one is made to hold as many.
"""

from __future__ import annotations

import time
from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

import amqp

from services.chassis import broker
from services.chassis.errors import Transient

#: A queue whose active consumer is another one brings us nothing: waited for so long (s).
STANDBY_S = 2.0
#: Nothing came for so long, so nothing is on its way to us (s); with 0.1 s a batch of 172 was, and came again.
SILENCE_S = 0.4


@dataclass(frozen=True)
class Way:
    """What lies between a queue and its consumer, before that one is cancelled.

    Args:
        connection: the consumer's; blanks go by one beside it, which an alarm of the broker may block.
        channel: the consumer's.
        queue: the queue.
        blanks: exchange and routing key that lead into that queue alone; None where there is no such way.
        most: messages that the consumer may hold unacknowledged: its prefetch.
        held: those that it holds, all that have come since the last acknowledgement.
    """

    connection: Any
    channel: Any
    queue: str
    blanks: tuple[str, str] | None
    most: int
    held: Sized

    def fill_up(self, until: float) -> bool:
        """Send blanks and read until the consumer holds as many messages as it may, or until that time (monotonic s).

        Returns:
            Whether it does: then the broker can send nothing more. Blanks that come too late lie in the queue; every
            consumer skips them.
        """
        if self.blanks is None:
            return False
        # The answer has passed the channel: what was acknowledged before no longer counts there.
        self.channel.basic_qos(0, 1, False)
        if len(self.held) >= self.most:
            return True
        try:
            beside = broker.beside(self.connection, lambda blocked: None)
        except Transient:
            return False
        try:
            out: Any = beside.channel()
            if not self.held:
                # One, to see whether we are the one whom the queue serves.
                self._send(out, self.blanks, 1)
                if not self._read(1, min(until, time.monotonic() + STANDBY_S)):
                    return False
            self._send(out, self.blanks, self.most - len(self.held))
            return self._read(self.most, until)
        except broker.AWAY:
            # Without a broker there is nothing on its way either.
            return False
        finally:
            broker.release(beside)

    def await_silence(self, until: float) -> None:
        """Read what the broker has sent, then until nothing has come for a moment, or until that time (monotonic s).

        The answer to the first question has passed the queue, that to the second the channel: what either sent before
        is here. The moment alone was too short on a machine without a free core.
        """
        self.channel.queue_declare(self.queue, passive=True)
        self.channel.basic_qos(0, 1, False)
        while time.monotonic() < until:
            try:
                self.connection.drain_events(timeout=SILENCE_S)
            except TimeoutError:
                return

    def _send(self, out: Any, route: tuple[str, str], number: int) -> None:
        for _ in range(number):
            out.basic_publish(amqp.Message(b"", delivery_mode=2), exchange=route[0], routing_key=route[1])

    def _read(self, number: int, until: float) -> bool:
        """Whether so many are held before that time."""
        while len(self.held) < number and (left := until - time.monotonic()) > 0:
            self.connection.heartbeat_check()
            try:
                self.connection.drain_events(timeout=min(left, 0.25))
            except TimeoutError:
                continue
        return len(self.held) >= number
