"""Every event is merged into one row a petition, in whatever order they come."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from services.chassis.house import House
from services.chassis.migrate import differences
from services.contracts.envelope import Text
from services.search import store
from services.search.models import Account, Base, PetitionView, Unit
from tests.integration.search.events import Town, account, case, notice, petition, unit


@pytest.fixture
def town(house: House[Any]) -> Town:
    return Town(house)


def row(town: Town, key: str = "p1") -> PetitionView:
    with town.house.database.read() as session:
        found = session.get(PetitionView, key)
        assert found is not None
        return found


def content(found: PetitionView) -> dict[str, Any]:
    skip = {"version", "seen"}
    return {c.key: getattr(found, c.key) for c in PetitionView.__table__.columns if c.key not in skip}


def test_the_migrated_tables_are_those_of_the_models(house: House[Any]) -> None:
    assert differences(house.database, "services.search", Base.metadata) == []


def test_a_petition_and_its_case_become_one_row(town: Town) -> None:
    town.send(
        petition("p1", "路灯不亮", kind="report"), case("p1", "replied", unit="urban", kind="complaint", reply="已修好")
    )
    found = row(town)
    assert (found.title, found.reply, found.unit_id) == ("路灯不亮", "已修好", "urban")
    assert (found.kind, found.filed_kind, found.state, found.audience) == ("complaint", "report", "replied", "units")


def test_the_row_is_the_same_in_whatever_order_the_events_come(house: House[Any]) -> None:
    """All orders of five events of three publishers, each event in a batch of its own."""
    told = Town(house)
    rows = []
    for i, order in enumerate(itertools.permutations(range(5))):
        key = f"p{i}"
        events = [
            petition(key, number="WZ-1"),
            petition(key, what="supplemented", supplements=["又黑了一盏"], number="WZ-1"),
            case(key, "under_review", unit=None, audience="units", number="WZ-1"),
            case(key, "replied", reply="已修好", number="WZ-1"),
            notice(key),
        ]
        envelopes = [told.envelope(event) for event in events]
        if i % 6 == 0:
            for place in order:
                told.apply(envelopes[place])
        else:
            told.apply(*[envelopes[place] for place in order])
        found = content(row(told, key))
        del found["petition_id"], found["number"]
        rows.append(found)
    assert all(found == rows[0] for found in rows)
    assert (rows[0]["state"], rows[0]["reply"], rows[0]["notices_delivered"]) == ("replied", "已修好", 1)


def test_an_older_event_is_dropped_and_counted(town: Town) -> None:
    first, second = town.envelope(case("p1", "dispatched")), town.envelope(case("p1", "replied", reply="已修好"))
    town.apply(second)
    counts = town.apply(first)
    assert counts.stale == 1
    assert (row(town).state, row(town).version) == ("replied", 1)


def test_the_same_event_twice_counts_a_notice_once(town: Town) -> None:
    told = town.envelope(notice("p1", delivered=False))
    town.apply(told)
    town.apply(told, told)
    assert row(town).notices_failed == 1


def test_a_notice_does_not_make_a_document_again(town: Town) -> None:
    town.send(petition("p1"))
    before = row(town).version
    town.send(notice("p1"))
    assert row(town).version == before


def test_a_row_waits_for_the_index_only_once_the_petition_itself_is_known(town: Town) -> None:
    town.send(case("p1"))
    with town.house.database.read() as session:
        assert store.waiting(session, 10) == []
    town.send(petition("p1"))
    with town.house.database.read() as session:
        assert [found.petition_id for found in store.waiting(session, 10)] == ["p1"]


def test_sealed_stays_sealed_whoever_says_otherwise_later(town: Town) -> None:
    town.send(petition("p1", sealed=True))
    town.send(case("p1", audience="units"))
    assert row(town).audience == "sealed"


def test_a_petition_called_sealed_by_a_notice_is_sealed(town: Town) -> None:
    town.send(petition("p1"))
    town.send(notice("p1", sealed=True))
    assert row(town).audience == "sealed"
    assert row(town).version == 2


def test_a_withdrawal_shows_at_once(town: Town) -> None:
    town.send(petition("p1"), case("p1", "accepted"))
    town.send(petition("p1", what="withdrawn"))
    assert row(town).state == "withdrawn"


def test_a_unit_has_its_newest_name(town: Town) -> None:
    old, new = town.envelope(unit("housing")), town.envelope(unit("housing", Text(zh="住建局")))
    town.apply(new)
    town.apply(old)
    with town.house.database.read() as session:
        assert session.get(Unit, "housing").name_zh == "住建局"  # type: ignore[union-attr]
        assert store.unit_names(session) == {"housing": Text(zh="住建局")}


def test_a_revoked_account_is_no_longer_active(town: Town) -> None:
    town.send(account("chen", "officer", unit="housing"))
    with town.house.database.read() as session:
        assert store.is_active(session, "chen")
        assert not store.is_active(session, "nobody")
    town.send(account("chen", "officer", unit="housing", active=False))
    with town.house.database.read() as session:
        assert not store.is_active(session, "chen")
        assert session.get(Account, "chen").roles == ["officer"]  # type: ignore[union-attr]
