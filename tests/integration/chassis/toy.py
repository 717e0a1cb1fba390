"""A toy service that tests of the delivery core run in a process of its own: it answers every ping with a pong."""

# ruff: noqa: I001 - the patch comes before nameko
from __future__ import annotations

import services.chassis.green  # noqa: F401

import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import ClassVar

import eventlet

from services.chassis import delivery, kill_points, silence, worker
from services.chassis.connections import of_worker
from services.chassis.consume import Batch, listens
from services.chassis.delivery import Delivery, Handler, Work
from services.chassis.errors import Park, Retry, StartError
from services.chassis.portal_link import PortalMessage, listens_portals
from services.chassis.house import open_house
from services.chassis.provider import HouseProvider
from services.chassis.relay import Relay
from services.chassis.sender import sends
from services.chassis.settings import ServiceSettings, load
from services.chassis.telemetry import set_up_logs
from services.contracts.envelope import Envelope, Event
from tests.integration.chassis.toy_tables import Ball, Base, Ping, Pong, Sent, Whisper


#: Taken for a moment by every handler that wishes so: nothing may leave it taken.
LOCK = threading.Lock()


class ToySettings(ServiceSettings):
    portals_file: str = ""


def load_balls(work: Work, envelopes: Sequence[Envelope]) -> None:
    work.preload(Ball, [envelope.subject for envelope in envelopes])


def ping(delivery: Delivery[Ping], work: Work) -> None:
    event = delivery.event
    if event.wish == "park":
        raise Park("not_wanted", "as wished")
    if event.wish == "fail":
        raise ZeroDivisionError
    if event.wish == "hang":
        time.sleep(3600)
    if event.wish == "timeout":
        raise eventlet.Timeout
    if event.wish == "spin":
        while True:
            pass
    if event.wish == "spin on a lock":
        while True:
            with LOCK:
                pass
    if event.wish == "lock":
        with LOCK:
            pass
    if event.wish == "kill":
        os.kill(os.getpid(), 9)
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

    late = "TOY_FAILS_LATE" in os.environ

    @listens("toy.pings", Ping, Whisper)
    def pings(self, batch: Batch) -> None:
        if Toy.late:
            # Once, after its caller has begun to look after the connection meanwhile.
            Toy.late = False
            time.sleep(1.5)
            raise RuntimeError
        batch.apply(self.house, self.ON_PING, load_balls)

    if "TOY_PINGS_ONLY" not in os.environ:

        @listens("toy.pongs", Pong)
        def pongs(self, batch: Batch) -> None:
            batch.apply(self.house, self.ON_PONG, load_balls)

    if "WENZHENG_PORTALS_FILE" in os.environ:

        @listens_portals()
        def filed(self, messages: Sequence[PortalMessage]) -> None:
            with self.house.database.write() as session:
                for message in messages:
                    session.merge(Ball(id=message.message_id, sequence=0, pings=1, pongs=0, seen={}))
                    session.flush()
                    if b"hopeless" in message.body:
                        raise ZeroDivisionError

    @sends("toy.sender", every=0.5)
    def send(self) -> int:
        with self.house.database.write() as session:
            rows = session.query(Sent).filter_by(done=False).limit(10).all()
            for row in rows:
                row.done = True
        return len(rows)


def _ready() -> None:
    os.write(1, b"ready\n")


def _die(*_: object) -> None:
    raise ZeroDivisionError


def main() -> None:
    set_up_logs("INFO", "json")
    if kill_at := os.environ.get("WENZHENG_KILL_AT"):
        kill_points.arm(kill_points.worker_points(), kill_at)
    if "TOY_ANSWER_S" in os.environ:
        silence.ANSWER_S = float(os.environ["TOY_ANSWER_S"])
    if "TOY_MOVING_DIES" in os.environ:
        vars(worker)["keep_emptying"] = _die
    settings = load(ToySettings, "toy")
    house = open_house("toy", settings, patient=False, role="worker", connections=of_worker(Toy, settings).pool)
    for metadata in (Base.metadata, delivery.metadata):
        metadata.create_all(house.database.engine)
    try:
        code = worker.run_containers({"toy": house}, {"toy": Toy}, _ready)
    except StartError as error:
        sys.stderr.write(f"toy: {error}\n")
        code = error.code
    sys.exit(code)


if __name__ == "__main__":
    main()
