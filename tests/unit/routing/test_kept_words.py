"""What is kept of a petition's words weighs as the words themselves do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.domain.kept_words import pack, unpack
from services.routing.domain.look_alikes import (
    HEAD_WORDS,
    TEXT_WORDS,
    Features,
    Pool,
    bands,
    compare,
    place_pairs,
    sketch,
)
from services.routing.domain.sameness import KEPT, MERGED, TOLD, Commonness, Sheet, profile, sameness

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
COMMON = Commonness(1 << 12)
SITE = Sheet(
    "a", "锦梭路工地夜间施工噪音", "粮库旧址那块工地，每晚过了十一点才热闹起来，打桩、卸钢筋、倒车喇叭。", "锦梭路"
)
AGAIN = Sheet("b", "锦梭路粮库工地半夜打桩扰民", "老粮库的工地夜里施工，噪声大得睡不着，请制止。", "锦梭路粮库")
ELSEWHERE = Sheet("c", "断缴的社保怎么补", "断了四年的社保现在补得上吗，要带什么材料去哪个窗口。", "")


def kept(sheet: Sheet) -> bytes:
    return pack(profile(sheet, COMMON))


def features(sheet: Sheet, **values: object) -> Features:
    given: dict[str, object] = {"submitted_at": NOW, "kept": kept(sheet), **values}
    return Features(sheet.id, sheet.id.upper(), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [SITE, AGAIN, ELSEWHERE])
def test_a_score_from_what_was_kept_is_the_score_of_the_texts(other: Sheet) -> None:
    ours, theirs = profile(SITE, COMMON), profile(other, COMMON)
    again = unpack(pack(theirs), other.id, None)
    assert again is not None
    assert sameness(ours, again).score == pytest.approx(sameness(ours, theirs).score, abs=0.001)
    assert (again.head_troubles, again.troubles, again.head_places) == (
        theirs.head_troubles,
        theirs.troubles,
        theirs.head_places,
    )


@given(st.text(max_size=120), st.text(max_size=2_000))
def test_whatever_was_written_is_kept_in_three_kilobytes(title: str, body: str) -> None:
    whole = profile(Sheet("x", title, body), COMMON)
    packed = pack(whole)
    assert len(packed) <= 3_000
    again = unpack(packed, "x", None)
    assert again is not None and set(again.weights) == set(whole.weights) and len(again.weights) <= KEPT


def test_nothing_kept_is_nothing_to_weigh() -> None:
    assert unpack(b"", "x", None) is None


def test_one_matter_in_other_words_is_told_with_what_it_rests_on() -> None:
    found = compare(features(SITE), features(AGAIN))
    assert found is not None and found.score >= TOLD
    assert set(found.reasons) >= {"text", "title"}
    assert compare(features(SITE), features(ELSEWHERE)) is None


def test_the_same_trouble_at_two_named_places_says_so_and_is_not_offered() -> None:
    one = Sheet("a", "锦梭路噪音扰民", "夜里施工噪音太大，请管一管。")
    other = Sheet("b", "望澄街道噪音扰民", "夜里施工噪音太大，请管一管。")
    found = compare(features(one), features(other))
    assert found is not None
    assert "other_matter" in found.reasons and found.score < 0.9


def test_a_copy_is_offered_for_joining() -> None:
    copy = Sheet("b", SITE.title, SITE.body, SITE.place)
    found = compare(features(SITE), features(copy))
    assert found is not None and found.score >= MERGED


def test_one_petitioner_and_one_place_are_named() -> None:
    place = place_pairs("锦梭路粮库", [])
    values = {"petitioner_key": "k", "area": "990101", "place": place}
    found = compare(features(SITE, **values), features(AGAIN, **values))
    assert found is not None and {"same_petitioner", "place"} <= set(found.reasons)


def test_past_petitions_without_kept_words_are_weighed_by_their_sketch() -> None:
    old = Features("old", "OLD", submitted_at=NOW, sketch=sketch(SITE.body))
    found = compare(features(SITE, sketch=sketch(SITE.body)), old)
    assert found is not None and (found.score, found.reasons) == (1.0, ["text"])


def test_one_matter_in_other_words_is_found_by_its_rare_words_alone() -> None:
    old, new = features(SITE), features(AGAIN)
    assert not bands(old.sketch) and not bands(new.sketch)
    pool = Pool()
    pool.add(features(ELSEWHERE))
    pool.add(old)
    assert [one.petition_id for one in pool.candidates(new)] == ["a"]


def test_who_shares_most_is_weighed_first() -> None:
    pool = Pool()
    copy = Sheet("copy", SITE.title, SITE.body, SITE.place)
    for sheet in (copy, AGAIN):
        pool.add(features(sheet, sketch=sketch(sheet.title + sheet.body)))
    new = features(SITE, sketch=sketch(SITE.title + SITE.body))
    assert [one.petition_id for one in pool.candidates(new)] == ["copy", "b"]


@given(st.text(max_size=60), st.text(max_size=500))
def test_what_a_petition_is_found_by_is_bounded_and_fits_the_databases_integers(title: str, body: str) -> None:
    one = features(Sheet("x", title, body), sketch=sketch(title + body))
    assert len(one.keys) <= 16 + TEXT_WORDS + HEAD_WORDS and len(set(one.keys)) == len(one.keys)
    assert all(0 <= key < 2**63 for key in one.keys)
    assert set(one.keys) >= set(bands(one.sketch))
