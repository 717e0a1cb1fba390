"""Who is told of what, by which way, and what staff may see of it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.contracts.envelope import Text
from services.notify.domain import (
    Manner,
    Matter,
    Scope,
    message_id,
    scope_of,
    told_of,
    way_to_citizen,
    way_to_portal,
    way_to_unit,
)
from services.notify.masks import mask_address, mask_name

ZONE = ZoneInfo("Asia/Shanghai")
WITH_SMTP = Manner("https://wz.example", True, ZONE, portals={"river": "portal", "hook": "webhook", "mute": None})
WITHOUT_SMTP = Manner("https://wz.example", False, ZONE)


def matter(occasion: str = "dispatched", because: str = "") -> Matter:
    return Matter("e1", occasion, "dispatched", datetime(2026, 3, 2, tzinfo=UTC), because=because)  # type: ignore[arg-type]


def test_a_citizen_with_mail_gets_mail() -> None:
    assert way_to_citizen("y@example.org", "+8613800130117", WITH_SMTP) == ("mail", "y@example.org", "pending", None)


def test_without_a_mail_server_the_mail_is_delivered_to_the_mailbox() -> None:
    assert way_to_citizen("y@example.org", None, WITHOUT_SMTP) == ("mailbox", "y@example.org", "sent", None)


def test_a_citizen_with_only_a_phone_is_shown_as_not_told() -> None:
    way = way_to_citizen(None, "+8613800130117", WITH_SMTP)
    assert way == ("phone", "+8613800130117", "skipped", "no_text_messages")


def test_a_citizen_without_any_contact_gets_no_message() -> None:
    assert way_to_citizen(None, None, WITH_SMTP) is None
    assert way_to_citizen("", "", WITH_SMTP) is None


def test_a_unit_without_an_office_address_is_told_in_the_mailbox() -> None:
    assert way_to_unit(None, False, WITH_SMTP).channel == "mailbox"
    assert way_to_unit("office@unit.example", False, WITH_SMTP).channel == "mail"


def test_a_report_on_a_person_never_goes_to_a_units_office_mail() -> None:
    assert way_to_unit("office@unit.example", True, WITH_SMTP).channel == "mailbox"


def test_a_portal_with_only_a_webhook_is_told_by_it_and_one_with_neither_is_shown_as_not_told() -> None:
    assert way_to_portal("river", WITH_SMTP) == ("portal", "river", "pending", None)
    assert way_to_portal("hook", WITH_SMTP)[:3] == ("webhook", "hook", "pending")
    assert way_to_portal("mute", WITH_SMTP) == ("webhook", "mute", "skipped", "no_webhook_channel")
    assert way_to_portal("gone", WITH_SMTP) == ("portal", "gone", "failed", "unknown_portal")


def test_no_unit_is_told_of_the_receipt() -> None:
    assert told_of(matter("received")) == ("citizen", "portal")


@pytest.mark.parametrize("occasion", ["dispatched", "replied"])
def test_dispatch_and_reply_are_told_to_all_three(occasion: str) -> None:
    assert told_of(matter(occasion)) == ("citizen", "unit", "portal")


def test_who_rated_the_reply_is_not_told_that_the_case_is_closed() -> None:
    assert told_of(matter("closed", "rated")) == ("portal",)
    assert told_of(matter("closed", "rating_lapsed")) == ("citizen", "portal")
    assert told_of(matter("closed", "withdrawn")) == ("citizen", "unit", "portal")


def test_a_matter_that_waits_is_read_back_as_it_was() -> None:
    at = datetime(2026, 3, 2, 1, tzinfo=UTC)
    full = Matter(
        "e1", "dispatched", "dispatched", at, "00-x", "u", Text(zh="住建局", en="Housing"), at, True, "withdrawn"
    )
    assert Matter.from_dict(full.as_dict()) == full
    assert Matter.from_dict(matter("received").as_dict()) == matter("received")


def test_one_event_recipient_and_channel_has_one_id() -> None:
    assert message_id("e1", "citizen", "mail") == message_id("e1", "citizen", "mail")
    ids = {message_id(e, r, c) for e in ("e1", "e2") for r in ("citizen", "unit") for c in ("mail", "mailbox")}
    assert len(ids) == 8


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("yitang.song@example.org", "y***@example.org"),
        ("+8613800130117", "138****0117"),
        ("+441632960001", "441****0001"),
        ("110", "****10"),
        ("", ""),
    ],
)
def test_a_citizens_address_is_masked(address: str, shown: str) -> None:
    assert mask_address("citizen", address) == shown


def test_an_office_address_is_shown() -> None:
    assert mask_address("unit", "housing@chenghu.example") == "housing@chenghu.example"
    assert mask_address("portal", "river") == "river"


def test_of_a_name_only_the_first_character_is_shown() -> None:
    assert mask_name("宋以棠") == "宋**"
    assert mask_name("Ann Lee") == "A**"
    assert mask_name("  ") == ""


def test_each_role_reads_what_is_its_own() -> None:
    assert scope_of({"dispatcher"}, None) == Scope(common=True)
    assert scope_of({"supervisor"}, "housing") == Scope(common=True)
    assert scope_of({"administrator"}, None) == Scope()
    assert scope_of({"officer"}, "housing") == Scope(unit_id="housing")
    assert scope_of({"sealed_officer"}, "housing") == Scope(sealed=True)
    assert scope_of({"sealed_officer", "dispatcher"}, None) == Scope(common=True, sealed=True)
    assert not scope_of({"publisher"}, "housing")
    assert not scope_of({"officer"}, None)
