"""The judgement learns from dispatchers: their decisions become a model, the model sends on what words alone cannot."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from services.chassis.errors import Refusal
from services.contracts.routing import PetitionAssessed, PetitionDispatched
from services.routing import store
from services.routing.handlers import desk
from services.routing.handlers import staff as staff_cases
from services.routing.handlers.desk import Target
from services.routing.models import Case, JudgeModel
from services.routing.retraining import challenge
from services.routing.web import create_app
from tests.integration.routing.deciding import CULTURE, FARMING, PLACES, send
from tests.integration.routing.test_routing_web import HASHED, csrf, sign_in, version_on


def rows(bench: Any) -> list[Any]:
    with bench.house.database.read() as session:
        return list(store.learned.decided(session))


def learn(bench: Any) -> str:
    """Train, keep and promote."""
    now = bench.clock.now()
    with bench.house.database.read() as session:
        present = store.directory.read(session).on(store.directory.today(session, now))
    found = challenge(rows(bench), present, None, now)
    with bench.house.work() as work:
        store.learned.keep(work.session, found.id, found.data, now, found.rows, found.report)
        store.learned.put_in_force(work.session, found.id, now, "lin")
    return found.id


def test_what_dispatchers_decided_is_sent_on_without_them_and_says_by_which_model(decided: Any) -> None:
    name = learn(decided)
    event = decided.petition("花灯架子倒了", "柳叶坊的花灯架子倒在路边，竹架散了一地。")
    decided.deliver(event)
    assessed, dispatched = decided.told(event.petition_id)
    assert isinstance(assessed, PetitionAssessed) and isinstance(dispatched, PetitionDispatched)
    assert dispatched.case.unit is not None and dispatched.case.unit.id == CULTURE
    judged = dispatched.case.assessment
    assert (judged.model, judged.reasons[0].code) == (name, "learned")
    assert "花灯" in "".join(reason.detail for reason in judged.reasons if reason.code == "word")
    assert {one.unit for one in judged.past} == {CULTURE}
    assert judged.candidates[0].unit == CULTURE


def test_what_nobody_decided_yet_still_waits_for_a_dispatcher(decided: Any) -> None:
    learn(decided)
    event = decided.petition("有件事", "说了很多次了，没有人管。")
    decided.deliver(event)
    (assessed,) = decided.told(event.petition_id)
    assert assessed.case.state == "under_review"


def test_an_objection_that_was_upheld_teaches_the_other_unit(bench: Any, staff: Any) -> None:
    event = send(bench, staff, "花灯架子歪了", "东桥头的花灯架子歪了。", FARMING)
    officer = staff("officer", unit=FARMING)
    with bench.house.work() as work:
        desk.hand_back(work, officer, Target(event.number), "灯会设施由文化部门管理，不属本单位")
    assert rows(bench) == []
    with bench.house.work() as work:
        desk.dispatch(work, staff("dispatcher"), Target(event.number), CULTURE, "异议成立，改由文化部门承办")
    assert [(row.id, row.label) for row in rows(bench)] == [(event.petition_id, CULTURE)]


def test_a_dispatch_by_rule_teaches_only_when_the_unit_accepts_it(bench: Any, staff: Any) -> None:
    event = bench.petition("路灯不亮", "锦梭路小学门口，三盏路灯不亮。", adcode="990101003")
    bench.deliver(event)
    assert rows(bench) == []
    with bench.house.work() as work:
        desk.accept(work, staff("officer", unit="urban-management"), Target(event.number))
    assert [row.label for row in rows(bench)] == ["urban-management"]


def test_a_report_on_a_person_is_never_learned_from(bench: Any, staff: Any) -> None:
    event = bench.petition("某干部收礼", "村里的干部收了包工头的礼。", sealed=True)
    bench.deliver(event)
    with bench.house.work() as work:
        desk.accept(work, staff("sealed_officer"), Target(event.number))
    assert rows(bench) == []


def test_a_broken_model_never_stops_dispatch(decided: Any) -> None:
    name = learn(decided)
    with decided.house.database.read() as session:
        assert store.learned.champion(session) == name
    with decided.house.work() as work:
        data = bytearray(work.session.scalars(select(JudgeModel.data)).one())
        data[len(data) // 2] ^= 1
        work.session.execute(update(JudgeModel).where(JudgeModel.id == name).values(data=bytes(data)))
    event = decided.petition("路灯不亮", "锦梭路小学门口，三盏路灯不亮。", adcode="990101003")
    decided.deliver(event)
    dispatched = decided.told(event.petition_id)[-1]
    assert isinstance(dispatched, PetitionDispatched)
    assert dispatched.case.unit is not None and dispatched.case.unit.id == "urban-management"
    assert dispatched.case.assessment.model is None


def test_going_back_takes_effect_with_the_next_petition(decided: Any) -> None:
    learn(decided)
    with decided.house.work() as work:
        store.learned.put_in_force(work.session, None, work.now, "lin")
    event = decided.petition("花灯架子倒了", "柳叶坊的花灯架子倒在路边，竹架散了一地。")
    decided.deliver(event)
    (assessed,) = decided.told(event.petition_id)
    assert (assessed.case.state, assessed.case.assessment.model) == ("under_review", None)


def test_a_dozen_decisions_are_too_few_to_learn_from(bench: Any, staff: Any) -> None:
    for place in PLACES:
        send(bench, staff, "花灯架子歪了", f"{place}的花灯架子歪了。", CULTURE)
    with pytest.raises(Refusal) as refused:
        learn(bench)
    assert refused.value.code == "too_few_decisions"


def test_the_desk_says_why_and_one_press_corrects_and_teaches(decided: Any) -> None:
    name = learn(decided)
    event = decided.petition("花灯架子倒了", "柳叶坊的花灯架子倒在路边，竹架散了一地。")
    decided.deliver(event)
    with decided.house.work() as work:
        staff_cases.add_account(work, "wu", "Wu", "petition-office", ["dispatcher"], HASHED)
    client = create_app(decided.house).test_client()
    client.set_cookie("wz_lang", "en")
    sign_in(client, "wu")
    path = f"/desk/{event.number}"
    page = client.get(path).text
    assert f"Judged by model {name}" in page
    assert "Dispatchers sent such petitions to Culture, Sports and Tourism Bureau." in page
    assert "Decided petitions like it" in page and "花灯架子歪了" in page

    # It went to the wrong unit after all: a press corrects it, and the next training learns from it.
    reason = "The judgement named the wrong unit; corrected by the dispatcher."
    form = {"csrf_token": csrf(client, path), "version": version_on(client, path), "unit": FARMING, "reason": reason}
    assert client.post(f"{path}/dispatch", data=form).status_code == 303
    assert rows(decided)[-1].label == FARMING


def test_a_unit_that_is_likely_is_one_press_away_while_the_case_is_with_none(decided: Any, staff: Any) -> None:
    learn(decided)
    event = decided.petition("花灯架子倒了", "柳叶坊的花灯架子倒在路边，竹架散了一地。")
    decided.deliver(event)
    with decided.house.work() as work:
        officer = staff("officer", unit=CULTURE)
        desk.hand_back(work, officer, Target(event.number), "花灯由街道搭设，请核实由谁负责拆除")
        staff_cases.add_account(work, "wu", "Wu", "petition-office", ["dispatcher"], HASHED)
    client = create_app(decided.house).test_client()
    sign_in(client, "wu")
    page = client.get(f"/desk/{event.number}").text
    forms = [part.split("</form>")[0] for part in page.split(f'action="/desk/{event.number}/dispatch"')[1:]]
    (offered,) = [form for form in forms if f'name="unit" value="{CULTURE}"' in form]
    assert 'name="csrf_token"' in offered and 'name="version"' in offered and 'name="reason"' in offered


def test_a_case_that_is_sealed_after_the_training_is_shown_beside_no_other(decided: Any, staff: Any) -> None:
    learn(decided)
    event = decided.petition("花灯架子倒了", "柳叶坊的花灯架子倒在路边，竹架散了一地。")
    decided.deliver(event)
    past = decided.told(event.petition_id)[-1].case.assessment.past
    with decided.house.work() as work:
        numbers = [work.get(Case, one.petition_id).number for one in past]
        staff_cases.add_account(work, "wu", "Wu", None, ["dispatcher", "sealed_officer"], HASHED)
    with decided.house.work() as work:
        desk.dispatch(work, staff("dispatcher"), Target(numbers[0]), "discipline", "内容涉及检举，转交纪检部门办理")
    client = create_app(decided.house).test_client()
    client.set_cookie("wz_lang", "en")
    sign_in(client, "wu")
    page = client.get(f"/desk/{event.number}").text
    assert numbers[0] not in page
    assert all(number in page for number in numbers[1:])
    assert past[0].petition_id not in client.get(f"/api/cases/{event.number}").text
    assert past[0].petition_id not in {row.id for row in rows(decided)}
