"""`wenzheng topology` on a real broker: what it makes is enough for each service, and for nothing beyond."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import methodcaller
from pathlib import Path
from typing import Any

import amqp
import kombu
import pytest

from services.chassis import topology
from services.chassis.broker_node import BrokerNode, start_node
from tests.house import House, portal_event, until
from tests.integration.cli.test_start import refused, wenzheng

pytestmark = pytest.mark.broker

SERVICES = ("intake", "routing", "notify", "search")


class Site:
    """A broker with imported definitions, and a house that was told to use it with four users."""

    def __init__(self, node: BrokerNode, folder: Path) -> None:
        self.node = node
        self.vhost = f"house-{uuid.uuid4().hex[:8]}"
        passwords = {name: uuid.uuid4().hex for name in SERVICES}
        self.urls = {name: node.url_of(self.vhost, f"{self.vhost}-{name}", passwords[name]) for name in SERVICES}
        self.house = House(folder, **{f"WENZHENG_{name.upper()}_BROKER_URL": url for name, url in self.urls.items()})
        # The portals' virtual hosts on this broker are this site's alone.
        for portal in self.house.portals.values():
            portal["vhost"] = portal["user"] = f"{self.vhost}-{portal['id']}"
        (folder / "portals.yaml").write_text(json.dumps({"portals": list(self.house.portals.values())}))
        self.environ = {k: v for k, v in self.house.environ.items() if k.startswith("WENZHENG_")}
        self.file = folder / "definitions.json"

    def make(self) -> None:
        done = wenzheng("topology", "--output", str(self.file), **self.environ)
        assert done.returncode == 0, done.stderr
        self.node.control("import_definitions", str(self.file))
        # For the test itself, which looks on from above.
        for vhost in (self.vhost, *(str(portal["vhost"]) for portal in self.house.portals.values())):
            self.node.ensure_vhost(vhost)

    @contextmanager
    def channel(self, service: str) -> Iterator[Any]:
        """A channel with the service's own user, which the broker may close."""
        connection = kombu.Connection(self.urls[service])
        try:
            yield connection.channel()
        finally:
            connection.collect()


