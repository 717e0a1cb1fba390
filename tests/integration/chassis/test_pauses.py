"""When and how the consumer pauses: nothing is acknowledged that was not done, and no attempt is burnt meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import amqp
import kombu
import pytest

from services.chassis import topology
from services.chassis.errors import Hold
from services.chassis.loop import TRIAL, ConsumeLoop
from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import Toy, eventually, toy_message
from tests.parts.link import Link

pytestmark = pytest.mark.broker


def done(toy: Toy, prefix: str) -> int:
    return sum(name.startswith(prefix) and both == (1, 1) for name, both in toy.balls().items())


def test_a_listener_that_fails_after_more_than_a_second_gets_its_events_again_and_none_is_lost(toy: Toy) -> None:
    toy.environ["TOY_FAILS_LATE"] = "1"
    toy.start()
    toy.throw(*(Ping(ball=f"l{n}") for n in range(20)))
    eventually(lambda: done(toy, "l") == 20)
    (line,) = toy.lines("listener failed")
    assert line["error"] == "RuntimeError"
    assert toy.look("toy.pings") == []
    assert not toy.retried()


def test_a_consumer_that_held_is_on_trial_one_event_at_a_time_until_five_went_well(broker: str) -> None:
    subscription = topology.Subscription("toy.pings", (Ping,))
    got: list[tuple[int, bool]] = []
    held = threading.Event()

    def handle(messages: Sequence[amqp.Message], connection: Any) -> None:
        if not held.is_set():
            held.set()
            raise Hold("too many events parked", 0.5)
        got.append((len(messages), loop.on_trial))

    loop = ConsumeLoop(
        broker,
        "test",
        "toy.pings",
        batch=50,
        linger_s=0.2,
        declare=lambda channel: topology.declare(channel, subscription, 1),
        handle=handle,
    )
    with kombu.Connection(broker) as connection:
        topology.declare(connection.channel(), subscription, 1)
        for number in range(40):
            message = toy_message(f"e{number}", b'{"ball": "b"}')
            connection.default_channel.basic_publish_confirm(message, exchange="wz.toy", routing_key=Ping.type)
        connection.default_channel.close()
    running = threading.Thread(target=loop.run)
    running.start()
    try:
        eventually(lambda: sum(number for number, _ in got) == 40)
    finally:
        loop.stop()
        running.join(20)
    assert held.is_set()
    assert got[:TRIAL] == [(1, True)] * TRIAL
    assert not any(on_trial for _, on_trial in got[TRIAL:])
    # Ahead again: some of the rest came together.
    assert max(number for number, _ in got[TRIAL:]) > 1


@pytest.mark.postgres
@pytest.mark.parametrize("toy", ["postgres"], indirect=True)
def test_a_database_host_that_falls_silent_pauses_everything_and_burns_no_attempt(toy: Toy, postgres: Any) -> None:
    """It takes what is sent, accepts who connects and answers nobody: no time-out of the kernel sees that."""
    with Link(postgres.port) as link:
        toy.environ |= {
            "WENZHENG_DATABASE_URL": link.by(toy.environ["WENZHENG_DATABASE_URL"]),
            # Not the 20 s of production.
            "TOY_ANSWER_S": "5",
        }
        toy.start()
        toy.throw(*(Ping(ball=f"a{n}") for n in range(50)))
        eventually(lambda: done(toy, "a") == 50)
        link.fall_silent()
        toy.throw(*(Ping(ball=f"b{n}") for n in range(50)))
        toy.publish(*(toy_message(f"late-{n}", b'{"ball": "c%d"}' % n) for n in range(10)))
        eventually(lambda: toy.metric("consumer_paused", queue="toy.pings") == 1, 40)
        eventually(lambda: toy.metric("relay_reconnects_total") >= 1, 20)
        for _ in range(10):
            assert toy.ask("/livez")[0] == 200
            time.sleep(0.5)
        assert toy.ask("/readyz")[0] == 503
        link.speak_again()
        eventually(lambda: done(toy, "a") == done(toy, "b") == 50 and done(toy, "c") == 10, 60)
        eventually(lambda: toy.ask("/readyz")[0] == 200, 30)
        assert toy.look("toy.pings") == []
        assert not toy.retried()
        # In the log the service and its queue stand apart.
        lines = toy.lines("consumer pauses")
        assert ("toy", "toy.pings") in {(line["service"], line["queue"]) for line in lines}
        assert toy.stop() == 0
