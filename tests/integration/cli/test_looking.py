"""Commands that look: they make nothing, say in one line what is not at hand, and can be read in 80 columns."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import amqp
import pytest
from sqlalchemy import insert

from services.chassis import topology
from services.chassis.broker import Publisher, connect
from services.chassis.delivery import outbox
from services.chassis.errors import Exit, StartError
from services.chassis.house import open_house
from services.chassis.settings import ServiceSettings, load
from services.chassis.there import open_there
from services.cli.registry import installed, settings_of
from services.cli.topology import subscriptions_of
from tests.house import ROOT
from tests.integration.cli.test_start import CLEAN, wenzheng

pytestmark = pytest.mark.broker

SOURCES = ["intake", "intake.contacts", "routing", "notify", "snapshots"]
LOOKING = (
    ("queues",),
    ("parked", "list"),
    ("unroutable", "list"),
    ("unroutable", "discard", "--all", "--why", "x"),
    ("topology", "check"),
    ("reconcile", "--check"),
    ("directory", "show"),
    ("staff", "list"),
    ("notices", "failed"),
    ("search-index", "status"),
)


def on_terminal(columns: int, *arguments: str, **environ: str) -> str:
    """What somebody sees on a terminal of so many columns, without its colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    process = subprocess.Popen(
        command, env=CLEAN | {"TERM": "xterm"} | environ, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    # Its end is told as an error on Linux.
    with suppress(OSError):
        while some := os.read(ours, 65536):
            said += some
    os.close(ours)
    assert process.wait(60) == 0, said
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said.decode())


@pytest.fixture
def environ(tmp_path: Path, broker: str) -> dict[str, str]:
    """Databases and queues without any process that would empty them."""
    made = {"WENZHENG_DATA_FOLDER": str(tmp_path), "WENZHENG_BROKER_URL": broker}
    done = wenzheng("migrate", **made)
    assert done.returncode == 0, done.stderr
    return made


def _declare(broker: str, partitions: int) -> None:
    for service in installed():
        topology.declare_all(broker, subscriptions_of(service), SOURCES, partitions)


def _park(broker: str, *ids: str) -> None:
    connection = connect(broker, "test")
    route = topology.parked_route("routing.petitions")
    messages = (
        amqp.Message("{}", message_id=one, delivery_mode=2, application_headers={"cloudEvents:id": one}) for one in ids
    )
    assert set(Publisher(connection).publish((message, *route) for message in messages).values()) == {"ok"}
    connection.release()


# ── nothing is made ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_a_mistyped_data_folder_is_said_and_not_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    folder = tmp_path / "tyop"
    done = wenzheng(*command, WENZHENG_DATA_FOLDER=str(folder))
    assert done.returncode == Exit.FOLDER, done.stderr
    assert f"there is no data folder {folder}" in done.stderr
    assert "WENZHENG_DATA_FOLDER" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not folder.exists()


def test_the_settings_are_shown_all_the_same_with_a_word_on_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "tyop"
    done = wenzheng("config", WENZHENG_DATA_FOLDER=str(folder))
    assert done.returncode == 0
    assert f"{folder} is not there" in done.stderr
    assert not folder.exists()


def test_a_house_without_its_key_is_looked_at_and_gets_none(tmp_path: Path) -> None:
    settings = load(ServiceSettings, "toy", {"WENZHENG_DATA_FOLDER": str(tmp_path)})
    open_house("toy", settings).database.ping()
    (tmp_path / "secret.key").unlink()
    house = open_there("toy", settings)
    house.database.ping()
    with pytest.raises(StartError, match=r"secret\.key"):
        house.key("cookies")
    assert not (tmp_path / "secret.key").exists()


def test_a_database_that_is_missing_is_not_made(tmp_path: Path) -> None:
    settings = load(ServiceSettings, "toy", {"WENZHENG_DATA_FOLDER": str(tmp_path)})
    with pytest.raises(StartError, match=r"toy\.db.*wenzheng migrate toy"):
        open_there("toy", settings)
    assert list(tmp_path.iterdir()) == []


# ── one service's database is not at hand ───────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["missing", "empty", "unreachable"])
def test_a_database_that_is_not_at_hand_costs_its_own_figures_only(
    environ: dict[str, str], broker: str, kind: str
) -> None:
    _declare(broker, 1)
    file = Path(environ["WENZHENG_DATA_FOLDER"]) / "notify.db"
    file.unlink()
    if kind == "empty":
        file.touch()
    if kind == "unreachable":
        environ["WENZHENG_NOTIFY_DATABASE_URL"] = "postgresql+psycopg2://u:verysecret@127.0.0.1:1/x"
    done = wenzheng("queues", **environ)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "not at hand (" in line]
    assert len(lines) == 1
    assert "notify: " in lines[0]
    assert "verysecret" not in done.stdout
    own = done.stdout.partition("Outboxes")[2]
    assert re.search(r"^notify +– +– +– +–", own, re.MULTILINE)
    assert re.search(r"^intake +0 +", own, re.MULTILINE)
    assert file.exists() == (kind == "empty")

    told = json.loads(wenzheng("queues", "--json", **environ).stdout)
    assert [row["service"] for row in told["outboxes"]] == ["intake", "routing", "search"]
    assert {row["rate"] for row in told["queues"] if row["service"] == "notify"} == {None}
    assert {row["ready"] for row in told["queues"] if row["service"] == "notify"} == {0}


