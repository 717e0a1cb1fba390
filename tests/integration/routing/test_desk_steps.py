"""The steps at the desk: who, from which state, with which text; what is told; who sees what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.contracts.routing import AssignmentObjected, PetitionAccepted, PetitionDispatched, ReplyIssued
from services.routing import store
from services.routing.handlers import desk
from services.routing.handlers.desk import Target
from services.routing.store.cases import Asked
from tests.integration.routing.steps import code, step

REPLY = "3月5日已到现场更换全部灯具，现已恢复照明，今后每月巡查一次。"


@pytest.fixture
def lamp(bench: Any) -> Any:
    """A petition that was dispatched to urban management by rule."""
    event = bench.petition("路灯不亮", "锦梭路小学门口，三盏路灯不亮。", adcode="990101003")
    bench.deliver(event)
    return event


def numbers(bench: Any, who: Any, queue: str = "all") -> list[str]:
    with bench.house.database.read() as session:
        found = store.cases.page_of(session, who, Asked(queue=queue), bench.clock.now())
    return [case.number for case in found.cases]


def test_accepting_starts_the_sixty_days(bench: Any, lamp: Any, staff: Any) -> None:
    bench.clock.move(timedelta(days=3))
    step(bench, desk.accept, staff("officer", unit="urban-management"), Target(lamp.number))
    last = bench.told(lamp.petition_id)[-1]
    assert isinstance(last, PetitionAccepted)
    assert (last.by, last.case.state) == ("officer", "accepted")
    assert last.case.due_at == datetime(2026, 5, 4, 15, 59, 59, tzinfo=UTC)


def test_a_reply_goes_out_with_unit_outcome_and_basis(bench: Any, lamp: Any, staff: Any) -> None:
    officer = staff("officer", unit="urban-management")
    step(bench, desk.accept, officer, Target(lamp.number))
    step(bench, desk.reply, officer, Target(lamp.number), f"  {REPLY}  ", "supported", "《城市照明管理规定》")
    last = bench.told(lamp.petition_id)[-1]
    assert isinstance(last, ReplyIssued) and last.case.reply is not None
    assert last.case.reply.text == REPLY
    assert (last.case.reply.outcome, last.case.reply.unit.id) == ("supported", "urban-management")
    assert last.case.reply.basis == "《城市照明管理规定》"


def test_a_short_reply_is_refused_and_changes_nothing(bench: Any, lamp: Any, staff: Any) -> None:
    officer = staff("officer", unit="urban-management")
    step(bench, desk.accept, officer, Target(lamp.number))
    before = len(bench.told(lamp.petition_id))
    assert code(bench, desk.reply, officer, Target(lamp.number), "已办", "supported", "") == "reply_too_short"
    assert len(bench.told(lamp.petition_id)) == before


def test_handing_back_needs_a_reason_and_empties_the_unit(bench: Any, lamp: Any, staff: Any) -> None:
    officer = staff("officer", unit="urban-management")
    assert code(bench, desk.hand_back, officer, Target(lamp.number), "不归我管") == "reason_too_short"
    step(bench, desk.hand_back, officer, Target(lamp.number), "该路段路灯由交通运输局养护")
    last = bench.told(lamp.petition_id)[-1]
    assert isinstance(last, AssignmentObjected)
    assert (last.unit.id, last.case.unit, last.case.state) == ("urban-management", None, "objected")
    assert numbers(bench, officer) == []
    assert numbers(bench, staff("dispatcher"), "mine") == [lamp.number]


def test_going_to_another_unit_does_not_set_the_citizens_clock_back(bench: Any, lamp: Any, staff: Any) -> None:
    due = bench.told(lamp.petition_id)[-1].case.due_at
    step(
        bench,
        desk.hand_back,
        staff("officer", unit="urban-management"),
        Target(lamp.number),
        "该路段路灯由交通运输局养护",
    )
    bench.clock.move(timedelta(days=5))
    step(bench, desk.dispatch, staff("dispatcher"), Target(lamp.number), "transport", "县道路灯由交通局养护")
    last = bench.told(lamp.petition_id)[-1]
    assert isinstance(last, PetitionDispatched) and last.case.unit is not None
    assert (last.case.unit.id, last.case.hops, last.by, last.case.due_at) == ("transport", 2, "dispatcher", due)


def test_two_people_cannot_take_the_same_step(bench: Any, lamp: Any, staff: Any) -> None:
    officer = staff("officer", unit="urban-management")
    with bench.house.database.read() as session:
        case = store.cases.find(session, officer, lamp.number)
    assert case is not None
    version = case.version
    step(bench, desk.accept, officer, Target(lamp.number, version))
    late = code(bench, desk.hand_back, officer, Target(lamp.number, version), "不属于本单位的职责范围")
    assert late == "case_changed"


@pytest.mark.parametrize(
    ("roles", "unit", "expected"),
    [
        (("officer",), "housing", "no_such_case"),
        (("dispatcher",), None, "not_allowed"),
        (("checker",), "urban-management", "not_allowed"),
        (("officer",), "county-government", "not_allowed"),
        (("publisher", "administrator"), "urban-management", "no_such_case"),
    ],
)
def test_others_cannot_accept(bench: Any, lamp: Any, staff: Any, roles: Any, unit: Any, expected: str) -> None:
    assert code(bench, desk.accept, staff(*roles, unit=unit), Target(lamp.number)) == expected


def test_steps_out_of_turn_are_refused(bench: Any, lamp: Any, staff: Any) -> None:
    officer = staff("officer", unit="urban-management")
    assert code(bench, desk.reply, officer, Target(lamp.number), REPLY, "supported", "") == "wrong_state"
    step(bench, desk.accept, officer, Target(lamp.number))
    assert code(bench, desk.accept, officer, Target(lamp.number)) == "wrong_state"
    dispatched = code(bench, desk.dispatch, staff("dispatcher"), Target(lamp.number), "housing", "应由住建局办理此事")
    assert dispatched == "wrong_state"


def test_a_case_cannot_be_sent_to_a_unit_that_is_not_there(bench: Any, lamp: Any, staff: Any) -> None:
    who, target = staff("dispatcher"), Target(lamp.number)
    assert code(bench, desk.dispatch, who, target, "nobody", "应由此单位办理此事项") == "unknown_unit"
    assert code(bench, desk.dispatch, who, target, "urban-management", "应由此单位办理此事项") == "same_unit"


def test_each_sees_what_is_theirs(bench: Any, lamp: Any, staff: Any) -> None:
    sealed = bench.petition("举报某人", "收好处费", sealed=True)
    vague = bench.petition("有件事", "没人管")
    bench.deliver(sealed)
    bench.deliver(vague)
    assert set(numbers(bench, staff("dispatcher"))) == {lamp.number, vague.number}
    assert set(numbers(bench, staff("supervisor"))) == {lamp.number, vague.number}
    assert numbers(bench, staff("officer", unit="urban-management")) == [lamp.number]
    assert numbers(bench, staff("unit_head", unit="county-government")) == [lamp.number]
    assert numbers(bench, staff("officer", unit="housing")) == []
    assert numbers(bench, staff("officer", unit="discipline")) == []
    assert numbers(bench, staff("administrator", "publisher")) == []
    assert numbers(bench, staff("sealed_officer", unit="discipline")) == [sealed.number]


def test_a_sealed_case_stays_with_the_sealed_unit(bench: Any, staff: Any) -> None:
    sealed = bench.petition("举报某人", "收好处费", sealed=True)
    bench.deliver(sealed)
    who = staff("sealed_officer", unit="discipline")
    assert code(bench, desk.dispatch, who, Target(sealed.number), "housing", "应由住建局办理此事") == "sealed_unit_only"
    step(bench, desk.accept, who, Target(sealed.number))
    step(bench, desk.reply, who, Target(sealed.number), REPLY, "explained", "")
    assert bench.lanes(sealed.petition_id) == {"sealed"}


def test_a_dispatcher_can_seal_what_is_really_a_report_on_a_person(bench: Any, staff: Any) -> None:
    event = bench.petition("某所长索贿受贿", "虚报冒领补贴，收好处费，打击报复提意见的人。" * 3)
    bench.deliver(event)
    step(bench, desk.dispatch, staff("dispatcher"), Target(event.number), "discipline", "")
    assert bench.told(event.petition_id)[-1].case.audience == "sealed"
    assert numbers(bench, staff("dispatcher")) == []
    assert numbers(bench, staff("sealed_officer")) == [event.number]
    again = bench.petition("又是某所长索贿受贿", "虚报冒领补贴，收好处费，打击报复提意见的人。" * 3)
    bench.deliver(again)
    assert bench.told(again.petition_id)[0].case.assessment.look_alikes == []


def test_what_is_late_comes_first_then_what_is_dangerous(bench: Any, staff: Any) -> None:
    old = bench.petition("路灯不亮")
    bench.deliver(old)
    bench.clock.move(timedelta(days=16))
    calm, danger = bench.petition("公园里树枝要修剪", "行道树"), bench.petition("路灯杆漏电，路灯坏了")
    bench.deliver(calm, danger)
    assert numbers(bench, staff("officer", unit="urban-management"), "mine") == [
        old.number,
        danger.number,
        calm.number,
    ]


def test_every_step_is_in_the_history_with_who_and_why(bench: Any, lamp: Any, staff: Any) -> None:
    officer = staff("officer", unit="urban-management")
    step(bench, desk.hand_back, officer, Target(lamp.number), "该路段路灯由交通运输局养护")
    with bench.house.database.read() as session:
        entries = store.cases.history(session, lamp.petition_id)
    assert [entry.step for entry in entries] == ["submitted", "assessed", "dispatched", "objected"]
    assert (entries[-1].actor, entries[-1].reason) == ("officer", "该路段路灯由交通运输局养护")
    assert entries[-1].unit_id == "urban-management"
