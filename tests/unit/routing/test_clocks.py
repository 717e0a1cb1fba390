"""Due dates: calendar days from the day after the trigger, to the end of the day where the petition is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.shared import Kind
from services.routing.domain.clocks import LAW, Promises, accept_due, dispatch_due, end_of_day, reply_due


def test_a_limit_ends_with_the_last_second_of_its_day_in_the_zone() -> None:
    filed = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    assert end_of_day(filed, 15, "Asia/Shanghai") == datetime(2026, 3, 17, 15, 59, 59, tzinfo=UTC)


def test_the_day_of_the_zone_counts_and_not_that_of_utc() -> None:
    # 17:00 UTC is already the 3rd in Shanghai.
    late = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
    assert end_of_day(late, 15, "Asia/Shanghai") == datetime(2026, 3, 18, 15, 59, 59, tzinfo=UTC)


def test_a_change_to_summer_time_moves_no_day() -> None:
    assert end_of_day(datetime(2026, 3, 28, 12, 0, tzinfo=UTC), 1, "Europe/Berlin") == datetime(
        2026, 3, 29, 21, 59, 59, tzinfo=UTC
    )


def test_the_law_gives_fifteen_fifteen_and_sixty_days() -> None:
    now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    zone = "Asia/Shanghai"
    assert dispatch_due(now, LAW, zone).date().isoformat() == "2026-03-17"
    assert accept_due(now, LAW, zone).date().isoformat() == "2026-03-17"
    assert reply_due("complaint", now, LAW, zone).date().isoformat() == "2026-05-01"


@pytest.mark.parametrize(("kind", "day"), [("inquiry", "2026-03-07"), ("suggestion", "2026-03-12")])
def test_inquiries_and_suggestions_follow_the_local_promise(kind: Kind, day: str) -> None:
    promises = Promises(inquiry=5, suggestion=10)
    due = reply_due(kind, datetime(2026, 3, 2, 1, 0, tzinfo=UTC), promises, "Asia/Shanghai")
    assert due.date().isoformat() == day


@given(st.integers(1_577_836_800, 2_208_988_800), st.integers(1, 90))
def test_a_limit_never_gives_less_than_its_days(seconds: int, days: int) -> None:
    trigger = datetime.fromtimestamp(seconds, UTC)
    left = end_of_day(trigger, days, "Asia/Shanghai") - trigger
    assert days * 86_400 - 1 <= left.total_seconds() < (days + 1) * 86_400
