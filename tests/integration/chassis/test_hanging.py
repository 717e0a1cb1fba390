"""Handlers that hang, several in one batch or in the midst of a lock: each is cut alone, and nothing stays behind."""

from __future__ import annotations

import pytest

from tests.integration.chassis.toy_tables import Ping
from tests.integration.chassis.toys import Toy, eventually, toy_message

pytestmark = pytest.mark.broker


@pytest.mark.parametrize(
    ("toy", "wish"),
    [("sqlite", "spin"), pytest.param("postgres", "hang", marks=pytest.mark.postgres)],
    indirect=["toy"],
)
def test_three_hanging_events_of_one_batch_are_cut_one_by_one_and_their_neighbours_are_done(
    toy: Toy, wish: str
) -> None:
    toy.environ["WENZHENG_RETRY_LADDER"] = "1"
    toy.start()
    assert toy.stop() == 0
    for number in range(3):
        toy.publish(toy_message(f"left-{number}", b'{"ball": "l%d"}' % number))
        toy.publish(toy_message(f"bad-{number}", b'{"ball": "b%d", "wish": "%s"}' % (number, wish.encode())))
    toy.publish(toy_message("last", b'{"ball": "last"}'))
    toy.start()
    eventually(lambda: set(toy.balls()) == {"l0", "l1", "l2", "last"}, 30)
    eventually(lambda: len(toy.look("toy.pings")) == 3, 40)
    assert {one.code for one in toy.look("toy.pings")} == {"attempts_used_up:timed_out"}
    # They were met in one batch, first together and then alone.
    cut = [line["event_id"] for line in toy.lines("handler failed") if line["event_id"].startswith("bad")]
    assert cut[:3] == ["bad-0", "bad-1", "bad-2"]
    assert toy.metric("events_redelivered_total") == 0
    assert toy.ask("/livez")[0] == 200
    assert toy.lines("consumer pauses") == []


def test_a_handler_that_is_cut_leaves_no_lock_taken(toy: Toy) -> None:
    """It spins on a lock that others need: the cut must not come between taking it and the body that gives it back."""
    toy.environ["WENZHENG_RETRY_LADDER"] = "1,1"
    toy.start()
    toy.throw(*(Ping(ball=f"bad{n}", wish="spin on a lock") for n in range(2)))
    eventually(lambda: len(toy.look("toy.pings")) == 2, 90)
    toy.throw(Ping(ball="after", wish="lock"))
    eventually(lambda: toy.balls().get("after") == (1, 1), 10)
    assert {one.code for one in toy.look("toy.pings")} == {"attempts_used_up:timed_out"}
