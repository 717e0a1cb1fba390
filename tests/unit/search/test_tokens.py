"""Text is folded and cut alike for documents and questions."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencc import OpenCC

from services.search import tokens

SIMPLIFIED = [
    "锦梭路工地凌晨一点还在打桩，孩子睡不着觉",
    "地下车库的灯坏了一大半，物业说已经报修",
    "医保报销的材料要带什么，窗口几点下班",
    "学校门口的红绿灯时间太短，老人过不去马路",
    "河里的水发黑发臭，请环保部门来检测",
]
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80)
CHINESE = st.text(alphabet="噪音擾民請處理路燈電梯後門發黑臭燈不亮睡著覺衞生裡裏臺Ａb１，。 \n", max_size=60)


@pytest.mark.parametrize("sentence", SIMPLIFIED)
@pytest.mark.parametrize("config", ["s2t", "s2tw", "s2hk"])
def test_traditional_text_has_the_same_terms_as_its_simplified_form(sentence: str, config: str) -> None:
    traditional = OpenCC(config).convert(sentence)
    assert traditional != sentence
    assert tokens.cut(traditional) == tokens.cut(sentence)
    assert tokens.runs(traditional) == tokens.runs(sentence)


@given(CHINESE)
def test_any_traditional_text_has_the_terms_of_its_simplification(text: str) -> None:
    assert tokens.cut(OpenCC("t2s").convert(text)) == tokens.cut(text)


@given(TEXT)
def test_every_term_of_a_question_is_a_term_of_the_same_text_as_a_document(text: str) -> None:
    asked = {term for run in tokens.runs(text) for term in run}
    assert asked <= set(tokens.cut(text).split(" "))


@given(TEXT)
def test_terms_hold_no_space_and_are_not_long(text: str) -> None:
    for term in tokens.cut(text).split():
        assert not re.search(r"\s", term)
        assert len(term) <= tokens.LONGEST_WORD


@given(TEXT)
def test_every_occurrence_lies_where_its_term_is_written(text: str) -> None:
    terms = frozenset(term for run in tokens.runs(text) for term in run)
    found = list(tokens.occurrences(text, terms))
    assert {term for _, _, term in found} == terms
    for start, end, term in found:
        assert 0 <= start < end <= len(text)
        assert term[0] in tokens.fold(text[start:end]) or unicodedata.normalize("NFKC", text) != text


def test_chinese_becomes_single_characters_and_bigrams() -> None:
    assert tokens.cut("噪音擾民") == "噪 音 扰 民 噪音 音扰 扰民"
    assert tokens.runs("噪音擾民") == [("噪音", "音扰", "扰民")]
    assert tokens.runs("灯") == [("灯",)]


def test_full_width_letters_and_capitals_are_one_with_plain_ones() -> None:
    assert tokens.cut("Ｂ区 ＷＩＦＩ ４２盏") == tokens.cut("b区 wifi 42盏")


def test_places_stay_true_when_folding_changes_the_length() -> None:
    text = "ﬃ㍿ Cafe\u0301 後面的燈"
    found = {term: text[start:end] for start, end, term in tokens.occurrences(text, frozenset({"灯", "后面", "café"}))}
    assert found == {"灯": "燈", "后面": "後面", "café": "Cafe\u0301"}


def test_what_stands_after_a_nul_is_read_too() -> None:
    assert tokens.cut("路\0灯") == "路 灯"


def test_a_word_of_any_length_is_cut_alike_everywhere() -> None:
    assert tokens.cut("x" * 150) == " ".join(["x" * 64, "x" * 64, "x" * 22])
