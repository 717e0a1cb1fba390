"""Is anything lost? What a comparison finds in each service, what it puts right, and what it leaves alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text

from services.chassis.delivery import outbox
from services.chassis.ids import uuid7, uuid7_from
from services.chassis.reconcile import Difference, standing
from services.cli.reconcile import Result
from services.contracts.routing import PetitionAccepted, Reply, ReplyIssued
from services.intake import store as intake_store
from services.intake.handlers import rate, supplement
from services.routing.handlers.record import tell, unit_of
from services.routing.models import Case
from services.search.models import PetitionView
from services.search.snapshots import documents
from tests.integration.reconcile.town import NAMES, Town

ALL = ("routing", "intake", "notify", "search")


def kinds(found: list[Difference]) -> list[tuple[str, str, bool]]:
    return [(one.owner, one.kind, one.repaired) for one in found]


def answer(town: Town, petition_id: str) -> None:
    """The unit accepts and replies; the events go their way."""
    with town.houses["routing"].work() as work:
        case = work.get(Case, petition_id)
        assert case is not None
        case.state, case.accepted_at = "accepted", work.now
        tell(work, case, PetitionAccepted, by="s1")
    with town.houses["routing"].work() as work:
        case = work.get(Case, petition_id)
        assert case is not None
        unit = unit_of(case)
        assert unit is not None
        reply = Reply(text="井盖已经固定。", outcome="supported", unit=unit, issued_at=work.now)
        case.state, case.reply = "replied", msgspec.to_builtins(reply)
        tell(work, case, ReplyIssued, by="s1")
    town.pump()


def dump(town: Town) -> dict[tuple[str, str], list[str]]:
    """Everything but the comparisons themselves and what delivery notes of them."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in NAMES:
        with town.read(name) as session:
            for table in sorted(session.connection().dialect.get_table_names(session.connection())):
                if not table.startswith(("reconcile_", "inbox", "outbox", "alembic")):
                    rows = session.execute(text(f'select * from "{table}"'))
                    found[name, table] = sorted(repr([_plain(value) for value in row]) for row in rows)
    return found


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def messages(town: Town, petition_id: str) -> list[tuple[str, str]]:
    with town.read("notify") as session:
        query = text("select occasion, recipient from message where petition_id = :id order by occasion, recipient")
        return [tuple(row) for row in session.execute(query, {"id": petition_id})]


def test_nothing_differs_where_nothing_was_lost(town: Town) -> None:
    for number in range(8):
        town.file(f"路灯不亮 {number}", sealed=number % 3 == 2, portal=None, publish=number % 2 == 0)
    receipts = [town.file(), town.file(name=None, mail=None)]
    answer(town, receipts[0].petition_id)
    with town.houses["intake"].work() as work:
        supplement(work, receipts[1].petition_id, "今天又松了。")
        rate(work, receipts[0].petition_id, True, 5, "很快")
    town.pump()
    for service, owners in (("routing", 1), ("intake", 1), ("notify", 2), ("search", 2)):
        run = town.run(service)
        assert town.finish(run).compared == 10 * owners
        assert run.found() == []


# ── routing ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_that_disappeared_is_opened_again_and_its_news_is_taken_by_all(town: Town) -> None:
    lost, kept = town.file(), town.file("另一件事")
    before = town.row("routing", kept.petition_id)
    town.drop("routing", lost.petition_id)
    found = town.reconcile("routing")
    assert [one.subject for one in found] == [lost.petition_id]
    assert kinds(found) == [("intake", "missing", True)]
    town.pump()
    case = town.row("routing", lost.petition_id)
    assert (case["state"], case["number"]) == ("dispatched", lost.number)
    assert town.row("routing", kept.petition_id) == before
    with town.read("routing") as session:
        steps = session.execute(
            text("select position, step from history where petition_id = :id order by position"),
            {"id": lost.petition_id},
        ).all()
    assert [step for _, step in steps] == ["submitted", "assessed", "dispatched"] * 2
    with town.houses["search"].database.read() as session:
        view = session.get(PetitionView, lost.petition_id)
        assert view is not None
        assert view.seen["routing"] == case["sequence"]
    assert [town.reconcile(service) for service in ALL] == [[], [], [], []]


