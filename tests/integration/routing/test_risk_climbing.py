"""Dangers that nobody acknowledges climb the roster: step by step and once, whatever clock, roster and others do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.chassis.clock import DrivenClock
from services.chassis.house import House, open_house
from services.chassis.migrate import migrate
from services.chassis.settings import load
from services.contracts.alerts import RiskAcknowledged, RiskRaised
from services.routing import store, watching
from services.routing.directory_file import SAMPLE, read
from services.routing.domain.duty import MINUTES, REPEATS
from services.routing.handlers import desk
from services.routing.handlers.desk import Target
from services.routing.handlers.directory import bring_in
from services.routing.settings import Settings
from tests.integration.routing.conftest import NOW, Bench
from tests.integration.routing.test_risks import GAS, LAMP, acknowledge, add, after, file, raised


def without_roster(bench: Any) -> None:
    with bench.house.work() as work:
        bring_in(work, replace(read(SAMPLE)[0], duty=()), NOW.date())


# ── climbing ────────────────────────────────────────────────────────────────────────────────────────


def test_what_nobody_acknowledges_climbs_step_by_step_and_the_last_step_is_asked_again(bench: Any) -> None:
    event = file(bench)
    assert after(bench, 9) == 0
    for minutes in (1, 15, 30, 30):
        assert after(bench, minutes) == 1
    told = raised(bench, event)
    assert [(one.unit.id if one.unit else None, one.step, one.again) for one in told] == [
        ("petition-office", 1, 0),
        ("emergency", 2, 0),
        ("county-government", 3, 0),
        ("county-government", 3, 1),
        ("county-government", 3, 2),
    ]
    assert told[-1].asked == ["petition-office", "emergency", "county-government"]


def test_the_last_step_is_not_asked_for_ever(bench: Any) -> None:
    event = file(bench)
    for _ in range(REPEATS + 10):
        after(bench, 31)
    assert len(raised(bench, event)) == 3 + REPEATS
    assert after(bench, 1000) == 0


def test_one_look_handles_so_many_and_no_more(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PER_LOOK", 2)
    bench.deliver(*(bench.petition(*GAS) for _ in range(5)))
    assert [after(bench, 11), *(watching.watch(bench.house) for _ in range(3))] == [2, 2, 1, 0]


def test_climbing_does_not_disturb_who_is_typing_at_the_case(bench: Any, staff: Any) -> None:
    event = file(bench, LAMP)
    add(bench, event, "电线垂到一人高，小孩摸到灯杆被电到了。")
    officer = staff("officer", unit="urban-management")
    with bench.house.database.read() as session:
        case = store.cases.find(session, officer, event.number)
    assert case is not None
    seen = case.version
    after(bench, 11)
    with bench.house.work() as work:
        assert desk.accept(work, officer, Target(event.number, seen)).state == "accepted"


def test_a_directory_without_a_roster_leaves_it_to_the_petition_office(bench: Any, staff: Any) -> None:
    without_roster(bench)
    event = file(bench)
    (told,) = raised(bench, event)
    assert (told.unit, told.asked, told.due_at) == (None, [], bench.clock.now() + timedelta(minutes=MINUTES))
    assert after(bench, 1000) == 0
    acknowledge(bench, staff("dispatcher"), event.number)


def test_a_roster_that_comes_later_is_asked_about_what_is_open(bench: Any) -> None:
    without_roster(bench)
    event = file(bench)
    with bench.house.work() as work:
        bring_in(work, read(SAMPLE)[0], NOW.date())
    assert after(bench, MINUTES) == 1
    last = raised(bench, event)[-1]
    assert (last.step, last.again, last.asked) == (1, 0, ["petition-office"])
    assert after(bench, 10) == 1
    assert raised(bench, event)[-1].step == 2


def test_a_roster_that_goes_and_comes_back_is_asked_where_it_was_left(bench: Any) -> None:
    event = file(bench)
    without_roster(bench)
    assert [after(bench, 11), after(bench, MINUTES)] == [0, 0]
    with bench.house.work() as work:
        bring_in(work, read(SAMPLE)[0], NOW.date())
    assert after(bench, MINUTES) == 1
    assert raised(bench, event)[-1].step == 2


def test_a_clock_that_is_set_back_lets_no_danger_wait_for_hours(bench: Any) -> None:
    event = file(bench)
    bench.clock.move(timedelta(minutes=-1))
    assert watching.watch(bench.house) == 0
    bench.clock.move(timedelta(hours=-5))
    assert [watching.watch(bench.house) for _ in range(3)] == [1, 0, 0]
    assert raised(bench, event)[-1].due_at == bench.clock.now() + timedelta(minutes=15)


def test_a_clock_that_leaps_ahead_leaves_no_step_out(bench: Any) -> None:
    event = file(bench)
    assert [after(bench, 3000), watching.watch(bench.house)] == [1, 0]
    assert raised(bench, event)[-1].step == 2


def test_a_unit_of_the_roster_that_ended_is_passed_over(bench: Any) -> None:
    directory = read(SAMPLE)[0]
    units = tuple(
        replace(unit, valid_to=NOW.date() - timedelta(days=1)) if unit.id == "petition-office" else unit
        for unit in directory.units
    )
    with bench.house.work() as work:
        bring_in(work, replace(directory, units=units), NOW.date())
    assert [one.unit.id for one in raised(bench, file(bench)) if one.unit] == ["emergency"]


# ── two workers ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shared(postgres_database: str, tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """Opens houses on one PostgreSQL database, as replicas do."""
    opened: list[House[Settings]] = []

    def open_one() -> Bench:
        settings = load(Settings, "routing", {}, data_folder=tmp_path, database_url=postgres_database)
        house = open_house("routing", settings, clock=DrivenClock(NOW))
        if not opened:
            migrate(house.database, "services.routing")
            with house.work() as work:
                bring_in(work, read(SAMPLE)[0], NOW.date())
        opened.append(house)
        return Bench(house, house.clock)  # type: ignore[arg-type]

    yield open_one
    for house in opened:
        house.database.close()


@pytest.mark.postgres
def test_a_danger_is_acknowledged_or_climbs_but_never_climbs_after_it_was_acknowledged(
    shared: Callable[[], Bench], staff: Any
) -> None:
    worker, desk_of = shared(), shared()
    events = [worker.petition(*GAS) for _ in range(20)]
    worker.deliver(*events)
    for bench in (worker, desk_of):
        bench.clock.move(timedelta(minutes=11))
    supervisor = staff("supervisor")
    with ThreadPoolExecutor(2) as pool:
        looks = pool.submit(lambda: [watching.watch(worker.house) for _ in range(10)])
        taken = pool.submit(lambda: [acknowledge(desk_of, supervisor, event.number) for event in events])
        looks.result(), taken.result()
    for event in events:
        told = [one for one in worker.told(event.petition_id) if isinstance(one, RiskRaised | RiskAcknowledged)]
        assert [type(one) for one in told].count(RiskAcknowledged) == 1
        assert isinstance(told[-1], RiskAcknowledged) and len(told) <= 3


@pytest.mark.postgres
def test_two_workers_let_each_danger_climb_once(shared: Callable[[], Bench]) -> None:
    first, second = shared(), shared()
    events = [first.petition(*GAS) for _ in range(30)]
    first.deliver(*events)
    for bench in (first, second):
        bench.clock.move(timedelta(minutes=11))
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda bench: sum(watching.watch(bench.house) for _ in range(5)), (first, second)))
    assert sum(done) == len(events)
    assert {len(raised(first, event)) for event in events} == {2}
