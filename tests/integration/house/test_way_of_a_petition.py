"""The behaviour of the whole house, the same on both sizes: what a petitioner, an officer and a searcher rely on."""

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest
import requests

from tests.house import ROOT, House, until

pytestmark = pytest.mark.broker


def test_a_petition_is_filed_judged_dispatched_told_and_found(house: House) -> None:
    receipt = house.file(title="锦梭路夜间施工，搅拌车排队不熄火", body="城管白天来看总是安静的，凌晨两点最吵。")
    case = house.judged(receipt["number"])
    assert case["state"] == "dispatched"
    assert case["unit"]["id"] == "urban-management"
    assert case["assessment"]["reasons"]
    assert case["due_at"]
    until(lambda: any(hit["number"] == receipt["number"] for hit in house.found(q="搅拌车 锦梭路")))
    until(lambda: {"received", "dispatched"} <= {m["occasion"] for m in house.messages(receipt["number"])})


def test_the_officer_answers_the_petitioner_reads_rates_and_the_case_is_closed(house: House) -> None:
    receipt = house.file()
    unit = _dispatched(house, receipt["number"])
    number = receipt["number"]
    assert house.post(f"/api/cases/{number}/accept", {}, "officer", unit).ok
    reply = "我单位已于当日到现场将井盖加垫固定，并请物业复查，现已无异响。如再松动请直接来电。"
    answer = house.post(f"/api/cases/{number}/reply", {"text": reply, "outcome": "supported"}, "officer", unit)
    assert answer.ok, answer.text
    until(lambda: reply in str(house.status(receipt)))
    rated = house.act(receipt, "rating", {"satisfaction": 5, "solved": True, "comment": "很快"})
    assert rated.status_code == 201, rated.text
    until(lambda: (house.case(number) or {})["state"] == "closed")
    until(lambda: [h["state"] for h in house.found(q=number)] == ["closed"])
    until(lambda: any(m["occasion"] == "replied" and m["recipient"] == "citizen" for m in house.messages(number)))


def test_the_same_idempotency_key_files_once_and_answers_the_same(house: House) -> None:
    key = str(uuid.uuid4())
    changes = {"title": "重复提交只算一次", "contact": {"mail": "once@example.org"}, "key": key}
    first, second = house.file(**changes), house.file(**changes)
    assert first == second
    house.judged(first["number"])
    until(lambda: len(house.found(q="重复提交只算一次")) == 1)


def test_a_withdrawn_petition_is_closed_everywhere(house: House) -> None:
    receipt = house.file()
    house.judged(receipt["number"])
    assert house.act(receipt, "withdrawal", {"reason": "已经修好了"}).status_code == 201
    until(lambda: (house.case(receipt["number"]) or {})["state"] in ("withdrawn", "closed"))
    until(lambda: [h["state"] for h in house.found(q=receipt["number"])] in (["withdrawn"], ["closed"]))


def test_a_supplement_reaches_the_desk(house: House) -> None:
    receipt = house.file()
    unit = _dispatched(house, receipt["number"])
    assert house.act(receipt, "supplements", {"text": "今天又松了，照片已拍。"}).status_code == 201
    until(lambda: "今天又松了" in str(house.case(receipt["number"], "officer", unit)))


def test_the_unit_hands_back_and_the_dispatcher_sends_it_elsewhere(house: House) -> None:
    receipt = house.file()
    number, unit = receipt["number"], _dispatched(house, receipt["number"])
    reason = "该路段的井盖由自来水公司管理，不属我单位职责。"
    assert house.post(f"/api/cases/{number}/objection", {"reason": reason}, "officer", unit).ok
    assert (house.case(number) or {})["state"] == "objected"
    answer = house.post(
        f"/api/cases/{number}/dispatch",
        {"unit": "water-company", "reason": "井盖属自来水公司所有，按权属交办。"},
        "dispatcher",
    )
    assert answer.ok, answer.text
    until(lambda: (house.case(number, "officer", "water-company") or {}).get("state") == "dispatched")


def test_a_report_on_a_person_is_seen_by_the_sealed_case_officer_alone(house: House) -> None:
    page = requests.Session()
    word = uuid.uuid4().hex[:8]
    number = _report(house, page, f"举报某科长收受礼品 {word}")
    until(lambda: house.case(number, "sealed_officer"))
    until(lambda: [hit["number"] for hit in house.found("sealed_officer", q=word)] == [number])
    assert house.case(number, "supervisor") is None
    assert house.case(number, "dispatcher") is None
    for role in ("supervisor", "dispatcher", "unit_head"):
        assert house.found(role, q=word) == []
        assert house.get("/api/search", role, q=word).json()["total"] == 0


