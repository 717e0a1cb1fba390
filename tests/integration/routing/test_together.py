"""Cases that are handled together: who may join whom, what follows, what is told, and how they part again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.contracts.intake import PetitionSupplemented, PetitionWithdrawn, Supplement
from services.contracts.routing import (
    PetitionAccepted,
    PetitionDispatched,
    PetitionMerged,
    PetitionUnmerged,
    ReplyIssued,
)
from services.routing import store
from services.routing.handlers import desk, merging
from services.routing.handlers.desk import Target
from services.routing.models import Case
from services.routing.store.cases import Asked
from tests.integration.routing.steps import code, step

REPLY = "3月5日已到现场更换全部灯具，现已恢复照明，今后每月巡查一次。"
REASON = "两件诉求反映的不是同一路段，应分开办理。"
UNIT = "urban-management"


def lamp(bench: Any, title: str = "路灯不亮", **values: Any) -> Any:
    """A petition that was dispatched to urban management by rule."""
    event = bench.petition(title, "锦梭路小学门口，三盏路灯不亮。", **{"adcode": "990101003", **values})
    bench.deliver(event)
    return event


def case_of(bench: Any, event: Any) -> Case:
    with bench.house.database.read() as session:
        found: Case | None = session.get(Case, event.petition_id)
    assert found is not None
    return found


def step_due(bench: Any, event: Any) -> datetime:
    due = case_of(bench, event).step_due_at
    assert due is not None
    return due


def mine(bench: Any, who: Any, queue: str = "mine") -> list[str]:
    with bench.house.database.read() as session:
        return [one.number for one in store.cases.page_of(session, who, Asked(queue=queue), bench.clock.now()).cases]


@pytest.fixture
def two(bench: Any) -> Any:
    first = lamp(bench)
    bench.clock.move(timedelta(days=2))
    return first, lamp(bench, "锦梭路路灯坏了")


def merge(bench: Any, staff: Any, case: Any, lead: Any) -> None:
    step(bench, merging.merge, staff("dispatcher"), Target(case.number), lead.number)


def test_the_link_is_kept_both_ways_and_told_of_both(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    merge(bench, staff, case, lead)
    follows, leads = bench.told(case.petition_id)[-1], bench.told(lead.petition_id)[-1]
    assert isinstance(follows, PetitionMerged) and isinstance(leads, PetitionMerged)
    assert follows.case.lead is not None
    assert (follows.case.lead.number, follows.other.number, follows.leads) == (lead.number, lead.number, False)
    assert ([one.number for one in leads.case.joined], leads.other.number) == ([case.number], case.number)
    assert leads.leads
    with bench.house.database.read() as session:
        entries = [store.cases.history(session, one.petition_id)[-1] for one in (case, lead)]
    assert [(one.step, one.actor, one.reason) for one in entries] == [
        ("joined", "dispatcher", lead.number),
        ("leads", "dispatcher", case.number),
    ]


def test_every_petition_gets_the_reply_as_its_own(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    merge(bench, staff, case, lead)
    officer = staff("officer", unit=UNIT)
    step(bench, desk.accept, officer, Target(lead.number))
    step(bench, desk.reply, officer, Target(lead.number), REPLY, "supported", "")
    for one in two:
        told = bench.told(one.petition_id)
        assert [type(event) for event in told[-2:]] == [PetitionAccepted, ReplyIssued]
        reply = told[-1].case.reply
        assert reply is not None and reply.text == REPLY
    assert case_of(bench, case).state == "replied"


def test_joining_keeps_the_clock_and_never_gives_more_time(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    before = case_of(bench, case).due_at
    merge(bench, staff, case, lead)
    assert case_of(bench, case).due_at == before
    # The lead was sent on two days earlier: its own step stays due first.
    assert step_due(bench, lead) < step_due(bench, case)


def test_joining_an_accepted_case_moves_no_due_date_back(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    before = case_of(bench, case).due_at
    bench.clock.move(timedelta(days=10))
    step(bench, desk.accept, staff("officer", unit=UNIT), Target(lead.number))
    merge(bench, staff, case, lead)
    now = case_of(bench, case)
    assert (now.state, now.due_at, now.step_due_at) == ("accepted", before, before)
    # Its petitioner waits no longer than before, so the lead is answered by then.
    assert step_due(bench, lead) == before


def test_the_lead_is_due_when_the_first_of_them_is(bench: Any, staff: Any, two: Any) -> None:
    older, newer = two
    own = step_due(bench, newer)
    merge(bench, staff, older, newer)
    assert step_due(bench, newer) == step_due(bench, older) < own
    step(bench, merging.unmerge, staff("dispatcher"), Target(older.number), REASON)
    assert step_due(bench, newer) == own


def test_one_that_nobody_sent_yet_goes_where_its_lead_is(bench: Any, staff: Any) -> None:
    lead = lamp(bench)
    event = bench.petition("请帮忙看看这件事", "说不清楚是谁的事，麻烦看一下。")
    bench.deliver(event)
    assert case_of(bench, event).state == "under_review"
    merge(bench, staff, event, lead)
    now = case_of(bench, event)
    assert (now.state, now.unit_id, now.hops) == ("dispatched", UNIT, 1)
    assert now.due_at is not None and now.step_due_at is not None


def test_a_dispatch_of_the_lead_takes_the_others_along(bench: Any, staff: Any) -> None:
    lead, case = (bench.petition("请帮忙看看这件事", f"说不清楚是谁的事，第{n}次写。") for n in (1, 2))
    bench.deliver(lead, case)
    merge(bench, staff, case, lead)
    step(bench, desk.dispatch, staff("dispatcher"), Target(lead.number), UNIT, "")
    for one in (lead, case):
        assert isinstance(bench.told(one.petition_id)[-1], PetitionDispatched)
        assert case_of(bench, one).unit_id == UNIT


def test_who_follows_waits_for_nobody_of_its_own(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    merge(bench, staff, case, lead)
    officer = staff("officer", unit=UNIT)
    assert mine(bench, officer) == [lead.number]
    assert set(mine(bench, officer, "all")) == {lead.number, case.number}
    for action, rest in ((desk.accept, ()), (desk.hand_back, (REASON,))):
        assert code(bench, action, officer, Target(case.number), *rest) == "follows_another"


def test_taken_out_a_case_stands_where_it_stood(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    officer, dispatcher = staff("officer", unit=UNIT), staff("dispatcher")
    before = case_of(bench, case)
    merge(bench, staff, case, lead)
    step(bench, desk.accept, officer, Target(lead.number))
    assert code(bench, merging.unmerge, dispatcher, Target(case.number), "不同") == "reason_too_short"
    step(bench, merging.unmerge, dispatcher, Target(case.number), REASON)
    now = case_of(bench, case)
    for name in ("state", "unit_id", "due_at", "step_due_at", "dispatched_at", "accepted_at", "hops", "lead_id"):
        assert getattr(now, name) == getattr(before, name), name
    told = bench.told(case.petition_id)[-1]
    assert isinstance(told, PetitionUnmerged) and told.case.lead is None and told.other.number == lead.number
    assert bench.told(lead.petition_id)[-1].case.joined == []
    step(bench, desk.accept, officer, Target(case.number))


def test_after_the_reply_nothing_is_undone(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    officer = staff("officer", unit=UNIT)
    merge(bench, staff, case, lead)
    step(bench, desk.accept, officer, Target(lead.number))
    step(bench, desk.reply, officer, Target(lead.number), REPLY, "supported", "")
    assert code(bench, merging.unmerge, staff("dispatcher"), Target(case.number), REASON) == "case_ended"


def test_what_cannot_be_joined_is_refused_with_its_code(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    third = lamp(bench, "锦梭路又黑了")
    question = bench.petition("路灯归谁管", "锦梭路的路灯归谁管？", kind="inquiry", adcode="990101003")
    report = bench.petition("举报某人", "收好处费", sealed=True)
    bench.deliver(question)
    bench.deliver(report)
    dispatcher = staff("dispatcher")

    def refused(one: Any, into: Any, who: Any = dispatcher) -> str:
        return code(bench, merging.merge, who, Target(one.number), into.number)

    assert refused(case, case) == "same_case"
    assert refused(case, question) == "other_kind"
    assert refused(case, report) == "no_such_lead"
    assert refused(report, case) == "no_such_case"
    assert refused(report, case, staff("sealed_officer")) == "no_such_lead"
    assert refused(case, lead, staff("officer", unit=UNIT)) == "not_allowed"
    merge(bench, staff, case, lead)
    assert refused(lead, case) == "circle"
    assert refused(case, third) == "joined_already"
    assert refused(third, case) == "lead_follows"
    assert refused(lead, third) == "others_joined"
    officer = staff("officer", unit=UNIT)
    step(bench, desk.accept, officer, Target(lead.number))
    assert refused(lead, third) == "others_joined"
    alone = lamp(bench, "锦梭路东头路灯不亮")
    step(bench, desk.accept, officer, Target(alone.number))
    assert refused(alone, third) == "further_along"
    step(bench, desk.reply, officer, Target(lead.number), REPLY, "supported", "")
    assert refused(third, lead) == "lead_ended"
    assert refused(lead, third) == "others_joined"


def test_an_old_page_joins_nothing(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    assert code(bench, merging.merge, staff("dispatcher"), Target(case.number, 1), lead.number) == "case_changed"


def test_two_that_read_like_reports_on_persons_are_not_joined(bench: Any, staff: Any, two: Any) -> None:
    lead, _ = two
    event = bench.petition("举报局长收受贿赂", "某局长收受贿赂，请纪委调查。")
    bench.deliver(event)
    assert case_of(bench, event).audience == "dispatchers"
    assert code(bench, merging.merge, staff("dispatcher"), Target(event.number), lead.number) == "report_on_person"


def test_a_lead_with_others_is_not_sent_to_the_unit_for_sealed_cases(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    merge(bench, staff, case, lead)
    reason = "经核对属于检举控告，移交专门单位办理。"
    assert code(bench, desk.dispatch, staff("dispatcher"), Target(lead.number), "discipline", reason) == "others_follow"


def test_an_addition_that_reads_like_a_report_on_a_person_parts_them(bench: Any, staff: Any) -> None:
    lead, case = (bench.petition("请帮忙看看这件事", f"说不清楚是谁的事，第{n}次写。") for n in (1, 2))
    bench.deliver(lead, case)
    merge(bench, staff, case, lead)
    text = "补充：举报局长收受贿赂，请纪委调查。"
    added = Supplement(text=text, at=bench.clock.now())
    bench.deliver(bench.later(case, PetitionSupplemented, supplements=[added]), sequence=2)
    now = case_of(bench, case)
    assert (now.lead_id, now.audience) == (None, "dispatchers")
    assert not case_of(bench, lead).joined


def test_an_addition_sends_no_case_away_from_its_lead(bench: Any, staff: Any) -> None:
    lead, case = (bench.petition("请帮忙看看这件事", f"说不清楚是谁的事，第{n}次写。") for n in (1, 2))
    bench.deliver(lead, case)
    merge(bench, staff, case, lead)
    added = Supplement(text="锦梭路小学门口，三盏路灯不亮，路灯坏了。", at=bench.clock.now())
    bench.deliver(bench.later(case, PetitionSupplemented, supplements=[added]), sequence=2)
    assert case_of(bench, case).unit_id is None


def test_when_the_lead_is_withdrawn_the_one_filed_first_leads_the_others(bench: Any, staff: Any, two: Any) -> None:
    lead, second = two
    third = lamp(bench, "锦梭路又黑了")
    for one in (third, second):
        merge(bench, staff, one, lead)
    bench.deliver(bench.later(lead, PetitionWithdrawn, withdrawn_at=bench.clock.now()), sequence=2)
    assert case_of(bench, lead).state == "withdrawn"
    heir, other = case_of(bench, second), case_of(bench, third)
    assert (heir.lead_id, [one["number"] for one in heir.joined or []]) == (None, [third.number])
    assert (heir.state, other.lead_number, other.state) == ("dispatched", second.number, "dispatched")
    officer = staff("officer", unit=UNIT)
    step(bench, desk.accept, officer, Target(second.number))
    assert case_of(bench, third).state == "accepted"


def test_who_withdraws_while_following_ends_alone(bench: Any, staff: Any, two: Any) -> None:
    lead, case = two
    merge(bench, staff, case, lead)
    bench.deliver(bench.later(case, PetitionWithdrawn, withdrawn_at=bench.clock.now()), sequence=2)
    step(bench, desk.accept, staff("officer", unit=UNIT), Target(lead.number))
    assert (case_of(bench, case).state, case_of(bench, lead).state) == ("withdrawn", "accepted")
