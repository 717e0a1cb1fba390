"""Events on the wire, as anybody who may publish could send them: copied, changed and published by hand."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from typing import Any

import amqp

from tests.fault.cluster import Cluster, connect
from tests.fault.processes import Failed, until

#: Marks a copy of ours, so that it is not copied again; services read the headers they know and no others.
COPY = "x-copied-by-fault-test"


class Tap:
    """A queue of our own beside the house's: everything that is published to some exchanges.

    Args:
        cluster: the house.
        exchanges: their names.
        key: binding key.
    """

    def __init__(self, cluster: Cluster, exchanges: Iterable[str], key: str = "#") -> None:
        self._connection = connect(cluster.broker_url)
        self.channel = self._connection.channel()
        self.queue = f"tap-{uuid.uuid4().hex[:8]}"
        self.channel.queue_declare(queue=self.queue, durable=False, auto_delete=False, exclusive=True)
        for exchange in exchanges:
            self.channel.queue_bind(queue=self.queue, exchange=exchange, routing_key=key)

    def one(self, seconds: float = 20) -> amqp.Message:
        """The next message."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self.channel.basic_get(self.queue, no_ack=True)
            if message is not None:
                return message
            time.sleep(0.05)
        raise Failed(f"no event came within {seconds:g} s")

    def close(self) -> None:
        """Remove the queue."""
        self._connection.close()


def headers(message: amqp.Message) -> dict[str, Any]:
    """Its headers."""
    return dict(message.properties.get("application_headers") or {})


def again(message: amqp.Message, **more: Any) -> amqp.Message:
    """A copy of a message with further headers, everything else as it was."""
    kept = {k: v for k, v in message.properties.items() if k in ("content_type", "content_encoding", "message_id")}
    return amqp.Message(message.body, delivery_mode=2, application_headers={**headers(message), **more}, **kept)


def event(
    template: amqp.Message, *, body: dict[str, Any] | bytes | None = None, properties: dict[str, Any] | None = None,
    **attributes: Any,
) -> amqp.Message:  # fmt: skip
    """Another event in the manner of a real one: a petition of its own, of which nobody has heard.

    Args:
        template: a real ``petition.submitted.v1``.
        body: fields of the payload to be changed, or the whole body as bytes.
        properties: AMQP properties to be changed; None removes one.
        attributes: CloudEvents attributes to be changed; None removes one.
    """
    payload = json.loads(template.body)
    petition, event_id = str(uuid.uuid4()), str(uuid.uuid4())
    payload |= {"petition_id": petition, "number": f"X{uuid.uuid4().hex[:10]}"}
    if isinstance(body, dict):
        payload = merged(payload, body)
    content = body if isinstance(body, bytes) else json.dumps(payload).encode()
    named = {"id": event_id, "subject": petition, **attributes}
    kept = {name: value for name, value in headers(template).items() if name.removeprefix("cloudEvents:") not in named}
    kept |= {f"cloudEvents:{name}": value for name, value in named.items() if value is not None}
    every = {"content_type": "application/json", "message_id": event_id, "delivery_mode": 2, **(properties or {})}
    return amqp.Message(
        content, application_headers=kept, **{name: value for name, value in every.items() if value is not None}
    )


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """``old`` with the fields of ``new``, objects within objects too."""
    return old | {
        k: merged(old[k], v) if isinstance(v, dict) and isinstance(old.get(k), dict) else v for k, v in new.items()
    }


def publish(cluster: Cluster, messages: Iterable[amqp.Message], exchange: str, key: str) -> int:
    """Publish with confirms; how many."""
    connection = connect(cluster.broker_url)
    count = 0
    try:
        channel = connection.channel()
        channel.confirm_select()
        confirmed = [0]

        def settle(tag: int, multiple: bool) -> None:
            confirmed[0] = tag if multiple else confirmed[0] + 1

        channel.events["basic_ack"].add(settle)
        for message in messages:
            channel.basic_publish(message, exchange=exchange, routing_key=key)
            count += 1
        deadline = time.monotonic() + 60
        while confirmed[0] < count:
            if time.monotonic() > deadline:
                raise Failed(f"the broker confirmed {confirmed[0]} of {count} messages within 60 s")
            try:
                connection.drain_events(timeout=1)
            except TimeoutError:
                continue
    finally:
        connection.close()
    return count


def parked(cluster: Cluster, queue: str) -> list[dict[str, Any]]:
    """Headers of what is parked beside a queue; it stays there."""
    connection = connect(cluster.broker_url)
    try:
        channel = connection.channel()
        found = []
        while (message := channel.basic_get(f"{queue}.parked", no_ack=False)) is not None:
            found.append({**headers(message), "message_id": message.properties.get("message_id", "")})
    finally:
        connection.close()
    until(lambda: cluster.queue(f"{queue}.parked")[0] >= len(found), 20, "what was looked at is back in its queue")
    return found


def take_all(cluster: Cluster, queue: str, count: int) -> list[amqp.Message]:
    """Take so many messages out of a work queue whose worker is stopped; they are gone from it."""
    connection = connect(cluster.broker_url)
    taken: list[amqp.Message] = []
    try:
        channel = connection.channel()
        channel.basic_qos(0, 1000, False)
        tag = channel.basic_consume(queue, no_ack=False, callback=taken.append)
        deadline = time.monotonic() + 30
        while len(taken) < count:
            if time.monotonic() > deadline:
                raise Failed(f"only {len(taken)} of {count} messages came out of {queue}")
            try:
                connection.drain_events(timeout=1)
            except TimeoutError:
                continue
            if len(taken) % 500 == 0:
                channel.basic_ack(taken[-1].delivery_tag, multiple=True)
        channel.basic_ack(taken[-1].delivery_tag, multiple=True)
        channel.basic_cancel(tag)
    finally:
        connection.close()
    # What a consumer that ended has left of its blanks is nobody's event.
    return [message for message in taken if not message.delivery_info["routing_key"].startswith("blank.")]
