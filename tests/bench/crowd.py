"""Petitions that share their words with ever more past ones, as form letters do: what a crowd costs each of them."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from tests.bench.parts import servers
from tests.bench.report import Report
from tests.house import ROOT

ROUNDS, PETITIONS = 5, 300
SMALL, LARGE = 500, 20_000


def run(report: Report) -> None:
    """Judge petitions in front of a small and of a large crowd of the same ones, in turn, in batches of thirty."""
    sizes = (SMALL, report.few(LARGE))
    with servers() as parts:
        crowds = [word for size in sizes for word in (parts.database(), str(size))]
        rounds, petitions = report.rounds_of(ROUNDS), report.few(PETITIONS)
        command = [sys.executable, "-m", "tests.integration.routing.crowd", str(rounds), str(petitions), *crowds]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    took = [json.loads(line) for line in done.stdout.splitlines()]
    for turn, (small, large) in enumerate(took, 1):
        report.say(f"crowd {turn}: {small:5.1f} ms a petition in front of {sizes[0]:,}, {large:5.1f} of {sizes[1]:,}")
    report.rounds |= {"crowd_small_ms": [small for small, _ in took], "crowd_large_ms": [large for _, large in took]}
    report.figures |= {name: statistics.median(report.rounds[name]) for name in ("crowd_small_ms", "crowd_large_ms")}
    report.figures["crowd_growth"] = statistics.median(large / small - 1 for small, large in took)
