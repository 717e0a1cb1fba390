"""Unit: many of a kind make one line a minute, and none is left out of the count."""

from __future__ import annotations

from typing import Any

import pytest

from services.chassis.tally import Tally


class Lines:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def warning(self, text: str, *, events: int, event_id: str, type: str) -> None:
        self.told.append((events, type))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    now = [1000.0]
    monkeypatch.setattr("services.chassis.tally.time.monotonic", lambda: now[0])
    return now


def test_the_first_is_told_at_once_and_the_rest_once_a_minute_with_their_number(clock: list[float]) -> None:
    lines = Lines()
    counted = Tally(lines, "events not taken")
    for number in range(120):
        counted.add(f"e{number}", type="a")
        counted.tell()
        clock[0] += 1
    assert lines.told == [(1, "a"), (60, "a")]
    counted.tell(everything=True)
    assert sum(number for number, _ in lines.told) == 120


def test_kinds_are_told_apart(clock: list[float]) -> None:
    lines = Lines()
    counted = Tally(lines, "events not taken")
    for type_ in ("a", "b", "a"):
        counted.add("e", type=type_)
    counted.tell()
    assert lines.told == [(2, "a"), (1, "b")]


def test_a_kind_that_came_back_after_a_quiet_minute_is_told_at_once(clock: list[float]) -> None:
    lines = Lines()
    counted = Tally(lines, "events not taken")
    counted.add("e", type="a")
    counted.tell()
    clock[0] += 61
    counted.tell()
    counted.add("e", type="a")
    counted.tell()
    assert lines.told == [(1, "a"), (1, "a")]
