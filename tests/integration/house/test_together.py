"""Petitions of one matter through the whole house: joined at the desk, told, answered once, each in its own right."""

from __future__ import annotations

import uuid

import pytest
import requests

from tests.house import House, until

pytestmark = pytest.mark.broker

REPLY = "我单位于当晚到现场测量，噪声超过夜间限值，已责令工地停止夜间浇筑，并安排夜间巡查一周。"
UNIT = "urban-management"


def file(house: House, title: str, **changes: object) -> dict[str, str]:
    body = "城管白天来看总是安静的，凌晨两点搅拌车在楼下排队最吵，请夜里来测一次。"
    receipt: dict[str, str] = house.file(title=title, body=body, place={"text": "锦梭路"}, **changes)
    assert house.judged(receipt["number"])["unit"]["id"] == UNIT
    return receipt


def until_told(house: House, receipt: dict[str, str], occasion: str) -> None:
    """Wait until the petitioner was told, and reads so on the status page."""

    def told() -> bool:
        sent = {(m["occasion"], m["recipient"]) for m in house.messages(receipt["number"])}
        return (occasion, "citizen") in sent and occasion in {point["code"] for point in house.status(receipt)["way"]}

    until(told)


def test_joined_petitions_are_answered_together_and_every_filer_is_told(house: House) -> None:
    word = uuid.uuid4().hex[:8]
    lead, case = (file(house, f"锦梭路夜间施工，搅拌车不熄火 {word} {n}") for n in (1, 2))
    number = case["number"]
    answer = house.post(f"/api/cases/{number}/merge", {"into": lead["number"]}, "dispatcher")
    assert answer.ok, answer.text
    # The status pages say so, and neither petitioner learns of the other.
    until(lambda: house.status(case)["together"] and house.status(lead)["together"])
    assert lead["number"] not in str(house.status(case)) and number not in str(house.status(lead))
    until(lambda: [(hit["lead"], hit["joined"]) for hit in house.found(q=number)] == [(lead["number"], [])])
    until(lambda: [hit["joined"] for hit in house.found(q=lead["number"])] == [[number]])
    for receipt in (lead, case):
        until_told(house, receipt, "merged")

    assert house.post(f"/api/cases/{number}/accept", {}, "officer", UNIT).json()["code"] == "follows_another"
    assert house.post(f"/api/cases/{lead['number']}/accept", {}, "officer", UNIT).ok
    body = {"text": REPLY, "outcome": "supported"}
    assert house.post(f"/api/cases/{lead['number']}/reply", body, "officer", UNIT).ok
    for receipt in (lead, case):
        until_told(house, receipt, "replied")
        assert house.status(receipt)["reply"]["text"] == REPLY
    # Each rates the reply in its own right.
    assert house.act(case, "rating", {"satisfaction": 4}).status_code == 201
    until(lambda: (house.case(number) or {})["state"] == "closed")
    assert (house.case(lead["number"]) or {})["state"] == "replied"


def test_what_was_answered_in_public_is_found_by_who_files_the_like(house: House) -> None:
    word = uuid.uuid4().hex[:8]
    receipt = file(house, f"锦梭路夜间施工，搅拌车不熄火 {word}", publish=True)
    silent = file(house, f"锦梭路夜间施工，搅拌车不熄火 {word}")
    for one in (receipt, silent):
        assert house.post(f"/api/cases/{one['number']}/accept", {}, "officer", UNIT).ok
        body = {"text": REPLY, "outcome": "supported"}
        assert house.post(f"/api/cases/{one['number']}/reply", body, "officer", UNIT).ok

    def told() -> list[dict[str, str]]:
        answer = requests.post(f"{house.url}/api/search/answers", json={"title": f"{word} 搅拌车夜间施工"}, timeout=30)
        assert answer.ok, answer.text
        found: list[dict[str, str]] = answer.json()["answers"]
        return [one for one in found if word in one["title"]]

    until(lambda: [hit["state"] for hit in house.found(q=silent["number"])] == ["replied"])
    (one,) = until(told)
    page = requests.get(house.url + one["url"], timeout=30)
    assert REPLY in page.text and receipt["number"] not in page.text
