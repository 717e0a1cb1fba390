"""Logs with ids and no personal data, and the metrics of the house, each declared once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

#: The counters, with what they count. A name not listed here is a type error.
CounterName = Literal[
    "events_published",  # events the broker confirmed
    "events_returned",  # events no queue was bound for
    "events_nacked",  # events the broker refused
    "events_handled",  # events handled and committed
    "events_duplicate",  # events already in the inbox
    "events_stale",  # events older than what is known
    "events_gap",  # events whose predecessor was not seen
    "events_retried",  # events sent up the retry ladder
    "events_parked",  # events parked with a reason
    "events_redelivered",  # deliveries the broker marked as repeated
    "sends_done",  # rows a sender loop sent
    "sends_failed",  # rows a sender loop gave up
    "http_requests",  # requests answered, by status class
    "refusals",  # coded refusals, by code
]
GaugeName = Literal[
    "outbox_age_seconds",  # age of the oldest unpublished event
    "outbox_size",  # unpublished events
    "broker_blocked",  # 1 while the broker blocks publishing
]
HistogramName = Literal[
    "batch_size",  # events per transaction
    "batch_seconds",  # time of one transaction
    "event_lag_seconds",  # from publication to handling
    "http_seconds",  # time to answer a request
]

COUNTERS: Mapping[CounterName, tuple[str, tuple[str, ...]]] = {
    "events_published": ("Events the broker confirmed", ("type",)),
    "events_returned": ("Events no queue was bound for", ("type",)),
    "events_nacked": ("Events the broker refused", ("type",)),
    "events_handled": ("Events handled and committed", ("queue",)),
    "events_duplicate": ("Events already in the inbox", ("queue",)),
    "events_stale": ("Events older than what is known", ("queue",)),
    "events_gap": ("Events whose predecessor was not seen", ("queue",)),
    "events_retried": ("Events sent up the retry ladder", ("queue", "code")),
    "events_parked": ("Events parked with a reason", ("queue", "code")),
    "events_redelivered": ("Deliveries the broker marked as repeated", ("queue",)),
    "sends_done": ("Rows a sender loop sent", ("sender",)),
    "sends_failed": ("Rows a sender loop gave up", ("sender", "code")),
    "http_requests": ("Requests answered", ("service", "status")),
    "refusals": ("Coded refusals", ("service", "code")),
}
GAUGES: Mapping[GaugeName, tuple[str, tuple[str, ...]]] = {
    "outbox_age_seconds": ("Age of the oldest unpublished event", ("service",)),
    "outbox_size": ("Unpublished events", ("service",)),
    "broker_blocked": ("1 while the broker blocks publishing", ("service",)),
}
HISTOGRAMS: Mapping[HistogramName, tuple[str, tuple[str, ...], tuple[float, ...]]] = {
    "batch_size": ("Events per transaction", ("queue",), (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    "batch_seconds": ("Time of one transaction", ("queue",), (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)),
    "event_lag_seconds": ("From publication to handling", ("queue",), (0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300)),
    "http_seconds": ("Time to answer a request", ("service",), (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)),
}


class Metrics:
    """The process's metrics in one registry of its own; every label value is a code, never a person's."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters = {n: Counter(f"wenzheng_{n}", h, ls, registry=self.registry) for n, (h, ls) in COUNTERS.items()}
        self._gauges = {n: Gauge(f"wenzheng_{n}", h, ls, registry=self.registry) for n, (h, ls) in GAUGES.items()}
        self._histograms = {
            n: Histogram(f"wenzheng_{n}", h, ls, registry=self.registry, buckets=b)
            for n, (h, ls, b) in HISTOGRAMS.items()
        }

    def count(self, name: CounterName, by: float = 1, /, **labels: str) -> None:
        """Add to a counter."""
        if by:
            self._counters[name].labels(**labels).inc(by)

    def gauge(self, name: GaugeName, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        self._gauges[name].labels(**labels).set(value)

    def observe(self, name: HistogramName, value: float, /, **labels: str) -> None:
        """Add to a histogram."""
        self._histograms[name].labels(**labels).observe(value)


def set_up_logs(level: str = "INFO", form: str = "auto") -> None:
    """Route structlog and the standard library to standard error, as JSON or as text on a terminal."""
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[_drop_trace, structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("nameko", "kombu", "amqp", "elastic_transport", "alembic", "httpx", "httpcore", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It warns of every delivery that comes while a channel closes, though those simply go back to their queue.
    logging.getLogger("amqp").setLevel(logging.ERROR)


def _drop_trace(logger: Any, name: str, event: Any) -> Any:
    """A stack trace may quote what somebody wrote: keep the class of the exception and where it came from."""
    info = event.pop("exc_info", None)
    if info:
        info = sys.exc_info() if info is True else info
        error = info[1] if isinstance(info, tuple) else info
        if error is not None:
            frames = []
            at = error.__traceback__
            while at is not None:
                frames.append(f"{at.tb_frame.f_code.co_filename.rpartition('services/')[2]}:{at.tb_lineno}")
                at = at.tb_next
            event["error"] = type(error).__name__
            event["at"] = " > ".join(frames[-6:])
            record = event.get("_record")
            if record is not None and not event.get("_from_structlog"):
                # A library may write the exception into its line, and that may quote as well: keep its constant text.
                event["event"] = str(record.msg)
    return event


def log(service: str) -> Any:
    """A logger. Use: constant text plus ids as keywords, ``log.info("event parked", event_id=…)``."""
    return structlog.get_logger().bind(service=service)
