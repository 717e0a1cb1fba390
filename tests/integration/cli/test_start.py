"""What an operator reads when something is missing or wrong: one plain line, an exit code for it, no trace."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from services.chassis.errors import Exit
from tests.house import ROOT

#: This environment without anything that is meant for a house.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("WENZHENG_")}
CLEAN["WENZHENG_START_WAIT_S"] = "0"


def wenzheng(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing but these settings."""
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", *arguments],
        env=CLEAN | environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], *words: str, code: int = Exit.SETTINGS) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for word in words:
        assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = wenzheng("up", WENZHENG_PORT=port, WENZHENG_DATA_FOLDER=str(tmp_path))
    refused(done, port, "WENZHENG_PORT", code=Exit.TAKEN)


def test_a_missing_broker_is_named(tmp_path: Path) -> None:
    url = "amqp://guest:verysecret@127.0.0.1:1/"
    done = wenzheng("run", "search", "--role", "worker", WENZHENG_BROKER_URL=url, WENZHENG_DATA_FOLDER=str(tmp_path))
    refused(done, "broker", "WENZHENG_BROKER_URL", code=Exit.BROKER_AWAY)
    assert "verysecret" not in done.stderr


def test_a_missing_database_is_named_without_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg2://u:verysecret@127.0.0.1:1/x"
    done = wenzheng("migrate", "intake", WENZHENG_DATABASE_URL=url, WENZHENG_DATA_FOLDER=str(tmp_path))
    refused(done, "database", "127.0.0.1:1", code=Exit.DATABASE_AWAY)
    assert "verysecret" not in done.stderr


@pytest.mark.parametrize("path", ["/proc/nowhere", "file/below"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / path
    refused(wenzheng("up", WENZHENG_DATA_FOLDER=str(folder)), str(folder), code=Exit.FOLDER)


@pytest.mark.parametrize("services", [[], ["routing"]])
def test_two_services_on_one_database_are_kept_apart(tmp_path: Path, services: list[str]) -> None:
    shared = {"WENZHENG_DATABASE_URL": f"sqlite:///{tmp_path}/all.db", "WENZHENG_DATA_FOLDER": str(tmp_path)}
    if services:
        assert wenzheng("migrate", "intake", **shared).returncode == 0
    done = wenzheng("migrate", *services, **shared)
    refused(done, "all.db", "WENZHENG_ROUTING_DATABASE_URL", code=Exit.SCHEMA_FOREIGN)


def test_a_database_of_a_newer_release_is_named(tmp_path: Path) -> None:
    assert wenzheng("migrate", "intake", WENZHENG_DATA_FOLDER=str(tmp_path)).returncode == 0
    with closing(sqlite3.connect(tmp_path / "intake.db")) as database:
        database.execute("update alembic_version set version_num = '9999'")
        database.commit()
    done = wenzheng("migrate", "intake", WENZHENG_DATA_FOLDER=str(tmp_path))
    refused(done, "9999", "intake", code=Exit.SCHEMA_NEW)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "none" / "metrics.md"
    refused(wenzheng("metrics", str(file)), str(file))


@pytest.mark.parametrize(
    ("name", "value"),
    [("WENZHENG_LOG_LEVEL", "loud"), ("WENZHENG_LOG_FORMAT", "xml"), ("WENZHENG_DEFAULT_LANGUAGE", "fr")],
)
def test_a_setting_of_a_few_words_takes_no_other(tmp_path: Path, name: str, value: str) -> None:
    refused(wenzheng("migrate", **{name: value, "WENZHENG_DATA_FOLDER": str(tmp_path)}), name)


def test_every_wrong_setting_is_listed_at_once(tmp_path: Path) -> None:
    done = wenzheng(
        "up",
        WENZHENG_BROKER_URL="http://broker",
        WENZHENG_PORT="many",
        WENZHENG_TIME_ZONE="Mars/Olympus",
        WENZHENG_DATA_FOLDER=str(tmp_path),
    )
    assert done.returncode == 2
    for name in ("WENZHENG_BROKER_URL", "WENZHENG_PORT", "WENZHENG_TIME_ZONE"):
        assert name in done.stderr


def test_an_unknown_service_and_an_unknown_role_are_named_with_what_there_is() -> None:
    refused(wenzheng("run", "nowhere", "--role", "worker"), "nowhere", "intake", "search")
    refused(wenzheng("run", "intake", "--role", "boss"), "boss", "web", "worker")


def test_a_second_worker_on_one_data_folder_is_turned_away(tmp_path: Path, broker: str) -> None:
    environ = {"WENZHENG_DATA_FOLDER": str(tmp_path), "WENZHENG_BROKER_URL": broker}
    command = [sys.executable, "-m", "services.cli.main", "run", "search", "--role", "worker"]
    first = subprocess.Popen(command, env=CLEAN | environ, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert first.stderr is not None
        while "worker ready" not in (line := first.stderr.readline()):
            assert line, "the first worker did not start"
        refused(wenzheng("run", "search", "--role", "worker", **environ), "already runs", code=Exit.TAKEN)
    finally:
        first.terminate()
        assert first.wait(30) == 0
        assert first.stderr is not None
        first.stderr.close()


def test_settings_are_printed_with_their_source_and_secrets_masked(tmp_path: Path) -> None:
    done = wenzheng("config", "search", WENZHENG_SECRET_KEY="verysecret", WENZHENG_DATA_FOLDER=str(tmp_path))
    assert done.returncode == 0
    assert "verysecret" not in done.stdout
    assert "********" in done.stdout
    assert "WENZHENG_ELASTICSEARCH_URL" in done.stdout
    assert "WENZHENG_SECRET_KEY" in done.stdout


def test_a_setting_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("8123\n")
    done = wenzheng("config", "search", WENZHENG_PORT_FILE=str(tmp_path / "port"))
    assert "8123" in done.stdout
    assert "WENZHENG_PORT_FILE" in done.stdout


def test_a_row_that_is_no_petition_is_named_with_its_line(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"title": "a", "body": "b"}\n{"title": 5}\n')
    refused(wenzheng("demo", "--input", str(rows), "--folder", str(tmp_path / "demo")), "line 2", "title")


def test_a_folder_that_holds_something_else_is_not_emptied_for_a_demonstration(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"title": "a", "body": "b"}\n')
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "letter").write_text("keep me")
    refused(wenzheng("demo", "--input", str(rows), "--folder", str(folder)), "precious")
    assert (folder / "letter").read_text() == "keep me"
