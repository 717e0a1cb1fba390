"""The ceiling: the durable hop by hand in psycopg2 and py-amqp, in batches, with no framework and no safety net."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import amqp
import psycopg2
from psycopg2.extras import execute_values

from tests.bench.contenders import schema
from tests.bench.parts import connect
from tests.bench.pings import new_id

QUEUE, EXCHANGE = "bench.ceiling", "bench.ceiling.answers"
BATCH = 200
#: Without work what is confirmed is marked after this long (s).
IDLE_S = 0.05


class Hop:
    """Takes a batch, writes it with three statements and one commit, acknowledges, publishes, marks later."""

    def __init__(self) -> None:
        self.stopping = False
        self.database = psycopg2.connect(schema.url())
        self.connection = connect(os.environ["BENCH_BROKER"])
        self.buffer: list[amqp.Message] = []
        self.taken: Any = self.connection.channel()
        self.sent: Any = self.connection.channel()
        self.sent.confirm_select()
        self.sent.events["basic_ack"].add(self._confirmed)
        self.tag = 0
        #: Unconfirmed: delivery tag to outbox id; then what may be marked.
        self.open: dict[int, str] = {}
        self.confirmed: list[str] = []
        self.taken.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        self.sent.exchange_declare(EXCHANGE, "topic", durable=True, auto_delete=False)
        self.taken.basic_qos(0, 2 * BATCH, False)
        self.taken.basic_consume(QUEUE, callback=self.buffer.append)

    def _confirmed(self, tag: int, multiple: bool) -> None:
        for settled in [t for t in self.open if t <= tag] if multiple else [tag]:
            self.confirmed.append(self.open.pop(settled))

    def run(self) -> None:
        """Work until it is asked to stop."""
        while not self.stopping:
            while len(self.buffer) < BATCH:
                try:
                    self.connection.drain_events(timeout=IDLE_S)
                except TimeoutError:
                    break
            if self.buffer:
                self._batch()
            elif self.confirmed:
                with self.database, self.database.cursor() as cursor:
                    self._mark(cursor)

    def _batch(self) -> None:
        messages = self.buffer[:BATCH]
        del self.buffer[: len(messages)]
        now = datetime.now(UTC)
        out: list[tuple[str, str, int, bytes, str]] = []
        with self.database, self.database.cursor() as cursor:
            ids = [(QUEUE, message.properties["message_id"], now) for message in messages]
            fresh = {found for (found,) in execute_values(cursor, schema.INBOX, ids, page_size=BATCH, fetch=True)}
            pings: dict[str, int] = {}
            new: list[tuple[str, str]] = []
            for message in messages:
                event_id = message.properties["message_id"]
                if event_id in fresh:
                    ball = json.loads(message.body)["ball"]
                    pings[ball] = pings.get(ball, 0) + 1
                    new.append((event_id, ball))
            rows = [(ball, times, 0, times, "{}") for ball, times in sorted(pings.items())]
            last = dict(execute_values(cursor, schema.BALL, rows, page_size=BATCH, fetch=True))
            for cause, ball in new:
                sequence = last[ball] - pings[ball] + 1
                pings[ball] -= 1
                out.append((new_id(), ball, sequence, json.dumps({"ball": ball}).encode(), cause))
            execute_values(
                cursor,
                schema.OUTBOX,
                [
                    (i, "toy.pong.v1", "toy.answers", ball, "toy.pong.v1", n, now, cause, body, False, 0)
                    for i, ball, n, body, cause in out
                ],
                page_size=BATCH,
            )
            self._mark(cursor)
        self.taken.basic_ack(messages[-1].delivery_tag, multiple=True)
        for event_id, ball, sequence, body, cause in out:
            self.tag += 1
            self.open[self.tag] = event_id
            headers = {
                "cloudEvents:specversion": "1.0",
                "cloudEvents:id": event_id,
                "cloudEvents:source": "toy.answers",
                "cloudEvents:type": "toy.pong.v1",
                "cloudEvents:subject": ball,
                "cloudEvents:time": now.isoformat(),
                "cloudEvents:sequence": sequence,
                "cloudEvents:cause": cause,
            }
            message = amqp.Message(
                body,
                content_type="application/json",
                delivery_mode=2,
                message_id=event_id,
                application_headers=headers,
            )
            self.sent.basic_publish(message, EXCHANGE, "toy.pong.v1", mandatory=True)

    def _mark(self, cursor: Any) -> None:
        """What the broker has confirmed until now goes into the commit of the next batch."""
        if self.confirmed:
            cursor.execute("update outbox set published_at = now() where id = any(%s)", (self.confirmed,))
            self.confirmed = []


def main() -> None:
    """Entry point; ends on SIGTERM."""
    schema.prepare()
    hop = Hop()
    signal.signal(signal.SIGTERM, lambda *_: setattr(hop, "stopping", True))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    hop.run()


if __name__ == "__main__":
    main()
