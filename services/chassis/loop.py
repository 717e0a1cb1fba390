"""One greenlet, one connection, one queue: takes messages in batches, hands them over, acknowledges once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import amqp

from services.chassis import broker
from services.chassis.errors import Hold, Mismatch, StartError, Transient
from services.chassis.telemetry import log

#: Delivered this often before, a message is handled alone and fetched alone, so that a crash condemns no neighbour.
ALONE_AFTER = 2
#: Longest look at the socket before the loop asks whether it should stop (s).
TICK_S = 0.25
#: Nothing came for so long, so nothing is on its way to us (s).
SILENCE_S = 0.1
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

    It begins with one message at a time and fetches ahead once the head of the queue was not delivered too often: what
    killed a worker before is then met alone.

    Args:
        url: broker URL with the virtual host.
        name: for the connection's name and the log.
        queue: the queue.
        batch: messages in one hand-over, at most.
        linger_s: how long a batch may wait to fill, in seconds.
        declare: makes the queue on a fresh channel.
        handle: gets the messages and the channel's connection; when it returns they are acknowledged.
            Raises Transient when they should be kept and handed over again later, Hold when they should go back.
        probe: asks whether what ``handle`` needs is there; raises when it is not.
        notice: told the loop's state when it changes, see ``state``.
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
    ) -> None:
        self._url, self._name, self._queue = url, name, queue
        self._batch, self._linger = batch, linger_s
        self._declare, self._handle, self._probe, self._notice = declare, handle, probe, notice
        self._stopping = False
        self._buffer: deque[amqp.Message] = deque()
        self._channel: Any = None
        self._tag = ""
        self._cancelled = False
        self._trial = 0
        self._log = log(name)
        #: "starting", "consuming", "paused" (a dependency is away), "held" (it parks too much) or "stopped".
        self.state = "starting"
        #: When the loop last moved (monotonic s): what a liveness probe looks at, whether or not the broker is there.
        self.moved = time.monotonic()

    @property
    def on_trial(self) -> bool:
        """True after a hold, until some messages went well."""
        return self._trial > 0

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
            wait = 0.2 if time.monotonic() - began > LONGEST_REST_S else wait
            self._rest(wait)
            wait = min(wait * 2, LONGEST_REST_S)
        self._become("stopped")

    def beat(self, connection: Any) -> None:
        """Called by ``handle`` while it waits: keeps the connection alive and says that the loop moves."""
        self.moved = time.monotonic()
        try:
            # Only reads what has come: a connection whose frames are never read counts as dead.
            connection.drain_events(timeout=0.001)
        except TimeoutError:
            connection.heartbeat_check()

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
        connection = broker.connect(self._url, self._name)
        try:
            self._channel = connection.channel()
            self._declare(self._channel)
            self._buffer, self._cancelled, self._tag = deque(), False, ""
            ahead = False
            self._subscribe(1)
            self._become("consuming")
            while not self._stopping:
                self.moved = time.monotonic()
                self._fill(connection)
                if self._cancelled:
                    raise Transient("the broker cancelled the consumer")
                if not self._buffer:
                    continue
                calm = deliveries(self._buffer[0]) < ALONE_AFTER
                self._hand_over(connection)
                self._trial = max(self._trial - 1, 0)
                if not ahead and calm and not self._trial:
                    self._subscribe(2 * self._batch)
                    ahead = True
                # Without this pause four consumers of one process starve each other (measured: 25 s).
                time.sleep(0)
            self._drain(connection)
        finally:
            self._buffer = deque()
            _give_back(connection)

    def _subscribe(self, fetch: int) -> None:
        """Consume with so many unacknowledged messages at most; an earlier subscription ends."""
        earlier, self._tag = self._tag, f"{self._name}-{fetch}"
        self._channel.basic_qos(0, fetch, False)
        self._channel.basic_consume(
            self._queue,
            no_ack=False,
            callback=self._buffer.append,
            on_cancel=lambda tag: setattr(self, "_cancelled", True),
            consumer_tag=self._tag,
        )
        if earlier:
            self._cancel(earlier)

    def _cancel(self, tag: str) -> None:
        """End a subscription; what the broker had sent before it heard of it is still taken.

        py-amqp would reject those messages, and each would come again, marked as redelivered (measured: 200 of 400).
        """
        self._channel.basic_cancel(tag)
        self._channel.callbacks[tag] = self._buffer.append

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
                self.moved = time.monotonic()
                connection.heartbeat_check()
                continue
            if until is None and self._buffer:
                until = time.monotonic() + self._linger

    def _hand_over(self, connection: Any) -> None:
        """Hand over a batch until it is done; what a missing dependency holds up for long is given back."""
        messages = self._take()
        wait, began = 0.05, time.monotonic()
        while True:
            try:
                self._handle(messages, connection)
                break
            except Hold:
                raise
            except Transient:
                # Also while it drains: a busy database is worth a moment, for what is given back comes twice.
                if time.monotonic() - began > PATIENCE_S:
                    raise
                time.sleep(wait)
                wait = min(wait * 2, 1.0)
                self.beat(connection)
        self._acknowledge(messages[-1])

    def _acknowledge(self, last: amqp.Message) -> None:
        """One acknowledgement for everything up to ``last``."""
        self._channel.basic_ack(last.delivery_tag, multiple=True)

    def _take(self) -> list[amqp.Message]:
        taken: list[amqp.Message] = []
        while self._buffer and len(taken) < self._batch:
            if deliveries(self._buffer[0]) >= ALONE_AFTER:
                if not taken:
                    taken.append(self._buffer.popleft())
                break
            taken.append(self._buffer.popleft())
        return taken

    def _drain(self, connection: Any) -> None:
        """Take nothing more, finish what was fetched: so a deployment redelivers nothing."""
        if self._cancelled:
            return
        # As long as nothing is acknowledged the broker sends no more than it may: wait until it has sent that.
        self._await_silence(connection)
        self._cancel(self._tag)
        self._await_silence(connection)
        while self._buffer:
            self._hand_over(connection)
            time.sleep(0)
        self._channel.close()

    def _await_silence(self, connection: Any) -> None:
        """Read until nothing has come for a moment."""
        while True:
            try:
                connection.drain_events(timeout=SILENCE_S)
            except TimeoutError:
                return


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
