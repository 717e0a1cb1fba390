"""What becomes of intake's events: judged once, dispatched when sure, followed to the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import select

from services.chassis.ids import uuid7
from services.chassis.migrate import differences
from services.contracts.intake import (
    PetitionRated,
    PetitionSubmitted,
    PetitionSupplemented,
    PetitionWithdrawn,
    Rating,
    Supplement,
)
from services.contracts.routing import PetitionAssessed, PetitionClosed, PetitionDispatched
from services.routing import handlers, store
from services.routing.handlers import desk, petitions
from services.routing.models import Base, Case, ShingleBand


def case_of(bench: Any, petition_id: str) -> Case:
    with bench.house.database.read() as session:
        found: Case = session.get(Case, petition_id)
    return found


def test_the_migrated_tables_are_those_of_the_models(bench: Any) -> None:
    assert differences(bench.house.database, "services.routing", Base.metadata) == []


def test_a_clear_petition_is_judged_then_dispatched_with_its_due_date(bench: Any) -> None:
    event = bench.petition("路灯不亮", "锦梭路小学门口，三盏路灯不亮。", adcode="990101003")
    bench.deliver(event)
    assessed, dispatched = bench.told(event.petition_id)
    assert isinstance(assessed, PetitionAssessed) and isinstance(dispatched, PetitionDispatched)
    assert (assessed.case.state, assessed.case.audience, assessed.case.unit) == ("under_review", "units", None)
    assert dispatched.case.state == "dispatched"
    assert dispatched.case.unit is not None and dispatched.case.unit.id == "urban-management"
    assert dispatched.case.unit.name.en == "Urban Management Bureau"
    assert dispatched.case.unit_line == ["county-government"]
    assert (dispatched.by, dispatched.case.hops) == ("rule", 1)
    assert dispatched.case.due_at == datetime(2026, 5, 1, 15, 59, 59, tzinfo=UTC)
    assert {reason.code for reason in dispatched.case.assessment.reasons} >= {"word", "subject"}


def test_an_unclear_petition_waits_for_the_dispatcher(bench: Any) -> None:
    event = bench.petition("有件事", "说了很多次了，没有人管。")
    bench.deliver(event)
    (assessed,) = bench.told(event.petition_id)
    assert assessed.case.state == "under_review"
    assert [reason.code for reason in assessed.case.assessment.reasons] == ["no_match"]
    assert case_of(bench, event.petition_id).step_due_at == datetime(2026, 3, 17, 15, 59, 59, tzinfo=UTC)


def test_the_same_event_twice_opens_one_case(bench: Any) -> None:
    event, event_id = bench.petition("路灯不亮"), uuid7()
    bench.deliver(event, ids=[event_id])
    bench.deliver(event, ids=[event_id])
    bench.deliver(event)
    assert len(bench.told(event.petition_id)) == 2


def test_a_report_on_a_person_is_sealed_from_the_first_event(bench: Any) -> None:
    event = bench.petition("教育局某科长收学费回扣", "学校 学费 校服", sealed=True)
    bench.deliver(event)
    assessed, dispatched = bench.told(event.petition_id)
    assert (assessed.case.audience, dispatched.case.audience) == ("sealed", "sealed")
    assert dispatched.case.unit.id == "discipline"
    assert bench.lanes(event.petition_id) == {"sealed"}
    assert assessed.case.assessment.subject is None


def test_a_report_on_a_person_is_nobodys_look_alike(bench: Any) -> None:
    text = "望澄街道办主任在路灯采购中收好处费，路灯至今不亮，知情人愿意作证，请查一查账目。" * 2
    sealed = bench.petition("举报", text, sealed=True, petitioner_key="k")
    bench.deliver(sealed)
    open_one = bench.petition("路灯不亮", text, petitioner_key="k")
    again = bench.petition("再次举报", text, sealed=True, petitioner_key="k")
    bench.deliver(open_one)
    bench.deliver(again)
    for event in (open_one, again):
        assert bench.told(event.petition_id)[0].case.assessment.look_alikes == []
    with bench.house.database.read() as session:
        ids = set(session.scalars(select(ShingleBand.petition_id)))
    assert ids == {open_one.petition_id}


def test_a_case_sealed_in_the_batch_it_came_with_is_found_by_none_of_that_batch_or_later(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "船厂宿舍三号楼六楼，早上六点到八点水龙头只有一根线那么细，洗衣机进不了水，热水器打不着火。"
    first, second, third = (bench.petition("水压太低", text) for _ in range(3))

    def take_in_and_seal(delivery: Any, work: Any) -> None:
        petitions.take_in(delivery, work)
        if delivery.event.petition_id == first.petition_id:
            store.loading.forget_features(work, work.get(Case, first.petition_id))

    table: dict[Any, Any] = handlers.ON_PETITION
    monkeypatch.setitem(table, PetitionSubmitted, take_in_and_seal)
    bench.deliver(first, second)
    bench.deliver(third)
    assert bench.told(second.petition_id)[0].case.assessment.look_alikes == []
    found = bench.told(third.petition_id)[0].case.assessment.look_alikes
    assert [one.number for one in found] == [second.number]


@pytest.mark.parametrize("words", ["？", "好", "🙂"])
def test_a_petition_without_a_word_to_be_found_by_goes_its_way(bench: Any, words: str) -> None:
    event = bench.petition(words, words)
    bench.deliver(event)
    assert case_of(bench, event.petition_id).state == "under_review"
    with bench.house.database.read() as session:
        assert session.scalars(select(ShingleBand.petition_id)).all() == []


def test_what_reads_like_a_report_on_a_person_is_kept_from_units(bench: Any) -> None:
    event = bench.petition("某所长索贿受贿", "虚报冒领补贴，收好处费。")
    bench.deliver(event)
    (assessed,) = bench.told(event.petition_id)
    assert (assessed.case.audience, assessed.case.state) == ("dispatchers", "under_review")


def test_look_alikes_are_found_in_the_same_batch_and_in_an_earlier_one(bench: Any) -> None:
    text = "船厂宿舍三号楼六楼，早上六点到八点水龙头只有一根线那么细，洗衣机进不了水，热水器打不着火。"
    first, second = bench.petition("水压太低", text), bench.petition("水压还是太低", text)
    bench.deliver(first, second)
    third = bench.petition("自来水水压", text + "请尽快。")
    bench.deliver(third)
    (alike,) = bench.told(second.petition_id)[0].case.assessment.look_alikes
    assert (alike.number, "text" in alike.reasons) == (first.number, True)
    found = {one.number for one in bench.told(third.petition_id)[0].case.assessment.look_alikes}
    assert found == {first.number, second.number}


def test_a_petitioner_who_writes_again_is_recognised(bench: Any) -> None:
    first = bench.petition("路灯不亮", petitioner_key="k")
    bench.deliver(first)
    bench.clock.move(timedelta(days=60))
    second = bench.petition("路灯还是坏的，没有路灯", petitioner_key="k")
    bench.deliver(second)
    (alike,) = bench.told(second.petition_id)[0].case.assessment.look_alikes
    assert (alike.number, "same_petitioner" in alike.reasons) == (first.number, True)


def test_a_supplement_that_names_the_matter_gets_the_petition_dispatched(bench: Any) -> None:
    event = bench.petition("那件事", "还是没人管。")
    bench.deliver(event)
    added = [Supplement(text="锦梭路的路灯不亮，没有路灯", at=bench.clock.now())]
    bench.deliver(bench.later(event, PetitionSupplemented, supplements=added), sequence=2)
    kinds = [type(one) for one in bench.told(event.petition_id)]
    assert kinds == [PetitionAssessed, PetitionAssessed, PetitionDispatched]
    assert bench.told(event.petition_id)[-1].case.unit.id == "urban-management"


def test_a_supplement_after_dispatch_moves_nothing(bench: Any) -> None:
    event = bench.petition("路灯不亮")
    bench.deliver(event)
    added = [Supplement(text="另外物业费太贵，物业公司不公开", at=bench.clock.now())]
    bench.deliver(bench.later(event, PetitionSupplemented, supplements=added), sequence=2)
    assert len(bench.told(event.petition_id)) == 2
    assert case_of(bench, event.petition_id).unit_id == "urban-management"


def test_a_withdrawn_petition_is_closed(bench: Any) -> None:
    event = bench.petition("路灯不亮")
    bench.deliver(event)
    gone = bench.later(event, PetitionWithdrawn, withdrawn_at=bench.clock.now(), withdrawal_reason="修好了")
    bench.deliver(gone, sequence=2)
    last = bench.told(event.petition_id)[-1]
    assert isinstance(last, PetitionClosed)
    assert (last.reason, last.case.state, last.case.closed_at) == ("withdrawn", "withdrawn", bench.clock.now())


def test_a_withdrawal_that_overtakes_the_filing_still_ends_the_case(bench: Any) -> None:
    event = bench.petition("路灯不亮")
    gone = bench.later(event, PetitionWithdrawn, withdrawn_at=bench.clock.now())
    bench.deliver(gone, sequence=2)
    bench.deliver(event, sequence=1)
    assert case_of(bench, event.petition_id).state == "withdrawn"
    assert isinstance(bench.told(event.petition_id)[-1], PetitionClosed)


def test_a_rating_closes_the_case_once_there_is_a_reply(bench: Any, staff: Any) -> None:
    event = bench.petition("路灯不亮")
    bench.deliver(event)
    rating = Rating(solved=True, satisfaction=5, comment="好", at=bench.clock.now())
    bench.deliver(bench.later(event, PetitionRated, rating=rating), sequence=2)
    assert case_of(bench, event.petition_id).state == "dispatched"
    officer, target = staff("officer", unit="urban-management"), desk.Target(event.number)
    with bench.house.work() as work:
        desk.accept(work, officer, target)
    with bench.house.work() as work:
        desk.reply(work, officer, target, "路灯已于3月3日全部修复，感谢您的反映，请放心出行。", "supported", "")
    bench.deliver(bench.later(event, PetitionRated, rating=rating), sequence=3)
    last = bench.told(event.petition_id)[-1]
    assert isinstance(last, PetitionClosed) and (last.reason, last.case.state) == ("rated", "closed")


def test_without_a_directory_everything_waits_for_the_dispatcher(bench: Any) -> None:
    with bench.house.work() as work:
        for table in ("directory", "unit", "subject", "area"):
            work.session.execute(Base.metadata.tables[table].delete())
    event = bench.petition("路灯不亮")
    bench.deliver(event)
    (assessed,) = bench.told(event.petition_id)
    assert assessed.case.state == "under_review"


def test_a_batch_takes_a_few_statements_however_long_it_is(bench: Any) -> None:
    statements: list[str] = []
    sql_event.listen(
        bench.house.database.engine, "before_cursor_execute", lambda c, cur, sql, *rest: statements.append(sql)
    )

    def cost(count: int) -> int:
        events = [bench.petition("路灯不亮", f"第{n}盏路灯不亮，请来修", petitioner_key=f"k{n}") for n in range(count)]
        statements.clear()
        bench.deliver(*events)
        return len(statements)

    few = cost(5)
    assert cost(150) <= few + 5
