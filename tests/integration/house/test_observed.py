"""What operators see of a running house: one trace from form to index, lines with ids, figures of everything."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any

import amqp
import kombu
import pytest
import requests

from tests.house import House, free_port, until
from tests.parts.collector import Collector, Span

pytestmark = pytest.mark.broker
#: What a petitioner writes: none of it may stand in a span or a line of the log.
TITLE, BODY = "锦梭路九号井盖松动夜里响", "车一压就响，住在 3 单元 502 的老人整夜睡不着，请派人固定。"
NAME, PHONE, MAIL = "欧阳静宜", "13800131199", "ouyang.jingyi@example.org"
FORM_FIELD = re.compile(r'<input[^>]*type="hidden"[^>]*>')


class Watched:
    """A house that tells a collector."""

    def __init__(self, house: House, collector: Collector) -> None:
        self.house, self.collector = house, collector

    def file_by_form(self) -> str:
        """File by the form that browsers get; the id of the trace."""
        browser, address = requests.Session(), f"{self.house.url}/petitions/new"
        page = browser.get(address, timeout=30).text
        fields: dict[str, Any] = {}
        for one in FORM_FIELD.findall(page):
            name, value = (re.search(rf'{part}="([^"]*)"', one) for part in ("name", "value"))
            assert name is not None
            fields[name[1]] = unescape(value[1]) if value is not None else ""
        fields |= {"kind": "complaint", "title": TITLE, "body": BODY, "place": "锦梭路九号"}
        fields |= {"name": NAME, "phone": PHONE, "mail": MAIL}
        answer = browser.post(address, data=fields, headers={"Referer": address}, timeout=30)
        assert answer.url.endswith("/petitions/receipt"), answer.text[:2000]
        number = re.search(r"\b[0-9A-Z]{4,}(?:-[0-9A-Z]+)+\b", answer.text)
        assert number is not None, answer.text
        line = next(one for one in self.lines() if one.get("route") == "/petitions/new" and one.get("status") == 303)
        return str(line["trace_id"])

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.house.log().splitlines() if line.startswith("{")]

    def trace(self, trace_id: str, *names: tuple[str, str]) -> list[Span]:
        """The trace once it has spans of these services and names, and nothing more has come for a while."""

        def complete() -> bool:
            have = {(span.service.removeprefix("wenzheng-"), span.name) for span in self.collector.trace(trace_id)}
            return set(names) <= have

        try:
            until(complete, 20)
        except AssertionError:
            have = sorted((span.service, span.name) for span in self.collector.trace(trace_id))
            raise AssertionError(
                f"missing: {sorted(set(names) - {(s[9:], n) for s, n in have})}\nhave: {have}"
            ) from None
        before = -1
        while before != len(found := self.collector.trace(trace_id)):
            before = len(found)
            time.sleep(1.0)
        return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    collector = Collector()
    house = House(
        tmp_path_factory.mktemp("house-watched"),
        WENZHENG_OTLP_ENDPOINT=collector.url,
        WENZHENG_WORKER_PORT=str(free_port()),
        OTEL_BSP_SCHEDULE_DELAY="200",
    ).start()
    yield Watched(house, collector)
    # The drain does not wait for a collector that is gone.
    collector.close()
    house.file()
    began = time.monotonic()
    assert house.stop() == 0
    assert time.monotonic() - began < 20


def test_one_trace_leads_from_the_form_through_four_services_into_the_index(watched: Watched) -> None:
    trace_id = watched.file_by_form()
    spans = watched.trace(
        trace_id,
        ("intake", "POST /petitions/new"),
        ("intake", "create petition.submitted.v1"),
        ("intake", "send petition.submitted.v1"),
        ("intake", "create contact.supplied.v1"),
        ("routing", "process petition.submitted.v1"),
        ("routing", "create petition.dispatched.v1"),
        ("routing", "send petition.dispatched.v1"),
        ("notify", "process petition.submitted.v1"),
        ("notify", "process contact.supplied.v1"),
        ("notify", "process petition.dispatched.v1"),
        ("notify", "create notice.delivered.v1"),
        ("search", "process petition.submitted.v1"),
        ("search", "process petition.dispatched.v1"),
        ("search", "search.index"),
        ("intake", "process petition.dispatched.v1"),
    )
    by_id = {span.id: span for span in spans}
    assert len(by_id) == len(spans), "no span comes twice"
    roots = [span for span in spans if not span.parent]
    assert [(span.service, span.role, span.name) for span in roots] == [
        ("wenzheng-intake", "web", "POST /petitions/new")
    ]
    assert [span.name for span in spans if span.parent and span.parent not in by_id] == [], "one tree, nothing loose"

    def way(span: Span) -> list[str]:
        return [*(way(by_id[span.parent]) if span.parent else []), span.name]

    written = max((span for span in spans if span.name == "search.index"), key=lambda span: len(way(span)))
    assert way(written)[:3] == ["POST /petitions/new", "create petition.submitted.v1", "process petition.submitted.v1"]
    assert way(written)[3].startswith("create petition.")
    assert {span.service for span in spans} == {
        f"wenzheng-{name}" for name in ("intake", "routing", "notify", "search")
    }
    assert [span.name for span in spans if span.problem] == []


def test_spans_and_lines_hold_ids_and_nothing_that_somebody_wrote(watched: Watched) -> None:
    trace_id = watched.file_by_form()
    watched.trace(trace_id, ("search", "search.index"))
    said = json.dumps([[span.name, span.told] for span in watched.collector.spans], ensure_ascii=False)
    said += watched.house.log()
    for secret in (TITLE, BODY[:8], NAME, PHONE, PHONE[3:], MAIL, MAIL.partition("@")[0]):
        assert secret not in said
    petition = next(span.told["wenzheng.petition_id"] for span in watched.collector.trace(trace_id) if not span.parent)
    told = [span.told.get("wenzheng.subject") for span in watched.collector.trace(trace_id)]
    assert petition in told
    (line,) = (one for one in watched.lines() if one.get("trace_id") == trace_id and one["event"] == "request")
    assert (line["service"], line["role"], line["petition_id"]) == ("intake", "web", petition)
    assert all(one.get("role") in ("web", "worker", None) for one in watched.lines())
    assert {one["role"] for one in watched.lines() if one["event"] in ("worker ready", "web ready")} == {
        "web",
        "worker",
    }


def test_a_parked_event_is_found_in_the_log_by_its_ids(watched: Watched) -> None:
    event_id, petition_id, trace = str(uuid.uuid4()), str(uuid.uuid4()), uuid.uuid4().hex
    head = {
        "specversion": "1.0",
        "id": event_id,
        "source": "intake",
        "type": "petition.submitted.v1",
        "subject": petition_id,
        "time": datetime.now(UTC).isoformat(),
        "sequence": 1,
        "traceparent": f"00-{trace}-{'1' * 16}-01",
    }
    node = json.loads((watched.house.folder / "broker" / "node.json").read_text(encoding="utf-8"))
    url = f"amqp://{node['user']}:{node['password']}@127.0.0.1:{node['amqp_port']}/{node.get('vhost', 'wenzheng')}"
    with kombu.Connection(url) as connection:
        message = amqp.Message(
            b'{"petition_id": 7}',
            content_type="application/json",
            message_id=event_id,
            application_headers={f"cloudEvents:{name}": value for name, value in head.items()},
        )
        connection.default_channel.basic_publish_confirm(
            message, exchange="wz.intake", routing_key="petition.submitted.v1"
        )

    def parked() -> list[dict[str, Any]]:
        found = [one for one in watched.lines() if one["event"] == "event parked" and one["event_id"] == event_id]
        return found if len(found) == 3 else []

    for line in until(parked):
        wanted = {"event_id": event_id, "petition_id": petition_id, "trace_id": trace, "role": "worker"}
        assert line.items() >= {**wanted, "type": "petition.submitted.v1", "code": "invalid_payload"}.items()
        assert line["queue"].partition(".")[0] == line["service"]


def test_a_worker_tells_what_waits_and_whether_its_parts_are_there(watched: Watched) -> None:
    wanted = [r'wenzheng_clocks_running{service="routing",state="dispatched"} [1-9]']
    wanted += [r'wenzheng_clocks_overdue{service="routing",state="accepted"} 0']
    for service in ("intake", "routing", "notify", "search"):
        for part in ("broker", "database"):
            wanted.append(f'wenzheng_dependency_up{{dependency="{part}",service="{service}"}} 1')
    for queue in ("routing.petitions", "search.events", "notify.contacts"):
        of = f'{{queue="{queue}",service="{queue.partition(".")[0]}"}}'
        wanted += [f"wenzheng_queue_consumers{of} 1", f"wenzheng_queue_ready{of} \\d", f"wenzheng_queue_parked{of} \\d"]
    watched.house.judged(watched.house.file()["number"])

    def missing() -> list[str]:
        address = f"http://127.0.0.1:{watched.house.environ['WENZHENG_WORKER_PORT']}/metrics"
        said = requests.get(address, timeout=10).text
        return [one for one in wanted if not re.search(f"^{one}", said, re.MULTILINE)]

    try:
        # A worker looks every fifteen seconds, at the clocks every thirty.
        until(lambda: not missing(), 50, every=1)
    except AssertionError:
        assert missing() == []
