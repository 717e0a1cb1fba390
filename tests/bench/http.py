"""HTTP intake per second, as a ratio to a bare Flask app on the same server, in one run of interleaved rounds."""

from __future__ import annotations

import itertools
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import requests

from tests.bench.load import rate, requests_for
from tests.house import ROOT, free_port, until

ROUNDS, SECONDS = 5, 3.0


def run() -> dict[str, float]:
    """Measure both, round by round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours_port, bare_port = free_port(), free_port()
        environ = {name: value for name, value in os.environ.items() if not name.startswith("WENZHENG_")}
        ours = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "run", "intake", "--role", "web"],
            cwd=ROOT,
            env=environ
            | {
                "WENZHENG_DATA_FOLDER": str(folder),
                "WENZHENG_PORT": str(ours_port),
                "WENZHENG_LOG_LEVEL": "WARNING",
                "WENZHENG_FILING_PER_MINUTE": "10000000",
            },
        )
        bare = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "16", "-w", "1"),
                *("--log-level", "warning", "-b", f"127.0.0.1:{bare_port}", "tests.bench.bare_flask:app"),
            ],
            cwd=ROOT,
            env=environ | {"BARE_DATABASE": str(folder / "bare.db")},
        )
        try:
            for port in (ours_port, bare_port):
                until(partial(_answers, port), 60)
            return _rounds(ours_port, bare_port)
        finally:
            for process in (ours, bare):
                process.send_signal(signal.SIGTERM)
                process.wait(40)


def _rounds(ours_port: int, bare_port: int) -> dict[str, float]:
    ours: list[float] = []
    bare: list[float] = []
    for turn in range(ROUNDS + 1):
        for port, rates in ((ours_port, ours), (bare_port, bare)):
            prepared = itertools.chain(requests_for(port, int(4000 * SECONDS)))
            found = rate(port, SECONDS if turn else 1.0, prepared)
            if turn:
                rates.append(found)
            time.sleep(0.2)
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    return {
        "http_petitions_per_s": statistics.median(ours),
        "http_bare_flask_per_s": statistics.median(bare),
        "http_ratio_to_bare_flask": ratio,
    }


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/livez", timeout=1).status_code < 500
    except requests.RequestException:
        return False
