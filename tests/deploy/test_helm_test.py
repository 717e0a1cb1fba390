"""The script that `helm test` runs, against a whole house on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.front_door import PATHS
from tests.deploy.tools import CHART
from tests.house import ROOT, House

# Each run starts three commands that load a whole service.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    house.start()
    yield house
    house.stop()


def run(house: House, url: str, seconds: int = 60) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "WENZHENG_DATA_FOLDER": str(house.folder),
        "TEST_URL": url,
        "TEST_SECONDS": str(seconds),
        "TEST_PATHS": json.dumps({f"wz-wenzheng-{name}": paths for name, paths in PATHS.items()}),
    }
    return subprocess.run(
        [sys.executable, CHART / "files" / "front_door_test.py"],
        env=environ, cwd=Path("/"), capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip


def account(house: House) -> str:
    """The line of the script's account in `wenzheng staff list`."""
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "wenzheng", "staff", "list", "--json"],
        env=os.environ | {"WENZHENG_DATA_FOLDER": str(house.folder)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return next(line for line in done.stdout.splitlines() if '"helm-test"' in line)


def test_it_files_a_petition_finds_it_takes_it_back_and_leaves_no_account_open(house: House) -> None:
    for _ in range(2):
        done = run(house, house.address(""))
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            f"{step}: done" for step in ("filed through the front door", "signed in", "found by search", "taken back")
        ]
        assert json.loads(account(house))["active"] is False


def test_without_a_door_each_path_is_asked_of_its_service_and_the_failure_says_where_it_stopped(house: House) -> None:
    done = run(house, "", seconds=2)
    assert done.returncode == 1
    assert "filed through the front door: http://wz-wenzheng-intake:8080/api/petitions answered 0" in done.stderr
    assert json.loads(account(house))["active"] is False
