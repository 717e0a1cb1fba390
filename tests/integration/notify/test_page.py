"""The page of messages: who sees which, and how little of an address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from typer.testing import CliRunner

from services.chassis.identity import Staff, sign_token, staff_key_pair
from services.notify import sending
from services.notify.commands import app as commands
from services.notify.web import create_app
from tests.integration.notify.conftest import OpenStreet
from tests.integration.notify.street import Case, Street, staff_changed, unit_changed

Visit = Callable[..., Any]


@pytest.fixture
def full(mailbox: Street) -> Street:
    """A mailbox with an ordinary petition, one known by phone only and a report on a person."""
    mailbox.tell(unit_changed())
    plain, phone, report = Case("p1"), Case("p2"), Case("p3", sealed=True)
    mailbox.tell(plain.submitted(), plain.contact(), plain.dispatched())
    mailbox.tell(phone.submitted(), phone.contact(mail=None, phone="+8613800130117", name="Ann Lee"))
    mailbox.tell(report.submitted(), report.contact(mail="sealed@example.org"), report.dispatched(audience="sealed"))
    return mailbox


@pytest.fixture
def visit(full: Street) -> Visit:
    client: FlaskClient = create_app(full.house).test_client()
    key = staff_key_pair(full.house.settings.data_folder)

    def go(path: str, *roles: str, unit: str | None = None, staff_id: str = "s1", language: str = "en") -> Any:
        headers = {"Accept-Language": language}
        if roles:
            staff = Staff(staff_id, "Lin", unit, frozenset(roles))
            headers["Authorization"] = f"Bearer {sign_token(staff, key, full.clock.now())}"
        return client.get(path, headers=headers)

    return go


def numbers(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {one["number"] for one in answer.json["messages"]}


def test_nobody_reads_messages_without_signing_in(visit: Visit) -> None:
    answer = visit("/notices")
    assert answer.status_code == 303 and answer.location.startswith("/sign-in?next=")
    assert visit("/notices/messages.json").status_code == 401


@pytest.mark.parametrize("role", ["dispatcher", "supervisor"])
def test_the_petition_office_reads_all_that_is_not_sealed(visit: Visit, role: str) -> None:
    assert numbers(visit("/notices/messages.json", role)) == {"WZ-26-p1", "WZ-26-p2"}
    page = visit("/notices", role).text
    assert "WZ-26-p1" in page and "WZ-26-p2" in page and "WZ-26-p3" not in page


def test_a_unit_reads_the_messages_to_itself_alone(visit: Visit) -> None:
    found = visit("/notices/messages.json", "officer", unit="housing").json["messages"]
    assert [(m["number"], m["recipient"]) for m in found] == [("WZ-26-p1", "unit")]
    assert visit("/notices/messages.json", "officer", unit="land").json["messages"] == []


def test_only_a_sealed_case_officer_reads_of_reports_on_persons(visit: Visit, full: Street) -> None:
    assert numbers(visit("/notices/messages.json", "sealed_officer")) == {"WZ-26-p3"}
    sealed = full.messages(number="WZ-26-p3")[0].id
    assert visit(f"/notices/{sealed}", "sealed_officer").status_code == 200
    for role in ("dispatcher", "supervisor"):
        assert visit(f"/notices/{sealed}", role).status_code == 404
    assert visit(f"/notices/{sealed}", "officer", unit="housing").status_code == 404


def test_a_role_without_messages_gets_403(visit: Visit) -> None:
    assert visit("/notices", "publisher", unit="housing").status_code == 403
    assert visit("/notices/messages.json", "officer").status_code == 403


def test_a_revoked_account_is_signed_out(visit: Visit, full: Street) -> None:
    full.tell(staff_changed("s9"))
    assert visit("/notices/messages.json", "dispatcher", staff_id="s9").status_code == 200
    full.tell(staff_changed("s9", active=False))
    assert visit("/notices/messages.json", "dispatcher", staff_id="s9").status_code == 401


def test_no_name_phone_mail_or_code_is_shown_in_full(visit: Visit, full: Street) -> None:
    pages = [visit("/notices", "dispatcher").text, visit("/notices/messages.json", "dispatcher").text]
    pages += [visit(f"/notices/{m.id}", "dispatcher", "sealed_officer").text for m in full.messages()]
    everything = "\n".join(pages)
    for secret in ("宋以棠", "Ann Lee", "yitang", "13800130117", "sealed@example.org", "K7PM-2XQ4"):
        assert secret not in everything
    for shown in ("宋**", "y***@example.org", "138****0117", "A**"):
        assert shown in everything


def test_a_message_shows_its_text_as_in_a_mailbox(visit: Visit, full: Street) -> None:
    (message,) = full.messages(number="WZ-26-p1", occasion="received")
    page = visit(f"/notices/{message.id}", "dispatcher").text
    assert "您提交的《地下车库没灯》已收到" in page
    assert "Delivered" in page and "Local mailbox" in page
    assert "was not mailed" in page, "nobody may take a message in the mailbox for one that reached the petitioner"


def test_a_petitioner_known_by_phone_only_is_shown_as_not_told(visit: Visit, full: Street) -> None:
    (message,) = full.messages(number="WZ-26-p2")
    assert "call the petitioner" in visit(f"/notices/{message.id}", "dispatcher").text
    (found,) = visit("/notices/messages.json?state=skipped", "dispatcher").json["messages"]
    assert (found["number"], found["problem"]) == ("WZ-26-p2", "no_text_messages")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("number=WZ-26-p1", 3),
        ("occasion=received", 2),
        ("recipient=unit", 1),
        ("channel=phone", 1),
        ("state=sent", 3),
        ("state=nonsense", 0),
        ("number=' OR 1=1 --", 0),
    ],
)
def test_filters_narrow_the_list_and_never_widen_it(visit: Visit, query: str, count: int) -> None:
    assert visit(f"/notices/messages.json?{query}", "dispatcher").json["total"] == count
    assert visit(f"/notices?{query}", "dispatcher").text.count('data-label="Occasion"') == count


def test_the_list_is_paged_and_bad_page_numbers_do_no_harm(visit: Visit) -> None:
    first = visit("/notices/messages.json?limit=2", "dispatcher").json
    second = visit("/notices/messages.json?limit=2&page=2", "dispatcher").json
    assert (first["total"], len(first["messages"]), len(second["messages"])) == (4, 2, 2)
    assert {m["id"] for m in first["messages"]}.isdisjoint(m["id"] for m in second["messages"])
    for page in ("0", "-1", "x", "9" * 30, "７"):
        assert visit(f"/notices?page={page}", "dispatcher").status_code == 200


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_every_text_of_the_pages_is_in_the_readers_language(visit: Visit, full: Street, language: str) -> None:
    page = visit(f"/notices?lang={language}", "dispatcher").text
    words = {
        "zh-Hans": ("告知记录", "诉求人", "已送达"),
        "zh-Hant": ("告知記錄", "訴求人", "已送達"),
        "en": ("Notices", "Petitioner"),
    }
    for word in words[language]:
        assert word in page
    for message in full.messages(number="WZ-26-p1"):
        assert visit(f"/notices/{message.id}?lang={language}", "dispatcher").status_code == 200


def test_a_title_with_markup_is_shown_as_text(visit: Visit, full: Street) -> None:
    with full.house.database.write() as session:
        session.execute(text("update message set body = '<script>alert(1)</script>'"))
    page = visit(f"/notices/{full.messages(number='WZ-26-p1')[0].id}", "dispatcher").text
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page


def test_an_unknown_message_is_a_page_with_404(visit: Visit) -> None:
    answer = visit("/notices/0190-none", "dispatcher")
    assert answer.status_code == 404 and "There is no such message" in answer.text


# ── commands ────────────────────────────────────────────────────────────────────────────────────────


def test_failed_messages_are_listed_masked_and_sent_again(
    open_street: OpenStreet, monkeypatch: pytest.MonkeyPatch
) -> None:
    street = open_street(smtp_url="smtp://127.0.0.1:1")
    monkeypatch.setenv("WENZHENG_DATA_FOLDER", str(street.house.settings.data_folder))
    case = Case("p1")
    street.tell(case.submitted(), case.contact(mail="yi tang\r\n@example.org"))
    sending.mails(street.house).run()
    (message,) = street.messages()
    listed = CliRunner().invoke(commands, ["notices", "failed"])
    assert listed.exit_code == 0
    assert message.id in listed.output and "bad_address" in listed.output and "y***@example.org" in listed.output
    again = CliRunner().invoke(commands, ["notices", "resend", message.id])
    assert again.exit_code == 0
    assert street.messages()[0].delivery == "pending"
    refused = CliRunner().invoke(commands, ["notices", "resend", message.id])
    assert refused.exit_code == 1 and getattr(refused.exception, "code", "") == "not_failed"


def test_petitions_that_wait_for_their_contact_are_listed(
    open_street: OpenStreet, monkeypatch: pytest.MonkeyPatch
) -> None:
    street = open_street()
    monkeypatch.setenv("WENZHENG_DATA_FOLDER", str(street.house.settings.data_folder))
    monkeypatch.setenv("WENZHENG_CONTACT_GRACE_S", "0")
    street.tell(Case("p1").submitted())
    listed = CliRunner().invoke(commands, ["notices", "waiting"])
    assert listed.output.startswith("WZ-26-p1\t1\t")
