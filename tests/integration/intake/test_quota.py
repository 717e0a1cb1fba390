"""How many petitions a client may file: the same limit for all web processes, and after a restart."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from services.chassis.clock import DrivenClock
from services.chassis.errors import Refusal
from services.chassis.house import House, open_house
from services.chassis.migrate import migrate
from services.chassis.settings import load
from services.intake.models import FilingQuota
from services.intake.settings import Settings
from services.intake.web.quota import Quota


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def both(request: pytest.FixtureRequest, tmp_path: Path, clock: DrivenClock) -> House[Settings]:
    """An intake house on either database."""
    given: dict[str, Any] = {"data_folder": tmp_path}
    if request.param == "postgres":
        given["database_url"] = request.getfixturevalue("postgres_database")
    house = open_house("intake", load(Settings, "intake", {}, **given), clock=clock)
    migrate(house.database, "services.intake")
    return house


def filed(quota: Quota, key: str = "a", cost: int = 1, tries: int = 1) -> int:
    """How many of so many tries were let in."""
    passed = 0
    for _ in range(tries):
        with suppress(Refusal):
            quota.check(key, cost)
            passed += 1
    return passed


def test_a_client_gets_its_minute_and_no_more(both: House[Settings], clock: DrivenClock) -> None:
    quota = Quota(both, "form", 30)
    assert filed(quota, tries=40) == 30
    with pytest.raises(Refusal) as caught:
        quota.check("a")
    assert (caught.value.code, caught.value.status, caught.value.values["seconds"]) == ("too_many_requests", 429, 2)
    clock.move(timedelta(seconds=2))
    assert filed(quota, tries=5) == 1
    clock.move(timedelta(minutes=10))
    assert filed(quota, tries=40) == 30


def test_two_processes_share_one_limit_and_a_third_that_starts_later_too(both: House[Settings]) -> None:
    one, other = Quota(both, "form", 30), Quota(both, "form", 30)
    assert filed(one, tries=20) + filed(other, tries=20) == 30
    assert filed(Quota(both, "form", 30), tries=5) == 0


def test_portions_that_are_fetched_at_once_let_nobody_file_more(both: House[Settings]) -> None:
    # A hundredth at once: 10 of 1000.
    quotas = [Quota(both, "api", 1000) for _ in range(3)]
    assert sum(filed(quota, tries=700) for quota in quotas) <= 1000 + 10


def test_clients_and_what_is_limited_are_kept_apart(both: House[Settings]) -> None:
    form, api = Quota(both, "form", 10), Quota(both, "api", 10)
    assert filed(form, "a", tries=20) == filed(form, "b", tries=20) == filed(api, "a", tries=20) == 10


def test_a_batch_may_owe_what_is_missing_and_pays_it_back(both: House[Settings], clock: DrivenClock) -> None:
    quota = Quota(both, "api", 10)
    assert filed(quota, cost=30) == 1
    clock.move(timedelta(minutes=2))
    assert filed(quota) == 0
    clock.move(timedelta(seconds=7))
    assert filed(quota) == 1


def test_buckets_that_are_full_again_are_removed(both: House[Settings], clock: DrivenClock) -> None:
    quota = Quota(both, "form", 10)
    for client in range(50):
        quota.check(f"client {client}")
    clock.move(timedelta(minutes=2))
    quota.check("another")
    with both.database.read() as session:
        assert session.scalar(select(func.count()).select_from(FilingQuota)) == 1


@pytest.mark.parametrize("both", ["postgres"], indirect=True)
@pytest.mark.postgres
def test_a_count_does_not_wait_for_the_servers_disk(both: House[Settings]) -> None:
    with both.database.write(loosely=True) as session:
        assert session.execute(text("show synchronous_commit")).scalar_one() == "off"
    with both.database.write() as session:
        assert session.execute(text("show synchronous_commit")).scalar_one() == "on"
