"""What the relay promises: one at a time, order behind a refused event, no more rows than needed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import kombu
import pytest
from sqlalchemy import func, insert, select

from services.chassis import broker as rabbit
from services.chassis import delivery, outbox_pages, topology
from services.chassis.ids import uuid7
from services.chassis.outbox_pages import Pages
from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import Toy, eventually

pytestmark = pytest.mark.broker


@pytest.mark.postgres
@pytest.mark.parametrize("toy", ["postgres"], indirect=True)
def test_a_second_replica_stands_by_and_takes_over_within_seconds(toy: Toy, second: Toy) -> None:
    toy.start()
    eventually(lambda: toy.metric("relay_leader") == 1)
    second.start()
    eventually(lambda: '"standing by": 1' in second.ask("/readyz")[1])
    assert second.metric("relay_leader") == 0
    toy.kill()
    toy.throw(Ping(ball="after"))
    eventually(lambda: second.metric("relay_leader") == 1, 5)
    eventually(lambda: toy.balls().get("after") == (1, 1), 10)


def test_events_behind_a_refused_one_of_their_subject_wait_and_others_go_on(toy: Toy) -> None:
    """A queue that is full refuses; what it refused goes first when there is room again."""
    with kombu.Connection(toy.url) as connection:
        channel: Any = connection.channel()
        topology.declare_exchange(channel, topology.exchange_of("toy"))
        full = {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-max-length": 1}
        channel.queue_declare(queue="narrow", durable=True, auto_delete=False, arguments=full)
        channel.queue_bind(queue="narrow", exchange=topology.exchange_of("toy"), routing_key=Ping.type)
        publisher, pages = rabbit.Publisher(connection), Pages(toy.house)
        got: list[str] = []
        words: set[str] = set()

        def turn() -> int:
            rows = pages.due()
            outcome = publisher.publish(pages.messages(rows, publisher.nacked))
            pages.mark(rows, outcome, lambda: None)
            words.update(outcome.values())
            return toy.unpublished()

        def empty() -> None:
            while (message := channel.basic_get("narrow", no_ack=True)) is not None:
                got.append(str(message.properties["application_headers"]["cloudEvents:sequence"]))

        def all_taken() -> bool:
            empty()
            return turn() == 0

        for _ in range(20):
            toy.throw(Ping(ball="one"))
            turn()
        assert words == {"ok", "nack"}
        eventually(all_taken, 60)
        empty()
    # What was in flight together with a refused one may overtake it, and is seen by its number; nothing is missing.
    assert sorted(map(int, set(got))) == list(range(1, 21))


def test_a_subject_with_a_refused_event_is_left_out_until_its_time_has_come(toy: Toy) -> None:
    toy.throw(Ping(ball="held"), Ping(ball="free"))
    pages = Pages(toy.house)
    rows = pages.due()
    pages.mark(rows, {rows[0].id: "nack", rows[1].id: "ok"}, lambda: None)
    toy.throw(Ping(ball="held"), Ping(ball="free"))
    assert [row.subject for row in pages.due()] == ["free"]
    # Another relay that takes over knows it too.
    heir = Pages(toy.house)
    heir.remember()
    assert [row.subject for row in heir.due()] == ["free"]
    eventually(lambda: [row.subject for row in pages.due()] == ["held", "held", "free"], 3)


def test_old_rows_are_removed_and_what_is_not_published_stays(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_pages, "PRUNE_ROWS", 100)
    now = toy.house.clock.now()
    old, young = now - timedelta(days=31), now - timedelta(days=1)
    common = {"type": "t", "source": "toy", "subject": "s", "routing_key": "t", "sequence": 1, "body": b"{}"}
    rows = [
        common | {"id": uuid7(), "time": at, "confidential": False, "published_at": published, "attempts": 0}
        for at, published, number in ((old, old, 250), (old, None, 3), (young, young, 5))
        for _ in range(number)
    ]
    with toy.house.database.write() as session:
        session.execute(insert(delivery.outbox), rows)
        seen = [
            {"queue": "toy.pings", "event_id": f"e{n}", "received_at": old if n < 250 else young} for n in range(260)
        ]
        session.execute(insert(delivery.inbox), seen)
    Pages(toy.house).prune()
    with toy.house.database.read() as session:
        assert session.scalar(select(func.count()).select_from(delivery.outbox)) == 8
        assert session.scalar(select(func.count()).select_from(delivery.inbox)) == 10
