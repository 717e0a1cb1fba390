"""What a consumer leaves behind when it ends under load: nothing in hand, nothing on its way, nothing out of order."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from typing import Any

import amqp
import kombu
import pytest

from services.chassis import topology
from services.chassis.leaving import Way
from services.chassis.loop import ConsumeLoop
from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import eventually, toy_message

pytestmark = pytest.mark.broker
STOPS = 12


class _Crowd(threading.Thread):
    """Publishes in bursts, as relays do, until told to end."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url, self.ended, self.sent = url, threading.Event(), 0

    def run(self) -> None:
        with kombu.Connection(self._url) as connection:
            channel: Any = connection.channel()
            for burst in itertools.count():
                for number in range(8):
                    message = toy_message(f"{burst}-{number}", b'{"ball": "b"}', subject=f"s{number}")
                    channel.basic_publish(message, exchange="wz.toy", routing_key=Ping.type)
                    self.sent += 1
                if self.ended.wait(0.05):
                    break
            # Taken by the queue before the channel goes.
            channel.close()


@pytest.mark.parametrize("partitions", [1, 2])
def test_what_comes_while_a_consumer_ends_is_handled_once_in_order_and_never_redelivered(
    broker: str, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled: list[bool] = []
    fill_up = Way.fill_up

    def watched(way: Way, until: float) -> bool:
        filled.append(fill_up(way, until))
        return filled[-1]

    monkeypatch.setattr(Way, "fill_up", watched)
    subscription = topology.Subscription("toy.pings", (Ping,))
    queues = topology.work_queues(subscription, partitions)
    got: list[amqp.Message] = []

    def handle(messages: Sequence[amqp.Message], connection: Any) -> None:
        got.extend(messages)

    def loop(queue: str) -> ConsumeLoop:
        return ConsumeLoop(
            broker,
            "test",
            queue,
            batch=200,
            linger_s=0.02,
            declare=lambda channel: topology.declare(channel, subscription, partitions),
            handle=handle,
            blanks=topology.blank_route("toy.pings", queue),
        )

    with kombu.Connection(broker) as connection:
        topology.declare(connection.channel(), subscription, partitions)
    crowd = _Crowd(broker)
    crowd.start()
    for turn in range(STOPS + 1):
        loops = [loop(queue) for queue in queues]
        running = [threading.Thread(target=one.run) for one in loops]
        for thread in running:
            thread.start()
        before = len(got)
        eventually(lambda before=before: len(got) > before + 20)  # type: ignore[misc]
        if turn == STOPS:
            crowd.ended.set()
            crowd.join(20)
            eventually(lambda: len(got) >= crowd.sent)
        for one in loops:
            one.stop()
        for thread in running:
            thread.join(20)
            assert not thread.is_alive()
        # The broker takes something back at few stops only: that it cannot is seen at each.
        assert filled == [True] * partitions * (turn + 1)
    ids = [str(message.properties["message_id"]) for message in got]
    assert len(ids) == len(set(ids)) == crowd.sent
    assert [i for i, m in zip(ids, got, strict=True) if m.delivery_info["redelivered"]] == []
    for number in range(8):
        bursts = [int(name.split("-")[0]) for name in ids if name.endswith(f"-{number}")]
        assert bursts == sorted(bursts)


def test_a_consumer_that_stands_by_ends_without_waiting_for_what_another_gets(broker: str) -> None:
    subscription = topology.Subscription("toy.pings", (Ping,))
    got: list[amqp.Message] = []

    def loop(name: str) -> ConsumeLoop:
        return ConsumeLoop(
            broker,
            name,
            "toy.pings",
            batch=50,
            linger_s=0.02,
            declare=lambda channel: topology.declare(channel, subscription, 1),
            handle=lambda messages, connection: got.extend(messages),
            blanks=topology.blank_route("toy.pings", "toy.pings"),
        )

    with kombu.Connection(broker) as connection:
        topology.declare(connection.channel(), subscription, 1)
        active, standby = loop("active"), loop("standby")
        threads = [threading.Thread(target=active.run), threading.Thread(target=standby.run)]
        threads[0].start()
        eventually(lambda: active.state == "consuming")
        threads[1].start()
        eventually(lambda: standby.state == "consuming")
        began = time.monotonic()
        standby.stop()
        threads[1].join(20)
        assert time.monotonic() - began < 5
        message = toy_message("after", b'{"ball": "b"}')
        connection.default_channel.basic_publish_confirm(message, exchange="wz.toy", routing_key=Ping.type)
        eventually(lambda: len(got) == 1)
        active.stop()
        threads[0].join(20)
        # Blanks are nobody's event, and none is left.
        assert [str(one.properties["message_id"]) for one in got] == ["after"]
        assert connection.default_channel.queue_declare("toy.pings", passive=True).message_count == 0
