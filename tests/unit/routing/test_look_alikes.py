"""Look-alikes: copies are found, strangers are not, the score says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.routing.domain.look_alikes import (
    CANDIDATES,
    MOST,
    PER_KEY,
    PER_PETITIONER,
    Features,
    Found,
    Pool,
    bands,
    compare,
    look_alikes,
    place_pairs,
    similarity,
    sketch,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
TEXT = "锦梭路粮库旧址那块工地，从上周二起每晚过了十一点才真正热闹起来，打桩、卸钢筋、倒车喇叭，一直响到一两点。"
OTHER = "断了四年的社保现在补得上吗，需要带什么材料去哪个窗口，灵活就业人员能不能按最低档缴费。"


def features(name: str, text: str = TEXT, **values: object) -> Features:
    given: dict[str, object] = {"submitted_at": NOW, "sketch": sketch(text), **values}
    return Features(name, name.upper(), **given)  # type: ignore[arg-type]


def test_the_same_text_is_wholly_alike() -> None:
    assert similarity(sketch(TEXT), sketch(TEXT)) == 1.0


def test_different_texts_have_next_to_nothing_in_common() -> None:
    assert similarity(sketch(TEXT), sketch(OTHER)) < 0.1


def test_punctuation_and_blanks_change_nothing() -> None:
    assert sketch(TEXT) == sketch(TEXT.replace("，", " ") + "！！")


def test_a_text_with_a_changed_end_shares_a_band() -> None:
    assert set(bands(sketch(TEXT))) & set(bands(sketch(TEXT[:-8] + "求你们管一管。")))


def test_almost_no_text_has_no_sketch() -> None:
    assert sketch("好") == b""
    assert bands(b"") == []
    assert similarity(b"", sketch(TEXT)) == 0.0


@given(st.text(max_size=300))
def test_bands_fit_the_databases_integers(text: str) -> None:
    assert all(0 <= band < 2**63 for band in bands(sketch(text)))


def test_a_copy_is_told_with_its_reason() -> None:
    found = compare(features("new"), features("old"))
    assert found is not None
    assert (found.number, found.score, found.reasons) == ("OLD", 1.0, ["text"])


def test_other_words_about_the_same_place_and_subject_are_told() -> None:
    place = place_pairs("锦梭路粮库旧址工地", [])
    near = place_pairs("望澄街道锦梭路老粮库", ["望澄街道"])
    new = features("new", OTHER, subject="city.site-noise", area="990101003", place=place)
    old = features("old", subject="city.site-noise", area="990101003", place=near)
    found = compare(new, old)
    assert found is not None and found.reasons == ["place"]


def test_a_place_that_only_names_the_area_is_no_reason() -> None:
    whole = place_pairs("望澄街道", ["望澄街道"])
    new = features("new", OTHER, subject="city.lighting", area="990101", place=whole)
    old = features("old", subject="city.lighting", area="990101", place=whole)
    assert compare(new, old) is None


def test_the_same_petitioner_about_the_same_subject_is_told() -> None:
    new = features("new", OTHER, petitioner_key="k", subject="s")
    found = compare(new, features("old", petitioner_key="k", subject="s"))
    assert found is not None and found.reasons == ["same_petitioner"] and found.score == 0.5


def test_nothing_older_than_ninety_days_is_told() -> None:
    assert compare(features("new"), features("old", submitted_at=NOW - timedelta(days=91))) is None
    assert compare(features("new"), features("old", submitted_at=NOW - timedelta(days=89))) is not None


def test_a_petition_is_not_like_itself() -> None:
    assert compare(features("one"), features("one")) is None


def test_at_most_five_are_told_the_most_alike_first() -> None:
    pool = Pool()
    for number in range(9):
        pool.add(features(f"old{number}", TEXT[number * 2 :]))
    new = features("new")
    found = look_alikes(new, pool.candidates(new))
    assert len(found) == MOST
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert found[0].number == "OLD0"


def test_past_petitions_are_weighed_as_far_as_they_are_known() -> None:
    old, older, batch_mate = (features(name) for name in ("b", "c", "d"))
    new = features("new")
    pool = Pool(Found({key: ["a", "b", "c"] for key in new.keys}))
    assert pool.likely(new) == ["c", "b", "a"] and pool.candidates(new) == []
    pool.know([old, older])
    assert pool.candidates(new) == [older, old]
    pool.add(batch_mate)
    pool.forget("c")
    assert pool.candidates(new) == [batch_mate, old]


def test_no_more_are_weighed_than_worth_it_however_many_stand_under_a_key() -> None:
    pool = Pool()
    for number in range(200):
        pool.add(features(f"{number:03}", f"{TEXT} {number}", petitioner_key="k", subject="s", area="a"))
    new = features("new", petitioner_key="k", subject="s", area="a")
    likely = pool.likely(new)
    assert len(likely) == len(set(likely)) <= CANDIDATES
    assert likely[:PER_PETITIONER] == [f"{number:03}" for number in range(199, 199 - PER_PETITIONER, -1)]


def test_those_of_the_batch_push_no_past_one_out() -> None:
    new = features("new")
    past = [features(f"a{number}") for number in range(PER_KEY)]
    pool = Pool(Found({key: [one.petition_id for one in past] for key in new.keys}))
    pool.know(past)
    for number in range(3 * PER_KEY):
        pool.add(features(f"b{number}"))
    assert {one.petition_id for one in past} < {one.petition_id for one in pool.candidates(new)}
