"""Portals: by event and by webhook, each petition once, each wrong message refused with code and field."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from standardwebhooks import Webhook

from services.chassis.clock import DrivenClock
from services.chassis.house import House
from services.chassis.portal_out import Outgoing
from services.chassis.portals import Portal, load_portals
from services.chassis.sender_rows import LADDER, Away, Failed
from services.contracts.envelope import Event
from services.contracts.intake import PetitionSubmitted
from services.contracts.portals import PortalPetitionRefused, PortalPetitionRegistered
from services.intake import portal_desk
from services.intake.models import Petition, PortalReply
from services.intake.settings import Settings
from tests.integration.intake.conftest import SECRET_A, SECRET_B

SINGLE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


@dataclass(frozen=True)
class Message:
    """A message as the link hands it over."""

    portal: Portal
    body: bytes
    user_id: str | None = "north"
    content_type: str = "application/json"
    headers: dict[str, Any] = field(default_factory=dict)
    message_id: str = "m-1"


def data(reference: str, **change: Any) -> dict[str, Any]:
    return {"reference": reference, "kind": "inquiry", "title": "公积金怎么提", "body": "租房要什么材料？", **change}


def event(reference: str, **change: Any) -> dict[str, Any]:
    inner = change.pop("data", None) or data(reference)
    return {
        "specversion": "1.0", "id": f"e-{reference}", "source": "/portals/north", "type": "portal.petition.filed.v1",
        "subject": reference, "time": "2026-03-02T09:00:00+08:00", "datacontenttype": "application/json",
        "data": inner, **change,
    }  # fmt: skip


class Outlet:
    """Stands where the broker would be: takes what is published, or fails as told."""

    def __init__(self, fails: BaseException | None = None) -> None:
        self.taken: list[Event] = []
        self.fails = fails

    def publish(self, portal: Portal, outgoing: Sequence[Outgoing]) -> dict[str, Failed | None]:
        if self.fails is not None:
            raise self.fails
        self.taken += [one.event for one in outgoing]
        return {one.id: None for one in outgoing}


@pytest.fixture
def message(house: House[Settings]) -> Callable[..., Message]:
    portal = load_portals(house.settings.portals_file)["north"]

    def make(reference: str, *, prefix: str = "cloudEvents:", **change: Any) -> Message:
        told = event(reference, **change.pop("event", {}))
        body = json.dumps(told.pop("data")).encode()
        told.pop("datacontenttype")
        headers = {f"{prefix}{name}": value for name, value in told.items() if value is not None}
        return Message(**{"portal": portal, "body": body, "headers": headers, **change})

    return make


@pytest.fixture
def answers(house: House[Settings]) -> Callable[[], list[Event]]:
    """Bring every answer that waits; what was published."""

    def bring() -> list[Event]:
        outlet = Outlet()
        portal_desk.answers(house, outlet).run()
        return outlet.taken

    return bring


def count(house: House[Settings], table: Any = Petition) -> int:
    with house.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_"])
def test_an_event_is_registered_and_answered_under_the_portals_reference(
    house: House[Settings], message: Callable[..., Message], answers: Callable[[], list[Event]],
    events: Callable[[], list[Event]], client: Any, prefix: str,
) -> None:  # fmt: skip
    portal_desk.take(house, [message("N-1", prefix=prefix)])
    (answer,) = answers()
    assert isinstance(answer, PortalPetitionRegistered)
    assert (answer.portal, answer.reference) == ("north", "N-1")
    submitted = events()[0]
    assert isinstance(submitted, PetitionSubmitted)
    assert (submitted.origin.portal, submitted.origin.reference) == ("north", "N-1")
    shown = client.get(f"/api/petitions/{answer.number}", headers={"Wenzheng-Query-Code": answer.query_code})
    assert shown.status_code == 200
    assert answers() == []


def test_a_structured_event_is_taken_too(
    house: House[Settings], message: Callable[..., Message], answers: Callable[[], list[Event]]
) -> None:
    body = json.dumps(event("N-1")).encode()
    portal_desk.take(house, [message("N-1", body=body, headers={}, content_type=SINGLE)])
    assert isinstance(answers()[0], PortalPetitionRegistered)


def test_a_repeat_is_answered_the_same_and_files_nothing(
    house: House[Settings], message: Callable[..., Message], answers: Callable[[], list[Event]]
) -> None:
    changed = message("N-1", event={"data": data("N-1", title="改了")})
    portal_desk.take(house, [message("N-1"), message("N-1")])
    portal_desk.take(house, [changed])
    found = answers()
    assert len(found) == 3
    assert found[0] == found[1] == found[2]
    assert count(house) == 1


def test_each_wrong_message_is_refused_and_its_neighbours_go_through(
    house: House[Settings], message: Callable[..., Message], answers: Callable[[], list[Event]]
) -> None:
    wrong = {
        "wrong_user": message("W", user_id="south"),
        "wrong_content_type": message("W", content_type="text/plain"),
        "unknown_type": message("W", event={"type": "something.else.v1"}),
        "unsupported_version": message("W", event={"type": "portal.petition.filed.v2"}),
        "missing_attribute": message("W", event={"subject": None}),
        "malformed_json": message("W", body=b"{"),
        "invalid_payload": message("W", event={"data": {"reference": "W", "kind": 7}}),
        "unknown_kind": message("W", event={"data": data("W", kind="poem")}),
        "empty_body": message("W", event={"data": data("W", body=" ")}),
        "reference_missing": message("W", event={"data": data(" ")}),
        "reference_invalid": message("W2", event={"data": data("A\u202e1")}),
        "phone_invalid": message("W", event={"data": data("W", contact={"phone": "1"})}),
        "body_too_large": message("W", body=b"x" * 1_100_000),
    }
    portal_desk.take(house, [message("G-1"), *wrong.values(), message("G-2")])
    found = answers()
    assert {a.reference for a in found if isinstance(a, PortalPetitionRegistered)} == {"G-1", "G-2"}
    refused = {a.code: a for a in found if isinstance(a, PortalPetitionRefused)}
    assert set(refused) == set(wrong)
    assert all(a.portal == "north" and a.detail for a in refused.values())
    assert refused["unknown_kind"].field == "kind"
    assert refused["missing_attribute"].field == "subject"
    assert refused["missing_attribute"].reference == "m-1"
    assert refused["phone_invalid"].reference == "W"
    assert count(house) == 2


def test_a_message_without_a_user_is_refused(
    house: House[Settings], message: Callable[..., Message], answers: Callable[[], list[Event]]
) -> None:
    portal_desk.take(house, [message("N-1", user_id=None)])
    assert [a.code for a in answers() if isinstance(a, PortalPetitionRefused)] == ["wrong_user"]
    assert count(house) == 0


def test_two_portals_may_use_the_same_reference(
    house: House[Settings], message: Callable[..., Message], answers: Callable[[], list[Event]]
) -> None:
    south = load_portals(house.settings.portals_file)["south"]
    portal_desk.take(house, [message("1"), message("1", portal=south, user_id="south")])
    assert len({a.number for a in answers() if isinstance(a, PortalPetitionRegistered)}) == 2


def test_an_answer_waits_while_the_broker_is_away_and_is_brought_again_when_its_sender_died(
    house: House[Settings], message: Callable[..., Message], clock: DrivenClock, answers: Callable[[], list[Event]]
) -> None:
    portal_desk.take(house, [message("N-1")])

    for _ in range(20):
        assert portal_desk.answers(house, Outlet(Away("broker_away"))).run() == 0
        clock.move(timedelta(minutes=10))
    with pytest.raises(KeyboardInterrupt):
        portal_desk.answers(house, Outlet(KeyboardInterrupt())).run()
    assert answers() == []
    clock.move(timedelta(seconds=121))
    assert answers() == []
    clock.move(timedelta(seconds=LADDER[0] + 1))
    assert len(answers()) == 1
    with house.database.read() as session:
        row = session.scalar(select(PortalReply))
        assert row is not None
        assert (row.delivery, row.settled_at) == ("sent", clock.now())


def test_the_table_of_answers_holds_no_query_code(
    house: House[Settings], message: Callable[..., Message], answers: Callable[[], list[Event]]
) -> None:
    portal_desk.take(house, [message("N-1")])
    (answer,) = answers()
    assert isinstance(answer, PortalPetitionRegistered)
    with house.database.read() as session:
        row = session.execute(select(PortalReply.__table__)).one()
    assert answer.query_code not in str(row)


@pytest.fixture
def hook(client: Any, clock: DrivenClock) -> Callable[..., Any]:
    """Post a signed webhook."""

    def post(
        body: Any,
        *,
        portal: str = "north",
        secret: str = SECRET_A,
        kind: str = SINGLE,
        at: datetime | None = None,
        **headers: str,
    ) -> Any:
        text = body if isinstance(body, str) else json.dumps(body)
        moment = at or clock.now()
        signature = Webhook(secret).sign("msg_1", moment, text)
        return client.post(
            f"/portals/{portal}",
            data=text,
            headers={
                "Content-Type": kind,
                "webhook-id": "msg_1",
                "webhook-timestamp": str(int(moment.timestamp())),
                "webhook-signature": signature,
                **headers,
            },
        )

    return post


def test_a_webhook_is_answered_with_number_code_and_status_page_and_the_same_again(
    house: House[Settings], hook: Callable[..., Any], client: Any
) -> None:
    first, again = hook(event("H-1")), hook(event("H-1"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert {"number", "query_code", "status_url", "reference"} <= set(first.json)
    assert count(house) == 1
    shown = client.get(
        f"/api/petitions/{first.json['number']}", headers={"Wenzheng-Query-Code": first.json["query_code"]}
    )
    assert shown.status_code == 200


def test_both_secrets_are_good_while_one_is_being_replaced(hook: Callable[..., Any]) -> None:
    assert hook(event("H-1"), secret=SECRET_A).status_code == 201
    assert hook(event("H-2"), secret=SECRET_B).status_code == 201


def test_a_batch_has_one_result_each(house: House[Settings], hook: Callable[..., Any]) -> None:
    batch = [event("B-1"), event("B-2", data=data("B-2", kind="poem")), event("B-1"), event("B-3", subject="")]
    answer = hook(batch, kind=BATCH)
    assert answer.status_code == 207
    assert [result["status"] for result in answer.json] == [201, 422, 201, 422]
    assert answer.json[0]["number"] == answer.json[2]["number"]
    assert (answer.json[1]["code"], answer.json[1]["reference"]) == ("unknown_kind", "B-2")
    assert (answer.json[3]["code"], answer.json[3]["field"]) == ("missing_attribute", "subject")
    assert count(house) == 1


def test_a_wrong_signature_opens_nothing(house: House[Settings], hook: Callable[..., Any], clock: DrivenClock) -> None:
    answers = [
        hook(event("H"), secret="whsec_" + "WFhY" * 8),
        hook(event("H"), portal="south"),
        hook(event("H"), at=clock.now() - timedelta(minutes=6)),
        hook(event("H"), at=clock.now() + timedelta(minutes=6)),
        hook(event("H"), **{"webhook-id": "msg_2"}),
        hook(event("H"), **{"webhook-signature": ""}),
        hook(event("H"), **{"webhook-signature": "v1,!!!"}),
        hook(event("H"), **{"webhook-timestamp": "soon"}),
    ]
    assert {(a.status_code, a.json["code"]) for a in answers} == {(401, "bad_signature")}
    assert count(house) == 0


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("{", SINGLE, 400, "malformed_json"),
        ("{}", BATCH, 400, "malformed_json"),
        ("[]", BATCH, 422, "invalid_batch"),
        (event("H"), "application/json", 415, "wrong_content_type"),
        (event("H", type="portal.petition.filed.v9"), SINGLE, 422, "unsupported_version"),
        (event("H", subject=""), SINGLE, 422, "missing_attribute"),
        (event("H", specversion="0.3"), SINGLE, 422, "unsupported_specversion"),
        (event("H", data=data("H", title="")), SINGLE, 422, "empty_title"),
    ],
)
def test_what_is_no_event_is_refused(
    house: House[Settings], hook: Callable[..., Any], body: Any, kind: str, status: int, code: str
) -> None:
    answer = hook(body, kind=kind)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert count(house) == 0


def test_an_unknown_portal_has_no_door(hook: Callable[..., Any]) -> None:
    answer = hook(event("H"), portal="nowhere")
    assert (answer.status_code, answer.json["code"]) == (404, "unknown_portal")


@pytest.mark.parametrize("subject", ["A-\ud8001", "A-\u00001", "\u202eA-1\r\n"])
def test_a_refusal_names_a_reference_that_every_database_takes(
    house: House[Settings],
    message: Callable[..., Message],
    answers: Callable[[], list[Event]],
    subject: str,
) -> None:
    wrong = message("A-1", content_type="text/plain")
    portal_desk.take(house, [Message(**(vars(wrong) | {"headers": {"cloudEvents:subject": subject}}))])
    (refused,) = answers()
    assert isinstance(refused, PortalPetitionRefused)
    assert (refused.code, refused.reference) == ("wrong_content_type", "A-1")
