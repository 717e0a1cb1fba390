"""Sameness: one matter in other words is known, the same trouble elsewhere and another trouble there are not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.domain.sameness import (
    ALIKE,
    KEPT,
    MERGED,
    TOLD,
    Commonness,
    Profile,
    Sheet,
    profile,
    sameness,
    score,
    words,
)
from services.routing.domain.troubles import TROUBLES, names_of, troubles_in
from services.routing.folding import fold
from tests.unit.routing.petition_texts import DEPOT, FILLER, OTHER_PLACE, OTHER_TROUBLE, SINGLE, START

COMMON = Commonness()
for title, body in FILLER:
    COMMON.add(Sheet("", fold(title), fold(body)).cut().keys())


def made(text: tuple[str, str], name: str = "p", **values: object) -> Profile:
    return profile(Sheet(name, fold(text[0]), fold(text[1]), **values), COMMON)  # type: ignore[arg-type]


def alike(one: tuple[str, str], other: tuple[str, str]) -> float:
    return sameness(made(one, "a"), made(other, "b")).score


@pytest.mark.parametrize("other", DEPOT[1:3])
def test_one_matter_told_by_another_person_is_a_look_alike(other: tuple[str, str]) -> None:
    assert alike(DEPOT[0], other) >= TOLD


def test_a_copy_is_wholly_the_same() -> None:
    assert alike(DEPOT[0], DEPOT[0]) == 1.0


@pytest.mark.parametrize("ours", DEPOT)
@pytest.mark.parametrize("other", [*OTHER_PLACE, *OTHER_TROUBLE, *SINGLE])
def test_no_other_matter_is_ready_to_be_merged(ours: tuple[str, str], other: tuple[str, str]) -> None:
    assert alike(ours, other) < MERGED


@pytest.mark.parametrize("other", SINGLE)
def test_strangers_are_not_told(other: tuple[str, str]) -> None:
    assert alike(DEPOT[0], other) < TOLD


def test_traditional_and_simplified_characters_are_one_matter() -> None:
    ours = (
        "錦梭路糧庫舊址堆煤揚塵，陽臺一天黑一層",
        "錦梭路糧庫舊址從元月起成了露天煤堆，一起風煤灰就往樓上飄，陽臺一天就黑一層，孩子咳了半個月。",
    )
    assert alike(DEPOT[0], ours) >= 0.95


def test_english_petitions_are_compared_by_their_words() -> None:
    one = ("Coal heap at the old grain store on Jinsuo Road", "Dust from the coal heap blows into our flats every day.")
    same = (
        "Dust of the coal heap, Jinsuo Road",
        "The coal heap at the old grain store is not covered, dust everywhere.",
    )
    else_ = ("Bus 7 starts too late", "The first bus leaves at half past six, our shift begins at six.")
    assert alike(one, same) >= TOLD > alike(one, else_)


@pytest.mark.parametrize("line", ALIKE)
def test_different_words_for_one_thing_are_cut_alike(line: tuple[str, ...]) -> None:
    assert len({tuple(words(f"柳荫桥头{word}不断")) for word in line}) == 1


def test_the_courtesies_of_a_letter_make_nothing_alike() -> None:
    polite = "尊敬的各位领导您好，感谢您在百忙之中，希望有关部门尽快解决，谢谢！"
    assert alike((SINGLE[0][0], polite + SINGLE[0][1]), (SINGLE[1][0], polite + SINGLE[1][1])) < TOLD


def test_the_same_petitioner_makes_a_near_matter_nearer_and_a_stranger_no_look_alike() -> None:
    ours, near, far = DEPOT[0], DEPOT[3], SINGLE[0]
    same = sameness(made(ours, "a", petitioner="k"), made(near, "b", petitioner="k"))
    assert same.same_petitioner and same.score > alike(ours, near)
    assert sameness(made(ours, "a", petitioner="k"), made(far, "b", petitioner="k")).score < TOLD


def test_another_trouble_at_the_same_place_is_known_by_its_trouble() -> None:
    how = sameness(made(DEPOT[0], "a"), made(OTHER_TROUBLE[0], "b"))
    assert how.apart
    assert not sameness(made(DEPOT[0], "a"), made(DEPOT[1], "b")).apart


def test_every_trouble_has_a_bit_of_its_own_that_an_index_can_keep() -> None:
    assert len(TROUBLES) <= 64
    assert [names_of(troubles_in(line[0])) for line in TROUBLES.values()] != [[]] * len(TROUBLES)
    assert names_of(troubles_in("路灯不亮，晚上有噪音")) == ["noise", "lamps"]


def test_days_between_are_told_and_change_no_score() -> None:
    late = made(DEPOT[1], "b", at=START + timedelta(days=200))
    how = sameness(made(DEPOT[0], "a", at=START), late)
    assert how.days == 200.0
    assert how.score == alike(DEPOT[0], DEPOT[1])


def test_a_petition_without_a_word_is_like_nothing() -> None:
    empty = made(("😀", "！！！"))
    assert empty.weights == {} and sameness(empty, empty).score == 0.0


def test_a_hundred_kilobytes_keep_no_more_than_any_other_petition() -> None:
    assert len(made(("长信", "".join(chr(0x4E00 + n * 7 % 9000) for n in range(35_000)))).weights) == KEPT


TEXTS = st.text(alphabet="煤堆扬尘粮库旧址锦梭路灯不亮柳荫桥砂石场 ab12，。😀", max_size=60)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_a_score_lies_between_nothing_and_one_and_knows_no_order(a: str, b: str, c: str, d: str) -> None:
    one, other = made((a, b), "a"), made((c, d), "b")
    there, back = sameness(one, other), sameness(other, one)
    assert 0.0 <= there.score <= 1.0
    assert there.score == back.score


@given(TEXTS, TEXTS)
def test_the_same_text_is_the_same_matter_or_says_nothing(title: str, body: str) -> None:
    one = made((title, body))
    assert sameness(one, made((title, body), "b")).score == (1.0 if one.weights else 0.0)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.2), st.booleans())
def test_more_in_common_never_lowers_the_score(text: float, heads: float, more: float, same: bool) -> None:
    before = score(text, heads, same, False)
    assert score(min(text + more, 1.0), heads, same, False) >= before
    assert score(text, min(heads + more, 1.0), same, False) >= before
    assert score(text, heads, True, False) >= before >= score(text, heads, same, True)


@given(st.text(max_size=200))
def test_words_are_cut_from_any_text(text: str) -> None:
    assert all(len(word) >= 2 or word.isascii() for word in words(fold(text)))
