"""Resident anonymous memory of `wenzheng up` at rest: our processes, the broker apart."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

from tests.bench.report import Report
from tests.house import House, until

#: Petitions that pass before the rest, so that everything lazy has been loaded.
PETITIONS, REST_S = 20, 20


def run(report: Report) -> None:
    """Start a house, use each of its parts a little, let it rest, add up what it holds."""
    with tempfile.TemporaryDirectory() as name:
        house = House(Path(name)).start()
        try:
            for _ in range(PETITIONS):
                receipt = house.file()
            until(lambda: house.found(q=receipt["number"]))
            house.messages(receipt["number"])
            time.sleep(REST_S)
            each = {_name(process.cmdline()): _anonymous(process.pid) for process in house.ours()}
            ours = house.ours()
            for process in ours:
                process.cpu_percent(None)
            time.sleep(5)
            cpu = sum(process.cpu_percent(None) for process in ours)
        finally:
            house.stop()
    report.figures |= {f"memory_{part}_mb": value for part, value in each.items()}
    report.figures |= {"memory_at_rest_mb": sum(each.values()), "idle_cpu_percent_of_one_core": cpu}


def _name(command: list[str]) -> str:
    return next(part.rpartition(".")[2] for part in command if part.startswith("services."))


def _anonymous(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"RssAnon:\s+(\d+) kB", text)
    assert found is not None
    return int(found.group(1)) / 1024
