"""The pages: two doors, a receipt shown once, the status page, the clerk's entry, looks at contacts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from services.chassis.clock import DrivenClock
from services.chassis.house import House
from services.contracts.envelope import Event
from services.contracts.intake import ContactSupplied, PetitionSubmitted, PetitionWithdrawn, ReportSubmitted
from services.intake.domain.receipt import make_number
from services.intake.models import Account, ContactView, Petition
from services.intake.settings import Settings

Post = Callable[..., Any]
FIELDS = {"kind": "complaint", "title": "路灯不亮", "body": "橡园里路灯坏了三天，请修。", "phone": "13800130117"}


def slip(client: Any, path: str = "/petitions/receipt") -> tuple[str, str]:
    found = re.findall(r'<dd translate="no">([^<]+)</dd>', client.get(path).get_data(as_text=True))
    assert len(found) == 2
    return found[0], found[1]


def count(house: House[Settings], table: Any = Petition) -> int:
    with house.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("path", ["/", "/petitions/new", "/petitions/report", "/petitions/status"])
@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_every_door_opens_in_three_languages(client: Any, path: str, language: str) -> None:
    answer = client.get(f"{path}?lang={language}")
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.get_data(as_text=True)


def test_a_filed_form_leads_to_a_receipt_that_is_shown_once(client: Any, post_form: Post) -> None:
    answer = post_form("/petitions/new", FIELDS)
    assert (answer.status_code, answer.location) == (303, "/petitions/receipt")
    number, code = slip(client)
    assert number.startswith("WZ-")
    again = client.get("/petitions/receipt")
    assert again.status_code == 410
    assert code not in again.get_data(as_text=True)


def test_a_receipt_that_is_asked_for_late_shows_nothing(client: Any, post_form: Post, clock: DrivenClock) -> None:
    post_form("/petitions/new", FIELDS)
    clock.move(timedelta(minutes=11))
    late = client.get("/petitions/receipt")
    assert late.status_code == 410
    assert "WZ-" not in late.get_data(as_text=True)


def test_a_report_on_a_person_is_not_left_open_on_the_device(client: Any, post_form: Post) -> None:
    post_form("/petitions/report", {"title": "收受礼品", "body": "逢年过节收受礼品，有转账记录。"})
    number, _ = slip(client)
    assert number not in client.get("/petitions/mine", follow_redirects=True).get_data(as_text=True)


def test_a_form_sent_twice_files_once(house: House[Settings], client: Any, events: Callable[[], list[Event]]) -> None:
    html = client.get("/petitions/new").get_data(as_text=True)
    hidden = {
        "csrf_token": re.findall(r'name="csrf_token" value="([^"]+)"', html)[0],
        "form_id": re.findall(r'name="form_id" type="hidden" value="([^"]+)"', html)[0],
    }
    client.post("/petitions/new", data={**hidden, **FIELDS})
    first = slip(client)
    client.post("/petitions/new", data={**hidden, **FIELDS})
    assert slip(client) == first
    assert count(house) == 1
    assert len(events()) == 2
    changed = client.post("/petitions/new", data={**hidden, **FIELDS, "title": "别的"})
    assert changed.status_code == 409
    assert count(house) == 1


def test_a_wrong_form_keeps_what_was_typed_and_names_every_fault(house: House[Settings], post_form: Post) -> None:
    answer = post_form("/petitions/new", {"title": "路灯不亮", "body": "", "phone": "12"})
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="路灯不亮"' in html
    assert all(f'id="{field}-error"' in html for field in ("kind", "body", "phone"))
    assert 'id="title-error"' not in html
    assert count(house) == 0


def test_a_form_without_its_token_is_not_taken(house: House[Settings], client: Any) -> None:
    assert client.post("/petitions/new", data=FIELDS).status_code == 400
    assert count(house) == 0


def test_the_language_of_the_text_is_recorded_not_that_of_the_page(
    client: Any, post_form: Post, events: Callable[[], list[Event]]
) -> None:
    post_form(
        "/petitions/new", {**FIELDS, "title": "路燈不亮", "body": "請儘快維修，謝謝。"}, page="/petitions/new?lang=en"
    )
    submitted = events()[0]
    assert isinstance(submitted, PetitionSubmitted)
    assert submitted.petition.language == "zh-Hant"
    assert not submitted.petition.publish


def test_a_report_on_a_person_is_sealed_all_the_way(
    house: House[Settings], client: Any, post_form: Post, events: Callable[[], list[Event]]
) -> None:
    fields = {"title": "检举", "body": "收受礼品，有转账记录。", "mail": "w@example.org"}
    assert post_form("/petitions/report", fields).status_code == 303
    report, contact = events()
    assert isinstance(report, ReportSubmitted)
    assert report.lane == contact.lane == "sealed"
    assert report.sealed
    assert contact.sealed  # type: ignore[attr-defined]
    assert report.routing_key == "report.submitted.v1.sealed"
    post_form("/petitions/new", {**FIELDS, "phone": "", "mail": "w@example.org"})
    plain = next(event for event in events() if isinstance(event, PetitionSubmitted))
    assert report.petition.petitioner_key != plain.petition.petitioner_key


def test_a_report_needs_no_contact_and_then_nobody_is_told(post_form: Post, events: Callable[[], list[Event]]) -> None:
    assert post_form("/petitions/report", {"title": "检举", "body": "收受礼品。"}).status_code == 303
    assert not [event for event in events() if isinstance(event, ContactSupplied)]


def filed(client: Any, post_form: Post) -> tuple[str, str]:
    post_form("/petitions/new", FIELDS)
    found = slip(client)
    post_form("/petitions/mine/close", {}, page="/petitions/mine")
    return found


def test_number_and_code_open_the_status_page_and_no_address_holds_the_code(client: Any, post_form: Post) -> None:
    number, code = filed(client, post_form)
    assert client.get("/petitions/mine").status_code == 303
    answer = post_form("/petitions/status", {"number": number.lower(), "code": code.lower()})
    assert answer.location == "/petitions/mine"
    html = client.get("/petitions/mine").get_data(as_text=True)
    assert FIELDS["title"] in html
    assert "13800130117" not in html
    assert code not in html


def test_a_wrong_code_and_an_unknown_number_look_alike(client: Any, post_form: Post) -> None:
    number, _ = filed(client, post_form)
    pages = [
        post_form("/petitions/status", {"number": typed, "code": "AAAAA-AAAAA"}).get_data(as_text=True)
        for typed in (number, make_number(date(2026, 3, 2), 1))
    ]
    errors = [re.findall(r'id="code-error">(.*?)</p>', page, re.DOTALL) for page in pages]
    assert errors[0]
    assert errors[0] == errors[1]
    assert FIELDS["title"] not in pages[0]
    assert client.get("/petitions/mine").status_code == 303


def test_the_status_page_closes_by_itself(client: Any, post_form: Post, clock: DrivenClock) -> None:
    number, code = filed(client, post_form)
    post_form("/petitions/status", {"number": number, "code": code})
    clock.move(timedelta(minutes=31))
    assert client.get("/petitions/mine").location == "/petitions/status"


def test_the_petitioner_adds_and_takes_back_on_the_page(
    client: Any, post_form: Post, events: Callable[[], list[Event]]
) -> None:
    post_form("/petitions/new", FIELDS)
    assert post_form("/petitions/mine/supplement", {"text": "昨晚全黑了"}, page="/petitions/mine").status_code == 303
    assert "昨晚全黑了" in client.get("/petitions/mine").get_data(as_text=True)
    assert post_form("/petitions/mine/supplement", {"text": ""}, page="/petitions/mine").status_code == 422
    post_form("/petitions/mine/withdraw", {"reason": "修好了"}, page="/petitions/mine")
    assert isinstance(events()[-1], PetitionWithdrawn)
    html = client.get("/petitions/mine").get_data(as_text=True)
    assert "/petitions/mine/supplement" not in html


def test_nobody_acts_on_a_petition_that_is_not_open(
    client: Any, post_form: Post, events: Callable[[], list[Event]]
) -> None:
    filed(client, post_form)
    before = len(events())
    answer = post_form("/petitions/mine/withdraw", {}, page="/petitions/status")
    assert answer.location == "/petitions/status"
    assert len(events()) == before


ENTRY = {**FIELDS, "channel": "letter", "received": "2026-02-20"}


def test_the_entry_is_for_dispatchers(client: Any, sign_in: Callable[..., None]) -> None:
    assert client.get("/entry").status_code == 303
    sign_in("officer")
    assert client.get("/entry").status_code == 403
    sign_in("dispatcher")
    assert client.get("/entry").status_code == 200


def test_a_letter_counts_from_the_day_it_arrived(
    client: Any, post_form: Post, sign_in: Callable[..., None], events: Callable[[], list[Event]]
) -> None:
    sign_in("dispatcher")
    assert post_form("/entry", ENTRY).location == "/entry/receipt"
    number, _ = slip(client, "/entry/receipt")
    submitted = events()[0]
    assert isinstance(submitted, PetitionSubmitted)
    assert submitted.origin.channel == "letter"
    assert submitted.number == number
    assert submitted.petition.submitted_at.date().isoformat() == "2026-02-20"
    assert client.get("/entry/receipt").status_code == 303


def test_a_clerk_may_enter_an_unsigned_letter_and_a_sealed_one(
    post_form: Post, sign_in: Callable[..., None], events: Callable[[], list[Event]]
) -> None:
    sign_in("dispatcher")
    assert post_form("/entry", {**ENTRY, "phone": "", "sealed": "y"}).status_code == 303
    assert [type(event) for event in events()] == [ReportSubmitted]


@pytest.mark.parametrize(
    "change",
    [
        {"received": "2026-03-05"},
        {"received": "2020-01-01"},
        {"received": "gestern"},
        {"received": ""},
        {"channel": "api"},
    ],
)
def test_a_wrong_entry_is_not_filed(
    house: House[Settings], post_form: Post, sign_in: Callable[..., None], change: dict[str, str]
) -> None:
    sign_in("dispatcher")
    assert post_form("/entry", {**ENTRY, **change}).status_code == 422
    assert count(house) == 0


def given_unit(house: House[Settings], number: str, unit: str, line: list[str]) -> None:
    with house.database.write() as session:
        session.execute(update(Petition).where(Petition.number == number).values(unit_id=unit, unit_line=line))


def test_a_contact_is_shown_once_with_a_reason_that_is_kept(
    house: House[Settings], client: Any, post_form: Post, sign_in: Callable[..., None]
) -> None:
    number, _ = filed(client, post_form)
    given_unit(house, number, "housing", ["county"])
    sign_in("officer", unit="housing")
    path = f"/entry/contacts/{number}"
    assert "13800130117" not in client.get(path).get_data(as_text=True)
    assert post_form(path, {"reason": " "}).status_code == 422
    assert count(house, ContactView) == 0
    shown = post_form(path, {"reason": "回电核实门牌号"})
    assert "+8613800130117" in shown.get_data(as_text=True)
    assert shown.headers["Cache-Control"] == "no-store"
    assert "13800130117" not in client.get(path).get_data(as_text=True)
    sign_in("administrator")
    audit = client.get("/entry/contacts").get_data(as_text=True)
    assert "回电核实门牌号" in audit
    assert number in audit
    assert "13800130117" not in audit


def test_a_contact_is_closed_to_other_units_and_leaves_no_trace_of_existence(
    house: House[Settings], client: Any, post_form: Post, sign_in: Callable[..., None]
) -> None:
    number, _ = filed(client, post_form)
    given_unit(house, number, "housing", ["county"])
    sign_in("officer", unit="water")
    closed = client.get(f"/entry/contacts/{number}")
    unknown = client.get(f"/entry/contacts/{make_number(date(2026, 3, 2), 1)}")
    assert closed.status_code == unknown.status_code == 404
    assert post_form(f"/entry/contacts/{number}", {"reason": "好奇看看"}, page="/petitions/new").status_code == 404
    assert count(house, ContactView) == 0
    sign_in("unit_head", unit="county")
    assert client.get(f"/entry/contacts/{number}").status_code == 200
    sign_in("administrator")
    assert client.get(f"/entry/contacts/{number}").status_code == 403


def test_a_sealed_contact_is_for_sealed_case_officers_and_so_is_its_audit(
    client: Any, post_form: Post, sign_in: Callable[..., None]
) -> None:
    post_form("/petitions/report", {"title": "检举", "body": "收受礼品。", "mail": "w@example.org"})
    number, _ = slip(client)
    sign_in("dispatcher")
    assert client.get(f"/entry/contacts/{number}").status_code == 404
    sign_in("sealed_officer", unit="discipline")
    assert "w@example.org" in post_form(f"/entry/contacts/{number}", {"reason": "约谈核实"}).get_data(as_text=True)
    assert number in client.get("/entry/contacts").get_data(as_text=True)
    sign_in("administrator")
    assert number not in client.get("/entry/contacts").get_data(as_text=True)


def test_a_revoked_clerk_is_turned_away(house: House[Settings], client: Any, sign_in: Callable[..., None]) -> None:
    sign_in("dispatcher", staff_id="gone")
    with house.database.write() as session:
        session.add(Account(id="gone", name="沈禾", unit_id=None, roles=[], active=False, seen={}))
    assert client.get("/entry").status_code == 303
