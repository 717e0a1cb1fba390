"""What routing and notify say becomes the way on the status page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from services.chassis.delivery import Delivery, apply, outbox
from services.chassis.errors import Park
from services.chassis.house import House
from services.chassis.ids import uuid7
from services.contracts.envelope import Envelope, Event, Text
from services.contracts.intake import PetitionRated
from services.contracts.notify import NoticeDelivered, NoticeFailed
from services.contracts.routing import (
    CaseLink,
    CaseState,
    PetitionAccepted,
    PetitionAssessed,
    PetitionDispatched,
    PetitionMerged,
    PetitionUnmerged,
    Reply,
    ReplyIssued,
    StaffChanged,
)
from services.contracts.shared import Origin, UnitRef
from services.intake import handlers, store
from services.intake.models import Account, Petition, Step
from services.intake.settings import Settings

UNIT = UnitRef(id="housing", name=Text(zh="住建局", en="Housing Bureau"))


@pytest.fixture
def receipt(client: Any, petition: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = client.post("/api/petitions", json=petition).json
    return found


@pytest.fixture
def hear(house: House[Settings]) -> Callable[..., None]:
    """Hand events to the progress queue's handlers."""

    def deliver(*events: tuple[Event, int], source: str = "") -> None:
        now = house.clock.now()
        deliveries: list[Delivery[Any]] = [
            Delivery(
                Envelope(
                    id=uuid7(), source=source or event.source, type=event.type, subject=event.subject,
                    time=now + timedelta(minutes=sequence), sequence=sequence, data=event,
                )
            )
            for event, sequence in events
        ]  # fmt: skip
        with house.database.write() as session:
            apply(session, "intake.progress", deliveries, handlers.ON_PROGRESS, store.load_progress, now)

    return deliver


def case(house: House[Settings], state: Any, **more: Any) -> CaseState:
    due = house.clock.now() + timedelta(days=15)
    return CaseState(
        state=state, audience="units", kind="complaint", due_at=due, **{"unit": UNIT, "unit_line": ["county"], **more}
    )


def about(receipt: dict[str, str]) -> dict[str, Any]:
    return {"petition_id": receipt["petition_id"], "number": receipt["number"], "origin": Origin(channel="api")}


def shown(client: Any, receipt: dict[str, str]) -> dict[str, Any]:
    ask = {"Wenzheng-Query-Code": receipt["query_code"], "Accept-Language": "zh-CN"}
    found: dict[str, Any] = client.get(f"/api/petitions/{receipt['number']}", headers=ask).json
    return found


def reply(house: House[Settings]) -> Reply:
    return Reply(text="井盖已固定。", outcome="supported", unit=UNIT, issued_at=house.clock.now(), basis="条例")


def test_the_way_is_told_to_its_end_and_the_reply_is_rated(
    house: House[Settings], client: Any, receipt: dict[str, str], hear: Callable[..., None]
) -> None:
    hear(
        (PetitionAssessed(**about(receipt), case=case(house, "under_review", unit=None)), 1),
        (PetitionDispatched(**about(receipt), case=case(house, "dispatched"), by="rule"), 2),
        (PetitionAccepted(**about(receipt), case=case(house, "accepted"), by="s1"), 3),
    )
    middle = shown(client, receipt)
    assert (middle["state"], middle["unit"]["name"]) == ("accepted", "住建局")
    assert middle["due_at"].startswith("2026-03-17")
    assert [p["code"] for p in middle["way"]] == ["filed", "assessed", "dispatched", "accepted"]
    hear((ReplyIssued(**about(receipt), case=case(house, "replied", reply=reply(house)), by="s1"), 4))
    after = shown(client, receipt)
    assert after["reply"]["text"] == "井盖已固定。"
    assert after["actions"] == ["supplement", "rate"]
    path, ask = f"/api/petitions/{receipt['number']}", {"Wenzheng-Query-Code": receipt["query_code"]}
    late = client.post(f"{path}/withdrawal", json={}, headers=ask)
    assert late.json["code"] == "too_late_to_withdraw"
    assert client.post(f"{path}/rating", json={"satisfaction": 6}, headers=ask).json["code"] == "satisfaction_invalid"
    good = {"satisfaction": 4, "solved": True, "comment": "快"}
    assert client.post(f"{path}/rating", json=good, headers=ask).status_code == 201
    assert client.post(f"{path}/rating", json=good, headers=ask).status_code == 201
    assert client.post(f"{path}/rating", json={"satisfaction": 1}, headers=ask).json["code"] == "rated_already"
    with house.database.read() as session:
        rows = session.execute(select(outbox.c.sequence).where(outbox.c.type == PetitionRated.type)).scalars().all()
    assert rows == [2]


