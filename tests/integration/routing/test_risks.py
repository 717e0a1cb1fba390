"""Urgent dangers: raised once, climbing the roster until somebody acknowledges, seen by nobody whom it is not for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.chassis.errors import Refusal
from services.contracts.alerts import RiskAcknowledged, RiskRaised
from services.contracts.intake import PetitionSupplemented, PetitionWithdrawn, Supplement
from services.contracts.routing import PetitionAssessed
from services.routing import measuring, store, watching
from services.routing.domain.duty import MINUTES, REPEATS
from services.routing.handlers import desk, risks
from services.routing.handlers.desk import Target

GAS = ("楼道里煤气味很重", "三单元从一楼到四楼都是煤气味，老人头晕，没有人来。")
LAMP = ("路灯不亮", "锦梭路小学门口，三盏路灯不亮。")


def raised(bench: Any, event: Any) -> list[RiskRaised]:
    return [one for one in bench.told(event.petition_id) if isinstance(one, RiskRaised)]


def file(bench: Any, text: tuple[str, str] = GAS, **values: Any) -> Any:
    event = bench.petition(*text, adcode="990101003", **values)
    bench.deliver(event)
    return event


def add(bench: Any, event: Any, *texts: str, sequence: int = 2) -> Any:
    pieces = [Supplement(text=text, at=bench.clock.now()) for text in texts]
    later = bench.later(event, PetitionSupplemented, supplements=pieces)
    bench.deliver(later, sequence=sequence)
    return later


def after(bench: Any, minutes: int) -> int:
    """Let time pass, then let the worker look."""
    bench.clock.move(timedelta(minutes=minutes, seconds=1))
    return watching.watch(bench.house)


def acknowledge(bench: Any, who: Any, number: str) -> Any:
    with bench.house.work() as work:
        return risks.acknowledge(work, who, number)


def refused(bench: Any, who: Any, number: str) -> str:
    with pytest.raises(Refusal) as caught:
        acknowledge(bench, who, number)
    return caught.value.code


# ── raising ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_urgent_danger_goes_to_the_first_of_the_roster_at_once_with_its_evidence(bench: Any) -> None:
    event = file(bench)
    (told,) = raised(bench, event)
    assert (told.level, told.codes, told.step, told.again) == ("urgent", ["gas"], 1, 0)
    assert told.unit is not None and told.unit.id == "petition-office"
    assert told.asked == ["petition-office"]
    assert told.due_at == bench.clock.now() + timedelta(minutes=10)
    assert told.names[0].en == "Gas leak"
    assert any("煤气味" in one.word and one.word in one.clause for one in told.evidence)


def test_the_judgement_tells_codes_and_evidence_of_every_danger(bench: Any) -> None:
    event = file(bench)
    assessed = next(one for one in bench.told(event.petition_id) if isinstance(one, PetitionAssessed))
    found = assessed.case.assessment
    assert found.risks == ["gas"]
    assert {one.level for one in found.risk_findings} == {"urgent"}


def test_what_is_to_be_watched_is_shown_and_asks_nobody(bench: Any, staff: Any) -> None:
    event = file(bench, ("停水", "小区从昨天下午开始停水。"))
    with bench.house.database.read() as session:
        case = store.cases.find(session, staff("dispatcher"), event.number)
    assert case is not None and case.risky
    assert raised(bench, event) == []


def test_a_repeated_event_raises_nothing_again(bench: Any) -> None:
    event = bench.petition(*GAS)
    bench.deliver(event, ids=["e1"])
    bench.deliver(event, ids=["e1"])
    bench.deliver(event, sequence=1)
    assert len(raised(bench, event)) == 1


def test_more_words_about_the_same_danger_raise_nothing_again(bench: Any) -> None:
    event = file(bench)
    add(bench, event, "煤气味还是很大。")
    assert len(raised(bench, event)) == 1


def test_a_new_danger_that_is_added_is_told_to_who_is_asked_without_more_time(bench: Any) -> None:
    event = file(bench)
    bench.clock.move(timedelta(minutes=4))
    add(bench, event, "现在着火了，火苗窜到三楼。")
    first, second = raised(bench, event)
    assert (second.codes, second.step, second.due_at) == (["fire", "gas"], 1, first.due_at)


def test_what_is_told_of_a_new_danger_shows_the_words_of_the_first_one_too(bench: Any) -> None:
    event = file(bench)
    add(bench, event, "现在着火了，火苗窜到三楼。")
    assert {one.code for one in raised(bench, event)[-1].evidence} == {"fire", "gas"}


def test_a_new_danger_asks_the_roster_again_when_it_was_asked_in_vain(bench: Any) -> None:
    event = file(bench)
    for _ in range(REPEATS + 3):
        after(bench, 31)
    add(bench, event, "现在着火了，火苗窜到三楼。")
    last = raised(bench, event)[-1]
    assert (last.step, last.again, last.raised_at) == (1, 0, raised(bench, event)[0].raised_at)
    assert after(bench, 11) == 1


def test_a_new_danger_after_the_first_was_acknowledged_is_raised_anew(bench: Any, staff: Any) -> None:
    event = file(bench)
    acknowledge(bench, staff("dispatcher"), event.number)
    add(bench, event, "现在着火了，火苗窜到三楼。")
    again = raised(bench, event)[-1]
    assert (again.step, again.codes) == (1, ["fire", "gas"])
    assert after(bench, 11) == 1


def test_a_danger_that_is_added_to_a_case_under_way_is_raised_and_its_way_stays(bench: Any) -> None:
    event = file(bench, LAMP)
    before = bench.told(event.petition_id)[-1].case.unit
    add(bench, event, "电线垂到一人高，小孩摸到灯杆被电到了。")
    (told,) = raised(bench, event)
    assert "power" in told.codes
    assessed = [one for one in bench.told(event.petition_id) if isinstance(one, PetitionAssessed)]
    assert assessed[-1].case.unit == before is not None
    assert assessed[-1].case.state == "dispatched"
    assert "power" in assessed[-1].case.assessment.risks


def test_taking_the_petition_back_does_not_take_the_danger_back(bench: Any) -> None:
    event = file(bench)
    bench.deliver(bench.later(event, PetitionWithdrawn, withdrawn_at=bench.clock.now()), sequence=2)
    assert after(bench, 11) == 1
    assert raised(bench, event)[-1].step == 2


# ── acknowledging ───────────────────────────────────────────────────────────────────────────────────


def test_acknowledged_stops_the_climbing_and_is_told_with_who_and_when(bench: Any, staff: Any) -> None:
    event = file(bench)
    bench.clock.move(timedelta(minutes=3))
    officer = staff("officer", unit="petition-office")
    acknowledge(bench, officer, event.number)
    assert after(bench, 1000) == 0
    told = bench.told(event.petition_id)[-1]
    assert isinstance(told, RiskAcknowledged)
    assert (told.by, told.acknowledged_at - told.raised_at) == ("officer", timedelta(minutes=3))
    with bench.house.database.read() as session:
        last = store.cases.history(session, event.petition_id)[-1]
    assert (last.step, last.actor, last.unit_id) == ("risk_acknowledged", "officer", "petition-office")


def test_only_who_was_asked_and_the_petition_office_may_acknowledge(bench: Any, staff: Any) -> None:
    event = file(bench)
    gas = staff("officer", unit="gas-company")
    emergency = staff("officer", unit="emergency")
    assert refused(bench, emergency, event.number) == "no_such_case"
    assert refused(bench, gas, event.number) in ("not_allowed", "no_such_case")
    assert refused(bench, staff("sealed_officer", unit="discipline"), event.number) == "no_such_case"
    assert refused(bench, staff("administrator", unit="petition-office"), event.number) == "no_such_case"
    after(bench, 11)
    acknowledge(bench, emergency, event.number)
    assert refused(bench, staff("supervisor"), event.number) == "acknowledged_already"


def test_who_was_asked_before_may_still_acknowledge(bench: Any, staff: Any) -> None:
    event = file(bench)
    after(bench, 11)
    acknowledge(bench, staff("unit_head", unit="petition-office"), event.number)


def test_a_case_without_a_danger_has_nothing_to_acknowledge(bench: Any, staff: Any) -> None:
    event = file(bench, LAMP)
    assert refused(bench, staff("dispatcher"), event.number) == "no_alert"


def test_open_dangers_are_listed_for_those_who_may_acknowledge(bench: Any, staff: Any) -> None:
    event = file(bench)

    def listed(who: Any) -> list[str]:
        with bench.house.database.read() as session:
            return [case.number for case, _ in store.risks.open_for(session, who)]

    assert listed(staff("dispatcher")) == listed(staff("officer", unit="petition-office")) == [event.number]
    assert listed(staff("officer", unit="education")) == listed(staff("sealed_officer")) == []
    acknowledge(bench, staff("dispatcher"), event.number)
    assert listed(staff("dispatcher")) == []


# ── reports on persons ──────────────────────────────────────────────────────────────────────────────


def test_a_danger_in_a_report_on_a_person_is_for_the_sealed_unit_alone(bench: Any, staff: Any) -> None:
    event = file(bench, ("举报所长", "他说我再举报就要弄死我全家。"), sealed=True)
    told = raised(bench, event)
    assert [(one.lane, one.audience, one.asked) for one in told] == [("sealed", "sealed", ["discipline"])]
    assert "report_on_person" not in told[0].codes
    for who in (staff("dispatcher"), staff("supervisor"), staff("officer", unit="petition-office")):
        assert refused(bench, who, event.number) == "no_such_case"
    assert after(bench, MINUTES) == 1
    assert {unit for one in raised(bench, event) for unit in one.asked} == {"discipline"}
    acknowledge(bench, staff("sealed_officer", unit="discipline"), event.number)
    assert bench.lanes(event.petition_id) == {"sealed"}


def test_what_reads_like_a_report_on_a_person_asks_no_unit_before_a_dispatcher_has_looked(
    bench: Any, staff: Any
) -> None:
    event = file(bench, ("举报镇干部受贿", "实名举报干部贪污受贿、滥用职权，他放话说要打断我的腿。"))
    (told,) = raised(bench, event)
    assert (told.audience, told.unit, told.asked) == ("dispatchers", None, [])
    assert after(bench, 1000) == 0
    with bench.house.work() as work:
        desk.dispatch(work, staff("dispatcher"), Target(event.number), "discipline", "")
    last = raised(bench, event)[-1]
    assert (last.audience, last.asked) == ("sealed", ["discipline"])


def test_a_case_that_becomes_sealed_is_seen_no_more_by_units_that_were_asked(bench: Any, staff: Any) -> None:
    event = file(bench)
    officer = staff("officer", unit="petition-office")
    with bench.house.work() as work:
        desk.dispatch(work, staff("dispatcher"), Target(event.number), "discipline", "文中检举单位负责人，转专办。")
    assert refused(bench, officer, event.number) == "no_such_case"
    assert raised(bench, event)[-1].asked == ["discipline"]


# ── figures ───────────── ────────────────────────────────────────────────────────────────────────────


def test_open_and_overdue_dangers_are_counted(bench: Any, staff: Any) -> None:
    event = file(bench)

    def figures() -> tuple[float, float]:
        bench.house.settings.__dict__["worker_port"] = 1
        measuring.measure(bench.house)
        value = bench.house.metrics.registry.get_sample_value
        names = ("wenzheng_risk_alerts_open", "wenzheng_risk_alerts_overdue")
        found = [value(name, {"level": "urgent"}) for name in names]
        return found[0] or 0.0, found[1] or 0.0

    assert figures() == (1, 0)
    after(bench, 11)
    assert figures() == (1, 1)
    acknowledge(bench, staff("dispatcher"), event.number)
    assert figures() == (0, 0)
