"""Who may take which step, and what texts must hold."""

from __future__ import annotations

import pytest

from services.chassis.identity import Staff
from services.routing.domain.cases import (
    MIN_REPLY,
    Step,
    line_of,
    line_text,
    may,
    reason_problem,
    reply_problem,
    tidy,
)


def staff(*roles: str, unit: str | None = "a") -> Staff:
    return Staff("x", "X", unit, frozenset(roles))


@pytest.mark.parametrize("step", ["accept", "objection", "reply"])
def test_only_officers_and_heads_of_the_unit_work_its_cases(step: Step) -> None:
    assert may(step, staff("officer"), sealed=False, unit_id="a")
    assert may(step, staff("unit_head"), sealed=False, unit_id="a")
    assert not may(step, staff("officer", unit="b"), sealed=False, unit_id="a")
    assert not may(step, staff("checker"), sealed=False, unit_id="a")
    assert not may(step, staff("dispatcher", "supervisor"), sealed=False, unit_id="a")
    assert not may(step, staff("officer", unit=None), sealed=False, unit_id=None)


def test_only_dispatchers_dispatch() -> None:
    assert may("dispatch", staff("dispatcher"), sealed=False, unit_id=None)
    assert not may("dispatch", staff("officer", "supervisor", "administrator"), sealed=False, unit_id="a")


def test_sealed_cases_are_worked_by_sealed_case_officers_alone() -> None:
    everybody_else = staff("dispatcher", "officer", "unit_head", "supervisor", "administrator")
    for step in ("dispatch", "accept", "objection", "reply"):
        assert not may(step, everybody_else, sealed=True, unit_id="a")
    assert may("reply", staff("sealed_officer", unit="b"), sealed=True, unit_id="a")
    assert not may("accept", staff("sealed_officer"), sealed=False, unit_id="b")


def test_a_reply_must_say_something() -> None:
    assert reply_problem("complaint", " " * 50, "supported") == "reply_too_short"
    assert reply_problem("complaint", "好" * (MIN_REPLY - 1), "supported") == "reply_too_short"
    assert reply_problem("complaint", "好" * MIN_REPLY, "supported") is None
    assert reply_problem("complaint", "好" * 20_001, "supported") == "reply_too_long"


def test_an_outcome_must_suit_the_kind() -> None:
    text = "好" * MIN_REPLY
    assert reply_problem("inquiry", text, "not_supported") == "wrong_outcome"
    assert reply_problem("suggestion", text, "adopted") is None
    assert reply_problem("complaint", text, "anything") == "wrong_outcome"


def test_a_reason_of_blanks_is_none() -> None:
    assert reason_problem("          ") == "reason_too_short"
    assert reason_problem("不属于本单位的职责范围") is None


def test_what_cannot_be_seen_says_nothing() -> None:
    assert reason_problem("\u200b" * 20) == "reason_too_short"
    assert reply_problem("complaint", "\u2060\u200d" * 30, "supported") == "reply_too_short"
    assert reason_problem("第一条不属于本单位\n第二条属于水务局") is None


def test_a_text_is_kept_without_signs_that_a_database_refuses() -> None:
    assert tidy(" 已派人\x00维修。\r\n明天\t完工\ud800 \x07") == "已派人维修。\n明天\t完工"


def test_the_line_of_superiors_comes_back_as_it_was() -> None:
    assert line_of(line_text(["a", "b"])) == ["a", "b"]
    assert line_of(line_text([])) == []
