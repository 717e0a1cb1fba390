"""One greenlet, one connection, one queue: takes messages in batches, hands them over, acknowledges once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import amqp

from services.chassis import broker, topology, wire
from services.chassis.errors import Hold, Mismatch, StartError, Transient
from services.chassis.leaving import Way
from services.chassis.telemetry import log

#: Delivered this often before, a message is handled alone and fetched alone, so that a crash condemns no neighbour.
ALONE_AFTER = 2
#: Longest look at the socket before the loop asks whether it should stop (s).
TICK_S = 0.25
#: A queue that is never silent is left after this long (s).
DRAIN_S = 5.0
#: Events that come one at a time linger this many times shorter than a crowd, for which waiting saves work.
LONE = 4
#: A batch that a missing dependency holds up this long is given back, once; then the loop only probes (s).
PATIENCE_S = 10.0
#: Longest wait between two probes and two connects (s).
LONGEST_REST_S = 5.0
#: Messages that a consumer must get right, one by one, after it held, before it fetches ahead again.
TRIAL = 5
#: A broker that refuses us after it had let us in is asked again this long: it may still be starting (s).
REFUSED_S = 60.0
#: What means: connect again.
LOST: tuple[type[Exception], ...] = (Transient, *broker.AWAY)


class ConsumeLoop:
    """Consumes one queue until it is stopped.

    It fetches ahead until it meets a message that was delivered too often: then it gives everything back and fetches
    one at a time, so that what ends a worker is met alone, until the head of the queue is an ordinary message again.

    Args:
        url: broker URL with the virtual host.
        name: for the connection's name.
        queue: the queue.
        batch: messages in one hand-over, at most.
        linger_s: how long a batch may wait to fill, in seconds.
        declare: makes the queue on a fresh channel.
        handle: gets the messages and the channel's connection; when it returns they are acknowledged.
            Raises Transient when they should be kept and handed over again later, Hold when they should go back.
        probe: asks whether what ``handle`` needs is there; raises when it is not.
        notice: told the loop's state when it changes, see ``state``.
        service: for the log.
        blanks: exchange and routing key that lead into this queue alone; without, the broker may take back what it
            is just handing over when the loop ends.
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
        probe: Callable[[], None] = lambda: None,
        notice: Callable[[str], None] = lambda state: None,
        service: str = "",
        blanks: tuple[str, str] | None = None,
    ) -> None:
        self._url, self._name, self._queue = url, name, queue
        self._batch, self._linger = batch, linger_s
        self._declare, self._handle, self._probe, self._notice = declare, handle, probe, notice
        self._stopping = False
        self._buffer: deque[amqp.Message] = deque()
        self._channel: Any = None
        self._cancelled, self._trial, self._alone = False, 0, False
        self._last_batch, self._prefetch, self._blanks = 0, 0, blanks
        self._log = log(service)
        #: "starting", "consuming", "paused" (a dependency is away), "held" (it parks too much) or "stopped".
        self.state = "starting"
        #: When the loop last moved (monotonic s): what a liveness probe looks at, whether or not the broker is there.
        self.moved = time.monotonic()

    @property
    def on_trial(self) -> bool:
        """True after a hold, until some messages went well."""
        return self._trial > 0

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopping

    def stop(self) -> None:
        """Ask the loop to take nothing more, to finish what it has fetched, and to end."""
        self._stopping = True

    def run(self) -> None:
        """Consume; connect again after every loss, with back-off.

        Raises:
            StartError: the broker has the queue with other arguments, or refuses us for good.
        """
        wait, refused_since = 0.2, 0.0
        while not self._stopping:
            began = time.monotonic()
            try:
                self._consume()
            except Hold as hold:
                self._become("held")
                self._log.error("consumer holds", queue=self._queue, reason=str(hold), seconds=hold.seconds)
                self._trial = TRIAL
                self._rest(hold.seconds)
                continue
            except LOST as error:
                refused_since = 0.0
                self._pause(error)
            except StartError as error:
                refused_since = refused_since or began
                if isinstance(error, Mismatch) or began - refused_since > REFUSED_S:
                    self._become("stopped")
                    raise
                self._log.error("consumer cannot start", queue=self._queue, reason=str(error))
            except Exception as error:
                # What cannot even be read from the socket. The broker parks it after some deliveries; alone, it
                # condemns nobody else.
                self._log.error("consumer met what it cannot read", queue=self._queue, exc_info=error)
                self._alone = True
            wait = 0.2 if time.monotonic() - began > LONGEST_REST_S else wait
            self._rest(wait)
            wait = min(wait * 2, LONGEST_REST_S)
        self._become("stopped")

    def beat(self, connection: Any) -> None:
        """Called by ``handle`` while it waits: keeps the connection alive and says that the loop moves."""
        self.moved = time.monotonic()
        connection.heartbeat_check()
        try:
            # A connection whose frames are never read counts as dead; no more can come than was asked for.
            while True:
                connection.drain_events(timeout=0.001)
        except TimeoutError:
            return

    def _become(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._notice(state)

    def _rest(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < deadline:
            self.moved = time.monotonic()
            time.sleep(0.05)

    def _pause(self, error: Exception) -> None:
        """Wait until what was missing is there; the broker itself is probed by connecting to it."""
        if self.state != "paused":
            reason = str(error) if isinstance(error, Transient) else type(error).__name__
            self._log.warning("consumer pauses", queue=self._queue, reason=reason)
        self._become("paused")
        wait = 0.2
        while not self._stopping:
            try:
                self._probe()
                return
            except Exception as still:
                # Whatever it is, it means that we are not needed yet; the reason was logged when the pause began.
                self._log.debug("still away", queue=self._queue, error=type(still).__name__)
            self._rest(wait)
            wait = min(wait * 2, LONGEST_REST_S)

    def _consume(self) -> None:
        """Consume until asked to stop, or until the way of fetching must change: that takes a connection anew."""
        connection = broker.connect(self._url, self._name)
        try:
            self._channel = connection.channel()
            # py-amqp would turn a body into text by whatever its sender says it is encoded in.
            self._channel.auto_decode = False
            self._declare(self._channel)
            self._buffer, self._cancelled = deque(), False
            one_by_one = self._alone or self._trial > 0
            self._prefetch = 1 if one_by_one else 2 * self._batch
            self._channel.basic_qos(0, self._prefetch, False)
            self._channel.basic_consume(
                self._queue,
                no_ack=False,
                callback=self._buffer.append,
                on_cancel=lambda tag: setattr(self, "_cancelled", True),
                consumer_tag=self._name,
            )
            self._become("consuming")
            while not self._stopping:
                self.moved = time.monotonic()
                self._fill(connection)
                if self._cancelled:
                    raise Transient("the broker cancelled the consumer")
                if not self._buffer:
                    continue
                suspect = wire.deliveries(self._buffer[0]) >= ALONE_AFTER
                if suspect and not one_by_one:
                    self._alone = True
                    return
                self._acknowledge(self._hand_over(connection))
                if one_by_one and not suspect and not self._trial:
                    self._alone = False
                    return
                # Without this pause four consumers of one process starve each other (measured: 25 s).
                time.sleep(0)
            self._drain(connection)
        finally:
            self._buffer = deque()
            broker.release(connection)

    def _fill(self, connection: Any) -> None:
        """Wait for messages: until the batch is full or the first of it has lingered; after a lone one not as long."""
        linger = self._linger if self._last_batch > 1 else self._linger / LONE
        until: float | None = time.monotonic() + linger if self._buffer else None
        while len(self._buffer) < self._batch and not self._cancelled and not self._stopping:
            left = TICK_S if until is None else until - time.monotonic()
            if left <= 0:
                return
            try:
                connection.drain_events(timeout=min(left, TICK_S))
            except TimeoutError:
                self.moved = time.monotonic()
                connection.heartbeat_check()
                continue
            if until is None and self._buffer:
                until = time.monotonic() + linger

    def _hand_over(self, connection: Any) -> amqp.Message:
        """Hand over a batch until it is done; what a missing dependency holds up for long is given back.

        Returns:
            The last message: all up to it may be acknowledged.
        """
        taken = self._take()
        messages = [message for message in taken if not topology.is_blank(message)]
        if not messages:
            return taken[-1]
        wait, began = 0.05, time.monotonic()
        while True:
            try:
                self._handle(messages, connection)
                self._trial = max(self._trial - 1, 0)
                return taken[-1]
            except Hold:
                raise
            except Transient:
                # Also while it drains: a busy database is worth a moment, for what is given back comes twice.
                if time.monotonic() - began > PATIENCE_S:
                    raise
                time.sleep(wait)
                wait = min(wait * 2, 1.0)
                self.beat(connection)

    def _acknowledge(self, last: amqp.Message) -> None:
        """One acknowledgement for everything up to ``last``."""
        self._channel.basic_ack(last.delivery_tag, multiple=True)

    def _take(self) -> list[amqp.Message]:
        self._last_batch = min(self._batch, len(self._buffer))
        return [self._buffer.popleft() for _ in range(self._last_batch)]

    def _drain(self, connection: Any) -> None:
        """Take nothing more, finish what was fetched: so a deployment redelivers nothing."""
        if self._cancelled:
            return
        # Nothing is acknowledged before the end: the broker sends no more than the consumer may hold, and all of that
        # is handled before a consumer that stands by is let in, so that the order stays.
        way = Way(connection, self._channel, self._queue, self._blanks, self._prefetch, self._buffer)
        last, full = None, way.fill_up(time.monotonic() + DRAIN_S)
        stood_by, until = not self._buffer, time.monotonic() + DRAIN_S
        if not full:
            way.await_silence(until)
            # The queue has come to serve it meanwhile: now it can be filled up.
            full = stood_by and bool(self._buffer) and way.fill_up(time.monotonic() + DRAIN_S)
        while self._buffer:
            last = self._hand_over(connection)
            time.sleep(0)
            if not self._buffer and not full:
                way.await_silence(until)
        self._channel.basic_cancel(self._name)
        if not full:
            # py-amqp would reject what the broker had sent before it heard of it, and each of that would come again.
            self._channel.callbacks[self._name] = self._buffer.append
            way.await_silence(time.monotonic() + DRAIN_S)
            while self._buffer:
                last = self._hand_over(connection)
        if last is not None:
            self._acknowledge(last)
        self._channel.close()
