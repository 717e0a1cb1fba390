"""The form by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.people import DESKTOP, PHONE, People, keep_slip

pytestmark = [pytest.mark.broker, pytest.mark.browser]

#: Whether the element that has the focus shows it, by itself or by the label it stands in.
SEEN = """() => {
  const seen = element => {
    const style = getComputedStyle(element);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  };
  const here = document.activeElement;
  return seen(here) || (here.closest("label") !== null && seen(here.closest("label")));
}"""


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is on what ``selector`` names; each stop on the way must show that it has it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate("() => document.activeElement.outerHTML.slice(0, 120)")
        assert page.evaluate(SEEN), f"no focus to be seen on {here}"
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"Tab never comes to {selector}")


def test_a_petition_is_filed_without_a_mouse(people: People) -> None:
    page = people.visitor(DESKTOP)
    page.goto("/")
    tab_to(page, "main a[href='/petitions/new']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/petitions/new")
    tab_to(page, "#kind input")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert page.is_checked("#kind input >> nth=1")
    page.keyboard.press("ArrowUp")
    assert page.is_checked("#kind input >> nth=0")
    for field, text in (
        ("#title", "公交站牌被撞歪"),
        ("#body", "旧码头路口的三路公交站牌昨天被撞歪，尖角对着人行道，请尽快扶正。"),
        ("#place", "旧码头社区"),
        ("#name", "周临"),
        ("#mail", "keyboard@example.org"),
        ("#publish", " "),
        ("main form[action='/petitions/new'] button[type=submit]", ""),
    ):
        tab_to(page, field)
        page.keyboard.type(text)
    assert page.is_checked("#publish")
    page.keyboard.press("Enter")
    page.wait_for_url("**/petitions/receipt")
    assert all(keep_slip(page))


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_first_stop_skips_to_the_content(people: People, width: int) -> None:
    page = people.visitor(width)
    page.goto("/petitions/new")
    page.keyboard.press("Tab")
    skip = page.locator("a.skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main#content")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('main') !== null")


def test_an_incomplete_form_says_what_is_missing_leads_there_and_loses_nothing(people: People) -> None:
    page = people.visitor()
    page.goto("/petitions/new")
    page.fill("#title", "站牌被撞歪")
    page.fill("#place", "旧码头路口")
    page.check("#publish")
    page.focus("main form[action='/petitions/new'] button[type=submit]")
    page.keyboard.press("Enter")
    summary = page.locator("#errors")
    expect(summary).to_be_focused()
    expect(summary).to_be_in_viewport()
    assert page.input_value("#title") == "站牌被撞歪"
    assert page.input_value("#place") == "旧码头路口"
    assert page.is_checked("#publish")
    links = summary.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert set(links) >= {"#kind", "#body"}
    assert "#title" not in links
    for target in links:
        described = page.locator(target).get_attribute("aria-describedby") or ""
        assert page.locator(f"{target}-error").is_visible()
        assert f"{target[1:]}-error" in described.split()
        summary.locator(f"a[href='{target}']").focus()
        page.keyboard.press("Enter")
        expect(page.locator(target)).to_be_focused()
        expect(page.locator(target)).to_be_in_viewport()


def test_a_member_of_staff_signs_in_and_out_without_a_mouse(people: People) -> None:
    account = people.house.account("supervisor")
    page = people.visitor(DESKTOP)
    page.goto("/desk")
    page.wait_for_url("**/sign-in?**")
    tab_to(page, "#account")
    page.keyboard.type(account["id"])
    tab_to(page, "#password")
    page.keyboard.type(account["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk")
    tab_to(page, "header form button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in**")
    page.goto("/search")
    page.wait_for_url("**/sign-in?**")
