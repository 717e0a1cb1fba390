"""Unit: every test that docs/delivery.md names has a break, and every break can be made."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.breaks.table import ROOT, Break, breaks, named

BREAKS = breaks()


def base(test: str) -> str:
    """A node id without its parameters."""
    return test.partition("[")[0]


def test_every_test_of_the_table_has_a_break() -> None:
    assert len(named()) >= 50
    assert sorted(set(named()) - {base(test) for change in BREAKS for test in change.tests}) == []


def test_every_break_serves_a_test_of_the_table() -> None:
    assert sorted({base(test) for change in BREAKS for test in change.tests} - set(named())) == []
    assert [change.what for change in BREAKS if not change.tests] == []


@pytest.mark.parametrize("change", BREAKS, ids=[change.what for change in BREAKS])
def test_a_break_is_made_at_one_place_and_leaves_code(change: Break, tmp_path: Path) -> None:
    assert change.file.startswith("services/")
    copy = tmp_path / change.file
    copy.parent.mkdir(parents=True)
    was = (ROOT / change.file).read_text(encoding="utf-8")
    copy.write_text(was, encoding="utf-8")
    # It stands there exactly once.
    change.apply(tmp_path)
    assert ast.dump(ast.parse(copy.read_text(encoding="utf-8"))) != ast.dump(ast.parse(was))
