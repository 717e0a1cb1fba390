"""A petition from the form to its rating, through everybody's browser; the petitioner's runs no scripts."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.gallery import BODY, REPLY
from tests.e2e.people import People, keep_slip, look_up
from tests.house import House, until

pytestmark = [pytest.mark.broker, pytest.mark.browser]


def test_a_citizen_files_by_phone_the_unit_answers_and_all_others_find_it(house: House, people: People) -> None:
    word = uuid.uuid4().hex[:8]
    citizen = people.visitor(java_script_enabled=False)
    number, code = _file(citizen, f"锦梭路夜间施工，搅拌车排队不熄火 {word}")
    unit = house.judged(number)["unit"]["id"]

    # What was noted from the receipt is all the petitioner needs: the browser forgets the rest.
    citizen.context.clear_cookies()
    look_up(citizen, number, code)
    expect(citizen.locator("main")).to_contain_text(number)
    assert not citizen.locator("#rate").count()

    officer = people.staff("officer", unit)
    officer.goto("/desk")
    officer.click(f"main table a[href='/desk/{number}']")
    expect(officer.locator("h1")).to_contain_text(word)
    officer.click("form[action$='/accept'] button[type=submit]")
    expect(officer.locator("form[action$='/accept']")).to_have_count(0)
    officer.check("#answer input[value=supported]")
    officer.fill("#answer textarea[name=text]", REPLY)
    officer.click("#answer button[type=submit]")
    expect(officer.locator("#answer")).to_have_count(0)
    expect(officer.locator("main")).to_contain_text(REPLY)

    until(lambda: house.status({"number": number, "query_code": code})["reply"])
    look_up(citizen, number, code)
    expect(citizen.locator("#reply")).to_contain_text(REPLY)
    citizen.check("#rate input[name=solved][value=yes]")
    citizen.check("#rate input[name=satisfaction][value='5']")
    citizen.fill("#rate textarea", "当晚就安静了")
    citizen.click("#rate button[type=submit]")
    expect(citizen.locator("main")).to_contain_text("当晚就安静了")
    assert not citizen.locator("#rate").count()

    until(lambda: [hit["state"] for hit in house.found(q=number)] == ["closed"])
    supervisor = people.staff("supervisor")
    supervisor.goto("/search")
    supervisor.fill("#q", f"{word} 巡查")
    supervisor.press("#q", "Enter")
    hit = supervisor.locator("article.hit")
    expect(hit).to_have_count(1)
    expect(hit).to_contain_text(number)
    marked = hit.locator("mark").all_inner_texts()
    assert {word, "巡查"} <= set(marked)
    hit.locator("h2 a").click()
    expect(supervisor.locator("main")).to_contain_text("当晚就安静了")


def test_the_messages_to_a_unit_are_on_its_page(house: House, people: People) -> None:
    receipt = house.file(title="锦梭路夜间施工", body="搅拌车凌晨两点排队不熄火，请城管来测噪声。")
    number = receipt["number"]
    unit = house.judged(number)["unit"]["id"]
    until(lambda: any(m["recipient"] == "unit" for m in house.messages(number)))
    page = people.staff("officer", unit)
    page.goto("/notices")
    page.locator("main tbody tr", has_text=number).first.locator("a").first.click()
    expect(page.locator(".message-text")).to_contain_text(number)
    # To the officer only what the unit was told; what the petitioner was told is between the office and them.
    page.goto(f"/notices?number={number}")
    assert page.locator("main tbody tr").count() == sum(m["recipient"] == "unit" for m in house.messages(number))


def test_a_clerk_writes_down_a_call_and_prints_its_receipt(house: House, people: People) -> None:
    clerk = people.staff("dispatcher")
    clerk.goto("/entry")
    clerk.check("#channel input[value=call]")
    clerk.check("#kind input[value=inquiry]")
    clerk.fill("#title", "想问公交三路末班车几点")
    clerk.fill("#body", "来电人问旧码头到县医院的三路公交末班车时间，冬天是否提前。")
    clerk.fill("#phone", "13800000000")
    clerk.click("form[action='/entry'] button[type=submit]")
    clerk.wait_for_url("**/entry/receipt")
    number, code = keep_slip(clerk)
    expect(clerk.locator("[data-print]")).to_be_visible()
    clerk.emulate_media(media="print")
    assert clerk.locator("dl.slip").is_visible()
    for hidden in ("header.site", "[data-print]", "a[href='/entry']"):
        assert not clerk.locator(hidden).first.is_visible(), f"{hidden} would be printed"
    clerk.emulate_media(media="screen")
    clerk.reload()
    assert code not in clerk.content()
    caller = people.visitor()
    look_up(caller, number, code)
    expect(caller.locator("h1")).to_have_text("想问公交三路末班车几点")
    until(lambda: house.case(number))


def test_a_wrong_code_opens_nothing_and_keeps_the_number(house: House, people: People) -> None:
    receipt = house.file()
    page = people.visitor(java_script_enabled=False)
    page.goto("/petitions/status")
    page.fill("#number", receipt["number"])
    page.fill("#code", "AAAAA-AAAAA")
    page.click("main form button[type=submit]")
    expect(page.locator("#errors")).to_be_visible()
    assert page.input_value("#number") == receipt["number"]
    assert "窨井盖" not in page.content()
    page.goto("/petitions/mine")
    assert "窨井盖" not in page.content()


def test_a_receipt_is_shown_once(people: People) -> None:
    page = people.visitor(java_script_enabled=False)
    _, code = _file(page, "路灯不亮，锦梭路三号楼前")
    page.goto("/petitions/receipt")
    assert code not in page.content()
    page.go_back()
    assert code not in page.content()


def test_the_dispatcher_sends_an_unclear_petition_to_a_unit(house: House, people: People) -> None:
    receipt = house.file(title="有件事想说", body="说不清该找谁，请帮忙看看，谢谢。", place={"text": ""})
    number = receipt["number"]
    assert house.judged(number)["unit"] is None
    page = people.staff("dispatcher")
    page.goto("/desk")
    page.fill("#words", number)
    page.press("#words", "Enter")
    page.click(f"main table a[href='/desk/{number}']")
    page.select_option("#dispatch select[name=unit]", "housing")
    page.fill("#dispatch textarea", "与来信人核实后确定属住房事项。")
    page.click("#dispatch button[type=submit]")
    until(lambda: (house.case(number, "officer", "housing") or {}).get("state") == "dispatched")
    until(lambda: house.status(receipt)["unit"])


def test_too_short_a_reply_is_refused_and_kept(house: House, people: People) -> None:
    receipt = house.file(title="锦梭路夜间施工", body="搅拌车凌晨两点排队不熄火，请城管来测噪声。")
    number = receipt["number"]
    unit = house.judged(number)["unit"]["id"]
    assert house.post(f"/api/cases/{number}/accept", {}, "officer", unit).ok
    page = people.staff("officer", unit, java_script_enabled=False)
    page.goto(f"/desk/{number}")
    page.check("#answer input[value=explained]")
    page.fill("#answer textarea[name=text]", "知道了")
    page.click("#answer button[type=submit]")
    expect(page.locator("#errors")).to_be_visible()
    assert page.input_value("#answer textarea[name=text]") == "知道了"
    assert page.is_checked("#answer input[value=explained]")
    assert house.status(receipt)["reply"] is None


def _file(page: Page, title: str) -> tuple[str, str]:
    """File a petition from the front page on."""
    page.goto("/")
    page.click("main a[href='/petitions/new']")
    page.check("#kind input[value=complaint]")
    page.fill("#title", title)
    page.fill("#body", BODY)
    page.fill("#place", "望澄街道锦梭社区锦梭路")
    page.fill("#phone", "13800000000")
    page.fill("#mail", f"{uuid.uuid4().hex[:12]}@example.org")
    page.click("form[action='/petitions/new'] button[type=submit]")
    page.wait_for_url("**/petitions/receipt")
    number, code = keep_slip(page)
    assert re.fullmatch(r"WZ-\d{6}-\d{5}-\d{5}", number)
    assert re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", code)
    return number, code
