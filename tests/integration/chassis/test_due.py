"""What the relay's pages cost: nothing of it grows with what waits, and what waits is told in few lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, event, func, select, text

from services.chassis import outbox_pages
from services.chassis.delivery import outbox
from services.chassis.outbox_pages import COUNTED, PAGE, PROBE, Pages
from tests.integration.chassis.toy_tables import Lost, Ping
from tests.integration.chassis.toys import Toy, eventually

pytestmark = pytest.mark.broker

MANY = 100_000


def fill(toy: Toy, number: int, problem: str | None, wait_s: float | None) -> None:
    """Write rows into the outbox, in one statement.

    Args:
        toy: whose outbox.
        number: how many.
        problem: why the broker did not take them; None: it was not asked yet.
        wait_s: when they are due, from now; None: now.
    """
    numbers = (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < :number) select i from n"
        if toy.house.database.sqlite
        else "select generate_series(1, :number) as i"
    )
    now = toy.house.clock.now()
    statement = text(
        "insert into outbox (id, type, source, subject, routing_key, sequence, time, body, confidential, attempts,"
        f" problem, next_try) select :mark || i, 'toy.lost.v1', 'toy', 'w' || i, 'toy.lost.v1', 1, :now, :body,"
        f" :no, 1, :problem, :then from ({numbers}) as numbers"
    ).bindparams(
        bindparam("now", type_=outbox.c.time.type),
        bindparam("then", type_=outbox.c.next_try.type),
        bindparam("no", type_=outbox.c.confidential.type),
        bindparam("body", type_=outbox.c.body.type),
        bindparam("problem", type_=outbox.c.problem.type),
    )
    then = None if wait_s is None else now + timedelta(seconds=wait_s)
    values = {"mark": f"{time.monotonic_ns()}-", "now": now - timedelta(minutes=5), "body": b"{}", "no": False}
    with toy.house.database.write() as session:
        session.execute(statement, values | {"problem": problem, "then": then, "number": number})


@contextmanager
def counted(toy: Toy) -> Iterator[list[int]]:
    """What the statements inside cost: pages that PostgreSQL looks at, hundreds of steps of SQLite."""
    cost: list[int] = []
    engine = toy.house.database.engine

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        cursor.execute(f"explain (analyze, buffers, format json) {statement}", parameters)
        (plan,) = cursor.fetchone()[0]
        cost.append(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])

    def steps(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        cursor.connection.set_progress_handler(lambda: cost.append(1), 100)

    listener = steps if toy.house.database.sqlite else explain
    event.listen(engine, "before_cursor_execute", listener)
    try:
        yield cost
    finally:
        event.remove(engine, "before_cursor_execute", listener)
        engine.dispose()


def cost_of(toy: Toy, what: Callable[[], object]) -> int:
    with counted(toy) as cost:
        what()
    return sum(cost)


@pytest.mark.parametrize("wait_s", [3600, -60], ids=["waiting", "overdue"])
def test_a_page_costs_the_same_with_a_hundred_thousand_unroutable_events_before_it(toy: Toy, wait_s: int) -> None:
    fresh = [Ping(ball=f"b{n}") for n in range(PAGE)]
    toy.throw(*fresh)
    alone = cost_of(toy, Pages(toy.house).due)
    with toy.house.database.write() as session:
        session.execute(outbox.delete())
    fill(toy, MANY, "unroutable", wait_s)
    toy.throw(*fresh)
    pages = Pages(toy.house)
    rows: list[Any] = []
    assert cost_of(toy, lambda: rows.extend(pages.due())) < 2 * alone + 100
    # All that is new, and no more of the others than may be tried in vain.
    assert sum(row.type == Ping.type for row in rows) == PAGE
    assert sum(row.type == Lost.type for row in rows) == (PROBE if wait_s < 0 else 0)
    # Before the next second they are left alone.
    assert {row.type for row in pages.due()} == {Ping.type}


def test_size_and_age_are_told_at_the_same_price_however_much_waits(toy: Toy) -> None:
    pages = Pages(toy.house)
    fill(toy, COUNTED + 500, "unroutable", 60)
    fill(toy, COUNTED + 500, None, None)
    few = cost_of(toy, pages.measure)
    fill(toy, MANY, None, None)
    assert cost_of(toy, pages.measure) < 1.5 * few + 100
    size = toy.house.metrics.registry.get_sample_value("wenzheng_outbox_size", {"service": "toy"})
    with toy.house.database.read() as session:
        really = session.scalar(select(func.count()).select_from(outbox))
    assert size == pytest.approx(really, rel=0.2)
    age = toy.house.metrics.registry.get_sample_value("wenzheng_outbox_age_seconds", {"service": "toy"})
    assert age == pytest.approx(300, abs=60)


def test_a_small_backlog_is_told_exactly(toy: Toy) -> None:
    fill(toy, 7, None, None)
    fill(toy, 3, "unroutable", 60)
    fill(toy, 2, "nack", 60)
    Pages(toy.house).measure()
    value = toy.house.metrics.registry.get_sample_value
    assert value("wenzheng_outbox_size", {"service": "toy"}) == 12
    assert value("wenzheng_outbox_unroutable", {"service": "toy"}) == 3


def test_once_an_event_has_found_its_queue_the_others_follow_in_whole_pages(toy: Toy) -> None:
    fill(toy, 3 * PAGE, "unroutable", -1)
    pages = Pages(toy.house)
    first = pages.due()
    pages.mark(first, {row.id: "ok" for row in first}, lambda: None)
    second = pages.due()
    assert (len(first), len(second)) == (PROBE, PAGE)
    pages.mark(second, {row.id: "unroutable" for row in second}, lambda: None)
    # In vain again: a few a second.
    eventually(lambda: len(pages.due()) == PROBE, 3)


def test_of_several_refused_events_of_a_subject_none_overtakes_another(toy: Toy, monkeypatch: Any) -> None:
    monkeypatch.setattr(outbox_pages, "BACK_OFF", (0.2, 1.0, 5, 30))
    toy.throw(Ping(ball="held"))
    pages = Pages(toy.house)
    pages.mark(pages.due(), {row.id: "nack" for row in pages.due()}, lambda: None)
    eventually(lambda: bool(pages.due()), 3)
    # The first is refused a second time, together with one that was refused for the first time: it waits longer.
    toy.throw(Ping(ball="held"))
    both = pages.due()
    pages.mark(both, {row.id: "nack" for row in both}, lambda: None)
    seen: list[list[int]] = []

    def due() -> bool:
        seen.append([row.sequence for row in pages.due()])
        return bool(seen[-1])

    eventually(due, 3)
    assert seen[-1] == [1, 2]


def test_events_without_a_queue_are_told_of_in_one_line_with_their_number(toy: Toy) -> None:
    toy.start()
    toy.throw(*(Lost(ball=f"l{n}") for n in range(300)))
    toy.throw(Ping(ball="between"))
    eventually(lambda: toy.balls().get("between") == (1, 1))
    eventually(lambda: bool(toy.lines("events not taken by the broker")))
    toy.throw(*(Lost(ball=f"m{n}") for n in range(300)))
    toy.throw(Ping(ball="after"))
    eventually(lambda: toy.balls().get("after") == (1, 1))
    assert toy.stop() == 0
    lines = toy.lines("events not taken by the broker")
    # The first at once, the rest when the minute is over or the worker ends.
    assert len(lines) == 2
    assert sum(line["events"] for line in lines) == 600
    assert {(line["service"], line["type"], line["problem"]) for line in lines} == {("toy", Lost.type, "unroutable")}
