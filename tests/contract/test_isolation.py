"""No service knows another: each imports, answers and drains in a tree where the other three are absent."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.parts import free_port, until

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("intake", "routing", "notify", "search")
SHARED = ("contracts", "chassis", "cli")


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tree(name: str, tmp_path: Path) -> Path:
    """A tree that has one service and what all share; it is what that service's image has."""
    services = tmp_path / "tree" / "services"
    services.mkdir(parents=True)
    shutil.copy(ROOT / "services" / "__init__.py", services)
    for part in (*SHARED, name):
        shutil.copytree(ROOT / "services" / part, services / part, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "tree"


def environment(tree: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("WENZHENG_", "PYTHON"))}
    return kept | {"PYTHONPATH": str(tree), "PYTHONWARNINGS": "ignore"} | more


def test_each_service_imports_alone(name: str, tree: Path) -> None:
    code = f"""
import importlib
for part in ("domain", "models", "store", "handlers", "settings", "commands", "web", "service"):
    module = importlib.import_module("services.{name}." + part)
    assert module.__file__.startswith({str(tree)!r}), module.__file__
for other in set({NAMES!r}) - {{{name!r}}}:
    try:
        importlib.import_module("services." + other)
    except ModuleNotFoundError:
        continue
    raise SystemExit(other + " is there")
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(tree), cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.broker
@pytest.mark.parametrize("role", ["web", "worker"])
def test_each_service_starts_alone_and_ends_when_told(name: str, role: str, tree: Path, broker: str) -> None:
    port = free_port()
    variables = {
        "WENZHENG_DATA_FOLDER": str(tree / "var"),
        "WENZHENG_BROKER_URL": broker,
        "WENZHENG_PORT" if role == "web" else "WENZHENG_WORKER_PORT": str(port),
    }
    log = tree / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", "from services.cli.main import main; main()", "run", name, "--role", role],
            env=environment(tree, **variables),
            cwd=tree,
            stdout=file,
            stderr=file,
        )
    try:

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                    return bool(answer.status == 200)
            except (urllib.error.URLError, OSError):
                return False

        until(ready, 40, f"{name} was not ready: {log.read_text()}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
