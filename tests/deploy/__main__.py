"""Proves the deployment: ``python -m tests.deploy [--only STEP,…] [--keep] [--kubeconfig FILE] [--no-keda]``.

First the ladder (tests/deploy/test_*.py: lint, schemas, policies, queries), then a real cluster: the chart installed on
real servers, disturbed under load, the books of all services compared.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from tests.deploy.cluster.ground import Chosen, NoCluster
from tests.deploy.cluster.report import Report
from tests.deploy.cluster.rows import STEPS, Result
from tests.deploy.cluster.run import Runner
from tests.fault.processes import ROOT, Failed

LADDER = "ladder"


def main() -> int:
    """Entry point; 1 when a step fails, 2 when there is no cluster."""
    chosen = _arguments()
    console = Console(highlight=False, soft_wrap=True)
    if chosen.list:
        console.print(f"{LADDER:>10}  lint, schemas, policies, edges, queries, rules", markup=False)
        for declared in STEPS.values():
            console.print(f"{declared.name:>10}  {declared.title}", markup=False)
        return 0
    needs_cluster = not chosen.only or any(name != LADDER for name in chosen.only)
    if needs_cluster and not (chosen.kubeconfig or os.environ.get("KUBECONFIG") or os.environ.get("CLUSTER")):
        from tests.deploy.cluster.tool import HOW_TO

        console.print(HOW_TO, markup=False)
        return 2
    signal.signal(signal.SIGTERM, _end)
    chosen.report.mkdir(parents=True, exist_ok=True)
    report = Report(chosen.report)
    runner = Runner(console, report, chosen.report)
    begun = time.monotonic()
    try:
        if not chosen.only or LADDER in chosen.only:
            runner.do(LADDER, "lint, schemas, policies, edges, queries, rules", _ladder)
        if needs_cluster:
            runner.on_cluster(
                Chosen(
                    kubeconfig=chosen.kubeconfig,
                    address=chosen.address,
                    keep=chosen.keep,
                    keda=not chosen.no_keda,
                    images=not chosen.no_images,
                    petitions=chosen.petitions // 4,
                    rate=chosen.rate,
                    backlog=chosen.backlog,
                ),
                [name for name in chosen.only if name != LADDER],
            )
    except NoCluster as reason:
        console.print(str(reason), markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("broken off", style="red")
        return 130
    finally:
        report.write(runner.results)
    failed = sum(result.verdict == "failed" for result in runner.results)
    console.print(
        f"{len(runner.results) - failed} of {len(runner.results)} not failed, {time.monotonic() - begun:.0f} s; "
        f"{report.page}",
        markup=False,
    )
    return 1 if failed else 0


def _end(*_: object) -> NoReturn:
    # As Ctrl-C does: it takes everything down.
    raise KeyboardInterrupt


def _ladder(result: Result, say: object) -> None:
    """The tests that need no cluster."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/deploy", "-p", "no:cacheprovider"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    result.notes.append(lines[-1] if lines else "pytest said nothing")
    if done.returncode:
        result.problems += [line for line in lines if line.startswith(("FAILED", "ERROR"))] or [done.stderr[-300:]]
    if any(" skipped" in line for line in lines[-1:]):
        result.notes += [line for line in lines if line.startswith("SKIPPED")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make deploy-test ARGS=…", description=__doc__)
    parser.add_argument("--only", type=_names, default=[], metavar="STEP,…", help="these steps, and what they need")
    parser.add_argument("--list", action="store_true", help="only list the steps")
    parser.add_argument("--keep", action="store_true", help="leave everything standing until Ctrl-C")
    parser.add_argument("--kubeconfig", default="", help="a cluster that is there (or KUBECONFIG)")
    parser.add_argument("--address", default="", help="address of this machine as pods reach it; the node's otherwise")
    parser.add_argument("--no-images", action="store_true", help="the nodes have the images of an earlier run")
    parser.add_argument("--no-keda", action="store_true", help="leave out the step that needs KEDA")
    parser.add_argument(
        "--petitions", type=int, default=2000, help="filed under load at least, all four parts together"
    )
    parser.add_argument("--rate", type=float, default=6.0, help="petitions a second while something is disturbed")
    parser.add_argument("--backlog", type=int, default=20_000, help="events that wait for KEDA")
    parser.add_argument("--report", type=Path, default=ROOT / "var" / "deploy", help="folder of the report and logs")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name != LADDER and name not in STEPS]:
        raise argparse.ArgumentTypeError(f"no such step: {', '.join(unknown)}; there are: {LADDER}, {', '.join(STEPS)}")
    return names


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as reason:
        sys.exit(f"deploy-test: {reason}")
