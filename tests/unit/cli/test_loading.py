"""A command loads what it needs: one that works on files takes no memory for databases and brokers."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from services.cli.main import main
sys.argv = ["wenzheng", {command!r}, "--help"]
try:
    main()
except SystemExit:
    pass
print("loaded:", *sorted({{"flask", "kombu", "nameko", "sqlalchemy"}} & set(sys.modules)))
"""


def loaded(command: str) -> str:
    code = CODE.format(command=command)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: wenzheng" in done.stdout
    return done.stdout.splitlines()[-1]


def test_the_judgement_loads_neither_database_nor_broker() -> None:
    assert loaded("judge") == "loaded:"


def test_commands_on_a_house_load_its_database() -> None:
    assert "sqlalchemy" in loaded("directory")
