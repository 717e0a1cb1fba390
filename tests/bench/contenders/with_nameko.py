"""The durable hop on stock nameko: its consumer and its publisher, 40 workers, SQLAlchemy on psycopg2."""

# ruff: noqa: E402 - the patch comes before everything else
from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet

eventlet.monkey_patch()

import json
import os
import signal
from typing import Any

from kombu import Exchange, Queue
from nameko.messaging import Publisher, consume
from nameko.runners import ServiceRunner
from sqlalchemy import create_engine, text

from tests.bench.contenders import schema
from tests.bench.pings import new_id

QUEUE, ANSWERS = "bench.nameko", "bench.nameko.answers"
#: Events handled at once; nameko's prefetch is the same number.
CONCURRENCY = 40

INBOX, BALL = text(schema.ONE_INBOX), text(schema.ONE_BALL)
OUTBOX, MARK = text(schema.ONE_OUTBOX), text(schema.ONE_MARK)

engine = create_engine(
    schema.url().replace("postgresql:", "postgresql+psycopg2:", 1), pool_size=CONCURRENCY, max_overflow=0
)


def quorum(name: str) -> Queue:
    """A quorum queue behind an exchange of its own name."""
    exchange = Exchange(name, type="direct", durable=True)
    return Queue(name, exchange, routing_key=name, durable=True, queue_arguments={"x-queue-type": "quorum"})


class Hop:
    """The service."""

    name = "bench_nameko"

    publish = Publisher(queue=quorum(ANSWERS), use_confirms=True)

    @consume(quorum(QUEUE))
    def ping(self, event: dict[str, Any]) -> None:
        """Inbox, state and outbox in one transaction, then the answer, confirmed, then its mark; acked on return."""
        answer, ball, cause = new_id(), event["ball"], event["id"]
        with engine.begin() as connection:
            if connection.execute(INBOX, {"queue": QUEUE, "id": cause}).first() is None:
                return
            sequence = connection.execute(BALL, {"ball": ball}).scalar_one()
            body = json.dumps({"ball": ball}).encode()
            connection.execute(OUTBOX, {"id": answer, "ball": ball, "sequence": sequence, "cause": cause, "body": body})
        self.publish({"ball": ball}, routing_key=ANSWERS, message_id=answer, headers={"subject": ball})
        with engine.begin() as connection:
            connection.execute(MARK, {"id": answer})


def main() -> None:
    """Entry point; ends on SIGTERM."""
    schema.prepare()
    runner = ServiceRunner({"AMQP_URI": os.environ["BENCH_BROKER"], "max_workers": CONCURRENCY})
    runner.add_service(Hop)
    signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_n(runner.kill))
    runner.start()
    os.write(1, b"ready\n")
    runner.wait()


if __name__ == "__main__":
    main()
