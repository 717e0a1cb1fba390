"""What the consumer promises when something goes wrong: a hanging handler, a deadly event, a deployment, an outage."""

from __future__ import annotations

import signal
import time
from functools import partial
from struct import pack
from typing import Any

import amqp
import kombu
import pytest

from services.chassis import broker as rabbit
from services.chassis import topology
from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import Toy, eventually, toy_message

pytestmark = pytest.mark.broker


def all_done(toy: Toy, prefix: str, number: int, each: tuple[int, int] = (1, 1)) -> bool:
    found = {name: both for name, both in toy.balls().items() if name.startswith(prefix)}
    return len(found) == number and set(found.values()) == {each}


@pytest.mark.parametrize(
    ("wish", "detail"), [("hang", "the handler took too long"), ("timeout", "the handler raised Timeout")]
)
def test_a_handler_that_hangs_is_cut_and_its_neighbours_are_done(toy: Toy, wish: str, detail: str) -> None:
    toy.start()
    toy.throw(*(Ping(ball=f"n{n}") for n in range(20)), Ping(ball="bad", wish=wish), Ping(ball="n20"))
    eventually(lambda: all_done(toy, "n", 21))
    eventually(lambda: bool(toy.look("toy.pings")), 40)
    (one,) = toy.look("toy.pings")
    assert (one.subject, one.code, one.detail) == ("bad", "attempts_used_up:timed_out", detail)
    assert toy.metric("watchdog_cut_total") >= 6


def test_a_handler_that_computes_without_end_is_cut_and_the_loop_goes_on(toy: Toy) -> None:
    toy.start()
    toy.throw(Ping(ball="before"), Ping(ball="bad", wish="spin"), Ping(ball="after"))
    eventually(lambda: all_done(toy, "before", 1) and all_done(toy, "after", 1), 40)
    assert toy.ask("/livez")[0] == 200


def test_an_event_that_ends_the_worker_is_parked_and_its_neighbours_are_done(toy: Toy) -> None:
    toy.throw(*(Ping(ball=f"n{n}") for n in range(150)), Ping(ball="deadly", wish="kill"))
    toy.throw(*(Ping(ball=f"m{n}") for n in range(150)))
    toy.start(ready=False)
    deaths = 0

    def done() -> bool:
        nonlocal deaths
        assert toy.process is not None
        if toy.process.poll() is not None:
            deaths += 1
            toy.close()
            toy.start(ready=False)
        return all_done(toy, "n", 150) and all_done(toy, "m", 150) and len(toy.look("toy.pings")) == 1

    eventually(done, 100)
    # Twice in a batch, then three times alone.
    assert 3 <= deaths <= 6
    assert [(one.subject, one.code) for one in toy.look("toy.pings")] == [("deadly", "ends_the_worker")]


class Raw(amqp.Message):  # type: ignore[misc]
    """A message with properties that py-amqp would not write itself."""

    def __init__(self, properties: bytes) -> None:
        super().__init__(b"{}")
        self._raw = properties

    def _serialize_properties(self) -> bytes:
        return self._raw


def table(key: bytes, value: bytes) -> bytes:
    entry = bytes([len(key)]) + key + value
    return pack(">I", len(entry)) + entry


def deep_table(levels: int) -> bytes:
    found = pack(">I", 0)
    for _ in range(levels):
        found = table(b"a", b"F" + found)
    return found


UNREADABLE = {
    "a date of the year 55840": pack(">H", 1 << 13) + table(b"at", b"T" + pack(">Q", 1_700_000_000_000)),
    "a table 1,500 deep": pack(">H", 1 << 13) + deep_table(1500),
    "a message id that is no UTF-8": pack(">H", 1 << 7) + b"\x01\xff",
}


def test_messages_whose_properties_cannot_be_read_are_parked_and_the_worker_goes_on(toy: Toy) -> None:
    """RabbitMQ takes them all; py-amqp raises where it reads the socket."""
    toy.start()
    with kombu.Connection(toy.url) as connection:
        channel: Any = connection.channel()
        for properties in UNREADABLE.values():
            channel.basic_publish_confirm(Raw(properties), exchange="", routing_key="toy.pings")
        strange = toy_message("z", b'{"ball": "z"}', content_encoding="idna")
        channel.basic_publish_confirm(strange, exchange="", routing_key="toy.pings")
        # Confirmed: a channel that closes takes along what the queue has not written yet.
        channel.close()
    toy.throw(Ping(ball="after"))
    eventually(lambda: all_done(toy, "after", 1))
    eventually(lambda: len(toy.look("toy.pings")) == 4)
    codes = [one.code for one in toy.look("toy.pings")]
    assert sorted(codes) == ["encoded_body", "unreadable", "unreadable", "unreadable"]
    assert toy.process is not None
    assert toy.process.poll() is None


