"""Runs the steps on a cluster, one after the other, shows how far it is, writes the report, takes everything down."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import amqp
import psycopg2
import requests
from rich.console import Console

from tests.deploy.cluster import steps  # noqa: F401 - declares them
from tests.deploy.cluster.ground import Chosen, Ground
from tests.deploy.cluster.report import Report
from tests.deploy.cluster.rows import STEPS, Result, Run
from tests.fault.processes import Failed

#: What a step may meet when something is worse off than it expected: a failure of the step, not of the run.
TROUBLE = (
    Failed, OSError, amqp.AMQPError, psycopg2.Error, requests.RequestException, RuntimeError, TimeoutError,
    subprocess.SubprocessError, KeyError,
)  # fmt: skip
#: Steps without which no other can be.
FIRST = "install"


class Runner:
    """One run.

    Args:
        console: shows what is done.
        report: is written after each step.
        folder: for logs.
    """

    def __init__(self, console: Console, report: Report, folder: Path) -> None:
        self._console, self._report, self._folder = console, report, folder
        self.results: list[Result] = []
        self._positions: dict[Path, int] = {}

    def do(self, name: str, title: str, what: Callable[[Result, Callable[[str], None]], None]) -> bool:
        """Do something as a step of its own: measured, shown, written down; True when it went well."""
        result = Result(name, title)
        self.results.append(result)
        live, begun = self._console.is_terminal, time.monotonic()

        def say(text: str) -> None:
            spent = time.monotonic() - begun
            if live:
                self._console.print(f"\r\x1b[2K  {name}: {text} ({spent:.0f} s)", end="", markup=False)
            else:
                self._console.print(f"  {name}: {text} ({spent:.0f} s)", markup=False)

        say(title)
        try:
            what(result, say)
        except TROUBLE as trouble:
            result.problems.append(str(trouble) or type(trouble).__name__)
        except KeyboardInterrupt:
            result.problems.append("broken off")
            raise
        finally:
            result.seconds, result.load = time.monotonic() - begun, round(os.getloadavg()[0], 1)
            if result.problems:
                result.verdict = "failed"
            self._report.write(self.results)
        books = result.books
        ledger = f", {books.acknowledged} filed, {books.lost} lost, {books.doubled} doubled" if books else ""
        colour = {"passed": "green", "failed": "red"}.get(result.verdict, "yellow")
        self._console.print(("\r\x1b[2K" if live else "") + f"{name:<10} ", end="", markup=False)
        self._console.print(f"[{colour}]{result.verdict:<8}[/]", end="")
        self._console.print(f"{result.seconds:6.1f} s  {title}{ledger}", markup=False)
        for problem in result.problems:
            self._console.print(f"           {problem}", style="red", markup=False)
        return result.verdict != "failed"

    def on_cluster(self, chosen: Chosen, only: Sequence[str]) -> None:
        """The steps that need a cluster."""
        ground = Ground(chosen, self._folder)
        try:
            raised = (
                self.do("cluster", "a cluster and an empty namespace", lambda r, s: ground.bring_up_cluster())
                and self.do(
                    "servers",
                    "RabbitMQ, PostgreSQL, PgBouncer, Elasticsearch, mail",
                    lambda r, s: self._servers(ground),
                )
                and self.do("images", "today's images and those of the next release", lambda r, s: self._images(ground))
            )
            if not raised:
                return
            for declared in STEPS.values():
                if only and declared.name not in (*only, FIRST):
                    continue
                well = self.do(declared.name, declared.title, self._in_hand(ground, declared.run))
                if not well and declared.name == FIRST:
                    return
        finally:
            self._console.print("taking everything down", style="dim")
            ground.close()

    def _servers(self, ground: Ground) -> None:
        ground.bring_up_servers()
        self._report.versions |= ground.servers.versions()
        self._report.versions["Kubernetes"] = str(ground.kube.get("/version").get("gitVersion", ""))

    def _images(self, ground: Ground) -> None:
        ground.bring_images()
        self._report.images |= ground.images.sizes

    def _in_hand(self, ground: Ground, step: Callable[[Run], None]) -> Callable[[Result, Callable[[str], None]], None]:
        return lambda result, say: step(Run(ground, result, self._positions, say))
