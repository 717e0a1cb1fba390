"""Unit: spans name what was done to which id and make one tree; a collector that is away costs one line of log."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.chassis.ids import child_traceparent, new_traceparent
from services.chassis.settings import ServiceSettings, load
from services.chassis.telemetry import set_up_logs
from services.chassis.tracing import Tracer
from services.contracts.envelope import Envelope, Event
from tests.parts import free_port
from tests.parts.collector import Collector, Span

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Something(Event, frozen=True, kw_only=True):
    """An event."""


def envelope(traceparent: str | None) -> Envelope:
    return Envelope(
        id="e-1", source="toy", type="toy.done.v1", subject="t-1", time=NOW, sequence=1, data=Something(),
        traceparent=traceparent,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_goes_on() -> Iterator[None]:
    """A sender that still tries again would draw from ``random`` in the midst of other tests."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith(("Otel", "tracing-end")):
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def tracer(collector: Collector) -> Iterator[Tracer]:
    made = Tracer("toy", "worker", collector.url)
    yield made
    made.close()


def told(tracer: Tracer, collector: Collector) -> list[Span]:
    """What had come by the time everything was sent."""
    tracer.close()
    return collector.spans


def test_what_a_handled_event_leads_to_hangs_below_it(tracer: Tracer, collector: Collector) -> None:
    root = new_traceparent()
    recording = tracer.recording()
    span = recording.handles(envelope(root))
    row = {"id": "e-2", "type": "toy.again.v1", "subject": "t-1", "traceparent": child_traceparent(span)}
    recording.created(row, span)
    recording.committed("toy.events")
    published = SimpleNamespace(attempts=0, **row)
    tracer.published([published], {"e-2": "ok"}, 0.01)
    spans = {one.name: one for one in told(tracer, collector)}
    assert set(spans) == {"process toy.done.v1", "create toy.again.v1", "send toy.again.v1"}
    assert {one.trace for one in spans.values()} == {root[3:35]}
    assert spans["process toy.done.v1"].parent == root[36:52]
    assert spans["create toy.again.v1"].parent == spans["process toy.done.v1"].id
    assert spans["create toy.again.v1"].id == row["traceparent"][36:52], "whoever handles it names this span"
    assert spans["send toy.again.v1"].parent == spans["create toy.again.v1"].id
    process = spans["process toy.done.v1"]
    assert (process.service, process.role, process.kind) == ("wenzheng-toy", "worker", 5)
    assert process.told == {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": "toy.events",
        "messaging.batch.message_count": 1,
        "messaging.message.id": "e-1",
        "wenzheng.subject": "t-1",
    }


def test_what_was_not_committed_never_happened(tracer: Tracer, collector: Collector) -> None:
    recording = tracer.recording()
    recording.handles(envelope(new_traceparent()))
    assert told(tracer, collector) == []


def test_an_event_that_cannot_be_handled_says_why(tracer: Tracer, collector: Collector) -> None:
    tracer.failed(envelope(new_traceparent()), "toy.events", "handler_failed")
    (span,) = told(tracer, collector)
    assert (span.name, span.problem) == ("process toy.done.v1", "handler_failed")


def test_a_request_is_named_by_its_route_and_fails_only_when_the_fault_is_ours(
    tracer: Tracer, collector: Collector
) -> None:
    for status, code in ((404, "no_such_thing"), (503, "database_unavailable")):
        own = new_traceparent()
        tracer.request(
            own, None, 0.25, method="GET", route="/things/<number>", status=status, code=code, ids={"request_id": "r-1"}
        )
    ours, theirs = sorted(told(tracer, collector), key=lambda span: span.problem, reverse=True)
    assert (ours.name, ours.parent, ours.problem) == ("GET /things/<number>", "", "database_unavailable")
    assert theirs.problem == ""
    assert 0.2 < ours.seconds < 0.3
    assert ours.told == {
        "http.request.method": "GET",
        "http.route": "/things/<number>",
        "http.response.status_code": 503,
        "wenzheng.code": "database_unavailable",
        "wenzheng.request_id": "r-1",
    }


