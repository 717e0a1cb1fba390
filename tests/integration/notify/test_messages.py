"""From events to messages: every order of arrival tells everybody once."""

from __future__ import annotations

from itertools import permutations

import pytest
from sqlalchemy import event as sqlalchemy_event

from services.chassis.migrate import differences
from services.contracts.envelope import Envelope
from services.contracts.intake import PetitionSupplemented
from services.notify import store
from services.notify.domain import CODE_MARK
from services.notify.models import Base
from tests.integration.notify.street import Case, Street, unit_changed

pytestmark = pytest.mark.filterwarnings("error")


def test_the_migrated_tables_are_those_of_the_models(street: Street) -> None:
    assert differences(street.house.database, "services.notify", Base.metadata) == []


def test_receipt_dispatch_and_reply_are_told_to_citizen_unit_and_portal(street: Street) -> None:
    case = Case(portal="river")
    street.tell(unit_changed())
    street.tell(case.submitted(), case.contact())
    street.tell(case.dispatched())
    street.tell(case.replied())
    assert street.told() == {
        (occasion, recipient, channel, "pending")
        for occasion in ("received", "dispatched", "replied")
        for recipient, channel in (("citizen", "mail"), ("unit", "mail"), ("portal", "portal"))
        if (occasion, recipient) != ("received", "unit")
    }


def test_every_order_of_arrival_tells_the_same(mailbox: Street) -> None:
    expected = None
    for index, order in enumerate(permutations(range(3))):
        case = Case(f"p{index}")
        events = [
            mailbox.envelope(case.submitted()),
            mailbox.envelope(case.contact()),
            mailbox.envelope(case.dispatched()),
        ]
        for position in order:
            mailbox.hand(events[position])
        rows = mailbox.messages(petition_id=f"p{index}")
        told = {(m.event_id, m.recipient, m.channel, m.body) for m in rows}
        assert len(rows) == 3, order
        said = {(m.occasion, m.recipient, m.channel, m.body.replace(f"p{index}", "p")) for m in rows}
        expected = expected or said
        assert said == expected
        assert len(told) == 3


def test_events_of_one_batch_in_any_order_tell_the_same(mailbox: Street) -> None:
    for index, order in enumerate(permutations(range(3))):
        case = Case(f"p{index}")
        events = [
            mailbox.envelope(case.submitted()),
            mailbox.envelope(case.contact()),
            mailbox.envelope(case.dispatched()),
        ]
        mailbox.hand(*[events[position] for position in order])
        assert len(mailbox.messages(petition_id=f"p{index}")) == 3, order


def test_the_receipt_carries_the_query_code_and_the_house_then_forgets_it(street: Street) -> None:
    case = Case()
    street.tell(case.contact())
    assert street.correspondence("p1").query_code == "K7PM-2XQ4"
    street.tell(case.submitted())
    (message,) = street.messages()
    assert (message.secret, message.address) == ("K7PM-2XQ4", "yitang.song@example.org")
    assert CODE_MARK in message.body and "K7PM-2XQ4" not in message.body
    assert street.correspondence("p1").query_code is None


def test_a_later_contact_does_not_bring_the_query_code_back(street: Street) -> None:
    case = Case()
    street.tell(case.submitted(), case.contact())
    street.tell(case.contact(mail="new@example.org"))
    row = street.correspondence("p1")
    assert (row.mail, row.query_code) == ("new@example.org", None)
    assert len(street.messages()) == 1


def test_what_waits_for_the_contact_is_told_when_it_comes(street: Street) -> None:
    case = Case()
    street.tell(case.submitted())
    street.tell(case.dispatched())
    assert street.messages(recipient="citizen") == []
    assert street.correspondence("p1").waiting_since is not None
    street.tell(case.contact())
    assert [m.occasion for m in street.messages(recipient="citizen")].count("received") == 1
    assert {m.occasion for m in street.messages(recipient="citizen")} == {"received", "dispatched"}
    row = street.correspondence("p1")
    assert (row.waiting, row.waiting_since) == ([], None)


def test_a_petition_without_contact_waits_for_nothing(street: Street) -> None:
    case = Case()
    # Routing's event came first: nothing is known of a contact yet.
    street.tell(case.dispatched())
    assert street.correspondence("p1").waiting_since is not None
    street.tell(case.submitted(contact=False))
    assert street.correspondence("p1").waiting_since is None
    assert street.messages(recipient="citizen") == []


def test_a_phone_alone_gives_messages_that_say_nobody_was_told(street: Street) -> None:
    case = Case()
    street.tell(case.submitted(), case.contact(mail=None, phone="+8613800130117"))
    (message,) = street.messages()
    assert (message.channel, message.delivery, message.problem) == ("phone", "skipped", "no_text_messages")
    assert message.secret is None and street.correspondence("p1").query_code is None
    assert street.notices() == []


def test_the_same_event_twice_makes_one_message(street: Street) -> None:
    case = Case(portal="river")
    events = [street.envelope(case.submitted()), street.envelope(case.contact()), street.envelope(case.dispatched())]
    street.hand(*events)
    before = street.told()
    count = len(street.messages())
    street.hand(*events)
    # A copy that reaches the house past the inbox, as after its entries were removed.
    street.hand(*events, queue="another")
    assert street.told() == before
    assert len(street.messages()) == count == 5


