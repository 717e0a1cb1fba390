"""Two dispatchers who join cases at the same moment: one is told, nothing runs in a circle, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.chassis.clock import DrivenClock
from services.chassis.errors import Refusal
from services.chassis.house import House, open_house
from services.chassis.identity import Staff
from services.chassis.migrate import differences, migrate
from services.chassis.settings import load
from services.routing.directory_file import SAMPLE, read
from services.routing.handlers import desk, merging
from services.routing.handlers.desk import Target
from services.routing.handlers.directory import bring_in
from services.routing.models import Base, Case
from services.routing.settings import Settings
from tests.integration.routing.conftest import Bench

DISPATCHER = Staff("d", "somebody", None, frozenset({"dispatcher"}))
OFFICER = Staff("o", "somebody", "urban-management", frozenset({"officer"}))
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
REASON = "两件诉求反映的不是同一路段，应分开办理。"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A house of routing on either database."""
    url = {}
    if request.param == "postgresql":
        url = {"WENZHENG_DATABASE_URL": request.getfixturevalue("postgres_database")}
    clock = DrivenClock(NOW)
    house = open_house("routing", load(Settings, "routing", url, data_folder=tmp_path), clock=clock)
    migrate(house.database, "services.routing")
    directory, _ = read(SAMPLE)
    with house.work() as work:
        bring_in(work, directory, NOW.date())
    yield Bench(house, clock)
    house.database.close()


def lamps(bench: Bench, number: int) -> list[str]:
    events = [bench.petition("路灯不亮", "锦梭路小学门口，三盏路灯不亮。", adcode="990101003") for _ in range(number)]
    bench.deliver(*events)
    return [event.number for event in events]


def at_once(house: House[Any], *steps: Any) -> list[str]:
    """Take steps in threads of their own at the same moment; the code of each refusal, "" for what was done."""
    ready, found = threading.Barrier(len(steps)), [""] * len(steps)

    def run(at: int) -> None:
        ready.wait()
        try:
            with house.work() as work:
                steps[at](work)
        except Refusal as refusal:
            found[at] = refusal.code

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(steps))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def links(bench: Bench) -> dict[str, tuple[str | None, list[str]]]:
    with bench.house.database.read() as session:
        rows = session.query(Case).all()
        return {one.number: (one.lead_number, [link["number"] for link in one.joined or []]) for one in rows}


def test_the_migrated_tables_are_those_of_the_models(bench: Bench) -> None:
    assert differences(bench.house.database, "services.routing", Base.metadata) == []


def test_of_two_joins_in_opposite_directions_one_is_done(bench: Bench) -> None:
    for _ in range(5):
        one, other = lamps(bench, 2)
        found = at_once(
            bench.house,
            lambda work, a=one, b=other: merging.merge(work, DISPATCHER, Target(a), b),
            lambda work, a=one, b=other: merging.merge(work, DISPATCHER, Target(b), a),
        )
        assert sorted(found) == ["", "circle"]
        now = links(bench)
        lead = one if now[other][0] == one else other
        follower = other if lead == one else one
        assert (now[follower], now[lead]) == ((lead, []), (None, [follower]))


def test_many_joins_at_once_lose_no_link(bench: Bench) -> None:
    lead, *others = lamps(bench, 7)
    steps = [lambda work, a=one: merging.merge(work, DISPATCHER, Target(a), lead) for one in others]
    assert at_once(bench.house, *steps) == [""] * 6
    now = links(bench)
    assert sorted(now[lead][1]) == sorted(others)
    assert all(now[one] == (lead, []) for one in others)


def test_a_step_on_the_lead_and_a_parting_at_once_leave_no_half(bench: Bench) -> None:
    for _ in range(5):
        lead, case = lamps(bench, 2)
        with bench.house.work() as work:
            merging.merge(work, DISPATCHER, Target(case), lead)
        found = at_once(
            bench.house,
            lambda work, a=lead: desk.accept(work, OFFICER, Target(a)),
            lambda work, a=case: merging.unmerge(work, DISPATCHER, Target(a), REASON),
        )
        assert found == ["", ""]
        now = links(bench)
        assert (now[case], now[lead]) == ((None, []), (None, []))
        with bench.house.database.read() as session:
            states = {one.number: one.state for one in session.query(Case).all()}
        # Taken out before or after the step: either way it stands where it stood before it joined.
        assert (states[lead], states[case]) == ("accepted", "dispatched")
