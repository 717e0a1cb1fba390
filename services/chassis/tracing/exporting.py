"""Brings spans to the collector: pages of them, from a thread (in a worker: a greenlet) of its own."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from services.chassis.telemetry import log

#: Spans kept while the collector is slow; what comes beyond is dropped. OTEL_BSP_MAX_QUEUE_SIZE says otherwise.
QUEUE = 8192
#: Spans sent at once: more would hold up a worker's loop for longer than a batch of events does.
PAGE = 200
#: How long the collector may take for them (s), and how long a process that ends waits for it.
EXPORT_S = 5.0
CLOSE_S = 3.0
_lock = threading.Lock()
#: One for the process, by address: several services of one process share the connection.
_processors: dict[str, BatchSpanProcessor] = {}


class Exporter(SpanExporter):
    """Sends pages of spans, and says once when the collector takes none and once when it does again."""

    def __init__(self, endpoint: str) -> None:
        # Headers, certificates and compression are read from the standard OTEL_EXPORTER_OTLP_… variables.
        self._inner = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_S)
        self._away = False
        # It would write two lines for every page.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._inner.export(spans)
            problem = "" if result is SpanExportResult.SUCCESS else "refused"
        except Exception as error:
            result, problem = SpanExportResult.FAILURE, type(error).__name__
        if bool(problem) != self._away:
            self._away = bool(problem)
            if problem:
                log().warning("the trace collector takes no spans", reason=problem, lost=len(spans))
            else:
                log().info("the trace collector takes spans again")
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def processor_of(endpoint: str) -> BatchSpanProcessor:
    """What takes spans for a collector, the same for everybody in the process."""
    with _lock:
        if endpoint not in _processors:
            queue = None if "OTEL_BSP_MAX_QUEUE_SIZE" in os.environ else QUEUE
            page = None if "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" in os.environ else PAGE
            _processors[endpoint] = BatchSpanProcessor(
                Exporter(endpoint), max_queue_size=queue, max_export_batch_size=page
            )
        return _processors[endpoint]


def close_all() -> None:
    """Send what is left, for a few seconds at most; the process ends."""
    with _lock:
        for processor in _processors.values():
            closing = threading.Thread(target=processor.shutdown, name="tracing-end", daemon=True)
            closing.start()
            closing.join(CLOSE_S)
        _processors.clear()