def test_a_database_that_reads_but_does_not_write_costs_no_attempt(toy: Toy) -> None:
    toy.start()
    toy.throw(*(Ping(ball=f"w{n}") for n in range(5)))
    eventually(lambda: all_done(toy, "w", 5))
    with kombu.Connection(toy.url) as connection, toy.house.database.engine.connect() as blocker:
        if toy.house.database.sqlite:
            # The first statement of a transaction takes the write lock.
            blocker.exec_driver_sql("select 1")
        else:
            blocker.exec_driver_sql("lock table inbox in access exclusive mode")
        for number in range(10):
            message = toy_message(f"late-{number}", b'{"ball": "x%d"}' % number)
            connection.default_channel.basic_publish_confirm(message, exchange="wz.toy", routing_key=Ping.type)
        connection.default_channel.close()
        eventually(lambda: toy.metric("consumer_paused", queue="toy.pings") == 1, 60)
        time.sleep(5)
    eventually(lambda: len([name for name in toy.balls() if name.startswith("x")]) == 10, 60)
    assert toy.look("toy.pings") == []
    assert not toy.retried()


@pytest.mark.postgres
@pytest.mark.parametrize("toy", ["postgres"], indirect=True)
def test_a_lock_that_others_hold_for_a_while_gives_nothing_back(toy: Toy) -> None:
    toy = toy.another(WENZHENG_DATABASE_LOCK_S="1")
    toy.start()
    try:
        toy.throw(Ping(ball="l0"))
        eventually(lambda: all_done(toy, "l", 1))
        with toy.house.database.engine.connect() as blocker:
            blocker.exec_driver_sql("lock table inbox in access exclusive mode")
            toy.throw(*(Ping(ball=f"l{n}") for n in range(1, 10)))
            eventually(lambda: "batch begins anew" in toy.log.read_text(encoding="utf-8"))
        eventually(lambda: all_done(toy, "l", 10))
        assert toy.metric("events_redelivered_total") == 0
        assert toy.metric("events_paused_total") == 0
    finally:
        toy.stop()


def test_a_deployment_under_load_redelivers_nothing(toy: Toy) -> None:
    toy.start()
    redelivered = 0.0
    for thrown in (1500, 3000, 4500):
        toy.throw(*(Ping(ball=f"d{n}") for n in range(thrown - 1500, thrown)))
        eventually(partial(lambda least: len(toy.balls()) > least, thrown - 1400))
        redelivered += toy.metric("events_redelivered_total")
        assert toy.stop() == 0
        toy.start()
    eventually(lambda: all_done(toy, "d", 4500), 60)
    redelivered += toy.metric("events_redelivered_total")
    assert redelivered == 0, toy.log.read_text(encoding="utf-8")[-4000:]


@pytest.mark.postgres
@pytest.mark.parametrize("toy", ["postgres"], indirect=True)
def test_a_database_that_goes_away_pauses_the_consumer_and_burns_no_attempt(toy: Toy, postgres: Any) -> None:
    toy.start()
    toy.throw(*(Ping(ball=f"a{n}") for n in range(500)))
    eventually(lambda: len(toy.balls()) > 50)
    postgres.stop(signal.SIGQUIT)
    try:
        eventually(lambda: toy.ask("/readyz")[0] == 503, 10)
        assert toy.ask("/livez")[0] == 200
        eventually(lambda: toy.metric("consumer_paused", queue="toy.pings") == 1, 30)
    finally:
        postgres.start()
    toy.throw(*(Ping(ball=f"b{n}") for n in range(100)))
    eventually(lambda: all_done(toy, "a", 500) and all_done(toy, "b", 100), 60)
    eventually(lambda: toy.ask("/readyz")[0] == 200, 15)
    assert toy.look("toy.pings") == []
    assert not toy.retried()
    # Every loop came through it: none died of a connection that could not even be closed any more.
    assert "Traceback" not in toy.log.read_text()
    assert toy.process is not None
    assert toy.process.poll() is None


