"""Spans of what a process does, for an OpenTelemetry collector; loaded only where one is named.

The ids travel anyway: ``traceparent`` stands in requests, outboxes, events and rows that wait to be sent. Here they are
turned into spans once the work is done, so no context has to follow greenlets and threads, and a process without a
collector only ever looks at a ``None``. A span says what was done to which id, never what anybody wrote.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from services.chassis.ids import child_traceparent
from services.chassis.tracing.exporting import close_all, processor_of
from services.contracts.envelope import Envelope

#: W3C Trace Context, version 00.
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SCOPE = InstrumentationScope("wenzheng")
_GOOD = Status()


class Tracer:
    """Makes the spans of one service in one process.

    Args:
        service: its name.
        role: web or worker.
        endpoint: base address of an OTLP collector that takes HTTP, for example http://collector:4318.
        ratio: share of the traces that are kept; decided by the trace's id, so every service decides alike.
    """

    def __init__(self, service: str, role: str, endpoint: str, ratio: float = 1.0) -> None:
        own = {"service.name": f"wenzheng-{service}", "service.namespace": "wenzheng", "wenzheng.role": role}
        self._resource = Resource.create(own)
        self._bound = TraceIdRatioBased(ratio).bound
        self._processor = processor_of(endpoint)

    # ── requests ────────────────────────────────────────────────────────────────────────────────────
    def request(
        self,
        own: str,
        parent: str | None,
        seconds: float,
        *,
        method: str,
        route: str,
        status: int,
        code: str = "",
        ids: Mapping[str, str],
    ) -> None:
        """A request that was answered.

        Args:
            own: the traceparent it had.
            parent: the one it came with.
            seconds: how long it took.
            method: its HTTP method.
            route: the rule that it fitted, never its path.
            status: the answer's status.
            code: code of the refusal, if it was one.
            ids: what it was about.
        """
        told = {"http.request.method": method, "http.route": route, "http.response.status_code": status, **_ours(ids)}
        if code:
            told["wenzheng.code"] = code
        problem = (code or str(status)) if status >= 500 else ""
        ended = time.time_ns()
        name = f"{method} {route}".strip()
        self._span(name, SpanKind.SERVER, own, parent, ended - round(seconds * 1e9), ended, told, problem)

    # ── events ──────────────────────────────────────────────────────────────────────────────────────
    def recording(self) -> Recording:
        """For one transaction."""
        return Recording(self)

    def failed(self, envelope: Envelope, queue: str, code: str) -> None:
        """An event that could not be handled goes up the retry ladder, or is parked."""
        now = time.time_ns()
        told = {"messaging.destination.name": queue, "wenzheng.code": code, **_about(envelope)}
        own = child_traceparent(envelope.traceparent)
        self._span(f"process {envelope.type}", SpanKind.CONSUMER, own, envelope.traceparent, now, now, told, code)

    def published(self, rows: Sequence[Any], outcome: Mapping[str, str], seconds: float) -> None:
        """A page of the outbox was published and marked.

        Args:
            rows: its rows.
            outcome: the broker's word by event id.
            seconds: how long it took.
        """
        ended = time.time_ns()
        began = ended - round(seconds * 1e9)
        for row in rows:
            word = outcome.get(row.id)
            # What the broker refuses is tried for ever: the first time tells enough.
            if word is None or (word != "ok" and row.attempts):
                continue
            told = {
                "messaging.system": "rabbitmq",
                "messaging.operation.type": "send",
                "messaging.message.id": row.id,
                "messaging.batch.message_count": len(rows),
                "wenzheng.subject": row.subject,
            }
            own, problem = child_traceparent(row.traceparent), "" if word == "ok" else word
            self._span(f"send {row.type}", SpanKind.PRODUCER, own, row.traceparent, began, ended, told, problem)

    # ── side effects ────────────────────────────────────────────────────────────────────────────────
    def handed_over(
        self, name: str, traceparent: str | None, seconds: float, ids: Mapping[str, str], code: str = ""
    ) -> None:
        """A row was brought out: a mail, an answer to a portal, a document for the index.

        Args:
            name: the sender's.
            traceparent: what the row keeps of the event that made it; without one there is no trace to belong to.
            seconds: how long it took.
            ids: the row's, and what it is about.
            code: why it did not go.
        """
        if traceparent is None or _context(traceparent) is None:
            return
        ended, own = time.time_ns(), child_traceparent(traceparent)
        began = ended - round(seconds * 1e9)
        told = {**_ours(ids), **({"wenzheng.code": code} if code else {})}
        self._span(name, SpanKind.CLIENT, own, traceparent, began, ended, told, code)

    def close(self) -> None:
        """Send what is left, for a few seconds at most; the process ends. Said by one service it holds for all."""
        close_all()

    def _span(
        self,
        name: str,
        kind: SpanKind,
        own: str,
        parent: str | None,
        began: int,
        ended: int,
        told: Mapping[str, str | int],
        problem: str = "",
    ) -> None:
        """Hand one span to the exporter.

        Args:
            name: its name.
            kind: its kind.
            own: traceparent whose span id is its own.
            parent: traceparent whose span is its parent; None at the root.
            began: when it began (ns).
            ended: when it ended (ns).
            told: its attributes.
            problem: code of what went wrong.
        """
        context = _context(own)
        if context is None or context.trace_id & 0xFFFF_FFFF_FFFF_FFFF >= self._bound:
            return
        self._processor.on_end(
            ReadableSpan(
                name,
                context=context,
                parent=_context(parent),
                resource=self._resource,
                attributes=told,
                kind=kind,
                status=Status(StatusCode.ERROR, problem) if problem else _GOOD,
                start_time=began,
                end_time=ended,
                instrumentation_scope=_SCOPE,
            )
        )


class Recording:
    """Spans of one transaction: told once it is committed, forgotten when it is not."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._began = time.time_ns()
        self._handled: list[tuple[Envelope, str]] = []
        self._created: list[tuple[Mapping[str, Any], str | None, int]] = []

    def handles(self, envelope: Envelope) -> str:
        """An event's turn has come. Returns the traceparent of its span, for what it leads to."""
        own = child_traceparent(envelope.traceparent)
        self._handled.append((envelope, own))
        return own

    def created(self, row: Mapping[str, Any], parent: str | None) -> None:
        """An event was written into the outbox.

        Args:
            row: its row; whoever handles the event names its ``traceparent`` as the parent.
            parent: the span in which that was done.
        """
        self._created.append((row, parent, time.time_ns()))

    def committed(self, queue: str = "") -> None:
        """All of it stands.

        Args:
            queue: where the handled events came from.
        """
        ended, tell = time.time_ns(), self._tracer._span
        for envelope, own in self._handled:
            told: dict[str, str | int] = {
                "messaging.system": "rabbitmq",
                "messaging.operation.type": "process",
                "messaging.destination.name": queue,
                "messaging.batch.message_count": len(self._handled),
                **_about(envelope),
            }
            name, parent = f"process {envelope.type}", envelope.traceparent
            tell(name, SpanKind.CONSUMER, own, parent, self._began, ended, told)
        for row, parent, at in self._created:
            told = {
                "messaging.system": "rabbitmq",
                "messaging.operation.type": "create",
                "messaging.message.id": row["id"],
                "wenzheng.subject": row["subject"],
            }
            tell(f"create {row['type']}", SpanKind.PRODUCER, row["traceparent"], parent, at, at, told)


def _context(traceparent: str | None) -> SpanContext | None:
    """What a traceparent names; None when it is none, or asks not to be recorded."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None or not int(found[3], 16) & TraceFlags.SAMPLED:
        return None
    return SpanContext(int(found[1], 16), int(found[2], 16), is_remote=False, trace_flags=_SAMPLED)


def _about(envelope: Envelope) -> dict[str, str]:
    return {"messaging.message.id": envelope.id, "wenzheng.subject": envelope.subject}


def _ours(ids: Mapping[str, str]) -> dict[str, Any]:
    return {f"wenzheng.{name}": value for name, value in ids.items()}
