"""Who may find what, how much of a question must match, what a row says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.chassis.identity import Staff
from services.search import domain


def staff(*roles: str, unit: str | None = None) -> Staff:
    return Staff("s", "名", unit, frozenset(roles))


def finds(who: Staff, audience: str, unit: str | None = None, line: tuple[str, ...] = ()) -> bool:
    return domain.audience_of(who).allows(domain.readers_of(audience, unit, line))


def test_before_assessment_only_the_office_finds_a_petition() -> None:
    assert finds(staff("dispatcher"), "dispatchers")
    assert finds(staff("supervisor"), "dispatchers")
    for role in ("officer", "checker", "unit_head", "publisher", "administrator", "sealed_officer"):
        assert not finds(staff(role, unit="housing"), "dispatchers", "housing")


def test_staff_of_a_unit_find_what_is_sent_to_it_or_below_it_and_nothing_of_another() -> None:
    officer = staff("officer", unit="housing")
    assert finds(officer, "units", "housing")
    assert finds(officer, "units", "housing-office", ("housing", "county"))
    assert not finds(officer, "units", "water", ("county",))
    assert not finds(officer, "units", None)


def test_sealed_cases_are_found_by_sealed_officers_alone() -> None:
    for role in ("dispatcher", "supervisor", "officer", "unit_head", "publisher", "administrator"):
        assert not finds(staff(role, unit="housing"), "sealed", "housing", ("housing",))
    assert finds(staff("sealed_officer"), "sealed")


def test_a_sealed_officer_finds_nothing_else_by_that_role() -> None:
    alone = staff("sealed_officer", unit="housing")
    assert not finds(alone, "units", "housing")
    assert not finds(alone, "dispatchers")
    assert finds(staff("sealed_officer", "officer", unit="housing"), "units", "housing")


def test_a_member_without_role_and_unit_finds_nothing() -> None:
    assert domain.audience_of(staff()).keys == frozenset()


def test_an_audience_of_a_later_release_is_found_by_nobody() -> None:
    assert domain.readers_of("judges", "housing", []) == []


def test_sealed_is_sealed_whatever_the_case_says() -> None:
    assert domain.audience_now(True, "units") == "sealed"
    assert domain.audience_now(False, "sealed") == "sealed"
    assert domain.audience_now(False, None) == "dispatchers"


def test_a_withdrawal_shows_before_the_case_is_closed() -> None:
    assert domain.state_now("dispatched", withdrawn=True) == "withdrawn"
    assert domain.state_now("closed", withdrawn=True) == "closed"
    assert domain.state_now(None, withdrawn=False) == "submitted"


@pytest.mark.parametrize(("terms", "needed"), [(1, 1), (2, 2), (3, 3), (4, 3), (6, 5), (7, 4), (10, 6), (50, 30)])
def test_short_questions_must_match_whole_and_long_ones_mostly(terms: int, needed: int) -> None:
    assert domain.must_match(terms) == needed


def test_the_month_is_that_of_the_jurisdiction() -> None:
    assert domain.month_of(datetime(2026, 2, 28, 17, 0, tzinfo=UTC), "Asia/Shanghai") == "2026-03"


@pytest.mark.parametrize(
    "typed",
    [
        "WZ-260302-48173-92657",
        "wz2603024817392657",
        " 260302 48173 92657 ",
        "ＷＺ－２６０３０２－４８１７３－９２６５７",
    ],
)
def test_a_receipt_number_is_known_however_it_is_typed(typed: str) -> None:
    assert domain.number_asked(typed) in domain.number_keys("WZ-260302-48173-92657")


@pytest.mark.parametrize("words", ["路灯不亮", "2026年3月", "wifi", "12345", "电话 0990-6611048", ""])
def test_words_are_not_taken_for_a_number(words: str) -> None:
    assert domain.number_asked(words) is None


def test_each_key_word_must_be_found_but_of_a_pasted_sentence_only_most() -> None:
    assert domain.demanded([("物业",), ("车库", "库灯")]) == [("物业",), ("车库", "库灯")]
    long = [("工地", "地晚", "晚上", "上十"), ("没有", "有人", "工地")]
    assert domain.demanded(long) == [("工地", "地晚", "晚上", "上十", "没有", "有人")]
