"""Portals that are not who they say, or say it twice: rows 18 and 19."""

from __future__ import annotations

import base64
import json
import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import amqp
import requests
from standardwebhooks import Webhook

from tests.fault.cluster import Cluster, connect
from tests.fault.processes import Failed, until
from tests.fault.rows import Run, row
from tests.house import portal_event

STRUCTURED = "application/cloudevents+json"


def post_signed(
    cluster: Cluster, portal: str, event: dict[str, Any], *, at: datetime | None = None, secret: str = "",
    message_id: str = "", **changes: Any,
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    """Post a webhook as a portal: status and document.

    Args:
        cluster: the house.
        portal: who it is from, by the address.
        event: the CloudEvent.
        at: the signature's moment; now when left out.
        secret: signs; the portal's first when left out.
        message_id: of the webhook.
        changes: ``body``, ``id``, ``signature`` sent in place of what was signed.
    """
    moment = at or datetime.now(UTC)
    body = json.dumps(event)
    name = message_id or f"msg_{uuid.uuid4().hex}"
    key = secret or str(next(iter(cluster.portals[portal]["webhook_secrets"])))
    headers = {
        "content-type": STRUCTURED,
        "webhook-id": changes.get("id", name),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": changes.get("signature", Webhook(key).sign(name, moment, body)),
    }
    headers = {name: value for name, value in headers.items() if value is not None}
    answer = requests.post(
        f"{cluster.url('intake')}/portals/{portal}",
        data=changes.get("body", body).encode(),
        headers=headers,
        timeout=30,
    )
    return answer.status_code, answer.json() if answer.content else {}


def _filed(cluster: Cluster, reference: str) -> int:
    ((count,),) = cluster.rows("intake", "select count(*) from petition where reference = %s", reference)
    return int(count)


# ── 18 ───────────────────────────────────────────────────────────────────────────────────────────
def _refused(run: Run, what: str, attempt: Callable[[], None], *codes: int) -> None:
    """Something that the broker must refuse with one of these codes."""
    try:
        attempt()
    except amqp.AMQPError as error:
        code = int(getattr(error, "reply_code", 0) or 0)
        run.require(code in codes, f"{what}: refused with {code}, not {codes}")
        return
    except OSError:
        # It hung up: a refusal without a word.
        return
    run.require(False, f"{what}: the broker let it pass")


@row("18", "forged portal events: another's user, no user, no signature, a wrong key")
def forged(run: Run) -> None:
    """Refused by the broker or by intake, with nothing changed and a line in the log."""
    cluster = run.cluster
    broker, north, south = run.ground.broker, cluster.portals["north"], cluster.portals["south"]
    ((before,),) = cluster.rows("intake", "select count(*) from petition")

    def url(portal: dict[str, Any], vhost: str) -> str:
        return broker.url(vhost, str(portal["user"]), str(portal["password"]))

    _refused(run, "south's user in north's virtual host", lambda: connect(url(south, north["vhost"])).close(), 403, 530)
    _refused(run, "north's user in the house's own", lambda: connect(url(north, cluster.vhost)).close(), 403, 530)
    _refused(
        run, "north's user with another password",
        lambda: connect(broker.url(str(north["vhost"]), str(north["user"]), "wrong")).close(), 403,
    )  # fmt: skip
    for what, act in (
        ("publishing to the default exchange", lambda channel: _publish(channel, {}, exchange="", key="filed")),
        ("reading what portals filed", lambda channel: channel.basic_get("filed")),
        ("declaring a queue", lambda channel: channel.queue_declare(queue="own")),
        ("deleting the house's queue", lambda channel: channel.queue_delete(queue="filed")),
        ("a forged user_id", lambda channel: _publish(channel, portal_event("forged-1"), user_id=south["user"])),
    ):
        _refused(run, what, lambda act=act: _on_channel(url(north, north["vhost"]), act), 403, 406)  # type: ignore[misc]

    # What the broker lets pass must be refused by intake.
    mark = uuid.uuid4().hex[:8]
    portal_url = url(north, str(north["vhost"]))
    _on_channel(portal_url, lambda channel: _publish(channel, portal_event(f"nobody-{mark}")))
    admin = broker.url(str(north["vhost"]))
    name = admin.partition("//")[2].partition(":")[0]
    _on_channel(admin, lambda channel: _publish(channel, portal_event(f"admin-{mark}"), user_id=name))
    _on_channel(portal_url, lambda channel: _publish(channel, portal_event(f"good-{mark}"), user_id=north["user"]))
    until(lambda: _filed(cluster, f"good-{mark}") == 1, 30, "a true portal event is filed")
    answers = _answers(portal_url, 2, code="wrong_user")
    codes = sorted(str(answer["data"].get("code", answer["type"])) for answer in answers)
    run.require(codes.count("wrong_user") == 2, f"the portal's answers are {codes}, two should be wrong_user")
    words = cluster.workers["intake"].words()
    run.require(words.count("portal message refused") >= 2, "no line of the log says that a portal message was refused")

    wrong_key = "whsec_" + base64.b64encode(os.urandom(24)).decode()
    other = str(next(iter(south["webhook_secrets"])))
    for what, changes in (
        ("without a signature", {"signature": None}),
        ("with an empty signature", {"signature": ""}),
        ("with a signature that is none", {"signature": "v1,!!!!"}),
        ("with another version of signature", {"signature": "v2,AAAA"}),
        ("signed with a wrong key", {"secret": wrong_key}),
        ("signed with another portal's key", {"secret": other}),
    ):
        status, _ = post_signed(cluster, "north", portal_event(f"forged-{mark}"), **changes)
        run.require(status == 401, f"a webhook {what} was answered with {status}")
    status = requests.post(f"{cluster.url('intake')}/portals/nobody", data=b"{}", timeout=30).status_code
    run.require(status == 404, f"a webhook for an unknown portal was answered with {status}")
    ((after,),) = cluster.rows("intake", "select count(*) from petition")
    run.require(after == before + 1, f"{after - before} petitions were filed, only the true one may be")
    run.require(not cluster.parked(), f"parked: {cluster.parked()}")


def _on_channel(url: str, act: Callable[[Any], Any]) -> None:
    """Do something on a channel of a connection of its own, and wait for the broker's word."""
    connection = connect(url)
    try:
        channel = connection.channel()
        act(channel)
        # A refusal of what has no answer of its own comes before the answer to this.
        channel.basic_qos(0, 1, False)
    finally:
        connection.close()


def _publish(
    channel: Any, event: dict[str, Any], exchange: str = "house", key: str = "portal.petition.filed.v1", **more: Any
) -> None:
    properties = {"content_type": STRUCTURED, "delivery_mode": 2, "message_id": str(event.get("id", "x"))}
    channel.basic_publish(amqp.Message(json.dumps(event), **properties, **more), exchange=exchange, routing_key=key)


def _answers(url: str, number: int, code: str = "", seconds: float = 30) -> list[dict[str, Any]]:
    """What the house answers a portal, type and payload: so many of them, or so many refusals by ``code``."""
    connection = connect(url)
    try:
        channel, found, deadline = connection.channel(), list[dict[str, Any]](), time.monotonic() + seconds
        while sum(not code or answer["data"].get("code") == code for answer in found) < number:
            message = channel.basic_get("answers", no_ack=True)
            if message is not None:
                named = message.properties.get("application_headers") or {}
                found.append({"type": named.get("cloudEvents:type", ""), "data": json.loads(message.body)})
            elif time.monotonic() > deadline:
                raise Failed(f"{len(found)} of {number} answers came to the portal")
            else:
                time.sleep(0.1)
        return found
    finally:
        connection.close()


# ── 19 ───────────────────────────────────────────────────────────────────────────────────────────
@row("19", "a signed webhook replayed: again, later, altered, with another's secret")
def replayed(run: Run) -> None:
    """The same answer again, or 401; one effect."""
    cluster = run.cluster
    reference = f"replay-{uuid.uuid4().hex[:10]}"
    event, now = portal_event(reference), datetime.now(UTC)
    name = f"msg_{uuid.uuid4().hex}"
    status, first = post_signed(cluster, "north", event, at=now, message_id=name)
    run.require(status == 201, f"the first was answered with {status}")
    for turn in range(run.times(100, 10)):
        status, document = post_signed(cluster, "north", event, at=now, message_id=name)
        same = status == 201 and document.get("number") == first.get("number")
        run.require(same, f"repeat {turn} was answered with {status} and another number")
    second = str(list(cluster.portals["north"]["webhook_secrets"])[1])
    status, document = post_signed(cluster, "north", event, at=now, secret=second)
    same = status == 201 and document.get("number") == first.get("number")
    run.require(same, f"the same event signed with the second secret was answered with {status}")
    altered = json.dumps({**event, "id": str(uuid.uuid4())})
    swapped = str(next(iter(cluster.portals["south"]["webhook_secrets"])))
    for what, changes in (
        ("six minutes old", {"at": now - timedelta(minutes=6)}),
        ("six minutes to come", {"at": now + timedelta(minutes=6)}),
        ("with an altered body", {"body": altered}),
        ("with an altered id", {"id": f"msg_{uuid.uuid4().hex}"}),
        ("with another portal's secret", {"secret": swapped}),
    ):
        status, _ = post_signed(cluster, "north", event, **{"message_id": name, **changes})  # type: ignore[arg-type]
        run.require(status == 401, f"a replay {what} was answered with {status}")
    # To another portal's address it is another's petition, and north's secret opens nothing there.
    status, _ = post_signed(
        cluster, "south", event, secret=str(next(iter(cluster.portals["north"]["webhook_secrets"])))
    )
    run.require(status == 401, f"north's webhook at south's address was answered with {status}")
    run.require(_filed(cluster, reference) == 1, "a reference has more than one petition")
    number = str(first.get("number"))
    query = "select count(*) from petition_case where number = %s"
    until(lambda: cluster.rows("routing", query, number) == [(1,)], 30, "the one petition is judged")
    run.result.acknowledged = run.result.stored = 1
