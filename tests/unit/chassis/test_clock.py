"""Unit: the clock of the house follows the database's, whatever a reading costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services.chassis.clock import DatabaseClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Server:
    """A database whose answers take their time; the seconds of each way are told beforehand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *ways: tuple[float, float]) -> None:
        self.passed, self.asked = 0.0, 0
        self._ways: Iterator[tuple[float, float]] = iter(ways)
        monkeypatch.setattr("services.chassis.clock.time.monotonic", lambda: self.passed)

    def true(self) -> datetime:
        """What its own clock says."""
        return NOON + timedelta(seconds=self.passed)

    def read(self) -> datetime:
        """Its time at the moment in which it answers."""
        there, back = next(self._ways)
        self.asked += 1
        self.passed += there
        said = self.true()
        self.passed += back
        return said


def test_a_quick_answer_is_taken_at_once_and_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, (0.001, 0.001), (0.001, 0.001))
    house = DatabaseClock(server.read, every=60)
    assert house.now() == server.true()
    server.passed += 59
    assert (house.now(), server.asked) == (server.true(), 1)
    server.passed += 2
    assert (house.now(), server.asked) == (server.true(), 2)


def test_a_process_that_was_held_up_while_it_read_is_not_behind_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, (0.001, 0.8), (0.001, 0.003))
    house = DatabaseClock(server.read)
    assert abs(house.now() - server.true()) <= timedelta(seconds=0.001)


def test_of_three_slow_answers_the_shortest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, (0.1, 0.3), (0.02, 0.02), (0.3, 0.1))
    assert abs(DatabaseClock(server.read).now() - server.true()) < timedelta(seconds=0.001)
    assert server.asked == 3
