"""How a worker ends: asked to in the middle of an alarm, beside another replica, or because a part of it died."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import pytest

from services.chassis.broker_node import BrokerNode
from services.chassis.topology import Subscription, moving
from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import Toy, alarm, eventually, toy_message

pytestmark = pytest.mark.broker


@pytest.mark.parametrize(
    ("toy", "kind"),
    [("sqlite", "disk"), pytest.param("postgres", "memory", marks=pytest.mark.postgres)],
    indirect=["toy"],
)
def test_sigterm_ends_a_worker_in_the_middle_of_an_alarm_and_nothing_is_lost(
    toy: Toy, broker_node: BrokerNode, kind: str
) -> None:
    toy.start()
    assert toy.stop() == 0
    # Its queues are there, and hold what has to be parked, which is publishing.
    toy.publish(*(toy_message(f"bad-{n}", b'{"ball": "x", "wish": "park"}') for n in range(10)))
    toy.publish(*(toy_message(f"good-{n}", b'{"ball": "g%d"}' % n) for n in range(10)))
    toy.throw(*(Ping(ball=f"o{n}") for n in range(10)))
    with alarm(broker_node, kind):
        toy.start()
        eventually(lambda: toy.metric("broker_blocked") == 1)
        eventually(lambda: len(toy.balls()) == 10)
        # What was to be parked waits in hand, unacknowledged.
        assert toy.look("toy.pings") == []
        began = time.monotonic()
        assert toy.stop() == 0
        assert time.monotonic() - began < 20
    toy.start()
    eventually(lambda: len(toy.balls()) == 20 and set(toy.balls().values()) == {(1, 1)}, 60)
    eventually(lambda: {one.event_id for one in toy.look("toy.pings")} == {f"bad-{n}" for n in range(10)})
    assert toy.unpublished() == 0


def under_way(toy: Toy, pongs: int) -> bool:
    return sum(ball[1] for ball in toy.balls().values()) > pongs


@pytest.mark.postgres
@pytest.mark.parametrize("toy", ["postgres"], indirect=True)
def test_two_replicas_that_are_replaced_one_after_the_other_keep_the_order_of_each_subject(
    toy: Toy, second: Toy
) -> None:
    toy.start()
    second.start()
    thrown = 0
    redelivered = 0.0
    for leaving in (toy, second, toy, second):
        for _ in range(30):
            toy.throw(*(Ping(ball=f"r{n}") for n in range(20)))
            thrown += 1
        eventually(partial(under_way, toy, (thrown - 25) * 20), 60)
        redelivered += leaving.metric("events_redelivered_total")
        assert leaving.stop() == 0
        leaving.start()
    # A pong that comes after a later one of its ball is stale and does not count.
    eventually(lambda: toy.unpublished() == 0 and set(toy.balls().values()) == {(thrown, thrown)}, 60)
    assert redelivered + toy.metric("events_redelivered_total") + second.metric("events_redelivered_total") == 0


def test_a_worker_whose_care_for_queues_of_before_dies_ends_so_that_it_is_started_anew(toy: Toy) -> None:
    toy.environ["TOY_MOVING_DIES"] = "1"
    toy.start(ready=False)
    assert toy.process is not None
    assert toy.process.wait(20) == 1
    toy.close()
    assert [line["error"] for line in toy.lines("worker died")] == ["ZeroDivisionError"]


def test_queues_of_before_that_cannot_be_emptied_once_are_looked_after_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[int] = []
    stop = threading.Event()

    def look(*_: Any) -> list[Any]:
        looked.append(1)
        if len(looked) == 1:
            raise ZeroDivisionError
        stop.set()
        return []

    monkeypatch.setattr(moving, "_with_strays", look)
    monkeypatch.setattr(moving, "QUIET_S", 0.01)
    moving.keep_emptying("amqp://nowhere", [Subscription("toy.pings", (Ping,))], 1, stop)
    assert len(looked) == 2
