"""`wenzheng reconcile` where it cannot be completed: exit code 2, and a line that says who is silent and why."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.chassis.errors import Exit
from tests.house import ROOT, until
from tests.integration.cli.test_start import CLEAN, wenzheng

pytestmark = pytest.mark.broker


@contextmanager
def worker(service: str, folder: Path, environ: dict[str, str]) -> Iterator[None]:
    """A running worker of one service."""
    log = folder / f"{service}.log"
    command = [sys.executable, "-m", "services.cli.main", "run", service, "--role", "worker"]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=CLEAN | environ, cwd=ROOT, stderr=file)
    try:
        until(lambda: "worker ready" in log.read_text(), 60)
        yield
    finally:
        process.terminate()
        assert process.wait(60) == 0


@pytest.fixture
def environ(tmp_path: Path, broker: str) -> dict[str, str]:
    return {"WENZHENG_DATA_FOLDER": str(tmp_path), "WENZHENG_BROKER_URL": broker}


def test_an_owner_that_does_not_answer_is_named_and_so_is_one_that_was_never_there(
    environ: dict[str, str], tmp_path: Path
) -> None:
    with worker("intake", tmp_path, environ):
        pass
    file = tmp_path / "found.json"
    with worker("search", tmp_path, environ):
        done = wenzheng("reconcile", "search", "--timeout", "4", "--json", str(file), **environ)
    assert done.returncode == 2
    assert "search: intake did not answer within 4 s" in done.stderr
    assert "search: routing has no queue on the broker" in done.stderr
    assert "Traceback" not in done.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["exit_code"] == 2
    assert "intake did not answer" in found["services"][0]["problem"]


def test_a_worker_that_does_not_run_is_told_apart_from_owners_that_do_not_answer(environ: dict[str, str]) -> None:
    assert wenzheng("migrate", "search", **environ).returncode == 0
    done = wenzheng("reconcile", "search", "--timeout", "1", **environ)
    assert done.returncode == 2
    assert "the request to intake was not published; do the broker and the worker of search run?" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["nobody"], "there is no service 'nobody' here"),
        (["--since", "yesterday"], "--since must be a day or a moment"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(environ: dict[str, str], options: list[str], words: str) -> None:
    done = wenzheng("reconcile", *options, **environ)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_a_database_that_was_never_made_ready_is_refused_with_what_to_do(environ: dict[str, str]) -> None:
    done = wenzheng("reconcile", "search", **environ)
    assert done.returncode == Exit.FOLDER
    assert "wenzheng migrate search" in done.stderr
    assert not (Path(environ["WENZHENG_DATA_FOLDER"]) / "search.db").exists()
