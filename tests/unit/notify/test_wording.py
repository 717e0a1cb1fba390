"""What the messages say, in three languages."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.contracts.envelope import Text
from services.notify.domain import CODE_MARK, Manner, Matter
from services.notify.wording import Wording, known_language, put_into_words

MANNER = Manner("https://wz.example", True, ZoneInfo("Asia/Shanghai"), signature="澄湖县问政")
#: 16:30 UTC is past midnight in Shanghai.
DUE = datetime(2026, 3, 20, 16, 30, tzinfo=UTC)


def words(occasion: str, recipient: str, language: str, **other: Any) -> Wording:
    matter = Matter(
        "e1",
        occasion,  # type: ignore[arg-type]
        "dispatched",
        datetime(2026, 3, 2, tzinfo=UTC),
        unit_id="housing",
        unit=Text(zh="澄湖县住房和城乡建设局", en="Housing Bureau"),
        due_at=DUE,
        handed_over=other.pop("handed_over", False),
        because=other.pop("because", ""),
        dangers=other.pop("dangers", ()),
    )
    given = {"number": "WZ-26-000017-4", "title": "地下车库没灯", "kind": "complaint", "sealed": False, **other}
    return put_into_words(matter, recipient, language, MANNER, **given)  # type: ignore[arg-type]


def test_the_receipt_names_number_title_and_where_to_look() -> None:
    said = words("received", "citizen", "zh-Hans", with_code=True)
    assert said.subject == "【澄湖县问政】诉求已登记（回执编号 WZ-26-000017-4）"
    assert "《地下车库没灯》" in said.body
    assert f"查询码：{CODE_MARK}" in said.body
    assert "https://wz.example/petitions/status?number=WZ-26-000017-4" in said.body
    assert said.body.endswith("澄湖县问政\n")


def test_a_due_day_is_the_day_in_the_legal_zone() -> None:
    assert "答复期限：2026年3月21日" in words("dispatched", "citizen", "zh-Hans").body
    assert "due by 21 March 2026" in words("dispatched", "citizen", "en").body


def test_traditional_readers_get_traditional_words_and_their_own_title_untouched() -> None:
    said = words("received", "citizen", "zh-HK", title="皇后大道没有路灯")
    assert said.language == "zh-Hant"
    assert "《皇后大道没有路灯》" in said.body
    assert "請妥善保管查詢碼" in said.body
    assert "澄湖縣住房和城鄉建設局" in words("dispatched", "citizen", "zh-Hant").body


def test_a_unit_is_told_number_kind_due_day_and_desk_but_not_the_title() -> None:
    body = words("dispatched", "unit", "zh-Hans").body
    assert body.startswith("澄湖县住房和城乡建设局：")
    assert "类别：投诉" in body
    assert "https://wz.example/desk" in body
    assert "地下车库" not in body


def test_a_second_dispatch_says_that_the_petition_was_handed_over() -> None:
    assert "改由澄湖县住房和城乡建设局负责" in words("dispatched", "citizen", "zh-Hans", handed_over=True).body
    assert "now in the care of Housing Bureau" in words("dispatched", "citizen", "en", handed_over=True).body


@pytest.mark.parametrize(
    ("occasion", "language", "handed_over"),
    [*product(["received", "dispatched", "replied", "closed"], ["zh-Hans", "zh-Hant", "en"], [True, False])],
)
def test_a_sealed_message_tells_only_that_there_is_news(occasion: str, language: str, handed_over: bool) -> None:
    said = words(occasion, "citizen", language, sealed=True, with_code=True, handed_over=handed_over)
    text = said.subject + said.body
    for secret in (
        "地下车库",
        "住房和城乡",
        "住房和城鄉",
        "Housing",
        "2026年",
        "March 2026",
        CODE_MARK,
        "检举",
        "檢舉",
        "投诉",
    ):
        assert secret not in text
    assert "WZ-26-000017-4" in text


@pytest.mark.parametrize(
    ("occasion", "recipient", "language", "because"),
    [
        *product(
            ["received", "dispatched", "replied", "closed"], ["citizen"], ["zh-Hans", "zh-Hant", "en"], ["withdrawn"]
        ),
        *product(["dispatched", "replied", "closed"], ["unit"], ["zh-Hans", "zh-Hant", "en"], ["withdrawn"]),
        *product(["closed"], ["citizen"], ["zh-Hans", "zh-Hant", "en"], ["rating_lapsed"]),
    ],
)
def test_every_message_has_a_one_line_subject_and_no_gaps(
    occasion: str, recipient: str, language: str, because: str
) -> None:
    said = words(occasion, recipient, language, because=because)
    assert "\n" not in said.subject and "WZ-26-000017-4" in said.subject
    assert "\n\n\n" not in said.body
    assert "{" not in said.subject + said.body


def test_a_title_with_line_breaks_cannot_forge_lines_of_the_message() -> None:
    body = words("received", "citizen", "en", title="lamp\n\nQuery code: 123").body
    assert "“lamp Query code: 123”" in body


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-Hans", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("en-GB", "en"),
        ("fr", "zh-Hans"),
        ("", "zh-Hans"),
    ],
)
def test_any_language_tag_leads_to_one_of_three(tag: str, language: str) -> None:
    assert known_language(tag) == language


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("zh-Hans", "【澄湖县问政】紧急风险：燃气泄漏、火情火险，请于3月21日 00:30前签收（回执编号 WZ-26-000017-4）"),
        ("zh-Hant", "【澄湖县问政】緊急風險：燃氣洩漏、火情火險，請於3月21日 00:30前簽收（回執編號 WZ-26-000017-4）"),
        ("en", "[澄湖县问政] URGENT: Gas leak, Fire – acknowledge by 21 March, 00:30 (No. WZ-26-000017-4)"),
    ],
)
def test_a_danger_is_named_in_the_subject_with_the_minute_it_must_be_acknowledged_by(
    language: str, subject: str
) -> None:
    dangers = (Text(zh="燃气泄漏", en="Gas leak"), Text(zh="火情火险", en="Fire"))
    said = words("risk", "unit", language, dangers=dangers)
    assert said.subject == subject
    assert "https://wz.example/desk" in said.body and "地下车库没灯" not in said.body


def test_a_sealed_danger_is_not_named() -> None:
    for language in ("zh-Hans", "en"):
        said = words("risk", "unit", language, dangers=(Text(zh="燃气泄漏", en="Gas leak"),), sealed=True)
        assert "燃气" not in said.subject + said.body and "Gas" not in said.subject + said.body
