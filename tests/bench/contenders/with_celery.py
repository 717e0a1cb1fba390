"""The durable hop on Celery: prefork pool, late acknowledgement, confirmed publishing, quorum queues."""

from __future__ import annotations

import json
import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_ready
from kombu import Exchange, Queue
from sqlalchemy import Engine, create_engine, text

from tests.bench.contenders import schema
from tests.bench.pings import new_id

QUEUE, ANSWERS = "bench.celery", "bench.celery.answers"
#: Processes: more than cores, for they wait for database and broker.
CONCURRENCY = int(os.environ.get("BENCH_CONCURRENCY", "8"))

INBOX, BALL = text(schema.ONE_INBOX), text(schema.ONE_BALL)
OUTBOX, MARK = text(schema.ONE_OUTBOX), text(schema.ONE_MARK)


def quorum(name: str) -> Queue:
    """A quorum queue behind the default exchange."""
    return Queue(name, Exchange(""), routing_key=name, queue_arguments={"x-queue-type": "quorum"})


app = Celery("bench", broker=os.environ.get("BENCH_BROKER", ""))
app.conf.update(
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue=QUEUE,
    task_queues=[quorum(QUEUE), quorum(ANSWERS)],
    worker_concurrency=CONCURRENCY,
    worker_prefetch_multiplier=8,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
)
engines: list[Engine] = []


@worker_process_init.connect
def open_engine(**_: Any) -> None:
    """A connection of its own for each process of the pool."""
    engines.append(create_engine(schema.url().replace("postgresql:", "postgresql+psycopg2:", 1), pool_size=1))


@worker_ready.connect
def tell(**_: Any) -> None:
    """Say that it consumes."""
    os.write(1, b"ready\n")


@app.task(name="toy.pong.v1")
def pong(ball: str, sequence: int) -> None:
    """Named, never run here: its queue only collects."""


@app.task(name="toy.ping.v1", bind=True)
def ping(self: Any, ball: str) -> None:
    """Inbox, state and outbox in one transaction, then the answer, confirmed, then its mark; acked on return."""
    answer, cause = new_id(), self.request.id
    with engines[0].begin() as connection:
        if connection.execute(INBOX, {"queue": QUEUE, "id": cause}).first() is None:
            return
        sequence = connection.execute(BALL, {"ball": ball}).scalar_one()
        body = json.dumps({"ball": ball}).encode()
        connection.execute(OUTBOX, {"id": answer, "ball": ball, "sequence": sequence, "cause": cause, "body": body})
    pong.apply_async((ball, sequence), task_id=answer, queue=ANSWERS)
    with engines[0].begin() as connection:
        connection.execute(MARK, {"id": answer})


if __name__ == "__main__":
    schema.prepare()
    app.worker_main(
        [
            *("worker", "--queues", QUEUE, "--loglevel", "ERROR", "--pool", "prefork"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
    )
