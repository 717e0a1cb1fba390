"""What a portal sends and nobody can handle: it is parked as it came, with the reason; its neighbours go through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import amqp
import pytest

from services.chassis import broker as rabbit
from services.chassis.broker_node import BrokerNode
from services.chassis.portals import vhost_url
from tests.integration.chassis.toys import Toy, eventually

pytestmark = pytest.mark.broker


@pytest.fixture
def portal(toy: Toy, broker_node: BrokerNode, tmp_path: Path) -> Any:
    """A portal called north with a virtual host of its own; gives the URL of it for a user of its own."""
    vhost, word = f"portal-{uuid4().hex[:8]}", uuid4().hex
    broker_node.ensure_vhost(vhost)
    broker_node.ensure_user("north", word, vhost, "", "^house$", "^answers$")
    file = tmp_path / "portals.yaml"
    file.write_text(json.dumps({"portals": [{"id": "north", "name": "North", "vhost": vhost, "user": "north"}]}))
    toy.environ["WENZHENG_PORTALS_FILE"] = str(file)
    yield broker_node.url_of(vhost, "north", word)
    toy.end()
    broker_node.delete_vhost(vhost)


def filed(name: str, body: bytes) -> amqp.Message:
    attributes = {"id": name, "source": "/portals/north", "type": "portal.thing.v1", "subject": f"ref-{name}"}
    headers = {f"cloudEvents:{key}": value for key, value in attributes.items()} | {"x-anything": "of theirs"}
    return amqp.Message(
        body, content_type="application/json", delivery_mode=2, message_id=name, user_id="north",
        application_headers=headers,
    )  # fmt: skip


def test_a_portals_message_that_fails_is_parked_with_its_attributes_and_the_reason(toy: Toy, portal: str) -> None:
    toy.start()
    eventually(lambda: toy.ask("/readyz")[0] == 200)
    connection = rabbit.connect(portal, "north")
    try:
        bodies = {"one": b"{}", "bad": b'{"it": "is hopeless"}', "two": b"{}"}
        messages = [(filed(name, body), "house", "filed") for name, body in bodies.items()]
        assert set(rabbit.Publisher(connection).publish(messages).values()) == {"ok"}
    finally:
        rabbit.release(connection)
    eventually(lambda: set(toy.balls()) == {"one", "two"})
    ours = rabbit.connect(vhost_url(toy.url, portal.rpartition("/")[2]), "test")
    got: list[amqp.Message] = []
    try:

        def parked() -> bool:
            message = ours.default_channel.basic_get("filed.parked", no_ack=True)
            got.extend([] if message is None else [message])
            return bool(got)

        eventually(parked)
        assert ours.default_channel.basic_get("filed.parked", no_ack=True) is None
    finally:
        rabbit.release(ours)
    (message,) = got
    headers = message.properties["application_headers"]
    assert (headers["x-code"], headers["x-detail"]) == ("handler_failed", "ZeroDivisionError")
    assert (headers["x-exchange"], headers["x-sent-by"]) == ("house", "north")
    kept = {key.removeprefix("cloudEvents:"): headers[key] for key in headers if key.startswith("cloudEvents:")}
    assert kept == {"id": "bad", "source": "/portals/north", "type": "portal.thing.v1", "subject": "ref-bad"}
    assert "x-anything" not in headers
    body = message.body if isinstance(message.body, bytes) else message.body.encode()
    assert (message.properties["message_id"], body) == ("bad", b'{"it": "is hopeless"}')