def test_a_receipt_that_was_overtaken_by_later_news_is_still_told(street: Street) -> None:
    case = Case()
    filed = case.submitted()
    first = street.envelope(filed, sequence=1)
    later = street.envelope(PetitionSupplemented(**case.head, petition=filed.petition), sequence=2)
    street.hand(street.envelope(case.contact()), later)
    street.hand(first)
    assert [m.event_id for m in street.messages(recipient="citizen")] == [first.id]


def test_an_overtaken_dispatch_is_no_news(street: Street) -> None:
    case = Case()
    street.tell(case.submitted(), case.contact())
    early, late = street.envelope(case.dispatched()), street.envelope(case.replied())
    street.hand(late)
    street.hand(early)
    assert {m.occasion for m in street.messages()} == {"received", "replied"}


def test_a_withdrawn_petition_is_confirmed_and_a_rated_one_is_not(street: Street) -> None:
    withdrawn, rated = Case("p1"), Case("p2")
    for case, reason in ((withdrawn, "withdrawn"), (rated, "rated")):
        street.tell(case.submitted(), case.contact(), case.closed(reason))
    assert {m.recipient for m in street.messages(petition_id="p1", occasion="closed")} == {"citizen", "unit"}
    assert street.messages(petition_id="p2", occasion="closed") == []


def test_without_a_mail_server_the_mailbox_is_told_and_the_house_says_so(mailbox: Street) -> None:
    case = Case()
    mailbox.tell(unit_changed())
    mailbox.tell(case.submitted(), case.contact(), case.dispatched())
    assert mailbox.told() == {
        ("received", "citizen", "mailbox", "sent"),
        ("dispatched", "citizen", "mailbox", "sent"),
        ("dispatched", "unit", "mailbox", "sent"),
    }
    notices = mailbox.notices()
    assert [n["type"] for n in notices] == ["notice.delivered.v1"] * 3
    assert [n["sequence"] for n in notices] == [1, 2, 3]
    ids = {m.id for m in mailbox.messages()}
    assert {n["notice_id"] for n in notices} == ids
    assert "yitang" not in str(notices) and "K7PM" not in str(notices)
    assert all(m.secret is None for m in mailbox.messages())


def test_a_report_on_a_person_tells_the_portal_its_state_and_no_more(street: Street) -> None:
    case = Case(portal="river", sealed=True)
    street.tell(unit_changed())
    street.tell(case.submitted(), case.contact(), case.dispatched(audience="sealed"), case.replied())
    for message in street.messages(recipient="portal"):
        assert '"unit":null' in message.body and '"reply":null' in message.body and '"due_at":null' in message.body
    for message in street.messages(recipient="unit"):
        assert message.channel == "mailbox"
    for message in street.messages(recipient="citizen"):
        assert "地下车库" not in message.subject + message.body and message.secret is None
    assert all(n["sealed"] for n in street.notices())


def test_a_portal_is_told_under_its_own_reference(street: Street) -> None:
    case = Case(portal="river")
    street.tell(case.submitted(contact=False), case.replied())
    replied = street.messages(recipient="portal", occasion="replied")[0]
    assert '"reference":"R-p1"' in replied.body and "灯已修好。" in replied.body


def test_a_portal_that_takes_no_updates_is_shown_as_not_told_and_an_unknown_one_as_failed(street: Street) -> None:
    street.tell(Case("p1", portal="hook").submitted(contact=False), Case("p2", portal="gone").submitted(contact=False))
    assert street.told() == {("received", "portal", "webhook", "skipped"), ("received", "portal", "portal", "failed")}
    (notice,) = street.notices()
    assert (notice["type"], notice["code"]) == ("notice.failed.v1", "unknown_portal")


def test_a_batch_of_two_hundred_needs_a_handful_of_statements(mailbox: Street) -> None:
    mailbox.tell(unit_changed())
    cases = [Case(f"p{index}", portal="river") for index in range(70)]
    batch: list[Envelope] = []
    for case in cases:
        batch += [
            mailbox.envelope(case.submitted()),
            mailbox.envelope(case.contact()),
            mailbox.envelope(case.dispatched()),
        ]
    statements: list[str] = []
    engine = mailbox.house.database.engine

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement.split(maxsplit=1)[0])

    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    mailbox.hand(*batch)
    sqlalchemy_event.remove(engine, "before_cursor_execute", note)
    assert len(mailbox.messages()) == 70 * 5
    assert len(statements) <= 14, statements


def test_a_unit_that_changed_its_address_is_written_to_at_the_new_one(street: Street) -> None:
    street.tell(unit_changed("old@chenghu.example"))
    street.tell(unit_changed("new@chenghu.example"))
    case = Case()
    street.tell(case.submitted(contact=False), case.dispatched())
    (message,) = street.messages(recipient="unit")
    assert message.address == "new@chenghu.example"


def test_the_wait_for_a_contact_is_seen_after_a_while(street: Street) -> None:
    street.tell(Case().submitted())
    with street.house.database.read() as session:
        assert [row.number for row in store.waiting(session, street.clock.now())] == ["WZ-26-p1"]