@pytest.fixture(scope="module")
def site(broker_node: BrokerNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(broker_node, tmp_path_factory.mktemp("site"))
    made.make()
    made.house.start()
    yield made
    assert made.house.stop() == 0
    for vhost in (made.vhost, *(str(portal["vhost"]) for portal in made.house.portals.values())):
        broker_node.delete_vhost(vhost)


def test_the_file_holds_no_password_and_is_its_owners_alone(site: Site) -> None:
    text = site.file.read_text(encoding="utf-8")
    assert site.file.stat().st_mode & 0o077 == 0
    for url in site.urls.values():
        assert url.split("@")[0].rpartition(":")[2] not in text
    for portal in site.house.portals.values():
        assert str(portal["password"]) not in text
    users = {user["name"] for user in json.loads(text)["users"]}
    assert users == {f"{site.vhost}-{name}" for name in (*SERVICES, "north", "south")}


def test_a_petition_goes_all_its_way_with_users_that_may_do_no_more_than_they_need(site: Site) -> None:
    receipt = site.house.file()
    assert site.house.judged(receipt["number"])["state"]
    until(lambda: site.house.found(q=receipt["number"]) or site.house.messages(receipt["number"]), 60)
    until(lambda: site.house.messages(receipt["number"]), 60)


def test_a_portal_hands_in_and_is_answered_in_its_own_virtual_host(site: Site) -> None:
    portal = site.house.portals["north"]
    url = site.node.url_of(str(portal["vhost"]), str(portal["user"]), str(portal["password"]))
    with kombu.Connection(url) as connection:
        channel: Any = connection.channel()
        event = portal_event("ref-1")
        message = amqp.Message(
            json.dumps(event),
            content_type="application/cloudevents+json",
            delivery_mode=2,
            user_id=portal["user"],
            message_id=event["id"],
        )
        channel.basic_publish(message, exchange="house", routing_key="x")
        answer = until(lambda: channel.basic_get("answers", no_ack=True), 60)
        assert "ref-1" in str(answer.body)


def test_what_a_portal_handed_in_keeps_its_sender_through_parking_and_replay(site: Site) -> None:
    vhost = str(site.house.portals["north"]["vhost"])
    event = portal_event("ref-parked")
    with kombu.Connection(site.node.url_of(vhost)) as connection:
        parked = amqp.Message(
            json.dumps(event),
            content_type="application/cloudevents+json",
            delivery_mode=2,
            message_id=event["id"],
            application_headers={"x-code": "handler_failed", "x-sent-by": vhost},
        )
        channel: Any = connection.channel()
        channel.confirm_select()
        channel.basic_publish(parked, *topology.parked_route("filed"))
        channel.wait([amqp.spec.Basic.Ack])
        done = wenzheng("parked", "replay", "filed@north", "--all", **site.environ)
        assert "1 sent back" in done.stdout, done.stderr
        answers = []

        def registered() -> bool:
            while (answer := channel.basic_get("answers", no_ack=True)) is not None:
                if "ref-parked" in str(answer.body):
                    answers.append(answer.properties["application_headers"]["cloudEvents:type"])
            return bool(answers)

        until(registered, 60)
        assert answers[0] == "portal.petition.registered.v1"


def _is_refused(site: Site, service: str, attempt: Callable[[Any], object]) -> bool:
    with site.channel(service) as channel:
        try:
            attempt(channel)
        except amqp.AccessRefused:
            return True
    return False


def _publish(exchange: str, key: str, **headers: Any) -> Callable[[Any], object]:
    def attempt(channel: Any) -> None:
        channel.confirm_select()
        message = amqp.Message("x", delivery_mode=2, application_headers=headers)
        channel.basic_publish(message, exchange=exchange, routing_key=key)
        channel.wait([amqp.spec.Basic.Ack])

    return attempt


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_reads_writes_or_makes_what_is_anothers(site: Site, service: str) -> None:
    queues = [entry["name"] for entry in json.loads(site.file.read_text())["queues"] if entry["vhost"] == site.vhost]
    foreign = [queue for queue in queues if not queue.startswith(f"{service}.")]
    assert foreign
    assert len(foreign) < len(queues)
    for queue in foreign:
        for what in ("basic_consume", "basic_get", "queue_purge", "queue_delete"):
            assert _is_refused(site, service, methodcaller(what, queue)), (what, queue)
    for other in SERVICES:
        if other != service:
            assert _is_refused(site, service, _publish(f"wz.{other}", "x.v1"))
    for queue in foreign:
        if not queue.endswith(".parked"):
            assert _is_refused(site, service, _publish(f"{queue}.back", "again"))
    assert _is_refused(site, service, _publish("", "routing.petitions"))
    own = next(queue for queue in queues if queue.startswith(f"{service}.") and queue.endswith(".parked"))
    assert not _is_refused(site, service, lambda channel: channel.basic_get(own))


@pytest.mark.parametrize("header", ["CC", "BCC"])
def test_no_service_sends_into_anothers_queue_by_a_header_that_adds_keys(site: Site, header: str) -> None:
    others = ["search.events", "search.events.parked", "notify.events", "again", "5s"]
    assert not _is_refused(site, "routing", _publish("routing.petitions.back", "parked", **{header: others}))

    def counts() -> dict[str, int]:
        return {entry["name"]: entry["messages_ready"] for entry in site.node.queues(site.vhost)}

    until(lambda: counts()["routing.petitions.parked"])
    assert not [name for name, number in counts().items() if number and not name.startswith("routing.")]
    with site.channel("routing") as channel:
        channel.queue_purge("routing.petitions.parked")


def test_contacts_are_bound_by_notify_alone(site: Site) -> None:
    def bind(service: str, exchange: str, key: str) -> bool:
        name = f"{service}.probe-{uuid.uuid4().hex[:6]}"
        with site.channel(service) as channel:
            channel.queue_declare(name, durable=True, auto_delete=False)
        refused = _is_refused(site, service, lambda channel: channel.queue_bind(name, exchange, key))
        with site.channel(service) as channel:
            channel.queue_delete(name)
        return refused

    for service in ("intake", "routing", "search"):
        assert bind(service, "wz.intake.contacts", "contact.supplied.v1")
        assert bind(service, "wz.intake.contacts", "#")
    assert bind("search", "wz.intake", "#")
    assert not bind("notify", "wz.intake.contacts", "contact.supplied.v1")


def test_a_service_retries_and_parks_with_its_own_user(site: Site) -> None:
    with site.channel("search") as channel:
        poison = amqp.Message("{no json", content_type="text/plain", message_id="poison", delivery_mode=2)
        channel.basic_publish(poison, "search.events.back", "again")
        topology.declare_retry(channel, "search.events", 1)
        later = amqp.Message("{no json", content_type="text/plain", message_id="later", delivery_mode=2)
        channel.basic_publish(later, *topology.retry_route("search.events", 1))
        until(lambda: channel.queue_declare("search.events.parked", passive=True).message_count == 2)
    listed = wenzheng("parked", "list", "search.events", **site.environ)
    assert "2 parked" in listed.stdout, listed.stderr
    done = wenzheng("parked", "discard", "search.events", "--all", "--why", "poison", **site.environ)
    assert "2 dropped" in done.stdout, done.stderr


def test_check_says_nothing_of_a_broker_that_is_as_it_should_be_and_names_what_is_not(site: Site) -> None:
    done = wenzheng("topology", "check", **site.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    with kombu.Connection(site.node.url_of(site.vhost)) as connection:
        channel: Any = connection.channel()
        channel.queue_declare("search.gone", durable=True, auto_delete=False)
        channel.exchange_delete("search.reports.back")
    done = wenzheng("topology", "check", **site.environ)
    assert done.returncode == 1
    assert "search.reports.back" in done.stdout
    site.make()
    with kombu.Connection(site.node.url_of(site.vhost)) as connection:
        connection.default_channel.queue_delete("search.gone")
    assert wenzheng("topology", "check", **site.environ).returncode == 0


def test_definitions_need_a_user_for_each_service(tmp_path: Path) -> None:
    folder = {"WENZHENG_DATA_FOLDER": str(tmp_path)}
    refused(wenzheng("topology", **folder), "WENZHENG_INTAKE_BROKER_URL")
    one = wenzheng("topology", WENZHENG_BROKER_URL="amqp://all:verysecret@localhost/wenzheng", **folder)
    refused(one, "share a broker user")
    assert "verysecret" not in one.stderr


def test_a_private_node_of_an_older_release_is_mended_with_one_command(tmp_path: Path) -> None:
    with start_node(tmp_path / "broker") as node, kombu.Connection(node.amqp_url) as connection:
        channel: Any = connection.channel()
        for queue in ("search.events", "routing.petitions.parked"):
            channel.queue_declare(queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
            channel.basic_publish(amqp.Message("kept", delivery_mode=2, message_id=queue), "", queue)
        until(lambda: channel.queue_declare("search.events", passive=True).message_count)
    done = wenzheng("topology", "remake", WENZHENG_DATA_FOLDER=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [
        "routing.petitions.parked is made anew; 1 events kept",
        "search.events is made anew; 1 events kept",
    ]
