"""The command that runs every so often on one machine: once at a time, and a failure stops nothing."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from services.cli import recurring
from services.cli.recurring import Recurring


def child(program: str, every_s: float = 1_800.0) -> Recurring:
    return Recurring("the look", [sys.executable, "-c", program], {}, every_s=every_s)


def ended(one: Recurring) -> None:
    assert one.process is not None
    one.process.wait(20)


def test_it_waits_for_its_time_and_start_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = child("pass")
    one.start()
    one.look()
    assert one.process is None
    monkeypatch.setattr(recurring, "FIRST_S", 0.0)
    one.start()
    one.look()
    ended(one)


def test_it_never_runs_beside_itself_and_comes_again_at_its_time(tmp_path: Path) -> None:
    one = child(f"open({str(tmp_path / 'runs')!r}, 'a').write('x')", every_s=0.0)
    one.look()
    first = one.process
    one.look()
    assert one.process is first
    ended(one)
    one.look()
    assert one.process is not first
    ended(one)
    assert (tmp_path / "runs").read_text() == "xx"


def test_a_failure_is_told_and_tried_again_only_at_the_next_time(capfd: pytest.CaptureFixture[str]) -> None:
    one = child("raise SystemExit(3)")
    one.look()
    ended(one)
    one.look()
    assert one.process is None
    assert "the look failed (exit 3), tried again in 30 minutes" in capfd.readouterr().err


def test_it_is_stopped_with_the_others() -> None:
    one = child("import time; time.sleep(60)")
    one.look()
    began = time.monotonic()
    one.stop()
    assert one.process is not None and one.process.poll() is not None
    assert time.monotonic() - began < 20
