"""What the delivery core promises, against a real broker and both databases, with a worker in its own process."""

from __future__ import annotations

import signal
from typing import Any

import amqp
import pytest
from sqlalchemy import func, select

from services.chassis import delivery, parked, topology
from tests.integration.chassis.toy_tables import Lost, Ping, Sent, Thrown, Whisper
from tests.integration.chassis.toys import Toy, eventually, toy_message

pytestmark = pytest.mark.broker


def test_a_row_and_its_event_are_committed_together_or_not_at_all(toy: Toy) -> None:
    def fail() -> None:
        with toy.house.work() as work:
            thrown = Thrown(id="b", sequence=0)
            work.add(thrown)
            work.emit(thrown, Ping(ball="b"))
            # As late as it can be: everything is written, nothing is committed.
            work.finish()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert toy.unpublished() == 0
    with toy.house.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Thrown)) == 0
    toy.throw(Ping(ball="b"))
    assert toy.unpublished() == 1


def test_every_event_of_the_outbox_is_handled_exactly_once(toy: Toy) -> None:
    toy.start()
    for start in range(0, 1000, 100):
        toy.throw(*(Ping(ball=f"b{n}") for n in range(start, start + 100)))
    eventually(lambda: len(toy.balls()) == 1000 and all(both == (1, 1) for both in toy.balls().values()))
    eventually(lambda: toy.unpublished() == 0)


def test_events_of_one_subject_keep_their_order_and_count_without_gaps(toy: Toy) -> None:
    toy.start()
    for _ in range(50):
        toy.throw(Ping(ball="one"))
    eventually(lambda: toy.balls().get("one") == (50, 50))


def test_an_event_published_twice_has_one_effect(toy: Toy) -> None:
    toy.start()
    message = toy_message("evt-1", b'{"ball": "twice"}')
    toy.publish(message)
    toy.publish(toy_message("evt-1", b'{"ball": "twice"}'))
    toy.throw(Ping(ball="after"))
    eventually(lambda: toy.balls().get("after") == (1, 1))
    assert toy.balls()["twice"][0] == 1
    assert not toy.retried()


def test_a_handler_that_asks_for_a_retry_gets_the_event_again(toy: Toy) -> None:
    toy.start()
    toy.throw(Ping(ball="patient", wish="retry once"), Ping(ball="neighbour"))
    eventually(lambda: toy.balls().get("neighbour") == (1, 1), 5)
    eventually(lambda: toy.balls().get("patient") == (1, 1), 10)
    assert toy.retried()


def test_an_event_that_can_never_be_handled_is_parked_with_its_reason_and_neighbours_go_through(toy: Toy) -> None:
    toy.start()
    toy.throw(Ping(ball="a"), Ping(ball="bad", wish="park"), Ping(ball="c"))
    eventually(lambda: toy.balls() == {"a": (1, 1), "c": (1, 1)})
    (message,) = toy.parked("toy.pings")
    headers = message.properties["application_headers"]
    assert headers["x-code"] == "not_wanted"
    assert headers["x-detail"] == "as wished"


def test_a_handler_that_always_fails_is_tried_along_the_ladder_and_then_parked(toy: Toy) -> None:
    toy.start()
    toy.throw(Ping(ball="broken", wish="fail"))
    parked: list[amqp.Message] = []

    def arrived() -> bool:
        parked.extend(toy.parked("toy.pings"))
        return bool(parked)

    eventually(arrived, 20)
    headers = parked[0].properties["application_headers"]
    assert headers["x-code"] == "attempts_used_up:handler_failed"
    assert headers["x-attempt"] == 5


