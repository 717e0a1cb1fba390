"""A real, small OpenTelemetry collector: takes OTLP over HTTP as protobuf and keeps the spans."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Span:
    """One span as it came over the wire; ids in hexadecimal, ``parent`` empty at the root."""

    service: str
    role: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    seconds: float
    problem: str
    told: dict[str, Any]


class Collector:
    """Listens on the loopback. Set ``status`` to have it refuse."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.requests = 0
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.requests += 1
                if outer.status == 200:
                    assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
                    outer.spans += spans_of(body)
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: tests look at what came."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="collector", daemon=True).start()

    @property
    def url(self) -> str:
        """Its base address, as WENZHENG_OTLP_ENDPOINT names it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def trace(self, trace_id: str) -> list[Span]:
        """Every span of one trace that has come."""
        return [span for span in list(self.spans) if span.trace == trace_id]


def spans_of(body: bytes) -> list[Span]:
    """The spans of one request."""
    request = ExportTraceServiceRequest.FromString(body)
    found = []
    for resource in request.resource_spans:
        own = _told(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                found.append(
                    Span(
                        service=own["service.name"],
                        role=own.get("wenzheng.role", ""),
                        name=span.name,
                        kind=span.kind,
                        trace=span.trace_id.hex(),
                        id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                        problem=span.status.message if span.status.code == 2 else "",
                        told=_told(span.attributes),
                    )
                )
    return found


def _told(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of its own for each test."""
    running = Collector()
    yield running
    running.close()
