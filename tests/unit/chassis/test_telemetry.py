"""Unit: the log says where something broke, and nothing of what somebody wrote."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from services.chassis.telemetry import log, set_up_logs

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
