"""The duty roster: read from the directory's file with clear errors; who comes after whom; who may acknowledge."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.identity import Staff
from services.contracts.envelope import Text
from services.routing.directory_file import SAMPLE, read
from services.routing.domain.directory import Directory, DutyStep, Unit
from services.routing.domain.duty import MAX_STEPS, MINUTES, REPEATS, after, first, may_acknowledge, roster_of
from tests.unit.routing.test_directory import GOOD, problems, unit

ROSTER = (DutyStep("a", 10), DutyStep("b", 20))


def test_the_sample_county_has_a_roster() -> None:
    steps = read(SAMPLE)[0].duty
    assert [step.unit for step in steps] == ["petition-office", "emergency", "county-government"]


def test_a_file_without_a_roster_is_good_and_has_none(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


def test_a_good_roster_has_no_error(tmp_path: Path) -> None:
    assert problems(tmp_path, duty=[{"unit": "a", "minutes": 10}, {"unit": "b", "minutes": 1440}]) == []


@pytest.mark.parametrize(
    ("duty", "problem"),
    [
        ({"unit": "a"}, ("wrong_type", "duty")),
        ([], ("wrong_type", "duty")),
        ([{"unit": "a", "minutes": 5}] * (MAX_STEPS + 1), ("wrong_type", "duty")),
        (["a"], ("wrong_type", "duty[1]")),
        ([{"unit": "a"}], ("missing", "duty[1].minutes")),
        ([{"unit": "a", "minutes": 0}], ("wrong_minutes", "duty[1].minutes")),
        ([{"unit": "a", "minutes": 1441}], ("wrong_minutes", "duty[1].minutes")),
        ([{"unit": "a", "minutes": True}], ("wrong_minutes", "duty[1].minutes")),
        ([{"unit": "a", "minutes": 1.5}], ("wrong_minutes", "duty[1].minutes")),
        ([{"minutes": 5}], ("missing", "duty[1].unit")),
        ([{"unit": "a", "minutes": 5, "hours": 1}], ("unknown_field", "duty[1].hours")),
        ([{"unit": "a", "minutes": 5}, {"unit": "nobody", "minutes": 5}], ("unknown_unit", "duty[2].unit")),
        ([{"unit": "a", "minutes": 5}, {"unit": "a", "minutes": 5}], ("duplicate_id", "duty[2].unit")),
    ],
)
def test_every_error_of_a_roster_is_named_with_its_place(tmp_path: Path, duty: Any, problem: tuple[str, str]) -> None:
    assert problem in problems(tmp_path, duty=duty)


def test_the_sealed_unit_has_no_place_on_the_roster(tmp_path: Path) -> None:
    units = [*GOOD["units"], unit("s", sealed=True)]
    assert problems(tmp_path, units=units, duty=[{"unit": "s", "minutes": 5}]) == [("sealed_unit", "duty[1].unit")]


def test_a_level_of_risk_words_is_watch_or_urgent(tmp_path: Path) -> None:
    words = {"code": "x", "name": {"zh": "某"}, "words": ["某"], "level": "high"}
    assert ("wrong_level", "risk_words.x.level") in problems(tmp_path, risk_words=[words])


def directory(*duty: DutyStep) -> Directory:
    def one(name: str, *, sealed: bool = False) -> Unit:
        return Unit(name, Text(zh=name), date(2026, 1, 1), sealed=sealed)

    return Directory(units=(one("a"), one("b"), one("s", sealed=True)), duty=duty)


def test_a_sealed_petition_asks_the_sealed_unit_alone_whatever_the_roster() -> None:
    assert roster_of(directory(*ROSTER), "sealed") == (DutyStep("s", MINUTES),)


def test_what_only_dispatchers_may_see_asks_no_unit() -> None:
    assert roster_of(directory(*ROSTER), "dispatchers") == ()


def test_a_step_whose_unit_is_not_there_today_is_left_out() -> None:
    assert roster_of(directory(DutyStep("gone", 5), *ROSTER), "units") == ROSTER


@given(st.lists(st.integers(1, 60), max_size=5), st.integers(1, 8), st.integers(0, 20))
def test_every_climbing_ends_whatever_became_of_the_roster(minutes: list[int], step: int, again: int) -> None:
    roster = tuple(DutyStep(str(at), length) for at, length in enumerate(minutes))
    asked, following = 0, after(roster, step, again)
    while following is not None:
        asked += 1
        assert following.unit == roster[following.step - 1].unit
        following = after(roster, following.step, following.again)
    assert asked <= len(roster) + REPEATS


def test_every_step_is_asked_once_and_the_last_one_again() -> None:
    now, seen = first(ROSTER), []
    while now is not None:
        seen.append((now.unit, now.again))
        now = after(ROSTER, now.step, now.again)  # type: ignore[assignment]
    assert seen == [("a", 0), ("b", 0), *(("b", count) for count in range(1, REPEATS + 1))]


def test_without_a_roster_nobody_is_asked_by_name_and_its_first_step_when_there_is_one() -> None:
    nobody = first(())
    assert (nobody.step, nobody.unit, nobody.minutes) == (0, None, MINUTES)
    assert after((), nobody.step, nobody.again) is None
    assert after(ROSTER, nobody.step, nobody.again) == first(ROSTER)


@pytest.mark.parametrize(
    ("role", "unit_id", "audience", "allowed"),
    [
        ("officer", "a", "units", True),
        ("unit_head", "a", "units", True),
        ("checker", "a", "units", True),
        ("officer", "c", "units", False),
        ("publisher", "a", "units", False),
        ("administrator", "a", "units", False),
        ("dispatcher", None, "units", True),
        ("supervisor", None, "dispatchers", True),
        ("officer", "a", "dispatchers", False),
        ("officer", "a", "sealed", False),
        ("dispatcher", "a", "sealed", False),
        ("sealed_officer", "s", "sealed", True),
        ("sealed_officer", "a", "units", False),
    ],
)
def test_who_may_acknowledge(role: str, unit_id: str | None, audience: str, allowed: bool) -> None:
    viewer = Staff("x", "x", unit_id, frozenset({role}))
    assert may_acknowledge(viewer, audience, ["a", "b"]) is allowed
