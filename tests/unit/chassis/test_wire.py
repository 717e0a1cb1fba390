"""Unit: what a message of any kind is read as, or refused for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import amqp
import pytest

from services.chassis import wire
from services.contracts.envelope import Registry, Rejected
from services.contracts.portals import PortalPetitionFiled

REGISTRY = Registry(PortalPetitionFiled)
BODY = b'{"reference": "A-1", "kind": "complaint", "title": "a", "body": "b"}'
HEADERS = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/portal",
    "type": "portal.petition.filed.v1",
    "subject": "A-1",
    "time": "2026-03-02T01:00:00Z",
}


def message(**attributes: Any) -> amqp.Message:
    headers = {f"cloudEvents:{name}": value for name, value in (HEADERS | attributes).items()}
    return amqp.Message(BODY, content_type="application/json", application_headers=headers)


def test_a_sequence_may_come_as_a_number_or_as_its_digits() -> None:
    assert [wire.read(message(sequence=given), REGISTRY).sequence for given in (7, "7", "007")] == [7, 7, 7]


@pytest.mark.parametrize("given", ["²", "٣", "x", "-1", "1.0", " 1", "9" * 256, -1, 2**62, 1.5, True, {"a": 1}])
def test_a_sequence_that_is_no_count_is_refused_and_breaks_nothing(given: object) -> None:
    with pytest.raises(Rejected) as refused:
        wire.read(message(sequence=given), REGISTRY)
    assert (refused.value.code, refused.value.field) == ("invalid_attribute", "sequence")


def test_an_event_is_encoded_as_py_amqp_itself_would_read_it() -> None:
    at = datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=8)))
    more = {"cause": "c-1", "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
    sent = wire.message(
        event_id="e-1",
        source="intake",
        type_="a.b.v1",
        subject="主体",
        time=at,
        sequence=7,
        body=BODY,
        cause=more["cause"],
        traceparent=more["traceparent"],
    )
    got = amqp.Message()
    got._load_properties(amqp.Message.CLASS_ID, sent._serialize_properties(), 0)
    attributes = {"specversion": "1.0", "id": "e-1", "source": "intake", "type": "a.b.v1", "subject": "主体"} | more
    attributes |= {"time": "2026-03-02T01:00:00+00:00"}
    headers = {f"cloudEvents:{name}": value for name, value in attributes.items()} | {"cloudEvents:sequence": 7}
    assert got.properties == {
        "content_type": "application/json",
        "application_headers": headers,
        "delivery_mode": 2,
        "message_id": "e-1",
    }


@pytest.mark.parametrize(
    ("redelivered", "written", "counted"), [(False, 17, 0), (True, 2, 2), (True, "many", 0), (True, None, 0)]
)
def test_a_delivery_count_is_the_brokers_own_so_none_at_the_first_delivery(
    redelivered: bool, written: int | str | None, counted: int
) -> None:
    one = message()
    one.properties["application_headers"] |= {} if written is None else {"x-delivery-count": written}
    one.delivery_info = {"redelivered": redelivered}
    assert wire.deliveries(one) == counted
