"""The reader's language: how it is chosen, and what is said in it."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from services.chassis.errors import StartError
from services.chassis.web import day, l, language, moment, pick, t, tn
from services.chassis.web.i18n import Catalogue, matching
from services.contracts.envelope import Text

if TYPE_CHECKING:
    from tests.unit.chassis import web_sample
else:
    sys.path.insert(0, str(Path(__file__).parent))
    import web_sample


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return web_sample.sample_app(web_sample.sample_house(tmp_path))


def spoken(app: Flask, path: str = "/", **headers: str) -> str:
    with app.test_request_context(path, headers={k.replace("_", "-"): v for k, v in headers.items()}):
        return language()


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh_MO", "zh-Hant"),
        ("zh-Hant", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-Hans-HK", "zh-Hans"),
        ("en-GB", "en"),
        ("fr", None),
        ("*", None),
    ],
)
def test_a_language_tag_finds_its_language(tag: str, expected: str | None) -> None:
    assert matching(tag) == expected


def test_the_browser_chooses_in_its_own_order(app: Flask) -> None:
    assert spoken(app, Accept_Language="fr, en;q=0.5, zh-TW;q=0.8") == "zh-Hant"
    assert spoken(app, Accept_Language="fr") == "zh-Hans"
    assert spoken(app, Accept_Language="en;q=0, zh-HK;q=0.1") == "zh-Hant"
    assert spoken(app) == "zh-Hans"


def test_the_default_is_a_setting(tmp_path: Path) -> None:
    app = web_sample.sample_app(web_sample.sample_house(tmp_path, default_language="en"))
    assert spoken(app) == "en"


def test_a_choice_is_kept_and_wins_over_the_browser(app: Flask) -> None:
    client = app.test_client()
    first = client.get("/words?n=1&lang=en", headers={"Accept-Language": "zh"})
    assert "Not found" in first.text
    assert "wz_lang=en" in first.headers["Set-Cookie"]
    assert "Not found" in client.get("/words?n=1", headers={"Accept-Language": "zh"}).text


@pytest.mark.parametrize("asked", ["xx", "", "en%0d%0aSet-Cookie:a=b", "zh-Hant-TW"])
def test_an_unknown_choice_is_not_kept(app: Flask, asked: str) -> None:
    answer = app.test_client().get(f"/words?n=1&lang={asked}")
    assert "wz_lang" not in answer.headers.get("Set-Cookie", "")


def test_a_text_is_said_in_each_of_the_three(app: Flask) -> None:
    said = {}
    for code in ("zh-Hans", "zh-Hant", "en"):
        with app.test_request_context(f"/?lang={code}"):
            said[code] = t("Skip to content"), t("Page %(page)s of %(last)s", page=2, last=5)
    assert said == {
        "zh-Hans": ("跳到正文", "第2页，共5页"),
        "zh-Hant": ("跳到正文", "第2頁，共5頁"),
        "en": ("Skip to content", "Page 2 of 5"),
    }


def test_a_text_nobody_translated_is_shown_in_english(app: Flask) -> None:
    with app.test_request_context("/?lang=zh-Hant"):
        assert t("Never translated 50 %") == "Never translated 50 %"


def test_markup_among_the_values_stays_and_everything_else_is_escaped(app: Flask) -> None:
    from markupsafe import Markup

    with app.test_request_context("/?lang=en"):
        text = t("<Page> %(page)s of %(last)s", page=Markup("<b>2</b>"), last="<i>")
        assert text == Markup("&lt;Page&gt; <b>2</b> of &lt;i&gt;")


def test_english_has_two_forms_and_chinese_one(app: Flask) -> None:
    one, many = "Field cannot be longer than %(max)d character.", "Field cannot be longer than %(max)d characters."
    with app.test_request_context("/?lang=en"):
        assert tn(one, many, 1, max=1) == "Field cannot be longer than 1 character."
        assert tn(one, many, 2, max=2) == "Field cannot be longer than 2 characters."
        assert tn("%(n)s lamp", "%(n)s lamps", 0) == "0 lamps"
    with app.test_request_context("/?lang=zh-Hans"):
        assert tn(one, many, 1, max=1) == tn(one, many, 2, max=1) == "最多填写1个字。"


def test_a_name_is_picked_in_the_readers_language(app: Flask) -> None:
    name = Text(zh="澄湖县水务局", en="Chenghu Water")
    said = []
    for code in ("zh-Hans", "zh-Hant", "en"):
        with app.test_request_context(f"/?lang={code}"):
            said += [pick(name), pick(Text(zh="水务"))]
    assert said == ["澄湖县水务局", "水务", "澄湖縣水務局", "水務", "Chenghu Water", "水务"]


def test_a_moment_is_shown_in_the_zone_of_the_jurisdiction(app: Flask) -> None:
    late = datetime(2026, 3, 2, 17, 5, tzinfo=UTC)
    with app.test_request_context("/?lang=zh-Hans"):
        assert (moment(late), day(late), day(date(2026, 3, 2))) == (
            "2026年3月3日 01:05",
            "2026年3月3日",
            "2026年3月2日",
        )
    with app.test_request_context("/?lang=en"):
        assert (moment(late), day(late)) == ("3 Mar 2026, 01:05", "3 Mar 2026")


def test_a_later_text_speaks_the_language_of_the_moment_it_is_shown(app: Flask) -> None:
    label = l("Continue")
    with app.test_request_context("/?lang=en"):
        assert str(label) == "Continue"
    with app.test_request_context("/?lang=zh-Hans"):
        assert f"{label}" == "继续"
        assert label == "继续"
        assert ("[" + label + "]", label.strip(), len(label)) == ("[继续]", "继续", 2)


def test_the_messages_of_forms_are_translated(app: Flask) -> None:
    with app.test_request_context("/sample/form?lang=zh-Hant", method="POST", data={"title": "x", "number": "y"}):
        form = web_sample.SampleForm(meta={"csrf": False})
        assert not form.validate()
        assert form.errors["title"] == ["須填寫2至60個字。"]
        assert form.errors["text"] == ["此項必填。"]
        assert form.errors["number"] == ["請填寫整數。"]


def test_a_catalogue_of_its_own_for_traditional_wins_over_conversion(tmp_path: Path) -> None:
    (tmp_path / "zh_Hans.po").write_text('msgid "a"\nmsgstr "软件"\n\nmsgid "b"\nmsgstr "软件"\n', encoding="utf-8")
    (tmp_path / "zh_Hant.po").write_text('msgid "a"\nmsgstr "軟體"\n', encoding="utf-8")
    texts = Catalogue([tmp_path])
    assert (texts.text("zh-Hant", "a"), texts.text("zh-Hant", "b")) == ("軟體", "軟件")


def test_a_fuzzy_translation_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "zh_Hans.po").write_text('#, fuzzy\nmsgid "a"\nmsgstr "甲"\n', encoding="utf-8")
    assert Catalogue([tmp_path]).text("zh-Hans", "a") == "a"


@pytest.mark.parametrize("content", [b"rubbish\n", 'msgid "a"\nmsgstr "甲"\n'.encode("gbk"), b'msgid "a"\nmsgid "b"\n'])
def test_a_broken_catalogue_is_one_line_for_the_operator(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "zh_Hans.po").write_bytes(content)
    with pytest.raises(StartError, match=r"catalogue .*zh_Hans\.po cannot be read"):
        Catalogue([tmp_path])
