"""What holds for every page: no barrier, no sideways scrolling, one language from the first word to the last."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from opencc import OpenCC
from playwright.sync_api import Page

from tests.e2e.gallery import OWN_WORDS, PAGES, PICTURES, Gallery
from tests.e2e.people import DESKTOP, HEIGHTS, PHONE, People

pytestmark = [pytest.mark.broker, pytest.mark.browser]

NARROW: Final = 360
#: By night the colours differ, and they are the same at every width.
VIEWS: Final[tuple[tuple[Literal["light", "dark"], int], ...]] = (
    ("light", PHONE),
    ("light", DESKTOP),
    ("dark", DESKTOP),
)
WCAG: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Latin words that belong on a Chinese page.
KNOWN: Final = {"Wenzheng", "English", "Webhook"}
#: The name of the house is the same in all languages; its office gives it.
NAME: Final = "问政"

#: Every text that a reader sees or hears, but for what is the same in all languages: numbers, codes, keys of units,
#: addresses, names of persons, and what is marked as another language.
TEXTS: Final = """() => {
  const same = "[translate=no], code, .mono, .hit-number, .notices-number, [hreflang], .who-name, script, style";
  const found = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!parent.closest(same)) found.push(node.data);
  }
  for (const element of document.querySelectorAll("[placeholder], [aria-label], [title], [alt], [data-label]")) {
    if (element.closest(same)) continue;
    for (const name of ["placeholder", "aria-label", "title", "alt", "data-label"])
      if (element.getAttribute(name)) found.push(element.getAttribute(name));
  }
  return found.map(text => text.trim()).filter(text => text);
}"""
_SAME_EVERYWHERE = re.compile(r"[\w.+*-]+@[\w.*-]+|https?://\S+|WZ-[\d-]+")


def resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, 800)})


def texts(page: Page) -> list[str]:
    found: list[str] = page.evaluate(TEXTS)
    return [_SAME_EVERYWHERE.sub("", text) for text in found]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_barrier_on_phone_and_desktop_by_day_and_by_night(gallery: Gallery, name: str) -> None:
    page = gallery.show(name)
    found = []
    for scheme, width in VIEWS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        resize(page, width)
        result = Axe().run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]})
        if result.violations_count:
            found.append(f"{name} {width} {scheme}: {result.generate_report()}")
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_does_not_scroll_sideways_on_a_narrow_phone(gallery: Gallery, name: str) -> None:
    page = gallery.show(name)
    resize(page, NARROW)
    wider: list[str] = page.evaluate(
        """width => document.documentElement.scrollWidth <= width ? [] :
        [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > width + 0.5)
        .map(e => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`)""",
        NARROW,
    )
    assert not wider


@pytest.mark.parametrize("name", PAGES)
def test_no_english_is_left_on_a_chinese_page(gallery: Gallery, name: str) -> None:
    page = gallery.show(name)
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    left = {word for text in texts(page) for word in re.findall(r"[A-Za-z]{4,}", text)} - KNOWN
    assert not left


@pytest.mark.parametrize("name", OWN_WORDS)
def test_no_simplified_text_is_left_on_a_traditional_page(gallery: Gallery, name: str) -> None:
    page = gallery.show(name, "zh-TW")
    assert page.locator("html").get_attribute("lang") == "zh-Hant"
    convert = OpenCC("s2tw").convert
    found = texts(page)
    assert [text for text in found if convert(text) != text] == []
    assert not {word for text in found for word in re.findall(r"[A-Za-z]{4,}", text)} - KNOWN


@pytest.mark.parametrize("name", OWN_WORDS)
def test_no_chinese_is_left_on_an_english_page(gallery: Gallery, name: str) -> None:
    page = gallery.show(name, "en-GB")
    assert page.locator("html").get_attribute("lang") == "en"
    assert [text for text in texts(page) if re.search(r"[\u3400-\u9fff]", text.replace(NAME, ""))] == []


def test_a_reader_of_another_language_gets_simplified_chinese_and_may_switch(people: People) -> None:
    page = people.visitor(locale="de-DE")
    page.goto("/petitions/new")
    seen = [(page.locator("html").get_attribute("lang"), page.inner_text("h1"))]
    for language in ("zh-Hant", "en"):
        page.click(f"header a[hreflang={language}]")
        page.wait_for_selector(f"html[lang={language}]")
        seen.append((language, page.inner_text("h1")))
        assert page.url.split("?")[0].endswith("/petitions/new")
    assert seen == [("zh-Hans", "提交诉求"), ("zh-Hant", "提交訴求"), ("en", "File a petition")]
    page.goto("/petitions/status")
    assert page.inner_text("h1") == "Look up a petition"


if "SCREENSHOTS" in os.environ:

    @pytest.mark.parametrize("width", [PHONE, DESKTOP])
    @pytest.mark.parametrize("name", PICTURES)
    def test_pictures_are_made_of_the_main_pages(gallery: Gallery, name: str, width: int) -> None:
        folder = Path(os.environ["SCREENSHOTS"])
        folder.mkdir(parents=True, exist_ok=True)
        page = gallery.show(name)
        resize(page, width)
        picture = folder / f"{name}-{width}.png"
        page.screenshot(path=picture, full_page=True)
        assert picture.stat().st_size > 10_000
