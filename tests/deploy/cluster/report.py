"""The report of a run: JSON for machines and one page for people, written anew after each step."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Flask brings it along; it escapes what logs say.
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.deploy.cluster.rows import Result
from tests.fault.processes import ROOT

#: Columns of the ledger that are added up.
SUMS = (
    "acknowledged", "stored", "cases", "told", "found", "mails", "lost", "doubled", "handled", "redelivered",
    "duplicates", "stale", "gaps", "parked", "undocumented",
)  # fmt: skip


class Report:
    """What a run has come to until now.

    Args:
        folder: where ``report.json`` and ``report.html`` go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun, self._clock = datetime.now(UTC), time.monotonic()
        self.versions: dict[str, str] = {}
        self.images: dict[str, str] = {}

    @property
    def page(self) -> Path:
        """The page for people."""
        return self._folder / "report.html"

    def document(self, results: Sequence[Result]) -> dict[str, Any]:
        """Everything, as JSON."""
        steps = [result.document() for result in results]
        books = [step["books"] for step in steps if step["books"]]
        return {
            "begun": self._begun.strftime("%Y-%m-%d %H:%M UTC"),
            "seconds": round(time.monotonic() - self._clock, 1),
            "failed": sum(result.verdict == "failed" for result in results),
            "revision": _revision(),
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
            "versions": self.versions,
            "images": self.images,
            "sums": [sum(book[column] for book in books) for column in SUMS],
            "steps": steps,
        }

    def write(self, results: Sequence[Result]) -> None:
        """Write both."""
        report = self.document(results)
        text = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
        (self._folder / "report.json").write_text(text, encoding="utf-8")
        pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
        page = pages.get_template("page.html").render(report=report, failed=bool(report["failed"]))
        self.page.write_text(page, encoding="utf-8")


def _revision() -> str:
    words = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
