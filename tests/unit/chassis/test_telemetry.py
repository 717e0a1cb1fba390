"""Unit: a line names what it is about by ids and where something broke, and nothing of what somebody wrote."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from services.chassis.ids import new_traceparent
from services.chassis.telemetry import ids_of, log, set_up_logs, trace_of
from services.contracts.envelope import Envelope, Event

SAID = "王女士 13800130117"


@pytest.fixture
def _logs() -> Iterator[None]:
    root = logging.getLogger()
    kept, level, config = root.handlers[:], root.level, structlog.get_config()
    set_up_logs("INFO", "json")
    yield
    root.handlers[:] = kept
    root.setLevel(level)
    structlog.configure(**config)


@pytest.mark.usefixtures("_logs")
def test_an_exception_leaves_its_class_and_place_and_not_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("INFO", "json")  # anew, on the captured stream
    try:
        raise ValueError(SAID)
    except ValueError as error:
        log("toy").error("handler failed", exc_info=error)
        logging.getLogger("nameko.containers").exception("error handling worker %s: %s", "toy", error)
    written = capsys.readouterr().err
    ours, theirs = (json.loads(line) for line in written.splitlines())
    assert (ours["event"], ours["error"], theirs["error"]) == ("handler failed", "ValueError", "ValueError")
    assert theirs["event"].startswith("error handling worker")
    assert SAID not in written


class Happened(Event, frozen=True, kw_only=True):
    """An event."""


@pytest.mark.usefixtures("_logs")
def test_every_line_names_service_and_role_and_an_event_by_its_ids(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("INFO", "json", service="toy", role="worker", subjects={"thing.done.v1": "thing_id"})
    traceparent = new_traceparent()
    moment = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    for type_ in ("thing.done.v1", "unit.changed.v1"):
        event = Envelope(
            id="e-1", source="toy", type=type_, subject="t-1", time=moment, sequence=1, data=Happened(),
            traceparent=traceparent,
        )  # fmt: skip
        log("toy").warning("handler failed", **ids_of(event))
    log().info("worker ready", services=["toy"])
    log("other").info("said by another")
    logging.getLogger("gunicorn.error").warning("said by a library")
    thing, unit, ready, other, library = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    ids = {"event_id": "e-1", "trace_id": traceparent[3:35], "service": "toy", "role": "worker"}
    assert thing.items() >= {**ids, "thing_id": "t-1", "type": "thing.done.v1"}.items()
    assert "subject" not in thing
    assert unit.items() >= {**ids, "subject": "t-1"}.items()
    assert ready.items() >= {"service": "toy", "role": "worker"}.items()
    assert other.items() >= {"service": "other", "role": "worker"}.items()
    assert library.items() >= {"service": "toy", "role": "worker"}.items()


@pytest.mark.parametrize("wrong", [None, "", 7, "00-short"])
def test_a_traceparent_that_is_none_names_no_trace(wrong: object) -> None:
    assert trace_of(wrong) == {}
