"""Unit: every promise that docs/delivery.md makes names its tests, and they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, str]:
    """The table below a heading: the second cell of each row by its first."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return {first.strip(): second.strip() for first, second, *_ in cells[1:]}


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_a_test() -> None:
    promises, shown = rows("What is promised"), rows("Which test shows it")
    assert len(promises) >= 12
    assert set(promises) - set(shown) == set()
    assert [promise for promise, tests in shown.items() if "::" not in tests] == []


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) >= 40
    found = {path: functions(ROOT / path) if (ROOT / path).exists() else set() for path, _ in named}
    assert [f"{path}::{name}" for path, name in named if name not in found[path]] == []
