"""What of a petition everybody may read, and what is blotted out of it."""

from __future__ import annotations

import pytest

from services.search.domain import EVERYBODY, PUBLIC, demanded, is_public, must_match, readers_of, without_persons


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("请致电13800130117联系", "请致电＊＊联系"),
        ("电话 138-0013-0117。", "电话 ＊＊。"),
        ("座机0990-5550110", "座机＊＊"),
        ("身份证99010119900307211X。", "身份证＊＊。"),
        ("发邮件到song@example.org即可", "发邮件到＊＊即可"),
        ("车牌皖A·12345的货车", "车牌＊＊的货车"),
        ("王某某同志：您好", "＊＊：您好"),
        ("Dear Li Fang, the lamps work again.", "＊＊, the lamps work again."),
        ("白鹭路12号三盏路灯已于2026年3月5日修好。", "白鹭路12号三盏路灯已于2026年3月5日修好。"),
        ("依据《信访工作条例》第三十二条", "依据《信访工作条例》第三十二条"),
    ],
)
def test_numbers_addresses_and_names_with_a_title_are_blotted_out(text: str, left: str) -> None:
    assert without_persons(text) == left


def test_only_an_answered_petition_whose_petitioner_agreed_is_public() -> None:
    good = {"agreed": True, "sealed": False, "audience": "units", "state": "replied", "reply": "已修好。"}
    assert is_public(**good) and is_public(**{**good, "state": "closed"})  # type: ignore[arg-type]
    for name, value in (
        ("agreed", False),
        ("sealed", True),
        ("audience", "dispatchers"),
        ("audience", "sealed"),
        ("state", "accepted"),
        ("state", "withdrawn"),
        ("reply", ""),
    ):
        assert not is_public(**{**good, name: value}), name  # type: ignore[arg-type]


@pytest.mark.parametrize("audience", ["sealed", "dispatchers", "new"])
def test_no_other_audience_is_ever_read_by_everybody(audience: str) -> None:
    assert not EVERYBODY.allows(readers_of(audience, "u", [], public=True))
    assert PUBLIC in readers_of("units", "u", [], public=True)
    assert PUBLIC not in readers_of("units", "u", [])


def test_a_title_finds_its_like_by_half_of_its_words() -> None:
    assert demanded([("路灯", "灯坏"), ("没人",)], loose=True) == [("路灯", "灯坏", "没人")]
    assert [must_match(n, loose=True) for n in (1, 2, 3, 4, 7)] == [1, 1, 2, 2, 4]
