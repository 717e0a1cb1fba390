"""The petition office is told of a hot topic once: in the house's mailbox, or by its mail without anybody's words."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from services.contracts.alerts import TopicEmerging
from services.notify import store
from services.notify.domain import scope_of
from services.notify.models import Message
from services.notify.sending import mails
from services.notify.store import Wanted
from tests.integration.notify.conftest import OpenStreet
from tests.integration.notify.street import START, Street, unit_changed

NAME = "锦梭路粮库旧址堆煤扬尘"


def topic(**values: Any) -> TopicEmerging:
    given: dict[str, Any] = {
        "topic_id": "t1",
        "name": NAME,
        "place": "锦梭路粮库旧址",
        "size": 7,
        "people": 6,
        "recent": 6,
        "usual": 0.5,
        "since": START,
        "heat": 12.34,
        "burst": 2.1,
        "numbers": ["WZ-26-1", "WZ-26-2"],
        **values,
    }
    return TopicEmerging(**given)


def test_without_an_office_the_message_lies_in_the_mailbox_and_names_the_topic(mailbox: Street) -> None:
    mailbox.tell(topic())
    (message,) = mailbox.messages()
    told = (message.occasion, message.recipient, message.channel, message.delivery)
    assert told == ("topic", "unit", "mailbox", "sent")
    assert NAME in message.subject and "七天内6人" in message.subject
    for part in ("锦梭路粮库旧址", "7件", "WZ-26-1、WZ-26-2等", "12.3", "2026年3月2日", "/desk/topics/t1"):
        assert part in message.body


def test_the_office_is_mailed_and_what_petitioners_wrote_stays_in_the_house(open_street: OpenStreet) -> None:
    street = open_street(smtp_url="smtp://127.0.0.1:1", office_unit="housing")
    street.tell(unit_changed(), topic())
    (message,) = street.messages()
    assert (message.channel, message.delivery, message.unit_id) == ("mail", "pending", "housing")
    assert message.address == "housing@chenghu.example"
    assert "https://wz.example/desk/topics/t1" in message.body and "住房和城乡建设局" in message.body
    for private in (NAME, "锦梭路", "WZ-26-1"):
        assert private not in message.subject + message.body


def test_an_office_that_no_event_told_of_yet_is_told_in_the_mailbox(open_street: OpenStreet) -> None:
    street = open_street(smtp_url="smtp://127.0.0.1:1", office_unit="housing")
    street.tell(topic())
    assert street.told() == {("topic", "unit", "mailbox", "sent")}


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_it_is_told_in_the_language_of_the_house(open_street: OpenStreet, language: str) -> None:
    street = open_street(default_language=language)
    street.tell(topic(place=""))
    (message,) = street.messages()
    expected = "A hot topic comes up" if language == "en" else "熱點正在升溫"
    assert expected in message.subject and NAME in message.subject


def test_the_same_event_tells_once_and_another_burst_anew(mailbox: Street) -> None:
    first = mailbox.envelope(topic())
    mailbox.hand(first)
    mailbox.hand(first, queue="notify.other")
    assert len(mailbox.messages()) == 1
    mailbox.tell(topic())
    assert len(mailbox.messages()) == 2


def test_a_mailed_topic_is_settled_without_the_story_of_a_petition(open_street: OpenStreet) -> None:
    street = open_street(smtp_url="smtp://127.0.0.1:1", office_unit="housing")
    street.tell(unit_changed(), topic())
    street.house.database.close()
    street = open_street(office_unit="housing")
    mails(street.house).run()
    (message,) = street.messages()
    assert (message.channel, message.delivery) == ("mailbox", "sent")
    assert street.notices() == []


@pytest.mark.parametrize(
    ("roles", "unit", "reads"),
    [
        ({"supervisor"}, None, True),
        ({"dispatcher"}, None, True),
        ({"officer"}, "housing", False),
        ({"sealed_officer"}, None, False),
    ],
)
def test_who_reads_the_mailbox_reads_of_topics(mailbox: Street, roles: set[str], unit: str | None, reads: bool) -> None:
    mailbox.tell(topic())
    with mailbox.house.database.read() as session:
        rows, total = store.page_of(session, scope_of(roles, unit), Wanted(), 1, 10)
        name = session.scalars(select(Message.id)).one()
        assert (store.one(session, scope_of(roles, unit), name) is not None) is reads
    assert (len(rows), total) == ((1, 1) if reads else (0, 0))
