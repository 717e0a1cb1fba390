"""The database connections that docs/limits.md promises are those that the processes ask for."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from services.cli.registry import installed
from tests.house import ROOT
from tests.integration.cli.test_start import CLEAN

#: Of a worker alone, printed by a process that may load nameko.
_ASK = (
    "from services.cli.registry import part, settings_of; from services.chassis.connections import of_worker; "
    "print(*of_worker(part('{0}', 'service').Service, settings_of('{0}', partitions={1})))"
)


def bound(service: str, partitions: int) -> tuple[int, int]:
    """(pool, direct) as ``of_worker`` reckons."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK.format(service, partitions)],
        env=CLEAN, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    pool, direct = map(int, done.stdout.split())
    return pool, direct


@pytest.mark.parametrize("service", installed())
def test_the_table_of_the_docs_is_what_a_worker_asks_for(service: str) -> None:
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {service} worker \|(.*)\|$", page, re.MULTILINE)
    figures = [tuple(map(int, re.findall(r"\d+", cell))) for cell in row.split("|")]
    assert figures == [bound(service, 1), bound(service, 4), bound(service, 8)]


def test_the_table_has_a_row_for_every_service_and_no_other() -> None:
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\w+) worker \|", page, re.MULTILINE) == list(installed())
