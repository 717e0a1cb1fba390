"""The JSON API: filed once, answered alike, refused with every fault named, opened by the code alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from services.chassis.delivery import outbox
from services.chassis.house import House
from services.chassis.migrate import differences
from services.contracts.envelope import Event
from services.contracts.intake import ContactSupplied, PetitionRated, PetitionSubmitted, PetitionSupplemented
from services.intake.domain.receipt import make_number
from services.intake.models import Base, Contact, Petition
from services.intake.settings import Settings
from services.intake.web import create_app
from services.intake.web.quota import Quota

Read = Callable[[], list[Event]]


def count(house: House[Settings], table: Any = Petition) -> int:
    with house.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_migrated_tables_are_those_of_the_models(house: House[Settings]) -> None:
    assert differences(house.database, "services.intake", Base.metadata) == []


def test_a_petition_is_filed_with_its_events_in_one_transaction(
    house: House[Settings], client: Any, petition: dict[str, Any], events: Read
) -> None:
    answer = client.post("/api/petitions", json=petition)
    assert answer.status_code == 201
    receipt = answer.json
    assert receipt["number"].startswith("WZ-260302-")
    assert receipt["number"] in receipt["status_url"]
    assert receipt["query_code"] not in receipt["status_url"]
    submitted, contact = events()
    assert isinstance(submitted, PetitionSubmitted)
    assert submitted.petition_id == receipt["petition_id"]
    assert submitted.petition.place.crs == "GCJ02"
    assert submitted.petition.language == "zh-Hans"
    assert submitted.petition.petitioner_key
    assert isinstance(contact, ContactSupplied)
    assert (contact.phone, contact.mail) == ("+8613800130117", "song@example.org")
    assert contact.query_code == receipt["query_code"]
    assert count(house) == count(house, Contact) == 1


def test_only_the_contact_event_knows_who_it_is(client: Any, petition: dict[str, Any], house: House[Settings]) -> None:
    client.post("/api/petitions", json=petition)
    with house.database.read() as session:
        rows = session.execute(select(outbox.c.source, outbox.c.body, outbox.c.sequence)).all()
    for row in rows:
        known = any(word in row.body.decode() for word in ("宋以棠", "13800130117", "song@example.org"))
        assert known == (row.source == "intake.contacts")
        assert row.sequence == 1


def test_the_same_key_and_body_file_once_and_answer_the_same(
    house: House[Settings], client: Any, petition: dict[str, Any]
) -> None:
    first = client.post("/api/petitions", json=petition, headers={"Idempotency-Key": "k-1"})
    again = client.post("/api/petitions", json=petition, headers={"Idempotency-Key": "k-1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(house) == 1
    assert count(house, outbox) == 2


def test_the_same_key_with_another_body_is_refused(
    house: House[Settings], client: Any, petition: dict[str, Any]
) -> None:
    client.post("/api/petitions", json=petition, headers={"Idempotency-Key": "k-1"})
    other = client.post("/api/petitions", json={**petition, "title": "别的事"}, headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json["code"]) == (409, "idempotency_key_reused")
    assert count(house) == 1


def test_without_a_key_every_call_files(house: House[Settings], client: Any, petition: dict[str, Any]) -> None:
    numbers = {client.post("/api/petitions", json=petition).json["number"] for _ in range(3)}
    assert len(numbers) == count(house) == 3


def test_the_same_key_at_the_same_moment_files_once(house: House[Settings], petition: dict[str, Any]) -> None:
    app = create_app(house)
    numbers: list[str] = []

    def file() -> None:
        answer: Any = app.test_client().post("/api/petitions", json=petition, headers={"Idempotency-Key": "race"})
        numbers.append(answer.json["number"] if answer.status_code == 201 else str(answer.status_code))

    threads = [threading.Thread(target=file) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 8
    assert len(set(numbers)) == 1
    assert count(house) == 1


def test_a_number_that_is_taken_is_drawn_again(
    house: House[Settings], client: Any, petition: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = iter([5, 5, 5, 6])
    monkeypatch.setattr("services.intake.handlers.filing.secrets.randbelow", lambda limit: next(draws))
    first, second = (client.post("/api/petitions", json=petition).json["number"] for _ in range(2))
    assert first.startswith(make_number(house.clock.now().date(), 5)[:-3])
    assert second != first


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"title": ""}, "empty_title", "title"),
        ({"body": "  "}, "empty_body", "body"),
        ({"body": "长" * 20_001}, "body_too_long", "body"),
        ({"kind": "poem"}, "unknown_kind", "kind"),
        ({"contact": {}}, "contact_missing", "contact"),
        ({"contact": {"phone": "12"}}, "phone_invalid", "contact.phone"),
        ({"contact": {"mail": "x@"}}, "mail_invalid", "contact.mail"),
        ({"publish": "maybe"}, "invalid_field", "publish"),
        ({"place": {"crs": "MARS"}}, "invalid_field", "place.crs"),
        ({"place": {"lat": 99, "lon": 0}}, "place_invalid", "place.lat"),
    ],
)
def test_each_fault_is_named_and_nothing_is_written(
    house: House[Settings], client: Any, petition: dict[str, Any], change: dict[str, Any], code: str, field: str
) -> None:
    answer = client.post("/api/petitions", json={**petition, **change})
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert (answer.json["code"], answer.json["field"]) == (code, field)
    assert count(house) == count(house, outbox) == 0


def test_several_faults_are_named_at_once(client: Any) -> None:
    answer = client.post("/api/petitions", json={"kind": "poem"})
    assert {error["code"] for error in answer.json["errors"]} == {
        "unknown_kind", "empty_title", "empty_body", "contact_missing",
    }  # fmt: skip


def test_what_is_no_petition_at_all_is_refused_by_kind(client: Any, petition: dict[str, Any]) -> None:
    broken = client.post("/api/petitions", data=b'{"kind": ', content_type="application/json")
    text = client.post("/api/petitions", data=b"hello", content_type="text/plain")
    huge = client.post(
        "/api/petitions", data=json.dumps({**petition, "body": "x" * 10_000_000}), content_type="application/json"
    )
    listed = client.post("/api/petitions", json=[1])
    assert [(a.status_code, a.json["code"]) for a in (broken, text, huge, listed)] == [
        (400, "malformed_json"), (415, "wrong_content_type"), (413, "body_too_large"), (422, "invalid_field"),
    ]  # fmt: skip


def test_one_bad_petition_of_a_batch_does_not_stop_the_others(
    house: House[Settings], client: Any, petition: dict[str, Any]
) -> None:
    batch = [petition, {**petition, "kind": "poem"}, "no petition", {**petition, "title": "另一件"}]
    answer = client.post("/api/petitions/batch", json={"petitions": batch}, headers={"Idempotency-Key": "b"})
    assert answer.status_code == 207
    assert [r["status"] for r in answer.json["results"]] == [201, 422, 422, 201]
    assert answer.json["results"][1]["code"] == "unknown_kind"
    again = client.post("/api/petitions/batch", json={"petitions": batch}, headers={"Idempotency-Key": "b"})
    assert again.json == answer.json
    assert count(house) == 2


def test_five_hundred_are_filed_at_once_and_one_more_is_refused(
    house: House[Settings], client: Any, petition: dict[str, Any]
) -> None:
    answer = client.post("/api/petitions/batch", json=[{**petition, "title": f"第{n}件"} for n in range(500)])
    assert answer.status_code == 201
    assert len({r["number"] for r in answer.json["results"]}) == count(house) == 500
    assert client.post("/api/petitions/batch", json=[petition] * 501).json["code"] == "invalid_batch"


def open_with(client: Any, number: str, code: str | None) -> Any:
    return client.get(f"/api/petitions/{number}", headers={} if code is None else {"Wenzheng-Query-Code": code})


def test_a_batch_counts_as_many_petitions_as_it_holds(client: Any, petition: dict[str, Any]) -> None:
    parts = client.application.extensions
    parts["intake"] = replace(parts["intake"], api_limit=Quota(parts["intake"].house, "api", 2))
    answers = [client.post("/api/petitions/batch", json=[petition] * 3).status_code for _ in range(2)]
    assert answers == [201, 429]
    assert client.post("/api/petitions", json=petition).status_code == 429


def test_number_and_code_show_where_it_stands(client: Any, petition: dict[str, Any]) -> None:
    receipt = client.post("/api/petitions", json=petition).json
    shown = open_with(client, receipt["number"], receipt["query_code"].lower().replace("-", " "))
    assert shown.status_code == 200
    assert shown.json["state"] == "submitted"
    assert [point["code"] for point in shown.json["way"]] == ["filed"]
    assert shown.json["actions"] == ["supplement", "withdraw"]
    assert "13800130117" not in shown.get_data(as_text=True)
    assert shown.headers["Cache-Control"] == "no-store"


def test_a_wrong_code_shows_nothing_of_the_petition(client: Any, petition: dict[str, Any]) -> None:
    number = client.post("/api/petitions", json=petition).json["number"]
    unknown = open_with(client, make_number(date(2026, 3, 2), 1), "AAAAA-AAAAA")
    wrong = open_with(client, number, "AAAAA-AAAAA")
    assert (wrong.status_code, wrong.json["code"]) == (404, "wrong_code")
    different = {"request_id"}
    assert {k: v for k, v in wrong.json.items() if k not in different} == {
        k: v for k, v in unknown.json.items() if k not in different
    }
    assert petition["title"] not in wrong.get_data(as_text=True)
    assert open_with(client, number, None).json["code"] == "code_missing"
    assert open_with(client, number[:-1], "AAAAA-AAAAA").json["code"] == "number_misspelt"


def test_codes_cannot_be_tried_through(client: Any, petition: dict[str, Any]) -> None:
    receipt = client.post("/api/petitions", json=petition).json
    answers = [open_with(client, receipt["number"], "AAAAA-AAAAA").status_code for _ in range(4)]
    assert answers == [404, 404, 404, 429]
    late = open_with(client, receipt["number"], receipt["query_code"])
    assert (late.status_code, late.json["code"]) == (429, "too_many_attempts")
    other = client.post("/api/petitions", json=petition).json
    assert open_with(client, other["number"], other["query_code"]).status_code == 200


def test_the_petitioner_adds_and_a_double_click_adds_once(client: Any, petition: dict[str, Any], events: Read) -> None:
    receipt = client.post("/api/petitions", json=petition).json
    ask = {"Wenzheng-Query-Code": receipt["query_code"]}
    path = f"/api/petitions/{receipt['number']}"
    for _ in range(2):
        assert client.post(f"{path}/supplements", json={"text": "又松了"}, headers=ask).status_code == 201
    added = [event for event in events() if isinstance(event, PetitionSupplemented)]
    assert [s.text for s in added[-1].petition.supplements] == ["又松了"]
    assert added[-1].petition.body == petition["body"]
    assert len(added) == 1
    assert client.post(f"{path}/supplements", json={"text": " "}, headers=ask).json["code"] == "empty_text"
    assert client.post(f"{path}/supplements", json={"text": "x"}).json["code"] == "code_missing"


def test_a_withdrawn_petition_takes_nothing_more(client: Any, petition: dict[str, Any]) -> None:
    receipt = client.post("/api/petitions", json=petition).json
    ask = {"Wenzheng-Query-Code": receipt["query_code"]}
    path = f"/api/petitions/{receipt['number']}"
    assert client.post(f"{path}/withdrawal", json={"reason": "修好了"}, headers=ask).json["state"] == "withdrawn"
    assert client.post(f"{path}/withdrawal", headers=ask).status_code == 201
    assert client.post(f"{path}/supplements", json={"text": "x"}, headers=ask).json["code"] == "supplement_closed"


def test_there_is_nothing_to_rate_before_the_reply(client: Any, petition: dict[str, Any], events: Read) -> None:
    receipt = client.post("/api/petitions", json=petition).json
    ask = {"Wenzheng-Query-Code": receipt["query_code"]}
    answer = client.post(f"/api/petitions/{receipt['number']}/rating", json={"satisfaction": 5}, headers=ask)
    assert (answer.status_code, answer.json["code"]) == (409, "nothing_to_rate")
    assert not [event for event in events() if isinstance(event, PetitionRated)]


def test_many_at_once_are_all_filed_and_share_commits(
    house: House[Settings], petition: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(house)
    commits: list[int] = []
    opened = house.work

    def counting(*args: Any, **kwargs: Any) -> Any:
        commits.append(1)
        return opened(*args, **kwargs)

    monkeypatch.setattr(type(house), "work", lambda self, *args, **kwargs: counting(*args, **kwargs))
    answers: list[Any] = []

    def go(name: int) -> None:
        for turn in range(10):
            answers.append(app.test_client().post("/api/petitions", json={**petition, "title": f"{name}-{turn}"}))

    threads = [threading.Thread(target=go, args=(name,)) for name in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["number"] for answer in answers}) == count(house) == 120
    assert len(commits) < 120


def test_one_that_cannot_be_written_holds_up_no_neighbour(
    house: House[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filings that share a transaction fail apart."""
    from services.intake.domain.petition import Filing
    from services.intake.handlers.filing import Keys
    from services.intake.web.tray import Tray, _Entry

    tray = Tray(house, Keys.of(house.key), ZoneInfo("Asia/Shanghai"))
    good, bad = (_Entry(Filing(kind="inquiry", title=title, body="b")) for title in ("good", "bad"))
    monkeypatch.setattr(Filing, "fingerprint", lambda self: self.title if self.title == "good" else [])
    tray._file([good, bad])
    assert isinstance(bad.outcome, Exception)
    assert not isinstance(good.outcome, Exception)
    assert count(house) == 1