def test_what_routing_missed_or_has_otherwise_is_put_right(town: Town) -> None:
    behind, wrong, sealed = town.file(), town.file(), town.file(sealed=True)
    town.lost = {"petition.supplemented.v1"}
    with town.houses["intake"].work() as work:
        supplement(work, behind.petition_id, "今天又松了。")
    town.pump()
    town.lost = set()
    town.falsify("routing", wrong.petition_id, title="别的事情")
    town.falsify("routing", sealed.petition_id, sealed=False, audience="dispatchers")
    found = town.reconcile("routing")
    assert {one.subject: one.kind for one in found} == {
        behind.petition_id: "behind",
        wrong.petition_id: "different",
        sealed.petition_id: "different",
    }
    assert all(one.repaired for one in found)
    with town.houses["routing"].database.read() as session:
        case = session.get(Case, behind.petition_id)
        assert case is not None
        assert [added["text"] for added in case.petition["supplements"]] == ["今天又松了。"]
    assert town.row("routing", wrong.petition_id)["title"] == "橡园里窨井盖松动"
    assert town.row("routing", sealed.petition_id)["audience"] == "sealed"
    town.pump()
    assert town.reconcile("routing") == []


# ── intake ──────────────────────────────────────────────────────────────────────────────────────────


def test_progress_that_intake_missed_is_shown_with_its_step_and_once_though_the_event_comes_after_all(
    town: Town,
) -> None:
    receipt = town.file()
    town.absent = {"intake"}
    answer(town, receipt.petition_id)
    missed = [one for queue, one in town.handed if queue == "search.events" and one.type == "reply.issued.v1"]
    town.absent = set()
    assert kinds(town.reconcile("intake")) == [("routing", "behind", True)]
    assert town.row("intake", receipt.petition_id)["state"] == "replied"

    def steps() -> list[str]:
        with town.read("intake") as session:
            return [step.code for step in intake_store.steps_of(session, receipt.petition_id)]

    assert steps().count("replied") == 1
    town.bring("intake.progress", *missed)
    assert steps().count("replied") == 1
    assert town.reconcile("intake") == []


def test_a_false_state_at_intake_is_put_right(town: Town) -> None:
    receipt = town.file()
    town.falsify("intake", receipt.petition_id, state="closed", unit_id="nobody")
    assert kinds(town.reconcile("intake")) == [("routing", "different", True)]
    assert town.row("intake", receipt.petition_id)["state"] == "dispatched"
    assert town.reconcile("intake") == []


def test_what_intake_itself_has_lost_is_named_by_all_and_deleted_by_none(town: Town) -> None:
    receipt = town.file()
    for table in ("contact", "step"):
        town.execute("intake", f"delete from {table} where petition_id = :id", id=receipt.petition_id)
    town.drop("intake", receipt.petition_id)
    assert kinds(town.reconcile("search")) == [("intake", "unknown", False)]
    assert kinds(town.reconcile("routing")) == [("intake", "unknown", False)]
    found = town.reconcile("intake")
    assert kinds(found) == [("routing", "missing", False)]
    assert found[0].note == "lost_here"
    assert town.row("search", receipt.petition_id)["title"] == "橡园里窨井盖松动"


def test_an_owner_with_an_older_state_is_named_and_nothing_is_set_back(town: Town) -> None:
    receipt = town.file()
    with town.houses["intake"].work() as work:
        supplement(work, receipt.petition_id, "今天又松了。")
    town.pump()
    town.falsify("intake", receipt.petition_id, sequence=1)
    before = town.row("search", receipt.petition_id)
    assert kinds(town.reconcile("search")) == [("intake", "ahead", False)]
    assert town.row("search", receipt.petition_id) == before


# ── search ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_that_search_lost_comes_back_whole_and_goes_into_the_index_over_its_old_document(town: Town) -> None:
    receipt = town.file()
    answer(town, receipt.petition_id)
    before = town.row("search", receipt.petition_id)
    town.drop("search", receipt.petition_id)
    assert kinds(town.reconcile("search")) == [("intake", "missing", True), ("routing", "missing", True)]
    after = town.row("search", receipt.petition_id)
    assert after["version"] > before["version"]
    counted = {"version", "indexed_version", "changed_at", "indexed_at", "notices_delivered", "notices_failed"}
    assert {k: v for k, v in after.items() if k not in counted} == {k: v for k, v in before.items() if k not in counted}
    assert town.reconcile("search") == []


