"""Dangers on the desk and in the API: banner, list, button, in three languages and without a script."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.chassis.passwords import hash_password
from services.routing.handlers import staff as staff_cases
from services.routing.web import create_app
from tests.integration.routing.test_routing_web import PASSWORD, bearer, csrf, sign_in

HASHED = hash_password(PASSWORD)
ACCOUNTS = {
    "dispatcher": ("dispatcher", "petition-office"),
    "duty": ("officer", "petition-office"),
    "other": ("officer", "gas-company"),
    "sealed": ("sealed_officer", "discipline"),
}


@pytest.fixture
def app(bench: Any) -> Any:
    with bench.house.work() as work:
        for account, (role, unit) in ACCOUNTS.items():
            staff_cases.add_account(work, account, account.title(), unit, [role], HASHED)
    return create_app(bench.house)


@pytest.fixture
def client(app: Any) -> FlaskClient:
    made: FlaskClient = app.test_client()
    made.set_cookie("wz_lang", "en")
    return made


@pytest.fixture
def gas(bench: Any) -> Any:
    event = bench.petition("楼道里煤气味很重", "<b>三单元</b>都是煤气味，电话13800131199。", adcode="990101003")
    bench.deliver(event)
    return event


def test_the_danger_stands_above_queue_and_case_until_it_is_acknowledged(client: FlaskClient, gas: Any) -> None:
    sign_in(client, "duty")
    queue = client.get("/desk").text
    assert "1 danger to acknowledge" in queue and f"/desk/{gas.number}" in queue
    page = f"/desk/{gas.number}"
    shown = client.get(page).text
    assert "Danger: Gas leak" in shown and f'action="{page}/acknowledge"' in shown
    answer = client.post(f"{page}/acknowledge", data={"csrf_token": csrf(client, page)})
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    shown = client.get(page).text
    assert "Danger: Gas leak" not in shown and "Acknowledged by Duty" in shown
    assert "danger to acknowledge" not in client.get("/desk").text


def test_the_evidence_is_marked_and_holds_no_mark_up_and_no_telephone(client: FlaskClient, gas: Any) -> None:
    sign_in(client, "duty")
    banner = client.get(f"/desk/{gas.number}").text.partition('class="alarm-banner"')[2].partition("</section>")[0]
    assert "煤气味</mark>" in banner
    assert "<b>" not in banner and "13800131199" not in banner


def test_the_evidence_stays_on_the_page_when_the_danger_was_acknowledged(client: FlaskClient, gas: Any) -> None:
    sign_in(client, "duty")
    page = f"/desk/{gas.number}"
    client.post(f"{page}/acknowledge", data={"csrf_token": csrf(client, page)})
    shown = client.get(page).text
    assert "alarm-banner" not in shown
    assert "煤气味</mark>" in shown.partition("Words that tell of a danger")[2]


def test_each_clause_stands_once_under_its_kind(client: FlaskClient, gas: Any) -> None:
    sign_in(client, "duty")
    banner = client.get(f"/desk/{gas.number}").text.partition('class="evidence"')[2].partition("</section>")[0]
    assert banner.count(">Gas leak<") == 1
    clauses = re.findall(r'class="clause">(.*?)</span>', banner)
    assert clauses and len(set(clauses)) == len(clauses)


def test_a_button_is_only_there_for_those_who_may_press_it(client: FlaskClient, bench: Any, gas: Any) -> None:
    sign_in(client, "other")
    answer = client.get(f"/desk/{gas.number}")
    assert answer.status_code == 404 or "/acknowledge" not in answer.text
    done = client.post(f"/api/cases/{gas.number}/acknowledge", headers=bearer(client, "other"))
    assert done.status_code in (403, 404)


def test_pressing_twice_says_that_it_was_acknowledged_already(client: FlaskClient, gas: Any) -> None:
    sign_in(client, "duty")
    page = f"/desk/{gas.number}"
    form = {"csrf_token": csrf(client, page)}
    client.post(f"{page}/acknowledge", data=form)
    again = client.post(f"{page}/acknowledge", data=form)
    assert again.status_code == 409 and "Somebody acknowledged this danger already." in again.text


def test_a_form_without_its_token_acknowledges_nothing(client: FlaskClient, gas: Any) -> None:
    sign_in(client, "duty")
    assert client.post(f"/desk/{gas.number}/acknowledge", data={}).status_code in (400, 403, 422)
    assert "Danger: Gas leak" in client.get(f"/desk/{gas.number}").text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-Hans", ("1件紧急风险待签收", "紧急风险：燃气泄漏", "签收")),
        ("zh-Hant", ("1件緊急風險待簽收", "緊急風險：燃氣洩漏", "簽收")),
        ("en", ("1 danger to acknowledge", "Danger: Gas leak", "Acknowledge")),
    ],
)
def test_the_words_are_there_in_every_language(
    client: FlaskClient, gas: Any, language: str, words: tuple[str, ...]
) -> None:
    sign_in(client, "duty")
    client.set_cookie("wz_lang", language)
    both = client.get("/desk").text + client.get(f"/desk/{gas.number}").text
    assert [word for word in words if word not in both] == []


def test_a_script_acknowledges_and_the_answer_says_who_and_when(client: FlaskClient, bench: Any, gas: Any) -> None:
    bench.clock.move(timedelta(minutes=2))
    who = bearer(client, "dispatcher")
    before = client.get(f"/api/cases/{gas.number}", headers=who).json
    assert before is not None
    assert (before["alert"]["state"], before["alert"]["may_acknowledge"]) == ("open", True)
    done = client.post(f"/api/cases/{gas.number}/acknowledge", headers=who)
    assert done.status_code == 200 and done.json is not None
    assert (done.json["alert"]["state"], done.json["alert"]["acknowledged_by"]) == ("acknowledged", "dispatcher")
    assert done.json["history"][-1]["step"] == "risk_acknowledged"
    again = client.post(f"/api/cases/{gas.number}/acknowledge", headers=who)
    assert (again.status_code, again.json and again.json["code"]) == (409, "acknowledged_already")
    value = bench.house.metrics.registry.get_sample_value
    assert value("wenzheng_risk_acknowledged_seconds_sum", {"level": "urgent"}) == 120


def test_the_kind_is_suggested_on_the_page_and_stays_what_the_citizen_chose(client: FlaskClient, bench: Any) -> None:
    event = bench.petition("咨询居住证", "请问怎么办理居住证，需要什么材料？", kind="complaint")
    bench.deliver(event)
    case = bench.told(event.petition_id)[-1].case
    assert (case.kind, case.assessment.suggested_kind) == ("complaint", "inquiry")
    sign_in(client, "dispatcher")
    page = client.get(f"/desk/{event.number}").text
    assert "By its words rather: Inquiry" in page
    found = client.get(f"/api/cases/{event.number}", headers=bearer(client, "dispatcher")).json
    assert found is not None and found["kind"] == "complaint"


def test_a_kind_that_agrees_with_the_citizens_is_not_suggested(bench: Any) -> None:
    event = bench.petition("咨询居住证", "请问怎么办理居住证，需要什么材料？", kind="inquiry")
    bench.deliver(event)
    assert bench.told(event.petition_id)[-1].case.assessment.suggested_kind is None
