"""The durable hop on FastStream: one coroutine an event, 40 at once, SQLAlchemy's asyncio session on asyncpg."""

from __future__ import annotations

import asyncio
import json
import os

from faststream import FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitMessage, RabbitQueue
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from tests.bench.contenders import schema
from tests.bench.pings import new_id

QUEUE, ANSWERS = "bench.faststream", "bench.faststream.answers"
#: Events handled at once; more gave nothing.
CONCURRENCY = 40

INBOX, BALL = text(schema.ONE_INBOX), text(schema.ONE_BALL)
OUTBOX, MARK = text(schema.ONE_OUTBOX), text(schema.ONE_MARK)

engine = create_async_engine(
    schema.url().replace("postgresql:", "postgresql+asyncpg:", 1), pool_size=CONCURRENCY, max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
broker = RabbitBroker(os.environ["BENCH_BROKER"], default_channel=Channel(prefetch_count=CONCURRENCY), logger=None)
app = FastStream(broker, logger=None)


class Ping(BaseModel):
    """What an event says."""

    ball: str


@broker.subscriber(RabbitQueue(QUEUE, durable=True, queue_type=QueueType.QUORUM))
async def ping(event: Ping, message: RabbitMessage) -> None:
    """Inbox, state and outbox in one transaction, then the answer, confirmed, then its mark; acked on return."""
    answer, body = new_id(), json.dumps({"ball": event.ball}).encode()
    async with sessions.begin() as session:
        new = await session.execute(INBOX, {"queue": QUEUE, "id": message.message_id})
        if new.first() is None:
            return
        sequence = (await session.execute(BALL, {"ball": event.ball})).scalar_one()
        await session.execute(
            OUTBOX,
            {"id": answer, "ball": event.ball, "sequence": sequence, "cause": message.message_id, "body": body},
        )
    await broker.publish(
        body,
        queue=ANSWERS,
        persist=True,
        message_id=answer,
        content_type="application/json",
        headers={"cloudEvents:subject": event.ball, "cloudEvents:sequence": sequence},
    )
    async with sessions.begin() as session:
        await session.execute(MARK, {"id": answer})


@app.after_startup
async def tell() -> None:
    """Say that it consumes."""
    os.write(1, b"ready\n")


if __name__ == "__main__":
    schema.prepare()
    asyncio.run(app.run())
