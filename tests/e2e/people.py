"""The people in front of the house, each with a browser of their own: visitors and members of staff."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.house import House

PHONE = 390
DESKTOP = 1280
HEIGHTS = {PHONE: 844, DESKTOP: 900}
#: What is refused or not found is said by the page; the browser's own note of it is no fault.
_EXPECTED = "Failed to load resource: the server responded with a status of 4"


class People:
    """Opens pages for people and closes them at the end; no page may have had a fault in the browser by then.

    Args:
        browser: the running browser.
        house: the running house.
        signed_in: cookies of staff by account; kept between tests.
    """

    def __init__(self, browser: Browser, house: House, signed_in: dict[str, Any] | None = None) -> None:
        self.house = house
        self.signed_in: dict[str, Any] = {} if signed_in is None else signed_in
        self.faults: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for context in self._contexts:
            context.close()
        if error is None:
            assert not self.faults, "\n".join(self.faults)

    def visitor(self, width: int = PHONE, *, locale: str = "zh-CN", **options: Any) -> Page:
        """A page of somebody who is not signed in."""
        context = self._browser.new_context(
            base_url=self.house.url,
            locale=locale,
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            reduced_motion="reduce",
            **options,
        )
        self._contexts.append(context)
        context.set_default_timeout(8_000)
        page = context.new_page()
        page.on("pageerror", lambda fault: self.faults.append(f"{page.url}: {fault}"))
        page.on("console", lambda message: self._listen(page, message))
        return page

    def staff(self, role: str, unit: str | None = None, width: int = DESKTOP, **options: Any) -> Page:
        """A page of a member of staff who has signed in through the form."""
        account = self.house.account(role, unit)
        kept = self.signed_in.get(account["id"])
        if kept is not None:
            return self.visitor(width, storage_state=kept, **options)
        page = self.visitor(width, **options)
        self.sign_in(page, role, unit)
        self.signed_in[account["id"]] = page.context.storage_state()
        return page

    def sign_in(self, page: Page, role: str, unit: str | None = None, path: str = "/sign-in") -> None:
        """Go to ``path`` and sign in with account and password."""
        account = self.house.account(role, unit)
        page.goto(path)
        page.fill("#account", account["id"])
        page.fill("#password", account["password"])
        page.click("main form button[type=submit]")
        page.wait_for_url(lambda url: "/sign-in" not in url)

    def _listen(self, page: Page, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_EXPECTED):
            self.faults.append(f"{page.url}: {message.text}")


def keep_slip(page: Page) -> tuple[str, str]:
    """Number and query code as a petitioner notes them from a receipt."""
    number, code = page.locator("dl.slip dd").all_inner_texts()
    return number.strip(), code.strip()


def look_up(page: Page, number: str, code: str) -> None:
    """Open a petition with number and query code."""
    page.goto("/petitions/status")
    page.fill("#number", number)
    page.fill("#code", code)
    page.click("main form button[type=submit]")
    page.wait_for_url("**/petitions/mine")