@pytest.mark.parametrize("wrong", [None, "", "x" * 55, f"00-{'g' * 32}-{'1' * 16}-01", f"00-{'1' * 32}-{'1' * 16}-00"])
def test_a_trace_that_is_none_or_is_not_to_be_kept_is_not_told(
    tracer: Tracer, collector: Collector, wrong: str | None
) -> None:
    tracer.handed_over("toy.mail", wrong, 0.1, {})
    assert told(tracer, collector) == []


def test_of_a_share_of_traces_every_service_keeps_the_same(collector: Collector) -> None:
    traces = [new_traceparent() for _ in range(400)]
    kept = []
    for service in ("one", "two"):
        tracer = Tracer(service, "worker", collector.url, ratio=0.25)
        for trace in traces:
            tracer.handed_over("toy.mail", trace, 0.1, {"row": "r-1"})
        tracer.close()
        kept.append({span.trace for span in collector.spans if span.service == f"wenzheng-{service}"})
    assert kept[0] == kept[1]
    assert 50 < len(kept[0]) < 150


def test_what_the_broker_refuses_again_and_again_is_told_once(tracer: Tracer, collector: Collector) -> None:
    def row(attempts: int) -> SimpleNamespace:
        return SimpleNamespace(
            id="e-1", type="toy.done.v1", subject="t", traceparent=new_traceparent(), attempts=attempts
        )

    for attempts in range(5):
        tracer.published([row(attempts)], {"e-1": "unroutable"}, 0.01)
    assert [span.problem for span in told(tracer, collector)] == ["unroutable"]


@pytest.fixture
def _logs() -> Iterator[None]:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    yield
    root.handlers[:] = kept
    root.setLevel(level)


@pytest.mark.usefixtures("_logs")
def test_a_collector_that_is_away_costs_one_line_and_no_waiting(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What another test left behind would say so in this one's log.
    gc.collect()
    set_up_logs("INFO", "json")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    tracer = Tracer("toy", "worker", f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    for _ in range(10_000):
        tracer.handed_over("toy.mail", new_traceparent(), 0.1, {})
    assert time.monotonic() - began < 2, "nobody waits for a collector"
    time.sleep(0.5)
    began = time.monotonic()
    tracer.close()
    assert time.monotonic() - began < 4
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["the trace collector takes no spans"]


@dataclass(frozen=True)
class _Loaded:
    modules: set[str]

    def any_of(self, *names: str) -> list[str]:
        return sorted(
            name for name in self.modules if name.partition(".")[0] in names or name.startswith("google.proto")
        )


def _loaded(role: str, folder: Path, **environ: str) -> _Loaded:
    """Modules that a process of this role has loaded before its first event or request."""
    program = f"""
import sys
{"import services.chassis.green" if role == "worker" else ""}
import services.cli.{role}
from services.chassis.house import open_house
from services.cli.registry import installed, part, settings_of
for name in installed():
    open_house(name, settings_of(name), role="{role}")
    part(name, "{"service" if role == "worker" else "web"}")
print(*sys.modules, sep="\\n")
"""
    clean = {"PATH": "/usr/bin:/bin", "WENZHENG_DATA_FOLDER": str(folder), **environ}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return _Loaded(set(done.stdout.split()))


@pytest.mark.parametrize("role", ["worker", "web"])
def test_without_a_collector_nothing_of_it_is_loaded(role: str, tmp_path: Path) -> None:
    assert _loaded(role, tmp_path).any_of("opentelemetry", "requests") == []
    named = _loaded(role, tmp_path, WENZHENG_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert "opentelemetry" in named.any_of("opentelemetry")


def test_a_collector_is_named_by_an_address_for_http() -> None:
    settings = load(ServiceSettings, "toy", {"WENZHENG_OTLP_ENDPOINT": "http://collector:4318"})
    assert (settings.otlp_endpoint, settings.otlp_ratio) == ("http://collector:4318", 1.0)
    with pytest.raises(Exception, match="not gRPC"):
        load(ServiceSettings, "toy", {"WENZHENG_OTLP_ENDPOINT": "collector:4317"})
