"""What the broker is told to hold, and what each user may do there: pure rules."""

from __future__ import annotations

import re
from typing import ClassVar

import amqp
import pytest

from services.chassis.topology import (
    Binding,
    Subscription,
    again_route,
    back_exchange,
    blank_route,
    difference,
    is_blank,
    parked_route,
    planned,
    retry_route,
    work_queues,
)
from services.chassis.topology.definitions import Member, definitions, differences
from services.chassis.topology.rights import rights_of
from services.contracts.envelope import Event


class Ping(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "ping.v1"
    source: ClassVar[str] = "left"


class Secret(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "secret.v1"
    source: ClassVar[str] = "left.secrets"


HEARS = Subscription("right.pings", (Ping,))
SOURCES = ("left", "left.secrets", "right", "all")


def test_partitions_are_numbered_and_one_is_the_queue_itself() -> None:
    assert work_queues(HEARS, 1) == ["right.pings"]
    assert work_queues(HEARS, 3) == ["right.pings.1", "right.pings.2", "right.pings.3"]


def test_partitions_get_their_events_from_one_exchange_that_deals_them_out_by_subject() -> None:
    plan = planned(HEARS, 2)
    hashed = next(exchange for exchange in plan.exchanges if exchange.name == "right.pings")
    assert (hashed.type, hashed.arguments) == ("x-consistent-hash", {"hash-header": "cloudEvents:subject"})
    assert Binding("wz.left", "right.pings", "ping.v1", "exchange") in plan.bindings
    assert [b.destination for b in plan.bindings if b.source == "right.pings"] == ["right.pings.1", "right.pings.2"]


@pytest.mark.parametrize("partitions", [1, 2])
def test_what_safety_rests_on_is_an_argument_and_not_a_policy(partitions: int) -> None:
    for queue in planned(HEARS, partitions).queues:
        assert queue.arguments["x-queue-type"] == "quorum"
        assert queue.arguments["x-overflow"] == "reject-publish"
        assert queue.arguments["x-delivery-limit"] > 0
        if not queue.name.endswith(".parked"):
            assert queue.arguments["x-single-active-consumer"] is True
            assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"


def test_a_service_may_touch_what_is_its_own_and_nothing_else() -> None:
    rights = rights_of("right", [HEARS], SOURCES, ("left", "right"))
    own = ("right.pings", "right.pings.7", "right.pings.parked", "right.pings.back", "right.pings.retry.5s")
    for name in own:
        assert all(re.search(pattern, name) for pattern in (rights.configure, rights.write, rights.read)), name
    for name in ("left.pings", "rightful.pings", "amq.default", "", "wz.left.secrets", "x.right.pings"):
        assert not any(re.search(pattern, name) for pattern in (rights.configure, rights.write, rights.read)), name
    assert re.search(rights.write, "wz.right")
    assert not re.search(rights.write, "wz.left")
    assert not re.search(rights.configure, "wz.left")
    assert re.search(rights.read, "wz.left")


def test_a_service_binds_the_keys_it_subscribes_to_and_no_wider_ones() -> None:
    (topic,) = rights_of("right", [HEARS], SOURCES, ("left", "right")).topics
    assert topic.exchange == "wz.left"
    assert re.search(topic.read, "ping.v1")
    for key in ("#", "ping.*", "ping.v1.sealed", "secret.v1", "pingXv1"):
        assert not re.search(topic.read, key), key
    assert not re.search(topic.write, "ping.v1")


def test_a_queue_that_no_pattern_could_keep_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin with left"):
        rights_of("left", [HEARS], SOURCES, ("left", "right"))


def test_the_definitions_hold_no_password() -> None:
    member = Member("right", "a very secret word", {"house": rights_of("right", [HEARS], SOURCES, ("left", "right"))})
    made = definitions({"house": [planned(HEARS)]}, [member])
    assert "secret word" not in str(made)
    assert made["users"][0]["password_hash"]


def test_every_difference_is_named_once_and_no_other() -> None:
    wanted = definitions({"house": [planned(HEARS)]}, [])
    found = definitions({"house": [planned(HEARS)]}, [])
    assert differences(wanted, found, ("right.",)) == []
    found["queues"][0]["arguments"]["x-delivery-limit"] = 7
    found["bindings"].pop()
    gone = {"name": "right.pings.5", "vhost": "house", "durable": True, "auto_delete": False, "arguments": {}}
    foreign = {**gone, "name": "somebody.elses"}
    found["queues"] += [gone, foreign]
    lines = differences(wanted, found, ("right.",))
    assert len(lines) == 3
    assert any("x-delivery-limit must be 20, is 7" in line for line in lines)
    assert any(line.startswith("missing: binding") for line in lines)
    assert any("right.pings.5" in line for line in lines)


def test_rabbitmqs_own_words_become_what_must_be_and_what_is() -> None:
    said = (
        "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'q' in vhost 'v': "
        "received the value '20' of type 'signedint' but current is none"
    )
    assert difference(said) == "x-delivery-limit must be 20 and is none"


@pytest.mark.parametrize(
    ("exchange", "key", "blank"),
    [
        (*blank_route("right.pings", "right.pings.2"), True),
        (*again_route("right.pings"), False),
        (*parked_route("right.pings"), False),
        (*retry_route("right.pings", 5), False),
        (back_exchange("right.pings"), "right.pings.aside", False),
        ("wz.left", "blank.v1", False),
    ],
)
def test_a_blank_is_known_by_its_way_which_nothing_else_takes(exchange: str, key: str, blank: bool) -> None:
    message = amqp.Message(b"")
    message.delivery_info = {"exchange": exchange, "routing_key": key}
    assert is_blank(message) is blank
