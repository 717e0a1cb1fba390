"""What is guarded: a petitioner's contact, and what a member of staff types while the sign-in runs out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.gallery import REPLY
from tests.e2e.people import People, keep_slip
from tests.house import House, until

pytestmark = [pytest.mark.broker, pytest.mark.browser]

LONG = "来电人反映旧码头社区的水压从上周起每天傍晚都很低，六楼以上几乎没有水。" * 20


def test_a_contact_is_shown_once_for_a_reason_that_the_administrator_can_read(house: House, people: People) -> None:
    mail = "reachable@example.org"
    receipt = house.file(title="锦梭路夜间施工", body="搅拌车凌晨两点排队不熄火，请来测噪声。", contact={"mail": mail})
    number = receipt["number"]
    unit = house.judged(number)["unit"]["id"]
    officer = people.staff("officer", unit)
    officer.goto(f"/desk/{number}")
    assert mail not in officer.content()
    officer.click(f"a[href='/entry/contacts/{number}']")
    assert mail not in officer.content()
    officer.click("main form button[type=submit]")
    expect(officer.locator("#reason-error")).to_be_visible()
    assert mail not in officer.content()
    reason = "回电核实是哪一栋楼"
    officer.fill("#reason", reason)
    officer.click("main form button[type=submit]")
    expect(officer.locator("dl.facts")).to_contain_text(mail)
    officer.goto(f"/entry/contacts/{number}")
    assert mail not in officer.content()
    expect(officer.locator("#reason")).to_be_visible()

    administrator = people.staff("administrator")
    administrator.goto("/entry/contacts")
    looks = administrator.locator("main tbody tr", has_text=number)
    expect(looks).to_have_count(1)
    expect(looks).to_contain_text(reason)
    expect(looks).to_contain_text(house.account("officer", unit)["name"])


def test_an_officer_of_another_unit_gets_no_contact(house: House, people: People) -> None:
    receipt = house.file(title="锦梭路夜间施工", body="搅拌车凌晨两点排队不熄火，请来测噪声。")
    until(lambda: house.status(receipt)["unit"])
    page = people.staff("officer", "education")
    answer = page.goto(f"/entry/contacts/{receipt['number']}")
    assert answer is not None
    assert answer.status in (403, 404)
    assert not page.locator("#reason").count()


def test_what_a_clerk_typed_outlives_the_sign_in(people: People) -> None:
    clerk = people.staff("dispatcher")
    clerk.goto("/entry")
    clerk.check("#kind input[value=report]")
    clerk.fill("#title", "旧码头社区傍晚水压低")
    clerk.fill("#body", LONG)
    _forget(clerk)
    clerk.click("form[action='/entry'] button[type=submit]")
    _sign_in_beside(clerk, people, "dispatcher")
    clerk.click("main form button[type=submit]")
    clerk.wait_for_url("**/entry/receipt")
    number, _ = keep_slip(clerk)
    petition = until(lambda: people.house.case(number))
    assert petition is not None
    assert LONG in str(petition)


def test_what_an_officer_typed_outlives_the_sign_in(house: House, people: People) -> None:
    receipt = house.file(title="锦梭路夜间施工", body="搅拌车凌晨两点排队不熄火，请城管来测噪声。")
    number = receipt["number"]
    unit = house.judged(number)["unit"]["id"]
    assert house.post(f"/api/cases/{number}/accept", {}, "officer", unit).ok
    officer = people.staff("officer", unit)
    officer.goto(f"/desk/{number}")
    officer.check("#answer input[value=supported]")
    officer.fill("#answer textarea[name=text]", REPLY)
    _forget(officer)
    officer.click("#answer button[type=submit]")
    _sign_in_beside(officer, people, "officer", unit)
    officer.click("main form button[type=submit]")
    expect(officer.locator("main")).to_contain_text(REPLY)
    until(lambda: (house.status(receipt)["reply"] or {}).get("text") == REPLY)


def _forget(page: Page) -> None:
    """As when a night has passed: neither the session nor its token is known any more."""
    for name in ("wz_staff", "wz_session"):
        page.context.clear_cookies(name=name)


def _sign_in_beside(page: Page, people: People, role: str, unit: str | None = None) -> None:
    """Sign in in the tab that the page opens for it."""
    with page.expect_popup() as opened:
        page.click("main a[target=_blank]")
    beside = opened.value
    people.sign_in(beside, role, unit, beside.url)
    beside.close()
