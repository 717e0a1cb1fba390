"""Logs with ids and no personal data."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


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
