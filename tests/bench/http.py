"""HTTP intake per second, as a ratio to a bare Flask app on the same server, in one run of interleaved rounds."""

from __future__ import annotations

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

from tests.bench import portal
from tests.bench.load import rate, requests_for
from tests.bench.report import Report
from tests.house import ROOT, free_port, until

ROUNDS, SECONDS = 5, 3.0


def run(report: Report) -> None:
    """Single petitions against the bare application, then whole batches of a portal."""
    single(report)
    portal.run(report)


def single(report: Report) -> None:
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
                until(partial(answers, port), 60)
            _rounds(report, ours_port, bare_port)
        finally:
            for process in (ours, bare):
                process.send_signal(signal.SIGTERM)
                process.wait(40)


def _rounds(report: Report, ours_port: int, bare_port: int) -> None:
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    for turn in range(report.rounds_of(ROUNDS) + 1):
        for port, name in ((ours_port, "ours"), (bare_port, "bare")):
            prepared = iter(requests_for(port, int(4000 * SECONDS)))
            found = rate(port, SECONDS if turn else 1.0, prepared)
            # The first round only warms up.
            if turn:
                rates[name].append(found)
                report.say(f"http {turn}: {name:<5} {found:7,.0f} petitions/s")
            time.sleep(0.2)
    report.rounds |= {f"http_{name}_per_s": values for name, values in rates.items()}
    report.figures |= {
        "http_petitions_per_s": statistics.median(rates["ours"]),
        "http_bare_flask_per_s": statistics.median(rates["bare"]),
        "http_ratio_to_bare_flask": statistics.median(a / b for a, b in zip(rates["ours"], rates["bare"], strict=True)),
    }


def answers(port: int) -> bool:
    """Whether a web server serves on that port."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/livez", timeout=1).status_code < 500
    except requests.RequestException:
        return False
