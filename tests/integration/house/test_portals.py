"""What an external portal relies on: its own virtual host, signed webhooks, one answer for each petition."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any

import amqp
import pytest
from amqp.exceptions import AMQPError

from tests.house import House, portal_event, until

pytestmark = pytest.mark.broker


def test_a_portals_event_is_answered_in_its_own_queue_and_repeats_change_nothing(house: House) -> None:
    reference = f"N-{uuid.uuid4().hex[:8]}"
    first = _send(house, "north", reference)[reference]
    again = _send(house, "north", reference)[reference]
    assert first["number"] == again["number"]
    assert first["query_code"] == again["query_code"]
    assert first["number"] in first["status_url"]
    house.judged(first["number"])
    until(lambda: house.found(q=first["number"]))


def test_what_becomes_of_the_petition_is_told_under_the_portals_own_reference(house: House) -> None:
    reference = f"N-{uuid.uuid4().hex[:8]}"
    number = _send(house, "north", reference)[reference]["number"]
    house.judged(number)

    def told() -> bool:
        updates = [a for a in _answers(house, "north") if a["type"] == "portal.petition.updated.v1"]
        _KEPT.setdefault(reference, []).extend(a["data"] for a in updates if a["data"]["reference"] == reference)
        return {"received"} <= {update["occasion"] for update in _KEPT[reference]}

    until(told)
    assert all(update["number"] == number for update in _KEPT[reference])


def test_each_wrong_event_is_refused_with_its_code_and_its_neighbours_go_through(house: House) -> None:
    good = [f"G-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    wrong: dict[str, dict[str, Any]] = {
        "unknown_kind": {"data": {"kind": "poem"}},
        "empty_body": {"data": {"body": "  "}},
        "wrong_content_type": {"content_type": "text/plain"},
        "unsupported_version": {"type": "portal.petition.filed.v9"},
        "unknown_type": {"type": "something.else.v1"},
        "malformed_json": {"body": b"{no json"},
        "missing_attribute": {"subject": ""},
    }
    references = {code: f"W-{uuid.uuid4().hex[:8]}" for code in wrong}
    _publish(house, "south", _message("south", good[0]))
    for code, change in wrong.items():
        _publish(house, "south", _message("south", references[code], **change))
    _publish(house, "south", _message("south", good[1]))
    answers: list[dict[str, Any]] = []

    def all_there() -> bool:
        answers.extend(_answers(house, "south"))
        refused = {a["data"]["code"] for a in answers if a["type"] == "portal.petition.refused.v1"}
        registered = {a["data"]["reference"] for a in answers if a["type"] == "portal.petition.registered.v1"}
        return set(wrong) <= refused and set(good) <= registered

    until(all_there)
    by_code = {a["data"]["code"]: a["data"] for a in answers if a["type"] == "portal.petition.refused.v1"}
    assert by_code["unknown_kind"]["field"] == "kind"
    assert by_code["unknown_kind"]["reference"] == references["unknown_kind"]


def test_a_portal_cannot_write_into_anothers_virtual_host(house: House) -> None:
    connection = house.portal_connection("north", vhost_of="south")
    with pytest.raises(AMQPError):
        connection.connect()


def test_a_message_that_names_another_user_is_refused_by_the_broker(house: House) -> None:
    with pytest.raises(AMQPError):
        _publish(house, "north", _message("south", "forged"))


def test_a_message_without_a_user_is_refused_on_the_portals_queue(house: House) -> None:
    reference = f"A-{uuid.uuid4().hex[:8]}"
    _publish(house, "north", _message("", reference))
    answers: list[dict[str, Any]] = []

    def refused() -> bool:
        answers.extend(_answers(house, "north"))
        return any(a["data"].get("reference") == reference and "code" in a["data"] for a in answers)

    until(refused)
    assert not house.found(q=reference)


def test_a_webhook_is_answered_with_number_and_code_and_the_same_again(house: House) -> None:
    body = json.dumps(portal_event(f"H-{uuid.uuid4().hex[:8]}"), ensure_ascii=False)
    first, again = house.webhook("north", body), house.webhook("north", body)
    assert first.status_code == 201, first.text
    assert {"number", "query_code", "status_url"} <= set(first.json())
    assert again.ok
    assert again.json()["number"] == first.json()["number"]
    until(lambda: house.found(q=first.json()["number"]))


def test_a_batch_of_webhook_events_has_one_result_each(house: House) -> None:
    events = [portal_event(f"B-{uuid.uuid4().hex[:8]}") for _ in range(3)]
    events[1]["data"]["kind"] = "poem"
    answer = house.webhook("north", json.dumps(events), "application/cloudevents-batch+json")
    assert answer.status_code in (201, 207), answer.text
    text = answer.text
    assert text.count('"number"') == 2
    assert "unknown_kind" in text


def _poison(house: House, reference: str) -> list[amqp.Message]:
    """What no portal should send: nothing of it may end the loop that reads it."""
    good = _message("south", reference)
    headers = dict(good.properties["application_headers"])

    def made(body: bytes, extra: dict[str, Any] | None = None, **properties: Any) -> amqp.Message:
        given = {"user_id": "south", "delivery_mode": 2, "content_type": "application/json", **properties}
        return amqp.Message(body, application_headers=headers | (extra or {}), **given)

    return [
        # A body that the library decodes into halves of characters.
        made(b"+2AA-", content_encoding="utf-7"),
        made(gzip.compress(good.body), content_encoding="gzip"),
        made(good.body, {"cloudEvents:type": {"a": [1, {"b": None}]}}),
        made(good.body, {"cloudEvents:id": "\ud800", "x": [1.5, True]}),
        made(b"[" * 200_000),
        made(b'{"reference": "' + b"x" * 10_000_000 + b'"}'),
        made(b"\xff\xfe\x00", {"x-delivery-count": "many"}),
        made(b"{}", {"nameko.call_id_stack": 5}),
        made(b'{"reference": "a\\ud800", "title": "\\u0000"}', {"cloudEvents:time": "1970-01-01T00:00:00Z"}),
        amqp.Message(b"{}", user_id="south"),
    ]


def test_whatever_a_portal_sends_its_neighbours_go_through_and_its_loop_goes_on(house: House) -> None:
    before, after = (f"P-{uuid.uuid4().hex[:8]}" for _ in range(2))
    for message in _poison(house, before):
        _publish(house, "south", message)
    assert "number" in _send(house, "south", before)[before]
    for message in _poison(house, after):
        _publish(house, "south", message)
    assert "number" in _send(house, "south", after)[after]


def test_a_delivery_count_that_a_portal_made_up_condemns_nothing(house: House) -> None:
    reference = f"D-{uuid.uuid4().hex[:8]}"
    message = _message("south", reference)
    # The broker puts its own in the place of it as soon as it counts.
    message.properties["application_headers"]["x-delivery-count"] = 17
    assert "number" in _send(house, "south", reference, message)[reference]


@pytest.mark.parametrize(
    ("status", "code", "changes"),
    [
        (401, "bad_signature", {"secret": "whsec_" + "A" * 32}),
        (404, "unknown_portal", {"path": "nowhere"}),
        (401, "bad_signature", {"path": "south"}),
    ],
)
def test_a_webhook_that_is_not_the_portals_own_is_turned_away(
    house: House, status: int, code: str, changes: dict[str, str]
) -> None:
    answer = house.webhook("north", json.dumps(portal_event("x")), **changes)
    assert answer.status_code == status
    assert answer.json()["code"] == code


#: Updates that one test has read out of the shared queue.
_KEPT: dict[str, list[dict[str, Any]]] = {}


def _message(user: str, reference: str, **change: Any) -> amqp.Message:
    event = portal_event(reference, **change.pop("data", {}))
    body = change.pop("body", json.dumps(event["data"], ensure_ascii=False).encode())
    content_type = change.pop("content_type", "application/json")
    attributes = {name: event[name] for name in ("specversion", "id", "source", "type", "subject", "time")} | change
    return amqp.Message(
        body,
        content_type=content_type,
        delivery_mode=2,
        message_id=event["id"],
        application_headers={f"cloudEvents:{name}": value for name, value in attributes.items()},
        **({"user_id": user} if user else {}),
    )


def _publish(house: House, portal: str, message: amqp.Message) -> None:
    with house.portal_connection(portal) as connection:
        channel: Any = connection.channel()
        channel.confirm_select()
        channel.basic_publish_confirm(message, exchange="house", routing_key="portal.petition.filed.v1")


def _answers(house: House, portal: str) -> list[dict[str, Any]]:
    found = []
    with house.portal_connection(portal) as connection:
        channel: Any = connection.channel()
        while (message := channel.basic_get("answers", no_ack=True)) is not None:
            headers = message.properties["application_headers"]
            found.append({"type": headers["cloudEvents:type"], "data": json.loads(message.body)})
    return found


def _send(house: House, portal: str, reference: str, message: amqp.Message | None = None) -> dict[str, dict[str, Any]]:
    _publish(house, portal, message or _message(portal, reference))
    found: dict[str, dict[str, Any]] = {}

    def registered() -> bool:
        for answer in _answers(house, portal):
            if answer["type"] == "portal.petition.registered.v1":
                found[answer["data"]["reference"]] = answer["data"]
            else:
                _KEPT.setdefault(answer["data"]["reference"], []).append(answer["data"])
        return reference in found

    until(registered)
    return found
