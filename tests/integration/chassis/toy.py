"""A toy service that tests of the delivery core run in a process of its own: it answers every ping with a pong."""

# ruff: noqa: I001 - the patch comes before nameko
from __future__ import annotations

import services.chassis.green  # noqa: F401

import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import ClassVar

from nameko.containers import ServiceContainer

from services.chassis import delivery, topology
from services.chassis.consume import Batch, listens
from services.chassis.delivery import Delivery, Handler, Work
from services.chassis.errors import Park, Retry
from services.chassis.house import open_house
from services.chassis.provider import CONFIG_KEY, HouseProvider
from services.chassis.relay import Relay
from services.chassis.sender import sends
from services.chassis.settings import ServiceSettings, load
from services.chassis.telemetry import set_up_logs
from services.chassis.worker import subscriptions
from services.contracts.envelope import Envelope, Event
from tests.integration.chassis.toy_tables import Ball, Base, Ping, Pong, Sent, Whisper


def load_balls(work: Work, envelopes: Sequence[Envelope]) -> None:
    work.preload(Ball, [envelope.subject for envelope in envelopes])


def ping(delivery: Delivery[Ping], work: Work) -> None:
    event = delivery.event
    if event.wish == "park":
        raise Park("not_wanted", "as wished")
    if event.wish == "fail":
        raise ZeroDivisionError
    if event.wish == "retry once" and delivery.attempt == 0:
        raise Retry("later")
    ball = work.get(Ball, event.ball)
    if ball is None:
        ball = Ball(id=event.ball, sequence=0, pings=0, pongs=0, seen={})
        work.add(ball)
    ball.pings += 1
    work.emit(ball, Pong(ball=event.ball))


def pong(delivery: Delivery[Pong], work: Work) -> None:
    ball = work.get(Ball, delivery.event.ball)
    if ball is None:
        raise Retry("no_ball_yet")
    if work.advance(ball, delivery.envelope):
        ball.pongs += 1


class Toy:
    name = "toy"
    house = HouseProvider()
    relay = Relay()

    ON_PING: ClassVar[dict[type[Event], Handler]] = {Ping: ping, Whisper: ping}
    ON_PONG: ClassVar[dict[type[Event], Handler]] = {Pong: pong}

    @listens("toy.pings", Ping, Whisper)
    def pings(self, batch: Batch) -> None:
        batch.apply(self.house, self.ON_PING, load_balls)

    if "TOY_PINGS_ONLY" not in os.environ:

        @listens("toy.pongs", Pong)
        def pongs(self, batch: Batch) -> None:
            batch.apply(self.house, self.ON_PONG, load_balls)

    @sends("toy.sender", every=0.5)
    def send(self) -> int:
        with self.house.database.write() as session:
            rows = session.query(Sent).filter_by(done=False).limit(10).all()
            for row in rows:
                row.done = True
        return len(rows)


def main() -> None:
    topology.LADDER = (1, 1, 1, 1, 1)
    set_up_logs("INFO", "json")
    house = open_house("toy", load(ServiceSettings, "toy"))
    for metadata in (Base.metadata, delivery.metadata):
        metadata.create_all(house.database.engine)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    topology.declare_all(house.settings.broker_url.get_secret_value(), subscriptions(Toy), [])
    container = ServiceContainer(Toy, {CONFIG_KEY: house, "max_workers": 16})
    container.start()
    os.write(1, b"ready\n")
    while not stop.is_set():
        stop.wait(0.05)
    container.stop()
    house.database.close()
    sys.exit(0)


if __name__ == "__main__":
    main()
