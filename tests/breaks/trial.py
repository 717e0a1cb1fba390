"""Runs tests on a copy of the tree, broken or as it is, and tells what became of each."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from xml.etree import ElementTree

from tests.breaks.table import ROOT, Break

Verdict = Literal["seen", "NOT SEEN", "broken break", "fails anyway"]
#: How long one test may take with all its parts (s); pytest ends it long before.
LONGEST_S: Final = 400.0
#: How long all of them may take when nothing is broken (s).
LONGEST_UNBROKEN_S: Final = 5400.0
#: What a wrong break raises, not what a broken promise does.
_MISTAKE: Final = re.compile(
    r"(NameError|UnboundLocalError|AttributeError|TypeError|ImportError|ModuleNotFoundError|SyntaxError)\b"
)


@dataclass(frozen=True)
class Trial:
    """What became of one test under one break."""

    change: Break
    test: str
    verdict: Verdict
    seconds: float
    #: By what the test saw it, or why nothing can be said.
    reason: str = ""

    def document(self) -> dict[str, object]:
        """For a JSON file."""
        return {
            "test": self.test,
            "what": self.change.what,
            "file": self.change.file,
            "verdict": self.verdict,
            "seconds": round(self.seconds, 1),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class _Case:
    """One test as pytest reports it: "passed", "failed", "error" or "skipped"."""

    test: str
    outcome: str
    reason: str


class Stuck(Exception):
    """The tests did not end in time, or did not begin."""


def trial(change: Break, test: str) -> Trial:
    """Break a fresh copy and run one test in it."""
    begun = time.monotonic()
    with _copy() as copy:
        try:
            change.apply(copy)
            _require_copy(copy, change.module)
            verdict, reason = _judged(_run(copy, [test], LONGEST_S))
        except (ValueError, Stuck) as trouble:
            verdict, reason = "broken break", str(trouble)
    return Trial(change, test, verdict, time.monotonic() - begun, reason)


def failing_anyway(tests: Sequence[str]) -> dict[str, str]:
    """Run tests on a copy in which nothing is broken: those that do not pass, and why. They can show nothing."""
    with _copy() as copy:
        _require_copy(copy, "services")
        cases = _run(copy, tests, LONGEST_UNBROKEN_S)
    reasons = {}
    for test in tests:
        mine = [case for case in cases if case.test == test or case.test.startswith(f"{test}[")]
        bad = [case for case in mine if case.outcome != "passed"]
        if bad or not mine:
            reasons[test] = bad[0].reason if bad else "it did not run"
    return reasons


def _judged(cases: Sequence[_Case]) -> tuple[Verdict, str]:
    failed = [case for case in cases if case.outcome == "failed"]
    if failed:
        return "broken break" if _MISTAKE.match(failed[0].reason) else "seen", failed[0].reason
    odd = [case for case in cases if case.outcome != "passed"]
    if odd:
        return "broken break", odd[0].reason
    return "NOT SEEN", ""


@contextmanager
def _copy() -> Iterator[Path]:
    """A copy of what git knows of the tree, as it lies there now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory(prefix="breaks-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder).resolve() / "tree"
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        yield copy


def _environment(copy: Path) -> dict[str, str]:
    # The installed package is the tree itself: only a path that stands before it leads every process to the copy.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WENZHENG_", "PYTHON", "PYTEST"))}
    return kept | {"PYTHONPATH": str(copy), "CI": "1"}


def _require_copy(copy: Path, module: str) -> None:
    """See to it that a process which a test starts has the copy, and that what was changed can be imported.

    Raises:
        ValueError: it cannot.
    """
    code = f"import services; print(services.__file__); import {module}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copy.parent, env=_environment(copy), capture_output=True, text=True
    )
    if done.returncode:
        raise ValueError((done.stderr.strip().splitlines() or [f"{module} cannot be imported"])[-1])
    if done.stdout.strip() != str(copy / "services" / "__init__.py"):
        raise ValueError(f"a process of a test would import {done.stdout.strip()}")


def _run(copy: Path, tests: Sequence[str], seconds: float) -> list[_Case]:
    """Run tests in the copy.

    Raises:
        Stuck: they did not end in time, or none ran.
    """
    report = copy.parent / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    # By a signal a test that takes too long fails; by a thread, which is the usual way here, all of pytest would end.
    command += ["-o", "timeout_method=signal", f"--basetemp={copy.parent / 'tmp'}"]
    command += ["-x", *tests] if len(tests) == 1 else tests
    output = copy.parent / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=copy,
            env=_environment(copy),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Stuck(f"it did not end within {seconds:.0f} s") from None
    finally:
        # With what a killed test has left running; the session is its own.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    cases = [_case(element) for element in ElementTree.parse(report).iter("testcase")] if report.exists() else []
    if not cases:
        said = output.read_text(encoding="utf-8", errors="replace").split("\n")
        raise Stuck(f"no test ran: {next((line for line in said if line.startswith('ERROR')), said[-1])[:160]}")
    return cases


def _case(element: ElementTree.Element) -> _Case:
    test = f"{str(element.get('classname')).replace('.', '/')}.py::{element.get('name')}"
    for tag, outcome in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        found = element.find(tag)
        if found is not None:
            first = (found.get("message") or "").strip().partition("\n")[0]
            return _Case(test, outcome, first[:160])
    return _Case(test, "passed", "")