@pytest.mark.parametrize(
    "values",
    [
        {"title": "别的事情"},
        {"number": "WZ-0"},
        {"reply": "假的"},
        {"state": "closed"},
        {"sealed": False, "audience": "dispatchers"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_false_column_of_search_is_found_and_put_right(town: Town, values: dict[str, Any]) -> None:
    receipt = town.file(sealed="sealed" in values)
    if "reply" in values:
        answer(town, receipt.petition_id)
    town.falsify("search", receipt.petition_id, **values)
    found = town.reconcile("search")
    assert {one.subject for one in found} == {receipt.petition_id}
    assert all((one.kind, one.repaired) == ("different", True) for one in found)
    row = town.row("search", receipt.petition_id)
    assert {name: row[name] for name in values} != values
    assert town.reconcile("search") == []


def test_more_rows_than_the_owner_has_are_compared_in_small_transactions(town: Town) -> None:
    """The owner came back empty: the copy is read in pieces, and every petition is named."""
    receipts = [town.file(f"路灯不亮 {number}") for number in range(9)]
    for table in ("contact", "step", "petition"):
        town.execute("intake", f"delete from {table}")
    run = town.run("search", page=2)
    town.finish(run)
    lost = [one for one in run.found() if one.owner == "intake"]
    assert {one.subject for one in lost} == {receipt.petition_id for receipt in receipts}
    assert {one.kind for one in lost} == {"unknown"}


# ── notify ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_correspondence_comes_back_with_its_contact_and_nobody_is_told_twice(town: Town) -> None:
    receipt = town.file()
    told = messages(town, receipt.petition_id)
    assert ("received", "citizen") in told
    assert ("dispatched", "citizen") in told
    town.drop("notify", receipt.petition_id)
    found = town.reconcile("notify")
    assert kinds(found) == [("intake", "missing", True), ("routing", "missing", True)]
    row = town.row("notify", receipt.petition_id)
    assert (row["mail"], row["title"]) == ("song@example.org", "橡园里窨井盖松动")
    assert messages(town, receipt.petition_id) == told
    assert town.reconcile("notify") == []


def test_a_receipt_that_was_owed_is_sent_once_though_the_filing_comes_after_all(town: Town) -> None:
    town.lost = {"petition.submitted.v1", "petition.assessed.v1", "petition.dispatched.v1"}
    receipt = town.file()
    town.lost = set()
    assert messages(town, receipt.petition_id) == []
    with town.read("intake") as session:
        filed = session.execute(select(outbox).where(outbox.c.type == "petition.submitted.v1")).one()
    assert kinds(town.reconcile("notify")) == [("intake", "missing", True)]
    assert messages(town, receipt.petition_id) == [("received", "citizen")]
    town.bring("notify.events", town.envelope(filed))
    assert messages(town, receipt.petition_id) == [("received", "citizen")]
    assert town.reconcile("notify") == []


def test_news_of_a_case_that_was_owed_is_told_once_though_the_event_comes_after_all(town: Town) -> None:
    receipt = town.file()
    told = messages(town, receipt.petition_id)
    town.absent = {"notify"}
    answer(town, receipt.petition_id)
    missed = [one for queue, one in town.handed if queue == "search.events" and one.type == "reply.issued.v1"]
    town.absent = set()
    assert kinds(town.reconcile("notify")) == [("routing", "behind", True)]
    owed = [("replied", "citizen"), ("replied", "unit")]
    assert messages(town, receipt.petition_id) == sorted(told + owed)
    town.bring("notify.events", *missed)
    assert messages(town, receipt.petition_id) == sorted(told + owed)
    assert town.reconcile("notify") == []


def test_what_was_sealed_on_its_way_stands_in_another_lane_than_its_owners_and_is_no_difference(town: Town) -> None:
    """A case that went to a sealed unit is sealed at notify, while its events go on in the lane they began in."""
    receipt = town.file()
    town.falsify("notify", receipt.petition_id, sealed=True)
    assert town.reconcile("notify") == []


def test_a_false_title_at_notify_is_put_right_and_nothing_is_sent(town: Town) -> None:
    receipt = town.file()
    told = messages(town, receipt.petition_id)
    town.falsify("notify", receipt.petition_id, title="别的事情")
    assert kinds(town.reconcile("notify")) == [("intake", "different", True)]
    assert town.row("notify", receipt.petition_id)["title"] == "橡园里窨井盖松动"
    assert messages(town, receipt.petition_id) == told


# ── all ─────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_on_its_way_is_no_difference(town: Town) -> None:
    town.file()
    town.absent = {"search"}
    late = town.file()
    answer(town, late.petition_id)
    town.absent = set()
    run = town.run("search", grace=30)
    town.pump()
    assert run.step().suspected == 2
    # The queue gives what it held back all the time.
    for name in ("intake", "routing"):
        with town.read(name) as session:
            rows = session.execute(select(outbox).where(outbox.c.subject == late.petition_id)).all()
        town.bring("search.events", *[town.envelope(row) for row in rows if row.type in town.types("search.events")])
    now = town.finish(run)
    assert (now.differ, run.found()) == (0, [])


def test_a_check_changes_nothing(town: Town) -> None:
    receipts = [town.file(), town.file(), town.file(sealed=True)]
    town.falsify("routing", receipts[0].petition_id, title="别的事情")
    town.falsify("intake", receipts[0].petition_id, state="closed")
    town.drop("search", receipts[1].petition_id)
    town.drop("notify", receipts[2].petition_id)
    before = dump(town)
    found = {service: kinds(town.reconcile(service, repair=False)) for service in ALL}
    assert found == {
        "routing": [("intake", "different", False)],
        "intake": [("routing", "different", False)],
        "notify": [("intake", "missing", False), ("routing", "missing", False)],
        "search": [("intake", "missing", False), ("routing", "missing", False)],
    }
    assert dump(town) == before


def test_what_is_sealed_stays_in_sealed_queues_and_no_contact_is_in_any_answer(town: Town) -> None:
    sealed, common = town.file(sealed=True, phone="+8613800130117"), town.file(phone="+8613800130117")
    for service in ("routing", "notify", "search"):
        for receipt in (sealed, common):
            town.drop(service, receipt.petition_id)
    town.handed.clear()
    for service in ALL:
        town.reconcile(service)
    for service in NAMES:
        with town.read(service) as session:
            bodies = [
                row.body.decode() for row in session.execute(select(outbox).where(outbox.c.source == "snapshots"))
            ]
        assert bodies
        for body in bodies:
            assert not any(secret in body for secret in ("song@example.org", "13800130117", "宋以棠"))
    # Of a sealed petition not even the id is in an open queue, and none of an open one in a sealed queue.
    for queue, envelope in town.handed:
        body = msgspec.json.encode(envelope.data).decode()
        assert (sealed.petition_id in body) <= queue.endswith(("sealed", "reports")), (queue, envelope.type)
        if envelope.source == "snapshots":
            assert (common.petition_id in body) <= (not queue.endswith("sealed")), (queue, envelope.type)
    contacts = {queue for queue, envelope in town.handed if envelope.type == "contact.supplied.v1"}
    assert contacts == {"notify.contacts", "notify.contacts-sealed"}


def test_an_owner_that_is_absent_is_waited_for_by_name(town: Town) -> None:
    town.file()
    town.absent = {"routing"}
    run = town.run("search")
    for _ in range(5):
        town.pump()
        now = run.step()
    assert (now.done, now.waiting_for) == (False, ("routing",))
    time.sleep(0.05)
    assert run.step().silent_s > 0.04
    assert run.unsent() == {}


def test_requests_that_the_askers_own_worker_does_not_publish_are_told_apart(town: Town) -> None:
    town.absent = {"search"}
    run = town.run("search")
    town.pump()
    assert run.step().waiting_for == ("intake", "routing")
    assert run.unsent() == {"intake": "", "routing": ""}
    run.end()
    assert run.unsent() == {}


def test_nobody_is_asked_further_once_a_comparison_has_ended(town: Town) -> None:
    for number in range(9):
        town.file(f"路灯不亮 {number}")
    run = town.run("search", page=1)
    run.end()
    town.pump()
    with town.read("search") as session:
        pages = session.execute(text("select pages from reconcile_stream")).scalars().all()
    assert pages == [0, 0, 0, 0]


def test_events_that_nobody_takes_and_documents_that_the_index_lost_count_as_lost(town: Town) -> None:
    receipt = town.file()
    house = town.houses["search"]
    assert not Result("search", outbox=standing(house), index=documents(house)).differs
    town.falsify("search", receipt.petition_id, indexed_version=1)
    assert documents(house) == (1, 0)
    assert Result("search", index=documents(house)).differs
    town.execute("intake", "update outbox set published_at = null, problem = 'unroutable' where position = 1")
    stands = standing(town.houses["intake"])
    assert (stands.unpublished, stands.refused) == (1, 1)
    assert Result("intake", outbox=stands).differs


def test_only_what_was_filed_since_is_compared(town: Town) -> None:
    old = town.file()
    time.sleep(0.01)
    moment = datetime.now(UTC)
    new = town.file()
    for receipt in (old, new):
        town.falsify("search", receipt.petition_id, title="别的事情")
    found = town.reconcile("search", after=uuid7_from(moment))
    assert [one.subject for one in found] == [new.petition_id]


def test_a_bound_lies_between_the_ids_of_two_moments() -> None:
    now = datetime.now(UTC)
    assert uuid7_from(now - timedelta(seconds=1)) < uuid7() < uuid7_from(now + timedelta(seconds=1))