POISON: list[tuple[str, dict[str, Any]]] = [
    ("malformed_json", {"body": b"{not json"}),
    ("malformed_json", {"body": b'{"ball": "deep", "more": ' + b"[" * 200_000}),
    ("malformed_json", {"body": b'{"ball": "\xff\xfe"}'}),
    ("invalid_payload", {"body": b'{"wish": 5}'}),
    ("invalid_payload", {"body": b"[]"}),
    ("wrong_content_type", {"content_type": "text/plain"}),
    ("encoded_body", {"content_encoding": "gzip"}),
    ("unknown_type", {"type": "something.else.v1"}),
    ("unsupported_version", {"type": "toy.ping.v7"}),
    ("missing_attribute", {"subject": ""}),
    ("invalid_attribute", {"time": "yesterday"}),
    ("invalid_attribute", {"time": "1970-01-01T00:00:00+00:00"}),
    ("invalid_attribute", {"time": "9999-12-31T23:59:59-23:00"}),
    ("malformed_json", {"body": b'{"ball": NaN}'}),
    ("malformed_json", {"body": b'{"ball": "\\ud800"}'}),
    ("invalid_payload", {"body": b'{"ball": "a\\u0000b"}'}),
    ("invalid_attribute", {"sequence": "²"}),
    ("body_too_large", {"body": b'{"ball": "' + b"x" * 1_100_000 + b'"}'}),
]


def test_poison_is_parked_with_a_stable_code_and_its_neighbours_are_done(toy: Toy) -> None:
    toy.start()
    for number, (_, change) in enumerate(POISON):
        poison: dict[str, Any] = {"body": b'{"ball": "p"}', **change}
        toy.publish(
            toy_message(f"left-{number}", b'{"ball": "left"}'),
            toy_message(f"poison-{number}", **poison),
            toy_message(f"right-{number}", b'{"ball": "right"}'),
        )
    each = (len(POISON), len(POISON))
    eventually(lambda: toy.balls() == {"left": each, "right": each})
    parked: list[amqp.Message] = []

    def all_arrived() -> bool:
        parked.extend(toy.parked("toy.pings"))
        return len(parked) == len(POISON)

    eventually(all_arrived)
    by_id = {m.properties["message_id"]: m.properties["application_headers"]["x-code"] for m in parked}
    assert by_id == {f"poison-{number}": code for number, (code, _) in enumerate(POISON)}
    assert toy.process is not None
    assert toy.process.poll() is None


def test_headers_of_any_kind_do_not_stop_the_consumer(toy: Toy) -> None:
    toy.start()
    odd = toy_message("odd", b'{"ball": "odd"}')
    odd.properties["application_headers"] |= {"call_id_stack": 5, "nameko.x": [1, {"a": None}], "x-attempt": "many"}
    toy.publish(odd)
    eventually(lambda: "odd" in toy.balls())


def test_an_event_that_no_queue_wants_stays_in_the_outbox_with_its_problem(toy: Toy) -> None:
    toy.start()
    toy.throw(Lost(ball="lost"), Ping(ball="found"))
    eventually(lambda: toy.balls().get("found") == (1, 1))
    assert toy.unpublished() == 1
    with toy.house.database.read() as session:
        row = session.execute(select(delivery.outbox).where(delivery.outbox.c.type == Lost.type)).one()
    assert row.problem == "unroutable"


def test_what_was_written_while_the_worker_was_away_is_published_when_it_comes_back(toy: Toy) -> None:
    toy.throw(Ping(ball="early"))
    toy.start()
    eventually(lambda: toy.balls().get("early") == (1, 1))


def test_sigterm_drains_and_ends_with_zero(toy: Toy) -> None:
    toy.start()
    toy.throw(*(Ping(ball=f"d{n}") for n in range(300)))
    eventually(lambda: len(toy.balls()) > 0)
    assert toy.stop() == 0
    toy.start()
    eventually(lambda: len(toy.balls()) == 300 and all(both == (1, 1) for both in toy.balls().values()))


def test_a_kill_in_the_midst_loses_nothing_and_doubles_nothing(toy: Toy) -> None:
    # Handled and not committed, committed and not acknowledged, confirmed and not marked as published.
    for number, point in enumerate(("before_commit:2", "after_commit:2", "after_confirm:2")):
        toy.environ["WENZHENG_KILL_AT"] = point
        toy.start(ready=False)
        for start in range(number * 600, (number + 1) * 600, 200):
            toy.throw(*(Ping(ball=f"k{n}") for n in range(start, start + 200)))
        assert toy.process is not None
        assert toy.process.wait(30) == -signal.SIGKILL
        toy.close()
    del toy.environ["WENZHENG_KILL_AT"]
    toy.start()
    toy.throw(*(Ping(ball=f"k{n}") for n in range(1800, 2000)))
    eventually(lambda: len(toy.balls()) == 2000 and all(both == (1, 1) for both in toy.balls().values()), 60)


