"""Logs: one line of JSON for each thing that happened, with the ids it is about and no personal data."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from services.contracts.envelope import Envelope


def set_up_logs(
    level: str = "INFO",
    form: str = "auto",
    *,
    service: str = "",
    role: str = "",
    subjects: Mapping[str, str] | None = None,
) -> None:
    """Route structlog and the standard library to standard error, as JSON or as text on a terminal.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        form: json, text or auto.
        service: stands in every line that names no other; empty where several services share the process.
        role: web or worker; stands in every line.
        subjects: what the subject of an event of a type is called in a line; ``subject`` otherwise.
    """
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _Known(service, role, subjects or {}),
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


class _Known:
    """Adds what the process knows of every line, and gives an event's subject its own name."""

    def __init__(self, service: str, role: str, subjects: Mapping[str, str]) -> None:
        self._always = {name: value for name, value in (("service", service), ("role", role)) if value}
        self._subjects = subjects

    def __call__(self, logger: Any, name: str, event: Any) -> Any:
        for key, value in self._always.items():
            event.setdefault(key, value)
        subject = self._subjects.get(str(event.get("type")))
        if subject is not None and "subject" in event:
            event[subject] = event.pop("subject")
        return event


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


def log(service: str = "") -> Any:
    """A logger. Use: constant text plus ids as keywords, ``log.info("event parked", event_id=…)``.

    Args:
        service: whose line it is; empty where the process speaks and not one of its services.
    """
    logger = structlog.get_logger()
    return logger.bind(service=service) if service else logger


def ids_of(envelope: Envelope) -> dict[str, str]:
    """What a line about an event names it by."""
    found = {"event_id": envelope.id, "type": envelope.type, "subject": envelope.subject}
    return found | trace_of(envelope.traceparent)


def trace_of(traceparent: object) -> dict[str, str]:
    """The trace's id out of a W3C ``traceparent``; nothing where there is none."""
    return {"trace_id": traceparent[3:35]} if isinstance(traceparent, str) and len(traceparent) == 55 else {}
