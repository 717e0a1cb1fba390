"""Updates posted to portals: signed, sent once, repeated only where that can help, and never into the house."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.chassis.breaker import WAITS
from services.chassis.sender_rows import claim
from services.notify import sending
from services.notify.models import WebhookNote
from services.notify.sending import WEBHOOK_LADDER
from tests.integration.notify.conftest import OpenStreet
from tests.integration.notify.street import Case, Street, unit_changed
from tests.parts.webhooks import WebhookServer

NEW, OLD = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0", "whsec_b2xkc2VjcmV0b2xkc2VjcmV0"
#: Opens a house whose portal has a webhook at an address.
OpenAt = Callable[..., Street]


@pytest.fixture
def open_at(open_street: OpenStreet, tmp_path: Path) -> OpenAt:
    def open_it(url: str, **settings: Any) -> Street:
        file = tmp_path / "webhooks.yaml"
        secrets = f"webhook_secrets: [{NEW}, {OLD}]"
        file.write_text(
            f"portals:\n  - {{id: hook, name: Hook, webhook_url: '{url}', {secrets}}}\n"
            f"  - {{id: other, name: Other, webhook_url: 'http://127.0.0.1:1/', {secrets}}}\n"
        )
        given = {"webhook_allow_http": True, "webhook_allow_private": True, "webhook_timeout_s": 3.0, **settings}
        return open_street(portals_file=str(file), **given)

    return open_it


@pytest.fixture
def street(open_at: OpenAt, webhook_server: WebhookServer) -> Street:
    return open_at(webhook_server.url)


def file(street: Street, *names: str, portal: str = "hook") -> None:
    for name in names:
        street.tell(Case(name, portal=portal).submitted(contact=False))


def states(street: Street) -> dict[str, tuple[str, str | None, int]]:
    return {m.number.removeprefix("WZ-26-"): (m.delivery, m.problem, m.attempts) for m in street.messages()}


def test_an_update_is_a_signed_cloudevent_under_the_portals_reference(
    street: Street, webhook_server: WebhookServer
) -> None:
    street.tell(unit_changed(), Case("p1", portal="hook").submitted(contact=False))
    assert sending.webhooks(street.house).run() == 1
    (post,) = webhook_server.posts
    (message,) = street.messages()
    event = json.loads(post.body)
    assert post.headers["content-type"].startswith("application/cloudevents+json")
    assert post.headers["webhook-id"] == event["id"] == message.id
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", "portal.petition.updated.v1", "notify")
    assert (event["data"]["reference"], event["data"]["occasion"]) == ("R-p1", "received")
    assert event["traceparent"].startswith("00-")
    at = str(int(street.clock.now().timestamp()))
    assert post.headers["webhook-timestamp"] == at
    signature = Webhook(NEW).sign(message.id, street.clock.now(), post.body.decode())
    assert post.headers["webhook-signature"] == signature
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(post.body, post.headers)
    assert [n["type"] for n in street.notices()] == ["notice.delivered.v1"]
    assert sending.webhooks(street.house).run() == 0 and len(webhook_server.posts) == 1


@pytest.mark.parametrize("answer", [500, 503, 408, "hang", "drip", "cut"])
def test_what_may_pass_is_tried_again_under_the_same_id_with_the_same_body(
    street: Street, webhook_server: WebhookServer, answer: Any
) -> None:
    file(street, "p1")
    webhook_server.answers = [answer]
    began = time.monotonic()
    sending.webhooks(street.house).run()
    assert time.monotonic() - began < 15, "a slow portal cannot hold the loop"
    (state, problem, attempts) = states(street)["p1"]
    assert (state, attempts) == ("pending", 1) and problem is not None and problem.startswith("webhook_")
    assert sending.webhooks(street.house).run() == 0
    street.clock.move(timedelta(seconds=WEBHOOK_LADDER[0] + 1))
    assert sending.webhooks(street.house).run() == 1
    first, second = webhook_server.posts
    assert first.body == second.body and first.headers["webhook-id"] == second.headers["webhook-id"]
    assert states(street)["p1"][0] == "sent"


@pytest.mark.parametrize("answer", [400, 401, 410, 301, (302, {"Location": "/x"}), (307, {"Location": "/x"})])
def test_another_refusal_and_a_redirect_end_it_and_the_house_is_told(
    street: Street, webhook_server: WebhookServer, answer: Any
) -> None:
    file(street, "p1")
    webhook_server.answers = [answer]
    sending.webhooks(street.house).run()
    status = answer[0] if isinstance(answer, tuple) else answer
    assert states(street)["p1"] == ("failed", f"webhook_{status}", 1)
    assert [(n["type"], n["code"]) for n in street.notices()] == [("notice.failed.v1", "permanent")]
    assert webhook_server.strayed == 0, "no redirect is followed"


@pytest.mark.parametrize("date", [False, True])
def test_a_portal_that_asks_for_patience_gets_it(street: Street, webhook_server: WebhookServer, date: bool) -> None:
    file(street, "p1")
    street.clock.move(timedelta(seconds=1))
    file(street, "p2")
    moment = (street.clock.now() + timedelta(seconds=300)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    webhook_server.answers = [(429, {"Retry-After": moment if date else "300"})]
    loop = sending.webhooks(street.house)
    loop.run()
    assert states(street) == {"p1": ("pending", "webhook_429", 1), "p2": ("pending", None, 0)}
    assert len(webhook_server.posts) == 1, "the next one waits as well, and costs no attempt"
    street.clock.move(timedelta(seconds=299))
    assert loop.run() == 0
    street.clock.move(timedelta(seconds=2))
    assert sending.webhooks(street.house).run() == 2


def test_tries_come_to_an_end_that_can_be_seen_and_a_person_may_begin_anew(
    street: Street, webhook_server: WebhookServer
) -> None:
    file(street, "p1")
    webhook_server.answers = [500] * (len(WEBHOOK_LADDER) + 1)
    for wait in (0, *WEBHOOK_LADDER):
        street.clock.move(timedelta(seconds=wait + 1))
        sending.webhooks(street.house).run()
    assert states(street)["p1"][:2] == ("failed", "webhook_500")
    assert [n["code"] for n in street.notices()] == ["attempts_used_up"]
    read = street.house.metrics.registry.get_sample_value
    assert read("wenzheng_sends_failed_total", {"sender": "notify.webhooks", "code": "webhook_500"}) == 1
    assert sending.send_again(street.house, street.messages()[0].id) is None
    assert sending.webhooks(street.house).run() == 1
    assert states(street)["p1"][0] == "sent"


def test_a_portal_that_cannot_be_reached_costs_no_attempt_and_is_asked_by_one_message(open_at: OpenAt) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        street = open_at(f"http://127.0.0.1:{closed.getsockname()[1]}/")
    file(street, *[f"p{index}" for index in range(50)])
    loop = sending.webhooks(street.house)
    for _ in range(3):
        assert loop.run() == 0
        time.sleep(WAITS[0] + 0.1)
    assert {(state, attempts) for state, _, attempts in states(street).values()} == {("pending", 0)}
    paused = street.house.metrics.registry.get_sample_value(
        "wenzheng_senders_paused_total", {"sender": "notify.webhooks", "code": "webhook_unreachable"}
    )
    assert paused is not None and 2 <= paused <= 3


def test_one_portals_silence_does_not_hold_up_another(street: Street) -> None:
    file(street, "p1", "p2", portal="other")
    file(street, "p3")
    assert sending.webhooks(street.house).run() == 1
    assert {name: state for name, (state, _, _) in states(street).items()} == {
        "p1": "pending",
        "p2": "pending",
        "p3": "sent",
    }


def test_an_update_whose_sender_died_is_posted_again_under_its_id(
    street: Street, webhook_server: WebhookServer
) -> None:
    file(street, "p1")
    with street.house.work() as work:
        claim(work.session, WebhookNote, 10, work.now, lease_s=60)
    street.clock.move(timedelta(seconds=61))
    sending.webhooks(street.house).run()
    assert states(street)["p1"] == ("pending", "sender_died", 1)
    street.clock.move(timedelta(seconds=WEBHOOK_LADDER[0] + 1))
    assert sending.webhooks(street.house).run() == 1
    assert webhook_server.posts[0].headers["webhook-id"] == street.messages()[0].id


def test_an_answer_without_end_is_not_read_to_its_end(street: Street, webhook_server: WebhookServer) -> None:
    file(street, "p1")
    webhook_server.answers = ["endless"]
    began = time.monotonic()
    assert sending.webhooks(street.house).run() == 1
    assert time.monotonic() - began < 15 and states(street)["p1"][0] == "sent"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.8", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "2130706433"],
)  # fmt: skip
def test_no_post_goes_into_the_house(open_at: OpenAt, webhook_server: WebhookServer, host: str) -> None:
    port = webhook_server.url.rpartition(":")[2]
    street = open_at(f"http://{host}:{port}", webhook_allow_private=False)
    file(street, "p1")
    sending.webhooks(street.house).run()
    assert states(street)["p1"] == ("pending", "webhook_address_inside", 0)
    assert webhook_server.posts == []


def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(
    open_at: OpenAt, webhook_server: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers something else the second time gains nothing."""
    port = int(webhook_server.url.rpartition(":")[2].partition("/")[0])
    street = open_at(f"http://rebind.example:{port}/updates?from=house")
    answers = ["127.0.0.1", "127.0.0.9"]
    asked: list[str] = []

    def look_up(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        if host != "rebind.example":
            return real(host, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    file(street, "p1")
    assert sending.webhooks(street.house).run() == 1
    assert len(asked) == 1 and webhook_server.posts[0].headers["host"] == f"rebind.example:{port}"


def test_plain_http_is_refused_unless_the_operator_allows_it(open_at: OpenAt, webhook_server: WebhookServer) -> None:
    street = open_at(webhook_server.url, webhook_allow_http=False)
    file(street, "p1")
    sending.webhooks(street.house).run()
    assert states(street)["p1"] == ("failed", "webhook_needs_https", 1) and webhook_server.posts == []


def test_a_server_that_cannot_prove_its_name_gets_nothing(open_at: OpenAt, webhook_server: WebhookServer) -> None:
    street = open_at(webhook_server.url.replace("http:", "https:"))
    file(street, "p1")
    sending.webhooks(street.house).run()
    assert states(street)["p1"] == ("pending", "webhook_tls", 0) and webhook_server.posts == []
