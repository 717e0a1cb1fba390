"""Where failed events go when the broker refuses them, falls silent or raises an alarm: none is lost, nothing hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import amqp
import pytest

from services.chassis import broker as rabbit
from services.chassis import topology
from services.chassis.broker_node import BrokerNode
from services.chassis.errors import Transient
from services.chassis.settle import Settler
from services.chassis.verdict import Verdict
from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import Toy, alarm, eventually, toy_message
from tests.parts.link import Link

pytestmark = pytest.mark.broker

QUEUE = "toy.pings"
PARK = Verdict("park", "not_wanted", "as wished")


class Waiting:
    """A loop that waits for its settler."""

    def __init__(self) -> None:
        self.stopping = False
        self.beats = 0

    def beat(self, connection: Any) -> None:
        self.beats += 1


def failed(number: int, name: str = "bad-%d") -> list[tuple[amqp.Message, Verdict]]:
    found = []
    for n in range(number):
        message = toy_message(name % n, b'{"ball": "bad"}')
        message.delivery_info = {"exchange": "wz.toy", "routing_key": Ping.type}
        found.append((message, PARK))
    return found


@contextmanager
def consuming(url: str) -> Iterator[Any]:
    """The connection of a loop, on a broker that has its queues."""
    connection = rabbit.connect(url, "test")
    try:
        topology.declare(connection.channel(), topology.Subscription(QUEUE, (Ping,)), 1)
        yield connection
    finally:
        rabbit.release(connection)


@contextmanager
def settling(toy: Toy) -> Iterator[Settler]:
    settler = Settler(toy.house, QUEUE)
    try:
        yield settler
    finally:
        settler.close()


#: No row is written here.
SQLITE = pytest.mark.parametrize("toy", ["sqlite"], indirect=True)


@SQLITE
def test_what_a_full_parked_queue_refuses_is_kept_and_what_it_took_is_not_parked_twice(
    toy: Toy, broker_node: BrokerNode
) -> None:
    vhost = toy.url.rpartition("/")[2]
    # Of one id, so they are published one after the other: the limit of a quorum queue takes a moment to be felt.
    events, loop = failed(40, "bad%.0s"), Waiting()
    with consuming(toy.url) as connection, settling(toy) as settler:
        narrow = ("set_policy", "-p", vhost, "narrow", r"^toy\.pings\.parked$", '{"max-length":1}')
        broker_node.control(*narrow, "--apply-to", "queues")
        with pytest.raises(Transient, match="did not take"):
            settler.settle(events, connection, loop)
        some = len(toy.look(QUEUE))
        assert 0 < some < 40
        broker_node.control("clear_policy", "-p", vhost, "narrow")
        eventually(lambda: _settled(settler, events, connection, loop))
    assert [one.event_id for one in toy.look(QUEUE)] == ["bad"] * 40


def _settled(settler: Settler, events: Any, connection: Any, loop: Waiting) -> bool:
    try:
        settler.settle(events, connection, loop)
    except Transient:
        # The policy is on its way to the queue.
        return False
    return True


@SQLITE
def test_a_broker_that_falls_silent_is_given_up_and_the_same_events_are_parked_later(
    toy: Toy, broker_node: BrokerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbit, "STALL_S", 2.0)
    monkeypatch.setattr(rabbit, "RELEASE_S", 0.5)
    events, loop = failed(3), Waiting()
    with Link(broker_node.port) as link, consuming(link.by(toy.url)) as connection, settling(toy) as settler:
        settler.settle(failed(1), connection, loop)
        link.fall_silent()
        began = time.monotonic()
        with pytest.raises(Transient, match="did not confirm"):
            settler.settle(events, connection, loop)
        assert 2 <= time.monotonic() - began < 8
        # The loop was seen to be alive meanwhile.
        assert loop.beats >= 2
        link.speak_again()
        settler.settle(events, connection, loop)
    # Whether the silent broker had them nobody knew: at least once, and none is missing.
    assert {one.event_id for one in toy.look(QUEUE)} == {"bad-0", "bad-1", "bad-2"}


@SQLITE
@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_an_alarm_is_waited_out_however_long_it_lasts_and_each_event_is_parked_once(
    toy: Toy, broker_node: BrokerNode, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(rabbit, "STALL_S", 2.0)
    events, loop = failed(3), Waiting()
    with consuming(toy.url) as connection, settling(toy) as settler:
        # Nobody is told of an alarm before he publishes.
        settler.settle(failed(1), connection, loop)
        waiting = threading.Thread(target=settler.settle, args=(events, connection, loop))
        with alarm(broker_node, kind):
            waiting.start()
            time.sleep(6)
            assert waiting.is_alive()
            assert loop.beats >= 4
        waiting.join(20)
        assert not waiting.is_alive()
    assert sorted(one.event_id for one in toy.look(QUEUE)) == ["bad-0", "bad-0", "bad-1", "bad-2"]


@SQLITE
def test_a_worker_that_wants_to_end_does_not_wait_for_an_alarm_to_be_over(toy: Toy, broker_node: BrokerNode) -> None:
    loop = Waiting()
    with consuming(toy.url) as connection, settling(toy) as settler:
        settler.settle(failed(1), connection, loop)
        with alarm(broker_node, "memory"):
            threading.Timer(2, lambda: setattr(loop, "stopping", True)).start()
            began = time.monotonic()
            with pytest.raises(Transient, match="blocks publishing"):
                settler.settle(failed(3), connection, loop)
            assert time.monotonic() - began < 9
