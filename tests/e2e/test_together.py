"""Petitions of one matter in the browser: answered ones beside the form, look-alikes joined and parted at the desk."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import expect

from tests.e2e.gallery import REPLY
from tests.e2e.people import DESKTOP, PHONE, People, keep_slip, look_up
from tests.house import House, until

pytestmark = [pytest.mark.broker, pytest.mark.browser]

BODY = "旧码头社区的自来水水压从上周起每天傍晚都很低，六楼以上几乎没有水。"


def filed(house: House, title: str, **changes: object) -> dict[str, str]:
    receipt: dict[str, str] = house.file(title=title, body=BODY, place={"text": "旧码头社区"}, **changes)
    receipt["unit"] = house.judged(receipt["number"])["unit"]["id"]
    return receipt


@pytest.mark.parametrize(("scripts", "width"), [(False, PHONE), (True, DESKTOP)])
def test_who_files_sees_what_was_answered_and_files_all_the_same(
    house: House, people: People, scripts: bool, width: int
) -> None:
    word = uuid.uuid4().hex[:8]
    past = filed(house, f"旧码头社区傍晚水压低 {word}", publish=True)
    assert house.post(f"/api/cases/{past['number']}/accept", {}, "officer", past["unit"]).ok
    body = {"text": REPLY, "outcome": "supported"}
    assert house.post(f"/api/cases/{past['number']}/reply", body, "officer", past["unit"]).ok
    until(lambda: [hit["state"] for hit in house.found(q=past["number"])] == ["replied"])

    page = people.visitor(width, java_script_enabled=scripts)
    page.goto("/petitions/new")
    page.check("#kind input[value=complaint]")
    page.fill("#title", f"{word} 旧码头社区水压低")
    page.fill("#body", BODY)
    page.fill("#mail", "resident@example.org")
    page.click("button[name=look]")
    link = page.locator("#answered a").first
    expect(link).to_contain_text(word)
    with page.context.expect_page() as opened:
        link.click()
    expect(opened.value.locator("main")).to_contain_text(REPLY)
    expect(opened.value.locator("main")).not_to_contain_text(past["number"])
    expect(page.locator("#body")).to_have_value(BODY)
    assert page.is_checked("#kind input[value=complaint]")
    page.click("main form[action='/petitions/new'] button[type=submit]:not([name])")
    page.wait_for_url("**/petitions/receipt")
    number, code = keep_slip(page)
    look_up(page, number, code)
    expect(page.locator("main")).to_contain_text(number)


def test_the_dispatcher_joins_look_alikes_and_takes_one_out_again(house: House, people: People) -> None:
    word = uuid.uuid4().hex[:8]
    lead, case = filed(house, f"旧码头社区傍晚水压低 {word}"), filed(house, f"旧码头社区水压低没水 {word}")
    desk = people.staff("dispatcher")
    desk.goto(f"/desk/{case['number']}")
    alike = desk.locator("#look-alikes li", has_text=lead["number"])
    expect(alike).to_contain_text("%")
    expect(alike.locator("q").first).to_be_visible()
    alike.locator("button").click()
    expect(desk.locator("#together")).to_contain_text(lead["number"])
    expect(desk.locator("form[action$='/dispatch']")).to_have_count(0)
    until(lambda: house.status(case)["together"])

    citizen = people.visitor(java_script_enabled=False)
    look_up(citizen, case["number"], case["query_code"])
    expect(citizen.locator("main")).to_contain_text("并案办理")
    expect(citizen.locator("main")).not_to_contain_text(lead["number"])

    desk.click("#together a")
    expect(desk.locator("#joined")).to_contain_text(case["number"])
    desk.click("#joined a")
    desk.click("#together summary")
    desk.fill("#together textarea", "两处水压低的原因不同，应分开办理。")
    desk.click("#together button")
    expect(desk.locator("#together")).to_have_count(0)
    until(lambda: not house.status(case)["together"])


def test_a_number_that_cannot_be_joined_stays_in_its_field_with_the_reason(house: House, people: People) -> None:
    case = filed(house, "旧码头社区水压低")
    desk = people.staff("dispatcher", width=PHONE)
    desk.goto(f"/desk/{case['number']}")
    desk.click("#look-alikes summary")
    desk.fill("#look-alikes input[name=into]:not([type=hidden])", "WZ-000000-00000-00000")
    desk.click("#look-alikes details button")
    expect(desk.locator("#look-alikes input[name=into]:not([type=hidden])")).to_have_value("WZ-000000-00000-00000")
    expect(desk.locator("main")).to_contain_text("没有这件诉求")
