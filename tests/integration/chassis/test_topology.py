"""Topology on a real broker: partitions that come and go, queues that are not as they should be, refusals."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import amqp
import kombu
import pytest

from services.chassis import topology
from services.chassis.broker import Publisher, connect
from services.chassis.broker_node import BrokerNode, server, start_node
from services.chassis.errors import Mismatch, StartError
from services.chassis.topology.definitions import Member, definitions
from services.chassis.topology.rights import rights_of
from services.contracts.envelope import Event

pytestmark = pytest.mark.broker


class Ping(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "ping.v1"
    source: ClassVar[str] = "left"


HEARS = topology.Subscription("right.pings", (Ping,))


@pytest.fixture
def connection(broker: str) -> Iterator[kombu.Connection]:
    opened = connect(broker, "test")
    yield opened
    opened.release()


def _publish(connection: kombu.Connection, numbers: range, exchange: str = "wz.left", key: str = "ping.v1") -> None:
    publisher = Publisher(connection)
    messages = [
        amqp.Message(
            f"{n}",
            delivery_mode=2,
            message_id=f"e{n}",
            application_headers={"cloudEvents:subject": f"s{n % 40}", "cloudEvents:id": f"e{n}"},
        )
        for n in numbers
    ]
    outcome = publisher.publish((m, exchange, key) for m in messages)
    assert set(outcome.values()) == {"ok"}
    publisher.channel.close()


def _take(connection: kombu.Connection, queue: str) -> list[amqp.Message]:
    """Everything a queue holds; a single-active queue lets nobody get from it, so it is consumed."""
    channel: Any = connection.channel()
    found: list[amqp.Message] = []
    channel.basic_consume(queue, no_ack=True, callback=found.append)
    try:
        while True:
            connection.drain_events(timeout=0.5)
    except TimeoutError:
        channel.close()
    return found


def _subject(message: amqp.Message) -> str:
    return str(message.properties["application_headers"]["cloudEvents:subject"])


def test_partitions_split_the_subjects_and_keep_those_of_one_together(connection: kombu.Connection) -> None:
    topology.declare(connection.channel(), HEARS, 3)
    _publish(connection, range(400))
    got = {queue: _take(connection, queue) for queue in topology.work_queues(HEARS, 3)}
    assert sum(map(len, got.values())) == 400
    subjects = {queue: {_subject(message) for message in messages} for queue, messages in got.items()}
    assert all(subjects.values())
    assert sum(map(len, subjects.values())) == 40
    for messages in got.values():
        numbers: dict[str, list[int]] = {}
        for message in messages:
            numbers.setdefault(_subject(message), []).append(int(message.body))
        assert all(found == sorted(found) for found in numbers.values())


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (4, 2), (2, 5)])
def test_another_number_of_partitions_leaves_no_event_where_nobody_reads(
    broker: str, connection: kombu.Connection, before: int, after: int
) -> None:
    channel = connection.channel()
    topology.declare(channel, HEARS, before)
    _publish(connection, range(200))
    topology.declare(channel, HEARS, after)
    assert topology.empty_strays(broker, HEARS, after) == []
    _publish(connection, range(200, 300))
    got = [int(m.body) for queue in topology.work_queues(HEARS, after) for m in _take(connection, queue)]
    assert sorted(got) == list(range(300))
    assert topology.strays(channel, HEARS, after) == []


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (4, 2)])
def test_a_worker_of_before_that_connects_again_strands_nothing(
    broker: str, connection: kombu.Connection, before: int, after: int
) -> None:
    for partitions in (before, after, before):
        topology.declare(connection.channel(), HEARS, partitions)
    _publish(connection, range(50))
    assert topology.empty_strays(broker, HEARS, after) == []
    _publish(connection, range(50, 100))
    got = {int(m.body) for queue in topology.work_queues(HEARS, after) for m in _take(connection, queue)}
    assert got == set(range(100))


def test_a_stray_that_a_worker_of_before_still_reads_is_left_to_it(broker: str, connection: kombu.Connection) -> None:
    channel: Any = connection.channel()
    topology.declare(channel, HEARS, 2)
    tag = channel.basic_consume("right.pings.2", no_ack=False, callback=lambda _: None)
    topology.declare(channel, HEARS, 1)
    assert topology.empty_strays(broker, HEARS, 1) == ["right.pings.1", "right.pings.2"]
    channel.basic_cancel(tag)
    topology.empty_strays(broker, HEARS, 1)
    assert topology.strays(channel, HEARS, 1) == []


def test_what_is_retried_and_dead_lettered_comes_back_to_its_own_queue_alone(connection: kombu.Connection) -> None:
    channel: Any = connection.channel()
    other = topology.Subscription("other.pings", (Ping,))
    for one in (HEARS, other):
        topology.declare(channel, one, 2)
        topology.declare_retry(channel, one.queue, 1)
    _publish(connection, range(20), *topology.retry_route("right.pings", 1))
    time.sleep(1.5)
    got = [m for queue in topology.work_queues(HEARS, 2) for m in _take(connection, queue)]
    assert len(got) == 20
    assert not [m for queue in topology.work_queues(other, 2) for m in _take(connection, queue)]


def test_a_queue_with_other_arguments_is_named_with_the_difference_and_the_remedy(
    broker: str, connection: kombu.Connection
) -> None:
    made = {**topology.work_arguments("right.pings"), "x-delivery-limit": 3}
    channel: Any = connection.channel()
    channel.queue_declare("right.pings", durable=True, auto_delete=False, arguments=made)
    channel.basic_publish_confirm(amqp.Message("kept", delivery_mode=2, message_id="kept"), "", "right.pings")
    with pytest.raises(Mismatch) as refused:
        topology.declare(connection.channel(), HEARS)
    for word in ("right.pings", "x-delivery-limit must be 20 and is 3", "wenzheng topology remake right.pings"):
        assert word in str(refused.value)

    assert topology.remake(broker, HEARS, 1, "right.pings") == 1
    topology.declare(connection.channel(), HEARS)
    assert [m.body for m in _take(connection, "right.pings")] == ["kept"]


def test_a_queue_that_is_read_is_not_made_anew(broker: str, connection: kombu.Connection) -> None:
    channel: Any = connection.channel()
    topology.declare(channel, HEARS)
    channel.basic_consume("right.pings", callback=lambda _: None)
    with pytest.raises(StartError, match="stop the workers"):
        topology.remake(broker, HEARS, 1, "right.pings")


def test_looking_at_a_parked_event_again_and_again_never_drops_it(connection: kombu.Connection) -> None:
    topology.declare(connection.channel(), HEARS)
    _publish(connection, range(1), *topology.parked_route("right.pings"))
    for _ in range(25):
        channel: Any = connection.channel()
        assert channel.basic_get("right.pings.parked", no_ack=False) is not None
        channel.close()
        time.sleep(0.02)
    assert connection.channel().queue_declare("right.pings.parked", passive=True).message_count == 1


def test_a_broker_without_the_exchange_type_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PLUGIN", "")
    with start_node(tmp_path) as node:
        connection = connect(node.amqp_url, "test")
        topology.declare(connection.channel(), HEARS, 1)
        with pytest.raises(StartError, match="rabbitmq-plugins enable rabbitmq_consistent_hash_exchange"):
            topology.declare(connection.channel(), HEARS, 2)
        connection.collect()


def test_a_user_that_may_not_make_a_missing_exchange_is_told_what_to_import(broker_node: BrokerNode) -> None:
    broker_node.ensure_user("right", "word", "narrow", r"^right\..+$", r"^right\..+$", r"^(right\..+|wz\.left)$")
    connection = connect(broker_node.url_of("narrow", "right", "word"), "test")
    with pytest.raises(StartError, match="wenzheng topology"):
        topology.declare(connection.channel(), HEARS)
    connection.release()
    broker_node.delete_vhost("narrow")


def test_the_rights_of_a_service_are_enough_to_split_its_queue_and_to_empty_what_was(
    broker_node: BrokerNode, tmp_path: Path
) -> None:
    rights = rights_of("right", [HEARS], ["left", "right"], ["left", "right"])
    file = tmp_path / "definitions.json"
    member = Member("right-narrow", "word", {"split": rights})
    publishers = topology.Plan((topology.Exchange("wz.left"), topology.Exchange("wz.right")), (), ())
    file.write_text(json.dumps(definitions({"split": [publishers, topology.planned(HEARS)]}, [member])))
    broker_node.control("import_definitions", str(file))
    broker_node.ensure_vhost("split")
    above = connect(broker_node.url_of("split"), "test")
    _publish(above, range(50))
    url = broker_node.url_of("split", "right-narrow", "word")
    topology.declare_all(url, [HEARS], [], 3)
    assert topology.empty_strays(url, HEARS, 3) == []
    assert sorted(int(m.body) for queue in topology.work_queues(HEARS, 3) for m in _take(above, queue)) == list(
        range(50)
    )
    topology.declare_all(url, [HEARS], [], 1)
    assert topology.empty_strays(url, HEARS, 1) == []
    above.release()
    broker_node.delete_vhost("split")
