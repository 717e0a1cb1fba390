"""The exported AsyncAPI document is one that AsyncAPI's own parser reads, and it names every event."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.schemas import CLASSES
from tests.parts import absent

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    node = shutil.which("node")
    if node is None:
        absent("Node.js", "nodejs")
    if not (ROOT / "node_modules" / "@asyncapi" / "parser").is_dir():
        absent("AsyncAPI's parser", "npm (then: npm ci)")
    folder = tmp_path_factory.mktemp("reference")
    code = "from services.cli.main import main; main()"
    exported = subprocess.run(
        [sys.executable, "-c", code, "contracts", "export", str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert exported.returncode == 0, exported.stderr
    script = ROOT / "tests" / "contract" / "parse_asyncapi.mjs"
    read = subprocess.run([node, script, folder / "asyncapi.json"], cwd=ROOT, capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    return json.loads(read.stdout)


def test_the_parser_has_nothing_to_complain_of(parsed: Any) -> None:
    assert parsed["version"].startswith("3.")
    assert parsed["complaints"] == []


def test_every_event_is_in_the_document(parsed: Any) -> None:
    assert sorted(parsed["messages"]) == sorted(CLASSES)