def test_what_is_unroutable_elsewhere_is_listed_while_one_database_is_away(environ: dict[str, str]) -> None:
    folder = Path(environ["WENZHENG_DATA_FOLDER"])
    intake = open_house("intake", settings_of("intake", data_folder=folder))
    with intake.database.write() as session:
        row = {"id": "event-1", "type": "t.v1", "source": "intake", "subject": "s", "routing_key": "t.v1"}
        more = {"sequence": 1, "time": datetime.now(UTC), "body": b"{}", "confidential": False, "attempts": 1}
        session.execute(insert(outbox), [{**row, **more, "problem": "unroutable"}])
    intake.database.close()
    (folder / "notify.db").unlink()
    done = wenzheng("unroutable", "list", **environ)
    assert done.returncode == 0, done.stderr
    assert "event-1" in done.stdout
    assert done.stderr.startswith("notify: database not at hand")
    assert not (folder / "notify.db").exists()
    refused = wenzheng("unroutable", "list", "--service", "notify", **environ)
    assert refused.returncode != 0


# ── another number of partitions ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("there", "asked"), [(1, 3), (2, 1), (3, 2)])
def test_another_number_of_partitions_is_said_in_one_line_and_the_figures_are_shown(
    environ: dict[str, str], broker: str, there: int, asked: int
) -> None:
    _declare(broker, there)
    connection = connect(broker, "test")
    events = [
        amqp.Message(
            "{}", message_id=str(n), delivery_mode=2, application_headers={"cloudEvents:subject": str(uuid.uuid4())}
        )
        for n in range(12)
    ]
    publisher = Publisher(connection)
    publisher.publish((event, *topology.again_route("routing.petitions")) for event in events)
    connection.release()
    environ["WENZHENG_PARTITIONS"] = str(asked)

    told = json.loads(wenzheng("queues", "--json", **environ).stdout)
    rows: dict[str, dict[str, Any]] = {row["queue"]: row for row in told["queues"]}
    assert rows["routing.petitions"]["ready"] == 12
    assert rows["notify.events"]["ready"] == 0
    said = [hint for hint in told["hints"] if "partitions" in hint]
    assert len(said) == 1
    assert f"the broker has {there} " in said[0]
    assert f"asks for {asked};" in said[0]
    assert f"WENZHENG_PARTITIONS={there}" in said[0]

    done = wenzheng("topology", "check", **environ)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == said


def test_the_right_number_of_partitions_is_not_mentioned(environ: dict[str, str], broker: str) -> None:
    _declare(broker, 2)
    environ["WENZHENG_PARTITIONS"] = "2"
    assert "partitions" not in wenzheng("queues", **environ).stdout
    assert wenzheng("topology", "check", **environ).returncode == 0


# ── ids ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_id_of_a_parked_event_can_be_copied_from_80_columns(environ: dict[str, str], broker: str) -> None:
    _declare(broker, 1)
    ids = [str(uuid.uuid4()) for _ in range(3)]
    _park(broker, *ids)
    seen = on_terminal(80, "parked", "list", **environ)
    for one in ids:
        assert one in seen


def test_the_beginning_of_an_id_is_enough_where_no_other_event_has_it(environ: dict[str, str], broker: str) -> None:
    _declare(broker, 1)
    _park(broker, "aaaa-1", "aaab-2", "cccc-3")
    queue = "routing.petitions"
    several = wenzheng("parked", "discard", queue, "--id", "aaa", "--why", "x", **environ)
    assert several.returncode == Exit.SETTINGS
    assert "2 events" in several.stderr
    assert "cccc-3" in wenzheng("parked", "show", queue, "ccc", **environ).stdout
    assert "1 sent back" in wenzheng("parked", "replay", queue, "--id", "ccc", **environ).stdout
    assert "1 dropped" in wenzheng("parked", "discard", queue, "--id", "aaab", "--why", "x", **environ).stdout
    left = wenzheng("parked", "list", "--json", "--id", "aa", **environ).stdout
    assert [json.loads(line)["event_id"] for line in left.splitlines()] == ["aaaa-1"]


# ── at once ─────────────────────────────────────────────────────────────────────────────────────


def test_who_waits_for_the_queues_is_told_so_before_they_are_there(environ: dict[str, str]) -> None:
    seen = on_terminal(80, "queues", **environ)
    assert 0 <= seen.index("asking the broker and 4 services") < seen.index("Queues")
