"""How a text is cut: scripts and forms are read alike, what says nothing of the matter is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.judgement.grams import LONGEST, MOST_SIGNS, runs, signs, spelled


def spelled_runs(text: str) -> set[str]:
    return {spelled(int(key)) for key in runs(signs(text))[0]}


def test_traditional_and_full_width_forms_are_cut_like_simplified_and_narrow_ones() -> None:
    assert signs("暖氣壞了，ＷＩＦＩ") == signs("暖气坏了，wifi")


def test_a_chinese_text_is_cut_to_runs_of_one_to_three_characters() -> None:
    assert spelled_runs("暖气片") == {"暖", "气", "片", "暖气", "气片", "暖气片"}


def test_no_run_reaches_across_a_comma() -> None:
    assert "凉老" not in spelled_runs("暖气凉，老人")


def test_a_foreign_word_is_one_sign_and_its_plural_the_same() -> None:
    assert len(signs("broken")) == 1
    assert signs("Broken lights") == signs("broken light")
    assert signs("broken") != signs("mended")


@pytest.mark.parametrize(
    "courtesy",
    ["尊敬的局长：您好！", "此致，敬礼！", "2024年3月5日", "13900000000", "me@example.org", "https://example.org/a?b"],
)
def test_courtesies_days_and_addresses_are_left_out(courtesy: str) -> None:
    assert spelled_runs(f"{courtesy}\n路灯坏了") == spelled_runs("路灯坏了")


def test_a_text_without_a_letter_has_no_runs() -> None:
    assert len(runs(signs("😀 …… !!"))[0]) == 0
    assert len(runs(signs(""))[0]) == 0


def test_of_a_huge_text_beginning_and_end_are_read() -> None:
    cut = signs("首" + "，".join(["中间这些"] * 30_000) + "尾")
    assert len(cut) <= MOST_SIGNS + 2
    assert cut[0] == "首"
    assert cut[-1] == "尾"


@given(st.text(max_size=200))
def test_every_run_can_be_read_back_and_stands_in_the_text(text: str) -> None:
    cut = signs(text)
    keys, counts = runs(cut)
    assert (np.diff(keys.astype(object)) > 0).all()
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        run = spelled(key)
        assert 1 <= len(run) <= LONGEST
        assert run in cut
        assert count >= 1