def test_an_older_event_adds_its_step_and_changes_nothing_else(
    house: House[Settings], client: Any, receipt: dict[str, str], hear: Callable[..., None]
) -> None:
    hear((PetitionAccepted(**about(receipt), case=case(house, "accepted"), by="s1"), 3))
    hear((PetitionDispatched(**about(receipt), case=case(house, "dispatched", unit=None), by="rule"), 2))
    now = shown(client, receipt)
    assert (now["state"], now["unit"]["id"]) == ("accepted", "housing")
    assert [p["code"] for p in now["way"]] == ["filed", "dispatched", "accepted"]


def test_what_routing_says_late_does_not_undo_a_withdrawal(
    house: House[Settings], client: Any, receipt: dict[str, str], hear: Callable[..., None]
) -> None:
    ask = {"Wenzheng-Query-Code": receipt["query_code"]}
    client.post(f"/api/petitions/{receipt['number']}/withdrawal", json={}, headers=ask)
    hear((PetitionDispatched(**about(receipt), case=case(house, "dispatched"), by="rule"), 1))
    assert shown(client, receipt)["state"] == "withdrawn"


def test_the_petitioner_reads_of_their_own_messages_alone(
    house: House[Settings], client: Any, receipt: dict[str, str], hear: Callable[..., None]
) -> None:
    now = house.clock.now()
    notice = {**about(receipt), "notice_id": "n", "channel": "mail", "occasion": "received", "about": "e", "at": now}
    hear(
        (NoticeDelivered(**notice, recipient="citizen"), 1),
        (NoticeDelivered(**notice, recipient="unit"), 2),
        (NoticeFailed(**notice, recipient="citizen", code="permanent"), 3),
    )
    assert [p["code"] for p in shown(client, receipt)["way"]] == ["filed", "told", "not_told"]


def test_an_event_about_an_unknown_petition_is_parked(house: House[Settings], hear: Callable[..., None]) -> None:
    ghost: dict[str, Any] = {"petition_id": uuid7(), "number": "WZ", "origin": Origin(channel="api")}
    with pytest.raises(Park, match="unknown_petition"):
        hear((PetitionAssessed(**ghost, case=case(house, "under_review")), 1))
    with house.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Step)) == 0


def test_accounts_follow_the_newest_word_about_them(house: House[Settings], hear: Callable[..., None]) -> None:
    def said(active: bool) -> StaffChanged:
        return StaffChanged(staff_id="s1", display_name="沈禾", unit_id="office", roles=["dispatcher"], active=active)

    hear((said(True), 1), (said(False), 2))
    hear((said(True), 1))
    with house.database.read() as session:
        account = session.get(Account, "s1")
        assert account is not None
        assert not account.active
        assert store.is_revoked(session, "s1")
        assert not store.is_revoked(session, "nobody")


def test_following_never_loads_what_it_does_not_need(house: House[Settings], receipt: dict[str, str]) -> None:
    with house.database.write() as session:
        row = session.scalar(select(Petition))
        assert "body" not in row.__dict__


def test_the_status_page_says_that_another_petition_is_handled_with_it_and_nothing_of_that_one(
    house: House[Settings], client: Any, receipt: dict[str, str], hear: Callable[..., None]
) -> None:
    other = CaseLink(petition_id="other-petition", number="WZ-OTHER", since=house.clock.now())
    follows = case(house, "dispatched", lead=other)
    hear((PetitionMerged(**about(receipt), case=follows, by="s1", other=other), 1))
    now = shown(client, receipt)
    assert now["together"] is True
    assert [p["code"] for p in now["way"]] == ["filed", "merged"]
    assert "WZ-OTHER" not in str(now) and "other-petition" not in str(now)
    hear((PetitionUnmerged(**about(receipt), case=case(house, "dispatched"), by="s1", other=other), 2))
    after = shown(client, receipt)
    assert (after["together"], [p["code"] for p in after["way"]]) == (False, ["filed", "merged", "unmerged"])


def test_who_leads_reads_of_the_first_that_joins_and_not_of_each(
    house: House[Settings], client: Any, receipt: dict[str, str], hear: Callable[..., None]
) -> None:
    other = CaseLink(petition_id="o", number="WZ-OTHER", since=house.clock.now())
    for number in (1, 2, 3):
        leads = case(house, "dispatched", joined=[other] * number)
        hear((PetitionMerged(**about(receipt), case=leads, by="s1", other=other, leads=True), number))
    hear((PetitionUnmerged(**about(receipt), case=case(house, "dispatched"), by="s1", other=other, leads=True), 4))
    now = shown(client, receipt)
    assert [p["code"] for p in now["way"]] == ["filed", "merged"]
    assert now["together"] is False