def test_a_sender_loop_hears_of_rows_that_another_process_writes(toy: Toy) -> None:
    toy.start()
    with toy.house.database.write() as session:
        session.add_all([Sent(id=n, done=False) for n in range(25)])

    def all_sent() -> bool:
        with toy.house.database.read() as session:
            return session.scalar(select(func.count()).select_from(Sent).where(Sent.done)) == 25

    eventually(all_sent, 5)


def test_a_confidential_event_is_forgotten_by_the_outbox_once_it_is_published(toy: Toy) -> None:
    toy.start()
    toy.throw(Ping(ball="open"), Whisper(ball="secret"))
    eventually(lambda: toy.balls().get("open") == (1, 1) and toy.balls().get("secret") == (1, 1))
    eventually(lambda: toy.unpublished() == 0)
    with toy.house.database.read() as session:
        kept = set(session.scalars(select(delivery.outbox.c.type)))
    assert Ping.type in kept
    assert Whisper.type not in kept


def test_parked_events_are_listed_with_their_reason_and_stay_where_they_are(toy: Toy) -> None:
    assert toy.look("toy.pings") == []
    toy.start()
    toy.throw(Ping(ball="bad", wish="park"), Ping(ball="good"))
    eventually(lambda: [one.code for one in toy.look("toy.pings")] == ["not_wanted"])
    (one,) = toy.look("toy.pings")
    assert (one.type, one.subject, one.detail) == (Ping.type, "bad", "as wished")
    assert one.last_failed


def test_a_replayed_event_is_handled_and_the_others_stay_parked(toy: Toy) -> None:
    toy.start()
    toy.throw(Ping(ball="bad", wish="park"))
    # As if an earlier release had parked it.
    toy.publish(toy_message("was-parked", b'{"ball": "late"}'), exchange="", key=topology.parked_queue("toy.pings"))
    eventually(lambda: len(toy.look("toy.pings")) == 2)
    told: list[str] = []
    shelf = toy.shelf("toy.pings")
    went = parked.replay(
        shelf, lambda one: one.event_id == "was-parked", lambda some: told.extend(e.event_id for e in some)
    )
    assert (went, told) == (1, ["was-parked"])
    eventually(lambda: toy.balls().get("late") == (1, 1))
    assert [one.subject for one in toy.look("toy.pings")] == ["bad"]


def test_a_consumer_that_parks_too_much_holds_instead_of_parking_everything(toy: Toy) -> None:
    toy.start()
    toy.throw(*(Ping(ball=f"bad-{n}", wish="park") for n in range(150)))
    eventually(lambda: len(toy.look("toy.pings")) >= 100)
    held = "consumer holds"
    toy.throw(*(Ping(ball=f"later-{n}") for n in range(10)))
    eventually(lambda: held in toy.log.read_text())
    assert toy.balls() == {}
    # It still ends when it is asked to, and what it held is there afterwards.
    assert toy.stop() == 0
    toy.start()
    eventually(lambda: len(toy.balls()) == 10)


def test_a_discarded_event_is_gone_and_the_others_stay(toy: Toy) -> None:
    toy.start()
    toy.throw(Ping(ball="bad", wish="park"), Ping(ball="worse", wish="park"))
    eventually(lambda: len(toy.look("toy.pings")) == 2)
    told: list[str] = []
    shelf = toy.shelf("toy.pings")

    def note(some: list[parked.Parked]) -> None:
        told.extend(one.subject for one in some)

    assert parked.discard(shelf, lambda one: one.subject == "worse", note) == 1
    assert told == ["worse"]
    assert [one.subject for one in toy.look("toy.pings")] == ["bad"]
