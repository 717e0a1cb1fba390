"""A port that cannot be had: the line names what sets it, since any other advice would not help."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis.errors import Exit
from tests.integration.cli.test_start import wenzheng


@pytest.fixture
def port() -> Iterator[str]:
    """A port that somebody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


def _said(*arguments: str, **environ: str) -> str:
    done = wenzheng(*arguments, **environ)
    assert done.returncode == Exit.TAKEN, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_the_variable_that_wins_is_named(tmp_path: Path, port: str) -> None:
    folder = {"WENZHENG_DATA_FOLDER": str(tmp_path)}
    assert "with WENZHENG_PORT\n" in _said("up", WENZHENG_PORT=port, **folder)
    assert "with WENZHENG_INTAKE_PORT\n" in _said("up", WENZHENG_INTAKE_PORT=port, WENZHENG_PORT="8099", **folder)
    (tmp_path / "port").write_text(port)
    said = _said("up", WENZHENG_PORT_FILE=str(tmp_path / "port"), **folder)
    assert "with the file that WENZHENG_PORT_FILE names\n" in said


def test_an_address_of_another_machine_is_no_matter_of_the_port(tmp_path: Path) -> None:
    said = _said("up", WENZHENG_HOST="203.0.113.7", WENZHENG_DATA_FOLDER=str(tmp_path))
    assert "WENZHENG_HOST" in said
    assert "WENZHENG_PORT" not in said


def test_a_demonstration_names_its_own_option_and_touches_nothing(tmp_path: Path, port: str) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"title": "a", "body": "b"}\n')
    said = _said("demo", "--input", str(rows), "--folder", str(tmp_path / "demo"), "--port", port, WENZHENG_PORT="8099")
    assert "--port" in said
    assert "WENZHENG_PORT" not in said
    assert not (tmp_path / "demo").exists()