def test_staff_of_another_unit_do_not_find_the_petition(house: House) -> None:
    word = uuid.uuid4().hex[:8]
    receipt = house.file(title=f"燃气管道有异味 {word}", body="厨房外墙的燃气管道有异味，请燃气公司来查。")
    unit = _dispatched(house, receipt["number"])
    until(lambda: house.found("officer", unit, q=word))
    other = "education"
    assert unit != other
    assert house.found("officer", other, q=word) == []
    assert house.case(receipt["number"], "officer", other) is None


def test_traditional_and_simplified_words_find_the_same_petition(house: House) -> None:
    word = uuid.uuid4().hex[:8]
    receipt = house.file(title=f"小區電梯經常停運 {word}", body="老人上下樓很不方便，請儘快維修。")
    hit = until(lambda: house.found(q=f"电梯 {word}"))[0]
    assert hit["number"] == receipt["number"]
    assert "<mark>" in str(hit)
    assert "電梯" in str(hit).replace("<mark>", "").replace("</mark>", "")


def test_a_wrong_code_shows_nothing(house: House) -> None:
    receipt = house.file()
    answer = requests.get(
        f"{house.url}/api/petitions/{receipt['number']}", headers={"Wenzheng-Query-Code": "XXXX-XXXX"}, timeout=30
    )
    assert answer.status_code in (403, 404)
    assert "窨井盖" not in answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_petitioners_contact_is_nowhere_in_routing_and_search(house: House) -> None:
    mail = f"{uuid.uuid4().hex[:12]}@example.org"
    receipt = house.file(contact={"mail": mail, "name": "不该出现的名字"})
    case = house.judged(receipt["number"])
    hits = until(lambda: house.found(q=receipt["number"]))
    for text in (str(case), str(hits), house.log()):
        assert mail not in text
        assert "不该出现的名字" not in text


def test_a_revoked_account_is_turned_away_by_every_service(house: House) -> None:
    account = house.account("publisher")
    token = house.token(account)
    ask = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{house.url}/api/search", headers=ask, timeout=30).ok
    done = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "staff", "revoke", account["id"]],
        env=house.environ,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    until(lambda: requests.get(f"{house.url}/api/search", headers=ask, timeout=30).status_code == 401, 60)
    until(lambda: requests.get(f"{house.url}/api/cases", headers=ask, timeout=30).status_code == 401, 60)


def test_ten_megabytes_are_refused_and_the_neighbour_is_served(house: House) -> None:
    answer = house.post("/api/petitions", {"kind": "complaint", "title": "大", "body": "长" * 4_000_000})
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"
    assert house.file()["number"]


def test_every_wrong_field_is_named_with_its_code(house: House) -> None:
    answer = house.post("/api/petitions", {"kind": "poem", "title": "", "body": ""})
    assert answer.status_code == 422
    errors = {error["field"]: error["code"] for error in answer.json()["errors"]}
    assert errors["kind"] == "unknown_kind"
    assert {"title", "body"} <= set(errors)


def test_logs_hold_ids_and_no_words_of_the_petition(house: House) -> None:
    word = uuid.uuid4().hex
    receipt = house.file(title=f"日志里不应有 {word}")
    until(lambda: house.found(q=receipt["number"]))
    assert word not in house.log()


def _dispatched(house: House, number: str) -> str:
    """The unit the petition is with; the dispatcher decides when the judgement did not."""
    case = house.judged(number)
    if case["unit"] is None:
        body = {"unit": "housing", "reason": "人工研判"}
        assert house.post(f"/api/cases/{number}/dispatch", body, "dispatcher").ok
        case = house.judged(number)
    unit: str = case["unit"]["id"]
    return unit


def _report(house: House, session: requests.Session, title: str) -> str:
    """File a report on a person through its own door, as a browser without JavaScript does."""
    import re

    page = session.get(f"{house.url}/petitions/report", timeout=30)
    fields = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
    fields |= dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*type="hidden"[^>]*value="([^"]*)"', page.text))
    fields |= {
        "kind": "report",
        "title": title,
        "body": "逢年过节收受礼品，有送礼人的转账记录。",
        "mail": "w@example.org",
    }
    answer = session.post(f"{house.url}/petitions/report", data=fields, timeout=30)
    assert answer.ok, answer.text[:500]
    found = re.search(r"WZ[-0-9A-Z]+", answer.text)
    assert found, answer.text[:2000]
    return found.group(0)
