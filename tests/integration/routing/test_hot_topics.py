"""Live topics: a burst of strangers is told once, sealed cases are in none, figures lead to their cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.chassis.ids import uuid7, uuid7_from
from services.contracts.alerts import TopicEmerging
from services.contracts.intake import PetitionSupplemented, PetitionWithdrawn, Supplement
from services.routing import store
from services.routing.commands import app as commands
from services.routing.handlers import desk
from services.routing.handlers import staff as staff_cases
from services.routing.handlers.desk import Target
from services.routing.looking import Looked, look_at
from services.routing.models import Case, Topic, TopicCase
from services.routing.web import create_app
from tests.integration.routing.test_routing_web import HASHED, sign_in
from tests.unit.routing.petition_texts import BURST, OTHER_PLACE, OTHER_TROUBLE, SINGLE

QUIET = OTHER_PLACE + OTHER_TROUBLE + SINGLE


def file(bench: Any, texts: Sequence[tuple[str, str]], since: datetime, **values: Any) -> list[Any]:
    """Petitions of as many people, one a day, a quarter of an hour each after the hour."""
    events = [
        bench.petition(
            title,
            body,
            petition_id=uuid7_from(since + timedelta(days=number)) + uuid7()[13:],
            submitted_at=since + timedelta(days=number),
            petitioner_key=values.get("petitioner_key", f"{since:%j}-{number}"),
            **{name: value for name, value in values.items() if name != "petitioner_key"},
        )
        for number, (title, body) in enumerate(texts)
    ]
    bench.deliver(*events)
    return events


def raised(bench: Any) -> list[TopicEmerging]:
    return [event for event in bench.told() if isinstance(event, TopicEmerging)]


def look(bench: Any) -> Looked:
    return look_at(bench.house)


@pytest.fixture
def busy(bench: Any) -> Any:
    """Three weeks of this and that, then six strangers in a week about one depot of coal."""
    now = bench.clock.now()
    file(bench, QUIET, now - timedelta(days=24))
    bench.depot = file(bench, BURST, now - timedelta(days=5, hours=1))
    return bench


def test_a_burst_of_six_strangers_in_a_week_raises_exactly_one_event(busy: Any) -> None:
    found = look(busy)
    (event,) = raised(busy)
    assert event.recent == event.people == event.size == 6
    assert "粮库旧址" in event.name
    assert event.since == busy.depot[0].petition.submitted_at
    assert event.numbers == [one.number for one in reversed(busy.depot)]
    assert event.burst > 1.0 and event.heat > 0.0 and event.usual <= 0.5
    assert event.lane == ""
    assert (found.coming_up, len(found.told)) == (1, 1)


def test_looking_again_tells_nothing_again(busy: Any) -> None:
    look(busy)
    for hours in (0, 1, 24, 48):
        busy.clock.move(timedelta(hours=hours))
        assert look(busy).told == []
    assert len(raised(busy)) == 1


def test_whoever_joins_a_burst_that_goes_on_raises_it_no_second_time(busy: Any) -> None:
    look(busy)
    for day in range(10):
        busy.clock.move(timedelta(days=1))
        file(busy, [BURST[day % 6]], busy.clock.now() - timedelta(hours=1), petitioner_key=f"joined-{day}")
        look(busy)
    assert len(raised(busy)) == 1


def test_a_matter_that_comes_up_again_after_a_quiet_time_is_told_again(busy: Any) -> None:
    look(busy)
    busy.clock.move(timedelta(days=80))
    assert look(busy).topics == 0
    file(busy, BURST, busy.clock.now() - timedelta(days=5, hours=1))
    look(busy)
    assert len({event.topic_id for event in raised(busy)}) == len(raised(busy)) == 2


def test_a_topic_keeps_its_id_from_look_to_look(busy: Any) -> None:
    look(busy)
    busy.clock.move(timedelta(days=1))
    file(busy, [BURST[0]], busy.clock.now(), petitioner_key="late")
    look(busy)
    with busy.house.database.read() as session:
        (topic,) = [one for one in store.topics.hottest(session) if "粮库" in one.name]
    assert topic.id == raised(busy)[0].topic_id
    assert topic.size == 7


def test_reports_on_persons_are_in_no_topic(bench: Any) -> None:
    now = bench.clock.now()
    file(bench, QUIET, now - timedelta(days=24))
    file(bench, BURST, now - timedelta(days=5, hours=1), sealed=True)
    assert look(bench).coming_up == 0
    assert raised(bench) == []
    with bench.house.database.read() as session:
        assert (
            store.topics.members(session)
            .keys()
            .isdisjoint(one.petition_id for one in session.query(Case).filter(Case.sealed))
        )


def test_what_reads_like_a_report_on_a_person_is_in_no_topic(bench: Any) -> None:
    now = bench.clock.now()
    told = [(title, f"{body}检举所长索贿受贿，虚报冒领补贴，收好处费。") for title, body in BURST]
    file(bench, QUIET, now - timedelta(days=24))
    events = file(bench, told, now - timedelta(days=5, hours=1))
    with bench.house.database.read() as session:
        audiences = {session.get(Case, one.petition_id).audience for one in events}
    assert audiences == {"dispatchers"}
    look(bench)
    assert raised(bench) == []


def test_a_petition_that_was_taken_back_counts_no_more(busy: Any) -> None:
    for event in busy.depot[:4]:
        busy.deliver(
            busy.later(event, PetitionWithdrawn, withdrawn_at=busy.clock.now(), withdrawal_reason="已解决"), sequence=2
        )
    assert look(busy).coming_up == 0


def test_a_case_that_is_sealed_hides_its_topic_at_once_and_is_in_none_at_the_next_look(busy: Any, staff: Any) -> None:
    look(busy)
    gone = busy.depot[1]
    with busy.house.work() as work:
        desk.dispatch(work, staff("dispatcher"), Target(gone.number), "discipline", "内容涉及检举，转交纪检部门办理")
    with busy.house.database.read() as session:
        assert not [one for one in store.topics.hottest(session) if "粮库" in one.name]
    look(busy)
    with busy.house.database.read() as session:
        (topic,) = [one for one in store.topics.hottest(session) if "粮库" in one.name]
        shown = {one.number for one in store.topics.cases_of(session, staff("dispatcher", "sealed_officer"), topic.id)}
    assert (topic.size, len(shown)) == (5, 5) and gone.number not in shown
    assert len(raised(busy)) == 1


def test_a_petition_that_turns_into_a_report_on_a_person_hides_its_topic(busy: Any) -> None:
    # No word of it is in the directory, so that it waits for a dispatcher.
    lantern = ("花灯架子歪了", "柳叶坊的花灯架子歪在路边，路过的人都说该收拾了。")
    event, other = (busy.petition(*lantern, submitted_at=busy.clock.now()) for _ in range(2))
    busy.deliver(event, other)
    look(busy)
    with busy.house.work() as work:
        entry = work.get(TopicCase, event.petition_id)
        assert entry is not None and work.session.get(Topic, entry.topic_id).shown
        topic_id = entry.topic_id
        assert work.get(Case, event.petition_id).state == "under_review"
    added = Supplement(text="检举所长索贿受贿，虚报冒领补贴，收好处费。", at=busy.clock.now())
    busy.deliver(busy.later(event, PetitionSupplemented, supplements=[added]), sequence=2)
    with busy.house.database.read() as session:
        assert session.get(Case, event.petition_id).audience == "dispatchers"
        assert session.get(Topic, topic_id).shown is False


def test_a_case_that_is_sealed_while_the_look_goes_on_is_told_by_nobody(busy: Any, staff: Any) -> None:
    from services.routing.handlers.topics import keep
    from services.routing.topics.live import look as groups

    now = busy.clock.now()
    since = now - timedelta(days=30)
    with busy.house.database.read() as session:
        found = groups(store.topics.petitions(session, since, 5_000), since, now)
    with busy.house.work() as work:
        number = busy.depot[1].number
        desk.dispatch(work, staff("dispatcher"), Target(number), "discipline", "内容涉及检举，转交纪检部门办理")
    with busy.house.work() as work:
        assert keep(work, found, since, now) == []
    assert raised(busy) == []


def test_of_too_many_petitions_the_newest_are_gone_through(busy: Any) -> None:
    with busy.house.database.read() as session:
        rows = store.topics.petitions(session, busy.clock.now() - timedelta(days=30), 6)
    assert [row.id for row in rows] == [one.petition_id for one in busy.depot]


def test_what_is_older_than_the_days_looked_at_is_forgotten(busy: Any) -> None:
    look(busy)
    busy.clock.move(timedelta(days=60))
    look(busy)
    with busy.house.database.read() as session:
        assert store.topics.members(session) == {} and store.topics.topics(session) == {}


def test_the_command_looks_at_this_house_and_says_what_it_told(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENZHENG_DATA_FOLDER", str(tmp_path))
    with bench.house.database.read():
        now = bench.house.database.clock().now()
    file(bench, QUIET, now - timedelta(days=24))
    file(bench, BURST, now - timedelta(days=5, hours=1))
    first = CliRunner().invoke(commands, ["judge", "topics", "--json"], catch_exceptions=False)
    found = json.loads(first.stdout)
    assert found["petitions"] == len(QUIET) + 6 and found["coming_up"] == 1
    assert [one["people"] for one in found["told"]] == [6]
    second = CliRunner().invoke(commands, ["judge", "topics"], catch_exceptions=False)
    assert "1 come up, 0 told of now" in second.stdout
    assert len(raised(bench)) == 1


# ── the desk ─────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def client(busy: Any) -> Any:
    with busy.house.work() as work:
        staff_cases.add_account(work, "wu", "Wu", "petition-office", ["dispatcher"], HASHED)
        staff_cases.add_account(work, "fang", "Fang", "housing", ["officer"], HASHED)
    made = create_app(busy.house).test_client()
    made.set_cookie("wz_lang", "en")
    return made


def test_the_desk_shows_topics_with_figures_that_lead_to_their_cases(busy: Any, client: Any) -> None:
    look(busy)
    topic = raised(busy)[0]
    sign_in(client, "wu")
    queue = client.get("/desk").text
    assert "Comes up" in queue and topic.name in queue and "6 people in seven days" in queue
    page = client.get("/desk/topics").text
    assert topic.name in page and "<strong>6</strong> people" in page and "<strong>6</strong> petitions" in page
    assert page.count(f'href="/desk/topics/{topic.topic_id}"') == 5
    cases = client.get(f"/desk/topics/{topic.topic_id}").text
    assert all(f'href="/desk/{number}"' in cases for number in topic.numbers)


def test_before_the_first_look_the_page_says_that_there_is_nothing_yet(client: Any) -> None:
    sign_in(client, "wu")
    assert "No topic was found so far" in client.get("/desk/topics").text
    assert client.get("/desk/topics/unknown").status_code == 404


def test_who_sees_only_the_cases_of_a_unit_sees_no_topics(busy: Any, client: Any) -> None:
    look(busy)
    sign_in(client, "fang")
    assert client.get("/desk/topics").status_code == 403
    assert client.get(f"/desk/topics/{raised(busy)[0].topic_id}").status_code == 403
    assert raised(busy)[0].name not in client.get("/desk").text
