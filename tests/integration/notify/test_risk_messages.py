"""The unit on duty is told of an urgent danger at once, once an asking, and with nothing of the petitioner."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.contracts.alerts import RiskAcknowledged, RiskRaised
from services.contracts.envelope import Text
from services.contracts.routing import RiskFinding
from tests.integration.notify.street import HOUSING, START, Case, Street, unit_changed

pytestmark = pytest.mark.filterwarnings("error")
CLAUSE = "三单元宋以棠家里有很浓的煤气味"


def about(case: Case, **values: Any) -> dict[str, Any]:
    given = {
        "audience": "units",
        "level": "urgent",
        "codes": ["gas"],
        "names": [Text(zh="燃气泄漏", en="Gas leak")],
        "raised_at": START,
        "asked": ["housing"],
    }
    return {**case.head, **given, **values}


def raised(case: Case, **values: Any) -> RiskRaised:
    given = {
        "unit": HOUSING,
        "due_at": START + timedelta(minutes=10),
        "evidence": [RiskFinding(code="gas", level="urgent", word="煤气味", clause=CLAUSE)],
        **values,
    }
    return RiskRaised(**about(case), **given)


def test_the_unit_on_duty_is_told_by_mail_with_an_unmistakable_subject(street: Street) -> None:
    case = Case()
    street.tell(unit_changed(), case.submitted(), raised(case))
    (message,) = street.messages(occasion="risk")
    assert (message.recipient, message.channel, message.delivery) == ("unit", "mail", "pending")
    assert (message.unit_id, message.address) == ("housing", "housing@chenghu.example")
    assert "紧急风险：燃气泄漏" in message.subject and "09:10前签收" in message.subject
    assert case.head["number"] in message.subject


def test_without_a_mail_server_the_message_lies_in_the_mailbox(mailbox: Street) -> None:
    case = Case()
    mailbox.tell(unit_changed(), raised(case))
    assert mailbox.told() == {("risk", "unit", "mailbox", "sent")}


def test_nothing_of_the_petitioner_is_in_the_message(street: Street) -> None:
    case = Case()
    street.tell(unit_changed(), case.submitted(), case.contact(), raised(case))
    (message,) = street.messages(occasion="risk")
    for private in ("宋以棠", "yitang.song", "K7PM", CLAUSE, "煤气味", "地下车库没灯"):
        assert private not in message.subject + message.body


def test_the_same_event_tells_once_and_every_asking_anew(street: Street) -> None:
    case = Case()
    street.tell(unit_changed())
    first, again = street.envelope(raised(case)), street.envelope(raised(case, step=1, again=1))
    street.hand(first)
    street.hand(first, queue="notify.other")
    street.hand(first, again, queue="notify.third")
    messages = street.messages(occasion="risk")
    assert len(messages) == 2
    assert sum("至今无人签收" in one.body for one in messages) == 1


def test_who_comes_after_another_is_told_so(street: Street) -> None:
    case = Case()
    street.tell(unit_changed(), raised(case, step=2))
    assert "上一级值守单位未按时签收" in street.messages(occasion="risk")[0].body


def test_a_danger_that_no_unit_is_asked_about_is_told_to_nobody(street: Street) -> None:
    case = Case(portal="river")
    street.tell(case.submitted(), case.contact(), raised(case, unit=None))
    assert street.messages(occasion="risk") == []


def test_a_sealed_petitions_danger_stays_in_the_house_and_is_not_named(street: Street) -> None:
    case = Case("p2", sealed=True)
    street.tell(unit_changed(), case.submitted(), RiskRaised(**{**msg(case), "audience": "sealed"}))
    (message,) = street.messages(occasion="risk")
    assert (message.channel, message.delivery) == ("mailbox", "sent")
    assert "燃气泄漏" not in message.subject + message.body


def test_a_petition_that_became_sealed_keeps_its_danger_in_the_house_whichever_lane_it_came_by(street: Street) -> None:
    case = Case("p3")
    street.tell(unit_changed(), RiskRaised(**{**msg(case), "audience": "sealed"}))
    assert street.messages(occasion="risk")[0].channel == "mailbox"
    assert street.correspondence("p3").sealed


def test_an_acknowledgement_is_taken_and_told_to_nobody(street: Street) -> None:
    case = Case()
    street.tell(unit_changed(), raised(case))
    street.tell(RiskAcknowledged(**about(case), by="s1", acknowledged_at=START))
    assert len(street.messages(occasion="risk")) == 1


def msg(case: Case) -> dict[str, Any]:
    return {**about(case), "unit": HOUSING, "due_at": START + timedelta(minutes=10)}
