"""The main pages of the house, filled with petitions of every state, each opened once by whom it is meant for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from playwright.sync_api import Page, expect

from tests.e2e.people import People, look_up
from tests.house import ROOT, until

TITLE = "锦梭路夜间施工，搅拌车排队不熄火"
BODY = (
    "锦梭路与旧码头路口的工地自三月起夜间浇筑，搅拌车在居民楼下排队不熄火，凌晨两点最吵。\n"
    "城管白天来看总是安静的。请在夜里来测一次，并让工地把候车区移到路口西侧的空地。"
)
REPLY = (
    "我单位于当晚二十三时到现场测量，噪声超过夜间限值，已责令工地停止夜间浇筑，"
    "候车区自次日起移至路口西侧空地，并安排夜间巡查一周。如再有扰民，请直接来电。"
)

#: Every page that is looked at: barriers, width, language.
PAGES: Final = (
    "home",
    "form",
    "form-refused",
    "form-answered",
    "answer",
    "report",
    "receipt",
    "look-up",
    "status-waiting",
    "status-together",
    "status",
    "sign-in",
    "desk",
    "case-new",
    "case-accepted",
    "case-alike",
    "case-follows",
    "case-leads",
    "case",
    "topics",
    "topic",
    "directory",
    "search",
    "notices",
    "message",
    "entry",
    "entry-receipt",
    "contact-reason",
    "contact",
    "contacts",
    "missing",
)
#: Pages without a word written by a petitioner, a unit or an officer.
OWN_WORDS: Final = ("home", "form", "form-refused", "report", "look-up", "sign-in", "entry", "missing")
#: Pages of which pictures are made.
PICTURES: Final = (
    "form", "form-answered", "answer", "receipt", "status", "status-together", "desk", "case", "case-alike",
    "case-follows", "case-leads", "search", "notices",
)  # fmt: skip


class Gallery:
    """Opens pages on first use and keeps them.

    Args:
        people: who looks at them.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._house = people.house
        self._open: dict[tuple[str, str], Page] = {}

    def show(self, name: str, locale: str = "zh-CN") -> Page:
        """A page by its name, for a reader whose browser asks for a language."""
        key = (name, locale)
        if key not in self._open:
            self._open[key] = self._way[name](locale)
            assert name == "missing" or not self._open[key].locator(".error-page").count(), self._open[key].url
        page = self._open[key]
        page.bring_to_front()
        return page

    # ── petitions ───────────────────────────────────────────────────────────────────────────────

    @cached_property
    def waiting(self) -> dict[str, Any]:
        """A petition that was sent to its unit and waits there."""
        title = "旧码头社区傍晚水压低"
        return self._filed(title, "旧码头社区的自来水水压从上周起每天傍晚都很低，六楼以上几乎没有水。", "旧码头社区")

    @cached_property
    def accepted(self) -> dict[str, Any]:
        """A petition that its unit has taken on."""
        body = "旧码头路口的三路公交站牌昨天被撞歪，尖角对着人行道，请尽快扶正。"
        receipt = self._filed("公交站牌被撞歪", body, "旧码头路口")
        assert self._house.post(f"/api/cases/{receipt['number']}/accept", {}, "officer", receipt["unit"]).ok
        return receipt

    @cached_property
    def alike(self) -> dict[str, Any]:
        """A petition about the same water as the waiting one, by somebody else."""
        number = self.waiting["number"]
        title = "旧码头社区水压低，六楼没水"
        receipt = self._filed(title, "旧码头社区每天傍晚自来水水压都很低，六楼洗不了澡，请查一查。", "旧码头社区")
        found = self._house.get(f"/desk/{receipt['number']}", "dispatcher").text
        assert number in found
        return receipt

    @cached_property
    def joined(self) -> dict[str, Any]:
        """A petition that follows the one that its unit has taken on."""
        body = "旧码头路口三路公交的站牌被车撞歪了，尖角对着人行道，孩子走过很危险。"
        receipt = self._filed("三路公交站牌撞歪了", body, "旧码头路口")
        number, lead = receipt["number"], self.accepted["number"]
        answer = self._house.post(f"/api/cases/{number}/merge", {"into": lead}, "dispatcher")
        assert answer.ok, answer.text
        until(lambda: self._house.status(receipt)["together"] and self._house.status(self.accepted)["together"])
        return receipt

    @cached_property
    def answered(self) -> dict[str, Any]:
        """A petition with its reply, found by search and told to everybody, with an addition by the petitioner."""
        receipt = self._filed(TITLE, BODY, "望澄街道锦梭社区锦梭路", publish=True)
        number, unit = receipt["number"], receipt["unit"]
        assert self._house.act(receipt, "supplements", {"text": "昨夜又浇筑到三点。"}).ok
        assert self._house.post(f"/api/cases/{number}/accept", {}, "officer", unit).ok
        body = {"text": REPLY, "outcome": "supported", "basis": "《中华人民共和国噪声污染防治法》第四十三条"}
        answer = self._house.post(f"/api/cases/{number}/reply", body, "officer", unit)
        assert answer.ok, answer.text
        until(lambda: [hit["state"] for hit in self._house.found(q=number)] == ["replied"])
        until(lambda: any(m["occasion"] == "replied" for m in self._house.messages(number)))
        until(lambda: "rate" in self._house.status(receipt)["actions"])
        return receipt

    @cached_property
    def matter(self) -> str:
        """Title of a matter that six strangers speak of, found as a hot topic that comes up."""
        title = "北坡水库坝顶护栏锈断"
        for ending in ("，有人差点跌下去", "没有人修", "何时能修好？", "，孩子每天路过", "，夜里看不见", "的问题"):
            body = f"{title}已经半个月{ending}，请派人焊好。"
            receipt = self._house.file(title=title + ending, body=body, place={"text": "北坡水库坝顶"})
            self._house.judged(receipt["number"])
        command = [sys.executable, "-m", "services.cli.main", "judge", "topics"]
        subprocess.run(command, env=self._house.environ, cwd=ROOT, check=True, capture_output=True)
        return title

    def _filed(self, title: str, body: str, place: str, **changes: Any) -> dict[str, Any]:
        receipt = self._house.file(title=title, body=body, place={"text": place}, **changes)
        case = self._house.judged(receipt["number"])
        assert case["state"] == "dispatched"
        until(lambda: self._house.status(receipt)["unit"])
        return {**receipt, "unit": case["unit"]["id"]}

    # ── pages ───────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _way(self) -> dict[str, Callable[[str], Page]]:
        return {
            "home": self._visitor("/"),
            "form": self._visitor("/petitions/new"),
            "form-refused": self._form_refused,
            "form-answered": self._form_answered,
            "answer": self._answer,
            "report": self._visitor("/petitions/report"),
            "receipt": self._receipt,
            "look-up": self._visitor("/petitions/status"),
            "status-waiting": lambda locale: self._status(self.waiting, locale),
            "status-together": lambda locale: self._status(self.joined, locale),
            "status": lambda locale: self._status(self.answered, locale),
            "sign-in": self._visitor("/sign-in"),
            "desk": self._list("dispatcher", "/desk?queue=all"),
            "case-new": lambda locale: self._case(self.waiting, locale),
            "case-accepted": lambda locale: self._case(self.accepted, locale),
            "case-alike": lambda locale: self._staff("dispatcher", f"/desk/{self.alike['number']}", locale),
            "case-follows": lambda locale: self._staff("dispatcher", f"/desk/{self.joined['number']}", locale),
            "case-leads": self._case_leads,
            "case": lambda locale: self._case(self.answered, locale),
            "topics": self._topics,
            "topic": self._topic,
            "directory": lambda locale: self._staff("dispatcher", "/directory", locale),
            "search": self._list("supervisor", "/search?q=搅拌车 夜间"),
            "notices": self._list("supervisor", "/notices"),
            "message": self._message,
            "entry": lambda locale: self._staff("dispatcher", "/entry", locale),
            "entry-receipt": self._entry_receipt,
            "contact-reason": lambda locale: self._contact_reason(self.accepted, locale),
            "contact": self._contact,
            "contacts": self._contacts,
            "missing": self._visitor("/petitions/nowhere"),
        }

    def _visitor(self, path: str) -> Callable[[str], Page]:
        def opened(locale: str) -> Page:
            page = self._people.visitor(locale=locale)
            page.goto(path)
            return page

        return opened

    def _staff(self, role: str, path: str, locale: str, unit: str | None = None) -> Page:
        page = self._people.staff(role, unit, locale=locale)
        page.goto(path)
        return page

    def _topics(self, locale: str) -> Page:
        title = self.matter
        page = self._staff("supervisor", "/desk/topics", locale)
        expect(page.get_by_role("link", name=title).first).to_be_visible()
        return page

    def _topic(self, locale: str) -> Page:
        title = self.matter
        page = self._staff("supervisor", "/desk", locale)
        page.get_by_role("status").get_by_role("link", name=title).click()
        expect(page.get_by_role("table")).to_be_visible()
        return page

    def _list(self, role: str, path: str) -> Callable[[str], Page]:
        """A list in which petitions stand."""

        def opened(locale: str) -> Page:
            # All of them are filed first, so that the list looks the same whichever page is opened before it.
            *_, answered = self.waiting, self.accepted, self.answered
            page = self._staff(role, path, locale)
            expect(page.locator("main")).to_contain_text(answered["number"])
            return page

        return opened

    def _form_refused(self, locale: str) -> Page:
        page = self._visitor("/petitions/new")(locale)
        page.click("main form[action='/petitions/new'] button[type=submit]")
        page.wait_for_selector("#errors")
        return page

    def _form_answered(self, locale: str) -> Page:
        assert self.answered
        page = self._visitor("/petitions/new")(locale)
        page.fill("#title", TITLE)
        page.fill("#body", BODY)
        page.click("button[name=look]")
        page.wait_for_selector("#answered a")
        return page

    def _answer(self, locale: str) -> Page:
        path = self.show("form-answered", locale).locator("#answered a").first.get_attribute("href")
        return self._visitor(str(path))(locale)

    def _case_leads(self, locale: str) -> Page:
        assert self.joined
        return self._case(self.accepted, locale)

    def _receipt(self, locale: str) -> Page:
        page = self._visitor("/petitions/new")(locale)
        page.check("#kind input[value=complaint]")
        page.fill("#title", TITLE)
        page.fill("#body", BODY)
        page.fill("#mail", "resident@example.org")
        page.click("main form[action='/petitions/new'] button[type=submit]")
        page.wait_for_url("**/petitions/receipt")
        return page

    def _status(self, receipt: dict[str, Any], locale: str) -> Page:
        page = self._people.visitor(locale=locale)
        look_up(page, receipt["number"], receipt["query_code"])
        return page

    def _case(self, receipt: dict[str, Any], locale: str) -> Page:
        return self._staff("officer", f"/desk/{receipt['number']}", locale, unit=receipt["unit"])

    def _message(self, locale: str) -> Page:
        page = self._staff("supervisor", f"/notices?number={self.answered['number']}", locale)
        page.click("main tbody a >> nth=0")
        page.wait_for_selector(".message-text")
        return page

    def _entry_receipt(self, locale: str) -> Page:
        page = self._staff("dispatcher", "/entry", locale)
        page.check("#kind input[value=report]")
        page.fill("#title", TITLE)
        page.fill("#body", BODY)
        page.click("main form[action='/entry'] button[type=submit]")
        page.wait_for_url("**/entry/receipt")
        return page

    def _contact_reason(self, receipt: dict[str, Any], locale: str) -> Page:
        return self._staff("officer", f"/entry/contacts/{receipt['number']}", locale, unit=receipt["unit"])

    def _contact(self, locale: str) -> Page:
        page = self._contact_reason(self.accepted, locale)
        page.fill("#reason", "回电核实门牌号")
        page.click("main form button[type=submit]")
        page.wait_for_selector("dl.facts")
        return page

    def _contacts(self, locale: str) -> Page:
        self.show("contact")
        return self._staff("administrator", "/entry/contacts", locale)
