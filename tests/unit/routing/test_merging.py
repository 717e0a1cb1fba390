"""Which case may join which."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from services.routing.domain.cases import OPEN
from services.routing.domain.merging import earliest, merge_problem, standing_from, standing_of, unmerge_problem


@dataclass(frozen=True)
class Standing:
    petition_id: str = "a"
    kind: str = "complaint"
    state: str = "under_review"
    sealed: bool = False
    audience: str = "units"
    unit_id: str | None = None
    lead_id: str | None = None
    joined: list[Any] | None = None


A = Standing()
B = Standing("b")


def test_two_open_cases_of_one_kind_may_be_joined() -> None:
    assert merge_problem(A, B) is None
    assert merge_problem(A, replace(B, kind="report")) is None


@pytest.mark.parametrize(
    ("case", "lead", "problem"),
    [
        (A, A, "same_case"),
        (replace(A, sealed=True, audience="sealed"), B, "sealed_case"),
        (A, replace(B, audience="sealed"), "sealed_case"),
        (A, replace(B, sealed=True), "sealed_case"),
        (A, replace(B, audience="dispatchers"), "report_on_person"),
        (A, replace(B, lead_id="a"), "circle"),
        (replace(A, lead_id="c"), B, "joined_already"),
        (replace(A, joined=[1]), B, "others_joined"),
        (A, replace(B, lead_id="c"), "lead_follows"),
        (replace(A, state="replied"), B, "case_ended"),
        (A, replace(B, state="closed"), "lead_ended"),
        (A, replace(B, kind="inquiry"), "other_kind"),
        (replace(A, kind="suggestion"), replace(B, kind="inquiry"), "other_kind"),
        (replace(A, state="dispatched"), B, "further_along"),
        (replace(A, state="accepted", unit_id="x"), replace(B, state="accepted", unit_id="y"), "further_along"),
        (replace(A, state="accepted", unit_id="x"), replace(B, state="dispatched", unit_id="x"), "further_along"),
    ],
)
def test_what_stands_against_it_has_a_code(case: Standing, lead: Standing, problem: str) -> None:
    assert merge_problem(case, lead) == problem


def test_of_two_open_cases_at_least_one_may_join_the_other() -> None:
    for one, other in product(OPEN, OPEN):
        case, lead = replace(A, state=one, unit_id="x"), replace(B, state=other, unit_id="x")
        assert None in (merge_problem(case, lead), merge_problem(lead, case)), (one, other)


def test_no_two_allowed_steps_make_a_chain_or_a_circle() -> None:
    follower, leader = replace(A, lead_id="b"), replace(B, joined=[1])
    third = Standing("c")
    assert merge_problem(leader, follower) == "circle"
    assert merge_problem(leader, third) == "others_joined"
    assert merge_problem(third, follower) == "lead_follows"
    assert merge_problem(third, leader) is None


def test_only_who_follows_and_waits_for_the_reply_is_taken_out() -> None:
    assert unmerge_problem(A) == "not_joined"
    assert unmerge_problem(replace(A, lead_id="b")) is None
    assert unmerge_problem(replace(A, lead_id="b", state="replied")) == "case_ended"


def test_where_a_case_stood_is_read_back_as_it_was() -> None:
    from datetime import UTC, datetime

    from services.routing.models import Case

    at = datetime(2026, 3, 2, 1, 0, 0, 7, tzinfo=UTC)
    case = Case(state="dispatched", audience="units", unit_id="x", unit_name={"zh": "某局"}, unit_line="/y/", hops=2)
    case.dispatched_at = at
    kept = standing_from(standing_of(case))
    assert (kept["dispatched_at"], kept["accepted_at"], kept["unit_name"], kept["hops"]) == (
        at,
        None,
        {"zh": "某局"},
        2,
    )


def test_the_earliest_of_nothing_is_nothing() -> None:
    assert earliest(None, None) is None
