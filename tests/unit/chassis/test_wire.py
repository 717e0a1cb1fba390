"""Unit: what a message of any kind is read as, or refused for."""

from __future__ import annotations

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