def test_a_worker_whose_broker_is_away_still_ends_when_it_is_asked_to(toy: Toy, tmp_path: Any) -> None:
    from services.chassis.broker_node import start_node

    with start_node(tmp_path / "node") as node:
        node.ensure_vhost("alone")
        alone = toy.another(WENZHENG_BROKER_URL=node.url_of("alone"))
        alone.start()
        node.kill()
        eventually(lambda: "consumer pauses" in alone.log.read_text())
        began = time.monotonic()
        assert alone.stop() == 0
        assert time.monotonic() - began < 10


def test_a_queue_with_other_arguments_ends_the_start_with_one_clear_line(toy: Toy) -> None:
    with kombu.Connection(toy.url) as connection:
        channel: Any = connection.channel()
        channel.queue_declare(queue="toy.pings", durable=True, auto_delete=False, arguments={"x-queue-type": "classic"})
    began = time.monotonic()
    toy.start(ready=False)
    assert toy.process is not None
    assert toy.process.wait(10) == 2
    assert time.monotonic() - began < 10
    toy.close()
    (line,) = [line for line in toy.log.read_text().splitlines() if "toy.pings" in line]
    assert line.startswith("toy: ")


def test_a_consumer_that_the_broker_cancels_consumes_again(toy: Toy) -> None:
    toy.start()
    toy.throw(Ping(ball="before"))
    eventually(lambda: all_done(toy, "before", 1))
    with kombu.Connection(toy.url) as connection:
        channel: Any = connection.channel()
        channel.queue_delete(queue="toy.pings")
    eventually(lambda: "the broker cancelled the consumer" in toy.log.read_text())

    def comes_through() -> bool:
        toy.throw(Ping(ball=f"after{time.monotonic_ns()}"))
        return any(name.startswith("after") for name in toy.balls())

    eventually(comes_through)


@pytest.mark.postgres
@pytest.mark.parametrize("toy", ["postgres"], indirect=True)
def test_two_workers_share_the_partitions_and_keep_the_order_of_each_subject(toy: Toy, second: Toy) -> None:
    for one in (toy, second):
        one.environ["WENZHENG_PARTITIONS"] = "4"
    toy.start()
    eventually(lambda: toy.metric("partitions_held", queue="toy.pings") == 4)
    second.start()
    eventually(lambda: toy.metric("partitions_held", queue="toy.pings") == 2)
    eventually(lambda: second.metric("partitions_held", queue="toy.pings") == 2)
    for _ in range(20):
        toy.throw(*(Ping(ball=f"p{n}") for n in range(50)))
    eventually(lambda: all_done(toy, "p", 50, (20, 20)), 60)
    for one in (toy, second):
        assert one.metric("events_handled_total") > 0
        assert one.metric("events_stale_total") == one.metric("events_gap_total") == 0
    second.kill()
    eventually(lambda: toy.metric("partitions_held", queue="toy.pings") == 4)
    toy.throw(*(Ping(ball=f"q{n}") for n in range(50)))
    eventually(lambda: all_done(toy, "q", 50), 60)


def test_health_says_started_once_it_consumes_and_names_its_loops(toy: Toy) -> None:
    toy.start()
    eventually(lambda: toy.ask("/readyz")[0] == 200, 10)
    assert toy.ask("/startupz")[0] == 200
    assert '"consuming": 2' in toy.ask("/readyz")[1]
    assert toy.ask("/nothing")[0] == 404


def test_a_body_of_a_hundred_megabytes_is_parked_and_its_neighbours_are_done(toy: Toy) -> None:
    toy.start()
    toy.publish(toy_message("left", b'{"ball": "left"}'))
    toy.publish(toy_message("huge", b'{"ball": "' + b"x" * 100_000_000 + b'"}'))
    toy.publish(toy_message("right", b'{"ball": "right"}'))
    eventually(lambda: "left" in toy.balls() and "right" in toy.balls(), 60)
    connection = rabbit.connect(toy.url, "test")
    try:
        queue = topology.parked_queue("toy.pings")
        eventually(lambda: connection.default_channel.queue_declare(queue, passive=True).message_count == 1)
        message: amqp.Message = connection.default_channel.basic_get(queue, no_ack=True)
        assert message.properties["application_headers"]["x-code"] == "body_too_large"
    finally:
        connection.release()
